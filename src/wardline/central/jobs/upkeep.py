"""Small standing work: results partitions ahead of time, and appliances that have gone quiet."""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from wardline.central.database.scope import Scope
from wardline.central.database.session import open_session
from wardline.central.jobs.loops import ACTOR
from wardline.core import protocol
from wardline.core.clock import Now

MONTHS_AHEAD = 2
QUIET_SECONDS = 3 * protocol.CHECKIN_INTERVAL_S
DAYS_PER_MONTH = 31

_MAKE_MONTH = text("SELECT make_results_month(CAST(:day AS date))")
_MARK_QUIET = text(
    "WITH quiet AS ("
    "  UPDATE appliances SET is_online = false"
    "  WHERE is_online AND last_checkin < :before RETURNING id, site_id, partner_id)"
    " INSERT INTO change_log (partner_id, site_id, kind, subject)"
    " SELECT partner_id, site_id, 'appliance', id FROM quiet"
)


async def make_partitions(engine: AsyncEngine, now: Now) -> None:
    """The partitions of this month and of those ahead."""
    async with open_session(engine, Scope.system(), ACTOR, now=now) as session:
        first = session.now.date().replace(day=1)
        for month in range(MONTHS_AHEAD + 1):
            day = first.replace(day=15) + timedelta(days=DAYS_PER_MONTH * month)
            await session.rows(_MAKE_MONTH, day=day)


async def mark_quiet(engine: AsyncEngine, now: Now) -> int:
    """Appliances whose check-ins have stopped are online no more; how many these were."""
    async with open_session(engine, Scope.system(), ACTOR, now=now) as session:
        before = session.now - timedelta(seconds=QUIET_SECONDS)
        return await session.execute(_MARK_QUIET, before=before)
