"""Rule sets over domains so small that every request and every time can be tried, one by one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import product
from random import Random
from typing import TypeVar

from wardline.core.policy import match, opening
from wardline.core.policy.request import Alert, Request
from wardline.core.policy.rule import (
    Approval,
    Effect,
    Hours,
    Limits,
    Mode,
    Rule,
    Scope,
    When,
    Window,
)
from wardline.core.severity import Severity

T = TypeVar("T")

SUNDAY = datetime(2026, 11, 22, tzinfo=UTC)
SITE = "s1"
WEEK, MINUTE = timedelta(days=7), timedelta(minutes=1)
LISTS = [(Severity.LOW,), (Severity.WARN,), (Severity.CRIT,), (Severity.OK, Severity.WARN)]
LISTS += [(Severity.LOW, Severity.MEDIUM, Severity.HIGH)] * 3
EVERY_DAY, WORKDAYS = (0, 1, 2, 3, 4, 5, 6), (1, 2, 3, 4, 5)
LAST = 24 * 60 - 1
WINDOWS = (
    Window(WORKDAYS, 8 * 60, 18 * 60),
    Window(EVERY_DAY, 22 * 60, 5 * 60),
    Window((0, 6), 0, LAST),
    Window(WORKDAYS, 0, 12 * 60),
    Window(WORKDAYS, 12 * 60 + 1, LAST),
    Window(EVERY_DAY, 0, LAST),
    Window((1,), 10 * 60, 11 * 60),
    Window((6,), 20 * 60, 4 * 60),
)
# Two that together are as good as the first: what takes more than one rule to be shadowed by.
HALVES = (WINDOWS[0], WINDOWS[3], WINDOWS[4])
# Nobody knows, people work there, and nobody does: at the first minute of the part that is tried.
STAFFINGS = (None, True, False)
CONDITIONS = ("delta > 3", "facts.lab")
# What may be named, and what requests may be about: always one more than any rule names.
NAMED = {
    "action": (["fix", "fix", "other", "*"], ["fix", "other", "third"]),
    "partner": ([None, "p1"], [None, "p1"]),
    "site": ([None, "s1", "s2"], [None, "s1", "s2", "s3"]),
    "host": ([None, None, "h1"], [None, "h1"]),
    "platform": ([None, "linux", "linux/debian"], [None, "linux", "linux/debian", "linux/x"]),
    "tags": ([(), ("lab",), ("lab", "old")], [(), ("lab",), ("old",), ("lab", "old")]),
    "condition": ([None, *CONDITIONS], [(), *((each,) for each in CONDITIONS), CONDITIONS]),
    "weeks": ([None, 1, 2], [0, 1, 2]),
}
PLAIN = {"action": ("fix", "fix"), "tags": ((), ()), "condition": (None, ()), "weeks": (None, 0)}
VARIED_MAX = 3
RULES_MAX = 7


class Small:
    """A source of rule sets that differ in a few respects only; the same seed gives the same."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def world(self, respects: Sequence[str] = tuple(NAMED)) -> "World":
        count = self.random.randint(0, min(VARIED_MAX, len(respects)))
        varied = frozenset(self.random.sample(sorted(respects), count))
        halved = self._chance(0.4)
        size = self.random.randint(1, RULES_MAX)
        rules = tuple(self._rule(f"r{number}", varied, halved=halved) for number in range(size))
        return World(rules, varied)

    def staffed_world(self) -> "World":
        """At one site whose opening hours are known; perhaps that there are none."""
        hours = tuple(self.random.sample(WINDOWS, self.random.randint(0, 2)))
        rules = tuple(
            replace(
                rule,
                opening_hours=self.one([None, *Hours]),
                scope=replace(rule.scope, site=SITE),
            )
            for rule in self.world(["host"]).rules
        )
        return World(rules, frozenset({"site", "host"}), hours)

    def _rule(self, rule_id: str, varied: frozenset[str], *, halved: bool) -> Rule:
        def drawn(name: str) -> object:
            return self.one(NAMED[name][0]) if name in varied else PLAIN.get(name, (None,))[0]

        weeks = drawn("weeks")
        scope = {name: drawn(name) for name in ("partner", "site", "host", "platform", "tags")}
        return Rule(
            id=rule_id,
            when=When("disk", self.one(LISTS[-2:] if halved else LISTS), drawn("condition")),  # type: ignore[arg-type]
            action=str(drawn("action")),
            params=self.one([None, None, {"deltaPct": {"warn": 1, "crit": 3}}, {"deltaPct": 2}]),
            limits=self.one([Limits(), Limits(), Limits(max_daily_pct=2)]),
            window=self.one(HALVES) if halved else self.one([None, self.one(WINDOWS)]),
            opening_hours=None if halved or self._chance(0.7) else self.one(list(Hours)),
            approval=self.one([None, None, Approval(required=True)]),
            auto_execute=True,
            priority=self.one([0, 0, 1]),
            effect=Effect.DENY if self._chance(0.2) else Effect.ALLOW,
            scope=Scope(**scope),  # type: ignore[arg-type]
            floor=self._chance(0.35),
            enabled=self._chance(0.95),
            mode=Mode.LOG_ONLY if self._chance(0.05) else Mode.ENFORCE,
            expires_at=None if weeks is None else SUNDAY + weeks * WEEK,  # type: ignore[operator]
        )

    def one(self, values: Sequence[T]) -> T:
        return self.random.choice(values)

    def _chance(self, share: float) -> bool:
        return self.random.random() < share


@dataclass(frozen=True)
class World:
    """Rules, and every request and time that tells two of them apart.

    A set of (request, time) is the bits of a number: that of request `i` at time `j` is bit
    `i * len(times) + j`.
    """

    rules: tuple[Rule, ...]
    varied: frozenset[str]
    # Of the site, where they are known.
    hours: tuple[Window, ...] | None = None

    @cached_property
    def requests(self) -> list[tuple[Request, tuple[str, ...]]]:
        """With the conditions that hold."""
        axes = [
            NAMED[name][1] if name in self.varied else [PLAIN.get(name, (None, None))[1]]
            for name in NAMED
        ]
        return [
            (self._request(word, *given), given[6])
            for word in Severity
            for given in product(*axes)  # type: ignore[call-overload]
        ]

    @cached_property
    def times(self) -> list[tuple[int, bool | None]]:
        """The first minute of every part of the week in which no window turns, by staffing."""
        cuts = {0}
        for each in WINDOWS:
            for day in each.days:
                end = each.end + (24 * 60 if each.end < each.start else 0)
                cuts |= {day * 24 * 60 + each.start, (day * 24 * 60 + end + 1) % (7 * 24 * 60)}
        return list(product(sorted(cuts), STAFFINGS if self.hours is None else (None,)))

    def fits(self, rule: Rule) -> int:
        """The requests that a rule speaks to, at any time."""
        found = 0
        for number, (request, holding) in enumerate(self.requests):
            held = rule.when.condition in (None, *holding)
            if held and match.fits(rule, request, request.action):
                found |= 1 << number * len(self.times)
        return found

    def acts(self, rule: Rule) -> int:
        """Where a rule speaks and is open: a deny also where nobody can say."""
        unknown = rule.effect is Effect.DENY
        return self.fits(rule) * self._open(rule, unknown=unknown)

    def stands(self, rule: Rule) -> int:
        """Where a rule speaks and counts as open."""
        return self.fits(rule) * self._open(rule, unknown=True)

    def at(self, bit: int) -> tuple[Request, tuple[str, ...]]:
        """A request at its time, as it is asked, with the conditions that hold."""
        number, moment = divmod(bit, len(self.times))
        request, holding = self.requests[number]
        minute, staffed = self.times[moment]
        return self._timed(request, minute, staffed), holding

    def _open(self, rule: Rule, *, unknown: bool) -> int:
        found = 0
        base = self.requests[0][0]
        for number, (minute, staffed) in enumerate(self.times):
            told = opening.is_open(rule, self._timed(base, minute, staffed))
            if told or (told is None and unknown):
                found |= 1 << number
        return found

    def _timed(self, request: Request, minute: int, staffed: bool | None) -> Request:
        day, of_day = divmod(minute, 24 * 60)
        hours = {
            None: (),
            True: (Window((day,), of_day, of_day + 1),),
            False: (Window(((day + 3) % 7,), 60, 61),),
        }
        at = request.at + minute * MINUTE
        known = hours[staffed] if self.hours is None else self.hours
        return replace(request, at=at, opening_hours=known)

    def _request(
        self,
        word: Severity,
        action: str,
        partner: str | None,
        site: str | None,
        host: str | None,
        platform: str | None,
        tags: tuple[str, ...],
        _: tuple[str, ...],
        weeks: int,
    ) -> Request:
        return Request(
            Alert("a", "disk", "", "", word),
            SUNDAY + weeks * WEEK,
            "UTC",
            "d",
            action,
            partner,
            site,
            host,
            platform,
            frozenset(tags),
        )


def in_force(rules: Iterable[Rule], now: datetime) -> list[Rule]:
    return [
        rule
        for rule in rules
        if rule.enabled
        and rule.mode is Mode.ENFORCE
        and (rule.expires_at is None or now < rule.expires_at)
    ]
