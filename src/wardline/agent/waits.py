"""What is told of a drift for which nothing runs now: how it waits, and what of that is news."""

from wardline.agent.judge import Case
from wardline.core import canonical
from wardline.core.evidence import bundle
from wardline.core.incidents.incident import Incident
from wardline.core.incidents.states import State
from wardline.core.policy.decision import Decision, Verdict


def state(case: Case, decision: Decision | None) -> State:
    """In which state it waits, by the decision that is nearest to a run."""
    if case.observing:
        return State.OBSERVING
    if decision is not None and decision.verdict in (Verdict.ASK, Verdict.OFFER):
        return State.WAITING
    return State.OPEN


def news(moved: Incident) -> str:
    """The digest of what a reader would call news: not ids, ages, times and durations."""
    decision = moved.decision or {}
    return canonical.digest(
        {
            "state": moved.state.value,
            "verdict": decision.get("verdict"),
            "code": decision.get("code"),
            "rule": decision.get("ruleId"),
            "would": decision.get("would"),
            "pins": {**pins, "inputs": None} if (pins := decision.get("pins")) else None,
            "runbook": moved.runbook and moved.runbook.digest,
            "actions": [
                {**bundle.action_to_wire(action), "duration_ms": 0} for action in moved.actions
            ],
        }
    )
