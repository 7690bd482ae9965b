"""What the analysis says of rules that a store holds, or is about to hold."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wardline.core.canonical import Json
from wardline.core.policy import analyse, preview
from wardline.core.policy.analysis.finding import Finding
from wardline.core.policy.rule import Rule
from wardline.policy.simulation import Place
from wardline.policy.store import PolicyStore, RuleInvalid, RuleUnknown

FINDINGS_MAX = 200
# A write of more rules than these is not held up; POST /api/v1/policies/analyse looks at all.
SAVED_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Report:
    """The first findings, and how many more there are."""

    findings: Sequence[Finding]
    more: int = 0

    def to_wire(self) -> dict[str, Json]:
        return {
            "findings": [finding.to_wire() for finding in self.findings],
            "moreFindings": self.more,
        }


async def of_saved(store: PolicyStore, rules: Sequence[Rule]) -> dict[str, Json]:
    """What a write's answer carries besides: nothing where there is nothing to find."""
    if not 0 < len(rules) <= SAVED_MAX:
        return {}
    kpi_ids = {rule.when.kpi_id for rule in rules}
    report = await _touched(store, await store.rules_of(kpi_ids), rules)
    return report.to_wire() if report.findings else {}


async def of_drafts(store: PolicyStore, drafts: Sequence[Rule]) -> Report:
    """What a write of these rules would be told, were they in force."""
    held = await store.rules_of({rule.when.kpi_id for rule in drafts})
    ids = {rule.id for rule in drafts}
    laid = [*(rule for rule in held if rule.id not in ids), *drafts]
    return await _touched(store, laid, drafts)


async def of_all(store: PolicyStore) -> Report:
    """Every finding about the rules in force."""
    rules = await store.rules_of(None)
    estate = await store.estate(_sites(rules))
    return _report(await asyncio.to_thread(analyse.whole, rules, estate, store.now()))


async def openings(rule: Rule, place: Place, begin: datetime, days: int) -> list[dict[str, Json]]:
    """The openings of a rule at a place, as the wire has them; raises RuleInvalid."""
    end_year = begin.year + 1 + days // 365
    if not preview.YEAR_FIRST <= begin.year < end_year <= preview.YEAR_LAST:
        years = f"{preview.YEAR_FIRST} to {preview.YEAR_LAST}"
        raise RuleInvalid([("from", f"must be a time of the years {years}")])
    until = begin + timedelta(days=days)
    about = (rule,), place.zone, place.opening_hours, begin, until
    found = await asyncio.to_thread(preview.openings, *about)
    return [opening.to_wire(place.zone) for opening in found]


async def rule_in_force(store: PolicyStore, rule_id: str) -> Rule:
    """Raises RuleUnknown."""
    plan = (await store.current()).plans.get(rule_id)
    if plan is None:
        raise RuleUnknown
    return plan.rule


async def _touched(store: PolicyStore, held: Sequence[Rule], rules: Sequence[Rule]) -> Report:
    estate = await store.estate(_sites(rules))
    ids = [rule.id for rule in rules]
    return _report(await asyncio.to_thread(analyse.touched, held, ids, estate, store.now()))


def _sites(rules: Iterable[Rule]) -> set[str]:
    return {rule.scope.site for rule in rules if rule.scope.site is not None}


def _report(found: Sequence[Finding]) -> Report:
    return Report(found[:FINDINGS_MAX], max(0, len(found) - FINDINGS_MAX))
