"""Many orders under kills of the agent and a Central that cuts, repeats and forgets to listen.

Each is executed at most once, counted by real changes on the trees, and each ends in a named state.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.fault.flow.mortal import RULE, Mortal, Tree
from tests.harness import ordering
from tests.harness.fake_central import FakeCentral, problem
from tests.harness.loopback import serving
from tests.harness.wire import HttpRelay, Trap, When
from tests.integration.agent.bench import BAD_MODE, GOOD_MODE
from wardline.core import orders
from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import IncidentRecord, IncidentState
from wardline.core.orders import Status

ORDERS, HOSTS, SECONDS_MAX = 40, 20, 420.0
ORDERS_FULL, HOSTS_FULL, SECONDS_FULL = 1000, 60, 3600.0
TICK_S = 0.05


@dataclass(slots=True)
class Place:
    """A tree, and the orders that were given for it."""

    tree: Tree
    latest: IncidentRecord | None = None
    latest_seq: int = 0
    ordered_at_seq: int = 0
    order_id: str | None = None


@dataclass(slots=True)
class Clinic:
    """The faked Central behind a relay that cuts, one agent, and what a person does."""

    agent: Mortal
    central: FakeCentral
    relay: HttpRelay
    draw: random.Random
    wanted: int
    places: list[Place] = field(default_factory=list)
    asked: int = 0
    read: int = 0
    issued: list[str] = field(default_factory=list)
    troubles: Counter[str] = field(default_factory=Counter)

    def open(self, hosts: int) -> None:
        self.agent.enrol(self.relay.url, self.central.token, hosts)
        self.places = [Place(tree) for tree in self.agent.trees]

    def misbehave(self) -> None:
        """The line or Central fails somewhere, or hands out what it has handed out before."""
        what = self.draw.randrange(4)
        if what == 0:
            when = self.draw.choice([When.BEFORE, When.HALF])
            self.relay.watch(Trap(self.draw.randrange(6), when, lambda: None))
            self.troubles["line"] += 1
        elif what == 1:
            refused = problem(503, "restarting")
            with self.central.lock:
                # One at a time: what nobody asks for would wait and be asked all at once.
                self.central.odd[:] = [lambda name, _: refused if "orders" in name else None]
            self.troubles["central"] += 1
        elif what == 2 and self.issued:
            again = self.central.orders.wires[self.draw.choice(self.issued)]
            with self.central.lock:
                self.central.orders.throw(again)
        else:
            with self.central.lock:
                self.central.orders.expire_leases()

    def follow(self) -> None:
        """Read what Central was told, and do what a person would."""
        with self.central.lock:
            new = self.central.stored[self.read :]
            self.read += len(new)
        by_host = {place.tree.host_id: place for place in self.places}
        for one in new:
            for record in one.bundle.incidents:
                place = by_host[one.bundle.host_id or ""]
                place.latest, place.latest_seq = record, one.bundle.seq
        for place in self.places:
            self._attend(place)

    def _attend(self, place: Place) -> None:
        """Drift, approve, and drift again; what has become a person's is mended by hand."""
        record = place.latest
        if place.order_id is not None:
            if self.central.orders.status[place.order_id] not in orders.FINAL:
                return
            place.order_id = None
        if record is None or record.closed_at is not None:
            if place.tree.mode == GOOD_MODE and len(self.issued) < self.wanted:
                place.tree.set_mode(BAD_MODE)
        elif record.state is IncidentState.ESCALATED:
            place.tree.set_mode(GOOD_MODE)
        elif record.state is IncidentState.WAITING and place.latest_seq > place.ordered_at_seq:
            if len(self.issued) < self.wanted:
                with self.central.lock:
                    made = ordering.run_order(self.central, record, place.tree.host_id)
                    place.order_id = ordering.issue(self.central, made)
                self.issued.append(place.order_id)
                place.ordered_at_seq = place.latest_seq

    def unfinished(self) -> list[str]:
        found = self.central.orders.status.items()
        return [name for name, status in found if status not in orders.FINAL]

    def run(self, seconds: float) -> None:
        deadline, trouble_at = time.monotonic() + seconds, 0.0
        while len(self.issued) < self.wanted or self.unfinished():
            assert time.monotonic() < deadline, (
                f"{len(self.issued)} orders given, {len(self.unfinished())} unfinished;"
                f" {dict(self.agent.killed)}"
            )
            self.agent.live()
            if time.monotonic() >= trouble_at:
                self.misbehave()
                trouble_at = time.monotonic() + self.draw.uniform(1.0, 4.0)
            self.follow()
            time.sleep(TICK_S)

    def settle(self) -> None:
        """One life in peace, until everything sealed is at Central."""
        self.agent.kill("in the end")
        self.agent.bury()
        self.relay.watch()
        with self.central.lock:
            self.central.odd.clear()
        self.asked = len(self.central.requests)
        self.agent.start()
        deadline, last = time.monotonic() + 60, -1
        while last != len(self.central.stored) or not self._told():
            assert time.monotonic() < deadline, "it never came to rest"
            last = len(self.central.stored)
            time.sleep(3)
        self.agent.stop()

    def _told(self) -> bool:
        """Whether the last check-in of this life said that nothing is queued."""
        asked = self.central.requests[self.asked :]
        said = [sent for name, sent in asked if name == "/checkin"]
        return len(said) > 1 and bool(said[-1]["queue"]["pending"] == 0)


def _clinic(folder: Path, seed: int, hosts: int, wanted: int) -> Iterator[Clinic]:
    central = FakeCentral(healing="heal")
    ordering.change_rule(central, RULE, approval=ordering.APPROVAL, autoExecute=False)
    with serving(central) as url:
        relay = HttpRelay(int(url.rsplit(":", 1)[1]))
        draw = random.Random(seed)
        made = Clinic(Mortal(folder, draw), central, relay, draw, wanted)
        try:
            made.open(hosts)
            yield made
        finally:
            made.agent.close()
            relay.close()


@pytest.fixture
def clinic(tmp_path: Path, seed: int) -> Iterator[Clinic]:
    yield from _clinic(tmp_path, seed, HOSTS, ORDERS)


@pytest.fixture
def large_clinic(tmp_path: Path, seed: int) -> Iterator[Clinic]:
    yield from _clinic(tmp_path, seed, HOSTS_FULL, ORDERS_FULL)


def test_orders_run_at_most_once_and_end_by_name_under_kills(clinic: Clinic) -> None:
    clinic.run(SECONDS_MAX)
    _check(clinic)


@pytest.mark.full
def test_a_thousand_orders_run_at_most_once_and_end_by_name(large_clinic: Clinic) -> None:
    large_clinic.run(SECONDS_FULL)
    _check(large_clinic)


def _check(clinic: Clinic) -> None:
    clinic.settle()
    central = clinic.central
    ends = {name: central.orders.last(name) for name in clinic.issued}
    told = Counter(ends.values())
    effects = clinic.agent.effects()
    print(
        f"{dict(told)}; {sum(effects.values())} changes; {dict(clinic.agent.killed)};"
        f" {dict(clinic.troubles)}"
    )
    assert clinic.agent.killed["agent"] >= 3, "too few kills to say anything"
    assert len(clinic.issued) == clinic.wanted
    assert set(central.orders.status.values()) <= {Status.SUCCEEDED, Status.FAILED}
    assert set(effects) <= set(clinic.issued), "a change that no order asked for"
    assert max(effects.values()) == 1
    healed = [name for name, end in ends.items() if end == ("succeeded", "healed")]
    assert all(effects[name] == 1 for name in healed)
    assert len(healed) > clinic.wanted // 4
    records = [one for kept in central.stored for one in kept.bundle.incidents]
    proofs = Counter(
        record.decision["order"]["id"]
        for record in records
        if record.state is IncidentState.HEALED and record.decision is not None
    )
    assert proofs == Counter(healed)
    prev = bundle.NO_PREV
    for seq, one in enumerate(central.stored, 1):
        assert (one.bundle.seq, one.bundle.prev) == (seq, prev)
        prev = bundle.chain_hash(bundle.PAYLOAD_TYPE, one.envelope.payload)
