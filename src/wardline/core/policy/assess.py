"""The checks of a decision, one function each: what they look at and what they find."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.errors import Refused
from wardline.core.policy import budgets, exact, match, opening, params
from wardline.core.policy.decision import Code, Outcome
from wardline.core.policy.match import Survey
from wardline.core.policy.request import (
    HostUsage,
    Initiator,
    Request,
    Risk,
    State,
    covers,
)
from wardline.core.policy.rule import Approval, Effect, Rule

NAMED_MAX = 20
FINDINGS_KEPT_MAX = 256
PLATFORMS_KEPT_MAX = 256

# Where actions for some platforms were found to be admissible: every decision asks for one.
ADMITTED: dict[tuple[str, ...], set[str | None]] = {}
NOWHERE: frozenset[str | None] = frozenset()

_UNUSED_HOST = HostUsage()
_NO_APPROVAL = Approval()


class Case(NamedTuple):
    """One action under judgement; `params` None means that `unresolved` says why."""

    survey: Survey
    request: Request
    state: State
    action: str | None
    params: Mapping[str, Json] | None = None
    unresolved: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """How a check came out; `code` is set where it refuses, `given` and `roles` by approval."""

    outcome: Outcome
    detail: str
    code: Code | None = None
    given: bool = False
    roles: tuple[str, ...] | None = None


_REGISTERED = {
    (risk, noticed): Finding(
        Outcome.PASS, f"registered, risk {risk}{', people notice it' if noticed else ''}"
    )
    for risk in Risk
    for noticed in (False, True)
}


def surveyed(rules: Iterable[Rule], request: Request, state: State, action: str | None) -> Case:
    """The case of an action, found by looking at every rule."""
    return case(match.survey(rules, request, action), request, state, action)


def case(found: Survey, request: Request, state: State, action: str | None) -> Case:
    """The case with the winner's parameters resolved."""
    if found.winner is None:
        return Case(found, request, state, action)
    try:
        resolved = params.resolve(found.winner, request)
    except Refused as error:
        return Case(found, request, state, action, None, str(error))
    return Case(found, request, state, action, resolved)


def freeze(case: Case) -> Finding:
    if case.state.freeze:
        why = case.state.frozen_by or "everything is frozen for this partner or site"
        return _refuse(Code.FREEZE, why)
    return _pass("nothing is frozen")


def observing(case: Case) -> Finding:
    if case.state.observing:
        return _refuse(Code.OBSERVING, "the site or host observes until a person lets it heal")
    return _pass("healing is on")


def hold(case: Case) -> Finding:
    if case.state.hold or case.action in case.state.held:
        return _refuse(Code.HOLD, "flap suppression holds until a person clears it with a reason")
    return _pass("no hold")


def matched(case: Case) -> Finding:
    found = case.survey
    if found.denied_by is not None:
        words = f"rule {found.denied_by.id} forbids it"
        return _refuse(Code.DENIED, _joined(words, _losers(found), _failed(found)))
    if found.winner is None:
        return _refuse(Code.NO_MATCH, _joined("no rule fits", _losers(found), _failed(found)))
    if not found.losers and not found.failed:
        return decides(found.winner)
    words = _joined(deciding(found.winner.id), _losers(found), _failed(found))
    return Finding(Outcome.PASS, words)


def action(case: Case) -> Finding:
    if case.action is None:
        return _skip("no action was asked for and no rule names one")
    if case.state.actions is None:
        return _pass("actions are the caller's own")
    facts = case.state.actions.get(case.action)
    if facts is None:
        return _refuse(Code.UNKNOWN_ACTION, f"no action is registered as {case.action}")
    platform = case.request.platform
    if not is_admissible(facts.platforms, platform):
        wanted = ", ".join(facts.platforms)
        return _refuse(Code.NOT_ADMISSIBLE, f"for {wanted}, not for {platform or 'no platform'}")
    return _REGISTERED[facts.risk, facts.noticed]


def inputs(case: Case) -> Finding:
    if case.survey.winner is None:
        return _skip("no rule gives parameters")
    if case.params is None:
        return _refuse(Code.UNRESOLVED_INPUT, case.unresolved)
    facts = (case.state.actions or {}).get(case.action or "")
    if facts is not None and facts.inputs is not None:
        if foreign := sorted(case.params.keys() - facts.inputs):
            return _refuse(Code.UNRESOLVED_INPUT, f"{foreign[0]}: the action takes no such input")
    return given(len(case.params))


def windows(case: Case) -> Finding:
    if case.survey.winner is None:
        return _skip("no rule has a window here")
    for rule in _binding(case.survey):
        if (why := opening.closed_by(rule, case.request)) is not None:
            return _refuse(Code.OUTSIDE_WINDOW, why)
    return _pass("open")


def lock(case: Case) -> Finding:
    if case.state.locked or case.action in case.state.running:
        return _refuse(Code.LOCKED, "the same action is running on this host")
    return _pass("not running on this host")


def cooldown(case: Case) -> Finding:
    rule = case.survey.winner
    if rule is None or rule.cooldown_minutes is None:
        return _skip("no cooldown applies")
    usage = host_usage(case.state, case.action)
    if usage.last_run_at is None:
        return never_run()
    if is_cooling(rule, usage, case.request.at):
        return _refuse(Code.COOLDOWN, f"rule {rule.id}: {rule.cooldown_minutes} min after a run")
    return cooled(rule.cooldown_minutes)


def limits(case: Case) -> Finding:
    if case.survey.winner is None:
        return _skip("no rule has limits here")
    if case.params is None:
        return _skip("without parameters there is no amount")
    count = 0
    for rule in _binding(case.survey):
        usage = host_usage(case.state, case.action)
        for name, used, limit in budgets.of(rule, case.state, usage, case.params):
            count += 1
            if used > limit:
                over = f"{exact.text(used)} of {exact.text(limit)}"
                over += budgets.whose(name, case.state.share)
                return _refuse(Code.LIMIT_EXCEEDED, f"rule {rule.id}, {name}: {over}")
    return kept(count)


def approval(case: Case) -> Finding:
    """Whose consent is missing: outcome `ask`, with the roles that may give it."""
    rule = case.survey.winner
    if rule is None:
        return _skip("no rule asks for approval here")
    stale = _is_stale(case, rule)
    given = _is_given(case, rule, rule.approval or _NO_APPROVAL)
    if stale and not given:
        roles = rule.approval.roles if rule.approval is not None else None
        why = f"the rules are older than {rule.max_stale_minutes} min"
        return Finding(Outcome.ASK, why, roles=roles)
    for binding in _binding(case.survey):
        spec = binding.approval or _NO_APPROVAL
        if _is_needed(case, spec) and not _is_given(case, rule, spec):
            return asks(binding, spec)
    return Finding(Outcome.PASS, "given" if given else "not needed", given=given)


def started(case: Case, rule: Rule) -> bool:
    """Whether the action may start by itself, or a person has just started it."""
    if case.request.initiator is Initiator.PERSON:
        return True
    facts = (case.state.actions or {}).get(case.action or "")
    if facts is None:
        return rule.auto_execute
    timed = rule.window is not None or rule.opening_hours is not None
    return rule.auto_execute and facts.risk is not Risk.HIGH and (timed or not facts.noticed)


def decides(rule: Rule) -> Finding:
    """That a rule is the only one to speak."""
    return Finding(Outcome.PASS, deciding(rule.id))


def deciding(rule_id: str) -> str:
    """Which rule decides, in words for a person."""
    return f"rule {rule_id} decides"


def loser(rule_id: str, why: str) -> str:
    """A rule that spoke, and why it does not decide."""
    return f"{rule_id} ({why})"


def over(losers: Sequence[str]) -> str:
    """That something decides over other rules."""
    if len(losers) <= NAMED_MAX:
        return "over " + ", ".join(losers)
    return f"over {', '.join(losers[:NAMED_MAX])} and {len(losers) - NAMED_MAX} more"


def asks(rule: Rule, spec: Approval) -> Finding:
    """That a rule wants consent which nobody has given."""
    words = f"rule {rule.id} needs {spec.quorum} approval(s)"
    return Finding(Outcome.ASK, words, roles=spec.roles)


def given(count: int) -> Finding:
    """That so many parameters have their values."""
    return _pass(f"{count} parameters resolved")


def never_run() -> Finding:
    """That a cooldown has nothing to wait for."""
    return _pass("never run on this host")


def cooled(minutes: int) -> Finding:
    """That a cooldown of so many minutes is over."""
    return _pass(f"the last run is {minutes} min ago or more")


def kept(count: int) -> Finding:
    """That none of so many limits stands in the way."""
    return _pass(f"{count} limits kept")


def _binding(found: Survey) -> tuple[Rule, ...]:
    """The rules whose window, limits and approval must all be met: the winner and its floors."""
    return () if found.winner is None else (found.winner, *found.floors)


def is_admissible(platforms: tuple[str, ...], platform: str | None) -> bool:
    """Whether an action for these platforms, or for all, may run on one; if so, ADMITTED knows."""
    if platform in ADMITTED.get(platforms, NOWHERE):
        return True
    if platforms and not any(covers(prefix, platform) for prefix in platforms):
        return False
    if len(ADMITTED) >= PLATFORMS_KEPT_MAX:
        ADMITTED.clear()
    known = ADMITTED.setdefault(platforms, set())
    if len(known) >= PLATFORMS_KEPT_MAX:
        known.clear()
    known.add(platform)
    return True


def host_usage(state: State, action: str | None) -> HostUsage:
    """What has run on the request's host."""
    return state.counters.actions.get(action or "", _UNUSED_HOST)


def is_cooling(rule: Rule, usage: HostUsage, at: datetime) -> bool:
    """Whether the last run on the host is too fresh for the rule."""
    if rule.cooldown_minutes is None or usage.last_run_at is None:
        return False
    return at < usage.last_run_at + timedelta(minutes=rule.cooldown_minutes)


def _is_stale(case: Case, rule: Rule) -> bool:
    """Older than the rule allows, of unknown age, or confirmed at a time that is yet to come."""
    if rule.max_stale_minutes is None:
        return False
    confirmed_at = case.state.confirmed_at
    if confirmed_at is None:
        return True
    age = case.request.at - confirmed_at
    return not timedelta(0) <= age <= timedelta(minutes=rule.max_stale_minutes)


def _is_needed(case: Case, spec: Approval) -> bool:
    bypass = spec.bypass_if_severity
    bypassed = bypass is not None and severity.meets(bypass, case.request.alert.severity)
    return spec.required and not bypassed


def _is_given(case: Case, rule: Rule, spec: Approval) -> bool:
    """Whether enough people consented to exactly this, as `spec` asks."""
    people = _approvers(case, rule, spec)
    principal = case.request.principal
    if spec.self_approve and principal is not None and _may_approve(principal.roles, spec):
        people = people | {principal.user_id}
    return len(people) >= spec.quorum


def _approvers(case: Case, rule: Rule, spec: Approval) -> frozenset[str]:
    fact, request = case.request.approval, case.request
    if fact is None or case.params is None:
        return frozenset()
    bound_to = (fact.rule_id, fact.rule_revision, fact.action, fact.params_digest)
    if bound_to != (rule.id, rule.stamp.revision, case.action, params.digest(case.params)):
        return frozenset()
    end = fact.expires_at
    if spec.expires_minutes is not None:
        end = min(end, fact.granted_at + timedelta(minutes=spec.expires_minutes))
    if not fact.granted_at <= request.at < end:
        return frozenset()
    people = {user for user, roles in fact.approvers.items() if _may_approve(roles, spec)}
    return frozenset(people if spec.self_approve else people - _requesters(request))


def _requesters(request: Request) -> set[str]:
    asked_by = request.approval.requested_by if request.approval is not None else None
    if asked_by is not None:
        return {asked_by}
    by_person = request.initiator is Initiator.PERSON and request.principal is not None
    return {request.principal.user_id} if by_person and request.principal else set()


def _may_approve(roles: frozenset[str], spec: Approval) -> bool:
    return spec.roles is None or not roles.isdisjoint(spec.roles)


def _losers(found: Survey) -> str:
    return over([loser(*each) for each in found.losers]) if found.losers else ""


def _failed(found: Survey) -> str:
    if not found.failed:
        return ""
    told = "; ".join(f"{rule_id}, {why}" for rule_id, why in found.failed[:NAMED_MAX])
    counted = f"matched in a {Effect.DENY}, not matched in an {Effect.ALLOW}"
    return f"no answer from the condition of {told} (counts as {counted})"


def _joined(*parts: str) -> str:
    return "; ".join(filter(None, parts))


@lru_cache(maxsize=FINDINGS_KEPT_MAX)
def _pass(detail: str) -> Finding:
    return Finding(Outcome.PASS, detail)


@lru_cache(maxsize=FINDINGS_KEPT_MAX)
def _skip(detail: str) -> Finding:
    return Finding(Outcome.SKIPPED, detail)


def _refuse(code: Code, detail: str) -> Finding:
    return Finding(Outcome.FAIL, detail, code)
