"""HTTP: orders of the fleet, one order, and taking back what was not fetched yet."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import RowMapping

from wardline.central.database import page
from wardline.central.database.page import Cursor, Limit
from wardline.central.identity.access import OrderGiver, Viewer
from wardline.central.orders import service
from wardline.core.incidents import catalogue
from wardline.core.orders import Kind, Status

router = APIRouter(prefix="/api/v1", tags=["orders"])

SiteParameter = Annotated[str, Path(max_length=64)]
OrderParameter = Annotated[str, Path(max_length=64)]
SiteFilter = Annotated[str | None, Query(max_length=64)]
StatusFilter = Annotated[Status | None, Query()]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=1000, strip_whitespace=True)]


class ReasonGiven(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason


class OrderOut(BaseModel):
    """`log_index` is the bundle that tells of the run, once the log has it. `code` and `detail`
    are the appliance's, or Central's where it ended the order itself. `frozen`: it waits because
    its partner, site or appliance is frozen, and expires if that lasts. An order that only looks,
    or lets all repairs be tried again, has no runbook."""

    site_id: str
    site_name: str
    id: str
    kind: Kind
    status: Status
    appliance_id: str
    host_id: str
    host_name: str | None
    check: str
    runbook_id: str | None
    runbook_title: str | None
    incident_id: str | None
    approval_id: str | None
    hold_id: str | None
    requested_by: str
    requested_by_name: str | None
    reason: str
    created_at: datetime
    expires_at: datetime
    leased_at: datetime | None
    leases: int
    started_at: datetime | None
    completed_at: datetime | None
    code: str | None
    detail: str | None
    log_index: int | None
    frozen: bool


class OrderDetailOut(OrderOut):
    """`envelope` is the DSSE envelope that the appliance receives, byte for byte."""

    envelope: dict[str, Any]


class OrdersOut(BaseModel):
    items: list[OrderOut]
    next_cursor: str | None


@router.get("/orders")
async def list_orders(
    session: Viewer,
    site: SiteFilter = None,
    status: StatusFilter = None,
    limit: Limit = page.ITEMS_DEFAULT,
    cursor: Cursor = None,
) -> OrdersOut:
    """The partner's orders, or one site's, newest first."""
    rows = await service.page(session, site, status, page.decode_newest(cursor), limit)
    return _page(rows, limit)


@router.get("/sites/{site_id}/orders/{order_id}")
async def get_order(
    site_id: SiteParameter, order_id: OrderParameter, session: Viewer
) -> OrderDetailOut:
    """One order as it was signed, and what became of it."""
    row = await service.one(session, site_id, order_id)
    return OrderDetailOut(**shape(row).model_dump(), envelope=orjson.loads(row["envelope"]))


@router.post("/sites/{site_id}/orders/{order_id}/cancel")
async def cancel_order(
    site_id: SiteParameter, order_id: OrderParameter, body: ReasonGiven, session: OrderGiver
) -> OrderOut:
    """Takes back an order that its appliance has not fetched."""
    await service.cancel(session, site_id, order_id, body.reason)
    return shape(await service.one(session, site_id, order_id))


def shape(row: RowMapping) -> OrderOut:
    """The public form of an order's row."""
    known = catalogue.runbooks().get(row["runbook_id"] or "")
    return OrderOut(
        **{name: row[name] for name in OrderOut.model_fields if name in row},
        check=row["incident_type"],
        runbook_title=row["runbook_id"] if known is None else known.title,
    )


def _page(rows: Sequence[RowMapping], limit: int) -> OrdersOut:
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = page.encode(last["created_at"].isoformat(), last["id"])
    return OrdersOut(items=[shape(row) for row in rows[:limit]], next_cursor=following)
