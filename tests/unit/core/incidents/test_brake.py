"""When a version is stopped, and when the circuit breaker of a drift opens."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardline.core.incidents import brake, breaker
from wardline.core.incidents.brake import Count, Ran
from wardline.core.incidents.breaker import Breaker

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def ran(*hours: float, wrong: bool = True) -> list[Ran]:
    return [Ran(NOW - timedelta(hours=each), wrong) for each in hours]


@pytest.mark.parametrize(
    ("runs", "stopped"),
    [
        ([], False),
        (ran(1, 2), False),
        (ran(1, 2, 24.9), True),
        (ran(1, 2, 25.1), False),
        # However late it is told, three at once are three at once.
        (ran(100, 101, 102), True),
        (ran(1) + ran(2, 3, 4, 5, wrong=False), False),
        (ran(1, 30) + ran(2, 3, 4, wrong=False), True),
        (ran(1, 30) + ran(2, 3, wrong=False), False),
        (ran(1, 30) + ran(*range(2, 10), wrong=False), False),
        (ran(1, 30) + ran(*range(2, 9), wrong=False), True),
        (ran(*range(50), wrong=False), False),
    ],
)
def test_a_version_is_stopped_by_three_failures_in_a_day_or_by_more_than_a_fifth(
    runs: list[Ran], stopped: bool
) -> None:
    assert brake.stops(brake.count(runs)) is stopped


@given(st.lists(st.tuples(st.integers(0, 100_000), st.booleans()), max_size=40))
def test_the_worst_day_is_the_one_that_counting_from_every_failure_finds(
    drawn: list[tuple[int, bool]],
) -> None:
    runs = [Ran(NOW - timedelta(seconds=at * 10), wrong) for at, wrong in drawn]
    wrong = [one.at for one in runs if one.wrong]
    worst = max(
        (sum(end - brake.FAILED_WITHIN <= at <= end for at in wrong) for end in wrong), default=0
    )
    assert brake.count(runs) == Count(worst, len(wrong), len(runs))


def test_every_result_either_counts_or_says_nothing_of_what_ran() -> None:
    assert set(brake.Result) - brake.COUNTED == {brake.Result.STOPPED, brake.Result.NOTHING}


@given(
    st.integers(1, 200),
    st.integers(1, 7 * 1440),
    st.floats(0.5, 86_400),
)
def test_a_breaker_that_settings_let_through_opens_for_attempts_at_the_slowest_pace(
    attempts: int, window_minutes: int, interval_s: float
) -> None:
    one = Breaker(attempts, window_minutes)
    if not one.reachable(interval_s):
        return
    slowest = timedelta(seconds=interval_s * 1.1 + 10)
    started = [NOW - slowest * number for number in range(attempts)]
    assert one.opens(started, NOW, interval_s)
    assert not one.opens(started[1:], NOW, interval_s)


def test_an_open_breaker_follows_the_clock_that_nobody_sets() -> None:
    until = NOW + timedelta(minutes=30)
    half = timedelta(minutes=15)
    assert breaker.left(NOW, until, NOW + timedelta(days=3), half) == half
    assert breaker.left(NOW, until, NOW - timedelta(days=3), half) == half
    # After a reboot the wall clock is all there is, and never counts for more than there was.
    assert breaker.left(NOW, until, NOW + half, None) == half
    assert breaker.left(NOW, until, NOW - timedelta(days=3), None) == timedelta(minutes=30)
