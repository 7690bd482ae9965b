"""From what was found among the rules to a decision: every check in its order, with its trace."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, lru_cache, partial
from typing import Protocol

from wardline.core.policy import assess, match
from wardline.core.policy.assess import Case, Finding
from wardline.core.policy.decision import (
    REASONS,
    Check,
    Code,
    Decision,
    Outcome,
    TraceStep,
    Verdict,
    Would,
)
from wardline.core.policy.match import Survey
from wardline.core.policy.request import Request, State
from wardline.core.policy.rule import Rank

LOG_ONLY_TRACED_MAX = 20
STEPS_KEPT_MAX = 1024
ERROR_CHARS_MAX = 200

CHECKS: tuple[tuple[Check, Callable[[Case], Finding]], ...] = (
    (Check.FREEZE, assess.freeze),
    (Check.OBSERVING, assess.observing),
    (Check.HOLD, assess.hold),
    (Check.MATCH, assess.matched),
    (Check.ACTION, assess.action),
    (Check.INPUTS, assess.inputs),
    (Check.WINDOW, assess.windows),
    (Check.LOCK, assess.lock),
    (Check.COOLDOWN, assess.cooldown),
    (Check.LIMITS, assess.limits),
    (Check.APPROVAL, assess.approval),
)

Findings = dict[Check, Finding]
Standing = tuple[int, int, Rank, str]
_VERDICTS = (Verdict.RUN, Verdict.ASK, Verdict.OFFER, Verdict.BLOCK)
_ORDER = tuple(check for check, _ in CHECKS)
_UNOBSERVED = tuple(check for check in _ORDER if check is not Check.OBSERVING)
# How far a refusal by rules came: how many checks were passed before it.
_REFUSED_AT = {
    code: _ORDER.index(check)
    for code, check in {
        Code.NO_MATCH: Check.MATCH,
        Code.DENIED: Check.MATCH,
        Code.OUTSIDE_WINDOW: Check.WINDOW,
        Code.COOLDOWN: Check.COOLDOWN,
        Code.LIMIT_EXCEEDED: Check.LIMITS,
    }.items()
}
_RANK_OF_NONE: Rank = (len(_ORDER), 0, "")


class Version(Protocol):
    """Which rules a decision was made from."""

    @property
    def revision(self) -> int: ...

    @property
    def epoch(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Judged:
    """A decision with its place among those on other actions.

    `progress` counts the checks before the one that refused, `rank` is the deciding rule's.
    """

    decision: Decision
    progress: int
    rank: Rank


def best(judged: Sequence[Judged]) -> Decision:
    """The best decision of one or more; of blocked ones, the one that came furthest."""
    return min(judged, key=_best_first).decision


def judge(
    version: Version,
    find: Callable[[], Case],
    request: Request,
    state: State,
    action: str | None,
) -> Judged:
    """The decision on one action, from the case that `find` makes of the rules."""
    case, failure = _found(find, request, state, action)
    findings = {check: _guarded(assess_it, case) for check, assess_it in CHECKS}
    if failure is not None:
        findings[Check.MATCH] = failure
    verdict, code, refused_by = _conclude(case, findings, _ORDER)
    would = None
    if code is Code.OBSERVING:
        would_be, would_code, refused_by = _conclude(case, findings, _UNOBSERVED)
        would = Would(would_be, would_code, _rule_id(case.survey, would_code))
    decision = Decision(
        verdict=verdict,
        code=code,
        reason=_reason(code, findings),
        action=action,
        rule_id=_rule_id(case.survey, code),
        params=case.params if verdict is not Verdict.BLOCK and case.params is not None else {},
        approver_roles=findings[Check.APPROVAL].roles if verdict is Verdict.ASK else None,
        trace=_trace(version, case, findings, verdict, code),
        policy_revision=version.revision,
        policy_epoch=version.epoch,
        policy_age_s=_age_s(request, state),
        decision_id=request.decision_id,
        would=would,
    )
    progress = len(_ORDER) if refused_by is None else _ORDER.index(refused_by)
    decider = case.survey.denied_by or case.survey.winner
    return Judged(decision, progress, _RANK_OF_NONE if decider is None else decider.rank)


def runs(find: Callable[[], Case]) -> bool:
    """Whether `judge` would let it run: the checks are made up to the first that refuses."""
    try:
        case = find()
    except Exception:  # noqa: BLE001 (fail closed, as `judge` does)
        return False
    found = {}
    for check, look in CHECKS:
        found[check] = finding = _guarded(look, case)
        if finding.code:
            return False
    return _conclude(case, found, _ORDER)[0] is Verdict.RUN


def standing(verdict: Verdict, code: Code, rank: Rank | None, action: str) -> Standing:
    """Where a decision stands among those on other actions, the least first; `rank` is the
    deciding rule's."""
    progress = _REFUSED_AT.get(code, len(_ORDER))
    return _VERDICTS.index(verdict), -progress, rank or _RANK_OF_NONE, action


def _best_first(judged: Judged) -> Standing:
    decision = judged.decision
    verdict = decision.verdict if decision.would is None else decision.would.verdict
    return _VERDICTS.index(verdict), -judged.progress, judged.rank, decision.action or ""


def _found(
    find: Callable[[], Case], request: Request, state: State, action: str | None
) -> tuple[Case, Finding | None]:
    try:
        return find(), None
    except Exception as error:  # noqa: BLE001 (fail closed: what cannot be matched is blocked)
        return Case(Survey(), request, state, action), _error(error)


def _guarded(look: Callable[[Case], Finding], case: Case) -> Finding:
    try:
        return look(case)
    except Exception as error:  # noqa: BLE001 (fail closed: a check that breaks blocks)
        return _error(error)


def _error(error: Exception) -> Finding:
    words = f"{type(error).__name__}: {error}".encode("ascii", "backslashreplace").decode()
    detail = "".join(char if char.isprintable() else " " for char in words)[:ERROR_CHARS_MAX]
    return Finding(Outcome.ERROR, detail, Code.ERROR)


def _conclude(
    case: Case, findings: Findings, order: tuple[Check, ...]
) -> tuple[Verdict, Code, Check | None]:
    for check in order:
        if code := findings[check].code:
            return Verdict.BLOCK, code, check
    rule = case.survey.winner
    if rule is None:
        return Verdict.BLOCK, Code.ERROR, Check.MATCH
    consent = findings[Check.APPROVAL]
    if consent.outcome is Outcome.ASK:
        return Verdict.ASK, Code.APPROVAL_NEEDED, None
    if consent.given or assess.started(case, rule):
        return Verdict.RUN, Code.ALLOWED, None
    if rule.auto_suggest:
        return Verdict.OFFER, Code.START_NEEDED, None
    return Verdict.BLOCK, Code.NOT_OFFERED, None


def _rule_id(found: Survey, code: Code) -> str | None:
    rule = found.denied_by if code is Code.DENIED else found.winner
    return None if rule is None else rule.id


def _reason(code: Code, findings: Findings) -> str:
    if code is not Code.ERROR:
        return REASONS.get(code, "")
    details = [finding.detail for finding in findings.values() if finding.code is Code.ERROR]
    return ": ".join([REASONS[code], *details[:1]])


def _age_s(request: Request, state: State) -> int | None:
    if state.confirmed_at is None:
        return None
    return max(0, (request.at - state.confirmed_at) // timedelta(seconds=1))


def _trace(
    version: Version, case: Case, findings: Findings, verdict: Verdict, code: Code
) -> tuple[TraceStep, ...]:
    checked = [_step(check, found.outcome, found.detail) for check, found in findings.items()]
    return (*checked, last(verdict, code), *_watchers(version, case))


def _watchers(version: Version, case: Case) -> list[TraceStep]:
    """What each watching rule would have decided had it stood alone."""
    steps = []
    for rule in case.survey.logged[:LOG_ONLY_TRACED_MAX]:
        about = (case.request, case.state, case.action)
        find = partial(assess.surveyed, (match.alone(rule),), *about)
        decision = judge(version, find, *about).decision
        told = decision.would or decision
        steps.append(TraceStep(Check.LOG_ONLY, Outcome.NOTE, f"{rule.id}: {told.verdict}"))
    return steps


def made(check: Check, look: Callable[[Case], Finding], case: Case) -> TraceStep:
    """A check, made, as it stands in the trace."""
    found = _guarded(look, case)
    return _step(check, found.outcome, found.detail)


@cache
def last(verdict: Verdict, code: Code) -> TraceStep:
    """The step that says what came of all the others."""
    outcome = Outcome.FAIL if verdict is Verdict.BLOCK else Outcome.PASS
    return TraceStep(Check.VERDICT, outcome, f"{verdict} ({code})")


@lru_cache(maxsize=STEPS_KEPT_MAX)
def _step(check: Check, outcome: Outcome, detail: str) -> TraceStep:
    return TraceStep(check, outcome, detail)
