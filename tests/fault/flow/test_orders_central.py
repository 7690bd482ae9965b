"""Orders from approvals at a real Central, while both sides and the database are killed.

The line is cut as well, and some orders are taken back or left to expire. Each is executed at most
once, counted by real changes on the trees, and each ends in a named state.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fault.flow import siege
from tests.fault.flow.mortal import Mortal
from tests.fault.flow.siege import AGENT_DEATHS, CENTRAL_NAMES, Form, Siege
from tests.harness import outbox, product
from tests.harness.person import Person, Row
from tests.harness.wire import HttpRelay
from wardline.core import orders
from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import IncidentState
from wardline.core.orders import Status

# Seconds until what was handed out and not heard of is handed out again.
LEASE_S = 3
SHORT = Form(
    orders=15, hosts=8, between=(2, 4), lifetime_s=10, taken_back_every=4, seconds_max=600.0
)
LONG = Form(
    orders=1000, hosts=24, between=(8, 20), lifetime_s=60, taken_back_every=10, seconds_max=7200.0
)


def _siege(folder: Path, seed: int, form: Form) -> Iterator[Siege]:
    with ExitStack() as ends:
        pace = siege.slowness()
        lifetime_s = max(form.lifetime_s, round(SHORT.lifetime_s * pace))
        times = ("--order-lifetime-s", str(lifetime_s), "--order-lease-s", str(LEASE_S))
        central = product.Central(folder, *times, as_usual=True)
        ends.callback(central.stop)
        central.start()
        owner = central.owner()
        ends.callback(owner.close)
        relay = HttpRelay(central.port)
        ends.callback(relay.close)
        draw = random.Random(seed)
        agent = Mortal(folder, draw, adapts=True)
        ends.callback(agent.close)
        zone = {"zone": "Europe/Berlin", "opening_hours": []}
        site = str(owner.post("/sites", {"name": "Orders", **zone})["id"])
        person = Person(owner, site, form.taken_back_every)
        made = Siege(form, pace, central, person, relay, agent, draw)
        made.open()
        yield made


@pytest.fixture
def short_siege(tmp_path: Path, seed: int) -> Iterator[Siege]:
    yield from _siege(tmp_path, seed, SHORT)


@pytest.fixture
def long_siege(tmp_path: Path, seed: int) -> Iterator[Siege]:
    yield from _siege(tmp_path, seed, LONG)


def test_orders_of_a_real_central_run_at_most_once_and_end_by_name(short_siege: Siege) -> None:
    _check(short_siege)


@pytest.mark.full
def test_a_thousand_orders_of_a_real_central_end_by_name(long_siege: Siege) -> None:
    _check(long_siege)


def _check(place: Siege) -> None:
    began = time.monotonic()
    place.run()
    ran = time.monotonic()
    given = place.settle()
    effects = place.agent.effects()
    ends = Counter((row["status"], row["code"]) for row in given.values())
    print(f"{len(given)} orders: {dict(ends)}; {sum(effects.values())} changes")
    print(
        f"{dict(place.agent.killed)}; {dict(place.troubles)}; {place.away} times away, pace {place.pace:.1f}"
    )
    print(f"leases: {dict(Counter(row['leases'] for row in given.values()))}")
    print(f"{ran - began:.1f} s under siege, {time.monotonic() - ran:.1f} s until it rested")
    assert len(given) >= place.form.orders
    assert {row["status"] for row in given.values()} <= orders.FINAL
    assert effects.keys() <= given.keys(), "a change that no order asked for"
    assert max(effects.values()) == 1
    healed = {name for name, row in given.items() if row["code"] == "healed"}
    assert all(effects[name] == 1 for name in healed)
    never = {Status.CANCELLED, Status.EXPIRED, Status.LOST}
    assert not [name for name in effects if given[name]["status"] in never]
    assert len(healed) >= place.form.orders // 4
    _check_trouble(place, given)
    _check_evidence(place, given, healed | effects.keys())


def _check_trouble(place: Siege, given: dict[str, Row]) -> None:
    """That it was one: both sides were killed, orders were handed out again, taken back, and left
    to expire."""
    seen = {row["status"] for row in given.values()}
    assert {Status.SUCCEEDED, Status.CANCELLED, Status.EXPIRED} <= seen
    assert place.away > 0
    assert max(row["leases"] for row in given.values()) > 1
    assert place.agent.killed["agent"] >= AGENT_DEATHS
    assert all(place.troubles[name] for name in ("line", *CENTRAL_NAMES))


def _check_evidence(place: Siege, given: dict[str, Row], executed: set[str]) -> None:
    """One bundle of the verified log tells how each executed order ended: the one that Central
    names."""
    stream = outbox.check_stream(place.agent.store)
    assert {one.state for one in stream} == {outbox.ACKNOWLEDGED}
    logged = place.central.log_of(place.person.site, place.agent.data, 0)
    told: dict[str, list[int]] = {}
    for one in logged:
        for record in bundle.parse(one.envelope.payload).incidents:
            order = (record.decision or {}).get("order")
            if order is not None and record.state is not IncidentState.ESCALATED:
                told.setdefault(order["id"], []).append(one.index)
    assert executed <= told.keys() <= given.keys()
    assert {name: given[name]["log_index"] for name in told} == {
        name: only for name, (only,) in told.items()
    }
