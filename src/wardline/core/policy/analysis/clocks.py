"""When rules are open, over all the weeks to come: a minute of the wall clock, and staffing.

Every minute of the week comes, in every zone. What the site's own clock shows says nothing of the
clock of another zone, as long as a site may lie anywhere; and where its opening hours are not
known, the minute says nothing of whether people work there.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from wardline.core.policy.analysis import week
from wardline.core.policy.analysis.estate import Estate
from wardline.core.policy.analysis.grounds import Ground, Standing
from wardline.core.policy.rule import Effect, Hours, Rule
from wardline.core.severity import Severity

# People work at the site, nobody does, and nobody knows.
STAFFING = (True, False, None)
ALWAYS = (week.FULL, week.FULL, week.FULL)
Taken = dict[Severity, dict[str, int]]


class Here(NamedTuple):
    """The zone of the site, empty = not known, and for each staffing the minutes of its clock at
    which there can be one."""

    zone: str
    minutes: tuple[int, int, int]


def here(ground: Ground, estate: Estate) -> Here:
    """What is known of the place of a ground."""
    site = estate.sites.get(ground.site or "")
    if site is None:
        return Here("", ALWAYS)
    if not site.opening_hours:
        return Here(site.zone, (0, 0, week.FULL))
    staffed = week.union(site.opening_hours)
    return Here(site.zone, (staffed, week.FULL & ~staffed, 0))


def meet(one: Standing, other: Standing, place: Here) -> bool:
    """Whether two rules act at one time."""
    for staffed, minutes in zip(STAFFING, place.minutes, strict=True):
        if minutes and is_let(one.rule, staffed) and is_let(other.rule, staffed):
            if _have_a_minute((one, other), minutes, place):
                return True
    return False


def is_ever_open(rules: Sequence[Standing], word: Severity, place: Here) -> bool:
    """Whether there is a time at which all rules that speak at a severity act."""
    speaking = [each for each in rules if word in each.words]
    return any(
        minutes
        and all(is_let(each.rule, staffed) for each in speaking)
        and _have_a_minute(speaking, minutes, place)
        for staffed, minutes in zip(STAFFING, place.minutes, strict=True)
    )


def is_let(rule: Rule, staffed: bool | None) -> bool:
    """Whether staffing lets a rule act. What is not known lets a deny forbid, and no allow run."""
    if rule.opening_hours is None:
        return True
    if staffed is None:
        return rule.effect is Effect.DENY
    return (rule.opening_hours is Hours.INSIDE) is staffed


class Cover:
    """The times that the rules put into it take, severity by severity: those at which they count
    as open, by clock."""

    def __init__(self, place: Here) -> None:
        self._place = place
        self._always: Taken = {}
        self._by_staffing: dict[bool | None, Taken] = {}

    def add(self, other: Standing) -> None:
        """Takes the times of a rule. Where nobody knows whether people work, it counts as open."""
        hours = other.rule.opening_hours
        if hours is None:
            self._take(self._always, other)
            return
        for staffed in (hours is Hours.INSIDE, None):
            self._take(self._by_staffing.setdefault(staffed, {}), other)

    def takes_all_of(self, one: Standing) -> bool:
        """Whether no time is left at which a rule acts."""
        timed = self._by_staffing or one.rule.opening_hours or self._place.minutes is not ALWAYS
        for staffed, minutes in zip(STAFFING, self._place.minutes, strict=True):
            if minutes and is_let(one.rule, staffed):
                by_staffing = self._by_staffing.get(staffed, {})
                for word in one.words:
                    if self._has_room(one, minutes, word, by_staffing):
                        return False
            if not timed:
                break
        return True

    def _take(self, taken: Taken, other: Standing) -> None:
        zone = other.zone or self._place.zone
        for word in other.words:
            by_zone = taken.setdefault(word, {})
            by_zone[zone] = by_zone.get(zone, 0) | other.minutes

    def _has_room(self, one: Standing, minutes: int, word: Severity, by_staffing: Taken) -> bool:
        """Whether every clock can show a minute at which the rule is open and none of the others:
        one clock does not hang on another."""
        wanted = _wanted((one,), minutes, self._place)
        for taken in (self._always.get(word), by_staffing.get(word)):
            for zone, bits in (taken or {}).items():
                wanted[zone] = wanted.get(zone, week.FULL) & ~bits
        return all(wanted.values())


def _have_a_minute(rules: Iterable[Standing], minutes: int, place: Here) -> bool:
    """Whether every clock can show a minute at which all windows that it opens are open."""
    return all(_wanted(rules, minutes, place).values())


def _wanted(rules: Iterable[Standing], minutes: int, place: Here) -> dict[str, int]:
    """The minutes of every clock at which all of the rules are open."""
    wanted = {place.zone: minutes}
    for each in rules:
        zone = each.zone or place.zone
        wanted[zone] = wanted.get(zone, week.FULL) & each.minutes
    return wanted
