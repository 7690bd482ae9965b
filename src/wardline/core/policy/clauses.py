"""What a rule asks of a request besides kpi, action, place and severity, and how it then ends.

Few rules of a policy differ in this, so those that say the same share one object: it stays in
the caches of the processor while the rules come and go.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache

from wardline.core import severity
from wardline.core.policy import assess, budgets, verdict
from wardline.core.policy.assess import Finding
from wardline.core.policy.budgets import Cap
from wardline.core.policy.decision import Check, Code, TraceStep, Verdict
from wardline.core.policy.rule import Approval, Hours, Limits, Mode, Rule, Window
from wardline.core.severity import Severity

CLAUSES_KEPT_MAX = 8192
STEPS_KEPT_MAX = 256

_NO_APPROVAL = Approval()
_NEVER: frozenset[Severity] = frozenset()


@dataclass(frozen=True, slots=True)
class Ending:
    """What comes of a request, and the step that says so at the end of its trace."""

    code: Code
    step: TraceStep
    verdict: Verdict


def ending(came: Verdict, code: Code) -> Ending:
    return Ending(code, verdict.last(came, code), came)


RUN = ending(Verdict.RUN, Code.ALLOWED)
ASK = ending(Verdict.ASK, Code.APPROVAL_NEEDED)
OFFER = ending(Verdict.OFFER, Code.START_NEEDED)
NOT_OFFERED = ending(Verdict.BLOCK, Code.NOT_OFFERED)
CLOSED = ending(Verdict.BLOCK, Code.OUTSIDE_WINDOW)
COOLING = ending(Verdict.BLOCK, Code.COOLDOWN)
EXCEEDED = ending(Verdict.BLOCK, Code.LIMIT_EXCEEDED)
NO_MATCH = ending(Verdict.BLOCK, Code.NO_MATCH)
DENIED = ending(Verdict.BLOCK, Code.DENIED)

Endings = Mapping[Severity, Ending]


@dataclass(frozen=True, slots=True)
class Clauses:
    """What rules that differ in name, place and parameters have in common.

    `picky`: kpi, action, place and severity do not suffice to know that it fits. `timed`: it is
    not always open. `personal`: who asks, or the age of the rules, has a say in the approval.
    `apart`: it only watches or has a condition, so that its part in a trace takes the checks.
    `binding`: limits, a cooldown, the person or parameters that a request changes are to be
    looked at before it ends. `asks`: the severities at which it needs approval. `by_itself`,
    `not_alone` and `by_person` are its endings when a machine asks, when no machine may start the
    action, and when a person asks. `kept` and `cooled` stand in the trace when its
    limits are kept, and when its cooldown, if it has one, is over.
    """

    picky: bool
    timed: bool
    binding: bool
    personal: bool
    apart: bool
    window: Window | None
    opening_hours: Hours | None
    asks: frozenset[Severity]
    caps: tuple[Cap, ...]
    pause: timedelta | None
    by_itself: Endings
    not_alone: Endings
    by_person: Endings
    kept: TraceStep
    cooled: TraceStep | None


def of(rule: Rule, *, constant: bool) -> Clauses:
    """The clauses of a rule, whose parameters are constant or are changed by a request."""
    approval = rule.approval or _NO_APPROVAL
    personal = rule.max_stale_minutes is not None or approval.self_approve or approval.quorum < 1
    return _clauses(
        _is_picky(rule),
        personal,
        constant,
        rule.mode is Mode.LOG_ONLY or rule.when.condition is not None,
        rule.window,
        rule.opening_hours,
        rule.limits,
        rule.cooldown_minutes,
        _asks(approval.bypass_if_severity) if approval.required else _NEVER,
        rule.auto_execute,
        rule.auto_suggest,
    )


def told(check: Check, found: Finding) -> TraceStep:
    """What a check finds, as it stands in the trace."""
    return TraceStep(check, found.outcome, found.detail)


@lru_cache(maxsize=CLAUSES_KEPT_MAX)
def _clauses(
    picky: bool,
    personal: bool,
    constant: bool,
    apart: bool,
    window: Window | None,
    hours: Hours | None,
    limits: Limits,
    cooldown_minutes: int | None,
    asks: frozenset[Severity],
    starts: bool,
    offers: bool,
) -> Clauses:
    caps = budgets.caps(limits)
    offered = OFFER if offers else NOT_OFFERED
    return Clauses(
        picky=picky,
        timed=window is not None or hours is not None,
        binding=bool(caps) or cooldown_minutes is not None or personal or not constant,
        personal=personal,
        apart=apart,
        window=window,
        opening_hours=hours,
        asks=asks,
        caps=caps,
        pause=None if cooldown_minutes is None else timedelta(minutes=cooldown_minutes),
        by_itself=_endings(asks, RUN if starts else offered),
        not_alone=_endings(asks, offered),
        by_person=_endings(asks, RUN),
        kept=_kept(len(caps)),
        cooled=None if cooldown_minutes is None else _cooled(cooldown_minutes),
    )


@lru_cache(maxsize=STEPS_KEPT_MAX)
def _endings(asks: frozenset[Severity], other: Ending) -> Endings:
    return {word: ASK if word in asks else other for word in Severity}


@lru_cache(maxsize=STEPS_KEPT_MAX)
def _kept(count: int) -> TraceStep:
    return told(Check.LIMITS, assess.kept(count))


@lru_cache(maxsize=STEPS_KEPT_MAX)
def _cooled(minutes: int) -> TraceStep:
    return told(Check.COOLDOWN, assess.cooled(minutes))


def _is_picky(rule: Rule) -> bool:
    """Whether its scope names more than the one place that its slice is of, or it may expire, or
    it has a condition."""
    scope = rule.scope
    places = (scope.host, scope.site, scope.partner)
    return (
        scope.platform is not None
        or bool(scope.tags)
        or places.count(None) < len(places) - 1
        or rule.expires_at is not None
        or rule.when.condition is not None
    )


@lru_cache
def _asks(bypass: Severity | None) -> frozenset[Severity]:
    return frozenset(
        word for word in Severity if bypass is None or not severity.meets(bypass, word)
    )
