"""HTTP: what people do about an incident. Apart from endpoints.py, which only reads."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, StringConstraints

from wardline.central.identity.access import OrderGiver
from wardline.central.incidents import acting, start, undo
from wardline.central.orders import issuer

router = APIRouter(prefix="/api/v1/sites/{site_id}/incidents/{incident_id}", tags=["incidents"])

SiteParameter = Annotated[str, Path(max_length=64)]
IncidentParameter = Annotated[str, Path(max_length=64)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=1000, strip_whitespace=True)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=255)]


class Reasoned(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason


class Starting(Reasoned):
    """`choice`: which of the choices of a ticket, by its `id`; without it what is offered."""

    choice: Name | None = None


class CheckingAgain(BaseModel):
    """Looking changes nothing, so it needs no reason."""

    model_config = ConfigDict(extra="forbid")

    reason: Reason | None = None


class Holding(Reasoned):
    """`runbook_id`: which repair stays off; without it the one that ran or would run."""

    runbook_id: Name | None = None


class HandingOver(BaseModel):
    """`to` is a user's id, of `GET /people`."""

    model_config = ConfigDict(extra="forbid")

    to: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    note: Reason


class StartedOut(BaseModel):
    """The order that is on its way, or the approval that it takes first."""

    order_id: str | None
    approval_id: str | None


class OrderedOut(BaseModel):
    order_id: str


class HandedOverOut(BaseModel):
    to_user: str
    to_name: str


@router.post("/start", status_code=201)
async def start_repair(
    site_id: SiteParameter,
    incident_id: IncidentParameter,
    body: Starting,
    session: OrderGiver,
    request: Request,
) -> StartedOut:
    """Orders the run that the policy offers, or the choice that is picked; where it asks, opens an
    approval once more, or for that choice."""
    asking = issuer.of(request)
    started = await start.start(session, asking, site_id, incident_id, body.reason, body.choice)
    return StartedOut(order_id=started.order_id, approval_id=started.approval_id)


@router.post("/undo", status_code=201)
async def undo_run(
    site_id: SiteParameter,
    incident_id: IncidentParameter,
    body: Reasoned,
    session: OrderGiver,
    request: Request,
) -> OrderedOut:
    """Orders the appliance to put back what the incident's last run changed, and to hold its
    runbook then; refused there where somebody has edited since. A freeze does not keep it back."""
    by = issuer.of(request)
    return OrderedOut(order_id=await undo.undo(session, by, site_id, incident_id, body.reason))


@router.post("/check-again", status_code=201)
async def check_again(
    site_id: SiteParameter,
    incident_id: IncidentParameter,
    body: CheckingAgain,
    session: OrderGiver,
    request: Request,
) -> OrderedOut:
    """Orders the appliance to measure the incident's check now; that changes nothing."""
    by = issuer.of(request)
    order_id = await acting.check_again(session, by, site_id, incident_id, body.reason)
    return OrderedOut(order_id=order_id)


@router.post("/try-again", status_code=201)
async def try_again(
    site_id: SiteParameter,
    incident_id: IncidentParameter,
    body: Reasoned,
    session: OrderGiver,
    request: Request,
) -> OrderedOut:
    """Orders that every remedy may be tried once more; what runs, the policy decides there."""
    by = issuer.of(request)
    order_id = await acting.try_again(session, by, site_id, incident_id, body.reason)
    return OrderedOut(order_id=order_id)


@router.post("/hold", status_code=201)
async def set_hold(
    site_id: SiteParameter,
    incident_id: IncidentParameter,
    body: Holding,
    session: OrderGiver,
    request: Request,
) -> OrderedOut:
    """Orders that a repair stays off this drift until somebody clears the hold."""
    by, book = issuer.of(request), body.runbook_id
    order_id = await acting.hold(session, by, site_id, incident_id, book, body.reason)
    return OrderedOut(order_id=order_id)


@router.post("/hand-over", status_code=201)
async def hand_over(
    site_id: SiteParameter,
    incident_id: IncidentParameter,
    body: HandingOver,
    session: OrderGiver,
    request: Request,
) -> HandedOverOut:
    """Puts the incident into the hands of a colleague who may act on it."""
    by = issuer.of(request).person
    given = await acting.hand_over(session, by, site_id, incident_id, body.to, body.note)
    return HandedOverOut(to_user=given.to_user, to_name=given.to_name)
