"""The SQL of results and of the posture that they add up to, now and over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import asyncpg
from sqlalchemy import RowMapping, text

from wardline.central.database import arrays
from wardline.central.database.session import Session

# History and the latest in one statement, from one copy of the arrays. A heartbeat repeats what is
# known: of it only what differs from the latest is history. It may leave the facts out: then those
# of the same digest stay. Both parts see the latest as it was before the statement.
_FOLD = """
WITH new AS MATERIALIZED (
  SELECT host_id, check_id, outcome, severity, summary, facts::jsonb AS facts, facts_digest,
    controls::jsonb AS controls, $16::bigint + place AS log_index, effective_at, repeats, newest
  FROM unnest($4::text::text[], $5::text::text[], $6::text::text[], $7::text::text[], $8::text[],
    $9::text[], $10::text::text[], $11::text::text[], $12::text::bigint[],
    $13::text::timestamptz[], $14::text::boolean[], $15::text::boolean[])
    AS given (host_id, check_id, outcome, severity, summary, facts, facts_digest, controls,
      place, effective_at, repeats, newest)
), history AS (
  INSERT INTO results (site_id, partner_id, host_id, check_id, outcome, severity, summary, facts,
    facts_digest, controls, log_index, effective_at, received_at)
  SELECT $1::text, $2::text, host_id, check_id, outcome, severity, summary, facts, facts_digest,
    controls, log_index, effective_at, $3::timestamptz
  FROM new
  WHERE NOT new.repeats OR NOT EXISTS (
    SELECT FROM latest_results old
    WHERE old.site_id = $1::text AND old.host_id = new.host_id AND old.check_id = new.check_id
      AND old.outcome = new.outcome AND old.facts_digest = new.facts_digest)
)
INSERT INTO latest_results AS old (site_id, partner_id, host_id, check_id, outcome, severity,
  summary, facts, facts_digest, controls, log_index, effective_at, received_at)
SELECT $1::text, $2::text, host_id, check_id, outcome, severity, summary, facts, facts_digest,
  controls, log_index, effective_at, $3::timestamptz
FROM new WHERE newest ORDER BY host_id, check_id
ON CONFLICT (site_id, host_id, check_id) DO UPDATE SET
  outcome = EXCLUDED.outcome, severity = EXCLUDED.severity, summary = EXCLUDED.summary,
  facts = CASE WHEN EXCLUDED.facts = '{}' AND EXCLUDED.facts_digest = old.facts_digest
    THEN old.facts ELSE EXCLUDED.facts END,
  facts_digest = EXCLUDED.facts_digest, controls = EXCLUDED.controls,
  log_index = EXCLUDED.log_index, effective_at = EXCLUDED.effective_at,
  received_at = EXCLUDED.received_at
WHERE (old.effective_at, old.log_index) < (EXCLUDED.effective_at, EXCLUDED.log_index)
"""
_LATEST_OF_SITE = text(
    "SELECT r.host_id, r.check_id, r.outcome, r.severity, r.summary, r.effective_at, r.log_index,"
    " d.deviation_id, coalesce(d.standing = 'accepted', false) AS accepted"
    " FROM latest_results r LEFT JOIN deviation_standings d ON d.site_id = r.site_id"
    "   AND d.host_id = r.host_id AND d.check_id = r.check_id"
    " WHERE r.site_id = :site_id"
    " AND r.host_id = ANY(CAST(:hosts AS text[])) ORDER BY r.host_id, r.check_id LIMIT :limit"
)
_POSTURE = text(
    "SELECT p.hosts, p.measured_hosts, p.passed, p.failed, p.unknown, p.not_applicable,"
    " p.patching_status, p.backup_status, p.encryption_status, a.accepted, r.measured_from,"
    " r.measured_to"
    " FROM site_posture p JOIN site_accepted a ON a.site_id = p.site_id CROSS JOIN LATERAL ("
    "  SELECT min(effective_at) AS measured_from, max(effective_at) AS measured_to"
    "  FROM latest_results WHERE site_id = p.site_id AND outcome IN ('pass', 'fail')) r"
    " WHERE p.site_id = :site_id"
)
_OF_CHECKS = text(
    "SELECT r.check_id, r.passed, r.failed, r.unknown, r.not_applicable,"
    " coalesce(a.accepted, 0) AS accepted FROM ("
    "  SELECT check_id, count(*) FILTER (WHERE outcome = 'pass') AS passed,"
    "   count(*) FILTER (WHERE outcome = 'fail') AS failed,"
    "   count(*) FILTER (WHERE outcome = 'unknown') AS unknown,"
    "   count(*) FILTER (WHERE outcome = 'not_applicable') AS not_applicable"
    "  FROM latest_results WHERE site_id = :site_id GROUP BY check_id) r"
    " LEFT JOIN (SELECT check_id, count(*) AS accepted FROM deviation_standings"
    "  WHERE site_id = :site_id AND standing = 'accepted' GROUP BY check_id) a"
    "  ON a.check_id = r.check_id ORDER BY r.check_id LIMIT :limit"
)
_MEASURED = (
    "flake_hash, patching_status, backup_status, encryption_status, passed, failed, unknown,"
    " not_applicable, measured_hosts, hosts, accepted"
)
# One index look-up per point, however many snapshots lie between two of them.
_TREND = text(
    f"""
SELECT s.* FROM (
  SELECT CAST(:since AS timestamptz) + n * CAST(:step AS interval) AS since,
    CAST(:since AS timestamptz) + (n + 1) * CAST(:step AS interval) AS until
  FROM generate_series(0, CAST(:points AS integer) - 1) AS n) step
CROSS JOIN LATERAL (
  SELECT snapshot_at, {_MEASURED} FROM compliance_snapshots
  WHERE site_id = :site_id AND snapshot_at > step.since
    AND snapshot_at <= least(step.until, CAST(:until AS timestamptz))
  ORDER BY snapshot_at DESC LIMIT 1) s
ORDER BY s.snapshot_at
"""  # noqa: S608 - constants of this file
)
_NEWEST = text(
    f"""
SELECT snapshot_at, {_MEASURED} FROM compliance_snapshots WHERE site_id = :site_id
ORDER BY snapshot_at DESC LIMIT 1
"""  # noqa: S608 - constants of this file
)
# Which sites to look at comes first, so that the others' results are not counted.
_DUE = text(
    """
WITH due AS MATERIALIZED (
  SELECT s.id AS site_id, s.partner_id, s.settings_revision, last.*
  FROM sites s LEFT JOIN LATERAL (
    SELECT snapshot_at AS last_snapshot_at, flake_hash AS last_flake_hash,
      patching_status AS last_patching_status, backup_status AS last_backup_status,
      encryption_status AS last_encryption_status, passed AS last_passed, failed AS last_failed,
      unknown AS last_unknown, not_applicable AS last_not_applicable,
      measured_hosts AS last_measured_hosts, hosts AS last_hosts, accepted AS last_accepted
    FROM compliance_snapshots c WHERE c.site_id = s.id
    ORDER BY snapshot_at DESC LIMIT 1) last ON true
  WHERE s.id > :after AND (:every OR s.id = ANY(CAST(:sites AS text[]))
    OR s.partner_id = ANY(CAST(:partners AS text[]))
    OR last_snapshot_at IS NULL OR last_snapshot_at <= :stale_at)
  ORDER BY s.id LIMIT :limit)
SELECT due.*, coalesce(h.epoch, 1) AS epoch, coalesce(h.revision, 0) AS revision,
  p.patching_status, p.backup_status, p.encryption_status, p.passed, p.failed, p.unknown,
  p.not_applicable, p.measured_hosts, p.hosts, a.accepted
FROM due JOIN site_posture p ON p.site_id = due.site_id
JOIN site_accepted a ON a.site_id = due.site_id
LEFT JOIN policy_heads h ON h.partner_id = due.partner_id
ORDER BY due.site_id
"""
)
_ADD_SNAPSHOTS = text(
    f"""
WITH added AS (
  INSERT INTO compliance_snapshots (site_id, partner_id, snapshot_at, {_MEASURED})
  SELECT site_id, partner_id, :now, {_MEASURED}
  FROM jsonb_to_recordset(CAST(:snapshots AS jsonb)) AS new (site_id text, partner_id text,
    flake_hash text, patching_status boolean, backup_status boolean, encryption_status boolean,
    passed integer, failed integer, unknown integer, not_applicable integer,
    measured_hosts integer, hosts integer, accepted integer)
  ON CONFLICT (site_id, snapshot_at) DO NOTHING RETURNING site_id, partner_id
)
INSERT INTO change_log (partner_id, site_id, kind, subject)
SELECT partner_id, site_id, :kind, site_id FROM added ORDER BY site_id
"""  # noqa: S608 - a constant of this file
)


class NewResult(NamedTuple):
    """A measurement as a bundle carries it; `place` is the bundle's among those that come with it,
    `repeats` is set when it is a heartbeat's."""

    host_id: str
    check_id: str
    outcome: str
    severity: str
    summary: str
    facts: str
    facts_digest: str
    controls: str
    place: int
    effective_at: datetime
    repeats: bool


@dataclass(frozen=True, slots=True)
class NewRows:
    """Results as parameters of the statement that folds them."""

    received_at: datetime
    columns: tuple[object, ...]


def rows(results: Sequence[NewResult], newest: Sequence[bool], received_at: datetime) -> NewRows:
    """Of at least one result; `newest` marks each (host, check) once."""
    columns = zip(*results, strict=True)
    hosts, checks, outcomes, severities, summaries, facts, digests, controls, *rest = columns
    places, times, repeats = rest
    return NewRows(
        received_at,
        (
            arrays.words(hosts),
            arrays.words(checks),
            arrays.words(outcomes),
            arrays.words(severities),
            summaries,
            facts,
            arrays.words(digests),
            arrays.texts(controls),
            arrays.numbers(places),
            arrays.times(times),
            arrays.truths(repeats),
            arrays.truths(newest),
        ),
    )


class Repository:
    """One site's results inside one transaction."""

    __slots__ = ("_session", "_site_id")

    def __init__(self, session: Session, site_id: str) -> None:
        self._session = session
        self._site_id = site_id

    async def fold(self, new: NewRows, first_index: int) -> None:
        """Appends what is new and moves the latest of each (host, check) on, by effective time;
        the first bundle of these stands at `first_index` of the log."""
        raw: asyncpg.Connection[Any] = self._session.raw
        await raw.execute(
            _FOLD,
            *(self._site_id, self._session.scope.owner, new.received_at),
            *new.columns,
            first_index,
        )

    async def latest(self, hosts: Sequence[str], limit: int) -> list[RowMapping]:
        """Of these hosts."""
        return await self._session.rows(
            _LATEST_OF_SITE, site_id=self._site_id, hosts=list(hosts), limit=limit
        )

    async def posture(self) -> RowMapping | None:
        """What the latest results add up to, and when the oldest and newest of them was measured;
        None where the session sees no such site."""
        return await self._session.row(_POSTURE, site_id=self._site_id)

    async def of_checks(self, limit: int) -> list[RowMapping]:
        """How many hosts have which outcome, per check."""
        return await self._session.rows(_OF_CHECKS, site_id=self._site_id, limit=limit)

    async def newest(self) -> RowMapping | None:
        """The last snapshot."""
        return await self._session.row(_NEWEST, site_id=self._site_id)

    async def trend(
        self, since: datetime, until: datetime, step: timedelta, points: int
    ) -> list[RowMapping]:
        """The last snapshot of each step after `since`, up to `until`."""
        given = {"since": since, "until": until, "step": step, "points": points}
        return await self._session.rows(_TREND, site_id=self._site_id, **given)


@dataclass(frozen=True, slots=True)
class Changed:
    """Whose posture may have changed: some sites, all sites of some partners, or all there are."""

    every: bool
    partners: Sequence[str] = ()
    sites: Sequence[str] = ()


async def due(
    session: Session, changed: Changed, stale_at: datetime, after: str, limit: int
) -> list[RowMapping]:
    """Sites to look at, by id, each with what is measured and what its last snapshot said: those
    that may have changed, and those whose last snapshot is of `stale_at` or before."""
    return await session.rows(
        _DUE,
        every=changed.every,
        partners=list(changed.partners),
        sites=list(changed.sites),
        stale_at=stale_at,
        after=after,
        limit=limit,
    )


async def add_snapshots(session: Session, snapshots: Sequence[dict[str, Any]], kind: str) -> int:
    """Writes them as of now and announces each; how many there were not yet."""
    given = {"now": session.now, "snapshots": list(snapshots), "kind": kind}
    return await session.execute(_ADD_SNAPSHOTS, **given)
