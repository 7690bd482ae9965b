"""Which rules of an index count what has run, so that a store looks up these and no others."""

from collections import OrderedDict
from collections.abc import Mapping, Set
from dataclasses import dataclass

from wardline.core.policy.compiled import Compiled
from wardline.core.policy.rule import Limits, Rule

KEPT_MAX = 64
# Each keeps its index in memory.
RULES_KEPT_MAX = 60_000

_NO_LIMITS = Limits()
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Limited:
    """Rule ids by kpi: those with limits or a cooldown, and those of them that are floors, which
    bind beside whichever rule decides."""

    rules: Mapping[str, Set[str]]
    floors: Mapping[str, Set[str]]

    def binding(self, kpi_id: str, rule_id: str | None) -> Set[str]:
        """The rules that count for a decision by this rule; by any of the kpi's for None."""
        counting = self.rules.get(kpi_id, _NONE)
        if rule_id is None:
            return counting
        floors = self.floors.get(kpi_id, _NONE)
        return floors | {rule_id} if rule_id in counting else floors


# An index is never changed, only replaced, so that what was found of it once holds for ever.
_known: OrderedDict[int, tuple[Compiled, Limited]] = OrderedDict()


def of(index: Compiled) -> Limited:
    """Looks through all rules of an index once."""
    held = _known.get(id(index))
    if held is not None and held[0] is index:
        return held[1]
    found = _found(index)
    _known[id(index)] = index, found
    while len(_known) > 1 and _is_full():
        _known.popitem(last=False)
    return found


def _is_full() -> bool:
    rules = sum(len(index.plans) for index, _ in _known.values())
    return len(_known) > KEPT_MAX or rules > RULES_KEPT_MAX


def _found(index: Compiled) -> Limited:
    rules: dict[str, set[str]] = {}
    floors: dict[str, set[str]] = {}
    for plan in index.plans.values():
        if _counts(plan.rule):
            rules.setdefault(plan.rule.when.kpi_id, set()).add(plan.id)
            if plan.rule.floor:
                floors.setdefault(plan.rule.when.kpi_id, set()).add(plan.id)
    return Limited(rules, floors)


def _counts(rule: Rule) -> bool:
    return rule.enabled and (rule.cooldown_minutes is not None or rule.limits != _NO_LIMITS)
