"""The trace of an outcome that an index found; what every such trace shares stands ready."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter

from wardline.core.canonical import Json
from wardline.core.policy import assess, budgets, clauses, evaluate, match, opening, params, verdict
from wardline.core.policy.assess import Case
from wardline.core.policy.clauses import Clauses, Ending
from wardline.core.policy.decision import Check, Code, Outcome, TraceStep, step
from wardline.core.policy.match import Survey
from wardline.core.policy.params import Unresolved
from wardline.core.policy.request import ActionFacts, Alert, HostUsage, Request, Risk, State
from wardline.core.policy.rule import Policy, Reach, Rule, When
from wardline.core.policy.slices import Plan
from wardline.core.policy.window import UnknownZone
from wardline.core.severity import Severity

INPUTS_KEPT_MAX = 128

Trace = tuple[TraceStep, ...]
_by_id = attrgetter("id")
_is_open = opening.is_open
_BROADER = {reach: match.broader(reach) for reach in Reach}


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
    (risk, noticed): _sample(
        (_RULE,), State(actions={"action": ActionFacts(risk, noticed=noticed)})
    )[Check.ACTION]
    for risk in Risk
    for noticed in (False, True)
}
_AFTER_MATCH = (Check.INPUTS, Check.WINDOW, Check.LOCK, Check.COOLDOWN, Check.LIMITS)
_UNMATCHED_AFTER = tuple(
    _UNMATCHED[check] for check in (*_AFTER_MATCH, Check.APPROVAL, Check.VERDICT)
)
_FREEZE, _OBSERVING, _HOLD = (
    _QUIET[check] for check in (Check.FREEZE, Check.OBSERVING, Check.HOLD)
)
_CALLERS_OWN, _OPEN, _UNLOCKED = (
    _QUIET[check] for check in (Check.ACTION, Check.WINDOW, Check.LOCK)
)
_NO_COOLDOWN, _UNASKED = _QUIET[Check.COOLDOWN], _QUIET[Check.APPROVAL]
_NEVER_RUN = step(Check.COOLDOWN, Outcome.PASS, assess.never_run().detail)
# What a check that every decision makes would look up in its enum, each time.
_CLOSED = Code.OUTSIDE_WINDOW
_COOLDOWN_UNKNOWN = (Code.OUTSIDE_WINDOW, Code.COOLDOWN)
_LIMITS_UNKNOWN = (*_COOLDOWN_UNKNOWN, Code.LIMIT_EXCEEDED)
_MATCH, _WINDOW, _PASS, _FAIL = Check.MATCH, Check.WINDOW, Outcome.PASS, Outcome.FAIL


def _unmatched(action: TraceStep) -> Trace:
    before = _FREEZE, _OBSERVING, _HOLD, _UNMATCHED[Check.MATCH]
    return (*before, action, *_UNMATCHED_AFTER)


_UNMATCHED_OWN = _unmatched(_CALLERS_OWN)
_UNMATCHED_REGISTERED = {about: _unmatched(step) for about, step in _REGISTERED.items()}


def unmatched(request: Request, state: State) -> Trace:
    """Of a request that no rule speaks to, with nothing before the match in the way."""
    if state.actions is None:
        return _UNMATCHED_OWN
    facts = state.actions.get(request.action or "")
    if facts is not None and assess.is_admissible(facts.platforms, request.platform):
        return _UNMATCHED_REGISTERED[facts.risk, facts.noticed]
    case = Case(Survey(), request, state, request.action)
    return _unmatched(verdict.made(Check.ACTION, assess.action, case))


def of_winner(
    plan: Plan, losers: list[Plan], request: Request, state: State, ending: Ending
) -> Trace:
    """Of an ending that the rule of a plan decided over some losers, whose action is admissible
    and with nothing before the match in the way."""
    code, terms, inputs = ending.code, plan.clauses, plan.inputs
    window = _OPEN
    if code is _CLOSED:
        window = step(_WINDOW, _FAIL, opening.closed_by(plan.rule, request) or "")
    cooldown, limits = _NO_COOLDOWN, terms.kept
    if terms.cooled is not None or terms.caps:
        cooldown, limits = _counted(plan, request, state, code)
    consent = _UNASKED
    if terms.personal:
        case = Case(Survey(plan.rule), request, state, request.action, _resolved(plan, request))
        consent = verdict.made(Check.APPROVAL, assess.approval, case)
    elif plan.wants is not None and request.alert.severity in terms.asks:
        consent = plan.wants
    actions = state.actions
    return (
        _FREEZE,
        _OBSERVING,
        _HOLD,
        _over(plan, losers, request) if losers else plan.decides,
        _CALLERS_OWN if actions is None else _registered(actions[request.action or ""]),
        _inputs(len(_resolved(plan, request))) if inputs is None else inputs,
        window,
        _UNLOCKED,
        cooldown,
        limits,
        consent,
        ending.step,
    )


def _registered(facts: ActionFacts) -> TraceStep:
    return _REGISTERED[facts.risk, facts.noticed]


def _over(winner: Plan, losers: list[Plan], request: Request) -> TraceStep:
    """That the winner decides over the others, and why each of them does not."""
    if len(losers) > 1:
        losers.sort(key=_by_id)
    reach, told = winner.place[0], []
    for plan in losers:
        if plan.clauses.timed and _is_closed(plan.clauses, request):
            why = match.why_lost(plan.rule, winner.rule, request, is_open=False)
        elif plan.place[0] is not reach:
            why = _BROADER[plan.place[0]]
        else:
            why = match.outranked(reach, plan.rank, winner.rank)
        told.append(assess.loser(plan.id, why))
    return step(_MATCH, _PASS, f"{winner.decides.detail}; {assess.over(told)}")


def _is_closed(terms: Clauses, request: Request) -> bool:
    """As `match.counts_as_open` has it: what cannot be judged is not closed."""
    try:
        return _is_open(terms, request) is False
    except UnknownZone:
        return False


def _resolved(plan: Plan, request: Request) -> Mapping[str, Json]:
    if plan.constants is None:
        return params.resolve(plan.rule, request)
    return plan.constants[request.alert.severity]


@lru_cache(maxsize=INPUTS_KEPT_MAX)
def _inputs(count: int) -> TraceStep:
    return clauses.told(Check.INPUTS, assess.given(count))


def _counted(plan: Plan, request: Request, state: State, code: Code) -> tuple[TraceStep, TraceStep]:
    """Cooldown and limits: after a check that refused, what the ending does not say of them."""
    terms = plan.clauses
    cooldown, limits = _NO_COOLDOWN, terms.kept
    usage = assess.host_usage(state, request.action)
    if terms.cooled is not None:
        cooldown = _NEVER_RUN if usage.last_run_at is None else terms.cooled
        if code in _COOLDOWN_UNKNOWN and assess.is_cooling(plan.rule, usage, request.at):
            case = Case(Survey(plan.rule), request, state, request.action)
            cooldown = verdict.made(Check.COOLDOWN, assess.cooldown, case)
    if terms.caps and code in _LIMITS_UNKNOWN:
        resolved = _resolved(plan, request)
        if not _within(plan, state, usage, resolved):
            case = Case(Survey(plan.rule), request, state, request.action, resolved)
            limits = verdict.made(Check.LIMITS, assess.limits, case)
    return cooldown, limits


def _within(plan: Plan, state: State, usage: HostUsage, resolved: Mapping[str, Json]) -> bool:
    """Whether all limits of a rule could be looked at and are kept."""
    try:
        found = budgets.of(plan.rule, state, usage, resolved)
    except Unresolved:
        return False
    return all(used <= limit for _, used, limit in found)
