"""HTTP: every runbook with how well its heals last, and where each is stopped."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel
from sqlalchemy import RowMapping

from wardline.central.holds import service as holds
from wardline.central.identity.access import Viewer
from wardline.central.incidents import heals
from wardline.central.incidents import service as incidents
from wardline.central.incidents.heals import Heals
from wardline.core.incidents import catalogue
from wardline.core.incidents.catalogue import RunbookEntry

router = APIRouter(prefix="/api/v1", tags=["reports"])

STOPS_SHOWN_MAX = 50

Days = Annotated[int, Query(ge=1, le=heals.DAYS_MAX, description="so many days back from now")]


class Stop(BaseModel):
    """Where a runbook does not run, since when and why; `id` names the hold."""

    kind: Literal["hold"]
    id: str
    site_id: str
    site_name: str
    host_id: str
    host_name: str | None
    check: str
    incident_id: str | None
    since: datetime
    reason: str


class RunbookOut(BaseModel):
    """`heals` is null where it healed nothing in this time; of those whose watch is over, `stable`
    lasted. `unhelped` open incidents are there that its last run did not help. `stops`: the newest
    of `stopped`."""

    id: str
    version: int
    title: str
    description: str
    risk: str
    check: str
    check_title: str
    heals: Heals | None
    unhelped: int
    stopped: int
    stops: list[Stop]


class RunbooksOut(BaseModel):
    """By check; `days` is how far back heals are counted."""

    days: int
    items: list[RunbookOut]


@router.get("/runbooks")
async def list_runbooks(session: Viewer, days: Days = heals.DAYS_DEFAULT) -> RunbooksOut:
    """The built-in runbooks as the partner's sites have seen them."""
    healed = {one.runbook_id: one for one in await heals.by_runbook(session, None, days)}
    unhelped, stopped = await incidents.unhelped(session), await holds.by_runbook(session)
    entries = sorted(catalogue.runbooks().values(), key=lambda one: (one.check, one.id))
    items = [
        _runbook(one, healed.get(one.id), unhelped.get(one.id, 0), stopped.get(one.id, []))
        for one in entries
    ]
    return RunbooksOut(days=days, items=items)


def _runbook(
    entry: RunbookEntry, healed: Heals | None, unhelped: int, stopped: list[RowMapping]
) -> RunbookOut:
    check = catalogue.checks()[entry.check]
    return RunbookOut(
        id=entry.id,
        version=entry.version,
        title=entry.title,
        description=entry.description,
        risk=entry.risk,
        check=entry.check,
        check_title=check.title,
        heals=healed,
        unhelped=unhelped,
        stopped=len(stopped),
        stops=[_stop(row) for row in stopped[:STOPS_SHOWN_MAX]],
    )


def _stop(row: RowMapping) -> Stop:
    return Stop(
        kind="hold",
        check=row["incident_type"],
        since=row["suppressed_at"],
        **{name: row[name] for name in Stop.model_fields if name in row},
    )
