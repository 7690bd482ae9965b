"""The trace of an outcome that an index found; what every such trace shares stands ready."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

from wardline.core.canonical import Json
from wardline.core.policy import assess, evaluate, opening, verdict
from wardline.core.policy.assess import Case
from wardline.core.policy.decision import Check, Code, Decision, Outcome, TraceStep
from wardline.core.policy.match import Survey
from wardline.core.policy.request import ActionFacts, Alert, Request, Risk, State
from wardline.core.policy.rule import Limits, Policy, Rule, When
from wardline.core.policy.slices import Plan
from wardline.core.severity import Severity

INPUTS_KEPT_MAX = 128

Losers = tuple[tuple[str, str], ...]


def _request() -> Request:
    alert = Alert("", "check", "", "", Severity.LOW)
    return Request(alert, datetime(2000, 1, 1, tzinfo=UTC), "UTC", "", "action")


def _sample(rules: tuple[Rule, ...], state: State) -> dict[Check, TraceStep]:
    """How each check comes out when nothing stands in the way of a rule that asks for nothing."""
    trace = evaluate.evaluate(Policy(rules, 0), _request(), state).trace
    return {step.check: step for step in trace}


_RULE = Rule("rule", When("check", (Severity.LOW,)), "action")
_QUIET = _sample((_RULE,), State())
_UNMATCHED = _sample((), State())
_REGISTERED = {
    risk: _sample((_RULE,), State(actions={"action": ActionFacts(risk)}))[Check.ACTION]
    for risk in Risk
}
_BEFORE = tuple(_QUIET[check] for check in (Check.FREEZE, Check.OBSERVING, Check.HOLD))
_AFTER_ACTION = (Check.INPUTS, Check.WINDOW, Check.LOCK, Check.COOLDOWN, Check.LIMITS)
_UNMATCHED_AFTER = tuple(
    _UNMATCHED[check] for check in (*_AFTER_ACTION, Check.APPROVAL, Check.VERDICT)
)
_CALLERS_OWN = _QUIET[Check.ACTION]
_OPEN, _UNLOCKED = _QUIET[Check.WINDOW], _QUIET[Check.LOCK]
_UNCOUNTED = (_QUIET[Check.COOLDOWN], _QUIET[Check.LIMITS])
_NO_LIMITS = Limits()
_UNASKED = _QUIET[Check.APPROVAL]


def unmatched(case: Case) -> tuple[TraceStep, ...]:
    """Of a request that no rule speaks to, with nothing before the match in the way."""
    action = verdict.made(Check.ACTION, assess.action, case)
    return (*_BEFORE, _UNMATCHED[Check.MATCH], action, *_UNMATCHED_AFTER)


def of_winner(
    plan: Plan,
    request: Request,
    state: State,
    resolved: Mapping[str, Json],
    decided: Decision,
    losers: Losers,
) -> tuple[TraceStep, ...]:
    """Of an outcome that the rule of a plan decided over some losers, whose action is admissible
    and with nothing before the match in the way."""
    window, counted, consent = _OPEN, _UNCOUNTED, _UNASKED
    if decided.code is Code.OUTSIDE_WINDOW:
        window = TraceStep(Check.WINDOW, Outcome.FAIL, opening.closed_by(plan.rule, request) or "")
    if plan.counted or plan.personal:
        case = Case(Survey(plan.rule), request, state, request.action, resolved)
        if plan.counted:
            counted = _counted(case, plan.rule)
        if plan.personal:
            consent = verdict.made(Check.APPROVAL, assess.approval, case)
    if not plan.personal and request.alert.severity in plan.asks:
        consent = plan.wants
    return (
        *_BEFORE,
        _over(plan, losers) if losers else plan.decides,
        _CALLERS_OWN
        if state.actions is None
        else _REGISTERED[state.actions[request.action or ""].risk],
        _inputs(len(resolved)),
        window,
        _UNLOCKED,
        *counted,
        consent,
        verdict.last(decided.verdict, decided.code),
    )


def _over(plan: Plan, losers: Losers) -> TraceStep:
    words = f"{plan.decides.detail}; {assess.over(losers)}"
    return TraceStep(Check.MATCH, plan.decides.outcome, words)


@lru_cache(maxsize=INPUTS_KEPT_MAX)
def _inputs(count: int) -> TraceStep:
    inputs: dict[str, Json] = {f"input {number}": None for number in range(count)}
    case = Case(Survey(_RULE), _request(), State(), "action", inputs)
    return verdict.made(Check.INPUTS, assess.inputs, case)


def _counted(case: Case, rule: Rule) -> tuple[TraceStep, TraceStep]:
    cooldown, limits = _UNCOUNTED
    if rule.cooldown_minutes is not None:
        cooldown = verdict.made(Check.COOLDOWN, assess.cooldown, case)
    if rule.limits != _NO_LIMITS:
        limits = verdict.made(Check.LIMITS, assess.limits, case)
    return cooldown, limits
