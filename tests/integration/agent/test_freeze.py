"""The kill switch on the appliance: Central's and its own, kept, obeyed at once, told and lifted."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.harness import ordering
from tests.harness.fake_central import on, problem
from tests.integration.agent.bench import BAD_MODE, GOOD_MODE, URL, Bench
from tests.integration.agent.waiting import CHECK, RULE, carried_out, detail, given, waiting
from wardline.agent import agent, doctor, freezing
from wardline.agent.store import facts, runs
from wardline.agent.uplink import Address
from wardline.core.errors import Conflict, NotFound
from wardline.core.evidence.bundle import IncidentRecord, IncidentState
from wardline.core.mandate import Reach

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


@pytest.mark.parametrize("reach", [Reach.SITE, Reach.PARTNER])
def test_a_freeze_comes_with_the_check_in_stops_everything_and_is_confirmed_by_the_next(
    bench: Bench, reach: Reach
) -> None:
    healing(bench)
    freeze_id = bench.central.mandates.freeze(reach, WHY)
    bench.check_in()
    assert bench.central.mandates.obeyed == []
    drifted(bench)
    assert bench.mode == BAD_MODE
    record = last(bench)
    assert record.state is IncidentState.OPEN
    told = decision(record)
    assert (told["verdict"], told["code"], told["reason"]) == ("block", "freeze", "Frozen")
    assert told["trace"][0]["detail"] == (
        f"the {reach} is frozen since 2026-11-25T10:00:00.000Z by Mia: {WHY}"
    )
    assert bench.central.mandates.obeyed == [freeze_id]


def test_what_confirms_a_freeze_does_not_wait_for_the_next_minute(bench: Bench) -> None:
    healing(bench)
    assert bench.agent.reporter.turn() > 2.0
    bench.central.mandates.freeze()
    bench.check_in()
    assert bench.agent.reporter.turn() <= 2.0
    bench.check_in()
    assert bench.agent.reporter.turn() > 2.0


def test_a_lifted_freeze_lets_what_waited_be_repaired(bench: Bench) -> None:
    healing(bench)
    bench.central.mandates.freeze()
    bench.check_in()
    drifted(bench)
    bench.central.mandates.lift()
    bench.check_in()
    bench.act()
    assert bench.mode == GOOD_MODE
    assert last(bench).state is IncidentState.HEALED
    assert bench.central.mandates.obeyed == []


def test_a_freeze_survives_restarts_and_a_line_that_is_gone(bench: Bench) -> None:
    healing(bench)
    bench.central.mandates.freeze()
    bench.check_in()
    bench.restart()
    bench.central.odd = [on("/checkin", problem(503, "away"))] * 3
    assert not bench.check_in()
    drifted(bench)
    bench.restart()
    bench.act()
    assert bench.mode == BAD_MODE
    bench.central.odd = []
    assert decision(last(bench))["code"] == "freeze"


def test_a_policy_that_is_refused_keeps_no_freeze_out(bench: Bench) -> None:
    """The one thing that must come through when everything else is wrong."""
    healing(bench)
    bench.central.mandates.freeze()
    bench.central.revision += 1
    bench.central.rules.append({"id": "nonsense"})
    bench.check_in()
    assert "policy_refused" in bench.alarms()
    drifted(bench)
    assert bench.mode == BAD_MODE
    assert decision(last(bench))["code"] == "freeze"


def test_a_person_at_the_appliance_freezes_it_without_a_line_and_central_hears(
    bench: Bench,
) -> None:
    healing(bench)
    bench.central.odd = [on("/checkin", problem(503, "away"))] * 2
    freeze_here(bench)
    drifted(bench)
    assert bench.mode == BAD_MODE
    assert frozen_line(bench).value.endswith(f"by appliance:ada: {WHY}")
    bench.central.odd = []
    assert decision(last(bench))["code"] == "freeze"
    (told,) = bench.central.mandates.local
    assert (told["frozen_by"], told["reason"], told["lifted_at"]) == ("appliance:ada", WHY, None)
    unfreeze_here(bench)
    bench.act()
    assert bench.mode == GOOD_MODE
    bench.report()
    ended = bench.central.mandates.local[-1]
    assert (ended["frozen_at"], ended["lifted_by"]) == (told["frozen_at"], "appliance:ada")
    assert ended["lift_reason"] == "the template is gone"
    heard = len(bench.central.mandates.local)
    bench.report()
    assert len(bench.central.mandates.local) == heard


def test_what_central_did_not_answer_for_is_told_again(bench: Bench) -> None:
    healing(bench)
    freeze_here(bench)
    bench.central.odd = [on("/checkin", problem(503, "away"))]
    assert not bench.check_in()
    assert bench.central.mandates.local == []
    assert bench.check_in()
    assert len(bench.central.mandates.local) == 1


def test_neither_lifts_what_the_other_froze(bench: Bench) -> None:
    healing(bench)
    bench.central.mandates.freeze()
    freeze_here(bench)
    bench.check_in()
    drifted(bench)
    bench.central.mandates.lift()
    bench.check_in()
    bench.act()
    assert bench.mode == BAD_MODE
    bench.central.mandates.freeze()
    bench.check_in()
    unfreeze_here(bench)
    bench.act()
    assert bench.mode == BAD_MODE
    assert frozen_line(bench).value.startswith("the site is frozen")
    bench.central.mandates.lift()
    bench.check_in()
    bench.act()
    assert bench.mode == GOOD_MODE
    assert frozen_line(bench).value == "no"


def test_freezing_needs_a_reason_and_happens_once(bench: Bench) -> None:
    ledger = bench.agent.ledger
    for reason in ("", "  ", "x" * 1001):
        with pytest.raises(freezing.FreezeUnexplained):
            freezing.freeze(ledger, "appliance:ada", reason)
    with pytest.raises(NotFound):
        freezing.unfreeze(ledger, "appliance:ada", "")
    assert freezing.freeze(ledger, "appliance:ada", WHY).lifted_at is None
    with pytest.raises(Conflict, match="appliance:ada"):
        freezing.freeze(ledger, "appliance:bob", "once more")
    assert freezing.unfreeze(ledger, "appliance:bob", "").lifted_by == "appliance:bob"
    with pytest.raises(NotFound):
        freezing.unfreeze(ledger, "appliance:ada", "")


def two_drifts(bench: Bench) -> None:
    """Two files that one run puts right in two steps."""
    bench.drift()
    (bench.tree / "etc/group").chmod(BAD_MODE)
    bench.observe(CHECK)


def modes(bench: Bench) -> list[int]:
    return [(bench.tree / "etc" / name).stat().st_mode & 0o777 for name in ("group", "passwd")]


def in_the_middle(bench: Bench, happens: Callable[[], None]) -> list[str]:
    """Let it happen behind the first change that a run makes; every path that is changed."""
    host, changed = next(iter(bench.agent_roster)).host, list[str]()
    change = host.chmod

    def chmod(path: str, mode: int) -> None:
        change(path, mode)
        changed.append(path)
        if len(changed) == 1:
            happens()

    host.chmod = chmod  # type: ignore[method-assign]
    return changed


def freeze_at_central(bench: Bench) -> None:
    bench.central.mandates.freeze()
    bench.check_in()


@pytest.mark.parametrize("freeze", [freeze_here, freeze_at_central])
def test_a_run_in_progress_ends_its_step_is_undone_and_says_that_it_was_frozen(
    bench: Bench, freeze: Callable[[Bench], None]
) -> None:
    healing(bench)
    changed = in_the_middle(bench, lambda: freeze(bench))
    two_drifts(bench)
    bench.act()
    assert len(changed) == 2
    assert changed[0] == changed[1]
    assert modes(bench) == [BAD_MODE, BAD_MODE]
    stopped = last(bench)
    assert (stopped.state, stopped.outcome) == (IncidentState.OPEN, None)
    assert stopped.after is not None
    assert stopped.after.outcome.value == "fail"
    first, said = stopped.actions
    assert (first.changed, first.undone, first.dry_run) == (True, True, False)
    assert (said.type, said.changed) == ("frozen", False)
    assert "is frozen since" in (said.error or "")
    with bench.agent.ledger.reading() as tx:
        (run,) = runs.since(tx, bench.clock() - timedelta(days=1))
    assert run.ended


def test_after_the_lift_the_stopped_run_is_not_held_against_its_runbook(bench: Bench) -> None:
    healing(bench)
    in_the_middle(bench, lambda: freeze_here(bench))
    two_drifts(bench)
    bench.act()
    bench.act()
    assert decision(last(bench))["code"] == "freeze"
    unfreeze_here(bench)
    bench.act()
    assert modes(bench) == [GOOD_MODE, GOOD_MODE]
    assert last(bench).state is IncidentState.HEALED


def test_a_freeze_behind_the_last_step_changes_nothing_of_a_run_that_is_over(
    bench: Bench,
) -> None:
    healing(bench)
    in_the_middle(bench, lambda: freeze_here(bench))
    drifted(bench)
    assert bench.mode == GOOD_MODE
    assert last(bench).state is IncidentState.HEALED


def test_an_order_whose_run_is_frozen_in_the_middle_ends_by_that_name(bench: Bench) -> None:
    (bench.tree / "etc/group").chmod(BAD_MODE)
    order = waiting(bench)
    in_the_middle(bench, lambda: freeze_here(bench))
    assert given(bench, order) == ("failed", "frozen")
    assert "everything that it had changed is undone" in detail(bench, order)
    assert modes(bench) == [BAD_MODE, BAD_MODE]


@pytest.mark.parametrize("freeze", [freeze_here, freeze_at_central])
def test_an_order_that_was_leased_and_not_begun_ends_by_the_policys_name(
    bench: Bench, freeze: Callable[[Bench], None]
) -> None:
    order = waiting(bench)
    ordering.issue(bench.central, order)
    bench.report()
    freeze(bench)
    bench.act()
    bench.report()
    assert bench.central.orders.last(order.id) == ("failed", "freeze")
    assert "is frozen since" in detail(bench, order)
    assert bench.mode == BAD_MODE


def test_a_hold_can_be_cleared_while_everything_is_frozen(bench: Bench) -> None:
    bench.central.healing = "heal"
    bench.check_in()
    for _ in range(4):
        drifted(bench)
    bench.check_in()
    freeze_here(bench)
    order = ordering.clear_order(bench.central, bench.central.holds[-1])
    ordering.issue(bench.central, order)
    carried_out(bench)
    assert bench.central.orders.last(order.id) == ("succeeded", "cleared")
    assert bench.mode == BAD_MODE


@pytest.mark.parametrize(
    "changes",
    [
        lambda bench: {"revision": 0},
        lambda bench: {"site_id": bench.central.site.replace("0", "1")},
        lambda bench: {"appliance_id": bench.central.appliance.replace("0", "1")},
    ],
)
def test_an_older_or_foreign_mandate_lifts_nothing(
    bench: Bench, changes: Callable[[Bench], dict[str, Any]]
) -> None:
    healing(bench)
    bench.central.mandates.freeze()
    bench.check_in()
    bench.central.mandates.freezes.clear()
    true = bench.central.mandates.wire
    wrong = true(bench.central, **changes(bench))
    object.__setattr__(bench.central.mandates, "wire", lambda central: wrong)
    with bench.agent.ledger.transaction() as tx:
        facts.drop(tx, facts.Name.ETAG)
    bench.check_in()
    assert "mandate_refused" in bench.alarms()
    drifted(bench)
    assert bench.mode == BAD_MODE


def test_a_mandate_that_another_key_signed_lifts_nothing(bench: Bench) -> None:
    healing(bench)
    bench.central.mandates.freeze()
    bench.check_in()
    bench.central.mandates.lift()
    key = bench.central.keys
    forged = replace(bench.central, orders=bench.central.orders)
    assert forged.keys != key
    wrong = bench.central.mandates.wire(forged)
    object.__setattr__(bench.central.mandates, "wire", lambda central: wrong)
    bench.check_in()
    assert "mandate_refused" in bench.alarms()
    drifted(bench)
    assert bench.mode == BAD_MODE


def test_a_stored_mandate_that_was_tampered_with_stops_everything_until_central_sends_another(
    bench: Bench,
) -> None:
    healing(bench)
    with bench.agent.ledger.transaction() as tx:
        tx.execute("UPDATE mandates SET envelope = replace(envelope, 'a', 'b'), digest = 'x'")
    drifted(bench)
    assert bench.mode == BAD_MODE
    assert "mandate_refused" in bench.alarms()
    bench.check_in()
    assert "mandate_refused" not in bench.alarms()
    bench.act()
    assert bench.mode == GOOD_MODE


def test_an_appliance_with_no_share_of_a_limit_runs_nothing_and_says_why(bench: Bench) -> None:
    ordering.change_rule(bench.central, RULE, limits={"maxRunsPerSitePerHour": 1})
    bench.central.mandates.split(1, 2)
    healing(bench)
    drifted(bench)
    assert bench.mode == BAD_MODE
    told = decision(last(bench))
    assert told["code"] == "limit_exceeded"
    (limits,) = [step for step in told["trace"] if step["check"] == "limits"]
    assert "1 of 0 (the share of appliance 2 of 2" in limits["detail"]
    bench.central.mandates.split(0, 2)
    bench.check_in()
    bench.act()
    assert bench.mode == GOOD_MODE


def test_a_store_that_comes_back_from_a_copy_is_frozen_again_at_its_check_in(
    bench: Bench,
) -> None:
    healing(bench)
    bench.agent.close()
    backup = bench.folder / "backup"
    shutil.copytree(bench.layout.root, backup)
    bench.agent = bench.open()
    bench.central.mandates.freeze()
    bench.check_in()
    bench.agent.close()
    shutil.rmtree(bench.layout.root)
    shutil.copytree(backup, bench.layout.root)
    bench.agent = bench.open()
    bench.check_in()
    drifted(bench)
    assert bench.mode == BAD_MODE
