"""What a person does about an incident: check again, try again, hold, hand over.

Apart from the service because it gives orders, as start.py does, and asks who the people are.
"""

from dataclasses import dataclass

from sqlalchemy import RowMapping

from wardline.central.database.session import Session
from wardline.central.identity import service as identity
from wardline.central.incidents import service
from wardline.central.incidents.repository import NewHandover
from wardline.central.orders import service as orders
from wardline.central.orders.issuer import Issuer
from wardline.central.orders.service import Target
from wardline.central.tenancy import service as tenancy
from wardline.core import ids
from wardline.core.errors import Conflict, Malformed
from wardline.core.evidence.bundle import IncidentState
from wardline.core.incidents import catalogue
from wardline.core.orders import Body, CheckAgain, Person, SetHold, TryAgain

CHANGED = "handover"
CHECK_AGAIN_REASON = "checked again from its page"
_OPEN = frozenset(
    {
        IncidentState.OPEN,
        IncidentState.OBSERVING,
        IncidentState.WAITING,
        IncidentState.FAILED,
        IncidentState.ESCALATED,
    }
)


class NotOpen(Conflict):
    """The drift is gone: there is nothing to repair."""

    code = "not_open"


class OnHold(Conflict):
    """A hold keeps its repair off; whoever wants it to run clears the hold."""

    code = "on_hold"


class Accepted(Conflict):
    """A person has accepted this state: nothing repairs it until that is revoked."""

    code = "accepted"


class NothingToHold(Conflict):
    """No repair is known for this check that a hold could keep off."""

    code = "nothing_to_hold"


@dataclass(frozen=True, slots=True)
class Handover:
    """Into whose hands it was given."""

    to_user: str
    to_name: str


async def check_again(
    session: Session, issuer: Issuer, site_id: str, incident_id: str, reason: str | None
) -> str:
    """Orders the appliance to measure the incident's check now; gives the order's identifier.

    Raises NotFound and what `orders.issue` raises.
    """
    row = await _incident(session, site_id, incident_id)
    body = CheckAgain(row["incident_type"])
    return await _order(session, issuer, row, body, reason or CHECK_AGAIN_REASON)


async def try_again(
    session: Session, issuer: Issuer, site_id: str, incident_id: str, reason: str
) -> str:
    """Orders that every remedy may be tried once more; what runs, the policy decides there.

    Raises NotFound, NotOpen, Accepted, OnHold and what `orders.issue` raises.
    """
    row = await _incident(session, site_id, incident_id)
    if row["state"] not in _OPEN:
        raise NotOpen(f"it is {row['state']}: a drift that is gone needs no repair")
    if row["accepted"]:
        raise Accepted("a person has accepted this state: revoke the deviation to have it repaired")
    if row["held"] is not None:
        raise OnHold(f"its repair is on hold ({row['held']}): clear the hold first")
    body = TryAgain(incident_id, row["incident_type"])
    return await _order(session, issuer, row, body, reason)


async def hold(
    session: Session,
    issuer: Issuer,
    site_id: str,
    incident_id: str,
    runbook_id: str | None,
    reason: str,
) -> str:
    """Orders that a repair stays off the incident's drift until somebody clears the hold: the one
    that is named, else the one that ran or would run, else the only one there is.

    Raises NotFound, Malformed, NothingToHold, OnHold and what `orders.issue` raises.
    """
    row = await _incident(session, site_id, incident_id)
    if row["held"] is not None:
        raise OnHold(f"its repair is on hold already ({row['held']})")
    known = _repairs(row)
    if runbook_id is not None and runbook_id not in known:
        raise Malformed("runbook_id", "no repair of this check")
    chosen = runbook_id or _runbook(row) or (known[0] if len(known) == 1 else None)
    if chosen is None:
        named = ", ".join(known) or "none is known"
        raise NothingToHold(f"say which repair of {row['incident_type']} to hold: {named}")
    body = SetHold(row["incident_type"], chosen)
    return await _order(session, issuer, row, body, reason)


def holdable(row: RowMapping) -> list[str]:
    """The repairs that `hold` can be told to keep off an incident's drift, the one that ran or
    would run first; none where a hold stands already."""
    return [] if row["held"] is not None else _repairs(row)


async def hand_over(
    session: Session, by: Person, site_id: str, incident_id: str, to: str, note: str
) -> Handover:
    """Puts an incident into the hands of a colleague who may act on it; raises NotFound and
    Malformed for nobody such."""
    await _incident(session, site_id, incident_id)
    people = {one.id: one for one in await identity.hands(session)}
    if to not in people:
        raise Malformed("to", "nobody of yours who may give orders has this id")
    name = people[to].name
    new = NewHandover(
        *(ids.new("hand"), site_id, incident_id, session.now, by.user_id, by.name, to, name, note)
    )
    await service.hand_over(session, new)
    after = {"to": to, "name": name}
    await session.record(
        "incident.hand_over", incident_id, after=after, reason=note, site_id=site_id
    )
    await session.announce(CHANGED, incident_id, {"to": to}, site_id=site_id)
    return Handover(to, name)


async def _incident(session: Session, site_id: str, incident_id: str) -> RowMapping:
    await tenancy.get(session, site_id)
    return (await service.one(session, site_id, incident_id)).incident


async def _order(session: Session, issuer: Issuer, row: RowMapping, body: Body, reason: str) -> str:
    target = Target(row["site_id"], row["appliance_id"], row["host_id"])
    return await orders.issue(session, issuer, target, body, reason, incident_id=row["id"])


def _repairs(row: RowMapping) -> list[str]:
    """The one that ran or would run, which a newer agent may be the first to know, then the others
    of the check by name."""
    check, own = row["incident_type"], _runbook(row)
    known = sorted(one.id for one in catalogue.runbooks().values() if one.check == check)
    return known if own is None else [own, *(one for one in known if one != own)]


def _runbook(row: RowMapping) -> str | None:
    """The one that ran or would run, else the one of the last heal."""
    for part, name in ((row["runbook"], "id"), (row["watch"], "runbook_id")):
        if part is not None:
            return str(part[name])
    return None
