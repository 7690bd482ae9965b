"""What a replay tells: verdicts, what turns, where, by which rule, when, and needing whom."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from wardline.core import clock
from wardline.core.canonical import Json
from wardline.core.policy import window
from wardline.core.policy.decision import Verdict
from wardline.core.policy.rule import Hours, Window

EXAMPLES_MAX = 10
# Of sites, rules, windows and roles those with most decisions are named.
NAMED_MAX = 20
DAYS = ("Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat")
ALWAYS = "always"

Turn = tuple[Verdict, Verdict]


@dataclass(frozen=True, slots=True)
class Came:
    """What came of a decision, in the words of the wire."""

    verdict: str
    code: str
    rule_id: str | None

    def to_wire(self) -> dict[str, Json]:
        return {"verdict": self.verdict, "code": self.code, "ruleId": self.rule_id}


@dataclass(frozen=True, slots=True)
class Example:
    """One past decision: as it was made, and as the rules in force and the others make it."""

    alert_id: str
    kpi_id: str
    severity: str
    action: str | None
    site: str | None
    host: str | None
    at: datetime
    was: Came
    before: Came
    after: Came

    def to_wire(self) -> dict[str, Json]:
        return {
            "alertId": self.alert_id,
            "kpiId": self.kpi_id,
            "severity": self.severity,
            "action": self.action,
            "site": self.site,
            "host": self.host,
            "at": clock.wire(self.at),
            "was": self.was.to_wire(),
            "before": self.before.to_wire(),
            "after": self.after.to_wire(),
        }


@dataclass(frozen=True, slots=True)
class Turned:
    """Decisions that turn alike: how many at each site. `window` and `opening_hours` are those of
    the rule that decides afterwards, `needs` the roles that may consent where it asks, empty = any.
    """

    sites: Mapping[str | None, int]
    rule_id: str | None
    window: Window | None
    opening_hours: Hours | None
    needs: tuple[str, ...] | None
    example: Example

    @property
    def count(self) -> int:
        return sum(self.sites.values())


@dataclass(frozen=True, slots=True)
class Share:
    """How many of a turn one site, rule, window or role has; `name` None = it has none."""

    name: str | None
    count: int

    def to_wire(self) -> dict[str, Json]:
        return {"name": self.name, "count": self.count}


@dataclass(frozen=True, slots=True)
class Spread:
    """Where decisions lie. Sites are counted in full; of shares those with most are there."""

    count: int
    sites: int
    by_site: tuple[Share, ...]
    by_rule: tuple[Share, ...]
    by_window: tuple[Share, ...]
    by_need: tuple[Share, ...]

    def to_wire(self) -> dict[str, Json]:
        return {
            "count": self.count,
            "sites": self.sites,
            "bySite": [each.to_wire() for each in self.by_site],
            "byRule": [each.to_wire() for each in self.by_rule],
            "byWindow": [each.to_wire() for each in self.by_window],
            "needing": [each.to_wire() for each in self.by_need],
        }


@dataclass(frozen=True, slots=True)
class TurnTold:
    """All decisions that turn from one verdict to another, the newest as examples."""

    turn: Turn
    spread: Spread
    examples: tuple[Example, ...]

    def to_wire(self) -> dict[str, Json]:
        return {
            "from": self.turn[0].value,
            "to": self.turn[1].value,
            **self.spread.to_wire(),
            "examples": [each.to_wire() for each in self.examples],
        }


@dataclass(frozen=True, slots=True)
class Replayed:
    """`judged` past decisions; `left_out`: those that what had been used decided. Verdicts as they
    were (`was`), by the rules in force (`before`) and by the others (`after`). `runs` and `asks`:
    where the others would have let run, and asked, whether that is new or not."""

    judged: int
    left_out: int
    was: Mapping[Verdict, int]
    before: Mapping[Verdict, int]
    after: Mapping[Verdict, int]
    turns: tuple[TurnTold, ...]
    runs: Spread
    asks: Spread

    @classmethod
    def of(
        cls,
        judged: int,
        left_out: int,
        verdicts: tuple[Counter[Verdict], Counter[Verdict], Counter[Verdict]],
        turned: Mapping[Turn, Sequence[Turned]],
    ) -> "Replayed":
        order = list(Verdict)
        turns = sorted(turned, key=lambda turn: [order.index(each) for each in turn])
        runs, asks = (
            [each for turn in turns if turn[1] is verdict for each in turned[turn]]
            for verdict in (Verdict.RUN, Verdict.ASK)
        )
        return cls(
            judged,
            left_out,
            *verdicts,
            turns=tuple(_told(turn, turned[turn]) for turn in turns if turn[0] is not turn[1]),
            runs=_spread(runs),
            asks=_spread(asks),
        )

    @property
    def denied_to_run(self) -> int:
        """Past denials that would run."""
        wanted = Verdict.BLOCK, Verdict.RUN
        return sum(each.spread.count for each in self.turns if each.turn == wanted)

    def to_wire(self) -> dict[str, Json]:
        return {
            "judged": self.judged,
            "leftOut": self.left_out,
            "deniedToRun": self.denied_to_run,
            "was": _verdicts(self.was),
            "before": _verdicts(self.before),
            "after": _verdicts(self.after),
            "turns": [each.to_wire() for each in self.turns],
            "runs": self.runs.to_wire(),
            "asks": self.asks.to_wire(),
        }


def when(own: Window | None, hours: Hours | None) -> str:
    """A rule's times in words: `Mon-Fri 08:00-18:00, outside opening hours`."""
    told = []
    if own is not None:
        zone = "" if own.timezone is None else f" {own.timezone}"
        span = f"{window.clock_text(own.start)}-{window.clock_text(own.end)}"
        told.append(f"{_days(own.days)} {span}{zone}")
    if hours is not None:
        told.append(f"{hours.value} opening hours")
    return ", ".join(told) or ALWAYS


class _Named(Protocol):
    def __call__(self, each: Turned, /) -> str | None: ...


def _told(turn: Turn, groups: Sequence[Turned]) -> TurnTold:
    newest = sorted(groups, key=lambda each: each.example.at, reverse=True)
    return TurnTold(turn, _spread(groups), tuple(each.example for each in newest[:EXAMPLES_MAX]))


def _spread(groups: Sequence[Turned]) -> Spread:
    asking = [each for each in groups if each.needs is not None]
    by_site = Counter[str | None]()
    for each in groups:
        by_site.update(each.sites)
    return Spread(
        by_site.total(),
        len(by_site.keys() - {None}),
        _most(by_site),
        _shares(groups, lambda each: each.rule_id),
        _shares(groups, lambda each: when(each.window, each.opening_hours)),
        _shares(asking, lambda each: " or ".join(each.needs or ()) or None),
    )


def _shares(groups: Iterable[Turned], name: _Named) -> tuple[Share, ...]:
    counted = Counter[str | None]()
    for each in groups:
        counted[name(each)] += each.count
    return _most(counted)


def _most(counted: Counter[str | None]) -> tuple[Share, ...]:
    ordered = sorted(counted.items(), key=lambda item: (-item[1], item[0] or ""))
    return tuple(Share(*each) for each in ordered[:NAMED_MAX])


def _days(days: Sequence[int]) -> str:
    """`Mon-Fri`, or each by name where they do not follow on one another."""
    from_monday = sorted(days, key=lambda day: (day - 1) % 7)
    first, last = (from_monday[0] - 1) % 7, (from_monday[-1] - 1) % 7
    if len(days) > 2 and last - first == len(days) - 1:
        return f"{DAYS[from_monday[0]]}-{DAYS[from_monday[-1]]}"
    return ",".join(DAYS[day] for day in from_monday)


def _verdicts(counted: Mapping[Verdict, int]) -> dict[str, Json]:
    return {verdict.value: counted.get(verdict, 0) for verdict in Verdict}
