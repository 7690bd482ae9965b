"""The SQL of holds: what appliances tell of them, and the list that people see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import RowMapping, text

from wardline.central.database.session import Session

# What is told once more of a hold that is there: only its end is news, and an end stays.
_END = """
WITH given AS MATERIALIZED (
  SELECT * FROM unnest($3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::text[],
    $8::timestamptz[], $9::text[], $10::text[]) AS new (host_id, incident_type, runbook_id,
    suppressed_at, incident_id, cleared_at, cleared_by, clear_reason)
)
UPDATE flap_suppressions old SET incident_id = coalesce(old.incident_id, given.incident_id),
  cleared_at = given.cleared_at, cleared_by = given.cleared_by, clear_reason = given.clear_reason
FROM given
WHERE old.site_id = $1 AND old.appliance_id = $2 AND old.host_id = given.host_id
  AND old.incident_type = given.incident_type AND old.runbook_id = given.runbook_id
  AND old.suppressed_at = given.suppressed_at AND old.cleared_at IS NULL
  AND given.cleared_at IS NOT NULL
RETURNING old.id
"""
# Of hosts that are this appliance's; one active hold per drift and runbook.
_ADD = """
INSERT INTO flap_suppressions (id, site_id, partner_id, appliance_id, host_id, incident_type,
  runbook_id, suppressed_at, incident_id, cleared_at, cleared_by, clear_reason, reason, set_by)
SELECT new.id, $1, $2, $3, new.host_id, new.incident_type, new.runbook_id, new.suppressed_at,
  new.incident_id, new.cleared_at, new.cleared_by, new.clear_reason, new.reason, new.set_by
FROM unnest($4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::text[],
  $10::timestamptz[], $11::text[], $12::text[], $13::text[], $14::text[]) AS new (id, host_id,
  incident_type, runbook_id, suppressed_at, incident_id, cleared_at, cleared_by, clear_reason,
  reason, set_by)
JOIN hosts h ON h.site_id = $1 AND h.id = new.host_id AND h.appliance_id = $3
ON CONFLICT DO NOTHING RETURNING id
"""
# Those that are kept as they were told.
_KNOWN = """
SELECT host_id, incident_type, runbook_id, suppressed_at FROM flap_suppressions
WHERE site_id = $1 AND appliance_id = $2 AND host_id = ANY($3::text[])
  AND suppressed_at = ANY($4::timestamptz[])
"""
_ACTIVE = text(
    "SELECT site_id, host_id, incident_type, runbook_id FROM flap_suppressions"
    " WHERE partner_id = :partner_id AND cleared_at IS NULL"
    " AND site_id = ANY(CAST(:sites AS text[]))"
)
_GET = text(
    "SELECT id, appliance_id, host_id, incident_type, runbook_id, suppressed_at, cleared_at"
    " FROM flap_suppressions WHERE site_id = :site_id AND id = :id"
)
_ROW = (
    "SELECT f.id, f.site_id, s.name AS site_name, f.host_id, h.name AS host_name,"
    " f.incident_type, f.runbook_id, f.incident_id, f.suppressed_at, f.reason, f.cleared_at,"
    " f.cleared_by, u.name AS cleared_by_name, f.clear_reason, f.set_by, w.name AS set_by_name,"
    " o.id AS order_id,"
    " o.status AS order_status"
    " FROM flap_suppressions f JOIN sites s ON s.id = f.site_id"
    " LEFT JOIN hosts h ON h.site_id = f.site_id AND h.id = f.host_id"
    # An appliance may name anybody: a person is one whose order it was.
    " LEFT JOIN users u ON u.id = f.cleared_by AND EXISTS (SELECT FROM orders"
    "   WHERE site_id = f.site_id AND hold_id = f.id AND requested_by = u.id)"
    " LEFT JOIN users w ON w.id = f.set_by AND EXISTS (SELECT FROM orders"
    "   WHERE site_id = f.site_id AND kind IN ('set_hold', 'undo_run')"
    "   AND host_id = f.host_id"
    "   AND incident_type = f.incident_type AND runbook_id = f.runbook_id"
    "   AND requested_by = w.id)"
    " LEFT JOIN LATERAL (SELECT id, status FROM orders"
    "   WHERE site_id = f.site_id AND hold_id = f.id"
    "   ORDER BY created_at DESC, id DESC LIMIT 1) o ON true"
)
_PAGE = text(
    f"{_ROW} WHERE f.partner_id = :partner_id AND (:all OR f.cleared_at IS NULL)"
    " AND (CAST(:after_id AS text) IS NULL"
    "   OR (f.suppressed_at, f.id) < (CAST(:after_at AS timestamptz), :after_id))"
    " ORDER BY f.suppressed_at DESC, f.id DESC LIMIT :limit"
)
_ONE = text(f"{_ROW} WHERE f.site_id = :site_id AND f.id = :id")

Key = tuple[str, str, str, datetime]


@dataclass(frozen=True, slots=True)
class Told:
    """A hold as its appliance tells it; `id` is ours, for one that is new."""

    id: str
    host_id: str
    incident_type: str
    runbook_id: str
    suppressed_at: datetime
    incident_id: str | None
    cleared_at: datetime | None
    cleared_by: str | None
    clear_reason: str | None
    reason: str
    set_by: str | None = None

    @property
    def key(self) -> Key:
        """What names a hold, here and at its appliance."""
        return self.host_id, self.incident_type, self.runbook_id, self.suppressed_at


class Repository:
    """The holds inside one transaction."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    async def take(
        self, site_id: str, appliance_id: str, told: Sequence[Told]
    ) -> tuple[list[str], list[Key]]:
        """Adds what is new and ends what has ended: the identifiers of both, and the keys of those
        that are not this appliance's, or that stand beside another active one."""
        raw: asyncpg.Connection[Any] = self._session.raw
        ended = await raw.fetch(_END, site_id, appliance_id, *_columns(told, Told.__slots__[1:-2]))
        added = await raw.fetch(
            _ADD,
            *(site_id, self._session.scope.owner, appliance_id),
            *_columns(told, Told.__slots__),
        )
        rows = await raw.fetch(
            _KNOWN,
            *(site_id, appliance_id),
            *([one.host_id for one in told], [one.suppressed_at for one in told]),
        )
        known = {tuple(row) for row in rows}
        refused = [one.key for one in told if one.key not in known]
        return [row["id"] for row in (*ended, *added)], refused

    async def active(self, sites: Sequence[str]) -> list[RowMapping]:
        return await self._session.rows(
            _ACTIVE, partner_id=self._session.scope.owner, sites=list(sites)
        )

    async def get(self, site_id: str, hold_id: str) -> RowMapping | None:
        return await self._session.row(_GET, site_id=site_id, id=hold_id)

    async def page(
        self, *, ended_too: bool, after: tuple[datetime, str] | None, limit: int
    ) -> list[RowMapping]:
        """The partner's holds, newest first, after a (suppressed_at, id)."""
        after_at, after_id = after or (None, None)
        return await self._session.rows(
            _PAGE,
            partner_id=self._session.scope.owner,
            all=ended_too,
            after_at=after_at,
            after_id=after_id,
            limit=limit,
        )

    async def one(self, site_id: str, hold_id: str) -> RowMapping | None:
        return await self._session.row(_ONE, site_id=site_id, id=hold_id)


def _columns(told: Sequence[Told], names: Sequence[str]) -> list[list[Any]]:
    return [[getattr(one, name) for one in told] for name in names]
