"""What a planner is, and the guard rails that every planner's plans pass, whoever made them.

A plan names a runbook of the registry, and nothing else can be done: its inputs come from the facts
by the templates of that runbook's own remedies. A plan is a proposal. Whether it runs is decided by
the policy, as for any other run, with `plan` as who asks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from wardline.core.canonical import Json
from wardline.core.incidents import remedy
from wardline.core.incidents.history import Past
from wardline.core.incidents.remedy import Remedy, UnresolvedInput

CONFIDENCE_LEAST = 0.7
PLANS_MAX = 3
WHY_CHARS_MAX = 300
BASED_ON_MAX = 10


@dataclass(frozen=True, slots=True)
class Question:
    """A failed check that L1 has no answer to, and what a planner may know and choose from.

    `offers` are the remedies whose runbooks are on the allow-list: those of this check that are for
    the host's platform and have not been tried. `digests` names the version of each runbook.
    """

    incident_id: str
    check: str
    pattern: str
    facts: Mapping[str, Json]
    offers: tuple[Remedy, ...]
    digests: Mapping[str, str]
    past: tuple[Past, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A runbook, how sure the planner is (0 to 1), why, and the incidents it learnt that from.
    `choice` is the mark of the one that is meant; without it a plan means no choice."""

    runbook_id: str
    confidence: float
    why: str
    based_on: tuple[str, ...] = ()
    choice: str | None = None


class Planner(Protocol):
    """Makes plans, the best first; it changes nothing and asks nobody that it may not ask."""

    @property
    def name(self) -> str:
        """As it stands in evidence, with its version."""
        ...

    def plans(self, question: Question) -> Sequence[Plan]: ...


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan that came through the guard rails, as a remedy that the policy can be asked about."""

    remedy: Remedy
    planner: str
    plan: Plan

    def to_wire(self) -> dict[str, Json]:
        """As the decision on it tells of it; the confidence in whole per cent."""
        return {
            "planner": self.planner,
            "confidencePercent": int(self.plan.confidence * 100),
            "why": self.plan.why[:WHY_CHARS_MAX],
            "basedOn": list(self.plan.based_on[:BASED_ON_MAX]),
        }


def propose(planners: Sequence[Planner], question: Question) -> tuple[Proposal, ...]:
    """What the first planner that has something to say proposes, through the guard rails."""
    if not question.offers:
        return ()
    for planner in planners:
        found = [
            Proposal(offered, planner.name, plan)
            for plan in planner.plans(question)
            if CONFIDENCE_LEAST <= plan.confidence <= 1
            for offered in _fitting(question, plan)
        ]
        if found:
            return tuple(found[:PLANS_MAX])
    return ()


def _fitting(question: Question, plan: Plan) -> tuple[Remedy, ...]:
    """The first remedy on the allow-list that is meant and whose inputs these facts give."""
    meant = (plan.runbook_id, plan.choice)
    for offered in question.offers:
        if (offered.runbook, offered.chosen) == meant and _resolves(offered, question.facts):
            return (offered,)
    return ()


def _resolves(offered: Remedy, facts: Mapping[str, Json]) -> bool:
    try:
        remedy.inputs(offered, facts)
    except UnresolvedInput:
        return False
    return True
