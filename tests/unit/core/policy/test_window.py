"""Windows: the named moments; the property tests hold the rest against brute force."""

from datetime import datetime
from typing import Any

import pytest

from tests.unit.core.policy import scene
from wardline.core.policy import window
from wardline.core.policy.rule import Window
from wardline.core.policy.window import UnknownZone


def inside(days: list[int], start: str, end: str, at: str, zone: str = "UTC", **more: Any) -> bool:
    given = scene.rule(window={"days": days, "start": start, "end": end} | more).window
    return window.contains(given, datetime.fromisoformat(at), zone)


def test_no_window_is_always_open() -> None:
    assert window.contains(None, datetime.fromisoformat(scene.NOON), "Mars/Base")


@pytest.mark.parametrize(
    "at, expected",
    [
        ("2026-11-20T07:59:59+00:00", False),
        ("2026-11-20T08:00:00+00:00", True),
        ("2026-11-20T18:00:59.999999+00:00", True),
        ("2026-11-20T18:01:00+00:00", False),
        ("2026-11-21T12:00:00+00:00", False),
    ],
)
def test_the_end_minute_belongs_to_a_window_and_the_following_day_does_not(
    at: str, expected: bool
) -> None:
    assert inside([5], "08:00", "18:00", at) is expected


@pytest.mark.parametrize(
    "at, expected",
    [
        ("2026-11-20T21:59:59+00:00", False),
        ("2026-11-20T22:00:00+00:00", True),
        ("2026-11-21T06:00:59+00:00", True),
        ("2026-11-21T06:01:00+00:00", False),
        ("2026-11-20T05:00:00+00:00", False),
        ("2026-11-21T23:00:00+00:00", False),
    ],
)
def test_an_overnight_window_belongs_to_the_day_on_which_it_starts(at: str, expected: bool) -> None:
    assert inside([5], "22:00", "06:00", at) is expected


def test_the_last_day_of_a_week_runs_into_the_first() -> None:
    assert inside([6], "22:00", "06:00", "2026-11-22T03:00:00+00:00")
    assert not inside([0], "22:00", "06:00", "2026-11-22T03:00:00+00:00")


def test_a_skipped_time_never_occurs_and_a_repeated_one_is_inside_both_times() -> None:
    berlin = "Europe/Berlin"
    assert not inside([0], "02:00", "02:59", "2026-03-29T00:59:59+00:00", berlin)
    assert not inside([0], "02:00", "02:59", "2026-03-29T01:00:00+00:00", berlin)
    assert inside([0], "02:00", "02:59", "2026-10-25T00:30:00+00:00", berlin)
    assert inside([0], "02:00", "02:59", "2026-10-25T01:30:00+00:00", berlin)
    assert not inside([0], "02:00", "02:59", "2026-10-25T02:00:00+00:00", berlin)


def test_a_rules_own_zone_beats_the_sites() -> None:
    at = "2026-11-20T12:00:00+00:00"
    assert not inside([5], "21:00", "22:00", at, "UTC")
    assert inside([5], "21:00", "22:00", at, "UTC", timezone="Asia/Tokyo")


def test_an_unknown_zone_is_an_error_not_an_open_window() -> None:
    with pytest.raises(UnknownZone):
        window.contains(Window((5,), 0, 60), datetime.fromisoformat(scene.NOON), "Mars/Base")
