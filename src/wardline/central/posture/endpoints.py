"""HTTP: a site's latest results, hosts by checks; the posture they add up to; its trend."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime, BaseModel
from sqlalchemy import RowMapping

from wardline.central.database import page
from wardline.central.database.page import Cursor, Limit, Offset
from wardline.central.fleet import service as fleet
from wardline.central.fleet.service import Host
from wardline.central.identity.access import Viewer
from wardline.central.posture import service
from wardline.central.tenancy import service as tenancy
from wardline.central.tenancy.overview import ResultCounts, Score
from wardline.core.evidence.bundle import Outcome
from wardline.core.incidents import catalogue

router = APIRouter(prefix="/api/v1/sites/{site_id}", tags=["posture"])

SiteParameter = Annotated[str, Path(max_length=64)]
From = Annotated[AwareDatetime | None, Query(alias="from")]
To = Annotated[AwareDatetime | None, Query(alias="to")]


class CheckOut(BaseModel):
    id: str
    title: str


class CellOut(BaseModel):
    """`accepted`: it fails just as `deviation_id` says, and nothing repairs it. A deviation of a
    result that is not accepted is about another state."""

    outcome: Outcome
    severity: str
    summary: str
    effective_at: datetime
    log_index: int
    deviation_id: str | None
    accepted: bool


class HostRowOut(BaseModel):
    """A host and its latest result per check; a check without one was never measured there."""

    id: str
    name: str
    kind: str
    observed: bool
    cells: dict[str, CellOut]


class ResultsOut(BaseModel):
    """A page of hosts; `checks` are those with a result on one of them."""

    checks: list[CheckOut]
    hosts: list[HostRowOut]
    next_cursor: str | None


class StatusesOut(BaseModel):
    """True where all that was measured passed, false where any failed, null where nothing was."""

    patching_status: bool | None
    backup_status: bool | None
    encryption_status: bool | None


class SnapshotOut(StatusesOut):
    """The posture at one moment; `flake_hash` names what was in force then: policy, settings,
    runbooks and checks."""

    at: datetime
    flake_hash: str
    score: Score | None
    results: ResultCounts
    hosts: int
    measured_hosts: int


class CheckPostureOut(CheckOut):
    """On how many hosts a check has which outcome."""

    results: ResultCounts


class PostureOut(StatusesOut):
    """`measured_from` and `measured_to` are when the oldest and the newest result that counts was
    measured."""

    score: Score | None
    results: ResultCounts
    hosts: int
    measured_hosts: int
    measured_from: datetime | None
    measured_to: datetime | None
    checks: list[CheckPostureOut]
    snapshot: SnapshotOut | None


class TrendOut(BaseModel):
    """`points` are the last snapshots of each step of `step_seconds`; a step without one has no
    point."""

    since: datetime
    until: datetime
    step_seconds: float
    points: list[SnapshotOut]


@router.get("/results")
async def list_results(
    site_id: SiteParameter,
    session: Viewer,
    limit: Limit = page.ITEMS_MAX,
    cursor: Cursor = None,
    offset: Offset = None,
) -> ResultsOut:
    """The site's hosts by name, measured or not, each with its latest results."""
    skipped = page.skipped(offset, cursor)
    await tenancy.get(session, site_id)
    hosts = await fleet.hosts_page(session, site_id, _after(cursor), skipped, limit)
    last = hosts[limit - 1] if len(hosts) > limit else None
    rows = await service.latest(session, site_id, [host.id for host in hosts[:limit]])
    checks = sorted({row["check_id"] for row in rows})
    return ResultsOut(
        checks=[CheckOut(id=check, title=_title(check)) for check in checks],
        hosts=_host_rows(hosts[:limit], rows),
        next_cursor=None if last is None else page.encode(last.name, last.id),
    )


@router.get("/posture")
async def get_posture(site_id: SiteParameter, session: Viewer) -> PostureOut:
    """Where the site stands now."""
    found = await service.posture(session, site_id)
    return PostureOut(
        **_counted(found.now),
        measured_from=found.now["measured_from"],
        measured_to=found.now["measured_to"],
        checks=[
            CheckPostureOut(
                id=row["check_id"], title=_title(row["check_id"]), results=service.counts(row)
            )
            for row in found.checks
        ],
        snapshot=None if found.snapshot is None else _snapshot(found.snapshot),
    )


@router.get("/trend")
async def get_trend(
    site_id: SiteParameter, session: Viewer, since: From = None, until: To = None
) -> TrendOut:
    """Snapshots after `from` up to `to`: the last seven days where nothing else is asked for."""
    await tenancy.get(session, site_id)
    found = await service.trend(session, site_id, since, until)
    return TrendOut(
        since=found.since,
        until=found.until,
        step_seconds=found.step.total_seconds(),
        points=[_snapshot(row) for row in found.snapshots],
    )


def _after(cursor: str | None) -> tuple[str, str] | None:
    if cursor is None:
        return None
    name, host_id = page.decode(cursor, str, str)
    return str(name), str(host_id)


def _host_rows(hosts: Sequence[Host], rows: Sequence[RowMapping]) -> list[HostRowOut]:
    cells: dict[str, dict[str, CellOut]] = {host.id: {} for host in hosts}
    for row in rows:
        cells[row["host_id"]][row["check_id"]] = CellOut.model_validate(dict(row))
    return [
        HostRowOut(
            id=host.id,
            name=host.name,
            kind=host.kind,
            observed=host.observed,
            cells=cells[host.id],
        )
        for host in hosts
    ]


def _counted(row: RowMapping) -> dict[str, Any]:
    """What the present and every snapshot of it have in common."""
    return {
        "score": service.scored(row),
        "results": service.counts(row),
        "hosts": row["hosts"],
        "measured_hosts": row["measured_hosts"],
        "patching_status": row["patching_status"],
        "backup_status": row["backup_status"],
        "encryption_status": row["encryption_status"],
    }


def _snapshot(row: RowMapping) -> SnapshotOut:
    return SnapshotOut(at=row["snapshot_at"], flake_hash=row["flake_hash"], **_counted(row))


def _title(check_id: str) -> str:
    """What a check is called; one of a newer agent's that we do not know goes by its id."""
    known = catalogue.checks().get(check_id)
    return known.title if known is not None else check_id
