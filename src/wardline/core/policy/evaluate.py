"""Decide: every check in its order over a plain loop of the rules; pure, and closed on error."""

from collections.abc import Callable
from datetime import timedelta

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
from wardline.core.policy.rule import Policy, Rule

LOG_ONLY_TRACED_MAX = 20
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
_VERDICTS = (Verdict.RUN, Verdict.ASK, Verdict.OFFER, Verdict.BLOCK)
_ORDER = tuple(check for check, _ in CHECKS)


def evaluate(policy: Policy, request: Request, state: State) -> Decision:
    """The decision on `request`: a function of its arguments and nothing else.

    Without an action each action of the kpi is judged and the best one that is not blocked
    answers; if all are, the one that came furthest. A check that fails to evaluate blocks with
    code `error`.
    """
    if request.action is not None:
        return _judge(policy, policy.rules, request, state, request.action)[0]
    judged = [
        _judge(policy, policy.rules, request, state, action)
        for action in match.actions(policy.rules, request)
    ]
    if not judged:
        return _judge(policy, (), request, state, None)[0]
    return min(judged, key=_best_first)[0]


def _best_first(
    judged: tuple[Decision, int, tuple[int, int, str]],
) -> tuple[int, int, tuple[int, int, str], str]:
    decision, progress, rank = judged
    verdict = decision.verdict if decision.would is None else decision.would.verdict
    return _VERDICTS.index(verdict), -progress, rank, decision.action or ""


def _judge(
    policy: Policy, rules: tuple[Rule, ...], request: Request, state: State, action: str | None
) -> tuple[Decision, int, tuple[int, int, str]]:
    """The decision on one action, how many checks came before its refusal, its rule's rank."""
    case, failure = _case(rules, request, state, action)
    findings = {check: _guarded(look, case) for check, look in CHECKS}
    if failure is not None:
        findings[Check.MATCH] = failure
    verdict, code, refused_by = _conclude(case, findings, _ORDER)
    would = None
    if code is Code.OBSERVING:
        unobserved = tuple(check for check in _ORDER if check is not Check.OBSERVING)
        would_be, would_code, refused_by = _conclude(case, findings, unobserved)
        would = Would(would_be, would_code, _rule_id(case.survey, would_code))
    decision = Decision(
        verdict=verdict,
        code=code,
        reason=_reason(code, findings),
        action=action,
        rule_id=_rule_id(case.survey, code),
        params=case.params if verdict is not Verdict.BLOCK and case.params is not None else {},
        approver_roles=findings[Check.APPROVAL].roles if verdict is Verdict.ASK else None,
        trace=_trace(policy, case, findings, verdict, code),
        policy_revision=policy.revision,
        policy_epoch=policy.epoch,
        policy_age_s=_age_s(request, state),
        decision_id=request.decision_id,
        would=would,
    )
    progress = len(_ORDER) if refused_by is None else _ORDER.index(refused_by)
    decider = case.survey.denied_by or case.survey.winner
    return decision, progress, (len(_ORDER), 0, "") if decider is None else decider.rank


def _case(
    rules: tuple[Rule, ...], request: Request, state: State, action: str | None
) -> tuple[Case, Finding | None]:
    try:
        return assess.case(match.survey(rules, request, action), request, state, action), None
    except Exception as error:  # noqa: BLE001 (fail closed: what cannot be matched is blocked)
        return assess.case(Survey(), request, state, action), _error(error)


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
    policy: Policy, case: Case, findings: Findings, verdict: Verdict, code: Code
) -> tuple[TraceStep, ...]:
    checked = [TraceStep(check, found.outcome, found.detail) for check, found in findings.items()]
    blocked = verdict is Verdict.BLOCK
    last = TraceStep(
        Check.VERDICT, Outcome.FAIL if blocked else Outcome.PASS, f"{verdict} ({code})"
    )
    return (*checked, last, *_watchers(policy, case))


def _watchers(policy: Policy, case: Case) -> list[TraceStep]:
    """What each watching rule would have decided had it stood alone."""
    steps = []
    for rule in case.survey.logged[:LOG_ONLY_TRACED_MAX]:
        decision = _judge(policy, (match.alone(rule),), case.request, case.state, case.action)[0]
        told = decision.would or decision
        steps.append(TraceStep(Check.LOG_ONLY, Outcome.NOTE, f"{rule.id}: {told.verdict}"))
    return steps
