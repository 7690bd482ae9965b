"""The openings of rules in a stretch of time: exact instants, clock changes included.

Between two instants at which a window, the opening hours or the zone's offset may turn, nothing
turns. So each stretch is judged once, by the check that decides.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from wardline.core import clock
from wardline.core.canonical import Json
from wardline.core.policy import opening, window
from wardline.core.policy.request import Alert, Request
from wardline.core.policy.rule import Rule, Window
from wardline.core.severity import Severity

PREVIEW_DAYS = 14
STRETCH_DAYS_MAX = 400
CHANGES_KEPT_MAX = 8192
YEAR_FIRST, YEAR_LAST = 1970, 9000

_MINUTE, _HOUR, _DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
_NOBODY = Alert("", "", "", "", Severity.OK)


@dataclass(frozen=True, slots=True)
class Opening:
    """Instants in UTC: open from `begin` on, until before `end`. `is_cut`: the stretch that was
    asked for ends first, or the rule expires."""

    begin: datetime
    end: datetime
    is_cut: bool = False

    def to_wire(self, zone_name: str) -> dict[str, Json]:
        """With what the clocks of a zone show at both ends."""
        zone = window.zone(zone_name)
        return {
            "from": clock.wire(self.begin),
            "to": clock.wire(self.end),
            "localFrom": self.begin.astimezone(zone).isoformat(timespec="minutes"),
            "localTo": self.end.astimezone(zone).isoformat(timespec="minutes"),
        }


def openings(
    rules: Sequence[Rule],
    zone_name: str,
    hours: tuple[Window, ...],
    begin: datetime,
    end: datetime,
) -> list[Opening]:
    """When all of the rules are open at a site of a zone with these opening hours, within
    [begin, end), at most STRETCH_DAYS_MAX days between 1970 and 9000.

    Until each expires; none is open by hours that nobody knows. Raises UnknownZone.
    """
    begin, end = begin.astimezone(UTC), end.astimezone(UTC)
    assert YEAR_FIRST <= begin.year <= end.year <= YEAR_LAST, "within the years that are kept"
    assert end - begin <= timedelta(days=STRETCH_DAYS_MAX), "a stretch has an end"
    end = min([end, *(rule.expires_at for rule in rules if rule.expires_at is not None)])
    found: list[Opening] = []
    for first, last in _stretches(rules, zone_name, hours, begin, end):
        if not _all_open(rules, zone_name, hours, first):
            continue
        if found and found[-1].end == first:
            first = found.pop().begin
        found.append(Opening(first, last, last == end))
    return found


def _stretches(
    rules: Sequence[Rule],
    zone_name: str,
    hours: tuple[Window, ...],
    begin: datetime,
    end: datetime,
) -> Iterator[tuple[datetime, datetime]]:
    """[begin, end) cut wherever something may turn."""
    if begin >= end:
        return
    by_zone: dict[str, set[Window]] = {zone_name: set()}
    for rule in rules:
        if rule.window is not None:
            by_zone.setdefault(rule.window.timezone or zone_name, set()).add(rule.window)
        if rule.opening_hours is not None:
            by_zone[zone_name].update(hours)
    cuts = {begin, end}
    for name, windows in by_zone.items():
        cuts.update(cut for cut in _turns(windows, name, begin, end) if begin < cut < end)
    yield from pairwise(sorted(cuts))


def _all_open(
    rules: Sequence[Rule], zone_name: str, hours: tuple[Window, ...], at: datetime
) -> bool:
    asked = Request(_NOBODY, at, zone_name, "", opening_hours=hours)
    return all(opening.is_open(rule, asked) for rule in rules)


def _turns(windows: set[Window], name: str, begin: datetime, end: datetime) -> Iterator[datetime]:
    """Where windows may turn on the clock of a zone, and where that clock is set."""
    zone = window.zone(name)
    day, last = begin.date() - 2 * _DAY, end.date() + 2 * _DAY
    while day <= last:
        yield from _changes(name, day)
        for each in windows:
            if (day.weekday() + 1) % 7 in each.days:
                closes = day if each.start < each.end else day + _DAY
                yield from _instants(zone, day, each.start)
                yield from _instants(zone, closes, each.end + 1)
        day += _DAY


def _instants(zone: ZoneInfo, day: date, minute: int) -> Iterator[datetime]:
    """When a clock shows a minute of a day: once, or twice; where it skips it, near the skip."""
    wall = datetime.combine(day, time()) + minute * _MINUTE
    for fold in (0, 1):
        yield wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)


@lru_cache(maxsize=CHANGES_KEPT_MAX)
def _changes(name: str, day: date) -> tuple[datetime, ...]:
    """The instants of a day of UTC at which the clock of a zone is set."""
    zone = window.zone(name)
    midnight = datetime.combine(day, time(), UTC)
    found = []
    for hour in range(24):
        low, high = midnight + hour * _HOUR, midnight + (hour + 1) * _HOUR
        after = high.astimezone(zone).utcoffset()
        if low.astimezone(zone).utcoffset() == after:
            continue
        while high - low > timedelta(seconds=1):
            middle = low + (high - low) // 2 // timedelta(seconds=1) * timedelta(seconds=1)
            if middle.astimezone(zone).utcoffset() == after:
                high = middle
            else:
                low = middle
        found.append(high)
    return tuple(found)
