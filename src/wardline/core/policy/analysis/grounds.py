"""The ground that a rule stands on: which requests it speaks to, but for severity and time.

Partners, sites, hosts, tags, platforms and actions are open domains: there may always be one more
that no rule names. So the request that meets the fewest other rules is the one that names what the
rule itself names and nothing else, and a rule is covered by others wherever it speaks exactly if it
is covered there. A condition may hold or not, whatever it says; two with the same text hold
together.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import product
from typing import NamedTuple

from wardline.core import severity
from wardline.core.policy import request
from wardline.core.policy.analysis import week
from wardline.core.policy.analysis.estate import Estate
from wardline.core.policy.rule import ANY_ACTION, Rule
from wardline.core.severity import Severity

LISTS_KEPT_MAX = 1024

Spot = tuple[str | None, ...]


class Ground(NamedTuple):
    """Where a rule speaks, under which condition and until when."""

    action: str
    partner: str | None
    site: str | None
    host: str | None
    platform: str | None
    tags: frozenset[str]
    condition: str | None
    expires_at: datetime | None

    @property
    def spot(self) -> Spot:
        """All of it but tags and end."""
        named = self.partner, self.site, self.host, self.condition, self.platform
        return (self.action, *named)


@dataclass(frozen=True, slots=True)
class Standing:
    """A rule on its ground, with what it says of time: at which severities of alerts it speaks,
    and at which minutes of which clock its window is open, of the site's where `zone` is None."""

    rule: Rule
    ground: Ground
    words: frozenset[Severity]
    zone: str | None
    minutes: int


class Grounds:
    """Rules of one kpi by the ground they stand on."""

    def __init__(self, rules: Iterable[Rule], estate: Estate) -> None:
        self.by_ground: dict[Ground, list[Standing]] = {}
        self._at: dict[Spot, list[Ground]] = {}
        for rule in rules:
            standing = stand(rule, estate)
            ground = standing.ground
            if ground not in self.by_ground:
                self.by_ground[ground] = []
                self._at.setdefault(ground.spot, []).append(ground)
            self.by_ground[ground].append(standing)

    def __iter__(self) -> Iterator[Standing]:
        for standing in self.by_ground.values():
            yield from standing

    def covering(self, ground: Ground) -> list[Ground]:
        """The grounds whose rules speak wherever one on `ground` does; itself among them."""
        return [wide for wide in self.near(ground) if covers(wide, ground)]

    def near(self, ground: Ground) -> list[Ground]:
        """The grounds that cover `ground` but perhaps for their tags and their end."""
        named = (ground.partner, ground.site, ground.host, ground.condition)
        choices: list[set[str | None]] = [
            {ground.action, ANY_ACTION},
            *({each, None} for each in named),
            {None, *_prefixes(ground.platform)},
        ]
        return [wide for spot in product(*choices) for wide in self._at.get(spot, ())]


def stand(rule: Rule, estate: Estate) -> Standing:
    """A rule on its ground; where one partner alone asks, all rules are for it."""
    scope, given = rule.scope, rule.window
    ground = Ground(
        rule.action,
        scope.partner or estate.partner,
        scope.site,
        scope.host,
        scope.platform,
        frozenset(scope.tags),
        rule.when.condition,
        rule.expires_at,
    )
    words = _words(rule.when.severity)
    if given is None:
        return Standing(rule, ground, words, None, week.FULL)
    return Standing(rule, ground, words, given.timezone, week.minutes(given))


@lru_cache(maxsize=LISTS_KEPT_MAX)
def _words(listed: tuple[Severity, ...]) -> frozenset[Severity]:
    """The severities of alerts that meet a rule's list."""
    return frozenset(
        actual for actual in Severity if any(severity.meets(each, actual) for each in listed)
    )


def covers(wide: Ground, narrow: Ground) -> bool:
    """Whether what stands on `wide` speaks to the request that meets the fewest besides `narrow`,
    for as long as anything on `narrow` does."""
    return (
        wide.action in (ANY_ACTION, narrow.action)
        and wide.partner in (None, narrow.partner)
        and wide.site in (None, narrow.site)
        and wide.host in (None, narrow.host)
        and (wide.platform is None or request.covers(wide.platform, narrow.platform))
        and wide.tags <= narrow.tags
        and wide.condition in (None, narrow.condition)
        and _lasts(wide.expires_at, narrow.expires_at)
    )


def overlap(one: Ground, other: Ground) -> bool:
    """Whether some request is spoken to from both."""
    return (
        (one.action == other.action or ANY_ACTION in (one.action, other.action))
        and _compatible(one.partner, other.partner)
        and _compatible(one.site, other.site)
        and _compatible(one.host, other.host)
        and _platforms_meet(one.platform, other.platform)
    )


def _prefixes(platform: str | None) -> list[str]:
    """Whatever covers a platform: `linux` and `linux/debian` for `linux/debian`."""
    parts = [] if platform is None else platform.split("/")
    return ["/".join(parts[: count + 1]) for count in range(len(parts))]


def _lasts(wide: datetime | None, narrow: datetime | None) -> bool:
    return wide is None or (narrow is not None and wide >= narrow)


def _compatible(one: str | None, other: str | None) -> bool:
    return one is None or other is None or one == other


def _platforms_meet(one: str | None, other: str | None) -> bool:
    return one is None or other is None or request.covers(one, other) or request.covers(other, one)
