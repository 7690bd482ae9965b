"""A policy as an index: the decisions of `evaluate`, at a cost of the rules that could match.

A dictionary leads from kpi and action to a bucket, the bucket from host, site and partner to at
most four slices of rules, and a slice from the severity to sets of rules, one bit each, in the
order of their rank: the lowest bit that is open decides. What depends on the request besides is
looked at for that rule alone. The trace is made when it is read, by the checks that `evaluate`
makes, over the same few rules; they must come to the same outcome.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from wardline.core.canonical import Json
from wardline.core.policy import (
    assess,
    budgets,
    clauses,
    decision,
    match,
    opening,
    params,
    slices,
    traces,
    verdict,
)
from wardline.core.policy.assess import Case
from wardline.core.policy.clauses import Clauses, Ending
from wardline.core.policy.condition import ConditionFailed
from wardline.core.policy.decision import Code, Decision, TraceStep
from wardline.core.policy.request import Initiator, Request, Risk, State
from wardline.core.policy.rule import ANY_ACTION, DuplicateRule, Effect, Policy, Reach, Rule
from wardline.core.policy.slices import Bucket, Place, Plan, Slice
from wardline.core.policy.verdict import Judged

Key = tuple[str, str]
Parts = Sequence[Slice]
Basis = tuple["Compiled", Request, State, Plan | None, Ending, Parts]

_NOWHERE: Parts = ()
_EVERY = 4  # where in the masks all rules stand that fit
_ONE = slices.ONE

# In these years the wall clock of some zone may not exist; the checks say what then.
_YEAR_FIRST, _YEAR_LAST = 1, 9999
_BEYOND = len(Reach)  # broader than any rule
# What every decision would look up in its module or enum, each time.
_decided = decision.outcome
_is_admissible, _admitted, _NO_PLATFORM = assess.is_admissible, assess.ADMITTED, assess.NOWHERE
_is_open = opening.is_open
_PERSON = Initiator.PERSON
_HIGH = Risk.HIGH
_BY_DENY = Code.DENIED
_DENIED, _NO_MATCH, _CLOSED = clauses.DENIED, clauses.NO_MATCH, clauses.CLOSED
_COOLING, _EXCEEDED = clauses.COOLING, clauses.EXCEEDED


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
            parts = self._slices(request, request.action)
            plan, ending, others = _outcome(parts, request, state)
        except Exception:  # noqa: BLE001 (what breaks here is made again by checks that tell it)
            return self._whole(request, state)
        rule_id = None if plan is None else plan.id
        basis = (self, request, state, plan, ending, others)
        return _decided(ending.verdict, ending.code, rule_id, basis)

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

    def whole(self, basis: Basis) -> Decision:
        """The decision with everything in it, from what its outcome was found from."""
        return self._whole(basis[1], basis[2])

    def trace(self, decided: Decision, basis: Basis) -> tuple[TraceStep, ...]:
        """The trace of an outcome: of its checks, those are made that could have come out
        otherwise."""
        _, request, state, winner, ending, parts = basis
        if winner is None:
            if not _fitting(parts, request, request.action):
                return traces.unmatched(request, state)
        elif decided.code is not _BY_DENY:
            losers = _losers(parts, winner, request)
            if losers is not None:
                return traces.of_winner(winner, losers, request, state, ending)
        return self._whole(request, state).trace

    def _whole(self, request: Request, state: State) -> Decision:
        """The decision by the checks that the loop makes, over the rules that fit."""
        if request.action is not None:
            return self._judge(request, state, request.action).decision
        actions = self.actions.get(request.alert.kpi_id)
        if actions is None:
            nothing = partial(assess.surveyed, (), request, state, None)
            return verdict.judge(self, nothing, request, state, None).decision
        try:
            named = min(actions, key=partial(self._standing, request, state))
        except Exception:  # noqa: BLE001 (what only the checks can say, they say of each)
            return verdict.best([self._judge(request, state, action) for action in actions])
        return self._judge(request, state, named).decision

    def _standing(self, request: Request, state: State, action: str) -> verdict.Standing:
        """Where the decision on one action stands among those on others; raises where only the
        checks can say."""
        asked = replace(request, action=action)
        if state.observing:
            # Of an observing site, what would be decided stands in the place of what is.
            state = replace(state, observing=False)
        plan, ending, _ = _outcome(self._slices(asked, action), asked, state)
        return verdict.standing(
            ending.verdict, ending.code, None if plan is None else plan.rank, action
        )

    def _judge(self, request: Request, state: State, action: str) -> Judged:
        find = partial(self._case, request, state, action)
        return verdict.judge(self, find, request, state, action)

    def _case(self, request: Request, state: State, action: str) -> Case:
        """The case that `assess.surveyed` makes, from the rules that can fit alone."""
        found = match.settle(
            [plan.rule for plan in _fitting(self._slices(request, action), request, action)],
            request,
        )
        constants = None if found.winner is None else self.plans[found.winner.id].constants
        if constants is None:
            return assess.case(found, request, state, action)
        resolved = params.copied(constants[request.alert.severity])
        return Case(found, request, state, action, resolved)

    def _slices(self, request: Request, action: str | None) -> list[Slice]:
        """Those whose rules can speak to the request, any narrower one of an action first."""
        kpi_id = request.alert.kpi_id
        bucket = self.buckets.get((kpi_id, action))  # type: ignore[arg-type]
        found = [] if bucket is None else bucket.at(request)
        if kpi_id in self.wild and action != ANY_ACTION:
            found += self.buckets[kpi_id, ANY_ACTION].at(request)
        return found


def build(policy: Policy) -> Compiled:
    """The index over a policy."""
    return _NONE.with_rules(policy.rules, (), revision=policy.revision, epoch=policy.epoch)


Moves = dict[Key, dict[Place, dict[str, Plan | None]]]
_NONE = Compiled(0, 1, {}, {}, {}, frozenset())


def _news(changed: Iterable[Rule], removed: Iterable[str]) -> dict[str, Plan | None]:
    rules: dict[str, Rule] = {}
    for rule in changed:
        before = rules.setdefault(rule.id, rule)
        if before is not rule and before != rule:
            raise DuplicateRule(rule.id)
    return dict.fromkeys(removed) | dict(zip(rules, slices.plans(rules.values()), strict=True))


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


def _outcome(parts: Parts, request: Request, state: State) -> tuple[Plan | None, Ending, Parts]:
    """The rule that decides, what comes out, and the slices in which any others may fit; raises
    where only the checks can say."""
    if request.action is None or request.approval is not None:
        raise Undecided
    if state.freeze or state.observing or state.hold or state.locked:
        raise Undecided
    if state.held or state.running:
        raise Undecided
    word = request.alert.severity
    winner: Plan | None = None
    closed: Plan | None = None
    denied: Plan | None = None
    found: Plan | None
    breadth, floor_breadth, fitting = _BEYOND, -1, 0
    for part in parts:
        masks = part.masks.get(word)
        if masks is None:
            continue
        allow, deny, floor, dated, _, count = masks
        fitting += count
        if dated and not _YEAR_FIRST < request.at.year < _YEAR_LAST:
            raise Undecided
        if floor and part.breadth > floor_breadth:
            floor_breadth = part.breadth
        if deny:
            found, _ = _first(part.plans, deny, request)
            denied = _better(denied, found)
        if allow and part.breadth <= breadth:
            found = part.first if allow & 1 else part.plans[(allow & -allow).bit_length() - 1]
            if found.clauses.picky or found.clauses.timed:
                found, shut = _first(part.plans, allow, request)
                closed = _better(closed, shut)
            if found is not None:
                winner = found if part.breadth < breadth else _better(winner, found)
                breadth = part.breadth
    if denied is not None:
        return denied, _DENIED, parts
    decider = winner if winner is not None else closed
    if decider is None:
        return None, _NO_MATCH, parts if fitting else _NOWHERE
    if floor_breadth >= 0 and floor_breadth > decider.rank[0]:
        raise Undecided
    others = parts if fitting > _ONE else _NOWHERE
    return decider, _ending(decider, winner, request, state), others


def _first(plans: tuple[Plan, ...], mask: int, request: Request) -> tuple[Plan | None, Plan | None]:
    """The first rule of a set that fits and is open, and the first closed one before it."""
    closed = None
    while mask:
        low = mask & -mask
        plan = plans[low.bit_length() - 1]
        terms = plan.clauses
        if not terms.picky or _fits(plan, request):
            if not terms.timed:
                return plan, closed
            is_open = _is_open(terms, request)
            if is_open is None:
                raise Undecided
            if is_open:
                return plan, closed
            closed = closed or plan
        mask ^= low
    return None, closed


def _fitting(parts: Parts, request: Request, action: str | None) -> list[Plan]:
    """The rules of some slices that fit, but for their conditions."""
    fitting = []
    word = request.alert.severity
    for part in parts:
        mask = part.masks.get(word, slices.NO_BITS)[_EVERY]
        while mask:
            low = mask & -mask
            plan = part.plans[low.bit_length() - 1]
            if not plan.clauses.picky or match.fits(plan.rule, request, action):
                fitting.append(plan)
            mask ^= low
    return fitting


def _losers(parts: Parts, winner: Plan, request: Request) -> list[Plan] | None:
    """The other rules that fit; None where the trace says more of one than why it lost."""
    losers = []
    word = request.alert.severity
    for part in parts:
        masks = part.masks.get(word)
        if masks is None:
            continue
        mask = masks[_EVERY]
        while mask:
            low = mask & -mask
            plan = part.plans[low.bit_length() - 1]
            mask ^= low
            if plan is winner or (
                plan.clauses.picky and not match.fits(plan.rule, request, request.action)
            ):
                continue
            if plan.clauses.apart:
                return None
            losers.append(plan)
    return losers


def _fits(plan: Plan, request: Request) -> bool:
    if not match.fits(plan.rule, request, request.action):
        return False
    try:
        return plan.condition is None or plan.condition.holds(request)
    except ConditionFailed:
        return plan.rule.effect is Effect.DENY


def _better(one: Plan | None, other: Plan | None) -> Plan | None:
    if one is None or other is None:
        return one or other
    return one if one.rank < other.rank else other


def _ending(plan: Plan, winner: Plan | None, request: Request, state: State) -> Ending:
    """What the checks after the match come to for the rule that decides, which without a winner
    is a closed one: what refuses before the window is told by the checks."""
    actions, alone = state.actions, True
    if actions is not None:
        facts = actions[request.action or ""]
        platforms, platform = facts.platforms, request.platform
        known = _admitted.get(platforms, _NO_PLATFORM)
        if platform not in known and not _is_admissible(platforms, platform):
            raise Undecided
        if facts.inputs is not None:
            raise Undecided
        alone = facts.risk is not _HIGH and (not facts.noticed or plan.clauses.timed)
    terms = plan.clauses
    if winner is None:
        if plan.constants is None:
            params.resolve(plan.rule, request)
        return _CLOSED
    if terms.binding and (refused := _refused(plan, terms, request, state)) is not None:
        return refused
    if request.initiator is _PERSON:
        return terms.by_person[request.alert.severity]
    return (terms.by_itself if alone else terms.not_alone)[request.alert.severity]


def _refused(plan: Plan, terms: Clauses, request: Request, state: State) -> Ending | None:
    """What parameters, cooldown and limits refuse; every limit is looked at, as one of them may
    have no amount to count."""
    if terms.personal:
        raise Undecided
    constants = plan.constants
    resolved: Mapping[str, Json] = {}
    if constants is None:
        resolved = params.resolve(plan.rule, request)
    usage = assess.host_usage(state, request.action)
    if terms.pause is not None:
        last = usage.last_run_at
        if last is not None and request.at < last + terms.pause:
            return _COOLING
    if not terms.caps:
        return None
    if constants is not None:
        resolved = constants[request.alert.severity]
    used_by_rule = budgets.rule_usage(state, plan.id)
    refused = None
    share = state.share
    for name, used, limit in terms.caps:
        if share.of != 1:
            limit = budgets.shared(name, limit, share)
        if used(used_by_rule, usage, resolved) > limit:
            refused = _EXCEEDED
    return refused
