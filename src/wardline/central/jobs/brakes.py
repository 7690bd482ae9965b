"""Stops the versions of rules and runbooks that go wrong too often over all of a partner's sites.

Whether it is too often says `core.incidents.brake`, as on the appliances; here the runs of all
sites are counted. Late evidence counts when it comes, by the time of its runs.
"""

from datetime import timedelta

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncEngine

from wardline.central.database.scope import Scope
from wardline.central.database.session import open_session
from wardline.central.jobs.loops import ACTOR
from wardline.core import ids
from wardline.core.clock import Now
from wardline.core.incidents import brake, catalogue
from wardline.core.incidents.brake import Count
from wardline.core.stops import Kind

# Runs that went wrong and came within this time are looked at; a version is counted in full then.
LOOKED_BACK = timedelta(hours=48)
VERSIONS_PER_ROUND_MAX = 500
REMOVED_PER_ROUND_MAX = 50_000

_COUNT = text(
    "WITH due AS (SELECT DISTINCT partner_id, kind, name, version FROM brake_runs r"
    "   WHERE wrong AND received_at > :since AND NOT EXISTS (SELECT FROM brake_stops s"
    "     WHERE s.partner_id = r.partner_id AND s.kind = r.kind AND s.name = r.name"
    "     AND s.version = r.version AND s.appliance_id IS NULL AND s.released_at IS NULL)"
    "   ORDER BY partner_id, kind, name, version LIMIT :limit),"
    " counted AS (SELECT partner_id, kind, name, version, r.site_id, r.incident_id, r.ended_at,"
    "     r.wrong, count(*) FILTER (WHERE r.wrong) OVER (PARTITION BY partner_id, kind, name,"
    "       version ORDER BY r.ended_at RANGE BETWEEN CAST(:within AS interval) PRECEDING"
    "       AND CURRENT ROW) AS at_once"
    "   FROM due JOIN brake_runs r USING (partner_id, kind, name, version)"
    "   WHERE r.ended_at > greatest(CAST(:oldest AS timestamptz), (SELECT max(s.released_at)"
    "     FROM brake_stops s WHERE s.partner_id = r.partner_id AND s.kind = r.kind"
    "     AND s.name = r.name AND s.version = r.version AND s.appliance_id IS NULL)))"
    " SELECT partner_id, kind, name, version,"
    "   coalesce(max(at_once) FILTER (WHERE wrong), 0) AS failed_at_once,"
    "   count(*) FILTER (WHERE wrong) AS failed, count(*) AS runs,"
    "   (array_agg(incident_id ORDER BY ended_at DESC) FILTER (WHERE wrong))[1] AS incident_id,"
    "   (array_agg(site_id ORDER BY ended_at DESC) FILTER (WHERE wrong))[1] AS site_id,"
    "   count(DISTINCT site_id) FILTER (WHERE wrong) AS sites"
    " FROM counted GROUP BY partner_id, kind, name, version HAVING bool_or(wrong)"
)
_STOP = text(
    "WITH made AS (INSERT INTO brake_stops (id, partner_id, kind, name, version, stopped_at,"
    "   failed, runs, incident_id, incident_site_id) VALUES (:id, :partner_id, :kind, :name,"
    "   :version, :now, :failed, :runs, :incident_id, :site_id) ON CONFLICT DO NOTHING"
    "   RETURNING id, partner_id)"
    " INSERT INTO change_log (partner_id, site_id, kind, subject, payload)"
    " SELECT partner_id, NULL, 'brake', id, jsonb_build_object('state', 'in_force') FROM made"
)
_REMOVE = text(
    "DELETE FROM brake_runs WHERE (site_id, run_id, kind) IN (SELECT site_id, run_id, kind"
    " FROM brake_runs WHERE ended_at < :oldest LIMIT :limit)"
)


async def look(engine: AsyncEngine, now: Now) -> int:
    """One round over all tenants; how many versions it stopped."""
    async with open_session(engine, Scope.system(), ACTOR, now=now) as session:
        oldest, stopped = session.now - brake.SHARE_WITHIN, 0
        rows = await session.rows(
            _COUNT,
            since=session.now - LOOKED_BACK,
            within=brake.FAILED_WITHIN,
            oldest=oldest,
            limit=VERSIONS_PER_ROUND_MAX,
        )
        for row in rows:
            counted = Count(row["failed_at_once"], row["failed"], row["runs"])
            if brake.stops(counted) and _is_witnessed(row):
                told = {
                    name: row[name]
                    for name in (*_SUBJECT, "failed", "runs", "incident_id", "site_id")
                }
                stopped += await session.execute(_STOP, id=ids.new("stop"), now=session.now, **told)
        await session.execute(_REMOVE, oldest=oldest, limit=REMOVED_PER_ROUND_MAX)
    return stopped


def _is_witnessed(row: RowMapping) -> bool:
    """Whether the version is one that is known here, or that two sites tell of: a single appliance
    could invent as many digests as it likes, and stops for itself what it has seen alone."""
    if row["kind"] != Kind.RUNBOOK.value:
        return True
    book = catalogue.runbooks().get(row["name"])
    return row["sites"] > 1 or (book is not None and book.digest == row["version"])


_SUBJECT = ("partner_id", "kind", "name", "version")
