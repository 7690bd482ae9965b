"""The SQL of the brake: runs as evidence tells of them, what is stopped, and what a site obeys."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import RowMapping, text

from wardline.central.database.session import Session
from wardline.core.incidents.undo import Undone

# Of the releases, so that a version which was released again and again leaves room for others.
RELEASES_LOOKED_MAX = 256

# A run is told once, but may be told again, as one that went wrong after all. A rule counts in a
# version that its partner wrote for this site, and no other: an appliance names none into being.
_ADD_RUNS = """
INSERT INTO brake_runs AS held (site_id, partner_id, run_id, kind, name, version, incident_id,
  ended_at, received_at, wrong)
SELECT $1, $2, new.run_id, new.kind, new.name, new.version, new.incident_id,
  new.ended_at, $3, new.wrong
FROM unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[],
  $10::boolean[]) AS new (run_id, kind, name, version, incident_id, ended_at, wrong)
WHERE new.kind <> 'rule' OR scope_site_had_rule(new.name, new.version)
ON CONFLICT (site_id, run_id, kind) DO UPDATE SET wrong = true, received_at = excluded.received_at
  WHERE excluded.wrong AND NOT held.wrong
"""
_UNDO_RUNS = """
UPDATE brake_runs held SET wrong = true, ended_at = new.at, received_at = $2
FROM unnest($3::text[], $4::timestamptz[]) AS new (run_id, at)
WHERE held.site_id = $1 AND held.run_id = new.run_id AND NOT held.wrong
"""
# Who released a stop, as its appliance tells: an account there, or somebody whose release of the
# same version stands here. Whatever else it says stays its own word.
_RELEASED = """
LEFT JOIN LATERAL (SELECT c.released_by, c.released_by_name FROM brake_stops c
  WHERE c.partner_id = $2::text AND c.kind = new.kind AND c.name = new.name
    AND c.version = new.version AND c.appliance_id IS NULL AND c.released_at IS NOT NULL
    AND new.released_at IS NOT NULL
    AND NOT starts_with(new.released_by, 'appliance:')
  ORDER BY c.released_at DESC, c.id DESC LIMIT 1) here ON true
CROSS JOIN LATERAL (SELECT coalesce(here.released_by, CASE
  WHEN starts_with(new.released_by, 'appliance:') THEN new.released_by
  ELSE 'appliance:' || left(new.released_by, 245) END) AS by, here.released_by_name AS by_name) who
"""
_TELL_END = f"""
UPDATE brake_stops old SET released_at = given.released_at, released_by = given.by,
  released_by_name = given.by_name, release_reason = given.release_reason
FROM (SELECT new.*, who.* FROM unnest($4::text[], $5::text[], $6::text[], $7::text[],
    $8::timestamptz[], $9::text[], $10::text[])
    AS new (told_id, kind, name, version, released_at, released_by, release_reason) {_RELEASED}
  ) given
WHERE old.site_id = $1::text AND old.appliance_id = $3::text AND old.told_id = given.told_id
  AND old.released_at IS NULL AND given.released_at IS NOT NULL
RETURNING old.id
"""  # noqa: S608 - constants of this file
_TELL = f"""
INSERT INTO brake_stops (id, partner_id, site_id, appliance_id, told_id, kind, name, version,
  stopped_at, failed, runs, incident_id, incident_site_id, released_at, released_by,
  released_by_name, release_reason)
SELECT new.id, $2::text, $1::text, $3::text, new.told_id, new.kind, new.name, new.version,
  new.stopped_at, new.failed, new.runs, new.incident_id, $1::text, new.released_at, who.by,
  who.by_name, new.release_reason
FROM unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[],
  $10::bigint[], $11::bigint[], $12::text[], $13::timestamptz[], $14::text[], $15::text[])
  AS new (id, told_id, kind, name, version, stopped_at, failed, runs, incident_id, released_at,
    released_by, release_reason) {_RELEASED}
WHERE NOT EXISTS (SELECT FROM brake_stops h WHERE h.site_id = $1::text AND h.appliance_id = $3::text
  AND h.told_id = new.told_id)
ORDER BY new.stopped_at, new.told_id
LIMIT greatest(0, $16 - (SELECT count(*) FROM brake_stops h WHERE h.site_id = $1::text
  AND h.appliance_id = $3::text))
ON CONFLICT DO NOTHING RETURNING id
"""  # noqa: S608 - constants of this file
_MISSING = """
SELECT count(*) FROM unnest($3::text[]) AS new (told_id) WHERE NOT EXISTS (SELECT FROM brake_stops h
  WHERE h.site_id = $1 AND h.appliance_id = $2 AND h.told_id = new.told_id)
"""
# What an appliance has to obey, and how often that changed, as one look sees it: the stops of the
# partner that are in force, the oldest first, then the newest releases of each version.
_ORDERED = """
WITH in_force AS (SELECT * FROM brake_stops WHERE partner_id = $1 AND appliance_id IS NULL
    AND released_at IS NULL ORDER BY stopped_at, id LIMIT $4),
  released AS (
    (SELECT * FROM brake_stops WHERE partner_id = $1 AND appliance_id IS NULL
      AND released_at IS NOT NULL ORDER BY released_at DESC, id DESC LIMIT $6)
    UNION ALL (SELECT * FROM brake_stops WHERE site_id = $2 AND appliance_id = $3
      AND released_at IS NOT NULL ORDER BY released_at DESC, id DESC LIMIT $6)),
  each AS (SELECT DISTINCT ON (kind, name, version, coalesce(told_id, '')) * FROM released
    ORDER BY kind, name, version, coalesce(told_id, ''), released_at DESC, id DESC),
  newest AS (SELECT * FROM each ORDER BY released_at DESC, id DESC LIMIT $5)
SELECT n.changes, s.id, s.told_id, s.kind, s.name, s.version, s.stopped_at, s.failed, s.runs,
  s.released_at, coalesce(s.released_by_name, s.released_by) AS released_by
FROM (SELECT (SELECT count(*) + count(released_at) FROM brake_stops
    WHERE partner_id = $1 AND appliance_id IS NULL)
  + (SELECT count(*) + count(released_at) FROM brake_stops
    WHERE site_id = $2 AND appliance_id = $3) AS changes) n
LEFT JOIN (SELECT * FROM in_force UNION ALL SELECT * FROM newest) s ON true
ORDER BY s.released_at NULLS FIRST, s.stopped_at, s.id
"""
_LOCK = text(
    "SELECT id, site_id, kind, name, version, released_at FROM brake_stops"
    " WHERE partner_id = :partner_id AND id = :id FOR UPDATE"
)
_RELEASE = text(
    "UPDATE brake_stops SET released_at = :now, released_by = :by, released_by_name = :by_name,"
    " release_reason = :reason WHERE partner_id = :partner_id AND id = :id AND released_at IS NULL"
)
_ROW = (
    "SELECT b.id, b.site_id, s.name AS site_name, b.appliance_id, a.hostname AS appliance_name,"
    " b.kind, b.name, b.version, b.stopped_at, b.failed, b.runs, b.incident_id,"
    " b.incident_site_id, b.released_at, b.released_by, b.released_by_name, b.release_reason,"
    " count(*) OVER () AS of"
    " FROM brake_stops b LEFT JOIN sites s ON s.id = b.site_id"
    " LEFT JOIN appliances a ON a.site_id = b.site_id AND a.id = b.appliance_id"
    " WHERE b.partner_id = :partner_id"
)
# What an appliance stopped for itself is no ticket of its own while the version is stopped
# everywhere.
_PAGE = text(
    f"{_ROW} AND (:all OR b.released_at IS NULL) AND (:all OR b.appliance_id IS NULL"
    "   OR NOT EXISTS (SELECT FROM brake_stops w WHERE w.partner_id = b.partner_id"
    "     AND w.kind = b.kind AND w.name = b.name AND w.version = b.version"
    "     AND w.appliance_id IS NULL AND w.released_at IS NULL))"
    " AND (CAST(:after_id AS text) IS NULL"
    "   OR (b.stopped_at, b.id) < (CAST(:after_at AS timestamptz), :after_id))"
    " ORDER BY b.stopped_at DESC, b.id DESC LIMIT :limit"
)
_ONE = text(f"{_ROW} AND b.id = :id")


_ENDS = ("told_id", "kind", "name", "version", "released_at", "released_by", "release_reason")


@dataclass(frozen=True, slots=True)
class NewRun:
    """A run that is over, for one version that it went by."""

    run_id: str
    kind: str
    name: str
    version: str
    incident_id: str
    ended_at: datetime
    wrong: bool


@dataclass(frozen=True, slots=True)
class Told:
    """A stop as its appliance tells it; `id` is ours, for one that is new."""

    id: str
    told_id: str
    kind: str
    name: str
    version: str
    stopped_at: datetime
    failed: int
    runs: int
    incident_id: str
    released_at: datetime | None
    released_by: str | None
    release_reason: str | None


class Repository:
    """The brake inside one transaction."""

    __slots__ = ("_partner_id", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._partner_id = session.scope.owner

    async def add_runs(self, site_id: str, received_at: datetime, runs: Sequence[NewRun]) -> None:
        raw: asyncpg.Connection[Any] = self._session.raw
        columns = _columns(runs, NewRun.__slots__)
        await raw.execute(_ADD_RUNS, site_id, self._partner_id, received_at, *columns)

    async def undo_runs(
        self, site_id: str, received_at: datetime, undone: Sequence[Undone]
    ) -> None:
        """What was undone later went wrong after all, as of then."""
        raw: asyncpg.Connection[Any] = self._session.raw
        columns = _columns(undone, Undone.__slots__)
        await raw.execute(_UNDO_RUNS, site_id, received_at, *columns)

    async def take(
        self, site_id: str, appliance_id: str, told: Sequence[Told], kept_max: int
    ) -> list[str]:
        """Adds what is new, up to so many of one appliance, and ends what has ended; the
        identifiers of both."""
        raw: asyncpg.Connection[Any] = self._session.raw
        where = (site_id, self._partner_id, appliance_id)
        ended = await raw.fetch(_TELL_END, *where, *_columns(told, _ENDS))
        added = await raw.fetch(_TELL, *where, *_columns(told, Told.__slots__), kept_max)
        return [row["id"] for row in (*ended, *added)]

    async def missing(self, site_id: str, appliance_id: str, told: Sequence[str]) -> int:
        """How many of these are not kept, by the names that the appliance gives them."""
        raw: asyncpg.Connection[Any] = self._session.raw
        return int(await raw.fetchval(_MISSING, site_id, appliance_id, list(told)))

    async def ordered(
        self, site_id: str, appliance_id: str, in_force_max: int, released_max: int
    ) -> tuple[int, list[Any]]:
        """How often what the appliance has to obey has changed, and what that is."""
        raw: asyncpg.Connection[Any] = self._session.raw
        rows = await raw.fetch(
            *(_ORDERED, self._partner_id, site_id, appliance_id),
            *(in_force_max, released_max, RELEASES_LOOKED_MAX),
        )
        return rows[0]["changes"], [row for row in rows if row["id"] is not None]

    async def lock(self, stop_id: str) -> RowMapping | None:
        """The stop, held until the transaction ends."""
        return await self._session.row(_LOCK, partner_id=self._partner_id, id=stop_id)

    async def release(self, stop_id: str, by_name: str, reason: str) -> None:
        await self._session.execute(
            _RELEASE,
            partner_id=self._partner_id,
            id=stop_id,
            now=self._session.now,
            by=self._session.actor.id,
            by_name=by_name,
            reason=reason,
        )

    async def page(
        self, *, released_too: bool, after: tuple[datetime, str] | None, limit: int
    ) -> list[RowMapping]:
        """The partner's stops, newest first, after a (stopped_at, id)."""
        after_at, after_id = after or (None, None)
        return await self._session.rows(
            _PAGE,
            partner_id=self._partner_id,
            all=released_too,
            after_at=after_at,
            after_id=after_id,
            limit=limit,
        )

    async def one(self, stop_id: str) -> RowMapping | None:
        return await self._session.row(_ONE, partner_id=self._partner_id, id=stop_id)


def _columns(told: Sequence[Any], names: Sequence[str]) -> list[list[Any]]:
    return [[getattr(one, name) for one in told] for name in names]
