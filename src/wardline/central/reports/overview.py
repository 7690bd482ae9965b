"""Sites as every list and page shows them, shaped in one place from the cross-domain queries."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import RowMapping

from wardline.central.database.session import Session
from wardline.central.fleet import freshness
from wardline.central.posture import service as posture
from wardline.central.reports import queries
from wardline.central.tenancy.overview import (
    ApplianceCounts,
    IncidentSummary,
    LogState,
    SiteOverview,
)
from wardline.core.errors import NotFound

HEALED_HOURS = 24


async def site(session: Session, site_id: str) -> SiteOverview:
    """Raises NotFound where there is none that the session may see."""
    return shape(await row(session, site_id))


async def row(session: Session, site_id: str) -> RowMapping:
    """The site's row of the overview; raises NotFound."""
    found = await queries.site(session, site_id, freshness.online_since(session.now))
    if found is None:
        raise NotFound("no such site, or none that you may see")
    return found


async def sites(
    session: Session, after: tuple[str, str] | None, skipped: int, limit: int
) -> list[SiteOverview]:
    """One site more than `limit` when there are more."""
    since = freshness.online_since(session.now)
    rows = await queries.sites(session, since, after, skipped, limit + 1)
    return [shape(found) for found in rows]


async def totals(session: Session) -> RowMapping:
    return await queries.totals(session, session.now - timedelta(hours=HEALED_HOURS))


def shape(found: RowMapping) -> SiteOverview:
    return SiteOverview(
        id=found["id"],
        name=found["name"],
        zone=found["zone"],
        healing=found["healing"],
        created_at=found["created_at"],
        appliances=ApplianceCounts(total=found["appliances"], online=found["online"]),
        hosts=found["hosts"],
        results=posture.counts(found),
        score=posture.scored(found),
        open_incidents=found["open_incidents"],
        would_run=found["would_run"],
        incidents=summary(found),
        log=LogState(
            size=found["log_size"],
            checkpoint_size=found["checkpoint_size"],
            checkpoint_at=found["checkpoint_at"],
            witnessed_size=found["witnessed_size"],
        ),
        last_checkin=found["last_checkin"],
    )


def summary(found: RowMapping) -> IncidentSummary:
    """How incidents ended, of a row that counts them."""
    return IncidentSummary(
        total=found["total"],
        success_count=found["success_count"],
        failed=found["failed_count"],
        escalated=found["escalated_count"],
        l1_count=found["l1_count"],
        l2_count=found["l2_count"],
        l3_count=found["l3_count"],
    )


def counted(rows: Sequence[RowMapping], site_id: str | None) -> Mapping[str, Any]:
    """Incident counts of one site, or of all: total, per state, per verdict, per code."""
    mine = [found for found in rows if site_id is None or found["site_id"] == site_id]
    return {
        "total": sum(found["count"] for found in mine),
        **{state: _sum(mine, "state", state) for state in _STATES},
        "by_verdict": _by(mine, "verdict"),
        "by_code": _by(mine, "code"),
    }


def _by(rows: Sequence[RowMapping], column: str) -> dict[str, int]:
    values = sorted({found[column] for found in rows} - {None})
    return {value: _sum(rows, column, value) for value in values}


def _sum(rows: Sequence[RowMapping], column: str, value: str) -> int:
    return sum(found["count"] for found in rows if found[column] == value)


_STATES = ("open", "healed", "stable", "failed", "escalated", "observing", "waiting")
