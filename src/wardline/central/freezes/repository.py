"""The SQL of freezes: who stopped what, who says to obey it, and the lists that people see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import RowMapping, text

from wardline.central.database.session import Session

WAITING_NAMED_MAX = 20

_ADD = text(
    "INSERT INTO freezes (id, partner_id, site_id, frozen_at, frozen_by, frozen_by_name, reason)"
    " VALUES (:id, :partner_id, :site_id, :now, :by, :by_name, :reason)"
    " ON CONFLICT DO NOTHING"
)
_LOCK = text(
    "SELECT id, site_id, appliance_id, lifted_at FROM freezes"
    " WHERE partner_id = :partner_id AND id = :id FOR UPDATE"
)
_LIFT = text(
    "UPDATE freezes SET lifted_at = :now, lifted_by = :by, lifted_by_name = :by_name,"
    " lift_reason = :reason WHERE partner_id = :partner_id AND id = :id AND lifted_at IS NULL"
)
_IN_FORCE = text(
    "SELECT id, site_id, appliance_id, frozen_at, frozen_by_name, reason FROM freezes"
    " WHERE partner_id = :partner_id AND lifted_at IS NULL"
    " AND (site_id IS NULL OR site_id = :site_id)"
    " AND (appliance_id IS NULL OR appliance_id = :appliance_id)"
    " ORDER BY site_id NULLS FIRST, appliance_id NULLS FIRST"
)
_OF_SITES = text(
    "SELECT id, site_id, appliance_id, frozen_at, frozen_by_name, reason FROM freezes"
    " WHERE partner_id = :partner_id AND lifted_at IS NULL AND appliance_id IS NULL"
    " AND (site_id IS NULL OR site_id = ANY(CAST(:sites AS text[])))"
    " ORDER BY site_id NULLS FIRST"
)
# What an appliance has to obey, and how often that changed, as one look sees it.
_ORDERED = text(
    "SELECT n.changes, f.id, f.site_id, f.appliance_id, f.frozen_at, f.frozen_by_name, f.reason"
    " FROM (SELECT count(*) + count(lifted_at) AS changes FROM freezes"
    "   WHERE partner_id = :partner_id AND appliance_id IS NULL"
    "   AND (site_id IS NULL OR site_id = :site_id)) n"
    " LEFT JOIN freezes f ON f.partner_id = :partner_id AND f.lifted_at IS NULL"
    "   AND f.appliance_id IS NULL AND (f.site_id IS NULL OR f.site_id = :site_id)"
    " ORDER BY f.site_id NULLS FIRST"
)
# What an appliance tells once more: only its end is news, and an end stays.
_TELL_END = """
UPDATE freezes old SET lifted_at = given.lifted_at, lifted_by = given.lifted_by,
  lifted_by_name = given.lifted_by, lift_reason = given.lift_reason
FROM unnest($3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[])
  AS given (frozen_at, lifted_at, lifted_by, lift_reason)
WHERE old.site_id = $1 AND old.appliance_id = $2 AND old.frozen_at = given.frozen_at
  AND old.lifted_at IS NULL AND given.lifted_at IS NOT NULL
RETURNING old.id
"""
_TELL = """
INSERT INTO freezes (id, partner_id, site_id, appliance_id, frozen_at, frozen_by, frozen_by_name,
  reason, lifted_at, lifted_by, lifted_by_name, lift_reason)
SELECT new.id, $2, $1, $3, new.frozen_at, new.frozen_by, new.frozen_by, new.reason,
  new.lifted_at, new.lifted_by, new.lifted_by, new.lift_reason
FROM unnest($4::text[], $5::timestamptz[], $6::text[], $7::text[], $8::timestamptz[], $9::text[],
  $10::text[]) AS new (id, frozen_at, frozen_by, reason, lifted_at, lifted_by, lift_reason)
ON CONFLICT DO NOTHING RETURNING id
"""
_CONFIRM = """
INSERT INTO freeze_confirmations (site_id, partner_id, appliance_id, freeze_id, confirmed_at)
SELECT $1, f.partner_id, $3, f.id, $5 FROM freezes f
WHERE f.partner_id = $2 AND f.id = ANY($4::text[]) AND f.appliance_id IS NULL
ON CONFLICT (site_id, appliance_id, freeze_id) DO UPDATE
  SET confirmed_at = excluded.confirmed_at, released_at = NULL
RETURNING freeze_id
"""
_RELEASE = """
UPDATE freeze_confirmations SET released_at = $4
WHERE site_id = $1 AND appliance_id = $2 AND freeze_id = ANY($3::text[]) AND released_at IS NULL
RETURNING freeze_id
"""
_REACHED = (
    " a.partner_id = f.partner_id AND a.retired_at IS NULL"
    " AND (f.site_id IS NULL OR a.site_id = f.site_id)"
    " AND (f.appliance_id IS NULL OR a.id = f.appliance_id)"
)
_CONFIRMATION = (
    " freeze_confirmations c ON c.site_id = a.site_id AND c.appliance_id = a.id"
    " AND c.freeze_id = f.id"
)
# Who is to obey counts while a freeze is in force; after that, who has not let go of it yet.
_ROW = f"""
SELECT f.id, f.site_id, s.name AS site_name, f.appliance_id, o.hostname AS appliance_name,
  f.frozen_at, f.frozen_by, f.frozen_by_name, f.reason,
  f.lifted_at, f.lifted_by, f.lifted_by_name, f.lift_reason,
  r.total, r.confirmed, r.last_confirmed_at, h.holding, w.waiting
FROM freezes f
LEFT JOIN sites s ON s.id = f.site_id
LEFT JOIN appliances o ON o.site_id = f.site_id AND o.id = f.appliance_id
CROSS JOIN LATERAL (
  SELECT count(*) AS total, count(*) FILTER (WHERE c.released_at IS NULL
      AND c.confirmed_at IS NOT NULL) AS confirmed, max(c.confirmed_at) AS last_confirmed_at
  FROM appliances a LEFT JOIN {_CONFIRMATION}
  WHERE f.lifted_at IS NULL AND {_REACHED}) r
CROSS JOIN LATERAL (
  SELECT count(*) AS holding FROM freeze_confirmations c
  JOIN appliances a ON a.site_id = c.site_id AND a.id = c.appliance_id AND a.retired_at IS NULL
  WHERE c.partner_id = f.partner_id AND c.freeze_id = f.id AND c.released_at IS NULL) h
CROSS JOIN LATERAL (
  SELECT coalesce(jsonb_agg(to_jsonb(named)), '[]') AS waiting FROM (
    SELECT a.site_id, p.name AS site_name, a.id AS appliance_id, a.hostname, a.last_checkin
    FROM appliances a JOIN sites p ON p.id = a.site_id LEFT JOIN {_CONFIRMATION}
    WHERE f.lifted_at IS NULL AND f.appliance_id IS NULL AND {_REACHED}
      AND (c.confirmed_at IS NULL OR c.released_at IS NOT NULL)
    ORDER BY a.last_checkin NULLS FIRST, a.id LIMIT {WAITING_NAMED_MAX}) named) w
"""  # noqa: S608 - constants of this file
_PAGE = text(
    f"{_ROW} WHERE f.partner_id = :partner_id AND (:all OR f.lifted_at IS NULL)"
    " AND (CAST(:site_id AS text) IS NULL OR f.site_id IS NULL OR f.site_id = :site_id)"
    " AND (CAST(:after_id AS text) IS NULL"
    "   OR (f.frozen_at, f.id) < (CAST(:after_at AS timestamptz), :after_id))"
    " ORDER BY f.frozen_at DESC, f.id DESC LIMIT :limit"
)
_COUNT = text(
    "SELECT count(*) AS in_force FROM freezes WHERE partner_id = :partner_id AND lifted_at IS NULL"
)
_ONE = text(f"{_ROW} WHERE f.partner_id = :partner_id AND f.id = :id")
_APPLIANCES = text(
    "SELECT a.site_id, p.name AS site_name, a.id AS appliance_id, a.hostname,"  # noqa: S608
    " a.last_checkin, c.confirmed_at, c.released_at"
    f" FROM freezes f JOIN appliances a ON {_REACHED} JOIN sites p ON p.id = a.site_id"
    f" LEFT JOIN {_CONFIRMATION}"
    " WHERE f.partner_id = :partner_id AND f.id = :id"
    " AND (CAST(:after_id AS text) IS NULL OR a.id > :after_id) ORDER BY a.id LIMIT :limit"
)


@dataclass(frozen=True, slots=True)
class Told:
    """A freeze that was set at an appliance, as that tells it; `id` is ours, for a new one."""

    id: str
    frozen_at: datetime
    frozen_by: str
    reason: str
    lifted_at: datetime | None
    lifted_by: str | None
    lift_reason: str | None


class Repository:
    """The freezes inside one transaction."""

    __slots__ = ("_partner_id", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._partner_id = session.scope.owner

    async def add(self, freeze_id: str, site_id: str | None, by_name: str, reason: str) -> bool:
        """False where the partner, or the site, is frozen already."""
        touched = await self._session.execute(
            _ADD,
            id=freeze_id,
            partner_id=self._partner_id,
            site_id=site_id,
            now=self._session.now,
            by=self._session.actor.id,
            by_name=by_name,
            reason=reason,
        )
        return touched == 1

    async def lock(self, freeze_id: str) -> RowMapping | None:
        """The freeze, held until the transaction ends."""
        return await self._session.row(_LOCK, partner_id=self._partner_id, id=freeze_id)

    async def lift(self, freeze_id: str, by_name: str, reason: str) -> None:
        await self._session.execute(
            _LIFT,
            partner_id=self._partner_id,
            id=freeze_id,
            now=self._session.now,
            by=self._session.actor.id,
            by_name=by_name,
            reason=reason,
        )

    async def in_force(self, site_id: str | None, appliance_id: str | None) -> list[RowMapping]:
        """What stops the partner, this site and this appliance, the widest first."""
        return await self._session.rows(
            _IN_FORCE, partner_id=self._partner_id, site_id=site_id, appliance_id=appliance_id
        )

    async def of_sites(self, sites: Sequence[str]) -> list[RowMapping]:
        """What stops the partner, and what stops one of these sites, the widest first."""
        return await self._session.rows(_OF_SITES, partner_id=self._partner_id, sites=list(sites))

    async def ordered(self, site_id: str) -> tuple[int, list[RowMapping]]:
        """How often what the site has to obey has changed, and what that is, widest first."""
        rows = await self._session.rows(_ORDERED, partner_id=self._partner_id, site_id=site_id)
        return rows[0]["changes"], [row for row in rows if row["id"] is not None]

    async def take(self, site_id: str, appliance_id: str, told: Sequence[Told]) -> list[str]:
        """Adds what is new and ends what has ended; the identifiers of both."""
        raw: asyncpg.Connection[Any] = self._session.raw
        ends = ("frozen_at", "lifted_at", "lifted_by", "lift_reason")
        ended = await raw.fetch(_TELL_END, site_id, appliance_id, *_columns(told, ends))
        added = await raw.fetch(
            _TELL, site_id, self._partner_id, appliance_id, *_columns(told, Told.__slots__)
        )
        return [row["id"] for row in (*ended, *added)]

    async def confirm(self, site_id: str, appliance_id: str, freeze_ids: list[str]) -> list[str]:
        """Those of the partner's that the appliance obeys from now on."""
        raw: asyncpg.Connection[Any] = self._session.raw
        rows = await raw.fetch(
            _CONFIRM, site_id, self._partner_id, appliance_id, freeze_ids, self._session.now
        )
        return [row["freeze_id"] for row in rows]

    async def release(self, site_id: str, appliance_id: str, freeze_ids: list[str]) -> list[str]:
        """Those that the appliance obeys no more."""
        raw: asyncpg.Connection[Any] = self._session.raw
        rows = await raw.fetch(_RELEASE, site_id, appliance_id, freeze_ids, self._session.now)
        return [row["freeze_id"] for row in rows]

    async def page(
        self,
        site_id: str | None,
        *,
        lifted_too: bool,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> list[RowMapping]:
        """Newest first, after a (frozen_at, id); with a site, those that concern it."""
        after_at, after_id = after or (None, None)
        return await self._session.rows(
            _PAGE,
            partner_id=self._partner_id,
            site_id=site_id,
            all=lifted_too,
            after_at=after_at,
            after_id=after_id,
            limit=limit,
        )

    async def count(self) -> int:
        """How many are in force."""
        row = await self._session.row(_COUNT, partner_id=self._partner_id)
        assert row is not None, "a count has a row"
        found: int = row["in_force"]
        return found

    async def one(self, freeze_id: str) -> RowMapping | None:
        return await self._session.row(_ONE, partner_id=self._partner_id, id=freeze_id)

    async def appliances(self, freeze_id: str, after: str | None, limit: int) -> list[RowMapping]:
        """Those in reach by id, after an id."""
        return await self._session.rows(
            _APPLIANCES, partner_id=self._partner_id, id=freeze_id, after_id=after, limit=limit
        )


def _columns(told: Sequence[Told], names: Sequence[str]) -> list[list[Any]]:
    return [[getattr(one, name) for one in told] for name in names]
