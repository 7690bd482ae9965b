"""HTTP: every runbook with how well its heals last, and where each is stopped."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel
from sqlalchemy import RowMapping

from wardline.central.brakes import service as brakes
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
    """Where a runbook does not run, since when and why; `id` names the hold, or the stop of the
    brake, which is for one site's appliance or, without a site, for all sites. `other_version` is
    the digest of the version that the brake stopped, where that is not the one that is listed; a
    hold is for every version."""

    kind: Literal["hold", "brake"]
    id: str
    other_version: str | None
    site_id: str | None
    site_name: str | None
    host_id: str | None
    host_name: str | None
    check: str
    incident_id: str | None
    since: datetime
    reason: str


class RunbookOut(BaseModel):
    """`heals` is null where it healed nothing in this time; of those whose watch is over, `stable`
    lasted. `unhelped` open incidents are there that its last run did not help. `stops`: the newest
    of the `stopped` that stop this version, then those of other versions."""

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
    unhelped, held = await incidents.unhelped(session), await holds.by_runbook(session)
    braked = await brakes.by_runbook(session)
    entries = sorted(catalogue.runbooks().values(), key=lambda one: (one.check, one.id))
    items = [
        _runbook(
            one,
            healed.get(one.id),
            unhelped.get(one.id, 0),
            [_brake(one, row) for row in braked.get(one.id, [])]
            + [_hold(row) for row in held.get(one.id, [])],
        )
        for one in entries
    ]
    return RunbooksOut(days=days, items=items)


def _runbook(
    entry: RunbookEntry, healed: Heals | None, unhelped: int, stopped: list[Stop]
) -> RunbookOut:
    check = catalogue.checks()[entry.check]
    here = [one for one in stopped if one.other_version is None]
    elsewhere = [one for one in stopped if one.other_version is not None]
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
        stopped=len(here),
        stops=[*here, *elsewhere][:STOPS_SHOWN_MAX],
    )


def _hold(row: RowMapping) -> Stop:
    return Stop(
        kind="hold",
        other_version=None,
        check=row["incident_type"],
        since=row["suppressed_at"],
        **{name: row[name] for name in Stop.model_fields if name in row},
    )


def _brake(entry: RunbookEntry, row: RowMapping) -> Stop:
    return Stop(
        kind="brake",
        id=row["id"],
        other_version=None if row["version"] == entry.digest else row["version"],
        site_id=row["site_id"],
        site_name=row["site_name"],
        host_id=None,
        host_name=None,
        check=entry.check,
        incident_id=row["incident_id"] if row["incident_site_id"] == row["site_id"] else None,
        since=row["stopped_at"],
        reason=f"{row['failed']} of {row['runs']} runs failed or were undone",
    )
