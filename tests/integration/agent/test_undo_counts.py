"""What an undo counts against: the run that it names, whatever incident tells of it."""

import pytest

from tests.integration.agent.bench import Bench
from tests.integration.agent.undone import (
    BEFORE,
    CHECK,
    DROP_IN,
    FILE,
    content,
    ended,
    healed,
    kept,
    last,
    order,
)
from wardline.agent.hosts.host import Failed
from wardline.agent.hosts.tree import TreeHost
from wardline.agent.store import undos
from wardline.core.evidence.bundle import IncidentState
from wardline.core.evidence.watch import WatchEnd

__all__ = ["healed"]


def test_an_undo_is_held_against_its_own_run_whatever_incident_tells_of_it(healed: Bench) -> None:
    bench = healed
    first = last(bench)
    bench.clock.sleep(undos.WANTED * 2)
    bench.observe(CHECK)
    assert last(bench).state is IncidentState.STABLE
    (bench.tree / FILE).write_text(BEFORE)
    bench.observe(CHECK)
    bench.act()
    second = last(bench)
    assert (second.state, second.incident_id == first.incident_id) == (IncidentState.HEALED, False)
    assert first.decision is not None
    assert second.decision is not None
    runs = [first.decision["runId"], second.decision["runId"]]
    given = order(bench, run_id=runs[0], incident_id=first.incident_id)
    assert ended(bench, given) == ("succeeded", "undone")
    told, own = bench.central.records(CHECK)[-2:]
    assert (told.incident_id, told.state) == (second.incident_id, IncidentState.ESCALATED)
    assert told.watch is not None
    assert told.watch.ended is WatchEnd.UNPROVED
    assert (own.incident_id, own.state) == (first.incident_id, IncidentState.STABLE)
    assert told.decision is not None
    assert own.decision is not None
    assert told.decision["undo"] == own.decision["undo"]
    assert told.decision["undo"]["run"] == runs[0]
    with bench.agent.ledger.reading() as tx:
        tried = tx.rows("SELECT run_id, result, ended_at FROM attempts ORDER BY started_at")
        heals = tx.rows("SELECT run_id, ended FROM heals ORDER BY healed_at")
        stats = tx.row("SELECT success_count, l3_count FROM pattern_stats")
    assert [tuple(row)[:2] for row in tried] == [(runs[0], "undone"), (runs[1], "unproved")]
    assert tried[0]["ended_at"] == told.decision["undo"]["at"], "counted when it was undone"
    assert [tuple(row) for row in heals] == [(runs[0], "undone"), (runs[1], "unproved")]
    assert stats is not None
    assert tuple(stats) == (0, 1)


def test_a_heal_that_came_after_the_run_is_not_undone_with_it(healed: Bench) -> None:
    bench = healed
    first = last(bench)
    (bench.tree / FILE).write_text(BEFORE)
    bench.observe(CHECK)
    bench.act()
    again = last(bench)
    assert (again.incident_id, again.state) == (first.incident_id, IncidentState.HEALED)
    assert first.decision is not None
    given = order(bench, run_id=first.decision["runId"])
    assert ended(bench, given) == ("succeeded", "undone")
    record = last(bench)
    assert record.watch is not None
    assert (record.watch.number, record.watch.ended) == (2, WatchEnd.UNPROVED)
    with bench.agent.ledger.reading() as tx:
        tried = tx.rows("SELECT result FROM attempts ORDER BY started_at, run_id")
    assert [row["result"] for row in tried] == ["undone", "unproved"]


def test_an_undo_that_left_something_counts_against_what_the_run_went_by(
    healed: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = healed

    def full(_: TreeHost, path: str) -> None:
        raise Failed(path, "the disk is broken")

    with monkeypatch.context() as patch:
        patch.setattr(TreeHost, "remove", full)
        given = order(bench)
    assert content(bench) == BEFORE
    assert (bench.tree / DROP_IN).exists()
    assert ended(bench, given) == ("failed", "left_by_hand")
    with bench.agent.ledger.reading() as tx:
        (tried,) = tx.rows("SELECT result, ended_at FROM attempts")
    record = last(bench)
    assert record.decision is not None
    assert tuple(tried) == ("undone", record.decision["undo"]["at"])
    assert kept(bench).undone_at is None, "it can be tried again"
