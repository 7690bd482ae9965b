"""Runs and orders that a freeze meets: ended between two steps, undone, and told as what they were."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.harness import ordering
from tests.integration.agent.bench import BAD_MODE, GOOD_MODE, Bench
from tests.integration.agent.switch import (
    decision,
    drifted,
    freeze_at_central,
    freeze_here,
    healing,
    last,
    unfreeze_here,
)
from tests.integration.agent.waiting import CHECK, carried_out, detail, given, waiting
from wardline.agent.hosts.host import Failed, Stat
from wardline.agent.store import runs
from wardline.core.evidence.bundle import IncidentState


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

    def chmod(path: str, mode: int, found: Stat) -> None:
        change(path, mode, found)
        changed.append(path)
        if len(changed) == 1:
            happens()

    host.chmod = chmod  # type: ignore[method-assign]
    return changed


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


def test_what_could_not_be_put_back_is_a_persons_though_the_check_passes(bench: Bench) -> None:
    """The second file is put right by somebody else meanwhile, and the first by half a run."""
    healing(bench)
    host = next(iter(bench.agent_roster)).host

    def stuck(path: str, mode: int, found: Stat) -> None:
        raise Failed(path, "the disk is read-only now")

    def happens() -> None:
        freeze_here(bench)
        for name in ("group", "passwd"):
            (bench.tree / "etc" / name).chmod(GOOD_MODE)
        host.chmod = stuck  # type: ignore[method-assign]

    in_the_middle(bench, happens)
    two_drifts(bench)
    bench.act()
    told = last(bench)
    assert told.after is not None
    assert told.after.outcome.value == "pass"
    assert (told.state, told.actions[0].undone) == (IncidentState.ESCALATED, False)
    assert modes(bench) == [GOOD_MODE, GOOD_MODE]


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
