"""Whether an instant lies in a window: the wall clock in a zone, DST nights and overnight included.

A wall-clock time that the zone skips never occurs; one that it repeats is inside both times.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from wardline.core.errors import Refused
from wardline.core.policy.rule import Window

ZONE_CHARS_MAX = 64
ZONES_KEPT_MAX = 700
OFFSETS_KEPT_MAX = 4096
DAY_S = 24 * 3600

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WEEKDAY_OF_EPOCH = 4

# Names of the IANA list alone: `localtime` or `posix/…` mean something else on every machine.
_ZONE = re.compile(r"UTC|(?!posix/|right/)[A-Za-z]+(/[A-Za-z0-9_+\-]+){1,2}")


class UnknownZone(Refused):
    """A time zone that the IANA database does not have."""

    code = "unknown_zone"

    def __init__(self, name: str) -> None:
        super().__init__(f"{name[:ZONE_CHARS_MAX]!r} is no time zone such as Europe/Berlin")


@lru_cache(maxsize=ZONES_KEPT_MAX)
def zone(name: str) -> ZoneInfo:
    """The zone of an IANA name; raises UnknownZone."""
    if len(name) > ZONE_CHARS_MAX or not _ZONE.fullmatch(name):
        raise UnknownZone(name)
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise UnknownZone(name) from None


def contains(window: Window | None, at: datetime, site_zone: str) -> bool:
    """Whether `at` (aware) is inside; no window is always open. Raises UnknownZone."""
    if window is None:
        return True
    return holds(window, *wall_clock(at, window.timezone or site_zone))


def wall_clock(at: datetime, zone_name: str) -> tuple[int, int]:
    """The day, 0 = Sunday to 6 = Saturday, and its minute in a zone. Raises UnknownZone."""
    if at.tzinfo is UTC:
        since = at - _EPOCH
        whole_day = _whole_day(zone_name, since.days)
        if whole_day is not None:
            today, offset_s = whole_day
            second = since.seconds + offset_s
            if 0 <= second < DAY_S:
                return today, second // 60
            return (today + second // DAY_S) % 7, second % DAY_S // 60
    local = at.astimezone(zone(zone_name))
    return local.isoweekday() % 7, local.hour * 60 + local.minute


@lru_cache(maxsize=OFFSETS_KEPT_MAX)
def _whole_day(zone_name: str, day: int) -> tuple[int, int] | None:
    """Which day of the week a whole day of UTC is, counted from 1970, and how many seconds a zone
    is ahead on it; None where its clock is set on that day, or where there may be no such time.
    Raises UnknownZone."""
    place = zone(zone_name)
    try:
        begin = _EPOCH + timedelta(days=day)
        offsets = {
            (begin + timedelta(hours=hour)).astimezone(place).utcoffset() for hour in range(25)
        }
    except OverflowError:
        return None
    offset = offsets.pop()
    if offsets or offset is None:
        return None
    return (day + _WEEKDAY_OF_EPOCH) % 7, offset // timedelta(seconds=1)


def holds(window: Window, today: int, minute: int) -> bool:
    """Whether a wall clock is inside."""
    if window.start < window.end:
        return today in window.days and window.start <= minute <= window.end
    yesterday = (today - 1) % 7
    return (today in window.days and minute >= window.start) or (
        yesterday in window.days and minute <= window.end
    )


def next_start(window: Window, today: int, minute: int) -> tuple[int, int]:
    """The day and minute at which a window that a wall clock is outside of starts next."""
    day = today if minute < window.start else (today + 1) % 7
    for _ in range(7):
        if day in window.days:
            break
        day = (day + 1) % 7
    return day, window.start


def clock_text(minute: int) -> str:
    """`08:00` for 480."""
    return f"{minute // 60:02d}:{minute % 60:02d}"


def clock_minute(text: str) -> int:
    """480 for `08:00`; the form has been checked by whoever read it."""
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
