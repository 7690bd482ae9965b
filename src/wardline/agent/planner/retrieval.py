"""The built-in planner: what verifiably helped against similar drifts before, on this appliance.

Offline, and from outcomes alone that were verified: a heal that lasted through its watch speaks for
a runbook, a run that failed, was undone or did not last speaks against it. Each counts as much as
its drift is alike, and one against is assumed of a runbook that nothing is known of, so that a
single success is never enough.
"""

from collections import defaultdict
from collections.abc import Sequence

from wardline.agent.planner.planner import Plan, Question
from wardline.core.incidents import likeness
from wardline.core.incidents.brake import WRONG, Result
from wardline.core.incidents.history import Past

ALIKE_LEAST = 0.5
ASSUMED_AGAINST = 1.0

_FOR = frozenset({Result.STABLE})
_AGAINST = WRONG | {Result.RECURRED}


class Retrieval:
    """Remembers nothing: what it looks through comes with the question."""

    name = "retrieval/1"

    def plans(self, question: Question) -> Sequence[Plan]:
        """Plans of runbooks whose present version has been verified, the surest first."""
        facts = likeness.tokens(question.facts)
        offered = {one.runbook for one in question.offers}
        weighed: dict[str, list[tuple[float, Past]]] = defaultdict(list)
        for past in question.past:
            if past.runbook_id not in offered or past.result not in _FOR | _AGAINST:
                continue
            if past.runbook_digest != question.digests.get(past.runbook_id):
                continue
            alike = likeness.alike(question.pattern, facts, past.pattern, past.facts)
            if alike >= ALIKE_LEAST:
                weighed[past.runbook_id].append((alike, past))
        made = [_plan(runbook_id, seen) for runbook_id, seen in weighed.items()]
        return sorted(made, key=lambda one: (-one.confidence, one.runbook_id))


def _plan(runbook_id: str, seen: list[tuple[float, Past]]) -> Plan:
    helped = [(alike, past) for alike, past in seen if past.result in _FOR]
    weight_for = sum(alike for alike, _ in helped)
    weight = sum(alike for alike, _ in seen)
    helped.sort(key=lambda one: (-one[0], one[1].incident_id))
    why = f"lasted in {len(helped)} of {len(seen)} similar drifts on this appliance"
    return Plan(
        runbook_id=runbook_id,
        confidence=weight_for / (weight + ASSUMED_AGAINST),
        why=why,
        based_on=tuple(past.incident_id for _, past in helped),
    )
