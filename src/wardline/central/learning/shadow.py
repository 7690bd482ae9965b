"""Shadow evaluation: what a promotion would have met with at its partner's sites lately.

Pure reading: the incidents of its pattern, each with its facts and with how runs of the runbook
ended there, against the rules as they are now.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import RowMapping

from wardline.central.database.session import Session
from wardline.central.learning.repository.patterns import Patterns
from wardline.central.policies import service as policies
from wardline.central.tenancy import service as tenancy
from wardline.central.tenancy.service import Healing, Site
from wardline.core.canonical import Json
from wardline.core.incidents import catalogue, merit, remedy
from wardline.core.incidents.merit import Shadow
from wardline.core.incidents.remedy import Remedy
from wardline.core.policy import compiled
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.decision import Decision, Verdict
from wardline.core.policy.request import Alert, Request, State
from wardline.core.policy.rule import Policy
from wardline.core.severity import Severity

INCIDENTS_MAX = 1_000
SITES_SHOWN_MAX = 50

_LASTED, _WRONG = "stable", ("failed", "recurred", "undone")
_MAY_RUN = (Verdict.RUN, Verdict.ASK, Verdict.OFFER)


@dataclass(frozen=True, slots=True)
class At:
    """What a site had of the pattern; `heals` is whether it lets anything be repaired."""

    site_id: str
    name: str
    incidents: int
    heals: bool


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What was looked at of `total` incidents, the newest ones; what the policy would have said of
    it (verdict → how often), the inputs that fit it best, where it was, and what speaks against an
    approval."""

    shadow: Shadow
    total: int
    verdicts: Mapping[str, int]
    inputs: Mapping[str, Json]
    sites: tuple[At, ...]
    against: tuple[str, ...]


async def evaluate(session: Session, row: RowMapping) -> Evaluation:
    """The evaluation of a promotion over the last days, as the session sees its partner."""
    since = session.now - timedelta(days=merit.SHADOW_DAYS)
    incidents = await Patterns(session).of_pattern(row, since, INCIDENTS_MAX)
    sites = await tenancy.named(session, sorted({one["site_id"] for one in incidents}))
    rules = await policies.rules_of(session, [row["incident_type"]])
    return await asyncio.to_thread(
        _evaluated, session, row, incidents, sites, Policy(tuple(rules), 1)
    )


def _evaluated(
    session: Session,
    row: RowMapping,
    incidents: Sequence[RowMapping],
    sites: Mapping[str, Site],
    policy: Policy,
) -> Evaluation:
    known = _known(row)
    chosen = _fitting(known, incidents)
    index = compiled.build(policy)
    resolved = allowed = confirmed = contradicted = 0
    verdicts: dict[str, int] = {}
    for one in incidents:
        if chosen is not None and _answers(chosen, one["facts"] or {}, of=len(known)):
            resolved += 1
            said = _verdict(index, row, one, sites[one["site_id"]], session.scope.owner)
            verdicts[said.value] = verdicts.get(said.value, 0) + 1
            allowed += said in _MAY_RUN
        ends = one["ends"] or ()
        if _LASTED in ends and not _is_other(chosen, one):
            confirmed += 1
        elif _LASTED in ends or any(end in _WRONG for end in ends):
            contradicted += 1
    shadow = Shadow(len(incidents), resolved, allowed, confirmed, contradicted)
    against = merit.against(shadow)
    if chosen is None:
        against = ("this Central does not have that version of the runbook", *against)
    return Evaluation(
        shadow=shadow,
        total=incidents[0]["of"] if incidents else 0,
        verdicts=verdicts,
        inputs=chosen.inputs if chosen else {},
        sites=_places(incidents, sites),
        against=against,
    )


def _known(row: RowMapping) -> tuple[Remedy, ...]:
    """The runbook's own remedies, in its order; none for another version than is built in here."""
    book = catalogue.runbooks().get(row["runbook_id"])
    if book is None or book.digest != row["runbook_digest"]:
        return ()
    return tuple(sorted(book.remedies, key=lambda one: one.order))


def _fitting(known: Sequence[Remedy], incidents: Sequence[RowMapping]) -> Remedy | None:
    """Of choices the one that lasted most often, else the remedy that answers most of these
    incidents; the first of equals."""

    def fits(one: Remedy) -> tuple[int, int]:
        lasted = sum(
            one.is_open and each["choice"] == one.mark and _LASTED in (each["ends"] or ())
            for each in incidents
        )
        answered = sum(_answers(one, each["facts"] or {}, of=len(known)) for each in incidents)
        return lasted, answered

    return max(known, key=fits, default=None)


def _is_other(chosen: Remedy | None, one: RowMapping) -> bool:
    """Whether what lasted there was another choice: which one is right was not agreed upon."""
    return chosen is not None and chosen.is_open and one["choice"] not in (None, chosen.mark)


def _answers(one: Remedy, facts: Mapping[str, Any], *, of: int) -> bool:
    """Whether one of so many remedies of its runbook may run with these facts, which give its
    inputs, as an appliance has it."""
    if not remedy.suits(one, facts, is_chosen=one.is_open or of > 1):
        return False
    try:
        remedy.inputs(one, facts)
    except remedy.UnresolvedInput:
        return False
    return True


def _verdict(
    index: Compiled, row: RowMapping, one: RowMapping, site: Site, partner_id: str
) -> Verdict:
    """What the rules of now say of it at the instant at which it opened, were the site to heal."""
    place = policies.place_of(site)
    request = Request(
        alert=Alert(
            id=one["id"],
            kpi_id=row["incident_type"],
            title=row["runbook_id"],
            message="",
            severity=Severity(one["severity"]),
        ),
        at=one["created_at"],
        zone=place.zone,
        decision_id=one["id"],
        action=row["runbook_id"],
        partner=partner_id,
        site=one["site_id"],
        host=one["host_id"],
        platform=one["platform"],
        facts=one["facts"] or {},
        opening_hours=place.opening_hours,
    )
    state = State(actions=policies.actions(one["platform"]), confirmed_at=one["created_at"])
    decision: Decision = index.evaluate(request, state)
    return decision.verdict


def _places(incidents: Sequence[RowMapping], sites: Mapping[str, Site]) -> tuple[At, ...]:
    """Where the pattern was met with, the most often first."""
    counted: dict[str, int] = {}
    for one in incidents:
        counted[one["site_id"]] = counted.get(one["site_id"], 0) + 1
    found = [
        At(one, sites[one].name, count, sites[one].healing is Healing.HEAL)
        for one, count in counted.items()
    ]
    return tuple(sorted(found, key=lambda at: (-at.incidents, at.name))[:SITES_SHOWN_MAX])
