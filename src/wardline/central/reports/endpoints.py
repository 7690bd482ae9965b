"""HTTP: the fleet's page, a site's page, and the status that the command line prints."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel
from sqlalchemy import RowMapping

from wardline import __version__
from wardline.central.database import page
from wardline.central.database.page import Cursor, Limit, Offset
from wardline.central.database.session import Session
from wardline.central.fleet import service as fleet
from wardline.central.fleet.service import Appliance, Host
from wardline.central.identity.access import Viewer
from wardline.central.incidents import heals
from wardline.central.incidents.heals import Heals
from wardline.central.posture import service as posture
from wardline.central.reports import attention, overview, queries
from wardline.central.reports.attention import Attention
from wardline.central.tenancy.overview import IncidentSummary, ResultCounts, Score, SiteOverview
from wardline.central.web import state
from wardline.core.protocol import OpeningHours

router = APIRouter(prefix="/api/v1", tags=["reports"])

HEARTBEATS_MISSED_MAX = 3
HEARTBEAT_GRACE_SECONDS = 15

SiteParameter = Annotated[str, Path(max_length=64)]


class FleetTotals(BaseModel):
    sites: int
    hosts: int
    results: ResultCounts
    score: Score | None
    open_incidents: int
    healed_24h: int
    incidents: IncidentSummary
    heals: Heals


class FleetOut(BaseModel):
    items: list[SiteOverview]
    next_cursor: str | None
    totals: FleetTotals


class SiteIncidents(IncidentSummary):
    site_id: str
    site_name: str


class IncidentSummaryOut(BaseModel):
    """The sites by name; `totals` are over all of the partner's, on every page."""

    items: list[SiteIncidents]
    next_cursor: str | None
    totals: IncidentSummary


class SitePage(SiteOverview):
    """A site with its settings, its appliances and its hosts."""

    opening_hours: list[OpeningHours]
    appliance_list: list[Appliance]
    host_list: list[Host]


class IncidentCounts(BaseModel):
    total: int
    open: int
    healed: int
    stable: int
    failed: int
    escalated: int
    observing: int
    waiting: int
    by_verdict: dict[str, int]
    by_code: dict[str, int]


class EvidenceCounts(BaseModel):
    bundles: int
    log_size: int
    checkpoint_size: int
    checkpoint_at: datetime | None
    witnessed_size: int


class EvidenceTotals(BaseModel):
    bundles: int
    log_size: int


class SiteStatus(BaseModel):
    id: str
    name: str
    healing: str
    hosts: int
    results: ResultCounts
    incidents: IncidentCounts
    evidence: EvidenceCounts
    heals: Heals


class StatusTotals(BaseModel):
    sites: int
    hosts: int
    results: ResultCounts
    incidents: IncidentCounts
    evidence: EvidenceTotals
    heals: Heals


class CentralStatus(BaseModel):
    version: str
    url: str
    demo: bool


class Measured(BaseModel):
    outcome: str
    measured_at: str


class Healed(BaseModel):
    """An incident that a second measurement found gone; `state` says whether that lasted."""

    incident_id: str
    site_id: str
    host_id: str
    host_name: str | None
    check: str
    state: str
    opened_at: datetime
    healed_at: datetime | None
    runbook: str | None
    before: Measured
    after: Measured | None
    log_indexes: list[int]


class ProcessStatus(BaseModel):
    """`ok` is false when the last round failed, and when no heartbeat came for too long."""

    name: str
    heartbeat_at: datetime
    ok: bool
    error: str | None


class StatusOut(Attention):
    central: CentralStatus
    sites: list[SiteStatus]
    totals: StatusTotals
    healed: list[Healed]
    processes: list[ProcessStatus]


@router.get("/fleet")
async def get_fleet(
    session: Viewer,
    limit: Limit = page.ITEMS_DEFAULT,
    cursor: Cursor = None,
    offset: Offset = None,
) -> FleetOut:
    """The partner's sites by name, and the totals over all of them."""
    skipped = page.skipped(offset, cursor)
    found = await overview.sites(session, _after(cursor), skipped, limit)
    last = found[limit - 1] if len(found) > limit else None
    totals = await overview.totals(session)
    return FleetOut(
        items=found[:limit],
        next_cursor=None if last is None else page.encode(last.name, last.id),
        totals=FleetTotals(
            sites=totals["sites"],
            hosts=totals["hosts"],
            results=posture.counts(totals),
            score=posture.scored(totals),
            open_incidents=totals["open_incidents"],
            healed_24h=totals["healed_24h"],
            incidents=overview.summary(totals),
            heals=await heals.fleet(session),
        ),
    )


@router.get("/incidents/summary")
async def get_incident_summary(
    session: Viewer,
    limit: Limit = page.ITEMS_DEFAULT,
    cursor: Cursor = None,
    offset: Offset = None,
) -> IncidentSummaryOut:
    """How the incidents of each of the partner's sites ended, by name of the site."""
    skipped = page.skipped(offset, cursor)
    rows = await queries.summaries(session, _after(cursor), skipped, limit + 1)
    last = rows[limit - 1] if len(rows) > limit else None
    return IncidentSummaryOut(
        items=[
            SiteIncidents(
                site_id=row["id"], site_name=row["name"], **overview.summary(row).model_dump()
            )
            for row in rows[:limit]
        ],
        next_cursor=None if last is None else page.encode(last["name"], last["id"]),
        totals=overview.summary(await overview.totals(session)),
    )


@router.get("/sites/{site_id}")
async def get_site(site_id: SiteParameter, session: Viewer) -> SitePage:
    row = await overview.row(session, site_id)
    return SitePage(
        **overview.shape(row).model_dump(by_alias=True),
        opening_hours=row["opening_hours"],
        appliance_list=await fleet.appliances(session, site_id),
        host_list=await fleet.hosts(session, site_id),
    )


@router.get("/status")
async def get_status(session: Viewer, request: Request) -> StatusOut:
    """What happened so far, of every site."""
    found = await overview.sites(session, None, 0, queries.STATUS_SITES_MAX)
    totals = await overview.totals(session)
    site_ids = [site.id for site in found]
    incidents = await queries.incidents(session, site_ids)
    bundles = await queries.bundles(session, site_ids)
    lasted = await heals.by_site(session, site_ids)
    settings = state.settings(request)
    wanted = await attention.read(session)
    return StatusOut(
        ask=wanted.ask,
        blocked=wanted.blocked,
        left=wanted.left,
        holds=wanted.holds,
        freezes=wanted.freezes,
        brakes=wanted.brakes,
        deviations=wanted.deviations,
        orders=wanted.orders,
        central=CentralStatus(version=__version__, url=settings.url, demo=settings.demo),
        sites=[_site(site, incidents, bundles.get(site.id, 0), lasted[site.id]) for site in found],
        totals=StatusTotals(
            sites=totals["sites"],
            hosts=totals["hosts"],
            results=posture.counts(totals),
            incidents=IncidentCounts(**overview.counted(incidents, None)),
            evidence=EvidenceTotals(
                bundles=sum(bundles.values()), log_size=sum(site.log.size for site in found)
            ),
            heals=await heals.fleet(session),
        ),
        healed=[_healed(row) for row in await queries.healed(session)],
        processes=await _processes(session),
    )


def _after(cursor: str | None) -> tuple[str, str] | None:
    if cursor is None:
        return None
    name, site_id = page.decode(cursor, str, str)
    return str(name), str(site_id)


def _site(
    site: SiteOverview, incidents: list[RowMapping], bundles: int, lasted: Heals
) -> SiteStatus:
    return SiteStatus(
        id=site.id,
        name=site.name,
        healing=site.healing,
        hosts=site.hosts,
        results=site.results,
        incidents=IncidentCounts(**overview.counted(incidents, site.id)),
        evidence=EvidenceCounts(
            bundles=bundles,
            log_size=site.log.size,
            checkpoint_size=site.log.checkpoint_size,
            checkpoint_at=site.log.checkpoint_at,
            witnessed_size=site.log.witnessed_size,
        ),
        heals=lasted,
    )


def _healed(row: RowMapping) -> Healed:
    return Healed(
        incident_id=row["id"],
        site_id=row["site_id"],
        host_id=row["host_id"],
        host_name=row["host_name"],
        check=row["incident_type"],
        state=row["state"],
        opened_at=row["created_at"],
        healed_at=row["closed_at"],
        runbook=None if row["runbook"] is None else row["runbook"]["id"],
        before=_measured(row["before"]),
        after=None if row["after"] is None else _measured(row["after"]),
        log_indexes=row["log_indexes"] or [],
    )


def _measured(result: dict[str, Any]) -> Measured:
    return Measured(outcome=result["outcome"], measured_at=result["measured_at"])


async def _processes(session: Session) -> list[ProcessStatus]:
    return [
        ProcessStatus(
            name=row["name"],
            heartbeat_at=row["beat_at"],
            ok=row["ok"] and session.now - row["beat_at"] <= _silence(row["interval_ms"]),
            error=row["error"],
        )
        for row in await queries.processes(session)
    ]


def _silence(interval_ms: int) -> timedelta:
    """How long a loop may be silent: a few rounds, and the pause between written heartbeats."""
    rounds = timedelta(milliseconds=interval_ms * HEARTBEATS_MISSED_MAX)
    return rounds + timedelta(seconds=HEARTBEAT_GRACE_SECONDS)
