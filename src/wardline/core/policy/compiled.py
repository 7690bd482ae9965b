"""A policy as an index: the decisions of `evaluate`, at a cost of the rules that could match.

A dictionary leads from kpi and action to a bucket, the bucket from host, site and partner to at
most four slices of rules, and a slice from the severity to sets of rules, one bit each, in the
order of their rank: the lowest bit that is open decides. What depends on the request besides is
looked at for that rule alone. The trace is made when it is read, by the checks that `evaluate`
makes, over the same few rules; they must come to the same outcome.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from wardline.core.policy import (
    assess,
    condition,
    decision,
    match,
    opening,
    params,
    slices,
    verdict,
)
from wardline.core.policy.assess import Case
from wardline.core.policy.decision import Code, Decision, Verdict
from wardline.core.policy.request import ActionFacts, Initiator, Request, Risk, State, covers
from wardline.core.policy.rule import ANY_ACTION, DuplicateRule, Policy, Rule
from wardline.core.policy.slices import Bucket, Place, Plan, Slice
from wardline.core.policy.verdict import Judged

# Beyond these years the wall clock of some zone does not exist; the checks say what then.
YEAR_MIN, YEAR_MAX = 2, 9998

Key = tuple[str, str]
Outcome = tuple[Verdict, Code]

_RUN = (Verdict.RUN, Code.ALLOWED)
_ASK = (Verdict.ASK, Code.APPROVAL_NEEDED)
_OFFER = (Verdict.OFFER, Code.START_NEEDED)
_NOT_OFFERED = (Verdict.BLOCK, Code.NOT_OFFERED)
_CLOSED = (Verdict.BLOCK, Code.OUTSIDE_WINDOW)
_COOLING = (Verdict.BLOCK, Code.COOLDOWN)
_EXCEEDED = (Verdict.BLOCK, Code.LIMIT_EXCEEDED)
_NO_MATCH = (Verdict.BLOCK, Code.NO_MATCH, None)
_DENIED = (Verdict.BLOCK, Code.DENIED)
_PERSON = Initiator.PERSON
_HIGH = Risk.HIGH


class Undecided(Exception):
    """Only the checks, made one by one, can say what comes of a request."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """The rules of one revision, ready to decide; never changed, only replaced.

    `actions` are those that a request without one learns of, by kpi; `wild` are the kpis with
    rules for any action.
    """

    revision: int
    epoch: int
    plans: Mapping[str, Plan]
    buckets: Mapping[Key, Bucket]
    actions: Mapping[str, tuple[str, ...]]
    wild: frozenset[str]

    def evaluate(self, request: Request, state: State) -> Decision:
        """The decision that `evaluate.evaluate` gives on these rules."""
        try:
            verdict, code, rule_id = self._outcome(request, state)
        except Exception:  # noqa: BLE001 (what breaks here is made again by checks that tell it)
            return self._whole(request, state)
        return decision.outcome(verdict, code, rule_id, partial(self._whole, request, state))

    def with_rules(
        self, changed: Iterable[Rule], removed: Iterable[str], *, revision: int, epoch: int
    ) -> "Compiled":
        """The index with rules put in, or in place of those with their ids, and with ids taken
        out; it shares with this one whatever no change touches. Raises DuplicateRule."""
        news = _news(changed, removed)
        plans, buckets, actions = dict(self.plans), dict(self.buckets), dict(self.actions)
        moves: Moves = {}
        for rule_id, plan in news.items():
            if (old := plans.pop(rule_id, None)) is not None:
                moves.setdefault(_key(old), {}).setdefault(old.place, {})[rule_id] = None
            if plan is not None:
                moves.setdefault(_key(plan), {}).setdefault(plan.place, {})[rule_id] = plan
                plans[rule_id] = plan
        for key, changes in moves.items():
            bucket = slices.replaced(buckets.pop(key, slices.NO_RULES), changes)
            if bucket is not None:
                buckets[key] = bucket
        for kpi_id, named in _named(moves, buckets, actions).items():
            actions.pop(kpi_id, None)
            if named:
                actions[kpi_id] = tuple(sorted(named))
        return Compiled(revision, epoch, plans, buckets, actions, _wild(self.wild, moves, buckets))

    def _outcome(self, request: Request, state: State) -> tuple[Verdict, Code, str | None]:
        """What comes out, without the words for it; raises where only the checks can say."""
        if (
            request.action is None
            or request.approval is not None
            or (state.freeze or state.observing or state.hold or state.locked)
            or not YEAR_MIN <= request.at.year <= YEAR_MAX
        ):
            raise Undecided
        winner = closed = denied = None
        for part in self._slices(request, request.action):
            masks = part.masks.get(request.alert.severity)
            if masks is None:
                continue
            allow, deny, _, floor = masks
            if floor:
                raise Undecided
            if deny and (denied is None or part.rank < denied.rank):
                found, _ = _first(part, deny, request)
                denied = _better(denied, found)
            if allow and (winner is None or part.rank < winner.rank):
                found, shut = _first(part, allow, request)
                winner, closed = _better(winner, found), _better(closed, shut)
        if denied is not None:
            return *_DENIED, denied.id
        if winner is not None:
            return *_conclusion(winner, request, state, is_open=True), winner.id
        if closed is not None:
            return *_conclusion(closed, request, state, is_open=False), closed.id
        return _NO_MATCH

    def _whole(self, request: Request, state: State) -> Decision:
        """The decision with everything in it."""
        if request.action is not None:
            return self._judge(request, state, request.action).decision
        actions = self.actions.get(request.alert.kpi_id)
        if actions is None:
            nothing = partial(assess.surveyed, (), request, state, None)
            return verdict.judge(self, nothing, request, state, None).decision
        return verdict.best([self._judge(request, state, action) for action in actions])

    def _judge(self, request: Request, state: State, action: str) -> Judged:
        find = partial(self._case, request, state, action)
        return verdict.judge(self, find, request, state, action)

    def _case(self, request: Request, state: State, action: str) -> Case:
        """The case that `assess.surveyed` makes, from the rules that can fit alone."""
        found = match.settle(self._fitting(request, action), request)
        constants = None if found.winner is None else self.plans[found.winner.id].constants
        if constants is None:
            return assess.case(found, request, state, action)
        resolved = params.copied(constants[request.alert.severity])
        return Case(found, request, state, action, resolved)

    def _fitting(self, request: Request, action: str) -> list[Rule]:
        fitting = []
        for part in self._slices(request, action):
            allow, deny, watch, _ = part.masks.get(request.alert.severity, slices.NO_BITS)
            mask = allow | deny | watch
            while mask:
                low = mask & -mask
                plan = part.plans[low.bit_length() - 1]
                if not plan.picky or match.fits(plan.rule, request, action):
                    fitting.append(plan.rule)
                mask ^= low
        return fitting

    def _slices(self, request: Request, action: str) -> tuple[Slice, ...]:
        """Those whose rules can speak to the request, any narrower one of an action first."""
        kpi_id = request.alert.kpi_id
        bucket = self.buckets.get((kpi_id, action))
        found = () if bucket is None else bucket.at(request)
        if kpi_id in self.wild and action != ANY_ACTION:
            found += self.buckets[kpi_id, ANY_ACTION].at(request)
        return found


def build(policy: Policy) -> Compiled:
    """The index over a policy."""
    return _NONE.with_rules(policy.rules, (), revision=policy.revision, epoch=policy.epoch)


Moves = dict[Key, dict[Place, dict[str, Plan | None]]]
_NONE = Compiled(0, 1, {}, {}, {}, frozenset())


def _news(changed: Iterable[Rule], removed: Iterable[str]) -> dict[str, Plan | None]:
    news: dict[str, Plan | None] = dict.fromkeys(removed)
    for rule in changed:
        before = news.get(rule.id)
        if before is None:
            news[rule.id] = slices.plan(rule)
        elif before.rule is not rule and before.rule != rule:
            raise DuplicateRule(rule.id)
    return news


def _key(plan: Plan) -> Key:
    return plan.rule.when.kpi_id, plan.rule.action


def _named(
    moves: Moves, buckets: Mapping[Key, Bucket], before: Mapping[str, tuple[str, ...]]
) -> dict[str, set[str]]:
    """The actions of every kpi that a change touches."""
    named: dict[str, set[str]] = {}
    for key in moves:
        kpi_id, action = key
        of_kpi = named.setdefault(kpi_id, set(before.get(kpi_id, ())))
        if action != ANY_ACTION and key in buckets and buckets[key].names:
            of_kpi.add(action)
        else:
            of_kpi.discard(action)
    return named


def _wild(before: frozenset[str], moves: Moves, buckets: Mapping[Key, Bucket]) -> frozenset[str]:
    touched = {kpi_id for kpi_id, action in moves if action == ANY_ACTION}
    return before - touched | {kpi for kpi in touched if (kpi, ANY_ACTION) in buckets}


def _first(part: Slice, mask: int, request: Request) -> tuple[Plan | None, Plan | None]:
    """The first rule of a set that fits and is open, and the first closed one before it."""
    closed = None
    while mask:
        low = mask & -mask
        plan = part.plans[low.bit_length() - 1]
        if not plan.picky or _fits(plan.rule, request):
            if not plan.timed or _is_open(plan.rule, request):
                return plan, closed
            closed = closed or plan
        mask ^= low
    return None, closed


def _fits(rule: Rule, request: Request) -> bool:
    return match.fits(rule, request, request.action) and condition.holds(
        rule.when.condition, request
    )


def _is_open(rule: Rule, request: Request) -> bool:
    told = opening.is_open(rule, request)
    if told is None:
        raise Undecided
    return told


def _better(one: Plan | None, other: Plan | None) -> Plan | None:
    if one is None or other is None:
        return one or other
    return min(one, other, key=lambda plan: plan.rank)


def _conclusion(plan: Plan, request: Request, state: State, *, is_open: bool) -> Outcome:
    """What the checks after the match come to for the rule that decides."""
    if plan.personal:
        raise Undecided
    risk = None if state.actions is None else _known(request, state.actions).risk
    resolved = (
        params.resolve(plan.rule, request)
        if plan.constants is None
        else plan.constants[request.alert.severity]
    )
    if not is_open:
        return _CLOSED
    if plan.counted:
        usage = assess.host_usage(state, request.action)
        if assess.is_cooling(plan.rule, usage, request.at):
            return _COOLING
        budgets = assess.budgets(plan.rule, state, usage, resolved)
        if any(used > limit for _, used, limit in budgets):
            return _EXCEEDED
    if request.alert.severity in plan.asks:
        return _ASK
    if request.initiator is _PERSON or (plan.rule.auto_execute and risk is not _HIGH):
        return _RUN
    return _OFFER if plan.rule.auto_suggest else _NOT_OFFERED


def _known(request: Request, actions: Mapping[str, ActionFacts]) -> ActionFacts:
    """What is known of the action; raises Undecided where something of it refuses."""
    facts = actions.get(request.action or "")
    if facts is None or facts.inputs is not None:
        raise Undecided
    if facts.platforms and not any(covers(each, request.platform) for each in facts.platforms):
        raise Undecided
    return facts
