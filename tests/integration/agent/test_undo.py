"""Undo after success, from the kept before-state to the hold: by an order, and on the appliance."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.harness import ordering
from tests.integration.agent.bench import Bench
from tests.integration.agent.undone import (
    BEFORE,
    BOOK,
    CHECK,
    DROP_IN,
    FILE,
    content,
    ended,
    healed,
    held,
    kept,
    last,
    order,
    typed,
)
from wardline.agent import agent, run_commands
from wardline.agent.run_commands import UndoReasonNeeded, UndoUnanswered
from wardline.agent.runbooks import restoring
from wardline.agent.store import undos
from wardline.agent.store.undos import State
from wardline.agent.undoing import CannotUndo
from wardline.core.errors import NotFound
from wardline.core.evidence.bundle import IncidentState
from wardline.core.evidence.watch import WatchEnd
from wardline.core.orders import UndoRun

__all__ = ["healed"]


def test_an_order_puts_the_file_back_holds_its_runbook_and_is_told_as_it_was(
    healed: Bench,
) -> None:
    bench = healed
    (sealed,) = (bench.layout.root / "undo").iterdir()
    assert sealed.stat().st_mode & 0o777 == 0o600
    assert b"hunter2" not in sealed.read_bytes()
    given = order(bench)
    assert ended(bench, given) == ("succeeded", "undone")
    assert (content(bench), (bench.tree / FILE).stat().st_mode & 0o777) == (BEFORE, 0o640)
    record = last(bench)
    assert (record.state, record.closed_at) == (IncidentState.ESCALATED, None)
    assert record.watch is not None
    assert record.watch.ended is WatchEnd.UNDONE
    assert record.after is not None
    assert record.after.outcome == "fail"
    assert [(one.type, one.target, one.changed) for one in record.actions] == [
        *(("undo", f"/{FILE}", True), ("undo", f"/{DROP_IN}", True))
    ]
    assert not (bench.tree / DROP_IN).exists()
    assert "+kernel.kptr_restrict = 0 # password: [secret:" in record.actions[0].diff
    assert record.decision is not None
    told = record.decision["undo"]
    assert (told["by"], told["order"], told["state"]) == (ordering.ADA.user_id, given, "undone")
    assert told["reason"] == "it broke the EHR"
    report = bench.central.orders.reports[given][-1]
    assert any(one.bundle.seq == report["seq"] for one in bench.central.stored)
    (hold,) = held(bench)
    assert (hold.check, hold.runbook_id, hold.incident_id) == (CHECK, BOOK, record.incident_id)
    assert hold.set_by == ordering.ADA.user_id
    assert "Ada had kernel_sysctl.apply undone: it broke the EHR" in hold.reason
    assert bench.central.holds[-1]["runbook_id"] == BOOK
    # Nothing repeats it, not after a restart either; a second order finds it done.
    bench.restart()
    bench.observe(CHECK)
    bench.act()
    assert content(bench) == BEFORE
    again = ordering.order(
        bench.central,
        UndoRun(told["run"], record.incident_id, CHECK, BOOK),
        bench.host.id,
    )
    ordering.issue(bench.central, again)
    bench.report()
    bench.act()
    bench.report()
    assert ended(bench, again.id) == ("succeeded", "already_undone")
    cleared_and_repaired_again(bench)


def test_what_somebody_edited_since_is_refused_with_its_diff_and_stays_healed(
    healed: Bench,
) -> None:
    bench = healed
    with (bench.tree / FILE).open("a") as file:
        file.write("vm.swappiness = 10\n")
    edited = content(bench)
    for _ in range(2):
        given = order(bench)
        assert ended(bench, given) == ("failed", "undo_refused")
        detail = bench.central.orders.reports[given][-1]["detail"]
        assert f"/{FILE}: is not as the run left it" in detail
        record = last(bench)
        assert (content(bench), record.state) == (edited, IncidentState.HEALED)
        (found,) = [one for one in record.actions if one.type == "undo"]
        assert (found.dry_run, found.changed) == (True, False)
        assert "+vm.swappiness = 10" in found.diff
        assert record.decision is not None
        assert record.decision["undo"]["state"] == "refused"
        assert record.decision["verdict"] == "run"
    assert held(bench) == []


def test_a_run_is_undone_after_its_heal_was_stable_and_while_everything_is_frozen(
    healed: Bench,
) -> None:
    bench = healed
    bench.clock.sleep(undos.WANTED * 2)
    bench.observe(CHECK)
    assert last(bench).state is IncidentState.STABLE
    bench.central.mandates.freeze()
    bench.report()
    given = order(bench)
    assert ended(bench, given) == ("succeeded", "undone")
    record = last(bench)
    assert record.state is IncidentState.ESCALATED
    assert record.watch is not None
    assert record.watch.ended is WatchEnd.UNDONE
    with bench.agent.ledger.reading() as tx:
        (heal,) = tx.rows("SELECT ended FROM heals")
        stats = tx.row("SELECT success_count, l3_count FROM pattern_stats")
    assert heal["ended"] == "undone"
    assert stats is not None
    assert tuple(stats) == (0, 1)


def test_an_order_for_another_run_changes_nothing(healed: Bench) -> None:
    bench = healed
    for changes in (
        {"run_id": "run_" + "0" * 26},
        {"incident_id": "inc_" + "0" * 26},
        {"runbook_id": "ssh_config.harden"},
    ):
        assert ended(bench, order(bench, **changes)) == ("failed", "no_such_run")
    assert content(bench) != BEFORE


def test_what_is_no_longer_kept_or_was_tampered_with_is_not_undone(healed: Bench) -> None:
    bench = healed
    (sealed,) = (bench.layout.root / "undo").iterdir()
    whole = sealed.read_bytes()
    sealed.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert ended(bench, order(bench)) == ("failed", "undo_refused")
    sealed.write_bytes(whole)
    bench.clock.sleep(undos.KEPT)
    bench.act()
    assert not sealed.exists()
    assert "30 days" in str(kept(bench).gone)
    assert ended(bench, order(bench)) == ("failed", "undo_refused")
    assert content(bench) != BEFORE


def test_an_undo_that_was_cut_off_is_told_and_can_be_done_again(
    healed: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = healed

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(restoring, "restore", killed)
        with pytest.raises(KeyboardInterrupt):
            order(bench)
    bench.restart()
    bench.act()
    record = last(bench)
    (name,) = bench.central.orders.reports
    assert ended(bench, name) == ("failed", "interrupted")
    assert record.decision is not None
    assert record.decision["undo"]["state"] == "interrupted"
    assert (record.state, kept(bench).undone_at) == (IncidentState.ESCALATED, None)
    again = ordering.order(
        bench.central, UndoRun(kept(bench).run_id, record.incident_id, CHECK, BOOK), bench.host.id
    )
    ordering.issue(bench.central, again)
    bench.report()
    bench.act()
    bench.report()
    assert ended(bench, again.id) == ("succeeded", "undone")
    assert content(bench) == BEFORE


def test_a_person_at_the_appliance_undoes_a_run_without_an_agent_and_without_central(
    healed: Bench,
) -> None:
    bench = healed
    run_id = kept(bench).run_id
    bench.close()
    (found,) = json.loads(typed(bench, "list", "--json"))["runs"]
    assert (found["id"], found["result"], found["gone"]) == (run_id, "healed", None)
    assert run_id in typed(bench, "list")
    shown = typed(bench, "show", run_id)
    assert "-kernel.kptr_restrict = 2" in shown
    assert "hunter2" not in shown
    with pytest.raises(UndoReasonNeeded):
        typed(bench, "undo", run_id, "--reason", "  ")
    with pytest.raises(NotFound):
        typed(bench, "undo", "run_x", "--reason", "why")
    done = typed(bench, "undo", run_id, "--reason", "it broke the EHR")
    assert done.startswith("undone: everything is as it was before the run")
    assert content(bench) == BEFORE
    with pytest.raises(CannotUndo, match="it was undone at"):
        typed(bench, "undo", run_id, "--reason", "again")
    assert "it broke the EHR" in typed(bench, "show", run_id)
    bench.agent = bench.open()
    record = last(bench)
    assert record.state is IncidentState.ESCALATED
    assert record.decision is not None
    assert record.decision["undo"]["by"].startswith("appliance:")
    (hold,) = held(bench)
    assert hold.runbook_id == BOOK
    assert str(hold.set_by).startswith("appliance:")


def test_an_agent_that_runs_takes_up_what_is_wanted_in_time(healed: Bench) -> None:
    bench = healed
    run_id = kept(bench).run_id
    late = _want(bench, run_id)
    bench.clock.sleep(undos.WANTED * 1.1)
    bench.act()
    assert _state(bench, late) is State.EXPIRED
    assert content(bench) != BEFORE
    wanted = _want(bench, run_id)
    bench.act()
    assert _state(bench, wanted) is State.UNDONE
    assert content(bench) == BEFORE


def test_what_no_agent_takes_up_is_taken_back_and_what_is_refused_is_shown(
    healed: Bench,
) -> None:
    bench = healed
    run_id = kept(bench).run_id
    undo = ("undo", run_id, "--reason", "it broke the EHR", "--wait", "1")
    with agent.alone(bench.layout), pytest.raises(UndoUnanswered, match="nothing was changed"):
        typed(bench, *undo)
    bench.act()
    assert content(bench) != BEFORE
    (bench.tree / FILE).write_text("mine\n")
    result = CliRunner().invoke(run_commands.app, [*undo, "--data", str(bench.layout.root)])
    assert isinstance(result.exception, CannotUndo)
    assert "+mine" in result.stdout


def cleared_and_repaired_again(bench: Bench) -> None:
    # A person clears the hold, and the drift is repaired again.
    ordering.issue(bench.central, ordering.clear_order(bench.central, bench.central.holds[-1]))
    bench.report()
    bench.act()
    assert content(bench) != BEFORE
    assert last(bench).state is IncidentState.HEALED


def _want(bench: Bench, run_id: str) -> str:
    wish = undos.Wish(
        *("undo_" + str(bench.clock()), run_id, "appliance:root", "appliance:root", "why", None),
        bench.clock(),
    )
    with bench.agent.ledger.transaction() as tx:
        undos.want(tx, wish)
    return wish.id


def _state(bench: Bench, wish_id: str) -> State:
    with bench.agent.ledger.reading() as tx:
        found = undos.wished(tx, wish_id)
    assert found is not None
    return found.state
