"""A person at the appliance picks one of several sound repairs, without a Central that answers."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.harness import product
from tests.integration.agent.bench import Bench
from wardline.agent import incident_commands
from wardline.agent.incident_commands import NoSuchChoice, PickReasonNeeded, PickUnanswered
from wardline.agent.store import incidents, orders, picks
from wardline.core.incidents.incident import Incident
from wardline.core.incidents.states import State

CHECK = "time_sync"
UNITS = "usr/lib/systemd/system"
INSTALLED = {
    f"{UNITS}/chrony.service": "[Install]\nWantedBy=multi-user.target\n",
    f"{UNITS}/systemd-timesyncd.service": "[Install]\nWantedBy=sysinit.target\n",
    "etc/chrony/chrony.conf": "pool 2.debian.pool.ntp.org iburst\n",
}


@pytest.fixture
def ticket(bench: Bench) -> Incident:
    """Of two daemons neither is enabled."""
    bench.central.healing = "heal"
    bench.check_in()
    for path, text in INSTALLED.items():
        (bench.tree / path).parent.mkdir(parents=True, exist_ok=True)
        (bench.tree / path).write_text(text)
    bench.observe(CHECK)
    bench.act()
    with bench.agent.ledger.reading() as tx:
        (found,) = incidents.open_ones(tx, State.ESCALATED)
    return found


def now(bench: Bench, one: Incident) -> Incident:
    with bench.agent.ledger.reading() as tx:
        found = incidents.get(tx, one.id)
    assert found is not None
    return found


@contextmanager
def acting(bench: Bench) -> Iterator[None]:
    """The agent turns beside, as one that runs."""
    over = threading.Event()

    def turns() -> None:
        while not over.is_set():
            bench.act()
            time.sleep(0.05)

    beside = threading.Thread(target=turns)
    beside.start()
    try:
        yield
    finally:
        over.set()
        beside.join()


def test_a_person_at_the_appliance_sees_the_choices_and_picks_one(
    bench: Bench, ticket: Incident
) -> None:
    here = ("--appliance", "--data", bench.layout.root)
    told = json.loads(product.run("incidents", "show", ticket.id, "--json", *here).stdout)
    assert [one["words"] for one in told["choices"]] == [
        "chrony keeps the clock",
        "systemd-timesyncd keeps the clock",
    ]
    shown = product.run("incidents", "show", ticket.id, *here).stdout
    assert "2. systemd-timesyncd keeps the clock (time_sync.enable)" in shown
    with acting(bench):
        ended = product.run(
            *("incidents", "choose", ticket.id, "2", "--reason", "as at our other site", *here)
        )
    assert "succeeded (healed)" in ended.stdout
    healed = now(bench, ticket)
    assert (healed.state, healed.level) == (State.HEALED, "L3")
    assert healed.decision is not None
    assert healed.decision["choice"]["words"] == "systemd-timesyncd keeps the clock"
    order = healed.decision["order"]
    assert order["by"]["userId"].startswith("appliance:")
    assert (order["reason"], order["approvalId"]) == ("as at our other site", None)
    with bench.agent.ledger.reading() as tx:
        assert orders.count_untold(tx) == 0, "Central gave no such order, and hears of none"
        assert orders.to_tell(tx, 10) == []


def test_what_no_agent_takes_up_is_taken_back(bench: Bench, ticket: Incident) -> None:
    with pytest.raises(PickUnanswered, match="nothing was changed"):
        incident_commands.picked(bench.layout, ticket.id, 1, "now", 0)
    bench.act()
    assert now(bench, ticket) == ticket


def test_a_pick_that_came_too_late_is_not_carried_out(bench: Bench, ticket: Incident) -> None:
    order_id = incident_commands._want(bench.agent.ledger, ticket.id, 1, "now")
    bench.clock.sleep(picks.WANTED)
    bench.act()
    with bench.agent.ledger.reading() as tx:
        ended = picks.end_of(tx, order_id)
    assert ended is not None
    assert (ended.state, ended.code) == ("expired", "expired")
    assert now(bench, ticket).state is State.ESCALATED


def test_a_pick_needs_a_reason_and_a_choice_that_is_there(bench: Bench, ticket: Incident) -> None:
    with pytest.raises(PickReasonNeeded):
        incident_commands.picked(bench.layout, ticket.id, 1, "  ", 0)
    for number in (0, 3):
        with pytest.raises(NoSuchChoice):
            incident_commands.picked(bench.layout, ticket.id, number, "why", 0)


def test_a_row_that_somebody_wrote_to_is_not_believed(bench: Bench, ticket: Incident) -> None:
    order_id = incident_commands._want(bench.agent.ledger, ticket.id, 1, "now")
    with bench.agent.ledger.transaction() as tx:
        tx.execute("UPDATE orders SET picked = '{}' WHERE id = ?", (order_id,))
    bench.act()
    with bench.agent.ledger.reading() as tx:
        ended = picks.end_of(tx, order_id)
    assert ended is not None
    assert ended.state == "failed"
    assert now(bench, ticket).state is State.ESCALATED
