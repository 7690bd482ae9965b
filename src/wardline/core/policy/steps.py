"""The steps that may lead from a refusal to a run, and what each makes of a scene."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import partial
from typing import Any, NamedTuple

from wardline.core import clock
from wardline.core.canonical import Json
from wardline.core.policy import assess, evaluate, match, params, verdict
from wardline.core.policy.decision import Decision, Verdict
from wardline.core.policy.request import (
    ApprovalFact,
    Counters,
    HostUsage,
    Initiator,
    Request,
    RuleUsage,
    State,
)
from wardline.core.policy.rule import Mode, Policy, Rule, When

NEW_RULE = "(a new rule)"
SOME_ACTION = "(its action)"
APPROVAL_DAYS = 366
# What a fact is taken to be, where any value would do.
SOME_VALUE = 0


class Kind(StrEnum):
    """What has to come about."""

    WAIT = "wait"
    START = "start"
    APPROVE = "approve"
    THAW = "lift_freeze"
    HEAL = "let_heal"
    CLEAR = "clear_hold"
    FINISH = "let_finish"
    FREE = "free_limit"
    FACTS = "give_facts"
    REFRESH = "refresh_rules"
    MEET = "meet_condition"
    ESCAPE = "escape_condition"
    ENABLE = "enable_rule"
    RENEW = "renew_rule"
    ENFORCE = "enforce_rule"
    DISABLE = "disable_rule"
    RAISE = "raise_limit"
    ADD = "add_rule"


# What takes an author of rules.
OF_RULES = frozenset({Kind.ENABLE, Kind.RENEW, Kind.ENFORCE, Kind.DISABLE, Kind.RAISE, Kind.ADD})


@dataclass(frozen=True, slots=True)
class Step:
    """`at`: when it comes about by itself. `roles` (None = whoever may approve at all) and `count`:
    who has to approve, and how many more of them. `names`: of facts, or of one limit."""

    kind: Kind
    words: str
    rule_id: str | None = None
    at: datetime | None = None
    roles: tuple[str, ...] | None = None
    count: int | None = None
    names: tuple[str, ...] = ()

    def to_wire(self) -> dict[str, Json]:
        return {
            "kind": self.kind.value,
            "message": self.words,
            "ruleId": self.rule_id,
            "at": None if self.at is None else clock.wire(self.at),
            "roles": None if self.roles is None else list(self.roles),
            "count": self.count,
            "names": list(self.names),
        }


class Scene(NamedTuple):
    """What a decision is made on."""

    rules: tuple[Rule, ...]
    request: Request
    state: State


def decide(scene: Scene) -> Decision:
    """The decision on a scene."""
    return evaluate.evaluate(Policy(scene.rules, 0), scene.request, scene.state)


def runs(scene: Scene) -> bool:
    """Whether the decision on a scene is to run; costs less than the decision."""
    request = scene.request
    if request.action is None:
        return decide(scene).verdict is Verdict.RUN
    find = partial(assess.surveyed, scene.rules, request, scene.state, request.action)
    return verdict.runs(find)


def apply(scene: Scene, step: Step) -> Scene:
    """The scene once a step has been taken."""
    return _APPLY[step.kind](scene, step)


def joined(taken: tuple[Step, ...], more: tuple[Step, ...]) -> tuple[Step, ...]:
    """Steps with others behind them: the last instant to wait for counts, and comes first;
    approvals come last, for they are given for what then is."""
    waits = any(step.kind is Kind.WAIT for step in more)
    kept = [step for step in taken if not (waits and step.kind is Kind.WAIT)]
    return tuple(sorted((*kept, *more), key=_order))


def _order(step: Step) -> int:
    return {Kind.WAIT: 0, Kind.APPROVE: 2}.get(step.kind, 1)


def _wait(scene: Scene, step: Step) -> Scene:
    """Later, with rules as fresh as they were."""
    at = scene.request.at
    if step.at is None or step.at <= at:
        return scene
    confirmed_at = scene.state.confirmed_at
    if confirmed_at is not None:
        confirmed_at += step.at - at
    request = replace(scene.request, at=step.at)
    return Scene(scene.rules, request, replace(scene.state, confirmed_at=confirmed_at))


def _start(scene: Scene, step: Step) -> Scene:
    return scene._replace(request=replace(scene.request, initiator=Initiator.PERSON))


def _approve(scene: Scene, step: Step) -> Scene:
    """So many more people, none of whom has a part in it yet, consent to what is asked for."""
    decision = decide(scene)
    rule = next((rule for rule in scene.rules if rule.id == decision.rule_id), None)
    if rule is None or not decision.needs_approval:
        return scene
    held = _valid(scene, rule, decision)
    people = {} if held is None else dict(held.approvers)
    roles = frozenset(step.roles if step.roles is not None else ("approver",))
    for number in range(len(people), len(people) + (step.count or 0)):
        people[f"approver {number + 1}"] = roles
    at = scene.request.at
    fact = ApprovalFact(
        rule_id=rule.id,
        rule_revision=rule.stamp.revision,
        action=decision.action or "",
        params_digest=params.digest(decision.params),
        approvers=people,
        requested_by=None if held is None else held.requested_by,
        granted_at=at if held is None else held.granted_at,
        expires_at=at + timedelta(days=APPROVAL_DAYS) if held is None else held.expires_at,
    )
    return scene._replace(request=replace(scene.request, approval=fact))


def _valid(scene: Scene, rule: Rule, decision: Decision) -> ApprovalFact | None:
    """An approval of the request that others can still join."""
    fact, at = scene.request.approval, scene.request.at
    if fact is None or not fact.granted_at <= at < fact.expires_at:
        return None
    wanted = (rule.id, rule.stamp.revision, decision.action, params.digest(decision.params))
    if (fact.rule_id, fact.rule_revision, fact.action, fact.params_digest) != wanted:
        return None
    found = match.survey(scene.rules, scene.request, decision.action)
    for each in (rule, *found.floors):
        minutes = each.approval.expires_minutes if each.approval is not None else None
        if minutes is not None and at >= fact.granted_at + timedelta(minutes=minutes):
            return None
    return fact


def _given(**known: Any) -> Callable[[Scene, Step], Scene]:
    """Something of the state is otherwise."""
    return lambda scene, step: scene._replace(state=replace(scene.state, **known))


def _free(scene: Scene, step: Step) -> Scene:
    """Nothing of a limit is used, at the instant when that is so."""
    scene = _wait(scene, step)
    counters, name = scene.state.counters, step.names[0]
    rules, actions = dict(counters.rules), dict(counters.actions)
    if name in _USAGE:
        usage = rules.get(step.rule_id or "", RuleUsage())
        rules[step.rule_id or ""] = replace(usage, **{_USAGE[name]: 0})
    else:
        action = scene.request.action or ""
        actions[action] = replace(actions.get(action, HostUsage()), runs_24h=0)
    return scene._replace(state=replace(scene.state, counters=Counters(rules, actions)))


def _facts(scene: Scene, step: Step) -> Scene:
    request = scene.request
    for name in step.names:
        if name == "delta":
            request = replace(request, alert=replace(request.alert, delta=SOME_VALUE))
        else:
            facts = _with_fact(request.facts, name.split(".")[1:])
            request = replace(request, facts=facts)
    return scene._replace(request=request)


def _with_fact(facts: Mapping[str, Json], path: list[str]) -> dict[str, Json]:
    first, *rest = path
    inner = facts.get(first)
    value = _with_fact(inner if isinstance(inner, Mapping) else {}, rest) if rest else SOME_VALUE
    return {**facts, first: value}


def _refresh(scene: Scene, step: Step) -> Scene:
    return scene._replace(state=replace(scene.state, confirmed_at=scene.request.at))


def _changed(change: Callable[[Rule, Step], Rule]) -> Callable[[Scene, Step], Scene]:
    """One rule is otherwise."""

    def changed(scene: Scene, step: Step) -> Scene:
        rules = tuple(
            change(rule, step) if rule.id == step.rule_id else rule for rule in scene.rules
        )
        return scene._replace(rules=rules)

    return changed


def _without_limit(rule: Rule, step: Step) -> Rule:
    field = _FIELDS[step.names[0]]
    return replace(rule, limits=replace(rule.limits, **{field: None}))


def _add(scene: Scene, step: Step) -> Scene:
    alert = scene.request.alert
    action = scene.request.action or _some_action(scene)
    when = When(alert.kpi_id, (alert.severity,))
    made = Rule(NEW_RULE, when, action, auto_execute=True)
    return scene._replace(rules=(*scene.rules, made))


def _some_action(scene: Scene) -> str:
    """For a request without an action, any that there is."""
    return min(scene.state.actions, default=SOME_ACTION) if scene.state.actions else SOME_ACTION


_USAGE = {
    "maxDailyPct": "pct_24h",
    "maxWeeklyPct": "pct_7d",
    "maxDailyQty": "qty_24h",
    "maxRunsPerSitePerHour": "runs_1h",
    "maxConcurrentPerSite": "running",
}
_FIELDS = {
    "maxDailyPct": "max_daily_pct",
    "maxWeeklyPct": "max_weekly_pct",
    "maxDailyQty": "max_daily_qty",
    "maxRunsPerHostPerDay": "max_runs_per_host_per_day",
    "maxRunsPerSitePerHour": "max_runs_per_site_per_hour",
    "maxConcurrentPerSite": "max_concurrent_per_site",
}
_APPLY: dict[Kind, Callable[[Scene, Step], Scene]] = {
    Kind.WAIT: _wait,
    Kind.START: _start,
    Kind.APPROVE: _approve,
    Kind.THAW: _given(freeze=False),
    Kind.HEAL: _given(observing=False),
    Kind.CLEAR: _given(hold=False),
    Kind.FINISH: _given(locked=False),
    Kind.FREE: _free,
    Kind.FACTS: _facts,
    Kind.REFRESH: _refresh,
    Kind.MEET: _changed(lambda rule, _: replace(rule, when=replace(rule.when, condition=None))),
    Kind.ESCAPE: _changed(lambda rule, _: replace(rule, enabled=False)),
    Kind.ENABLE: _changed(lambda rule, _: replace(rule, enabled=True)),
    Kind.RENEW: _changed(lambda rule, _: replace(rule, expires_at=None)),
    Kind.ENFORCE: _changed(lambda rule, _: replace(rule, mode=Mode.ENFORCE)),
    Kind.DISABLE: _changed(lambda rule, _: replace(rule, enabled=False)),
    Kind.RAISE: _changed(_without_limit),
    Kind.ADD: _add,
}
