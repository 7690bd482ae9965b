"""A file with a secret in it that was repaired, and what a test of undoing it says and asks."""

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.harness import ordering
from tests.integration.agent.bench import Bench
from wardline.agent import run_commands
from wardline.agent.store import holds, undos
from wardline.core.evidence.bundle import IncidentRecord, IncidentState
from wardline.core.orders import UndoRun

CHECK = "kernel_sysctl"
BOOK = "kernel_sysctl.apply"
FILE, DROP_IN = Path("etc/sysctl.conf"), Path("etc/sysctl.d/zz-wardline.conf")
BEFORE = "kernel.kptr_restrict = 0 # password: hunter2hunter2\n"


@pytest.fixture
def healed(bench: Bench) -> Bench:
    """A file with a secret in it, repaired unasked."""
    (bench.tree / FILE).write_text(BEFORE)
    (bench.tree / FILE).chmod(0o640)
    bench.central.healing = "heal"
    bench.check_in()
    bench.observe(CHECK)
    bench.act()
    assert last(bench).state is IncidentState.HEALED
    assert content(bench) != BEFORE
    return bench


def content(bench: Bench) -> str:
    return (bench.tree / FILE).read_text()


def last(bench: Bench) -> IncidentRecord:
    bench.report()
    record: IncidentRecord = bench.central.records(CHECK)[-1]
    return record


def order(bench: Bench, **changes: Any) -> str:
    """An order to undo the run of the last record, carried out and reported."""
    record = last(bench)
    assert record.decision is not None
    assert record.runbook is not None
    run_id = record.decision["run"]["id"]
    body = {
        "run_id": run_id, "incident_id": record.incident_id, "check": CHECK,
        "runbook_id": record.runbook.id, **changes,
    }  # fmt: skip
    now = bench.clock()
    given = ordering.issue(
        bench.central,
        ordering.order(
            bench.central,
            UndoRun(**body),
            bench.host.id,
            reason="it broke the EHR",
            issued_at=now,
            expires_at=now + undos.WANTED,
        ),
    )
    bench.report()
    bench.act()
    bench.report()
    return given


def ended(bench: Bench, order_id: str) -> tuple[str, str]:
    return bench.central.orders.last(order_id)


def held(bench: Bench) -> list[holds.Hold]:
    with bench.agent.ledger.reading() as tx:
        return holds.active(tx)


def kept(bench: Bench) -> undos.Kept:
    with bench.agent.ledger.reading() as tx:
        (one,) = undos.newest(tx)
    return one


def typed(bench: Bench, *words: str) -> str:
    """What a command wrote; raises what it ended with."""
    arguments = [*words, "--data", str(bench.layout.root)]
    result = CliRunner().invoke(run_commands.app, arguments, catch_exceptions=False)
    return result.stdout
