"""The SQL of incidents: folding what bundles tell, and the pages that show it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
from sqlalchemy import RowMapping, text

from wardline.central.database.session import Session

_FOLD = """
INSERT INTO incidents AS old (site_id, partner_id, appliance_id, epoch, received_at, id, host_id,
  incident_type, severity, raw_data, pattern_signature, created_at, state, resolution_level,
  outcome, before, after, decision, runbook, actions, closed_at, seq, watch)
SELECT $1, $2, $3, $4, $5, id, host_id, incident_type, severity, raw_data::jsonb,
  pattern_signature, created_at, state, resolution_level, outcome, before::jsonb, after::jsonb,
  decision::jsonb, runbook::jsonb, actions::jsonb, closed_at, seq, watch::jsonb
FROM unnest($6::text[], $7::text[], $8::text[], $9::text[], $10::text[], $11::text[],
  $12::timestamptz[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[],
  $18::text[], $19::text[], $20::text[], $21::timestamptz[], $22::bigint[],
  $23::text[])
  AS new (id, host_id, incident_type, severity, raw_data, pattern_signature, created_at, state,
    resolution_level, outcome, before, after, decision, runbook, actions, closed_at, seq, watch)
ON CONFLICT (site_id, id) DO UPDATE SET
  epoch = EXCLUDED.epoch, seq = EXCLUDED.seq, received_at = EXCLUDED.received_at,
  severity = EXCLUDED.severity, raw_data = EXCLUDED.raw_data, state = EXCLUDED.state,
  resolution_level = EXCLUDED.resolution_level, outcome = EXCLUDED.outcome,
  before = EXCLUDED.before, after = EXCLUDED.after, decision = EXCLUDED.decision,
  runbook = EXCLUDED.runbook, actions = EXCLUDED.actions, watch = EXCLUDED.watch,
  closed_at = CASE WHEN EXCLUDED.closed_at IS NOT NULL
    THEN greatest(EXCLUDED.closed_at, old.created_at) END
WHERE old.appliance_id = EXCLUDED.appliance_id AND old.host_id = EXCLUDED.host_id
  AND old.incident_type = EXCLUDED.incident_type
  AND (old.epoch, old.seq) < (EXCLUDED.epoch, EXCLUDED.seq)
"""
# Gives the links that tell of somebody else's incident, or of another host or check than it has.
_ADD_BUNDLES = """
WITH given AS MATERIALIZED (
  SELECT incident_id, host_id, incident_type, $10::bigint + place AS log_index, state, at
  FROM unnest($4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::timestamptz[])
    AS new (incident_id, host_id, incident_type, place, state, at)
), own AS MATERIALIZED (
  SELECT given.* FROM given JOIN incidents i ON i.site_id = $1 AND i.id = given.incident_id
    AND i.appliance_id = $3 AND i.host_id = given.host_id AND i.incident_type = given.incident_type
), added AS (
  INSERT INTO incident_bundles (site_id, partner_id, incident_id, log_index, state, at)
  SELECT $1, $2, incident_id, log_index, state, at FROM own
  ON CONFLICT DO NOTHING
)
SELECT incident_id, log_index FROM (SELECT * FROM given EXCEPT SELECT * FROM own) AS refused
ORDER BY log_index, incident_id
"""
# How a watch ended is believed once, but that a person may have had undone what had lasted. What
# tells of somebody else's incident is refused above.
_FOLD_HEALS = """
INSERT INTO incident_heals AS old (site_id, partner_id, incident_id, number, host_id,
  incident_type, runbook_id, opened_at, attempted_at, healed_at, watched_until, ended, ended_at)
SELECT $1, $2, new.* FROM unnest($4::text[], $5::integer[], $6::text[], $7::text[], $8::text[],
  $9::timestamptz[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::text[],
  $14::timestamptz[])
  AS new (incident_id, number, host_id, incident_type, runbook_id, opened_at, attempted_at,
    healed_at, watched_until, ended, ended_at)
JOIN incidents i ON i.site_id = $1 AND i.id = new.incident_id AND i.appliance_id = $3
  AND i.host_id = new.host_id AND i.incident_type = new.incident_type
ON CONFLICT (site_id, incident_id, number) DO UPDATE SET
  ended = EXCLUDED.ended, ended_at = EXCLUDED.ended_at
WHERE (old.ended IS NULL AND EXCLUDED.ended IS NOT NULL)
  OR (old.ended = 'stable' AND EXCLUDED.ended = 'undone')
"""
_HEALS = (
    "count(*) AS total, count(*) FILTER (WHERE ended IS NULL) AS watched,"
    " count(*) FILTER (WHERE ended = 'stable') AS stable,"
    " count(*) FILTER (WHERE ended = 'recurred') AS recurred,"
    " count(*) FILTER (WHERE ended = 'unproved') AS unproved,"
    " count(*) FILTER (WHERE ended = 'undone') AS undone,"
    " avg(extract(epoch FROM healed_at - opened_at)) FILTER (WHERE ended = 'stable')"
    "   AS repaired_s FROM incident_heals"
    " WHERE partner_id = :partner_id AND healed_at >= :since"
    " AND (CAST(:sites AS text[]) IS NULL OR site_id = ANY(CAST(:sites AS text[])))"
)
_HEALED = text(f"SELECT {_HEALS}")
_HEALED_BY_SITE = text(f"SELECT site_id, {_HEALS} GROUP BY site_id")
_HEALED_BY_RUNBOOK = text(
    f"SELECT runbook_id, {_HEALS} GROUP BY runbook_id"
    " ORDER BY count(*) DESC, runbook_id LIMIT :limit"
)
_HEALS_OF = text(
    "SELECT number, runbook_id, attempted_at, healed_at, watched_until, ended, ended_at"
    " FROM incident_heals WHERE site_id = :site_id AND incident_id = :incident_id"
    " ORDER BY number DESC LIMIT :limit"
)
# Of a list's rows only what became of each step is read: diffs and outputs are for the page of one.
_STEPS = (
    '(SELECT coalesce(jsonb_agg(step || \'{"diff": "", "output": ""}\' ORDER BY place), \'[]\')'
    " FROM jsonb_array_elements(i.actions) WITH ORDINALITY AS ran (step, place)) AS actions"
)
_ROW = (
    "SELECT i.site_id, s.name AS site_name, i.id, i.appliance_id, i.host_id, h.name AS host_name,"
    " i.incident_type, i.severity, i.state, i.resolution_level, i.outcome, i.created_at,"
    " i.closed_at, i.before, i.after, i.decision, i.runbook, i.watch, h.observed, a.last_checkin,"
    " r.outcome AS latest_outcome, r.summary AS latest_summary, r.effective_at AS latest_at,"
    " f.reason AS held, o.to_name AS owner_name, "
)
_FROM = (
    " FROM incidents i JOIN sites s ON s.id = i.site_id"
    " LEFT JOIN hosts h ON h.site_id = i.site_id AND h.id = i.host_id"
    " LEFT JOIN appliances a ON a.site_id = i.site_id AND a.id = i.appliance_id"
    " LEFT JOIN latest_results r ON r.site_id = i.site_id AND r.host_id = i.host_id"
    "   AND r.check_id = i.incident_type"
    " LEFT JOIN LATERAL (SELECT reason FROM flap_suppressions WHERE site_id = i.site_id"
    "   AND host_id = i.host_id AND incident_type = i.incident_type AND cleared_at IS NULL"
    "   ORDER BY suppressed_at, id LIMIT 1) f ON true"
    " LEFT JOIN LATERAL (SELECT to_name FROM incident_handovers WHERE site_id = i.site_id"
    "   AND incident_id = i.id ORDER BY at DESC, id DESC LIMIT 1) o ON true"
)
_AFTER = (
    " AND (CAST(:state AS text) IS NULL OR i.state = :state)"
    " AND (CAST(:incident AS text) IS NULL OR i.id = :incident)"
    " AND (CAST(:after_id AS text) IS NULL"
    "   OR (i.created_at, i.id) < (CAST(:after_at AS timestamptz), :after_id))"
    " ORDER BY i.created_at DESC, i.id DESC LIMIT :limit OFFSET :skipped"
)
_OF_SITE = text(f"{_ROW}{_STEPS}{_FROM} WHERE i.site_id = :site_id{_AFTER}")
_OF_PARTNER = text(f"{_ROW}{_STEPS}{_FROM} WHERE i.partner_id = :partner_id{_AFTER}")
_ONE = text(
    f"{_ROW}i.actions, EXISTS (SELECT FROM deviation_standings n WHERE n.site_id = i.site_id"
    "   AND n.host_id = i.host_id AND n.check_id = i.incident_type AND n.standing = 'accepted')"
    f" AS accepted{_FROM} WHERE i.site_id = :site_id AND i.id = :incident_id"
)
_BUNDLES = text(
    "SELECT b.log_index, b.state, b.at FROM incident_bundles b"
    " WHERE b.site_id = :site_id AND b.incident_id = :incident_id"
    " ORDER BY b.log_index LIMIT :limit"
)
_OBSERVING = text(
    f"{_ROW}i.actions{_FROM} WHERE i.site_id = :site_id AND i.state = 'observing'"
    " ORDER BY i.created_at DESC, i.id DESC LIMIT :limit"
)
_STANDS = (
    "SELECT i.id, i.appliance_id, i.host_id, i.incident_type, i.severity, i.state, i.decision,"
    " i.runbook, i.before, i.actions FROM incidents i WHERE i.site_id = :site_id"
)
_STANDING = text(f"{_STANDS} AND i.id = ANY(CAST(:incidents AS text[])) ORDER BY i.id")
_WAITING = text(
    f"{_STANDS} AND i.appliance_id = :appliance_id AND i.state = 'waiting'"
    " ORDER BY i.created_at, i.id LIMIT :limit"
)

# Open ones that a run of ours has not helped, by the runbook that ran last.
_UNHELPED = text(
    "SELECT i.runbook ->> 'id' AS runbook_id, count(*) AS count FROM incidents i"
    " WHERE i.partner_id = :partner_id AND i.state IN ('failed', 'escalated')"
    " AND jsonb_path_exists(i.actions, '$[*] ? (@.dry_run == false)')"
    " GROUP BY 1 HAVING i.runbook ->> 'id' IS NOT NULL ORDER BY 1 LIMIT :limit"
)
_ADD_HANDOVER = text(
    "INSERT INTO incident_handovers (id, site_id, partner_id, incident_id, at, by_user, by_name,"
    " to_user, to_name, note) VALUES (:id, :site_id, :partner_id, :incident_id, :at, :by_user,"
    " :by_name, :to_user, :to_name, :note)"
)
_HANDOVERS = text(
    "SELECT at, by_name, to_user, to_name, note FROM incident_handovers"
    " WHERE site_id = :site_id AND incident_id = :incident_id ORDER BY at DESC, id DESC"
    " LIMIT :limit"
)


class NewHandover(NamedTuple):
    """An incident given into somebody's hands."""

    id: str
    site_id: str
    incident_id: str
    at: datetime
    by_user: str
    by_name: str
    to_user: str
    to_name: str
    note: str


class NewRecord(NamedTuple):
    """An incident as one bundle tells it; JSON columns as text."""

    id: str
    host_id: str
    incident_type: str
    severity: str
    raw_data: str
    pattern_signature: str
    created_at: datetime
    state: str
    resolution_level: str | None
    outcome: str | None
    before: str
    after: str | None
    decision: str | None
    runbook: str | None
    actions: str
    closed_at: datetime | None
    seq: int
    watch: str | None


class NewHeal(NamedTuple):
    """A heal as the last record that tells of it does."""

    incident_id: str
    number: int
    host_id: str
    incident_type: str
    runbook_id: str
    opened_at: datetime
    attempted_at: datetime
    healed_at: datetime
    watched_until: datetime
    ended: str | None
    ended_at: datetime | None


class NewLink(NamedTuple):
    """That a bundle told of an incident, of this host and check; `place` is the bundle's among
    those that come with it."""

    incident_id: str
    host_id: str
    incident_type: str
    place: int
    state: str
    at: datetime


class Repository:
    """Incidents inside one transaction."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    async def fold(
        self,
        site_id: str,
        appliance_id: str,
        epoch: int,
        received_at: datetime,
        records: Sequence[NewRecord],
    ) -> None:
        """The record of the highest (epoch, seq) stands; `records` holds each incident once."""
        raw: asyncpg.Connection[Any] = self._session.raw
        await raw.execute(
            _FOLD,
            *(site_id, self._session.scope.owner, appliance_id, epoch, received_at),
            *zip(*records, strict=True),
        )

    async def add_bundles(
        self, site_id: str, appliance_id: str, links: Sequence[NewLink], first_index: int
    ) -> list[tuple[str, int]]:
        """Adds the links to incidents of this appliance, the first bundle of these standing at
        `first_index` of the log; the (incident, log index) of those that are not its own, or have
        another host or check."""
        raw: asyncpg.Connection[Any] = self._session.raw
        rows = await raw.fetch(
            _ADD_BUNDLES,
            *(site_id, self._session.scope.owner, appliance_id),
            *zip(*links, strict=True),
            first_index,
        )
        return [(row["incident_id"], row["log_index"]) for row in rows]

    async def fold_heals(self, site_id: str, appliance_id: str, heals: Sequence[NewHeal]) -> None:
        """Of incidents that this appliance told of, each heal once; after `fold`."""
        raw: asyncpg.Connection[Any] = self._session.raw
        given = (site_id, self._session.scope.owner, appliance_id)
        await raw.execute(_FOLD_HEALS, *given, *zip(*heals, strict=True))

    async def heals(self, sites: Sequence[str] | None, since: datetime) -> RowMapping:
        """How many heals began since then and what became of them; of all sites for None."""
        row = await self._session.row(_HEALED, **self._of(sites), since=since)
        assert row is not None, "an aggregate has a row"
        return row

    async def heals_by_site(self, sites: Sequence[str], since: datetime) -> list[RowMapping]:
        return await self._session.rows(_HEALED_BY_SITE, **self._of(sites), since=since)

    async def heals_by_runbook(
        self, sites: Sequence[str] | None, since: datetime, limit: int
    ) -> list[RowMapping]:
        """The runbooks that healed most often first."""
        given = {**self._of(sites), "since": since, "limit": limit}
        return await self._session.rows(_HEALED_BY_RUNBOOK, **given)

    def _of(self, sites: Sequence[str] | None) -> dict[str, Any]:
        chosen = None if sites is None else list(sites)
        return {"partner_id": self._session.scope.owner, "sites": chosen}

    async def heals_of(self, site_id: str, incident_id: str, limit: int) -> list[RowMapping]:
        """The heals of one incident, the last first."""
        return await self._session.rows(
            _HEALS_OF, site_id=site_id, incident_id=incident_id, limit=limit
        )

    async def page(
        self,
        site_id: str | None,
        state: str | None,
        after: tuple[datetime, str] | None,
        skipped: int,
        limit: int,
        incident_id: str | None = None,
    ) -> list[RowMapping]:
        """Newest first, of one site or of the whole partner, after a (created_at, id)."""
        after_at, after_id = after or (None, None)
        given = {
            "state": state,
            "incident": incident_id,
            "after_at": after_at,
            "after_id": after_id,
            "skipped": skipped,
            "limit": limit,
        }
        if site_id is None:
            owner = self._session.scope.owner
            return await self._session.rows(_OF_PARTNER, partner_id=owner, **given)
        return await self._session.rows(_OF_SITE, site_id=site_id, **given)

    async def one(self, site_id: str, incident_id: str) -> RowMapping | None:
        return await self._session.row(_ONE, site_id=site_id, incident_id=incident_id)

    async def bundles(self, site_id: str, incident_id: str, limit: int) -> list[RowMapping]:
        return await self._session.rows(
            _BUNDLES, site_id=site_id, incident_id=incident_id, limit=limit
        )

    async def observing(self, site_id: str, limit: int) -> list[RowMapping]:
        """The open incidents that would have been dealt with, were the site not observing."""
        return await self._session.rows(_OBSERVING, site_id=site_id, limit=limit)

    async def standing(self, site_id: str, incidents: Sequence[str]) -> list[RowMapping]:
        """These incidents as they stand, each with what its appliance decided."""
        return await self._session.rows(_STANDING, site_id=site_id, incidents=list(incidents))

    async def waiting(self, site_id: str, appliance_id: str, limit: int) -> list[RowMapping]:
        """Those of an appliance that wait for a person, oldest first, as `standing` gives them."""
        return await self._session.rows(
            _WAITING, site_id=site_id, appliance_id=appliance_id, limit=limit
        )

    async def unhelped(self, limit: int) -> list[RowMapping]:
        """How many open incidents each runbook ran for in vain."""
        return await self._session.rows(
            _UNHELPED, partner_id=self._session.scope.owner, limit=limit
        )

    async def add_handover(self, new: NewHandover) -> None:
        given = new._asdict()
        await self._session.execute(_ADD_HANDOVER, partner_id=self._session.scope.owner, **given)

    async def handovers(self, site_id: str, incident_id: str, limit: int) -> list[RowMapping]:
        """Into whose hands it was given, the last first."""
        return await self._session.rows(
            _HANDOVERS, site_id=site_id, incident_id=incident_id, limit=limit
        )
