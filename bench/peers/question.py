"""The part of a policy that every peer can express, and what each is asked.

Of a rule: kpi, action, severities, site, window, opening hours, allow or deny. What needs a
count (limits, cooldowns) or a person (approval) is left to ours alone. Of a request: the same, with
the wall clock already worked out, so that no peer pays for time zones.
"""

from collections.abc import Callable
from dataclasses import dataclass

from wardline.core import severity
from wardline.core.policy import opening, window
from wardline.core.policy.decision import Code, Decision
from wardline.core.policy.request import Request
from wardline.core.policy.rule import Effect, Hours, Mode, Policy, Rule
from wardline.core.severity import Severity

UNMATCHED = (Code.NO_MATCH, Code.OUTSIDE_WINDOW)
DAY_MINUTES = 24 * 60

Span = tuple[tuple[int, ...], int, int]


@dataclass(frozen=True, slots=True)
class Row:
    """A rule; it is open in any of `spans` (days, first and last minute of the day), none = always.
    A window that runs past midnight is two of them."""

    id: str
    allows: bool
    kpi: str
    action: str
    severities: tuple[str, ...]
    site: str | None
    spans: tuple[Span, ...]
    hours: Hours | None


@dataclass(frozen=True, slots=True)
class Question:
    """A request; `day` 0 = Sunday; `staffed`: people work at the site at that instant."""

    kpi: str
    action: str
    severity: str
    site: str
    day: int
    minute: int
    staffed: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether it is allowed, and by which rule either way; None where no rule speaks, or where
    the peer does not say which of several decided."""

    allowed: bool
    rule_id: str | None


Ask = Callable[[Question], Answer]


def rows(policy: Policy) -> list[Row]:
    """The rules that decide, the one that goes first in front: denies, then allows, by rank."""
    deciding = [rule for rule in policy.rules if rule.enabled and rule.mode is Mode.ENFORCE]
    deciding.sort(key=lambda rule: (rule.effect is Effect.ALLOW, rule.rank))
    return [_row(rule) for rule in deciding]


def question(request: Request) -> Question:
    day, minute = window.wall_clock(request.at, request.zone)
    return Question(
        request.alert.kpi_id,
        request.action or "",
        request.alert.severity.value,
        request.site or "",
        day,
        minute,
        bool(opening.is_staffed(request)),
    )


def ours(decision: Decision) -> Answer:
    """Our own decision as far as a peer could make it: by what matched, not by what was counted."""
    if decision.code in UNMATCHED:
        return Answer(False, None)
    return Answer(decision.code is not Code.DENIED, decision.rule_id)


def _row(rule: Rule) -> Row:
    return Row(
        rule.id,
        rule.effect is Effect.ALLOW,
        rule.when.kpi_id,
        rule.action,
        tuple(
            word.value
            for word in Severity
            if any(severity.meets(listed, word) for listed in rule.when.severity)
        ),
        rule.scope.site,
        _spans(rule),
        rule.opening_hours,
    )


def _spans(rule: Rule) -> tuple[Span, ...]:
    given = rule.window
    if given is None:
        return ()
    if given.start < given.end:
        return ((given.days, given.start, given.end),)
    following = tuple(sorted((day + 1) % 7 for day in given.days))
    return (given.days, given.start, DAY_MINUTES - 1), (following, 0, given.end)
