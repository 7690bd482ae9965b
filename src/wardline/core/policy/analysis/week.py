"""A week of wall-clock minutes as the bits of one number: bit 0 is Sunday 00:00."""

from datetime import datetime, timedelta
from functools import lru_cache

from wardline.core.policy.rule import Window

DAY = 24 * 60
LENGTH = 7 * DAY
FULL = (1 << LENGTH) - 1
WINDOWS_KEPT_MAX = 1024
# Wall clocks are at most this far from UTC, before and ahead of it.
BEHIND_MAX = timedelta(hours=12)
AHEAD_MAX = timedelta(hours=14)


@lru_cache(maxsize=WINDOWS_KEPT_MAX)
def minutes(window: Window) -> int:
    """The minutes that `window.holds` is true of."""
    length = window.end - window.start + 1
    if window.start > window.end:
        length += DAY
    found = 0
    for day in window.days:
        found |= ((1 << length) - 1) << (day * DAY + window.start)
    return found & FULL | found >> LENGTH


def union(windows: tuple[Window, ...]) -> int:
    """The minutes that any of the windows holds."""
    found = 0
    for window in windows:
        found |= minutes(window)
    return found


def anywhere(begin: datetime, end: datetime) -> int:
    """The minutes that some wall clock on earth can show in [begin, end)."""
    first = begin - BEHIND_MAX
    length = (end + AHEAD_MAX - first) // timedelta(minutes=1) + 1
    if length >= LENGTH:
        return FULL
    start = first.isoweekday() % 7 * DAY + first.hour * 60 + first.minute
    found = ((1 << length) - 1) << start
    return found & FULL | found >> LENGTH
