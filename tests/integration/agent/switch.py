"""The kill switch of an appliance under test, thrown from both ends, and what it says then."""

from typing import Any

from tests.integration.agent.bench import URL, Bench
from tests.integration.agent.waiting import CHECK
from wardline.agent import agent, doctor, freezing
from wardline.agent.uplink import Address
from wardline.core.evidence.bundle import IncidentRecord

WHY = "a template breaks the scanners"


def healing(bench: Bench) -> None:
    bench.central.healing = "heal"
    bench.check_in()


def drifted(bench: Bench) -> None:
    bench.drift()
    bench.observe(CHECK)
    bench.act()


def last(bench: Bench) -> IncidentRecord:
    bench.report()
    return bench.central.records(CHECK)[-1]


def decision(record: IncidentRecord) -> dict[str, Any]:
    assert record.decision is not None
    return dict(record.decision)


def freeze_here(bench: Bench, reason: str = WHY) -> None:
    """As `wardline agent freeze` does: over a connection of its own."""
    ledger = agent.open_ledger(bench.layout, bench.settings, bench.clock)
    try:
        freezing.freeze(ledger, "appliance:ada", reason)
    finally:
        ledger.database.close()


def unfreeze_here(bench: Bench) -> None:
    ledger = agent.open_ledger(bench.layout, bench.settings, bench.clock)
    try:
        freezing.unfreeze(ledger, "appliance:ada", "the template is gone")
    finally:
        ledger.database.close()


def frozen_line(bench: Bench) -> doctor.Line:
    lines = doctor.examine(
        bench.layout, bench.settings, lambda *_: bench.connect(Address(URL), None)
    )
    return next(one for one in lines if (one.topic, one.name) == ("mandate", "frozen"))


def freeze_at_central(bench: Bench) -> None:
    bench.central.mandates.freeze()
    bench.check_in()
