"""HTTP: freeze the partner or a site, lift that, and see who obeys."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import RowMapping

from wardline.central.database import page
from wardline.central.database.page import Cursor, Limit
from wardline.central.freezes import service
from wardline.central.identity import access
from wardline.central.identity.access import Freezer, Viewer
from wardline.core.mandate import Reach

router = APIRouter(prefix="/api/v1", tags=["freezes"])

SiteParameter = Annotated[str, Path(max_length=64)]
FreezeParameter = Annotated[str, Path(max_length=64)]
SiteFilter = Annotated[str | None, Query(max_length=64)]
StateFilter = Annotated[Literal["in_force", "all"], Query()]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=1000, strip_whitespace=True)]


class FreezeReason(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason


class FreezeWaitingOut(BaseModel):
    """An appliance that has not said that it obeys; `last_checkin` is when it was heard last."""

    site_id: str
    site_name: str
    appliance_id: str
    hostname: str
    last_checkin: datetime | None


class FreezeOut(BaseModel):
    """`reach` appliance: set at the appliance itself and lifted only there.

    While it is in force, `confirmed` of `total` appliances have said that they obey, and `waiting`
    names those that have not, the longest unheard first, as many as fit. Once it is lifted,
    `holding` have not said yet that they go on. `frozen_by` and `lifted_by` are user ids, or
    `appliance:<account>`.
    """

    id: str
    reach: Reach
    state: Literal["in_force", "lifted"]
    site_id: str | None
    site_name: str | None
    appliance_id: str | None
    appliance_name: str | None
    frozen_at: datetime
    frozen_by: str
    frozen_by_name: str
    reason: str
    lifted_at: datetime | None
    lifted_by: str | None
    lifted_by_name: str | None
    lift_reason: str | None
    total: int
    confirmed: int
    last_confirmed_at: datetime | None
    holding: int
    waiting: list[FreezeWaitingOut]


class FreezesOut(BaseModel):
    items: list[FreezeOut]
    next_cursor: str | None


class FrozenApplianceOut(FreezeWaitingOut):
    """`confirmed_at`: since when it obeys; `released_at`: since when it does no more."""

    confirmed_at: datetime | None
    released_at: datetime | None


class FrozenAppliancesOut(BaseModel):
    items: list[FrozenApplianceOut]
    next_cursor: str | None


@router.get("/freezes")
async def list_freezes(
    session: Viewer,
    site: SiteFilter = None,
    state: StateFilter = "in_force",
    limit: Limit = page.ITEMS_DEFAULT,
    cursor: Cursor = None,
) -> FreezesOut:
    """What is frozen, newest first; with a site, what stops that, the partner's freeze included."""
    after = page.decode_newest(cursor)
    rows = await service.page(session, site, lifted_too=state == "all", after=after, limit=limit)
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = page.encode(last["frozen_at"].isoformat(), last["id"])
    return FreezesOut(items=[_freeze(row) for row in rows[:limit]], next_cursor=following)


@router.get("/freezes/{freeze_id}")
async def get_freeze(freeze_id: FreezeParameter, session: Viewer) -> FreezeOut:
    """One freeze, and how far it is obeyed."""
    return _freeze(await service.one(session, freeze_id))


@router.get("/freezes/{freeze_id}/appliances")
async def list_frozen_appliances(
    freeze_id: FreezeParameter,
    session: Viewer,
    limit: Limit = page.ITEMS_DEFAULT,
    cursor: Cursor = None,
) -> FrozenAppliancesOut:
    """Every appliance that has to obey it, and since when it does."""
    after = None if cursor is None else str(page.decode(cursor, str)[0])
    rows = await service.appliances(session, freeze_id, after, limit)
    following = page.encode(rows[limit - 1]["appliance_id"]) if len(rows) > limit else None
    return FrozenAppliancesOut(
        items=[FrozenApplianceOut(**row) for row in rows[:limit]], next_cursor=following
    )


@router.post("/freeze", status_code=201)
async def freeze_partner(body: FreezeReason, session: Freezer, request: Request) -> FreezeOut:
    """Stops every repair at every site: nothing is handed out from now on, and each appliance
    obeys from its next check-in on."""
    freeze_id = await service.freeze(session, None, _name(request), body.reason)
    return _freeze(await service.one(session, freeze_id))


@router.post("/sites/{site_id}/freeze", status_code=201)
async def freeze_site(
    site_id: SiteParameter, body: FreezeReason, session: Freezer, request: Request
) -> FreezeOut:
    """Stops every repair at this site, as the partner's freeze does at all of them."""
    freeze_id = await service.freeze(session, site_id, _name(request), body.reason)
    return _freeze(await service.one(session, freeze_id))


@router.post("/freezes/{freeze_id}/lift")
async def lift_freeze(
    freeze_id: FreezeParameter, body: FreezeReason, session: Freezer, request: Request
) -> FreezeOut:
    """Lets repairs go on; an appliance does from its next check-in on."""
    await service.lift(session, freeze_id, _name(request), body.reason)
    return _freeze(await service.one(session, freeze_id))


def _name(request: Request) -> str:
    return access.caller_of(request).name


def _freeze(row: RowMapping) -> FreezeOut:
    return FreezeOut(
        **{
            name: row[name]
            for name in FreezeOut.model_fields
            if name in row and name not in ("confirmed", "waiting")
        },
        reach=service.reach_of(row),
        state="in_force" if row["lifted_at"] is None else "lifted",
        confirmed=service.confirmed(row),
        waiting=[FreezeWaitingOut.model_validate(each) for each in row["waiting"]],
    )
