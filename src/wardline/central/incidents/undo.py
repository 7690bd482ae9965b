"""A person has the last run of an incident undone: until when that is possible, and the order.

Apart from the service because it gives orders. The name of the run is the appliance's word, which
nothing checked when its bundle was taken, and the appliance alone knows what it has kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wardline.central.database.session import Session
from wardline.central.incidents import service
from wardline.central.orders import service as orders
from wardline.central.orders.issuer import Issuer
from wardline.central.orders.service import Target
from wardline.central.tenancy import service as tenancy
from wardline.core.errors import Conflict, Malformed, NotFound
from wardline.core.evidence import fields
from wardline.core.orders import UndoRun

_RUN_KEYS = frozenset({"id", "undoUntil"})


class NothingToUndo(Conflict):
    """The incident names no run that its appliance could still undo."""

    code = "nothing_to_undo"


@dataclass(frozen=True, slots=True)
class Undoable:
    """A run that its appliance can undo before `until`."""

    run_id: str
    until: datetime


def undoable(decision: Mapping[str, Any] | None) -> Undoable | None:
    """The run that a decision names as one that can be undone; None where it names none, or says
    that it was undone since."""
    named, told = (decision or {}).get("run"), (decision or {}).get("undo")
    try:
        run = fields.exactly(named, _RUN_KEYS)
        until = fields.optional(run, "undoUntil", fields.instant)
        run_id = fields.entity(run, "id", "run")
    except Malformed:
        return None
    is_over = isinstance(told, Mapping) and (told.get("run"), told.get("state")) == (
        run_id,
        "undone",
    )
    return None if until is None or is_over else Undoable(run_id, until)


async def undo(
    session: Session, issuer: Issuer, site_id: str, incident_id: str, reason: str
) -> str:
    """Orders the appliance to put back what the incident's last run changed; gives the order's
    identifier. Raises NotFound, NothingToUndo, and what `orders.issue` raises."""
    await tenancy.get(session, site_id)
    found = await service.standing(session, site_id, [incident_id])
    if not found:
        raise NotFound("no such incident on this site")
    incident = found[0]
    run = undoable(incident.decision)
    if run is None or incident.runbook is None:
        raise NothingToUndo("it names no run that its appliance keeps the state before of")
    if run.until <= session.now:
        raise NothingToUndo("its appliance kept the state before its last run for 30 days only")
    target = Target(incident.site_id, incident.appliance_id, incident.host_id)
    body = UndoRun(run.run_id, incident.incident_id, incident.check, incident.runbook["id"])
    return await orders.issue(session, issuer, target, body, reason)
