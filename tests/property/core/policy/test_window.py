"""Windows against brute force: every minute around both clock changes of five zones."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from wardline.core.policy import window
from wardline.core.policy.rule import Window

# Zones with the evenings before their two changes of 2026; Lord Howe shifts by half an hour,
# Kathmandu never changes and is 5:45 ahead.
CHANGES = {
    "Europe/Berlin": (date(2026, 3, 28), date(2026, 10, 24)),
    "America/New_York": (date(2026, 3, 7), date(2026, 10, 31)),
    "Australia/Lord_Howe": (date(2026, 4, 4), date(2026, 10, 3)),
    "America/Santiago": (date(2026, 4, 4), date(2026, 9, 5)),
    "Asia/Kathmandu": (date(2026, 3, 28), date(2026, 10, 24)),
}
NIGHT_MINUTES = 52 * 60
STEP_MINUTES = 5
DAY_MINUTES = 24 * 60
WEEK = 7 * DAY_MINUTES + 1

minutes = st.integers(0, 24 * 60 - 1)
windows = st.builds(
    Window,
    st.sets(st.integers(0, 6), min_size=1).map(lambda days: tuple(sorted(days))),
    minutes,
    minutes,
).filter(lambda given: given.start != given.end)


def open_minutes(given: Window, first: date, days: int) -> set[datetime]:
    """The wall-clock minutes of a window, laid out by hand day by day."""
    laid: set[datetime] = set()
    for offset in range(-1, days + 1):
        day = first + timedelta(days=offset)
        if (day.weekday() + 1) % 7 not in given.days:
            continue
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 (a wall clock)
        length = (
            given.end - given.start
            if given.end > given.start
            else (24 * 60 - given.start + given.end)
        )
        laid |= {midnight + timedelta(minutes=given.start + m) for m in range(length + 1)}
    return laid


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("change", [0, 1])
@settings(max_examples=20)
@given(given_window=windows, second=st.integers(0, 59), phase=st.integers(0, STEP_MINUTES - 1))
def test_membership_is_the_wall_clock(
    name: str, change: int, given_window: Window, second: int, phase: int
) -> None:
    zone, first = ZoneInfo(name), CHANGES[name][change]
    laid = open_minutes(given_window, first, days=4)
    start = datetime(first.year, first.month, first.day, 12, tzinfo=zone).astimezone(UTC)
    for minute in range(phase, NIGHT_MINUTES, STEP_MINUTES):
        at = start + timedelta(minutes=minute, seconds=second)
        wall = (at + at.astimezone(zone).utcoffset()).replace(tzinfo=None, second=0)  # type: ignore[operator]
        assert window.contains(given_window, at, name) is (wall in laid)


@given(given_window=windows, today=st.integers(0, 6), minute=minutes)
def test_the_next_start_is_the_first_open_minute(
    given_window: Window, today: int, minute: int
) -> None:
    now = today * DAY_MINUTES + minute
    week = [divmod(passed % (7 * DAY_MINUTES), DAY_MINUTES) for passed in range(now, now + WEEK)]
    assume(not window.holds(given_window, today, minute))
    first = next(moment for moment in week if window.holds(given_window, *moment))
    assert window.next_start(given_window, today, minute) == first


@pytest.mark.parametrize("name", [name for name in CHANGES if name != "Asia/Kathmandu"])
def test_both_changes_lie_in_the_nights_that_are_tried(name: str) -> None:
    zone = ZoneInfo(name)
    for first in CHANGES[name]:
        start = datetime(first.year, first.month, first.day, 12, tzinfo=zone).astimezone(UTC)
        end = start + timedelta(minutes=NIGHT_MINUTES)
        assert start.astimezone(zone).utcoffset() != end.astimezone(zone).utcoffset()


@pytest.mark.parametrize("zone", CHANGES)
@pytest.mark.parametrize("change", [0, 1])
def test_the_wall_clock_is_that_of_the_zone_through_both_changes(zone: str, change: int) -> None:
    evening = CHANGES[zone][change]
    begin = datetime(evening.year, evening.month, evening.day, 12, tzinfo=UTC)
    for minute in range(NIGHT_MINUTES):
        assert_clock(begin + timedelta(minutes=minute, seconds=59), zone)


@settings(max_examples=500)
@given(
    st.datetimes(timezones=st.sampled_from([UTC, ZoneInfo("UTC"), ZoneInfo("America/New_York")])),
    st.sampled_from([*CHANGES, "UTC", "Europe/Amsterdam", "Africa/Monrovia", "Pacific/Apia"]),
)
def test_the_wall_clock_is_that_of_the_zone_at_any_instant(at: datetime, zone: str) -> None:
    """Offsets of odd seconds and a skipped day included, and the first and last of all days."""
    assert_clock(at, zone)


def assert_clock(at: datetime, zone: str) -> None:
    try:
        local = at.astimezone(ZoneInfo(zone))
    except OverflowError:
        with pytest.raises(OverflowError):
            window.wall_clock(at, zone)
        return
    expected = (local.isoweekday() % 7, local.hour * 60 + local.minute)
    assert window.wall_clock(at, zone) == expected
