"""When a runbook may be promoted, and when it is demoted: at the threshold and right beside it."""

from datetime import UTC, datetime, timedelta

import pytest

from wardline.core.incidents import merit
from wardline.core.incidents.merit import Canary, Merit, Runs
from wardline.core.incidents.trial import End

NOW = datetime(2026, 11, 26, 9, 0, tzinfo=UTC)
WHOLE = merit.WEIGHT_WHOLE


def of(occurrences: int, by_l2: int, good: int, everything: int) -> Merit:
    return Merit(occurrences, by_l2, good * WHOLE, everything * WHOLE)


@pytest.mark.parametrize(
    ("found", "eligible"),
    [
        (of(5, 3, 5, 5), True),
        (of(10, 3, 9, 10), True),
        (of(4, 3, 5, 5), False),
        (of(5, 2, 5, 5), False),
        (of(10, 3, 8, 9), False),
        (of(5, 3, 0, 0), False),
    ],
)
def test_a_runbook_may_be_proposed_from_the_thresholds_on(found: Merit, eligible: bool) -> None:
    assert (merit.lacking(found) == ()) is eligible


def test_what_is_missing_is_said_in_words() -> None:
    assert merit.lacking(of(4, 2, 1, 2)) == (
        "4 of 5 incidents",
        "2 of 3 healed for good by an L2 plan",
        "50.0 % verified success, 90 % needed",
    )
    assert merit.lacking(of(0, 0, 0, 0))[-1] == "nothing measured, 90 % needed"


def test_a_trial_counts_half_after_a_month_and_nothing_beyond_the_horizon() -> None:
    def at(days: float) -> int:
        return merit.weight(timedelta(days=days))

    assert at(0) == at(0.9) == WHOLE
    assert at(merit.HALF_LIFE_DAYS) == WHOLE // 2
    assert at(merit.HORIZON_DAYS) == 0
    assert at(-3) == WHOLE, "an appliance whose clock runs ahead gains nothing"


def test_a_recent_failure_weighs_more_than_old_successes() -> None:
    """Nine of ten, but the nine are two months old: 9/4 of 13/4."""
    old = merit.weight(timedelta(days=60))
    assert merit.lacking(Merit(10, 9, 9 * old, 9 * old + WHOLE))


@pytest.mark.parametrize(
    ("runs", "over"),
    [
        (Runs(2, 2), False),
        (Runs(3, 1), True),
        (Runs(5, 1), False),
        (Runs(6, 2), True),
        (Runs(10, 2), False),
        (Runs(1, 1, 1), True),
        (Runs(), False),
    ],
)
def test_more_than_a_fifth_of_three_runs_ends_it_and_one_in_the_canary(
    runs: Runs, over: bool
) -> None:
    assert (merit.ending(runs) is not None) is over


def test_what_comes_after_the_end_does_not_bring_it_back() -> None:
    """One of three is the end; of the six that there are in the end it would be one."""
    ends = [End.STABLE, End.FAILED, End.UNPROVED, End.STABLE, End.STABLE, End.STABLE, End.STABLE]
    assert merit.ended_at((end, False) for end in ends) == (
        3,
        "1 of 3 runs failed or did not last, more than 20 %",
    )
    assert merit.ended_at((end, False) for end in ends if not end.bad) is None
    assert merit.ended_at([(End.STABLE, True), (End.RECURRED, True)]) is not None


def test_a_canary_is_passed_after_its_time_and_a_proof() -> None:
    soon, over = NOW - merit.CANARY + timedelta(seconds=1), NOW - merit.CANARY
    assert not Canary(soon, 4).passed(NOW)
    assert Canary(over, 1).passed(NOW)
    assert not Canary(over, 0).passed(NOW)
    assert not Canary(over, 0).idle(NOW)
    assert Canary(NOW - merit.CANARY_MAX, 0).idle(NOW)


def test_what_has_become_bad_does_not_live_on_what_it_was() -> None:
    history = [(End.STABLE, False)] * 500
    assert merit.ended_at([*history, *[(End.FAILED, False)] * 4]) is None
    assert merit.ended_at([*history, *[(End.RECURRED, False)] * 5]) == (
        504,
        "5 of 20 last runs failed or did not last, more than 20 %",
    )


def test_what_is_cut_off_is_counted_and_never_judged_anew() -> None:
    newest = [(End.RECURRED, False), *[(End.STABLE, False)] * 2]
    assert merit.ended_at(newest) is not None
    assert merit.ended_at(newest, Runs(10_000, 7)) is None
    assert merit.ended_at(newest, Runs(10, 2)) == (
        0,
        "3 of 11 runs failed or did not last, more than 20 %",
    )
    long = [(End.STABLE, False)] * merit.RECENT_RUNS + [(End.FAILED, False)] * 5
    assert merit.ended_at(long, Runs(10_000, 7)) == (
        24,
        "5 of 20 last runs failed or did not last, more than 20 %",
    )
