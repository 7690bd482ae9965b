"""HTTP: the holds of the fleet, and clearing one with a reason."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import RowMapping

from wardline.central.database import page
from wardline.central.database.page import Cursor, Limit
from wardline.central.holds import service
from wardline.central.identity.access import OrderGiver, Viewer
from wardline.central.orders import issuer
from wardline.core.incidents import catalogue
from wardline.core.orders import Status

router = APIRouter(prefix="/api/v1", tags=["holds"])

SiteParameter = Annotated[str, Path(max_length=64)]
HoldParameter = Annotated[str, Path(max_length=64)]
StateFilter = Annotated[Literal["active", "all"], Query()]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=1000, strip_whitespace=True)]

# A hold that its appliance was told to end stands until the appliance says so.
_CLEARING = frozenset({Status.PENDING, Status.LEASED, Status.RUNNING, Status.SUCCEEDED})


class Clearing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason


class HoldOut(BaseModel):
    """`incident_id` is the ticket: the incident that the hold is about. `set_by` is null where the
    flap rule set it. `set_by` and `cleared_by` are a user's id, or `appliance:<account>` for a
    person at the appliance itself; a person has a name where their order is known here, for the
    rest is the appliance's word."""

    site_id: str
    site_name: str
    id: str
    state: Literal["active", "clearing", "cleared"]
    host_id: str
    host_name: str | None
    check: str
    runbook_id: str
    runbook_title: str
    incident_id: str | None
    suppressed_at: datetime
    reason: str
    set_by: str | None
    set_by_name: str | None
    cleared_at: datetime | None
    cleared_by: str | None
    cleared_by_name: str | None
    clear_reason: str | None
    order_id: str | None
    order_status: Status | None


class HoldsOut(BaseModel):
    items: list[HoldOut]
    next_cursor: str | None


@router.get("/holds")
async def list_holds(
    session: Viewer,
    state: StateFilter = "active",
    limit: Limit = page.ITEMS_DEFAULT,
    cursor: Cursor = None,
) -> HoldsOut:
    """The partner's holds, newest first; those that ended stay in the list of all."""
    after = page.decode_newest(cursor)
    rows = await service.page(session, ended_too=state == "all", after=after, limit=limit)
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = page.encode(last["suppressed_at"].isoformat(), last["id"])
    return HoldsOut(items=[_hold(row) for row in rows[:limit]], next_cursor=following)


@router.post("/sites/{site_id}/holds/{hold_id}/clear")
async def clear_hold(
    site_id: SiteParameter,
    hold_id: HoldParameter,
    body: Clearing,
    session: OrderGiver,
    request: Request,
) -> HoldOut:
    """Sends the order; the hold is cleared once its appliance says so."""
    await service.clear(session, issuer.of(request), site_id, hold_id, body.reason)
    return _hold(await service.one(session, site_id, hold_id))


def _hold(row: RowMapping) -> HoldOut:
    known = catalogue.runbooks().get(row["runbook_id"])
    state: Literal["active", "clearing", "cleared"] = "active"
    if row["cleared_at"] is not None:
        state = "cleared"
    elif row["order_status"] in _CLEARING:
        state = "clearing"
    return HoldOut(
        **{name: row[name] for name in HoldOut.model_fields if name in row},
        state=state,
        check=row["incident_type"],
        runbook_title=row["runbook_id"] if known is None else known.title,
    )
