"""HTTP: the versions of rules and runbooks that are stopped, and releasing one with a reason."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import RowMapping

from wardline.central.brakes import service
from wardline.central.database import page
from wardline.central.database.page import Cursor, Limit
from wardline.central.identity import access
from wardline.central.identity.access import Freezer, Viewer
from wardline.core.incidents import catalogue

router = APIRouter(prefix="/api/v1", tags=["brakes"])

StopParameter = Annotated[str, Path(max_length=64)]
StateFilter = Annotated[Literal["in_force", "all"], Query()]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=1000, strip_whitespace=True)]


class ReleaseReason(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason


class StopOut(BaseModel):
    """`failed` of `runs` runs of one version went wrong: a rule (`version` is its revision) or a
    runbook (its digest; `title` is that of the built-in one).

    Without an appliance it is stopped at all sites; with one, it was stopped there, over that
    appliance's own runs. `incident_id` is an incident whose run went wrong. `released_by` is a
    user's id, or `appliance:<account>` for a person at the appliance itself.
    """

    id: str
    state: Literal["in_force", "released"]
    kind: Literal["rule", "runbook"]
    name: str
    title: str
    version: str
    site_id: str | None
    site_name: str | None
    appliance_id: str | None
    appliance_name: str | None
    stopped_at: datetime
    failed: int
    runs: int
    incident_id: str
    incident_site_id: str
    released_at: datetime | None
    released_by: str | None
    released_by_name: str | None
    release_reason: str | None


class StopsOut(BaseModel):
    items: list[StopOut]
    next_cursor: str | None


@router.get("/brakes")
async def list_stops(
    session: Viewer,
    state: StateFilter = "in_force",
    limit: Limit = page.ITEMS_DEFAULT,
    cursor: Cursor = None,
) -> StopsOut:
    """What nothing may run by until a person releases it, newest first; what an appliance stopped
    for itself is left out while the same version is stopped everywhere."""
    after = page.decode_newest(cursor)
    rows = await service.page(session, released_too=state == "all", after=after, limit=limit)
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = page.encode(last["stopped_at"].isoformat(), last["id"])
    return StopsOut(items=[_stop(row) for row in rows[:limit]], next_cursor=following)


@router.get("/brakes/{stop_id}")
async def get_stop(stop_id: StopParameter, session: Viewer) -> StopOut:
    """One version that was stopped."""
    return _stop(await service.one(session, stop_id))


@router.post("/brakes/{stop_id}/release")
async def release_stop(
    stop_id: StopParameter, body: ReleaseReason, session: Freezer, request: Request
) -> StopOut:
    """Lets the version run again; an appliance does from its next check-in on."""
    by_name = access.caller_of(request).name
    await service.release(session, stop_id, by_name, body.reason)
    return _stop(await service.one(session, stop_id))


def _stop(row: RowMapping) -> StopOut:
    known = catalogue.runbooks().get(row["name"]) if row["kind"] == "runbook" else None
    return StopOut(
        **{name: row[name] for name in StopOut.model_fields if name in row},
        state="in_force" if row["released_at"] is None else "released",
        title=row["name"] if known is None else known.title,
    )
