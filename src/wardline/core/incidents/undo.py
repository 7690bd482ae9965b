"""Which run a decision was made for, and which one a person had undone: each by its own id.

Read by the appliance that seals a record and by Central that receives it, so that both hold an undo
against the same run, at the same time. The inside of a decision is its appliance's affair: what
stands there in another form tells of nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wardline.core import clock, ids
from wardline.core.errors import Malformed

# What an undo came to that counts against its run: all is back, or not all. Of one that was cut off
# nobody knows; one that was refused changed nothing.
COUNTED = frozenset({"undone", "left"})


@dataclass(frozen=True, slots=True)
class Undone:
    """A run of which a person had undone all or a part, and when."""

    run_id: str
    at: datetime


def run_of(decision: Mapping[str, Any] | None) -> str | None:
    """The run that a decision let begin."""
    return _run_id((decision or {}).get("runId"))


def told(decision: Mapping[str, Any] | None) -> Undone | None:
    """The run that was undone, as the decision of the incident tells in which that is told."""
    said = (decision or {}).get("undo")
    if not isinstance(said, Mapping) or said.get("state") not in COUNTED:
        return None
    run_id, at = _run_id(said.get("run")), said.get("at")
    if run_id is None or not isinstance(at, str):
        return None
    try:
        return Undone(run_id, clock.parse(at))
    except ValueError:
        return None


def of_own_run(decision: Mapping[str, Any] | None) -> Undone | None:
    """The same where the decision let that very run begin: it was undone later on."""
    found = told(decision)
    return found if found is not None and found.run_id == run_of(decision) else None


def _run_id(value: object) -> str | None:
    try:
        return ids.entity(value, "run", "run") if isinstance(value, str) else None
    except Malformed:
        return None
