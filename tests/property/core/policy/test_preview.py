"""Openings against brute force: every minute of zoneinfo around both clock changes of five zones."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.core.policy.test_window import CHANGES, open_minutes, windows
from wardline.core.policy import preview
from wardline.core.policy.rule import Hours, Rule, When, Window
from wardline.core.severity import Severity

DAYS = 4
DAYS_BEFORE = 1
MINUTE = timedelta(minutes=1)
ALWAYS = Window((0, 1, 2, 3, 4, 5, 6), 0, 24 * 60 - 1)


def rule(rule_id: str, own: Window | None, hours: Hours | None) -> Rule:
    return Rule(rule_id, When("disk", (Severity.HIGH,)), "fix", window=own, opening_hours=hours)


def walls(begin: datetime, zone: str) -> list[datetime]:
    """What a clock shows at every minute from an instant on."""
    found = []
    for number in range(DAYS * 24 * 60):
        at = begin + number * MINUTE
        offset = at.astimezone(ZoneInfo(zone)).utcoffset()
        assert offset is not None
        found.append((at + offset).replace(tzinfo=None))
    return found


def minutes_open(found: list[preview.Opening], begin: datetime) -> set[int]:
    for one, other in pairwise(found):
        assert one.end < other.begin
    return {
        number
        for each in found
        for number in range((each.begin - begin) // MINUTE, (each.end - begin) // MINUTE)
    }


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("change", [0, 1])
@settings(max_examples=8)
@given(
    own=st.none() | windows,
    staffed=st.lists(windows, max_size=2),
    kind=st.none() | st.sampled_from(Hours),
    floor=st.none() | windows,
    elsewhere=st.sampled_from([None, *CHANGES]),
)
def test_openings_are_the_minutes_that_the_clock_says(
    name: str,
    change: int,
    own: Window | None,
    staffed: list[Window],
    kind: Hours | None,
    floor: Window | None,
    elsewhere: str | None,
) -> None:
    evening = CHANGES[name][change]
    begin = datetime(evening.year, evening.month, evening.day, tzinfo=UTC)
    begin -= timedelta(days=DAYS_BEFORE)
    own_here = own and Window(own.days, own.start, own.end, elsewhere)
    first = begin.date() - timedelta(days=2)
    here = walls(begin, name)
    own_walls = walls(begin, elsewhere) if elsewhere else here
    laid = {each: open_minutes(each, first, DAYS + 5) for each in {own, floor, *staffed} - {None}}
    expected = set()
    for number, (wall, own_wall) in enumerate(zip(here, own_walls, strict=True)):
        works = any(wall in laid[each] for each in staffed)
        fits = kind is None or (bool(staffed) and (kind is Hours.INSIDE) is works)
        if fits and (own is None or own_wall in laid[own]):
            if floor is None or wall in laid[floor]:
                expected.add(number)
    rules = [rule("r", own_here, kind), rule("f", floor, None)]
    end = begin + timedelta(days=DAYS)
    found = preview.openings(rules, name, tuple(staffed), begin, end)
    assert minutes_open(found, begin) == expected


@pytest.mark.parametrize("name", CHANGES)
@settings(max_examples=5)
@given(own=windows, passed=st.integers(0, 14 * 24 * 60))
def test_a_rule_that_expires_is_not_open_from_then_on(name: str, own: Window, passed: int) -> None:
    begin = datetime(2026, 10, 20, tzinfo=UTC)
    over = begin + passed * MINUTE
    whole = preview.openings([rule("r", own, None)], name, (), begin, begin + timedelta(days=14))
    ended = Rule("r", When("disk", (Severity.HIGH,)), "fix", window=own, expires_at=over)
    found = preview.openings([ended], name, (), begin, begin + timedelta(days=14))
    cut = [(each.begin, min(each.end, over)) for each in whole if each.begin < over]
    assert [(each.begin, each.end) for each in found] == cut
    assert all(each.is_cut is (each.end == over) for each in found)


def test_an_opening_tells_what_the_clock_shows_at_both_ends_of_a_repeated_hour() -> None:
    night = rule("r", Window((0,), 60, 179), None)
    begin = datetime(2026, 10, 24, 12, tzinfo=UTC)
    found = preview.openings([night], "Europe/Berlin", (), begin, begin + timedelta(days=2))
    assert [each.to_wire("Europe/Berlin") for each in found] == [
        {
            "from": "2026-10-24T23:00:00.000Z",
            "to": "2026-10-25T02:00:00.000Z",
            "localFrom": "2026-10-25T01:00+02:00",
            "localTo": "2026-10-25T03:00+01:00",
        }
    ]


def test_an_hour_that_the_clock_skips_opens_nothing() -> None:
    skipped = rule("r", Window((0,), 125, 175), None)
    begin = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert preview.openings([skipped], "Europe/Berlin", (), begin, begin + timedelta(days=2)) == []


def test_a_rule_without_a_window_is_open_all_the_time() -> None:
    begin = datetime(2026, 10, 24, 12, tzinfo=UTC)
    end = begin + timedelta(days=14)
    found = preview.openings([rule("r", None, None)], "Europe/Berlin", (), begin, end)
    assert found == [preview.Opening(begin, end, is_cut=True)]
    always = preview.openings([rule("r", ALWAYS, None)], "Europe/Berlin", (), begin, end)
    assert always == found
