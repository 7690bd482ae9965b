"""Pairs of rules that say the same twice, or say two things about one request."""

from collections.abc import Hashable, Iterator, Sequence
from itertools import combinations

from wardline.core import canonical
from wardline.core.policy import exact
from wardline.core.policy.analysis import clocks, grounds, week
from wardline.core.policy.analysis.budget import Budget
from wardline.core.policy.analysis.estate import Estate
from wardline.core.policy.analysis.grounds import Grounds, Standing
from wardline.core.policy.rule import Approval, Effect, Reach, Rule

Pair = tuple[Rule, Rule]
Changed = frozenset[str] | None
_NO_APPROVAL = Approval()


def duplicates(standing: Grounds, estate: Estate, changed: Changed) -> Iterator[Pair]:
    """(the later, the first) of rules that mean the same whatever their ids, names and
    priorities; with `changed`, only pairs with one of these in it."""
    alike: dict[Hashable, list[Rule]] = {}
    for each in standing:
        alike.setdefault(_meaning(each, estate), []).append(each.rule)
    for group in alike.values():
        if len(group) < 2 or not (changed is None or any(rule.id in changed for rule in group)):
            continue
        same: dict[bytes, list[Rule]] = {}
        for rule in group:
            same.setdefault(_params(rule), []).append(rule)
        for equal in same.values():
            first, *others = sorted(equal, key=lambda rule: rule.rank)
            for other in others:
                if changed is None or changed & {first.id, other.id}:
                    yield other, first


def forbidden(
    standing: Grounds, estate: Estate, changed: Changed, budget: Budget
) -> Iterator[Pair]:
    """(an allow, a deny) of rules in force that both act on some request: the deny decides."""
    allows = [each for each in standing if each.rule.effect is Effect.ALLOW]
    denies = [each for each in standing if each.rule.effect is Effect.DENY]
    new_allows = [each for each in allows if changed is None or each.rule.id in changed]
    for deny in denies:
        touched = allows if changed is None or deny.rule.id in changed else new_allows
        if not budget.take(len(touched)):
            return
        for allow in touched:
            if _clash(deny, allow, estate):
                yield allow.rule, deny.rule


def ambiguous(
    standing: Grounds, estate: Estate, changed: Changed, budget: Budget
) -> Iterator[Pair]:
    """(the later, the first) of allows in force that reach equally far, have one priority, want
    different things and act on some request: only their ids decide."""
    ranked: dict[Hashable, list[Standing]] = {}
    for each in standing:
        if each.rule.effect is Effect.ALLOW:
            ranked.setdefault(_rank_of(each.rule), []).append(each)
    forms: dict[str, bytes] = {}
    for group in ranked.values():
        pairs = combinations(group, 2) if changed is None else _with(group, changed)
        for one, other in pairs:
            if not budget.take(1):
                return
            if _clash(one, other, estate) and _differ(one.rule, other.rule, forms):
                first, later = sorted((one.rule, other.rule), key=lambda rule: rule.rank)
                yield later, first


def _rank_of(rule: Rule) -> Hashable:
    """What rules of one rank that can meet have in common."""
    reach = rule.scope.reach
    place = None if reach is Reach.ALL else getattr(rule.scope, reach.value)
    return reach, place, rule.priority


def _with(
    group: Sequence[Standing], changed: frozenset[str]
) -> Iterator[tuple[Standing, Standing]]:
    """The pairs of a group that one of the changed rules is in."""
    mine = [each for each in group if each.rule.id in changed]
    rest = [each for each in group if each.rule.id not in changed]
    yield from combinations(mine, 2)
    for one in mine:
        for other in rest:
            yield one, other


def _clash(one: Standing, other: Standing, estate: Estate) -> bool:
    """Whether two rules act on some request."""
    if one.words.isdisjoint(other.words) or not grounds.overlap(one.ground, other.ground):
        return False
    place = one.ground if one.ground.site is not None else other.ground
    return clocks.meet(one, other, clocks.here(place, estate))


def _differ(one: Rule, other: Rule, forms: dict[str, bytes]) -> bool:
    """Whether it matters which of two allows decides. `forms` keeps the parameters of each rule:
    writing them down takes longer than all else."""
    if _consequences(one) != _consequences(other):
        return True
    for rule in (one, other):
        if rule.id not in forms:
            forms[rule.id] = _params(rule)
    return forms[one.id] != forms[other.id]


def _consequences(rule: Rule) -> Hashable:
    """What follows when an allow decides, but for its parameters."""
    return (
        rule.limits,
        rule.approval or _NO_APPROVAL,
        rule.auto_execute,
        rule.auto_suggest,
        rule.floor,
        rule.cooldown_minutes,
        rule.max_stale_minutes,
    )


def _meaning(one: Standing, estate: Estate) -> Hashable:
    """What a rule says, but for its parameters, in one form."""
    rule = one.rule
    zone = None if one.minutes == week.FULL else one.zone or clocks.here(one.ground, estate).zone
    follows = _consequences(rule) if rule.effect is Effect.ALLOW else None
    times = zone, one.minutes, rule.opening_hours
    return one.ground, rule.scope.reach, one.words, times, rule.effect, follows


def _params(rule: Rule) -> bytes:
    """The parameters in one form: here 1 and True are two things. A deny has none."""
    if not rule.params or rule.effect is Effect.DENY:
        return b"{}"
    return canonical.dumps(exact.tagged(rule.params))
