"""Analysis of rules as they are saved: exact, because what rules can say is finite.

What is certain of every request is told, and nothing else: a rule that is called shadowed decides
no request at all. A condition may hold or not, clocks of two zones may show any two times, and of
an estate that is not known nobody is blamed. `docs/policy-analysis.md` says what that leaves out.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from wardline.core.policy.analysis import clashes, grounds, prospects, shadows
from wardline.core.policy.analysis.budget import Budget
from wardline.core.policy.analysis.estate import Estate
from wardline.core.policy.analysis.finding import OTHERS_MAX, Finding, Flaw, Level, named
from wardline.core.policy.analysis.grounds import Grounds, Standing
from wardline.core.policy.rule import Effect, Mode, Rule

# Of comparisons of two rules: about two seconds for a whole set, a third of one in a save.
STEPS_WHOLE_MAX = 1_500_000
STEPS_SAVE_MAX = 200_000

Changed = frozenset[str] | None


@dataclass(frozen=True, slots=True)
class _Kpi:
    """The rules of one kpi: all, those in force, and these on their grounds."""

    rules: list[Rule]
    enforced: list[Rule]
    standing: Grounds


def whole(rules: Iterable[Rule], estate: Estate, now: datetime) -> list[Finding]:
    """Every finding about a set of rules, by kpi."""
    budget = Budget(STEPS_WHOLE_MAX)
    return [
        finding
        for kpi_id, of_kpi in sorted(_by_kpi(rules).items())
        for finding in _kpi_findings(kpi_id, of_kpi, None, estate, now, budget)
    ]


def touched(
    rules: Iterable[Rule], changed: Iterable[str], estate: Estate, now: datetime
) -> list[Finding]:
    """The findings that these rules are in: about themselves, and about others because of them.

    `rules` must hold all rules of the kpis of the changed ones; those of other kpis are not
    looked at.
    """
    ids, budget = frozenset(changed), Budget(STEPS_SAVE_MAX)
    return [
        finding
        for kpi_id, of_kpi in sorted(_by_kpi(rules).items())
        if any(rule.id in ids for rule in of_kpi)
        for finding in _kpi_findings(kpi_id, of_kpi, ids, estate, now, budget)
    ]


def _by_kpi(rules: Iterable[Rule]) -> dict[str, list[Rule]]:
    """Each rule once, whatever the order they came in."""
    found: dict[str, dict[str, Rule]] = {}
    for rule in rules:
        found.setdefault(rule.when.kpi_id, {})[rule.id] = rule
    return {kpi_id: [of[rule_id] for rule_id in sorted(of)] for kpi_id, of in found.items()}


def _kpi_findings(
    kpi_id: str,
    rules: list[Rule],
    changed: Changed,
    estate: Estate,
    now: datetime,
    budget: Budget,
) -> Iterator[Finding]:
    alive = [
        rule
        for rule in rules
        if rule.enabled and (rule.expires_at is None or now < rule.expires_at)
    ]
    enforced = [rule for rule in alive if rule.mode is Mode.ENFORCE]
    kpi = _Kpi(rules, enforced, Grounds(enforced, estate))
    for rule in rules:
        if changed is None or rule.id in changed:
            yield from prospects.dead(rule, estate, now)
    yield from _alone(alive, kpi, changed, estate, now)
    yield from _together(kpi, changed, estate, budget)
    if budget.is_spent:
        of = f"the rules of {kpi_id} are too many to compare every two of them in time"
        yield Finding(Flaw.NOT_ANALYSED, Level.NOTICE, rules[0].id, "when.kpiId", of)


def _alone(
    alive: list[Rule], kpi: _Kpi, changed: Changed, estate: Estate, now: datetime
) -> Iterator[Finding]:
    """What a rule cannot do by itself or because of a floor that binds it wherever it speaks."""
    has_floors = any(rule.floor for rule in kpi.enforced)
    for rule in alive:
        own = changed is None or rule.id in changed
        if not own and not has_floors:
            continue
        one = grounds.stand(rule, estate)
        floors = _floors(one, kpi.standing) if has_floors else []
        if not own and not any(floor.rule.id in (changed or ()) for floor in floors):
            continue
        found = [
            *prospects.never_open(one, floors, estate, now),
            *prospects.unsatisfiable(one, floors, estate),
        ]
        yield from (each for each in found if own or (changed or set()).intersection(each.others))


def _floors(one: Standing, standing: Grounds) -> list[Standing]:
    """Those that bind a rule wherever it decides, by rank."""
    if one.rule.effect is Effect.DENY:
        return []
    found = [
        each
        for wide in standing.covering(one.ground)
        for each in standing.by_ground[wide]
        if each.rule.floor and each.rule.effect is Effect.ALLOW and each.rule.broader_than(one.rule)
    ]
    return sorted(found, key=lambda each: each.rule.rank)


def _together(kpi: _Kpi, changed: Changed, estate: Estate, budget: Budget) -> Iterator[Finding]:
    """What rules do to each other. A pair is told once, by the strongest word for it."""
    told: set[tuple[str, str]] = set()
    for later, first in clashes.duplicates(kpi.standing, estate, changed):
        told.add((later.id, first.id))
        words = f"it says what {named((first.id,))} says already"
        yield Finding(Flaw.DUPLICATE, Level.WARNING, later.id, "id", words, (first.id,))
    for rule, others in shadows.shadowed(kpi.standing, estate, changed, budget):
        if len(others) == 1 and (rule.id, others[0]) in told:
            continue
        told.update((rule.id, other) for other in others)
        words = f"it never decides anything: wherever it is open, {named(others)} comes first"
        yield Finding(Flaw.SHADOWED, Level.WARNING, rule.id, "when", words, others)
    forbidden = clashes.forbidden(kpi.standing, estate, changed, budget)
    ambiguous = clashes.ambiguous(kpi.standing, estate, changed, budget)
    yield from _grouped(forbidden, told, changed, _BY_DENY, Level.NOTICE, "effect")
    yield from _grouped(ambiguous, told, changed, _BY_ID, Level.WARNING, "priority")


# In words: of the rule that gives way, and of the one that goes first.
_BY_DENY = ("{} forbids a part of what it allows", "it forbids a part of what {} allows")
_BY_ID = (
    "{} of the same reach and priority wants something else for the same requests, and goes "
    "first because of its id",
    "it goes before {} of the same reach and priority, which wants something else for the same "
    "requests, because of its id",
)


def _grouped(
    pairs: Iterable[clashes.Pair],
    told: set[tuple[str, str]],
    changed: Changed,
    words: tuple[str, str],
    level: Level,
    path: str,
) -> Iterator[Finding]:
    """One finding for each rule that gives way; after a change, for each changed rule."""
    losing: dict[str, list[Rule]] = {}
    winning: dict[str, list[Rule]] = {}
    for loser, winner in pairs:
        if (loser.id, winner.id) in told:
            continue
        if changed is None or loser.id in changed:
            losing.setdefault(loser.id, []).append(winner)
        else:
            winning.setdefault(winner.id, []).append(loser)
    for side, template in zip((losing, winning), words, strict=True):
        for rule_id, others in sorted(side.items()):
            ids = tuple(
                other.id for other in sorted(others, key=lambda rule: rule.rank)[:OTHERS_MAX]
            )
            text = template.format(named(ids))
            yield Finding(Flaw.CONFLICTING, level, rule_id, path, text, ids)
