"""Opening hours against brute force: the minutes laid out by hand, around both clock changes."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.core.policy.test_window import (
    CHANGES,
    NIGHT_MINUTES,
    open_minutes,
    windows,
)
from wardline.core.policy import opening
from wardline.core.policy.request import Alert, Request
from wardline.core.policy.rule import Hours, Rule, When, Window
from wardline.core.severity import Severity

STEP_MINUTES = 7
ALERT = Alert("a", "disk", "", "", Severity.HIGH)


def rule(hours: Hours, own: Window | None) -> Rule:
    return Rule("r", When("disk", (Severity.HIGH,)), "fix", window=own, opening_hours=hours)


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("change", [0, 1])
@settings(max_examples=10)
@given(
    hours=st.lists(windows, min_size=1, max_size=3),
    own=st.none() | windows,
    phase=st.integers(0, STEP_MINUTES - 1),
)
def test_a_rule_is_open_by_its_window_and_the_hours_of_the_site(
    name: str, change: int, hours: list[Window], own: Window | None, phase: int
) -> None:
    zone, first = ZoneInfo(name), CHANGES[name][change]
    staffed = set[datetime]().union(*(open_minutes(each, first, days=4) for each in hours))
    laid = None if own is None else open_minutes(own, first, days=4)
    start = datetime(first.year, first.month, first.day, 12, tzinfo=zone).astimezone(UTC)
    for minute in range(phase, NIGHT_MINUTES, STEP_MINUTES):
        at = start + timedelta(minutes=minute)
        wall = (at + at.astimezone(zone).utcoffset()).replace(tzinfo=None)  # type: ignore[operator]
        request = Request(ALERT, at, name, "d", opening_hours=tuple(hours))
        in_window = laid is None or wall in laid
        inside, outside = (rule(each, own) for each in (Hours.INSIDE, Hours.OUTSIDE))
        assert opening.is_open(inside, request) is (in_window and wall in staffed)
        assert opening.is_open(outside, request) is (in_window and wall not in staffed)
        for each in (inside, outside):
            closed = opening.closed_by(each, request)
            assert (closed is None) is opening.is_open(each, request)
            assert closed is None or ("window" in closed) is not in_window


@given(hours=st.sampled_from(Hours), own=st.none() | windows, minute=st.integers(0, NIGHT_MINUTES))
def test_hours_that_nobody_knows_are_neither_inside_nor_outside(
    hours: Hours, own: Window | None, minute: int
) -> None:
    at = datetime(2026, 11, 20, tzinfo=UTC) + timedelta(minutes=minute)
    request = Request(ALERT, at, "Europe/Berlin", "d")
    assert not opening.is_open(rule(hours, own), request)
    assert opening.closed_by(rule(hours, own), request) is not None
