"""Stops the versions of rules and runbooks that go wrong too often over all of a partner's sites.

Whether it is too often says `core.incidents.brake`, as on the appliances; here the runs of all
sites are counted. Late evidence counts when it comes, by the time of its runs.
"""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncEngine

from wardline.central.database.scope import Scope
from wardline.central.database.session import Session, open_session
from wardline.central.jobs.loops import ACTOR
from wardline.core import ids
from wardline.core.clock import Now
from wardline.core.incidents import brake, catalogue
from wardline.core.incidents.brake import Count
from wardline.core.stops import Kind

# A transaction that began so much earlier may commit after a look.
OVERLAP = timedelta(minutes=5)
VERSIONS_PER_PAGE_MAX = 500
REMOVED_PER_ROUND_MAX = 50_000

# Of what ran lately and ever went wrong, for a run that went well makes them enough to judge by; by
# key, so that no partner waits behind another.
_DUE = text(
    "SELECT DISTINCT partner_id, kind, name, version FROM brake_runs r"
    " WHERE received_at >= :since"
    " AND (partner_id, kind, name, version) > (:partner_id, :kind, :name, :version)"
    " AND EXISTS (SELECT FROM brake_runs w WHERE w.wrong AND w.ended_at > :oldest"
    "   AND w.partner_id = r.partner_id AND w.kind = r.kind AND w.name = r.name"
    "   AND w.version = r.version)"
    " AND NOT EXISTS (SELECT FROM brake_stops s WHERE s.partner_id = r.partner_id"
    "   AND s.kind = r.kind AND s.name = r.name AND s.version = r.version"
    "   AND s.appliance_id IS NULL AND s.released_at IS NULL)"
    " ORDER BY partner_id, kind, name, version LIMIT :limit"
)
_COUNT = text(
    "WITH due AS (SELECT * FROM unnest(CAST(:partners AS text[]), CAST(:kinds AS text[]),"
    "   CAST(:names AS text[]), CAST(:versions AS text[]))"
    "   AS given (partner_id, kind, name, version)),"
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

_SUBJECT = ("partner_id", "kind", "name", "version")
_TOLD = ("failed", "runs", "incident_id", "site_id")
_Key = tuple[str, str, str, str]


class Brake:
    """Remembers how far it has looked; one per installation."""

    def __init__(self, engine: AsyncEngine, now: Now) -> None:
        self._engine = engine
        self._now = now
        self._seen: datetime | None = None

    async def look(self) -> int:
        """One round over all tenants; how many versions it stopped. The first one is about every
        run that is kept, each later one about the versions that ran since the last."""
        began = self._now()
        oldest = began - brake.SHARE_WITHIN
        since = oldest if self._seen is None else self._seen - OVERLAP
        after: _Key | None = ("", "", "", "")
        stopped = 0
        while after is not None:
            async with self._open() as session:
                due = await session.rows(
                    _DUE,
                    since=since,
                    oldest=oldest,
                    limit=VERSIONS_PER_PAGE_MAX,
                    **dict(zip(_SUBJECT, after, strict=True)),
                )
                keys = [_key(row) for row in due]
                stopped += await _stop(session, keys, oldest)
                after = keys[-1] if len(keys) == VERSIONS_PER_PAGE_MAX else None
        async with self._open() as session:
            await session.execute(_REMOVE, oldest=oldest, limit=REMOVED_PER_ROUND_MAX)
        self._seen = began
        return stopped

    def _open(self) -> AbstractAsyncContextManager[Session]:
        return open_session(self._engine, Scope.system(), ACTOR, now=self._now)


async def _stop(session: Session, keys: Sequence[_Key], oldest: datetime) -> int:
    """Those of these versions that go wrong too often; how many."""
    if not keys:
        return 0
    partners, kinds, names, versions = (list(column) for column in zip(*keys, strict=True))
    rows = await session.rows(
        _COUNT,
        partners=partners,
        kinds=kinds,
        names=names,
        versions=versions,
        within=brake.FAILED_WITHIN,
        oldest=oldest,
    )
    stopped = 0
    for row in rows:
        counted = Count(row["failed_at_once"], row["failed"], row["runs"])
        if brake.stops(counted) and _is_witnessed(row):
            told = {name: row[name] for name in (*_SUBJECT, *_TOLD)}
            stopped += await session.execute(_STOP, id=ids.new("stop"), now=session.now, **told)
    return stopped


def _key(row: RowMapping) -> _Key:
    return (row["partner_id"], row["kind"], row["name"], row["version"])


def _is_witnessed(row: RowMapping) -> bool:
    """Whether the version is one that is known here, or that two sites tell of: a single appliance
    could invent as many digests as it likes, and stops for itself what it has seen alone."""
    if row["kind"] != Kind.RUNBOOK.value:
        return True
    book = catalogue.runbooks().get(row["name"])
    return row["sites"] > 1 or (book is not None and book.digest == row["version"])
