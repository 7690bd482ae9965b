"""The built-in planner: what verifiably helped against similar drifts before, on this appliance.

Offline, and from outcomes alone that were verified: a heal that lasted through its watch speaks for
a runbook, a run that failed, was undone or did not last speaks against it. Each counts as much as
its drift is alike, and one against is assumed of a runbook that nothing is known of, so that a
single success is never enough. Which of several choices is right is learnt from runs of that very
choice alone, and what lasted by another one speaks against it: where people do not agree, it is
theirs still.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from wardline.agent.planner.planner import Plan, Question
from wardline.core.incidents import likeness
from wardline.core.incidents.brake import WRONG, Result
from wardline.core.incidents.history import Past

ALIKE_LEAST = 0.5
ASSUMED_AGAINST = 1.0

_FOR = frozenset({Result.STABLE})
_AGAINST = WRONG | {Result.RECURRED}
# A runbook, and which of its choices.
_Key = tuple[str, str | None]


class Retrieval:
    """Remembers nothing: what it looks through comes with the question."""

    name = "retrieval/1"

    def plans(self, question: Question) -> Sequence[Plan]:
        """Plans of runbooks whose present version has been verified, the surest first."""
        facts = likeness.tokens(question.facts)
        offered = {(one.runbook, one.chosen) for one in question.offers}
        weighed: dict[_Key, list[tuple[float, Past]]] = defaultdict(list)
        for past in question.past:
            if past.result not in _FOR | _AGAINST:
                continue
            if past.runbook_digest != question.digests.get(past.runbook_id):
                continue
            alike = likeness.alike(question.pattern, facts, past.pattern, past.facts)
            if alike >= ALIKE_LEAST:
                weighed[past.runbook_id, past.choice].append((alike, past))
        made = [_plan(key, weighed[key], _rivals(key, weighed)) for key in offered & weighed.keys()]
        return sorted(made, key=lambda one: (-one.confidence, one.runbook_id, one.choice or ""))


def _rivals(key: _Key, weighed: Mapping[_Key, list[tuple[float, Past]]]) -> float:
    """How much lasted by other choices, where this is one."""
    if key[1] is None:
        return 0.0
    others = (seen for other, seen in weighed.items() if other != key and other[1] is not None)
    return sum(alike for seen in others for alike, past in seen if past.result in _FOR)


def _plan(key: _Key, seen: list[tuple[float, Past]], rivals: float) -> Plan:
    helped = [(alike, past) for alike, past in seen if past.result in _FOR]
    weight_for = sum(alike for alike, _ in helped)
    weight = sum(alike for alike, _ in seen)
    helped.sort(key=lambda one: (-one[0], one[1].incident_id))
    why = f"lasted in {len(helped)} of {len(seen)} similar drifts on this appliance"
    return Plan(
        runbook_id=key[0],
        choice=key[1],
        confidence=weight_for / (weight + rivals + ASSUMED_AGAINST),
        why=why,
        based_on=tuple(past.incident_id for _, past in helped),
    )
