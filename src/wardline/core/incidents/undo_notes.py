"""What an incident says of an undo that moves nothing: it was refused, or is told elsewhere."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from wardline.core.errors import Conflict
from wardline.core.evidence.bundle import Action
from wardline.core.incidents.incident import UNDO, Incident
from wardline.core.incidents.states import CLOSED, State


def elsewhere(incident: Incident, told: Mapping[str, Any]) -> Incident:
    """A run of this incident, which is over, was undone in a later one of the same drift; `told` is
    who had it undone, and why. Everything else stays as it is."""
    if incident.state not in CLOSED:
        raise Conflict(f"incident {incident.id} is {incident.state}: an undo is told in itself")
    return replace(incident, decision={**(incident.decision or {}), "undo": told})


def refused(incident: Incident, decision: Mapping[str, Any], found: tuple[Action, ...]) -> Incident:
    """A person wanted a run undone, and nothing was changed; `found` says why, beside what had been
    done. Everything else stays as it is."""
    if incident.state is State.REPAIRING:
        raise Conflict(f"incident {incident.id} is being repaired: nothing of it is undone now")
    kept = tuple(one for one in incident.actions if not (one.dry_run and one.type == UNDO))
    return replace(incident, decision=decision, actions=(*kept, *found))
