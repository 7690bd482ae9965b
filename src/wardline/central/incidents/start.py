"""A person starts what the policy offers or one of the choices, or asks once more for a consent.

Apart from the service because it gives orders, which nothing else about incidents does.
"""

from dataclasses import dataclass

from wardline.central.approvals import asking
from wardline.central.database.session import Session
from wardline.central.incidents import service
from wardline.central.orders import choosing, wanted
from wardline.central.orders import service as orders
from wardline.central.orders.issuer import Issuer
from wardline.central.orders.service import Target
from wardline.central.orders.wanted import Standing
from wardline.central.tenancy import service as tenancy
from wardline.core.errors import Conflict, NotFound
from wardline.core.evidence.bundle import IncidentState
from wardline.core.policy.decision import Verdict


class NothingToStart(Conflict):
    """The policy offers no run for this incident that a person could start."""

    code = "nothing_to_start"


@dataclass(frozen=True, slots=True)
class Started:
    """What came of it: an order on its way, or an approval to be answered; one of the two."""

    order_id: str | None
    approval_id: str | None


async def start(
    session: Session,
    issuer: Issuer,
    site_id: str,
    incident_id: str,
    reason: str,
    choice: str | None = None,
) -> Started:
    """`choice` is the mark of one of the choices that a ticket has.

    Raises NotFound, NothingToStart, Malformed for a decision that cannot be read, and what
    `orders.issue` and `asking.ask_again` raise.
    """
    await tenancy.get(session, site_id)
    found = await service.standing(session, site_id, [incident_id])
    if not found:
        raise NotFound("no such incident on this site")
    incident = found[0]
    if choice is not None:
        return await _picked(session, issuer, incident, reason, choice)
    said = wanted.verdict(incident) if incident.state == IncidentState.WAITING else None
    if said == Verdict.ASK:
        return Started(None, await asking.ask_again(session, incident, issuer, reason))
    if said != Verdict.OFFER:
        raise NothingToStart(
            f"it is {incident.state}: only what waits under a policy that offers or asks can be"
            " started"
        )
    return Started(await _order(session, issuer, incident, reason), None)


async def _picked(
    session: Session, issuer: Issuer, incident: Standing, reason: str, mark: str
) -> Started:
    """As an offer; where its rule asks for leave, an approval comes first."""
    picked = next((one for one in choosing.of(incident) if one.id == mark), None)
    if picked is None:
        raise NothingToStart(f"it is {incident.state} and has no such choice now: look at it again")
    if picked.verdict is Verdict.ASK:
        return Started(None, await asking.ask_again(session, picked.standing, issuer, reason))
    return Started(await _order(session, issuer, picked.standing, reason), None)


async def _order(session: Session, issuer: Issuer, incident: Standing, reason: str) -> str:
    offered = wanted.read(incident, Verdict.OFFER)
    body = offered.run.order(incident.incident_id, incident.check, None)
    target = Target(incident.site_id, incident.appliance_id, incident.host_id)
    return await orders.issue(session, issuer, target, body, reason)
