"""What past repairs of a check came to, as a planner may learn from it."""

from dataclasses import dataclass
from datetime import datetime

from wardline.core.incidents.brake import Result


@dataclass(frozen=True, slots=True)
class Past:
    """One run that is over: of which drift, by which runbook, and what was verified of it.

    `pattern` is the drift's signature and `facts` its `likeness.tokens`. `choice` is the mark of
    the remedy where that was one of several choices.
    """

    incident_id: str
    pattern: str
    facts: tuple[str, ...]
    runbook_id: str
    runbook_digest: str
    ended_at: datetime
    result: Result
    choice: str | None = None
