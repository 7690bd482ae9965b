"""Flap suppression from the first heal to the clear: set once, told, cleared, and judged anew."""

import json
import subprocess
import sys
from datetime import timedelta

import pytest

from tests.harness import ordering
from tests.harness.fake_central import on, problem
from tests.integration.agent.bench import BAD_MODE, GOOD_MODE, URL, Bench
from wardline.agent import clearing, doctor
from wardline.agent.store import holds
from wardline.agent.store.holds import Hold
from wardline.agent.uplink import Address
from wardline.core.errors import Conflict, NotFound
from wardline.core.evidence.bundle import IncidentState
from wardline.core.orders import ClearHold, Order

CHECK = "file_permissions"
BOOK = "file_permissions.restore"
BETWEEN = timedelta(minutes=20)


def flap(bench: Bench, times: int = 3) -> None:
    """So many drifts, each healed, and one more, which is now."""
    bench.clock.offset -= (times + 1) * BETWEEN
    bench.central.healing = "heal"
    bench.check_in()
    for _ in range(times):
        drift(bench)
        assert bench.mode == GOOD_MODE
    drift(bench)


def drift(bench: Bench) -> None:
    """What was healed before has lasted through its watch."""
    bench.clock.sleep(BETWEEN)
    bench.observe(CHECK)
    bench.drift()
    bench.observe(CHECK)
    bench.act()


def active(bench: Bench) -> list[Hold]:
    with bench.agent.ledger.reading() as tx:
        return holds.active(tx)


def states(bench: Bench) -> list[IncidentState]:
    bench.report()
    return [one.state for one in bench.central.records(CHECK)]


def stats(bench: Bench) -> tuple[int, ...]:
    """Total, L1, L2, L3, success."""
    with bench.agent.ledger.reading() as tx:
        rows = tx.rows("SELECT * FROM pattern_stats")
    assert len(rows) == 1
    assert not rows[0]["promotion_eligible"]
    names = ("total_count", "l1_count", "l2_count", "l3_count", "success_count")
    return tuple(rows[0][name] for name in names)


def test_two_heals_are_no_flap(bench: Bench) -> None:
    flap(bench, times=2)
    assert bench.mode == GOOD_MODE
    assert active(bench) == []


def test_heals_that_lie_too_far_apart_are_no_flap(bench: Bench) -> None:
    bench.central.healing = "heal"
    bench.check_in()
    for _ in range(5):
        bench.clock.sleep(timedelta(minutes=45))
        drift(bench)
        assert bench.mode == GOOD_MODE
    assert active(bench) == []


def test_a_flap_sets_one_hold_and_one_ticket_and_is_told_to_central(bench: Bench) -> None:
    flap(bench)
    (hold,) = active(bench)
    assert bench.mode == BAD_MODE
    assert states(bench)[-1] is IncidentState.ESCALATED
    told = bench.central.holds
    assert [(one["check"], one["runbook_id"], one["cleared_at"]) for one in told] == [
        (CHECK, BOOK, None)
    ]
    assert told[0]["incident_id"] == hold.incident_id
    assert hold.incident_id == bench.central.records(CHECK)[-1].incident_id
    bench.report()
    assert bench.central.holds == told


def test_a_central_that_was_set_back_hears_of_the_holds_again(bench: Bench) -> None:
    flap(bench)
    bench.report()
    told, bench.central.holds = bench.central.holds, []
    bench.central.forget_after(1)
    bench.report()
    bench.report()
    assert bench.central.holds == told


def test_a_later_drift_under_the_same_hold_waits_and_is_no_second_ticket(bench: Bench) -> None:
    flap(bench)
    (bench.tree / "etc/passwd").chmod(GOOD_MODE)
    bench.observe(CHECK)
    bench.restart()
    drift(bench)
    assert bench.mode == BAD_MODE
    told = states(bench)
    assert told.count(IncidentState.ESCALATED) == 1
    last = bench.central.records(CHECK)[-1]
    assert last.state is IncidentState.OPEN
    assert last.decision is not None
    assert last.decision["code"] == "hold"
    assert len(active(bench)) == 1
    bench.clock.offset += timedelta(days=2)
    bench.act()
    assert states(bench) == told


def test_a_cleared_hold_reopens_its_incident_which_heals_and_is_not_held_at_once(
    bench: Bench,
) -> None:
    flap(bench)
    assert stats(bench) == (4, 3, 0, 1, 3)
    (hold,) = active(bench)
    order = ordering.issue(bench.central, _clear(bench))
    bench.report()
    bench.act()
    assert bench.mode == GOOD_MODE
    bench.report()
    assert bench.central.orders.last(order) == ("succeeded", "cleared")
    *_, escalated, reopened, healed = bench.central.records(CHECK)
    assert [one.state for one in (escalated, reopened, healed)] == [
        *(IncidentState.ESCALATED, IncidentState.OPEN, IncidentState.HEALED)
    ]
    assert {one.incident_id for one in (escalated, reopened, healed)} == {hold.incident_id}
    assert reopened.decision is not None
    assert reopened.decision["hold"]["clearedBy"] == ordering.ADA.user_id
    assert reopened.decision["hold"]["reason"] == "found the rival"
    report = bench.central.orders.reports[order][-1]
    telling = next(one for one in bench.central.stored if one.bundle.seq == report["seq"])
    assert telling.bundle.incidents == (reopened,)
    assert stats(bench) == (4, 4, 0, 0, 4)
    assert bench.central.holds[-1]["cleared_by"] == ordering.ADA.user_id
    assert bench.central.holds[-1]["clear_reason"] == "found the rival"
    for _ in range(2):
        drift(bench)
        assert bench.mode == GOOD_MODE
    assert active(bench) == []
    drift(bench)
    assert bench.mode == BAD_MODE
    assert len(active(bench)) == 1


def _clear(bench: Bench, **changes: object) -> Order:
    bench.check_in()
    return ordering.clear_order(bench.central, bench.central.holds[-1], **changes)


def test_a_clear_is_evidence_also_where_the_drift_has_gone_away(bench: Bench) -> None:
    flap(bench)
    (bench.tree / "etc/passwd").chmod(GOOD_MODE)
    bench.observe(CHECK)
    ordering.issue(bench.central, _clear(bench))
    bench.report()
    bench.act()
    bench.report()
    last = bench.central.records(CHECK)[-1]
    assert last.state is IncidentState.RESOLVED
    assert last.decision is not None
    assert last.decision["hold"]["reason"] == "found the rival"
    assert active(bench) == []


def test_clearing_twice_and_what_was_never_set_end_by_name(bench: Bench) -> None:
    flap(bench)
    first, second = _clear(bench), _clear(bench)
    never = ordering.order(
        bench.central,
        ClearHold(CHECK, BOOK, bench.clock() - timedelta(days=3)),
        bench.host.id,
    )
    for one in (first, second, never):
        ordering.issue(bench.central, one)
    bench.report()
    bench.act()
    bench.report()
    last = bench.central.orders.last
    assert last(first.id) == ("succeeded", "cleared")
    assert last(second.id) == ("succeeded", "already_cleared")
    assert last(never.id) == ("failed", "no_such_hold")


def test_a_change_that_central_did_not_answer_for_is_told_again(bench: Bench) -> None:
    flap(bench)
    bench.central.odd.append(on("/checkin", problem(503, "later")))
    bench.check_in()
    assert bench.central.holds == []
    bench.check_in()
    assert len(bench.central.holds) == 1
    with bench.agent.ledger.transaction() as tx:
        told = holds.to_report(tx, 10)
        assert told == []
        (hold,) = holds.active(tx)
        # It changes while a check-in with it is under way: the answer is not about the change.
        holds.clear(tx, hold.id, "user_1", "why", bench.clock())
        holds.reported(tx, [hold])
        assert [one.id for one in holds.to_report(tx, 10)] == [hold.id]


def test_a_hold_is_cleared_on_the_appliance_itself_while_its_agent_runs(bench: Bench) -> None:
    flap(bench)
    (hold,) = active(bench)
    shown = _command(bench, "list", "--json")
    assert [one["id"] for one in json.loads(shown.stdout)["holds"]] == [hold.id]
    assert _command(bench, "clear", str(hold.id)).returncode == 64
    refused = _command(bench, "clear", str(hold.id), "--reason", "  ")
    assert refused.returncode == 1
    assert "--reason" in refused.stderr
    done = _command(bench, "clear", str(hold.id), "--reason", "found the rival")
    assert done.returncode == 0, done.stderr
    assert json.loads(_command(bench, "list", "--json").stdout)["holds"] == []
    bench.act()
    assert bench.mode == GOOD_MODE
    assert states(bench)[-2:] == [IncidentState.OPEN, IncidentState.HEALED]
    reopened = bench.central.records(CHECK)[-2]
    assert reopened.decision is not None
    assert reopened.decision["hold"]["clearedBy"].startswith("appliance:")
    again = _command(bench, "clear", str(hold.id), "--reason", "once more")
    assert again.returncode == 1
    assert "already" in again.stderr


def _command(bench: Bench, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [
            *(sys.executable, "-m", "wardline.agent", "holds", *arguments),
            *("--data", str(bench.layout.root)),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_clearing_needs_a_hold_and_a_reason(bench: Bench) -> None:
    flap(bench)
    (hold,) = active(bench)
    ledger = bench.agent.ledger
    with pytest.raises(NotFound):
        clearing.clear(ledger, hold.id + 1, "appliance:ada", "why")
    with pytest.raises(clearing.ReasonNeeded):
        clearing.clear(ledger, hold.id, "appliance:ada", "x" * 1001)
    assert clearing.clear(ledger, hold.id, "appliance:ada", "why").cleared_by == "appliance:ada"
    with pytest.raises(Conflict, match="appliance:ada"):
        clearing.clear(ledger, hold.id, "appliance:ada", "why")


def test_an_escalated_drift_that_goes_away_is_resolved_without_an_outcome(bench: Bench) -> None:
    flap(bench)
    (bench.tree / "etc/passwd").chmod(GOOD_MODE)
    bench.observe(CHECK)
    assert states(bench)[-1] is IncidentState.RESOLVED
    last = bench.central.records(CHECK)[-1]
    assert (last.outcome, last.resolution_level) == (None, "L3")
    assert stats(bench) == (4, 3, 0, 1, 3)


def test_a_failed_run_that_is_then_escalated_counts_once(bench: Bench) -> None:
    bench.central.healing = "heal"
    bench.check_in()
    member = next(iter(bench.agent.roster))
    member.host.chmod = lambda path, mode, found: None  # type: ignore[method-assign]
    drift(bench)
    assert states(bench)[-1] is IncidentState.FAILED
    with bench.agent.ledger.reading() as tx:
        assert tx.rows("SELECT * FROM pattern_stats") == []
    bench.act()
    assert states(bench)[-1] is IncidentState.ESCALATED
    assert stats(bench) == (1, 0, 0, 1, 0)


def test_doctor_names_holds_with_what_ends_them_and_orders_that_wait(bench: Bench) -> None:
    flap(bench)
    (hold,) = active(bench)
    ordering.issue(bench.central, _clear(bench))
    bench.report()
    lines = doctor.examine(
        bench.layout, bench.settings, lambda *_: bench.connect(Address(URL), None)
    )
    told = {(line.topic, line.name): line.value for line in lines}
    assert f"holds clear {hold.id}" in told["holds", f"hold {hold.id}"]
    assert told["orders", "here"] == "1 waiting, 0 running, 0 to be told to Central"
