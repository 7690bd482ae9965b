"""The SQL of accepted deviations: what was accepted, what became of it, and who is told."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import RowMapping, text

from wardline.central.database.session import Session

# Whoever changes a deviation locks its site, the deviation and its hosts, in this order; the sweep
# begins with the deviation and waits for none. No lock is stronger than a reference to the row.
# One acceptance of a site at a time, so that together they keep to their bounds.
_LOCK_SITE = text("SELECT id FROM sites WHERE id = :site_id FOR NO KEY UPDATE")
_OBSERVED = (
    "SELECT r.host_id, h.name AS host_name, r.check_id, r.outcome, r.severity, r.summary, r.facts,"
    " r.facts_digest, r.log_index, r.effective_at, s.deviation_id, s.standing"
    " FROM latest_results r LEFT JOIN hosts h ON h.site_id = r.site_id AND h.id = r.host_id"
    " LEFT JOIN deviation_standings s ON s.site_id = r.site_id AND s.host_id = r.host_id"
    "   AND s.check_id = r.check_id"
    " WHERE r.site_id = :site_id AND r.check_id = :check_id"
)
_OF_HOSTS = text(f"{_OBSERVED} AND r.host_id = ANY(CAST(:hosts AS text[])) ORDER BY r.host_id")
_FAILING = text(
    f"{_OBSERVED} AND r.outcome = 'fail'"
    " AND (CAST(:after AS text) IS NULL OR r.host_id > :after) ORDER BY r.host_id LIMIT :limit"
)
_ADD = text(
    "INSERT INTO deviations (site_id, partner_id, id, check_id, accepted_at, accepted_by,"
    " accepted_by_name, until, owner, reason, control) VALUES (:site_id, :partner_id, :id,"
    " :check_id, :now, :by, :by_name, :until, :owner, :reason, :control)"
)
_ADD_HOSTS = """
INSERT INTO deviation_hosts (site_id, partner_id, deviation_id, check_id, host_id, facts_digest,
  severity, summary, facts, log_index)
SELECT $1, $2, $3, $4, new.* FROM unnest($5::text[], $6::text[], $7::text[], $8::text[],
  $9::jsonb[], $10::bigint[]) AS new
"""
_LOCK_THERE = """
SELECT d.id FROM deviations d
WHERE d.site_id = $1 AND d.ended_at IS NULL AND EXISTS (SELECT FROM deviation_hosts h
  WHERE h.site_id = d.site_id AND h.deviation_id = d.id AND h.check_id = $2
  AND h.host_id = ANY($3::text[]) AND h.ended_at IS NULL)
ORDER BY d.id FOR NO KEY UPDATE
"""
# Hosts for which another one takes its place; a deviation that speaks for no host any more ends.
_LET_GO = """
UPDATE deviation_hosts SET ended_at = $4
WHERE site_id = $1 AND check_id = $2 AND host_id = ANY($3::text[]) AND ended_at IS NULL
RETURNING deviation_id, host_id
"""
_END_EMPTY = """
UPDATE deviations d SET ended_at = $3, ended_why = 'replaced'
WHERE d.site_id = $1 AND d.id = ANY($2::text[]) AND d.ended_at IS NULL
  AND NOT EXISTS (SELECT FROM deviation_hosts h WHERE h.site_id = d.site_id
    AND h.deviation_id = d.id AND h.ended_at IS NULL)
"""
_IN_FORCE_THERE = text(
    "SELECT h.host_id, h.deviation_id, h.facts_digest, h.severity FROM deviation_hosts h"
    " JOIN deviations d ON d.site_id = h.site_id AND d.id = h.deviation_id"
    " WHERE h.site_id = :site_id AND h.check_id = :check_id AND h.ended_at IS NULL"
    " AND d.until > :now AND h.host_id = ANY(CAST(:hosts AS text[])) ORDER BY h.host_id"
)
_SITE_OF = text("SELECT site_id FROM deviations WHERE partner_id = :partner_id AND id = :id")
_LOCK = text(
    "SELECT site_id, id, until, ended_at, ended_why FROM deviations"
    " WHERE partner_id = :partner_id AND id = :id FOR NO KEY UPDATE"
)
_RENEW = text(
    "UPDATE deviations SET until = :until, owner = coalesce(CAST(:owner AS text), owner),"
    " control = coalesce(CAST(:control AS text), control)"
    " WHERE site_id = :site_id AND id = :id AND ended_at IS NULL"
)
_REVOKE = text(
    "WITH ended AS ("
    "  UPDATE deviations SET ended_at = :now, ended_why = 'revoked'"
    "  WHERE site_id = :site_id AND id = :id AND ended_at IS NULL)"
    " UPDATE deviation_hosts SET ended_at = :now"
    " WHERE site_id = :site_id AND deviation_id = :id AND ended_at IS NULL"
)
_TELL = text(
    "INSERT INTO deviation_events (site_id, partner_id, deviation_id, kind, at, host_id, until, by,"
    " by_name, reason) VALUES (:site_id, :partner_id, :id, :kind, :now, :host_id, :until, :by,"
    " :by_name, :reason)"
)
# Of deviations that are chosen before anything is counted.
_COUNTED = (
    "SELECT d.site_id, s.name AS site_name, d.id, d.check_id, d.accepted_at, d.accepted_by,"
    " d.accepted_by_name, d.until, d.owner, d.reason, d.control, d.ended_at, d.ended_why, c.*"
    " FROM ({chosen}) d JOIN sites s ON s.id = d.site_id"
    " CROSS JOIN LATERAL (SELECT count(*) AS hosts,"
    "   count(*) FILTER (WHERE n.standing = 'accepted') AS accepted,"
    "   count(*) FILTER (WHERE n.standing = 'changed') AS changed,"
    "   count(*) FILTER (WHERE n.standing = 'passes') AS passing"
    "  FROM deviation_hosts h LEFT JOIN deviation_standings n ON n.site_id = h.site_id"
    "   AND n.deviation_id = h.deviation_id AND n.host_id = h.host_id"
    "  WHERE h.site_id = d.site_id AND h.deviation_id = d.id) c"
    " ORDER BY d.accepted_at DESC, d.id DESC"
)
_IN_FORCE = " AND e.ended_at IS NULL AND e.until > now()"
_CHANGED = (
    f"{_IN_FORCE} AND EXISTS (SELECT FROM deviation_standings n WHERE n.site_id = e.site_id"
    " AND n.deviation_id = e.id AND n.standing = 'changed')"
)
_STATES = {
    "in_force": _IN_FORCE,
    "changed": _CHANGED,
    "ended": " AND (e.ended_at IS NOT NULL OR e.until <= now())",
    "all": "",
}
_PAGES = {
    state: text(
        _COUNTED.format(
            chosen=f"SELECT * FROM deviations e WHERE e.partner_id = :partner_id{where}"  # noqa: S608 - constants of this file
            " AND (CAST(:site_id AS text) IS NULL OR e.site_id = :site_id)"
            " AND (CAST(:after_id AS text) IS NULL"
            "   OR (e.accepted_at, e.id) < (CAST(:after_at AS timestamptz), :after_id))"
            " ORDER BY e.accepted_at DESC, e.id DESC LIMIT :limit"
        )
    )
    for state, where in _STATES.items()
}
_ONE = text(
    _COUNTED.format(
        chosen="SELECT * FROM deviations e WHERE e.partner_id = :partner_id AND e.id = :id"
    )
)
_HOSTS = text(
    "SELECT h.host_id, o.name AS host_name, h.facts_digest, h.severity, h.summary, h.facts,"
    " h.log_index, h.ended_at, n.standing, r.outcome AS outcome_now, r.summary AS summary_now,"
    " r.log_index AS log_index_now, r.effective_at AS measured_at"
    " FROM deviation_hosts h"
    " LEFT JOIN hosts o ON o.site_id = h.site_id AND o.id = h.host_id"
    " LEFT JOIN deviation_standings n ON n.site_id = h.site_id"
    "   AND n.deviation_id = h.deviation_id AND n.host_id = h.host_id"
    " LEFT JOIN latest_results r ON r.site_id = h.site_id AND r.host_id = h.host_id"
    "   AND r.check_id = h.check_id"
    " WHERE h.site_id = :site_id AND h.deviation_id = :id ORDER BY h.host_id LIMIT :limit"
)
_EVENTS = text(
    "SELECT e.id, e.kind, e.at, e.host_id, o.name AS host_name, e.until, e.by, e.by_name, e.reason"
    " FROM deviation_events e LEFT JOIN hosts o ON o.site_id = e.site_id AND o.id = e.host_id"
    " WHERE e.site_id = :site_id AND e.deviation_id = :id ORDER BY e.id DESC LIMIT :limit"
)
_TOLD = (
    "SELECT d.id, d.check_id, d.accepted_at, d.until, d.accepted_by_name, d.owner, d.reason,"
    " d.control, jsonb_agg(jsonb_build_object('host_id', h.host_id,"
    "   'facts_digest', h.facts_digest, 'severity', h.severity) ORDER BY h.host_id) AS states"
    " FROM deviations d JOIN deviation_hosts h ON h.site_id = d.site_id"
    "   AND h.deviation_id = d.id AND h.ended_at IS NULL{hosts}"
    " WHERE d.site_id = :site_id AND d.ended_at IS NULL"
    " GROUP BY d.site_id, d.id ORDER BY d.id"
)
_OF_SITE = text(_TOLD.format(hosts=""))
_OF_APPLIANCE = text(
    _TOLD.format(
        hosts=" JOIN hosts o ON o.site_id = h.site_id AND o.id = h.host_id"
        " AND o.appliance_id = :appliance_id"
    )
)
_COUNTS = text(
    "SELECT count(DISTINCT (n.site_id, n.deviation_id)) AS in_force,"
    " count(DISTINCT (n.site_id, n.deviation_id)) FILTER (WHERE n.standing = 'changed') AS changed,"
    " count(DISTINCT (n.site_id, n.deviation_id)) FILTER (WHERE d.until <= :ending) AS ending"
    " FROM deviation_standings n JOIN deviations d ON d.site_id = n.site_id"
    "   AND d.id = n.deviation_id"
    " WHERE n.partner_id = :partner_id"
)


@dataclass(frozen=True, slots=True)
class NewDeviation:
    """What a person says of it; `hosts` are rows of `of_hosts`."""

    id: str
    site_id: str
    check_id: str
    until: datetime
    owner: str
    reason: str
    control: str
    hosts: Sequence[RowMapping]


class Repository:
    """The accepted deviations inside one transaction."""

    __slots__ = ("_partner_id", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._partner_id = session.scope.owner

    async def lock_site(self, site_id: str) -> None:
        """Until the transaction ends nobody else accepts anything there."""
        await self._session.row(_LOCK_SITE, site_id=site_id)

    async def of_hosts(self, site_id: str, check_id: str, hosts: list[str]) -> list[RowMapping]:
        """The latest result of this check on each of these hosts, and what is accepted of it."""
        return await self._session.rows(_OF_HOSTS, site_id=site_id, check_id=check_id, hosts=hosts)

    async def failing(
        self, site_id: str, check_id: str, after: str | None, limit: int
    ) -> list[RowMapping]:
        """As `of_hosts`, of the hosts on which it fails, by id."""
        return await self._session.rows(
            _FAILING, site_id=site_id, check_id=check_id, after=after, limit=limit
        )

    async def in_force_there(
        self, site_id: str, check_id: str, hosts: list[str]
    ) -> list[RowMapping]:
        """What is accepted of this check on these hosts now."""
        return await self._session.rows(
            _IN_FORCE_THERE,
            site_id=site_id,
            check_id=check_id,
            hosts=hosts,
            now=self._session.now,
        )

    async def let_go(self, site_id: str, check_id: str, hosts: list[str]) -> list[tuple[str, str]]:
        """Nothing is accepted there any more; which (deviation, host) that was. A deviation of
        which that was the last host ends."""
        raw: asyncpg.Connection[Any] = self._session.raw
        now = self._session.now
        await raw.execute(_LOCK_THERE, site_id, check_id, hosts)
        rows = await raw.fetch(_LET_GO, site_id, check_id, hosts, now)
        if rows:
            await raw.execute(_END_EMPTY, site_id, [row["deviation_id"] for row in rows], now)
        return [(row["deviation_id"], row["host_id"]) for row in rows]

    async def add(self, new: NewDeviation, by_name: str) -> None:
        await self._session.execute(
            _ADD,
            site_id=new.site_id,
            partner_id=self._partner_id,
            id=new.id,
            check_id=new.check_id,
            now=self._session.now,
            by=self._session.actor.id,
            by_name=by_name,
            until=new.until,
            owner=new.owner,
            reason=new.reason,
            control=new.control,
        )
        names = ("host_id", "facts_digest", "severity", "summary", "facts", "log_index")
        raw: asyncpg.Connection[Any] = self._session.raw
        await raw.execute(
            _ADD_HOSTS,
            *(new.site_id, self._partner_id, new.id, new.check_id),
            *([row[name] for row in new.hosts] for name in names),
        )

    async def lock(self, deviation_id: str) -> RowMapping | None:
        """The deviation, held with its site until the transaction ends."""
        found = await self._session.row(_SITE_OF, partner_id=self._partner_id, id=deviation_id)
        if found is None:
            return None
        await self.lock_site(found["site_id"])
        return await self._session.row(_LOCK, partner_id=self._partner_id, id=deviation_id)

    async def renew(
        self,
        site_id: str,
        deviation_id: str,
        until: datetime,
        owner: str | None,
        control: str | None,
    ) -> None:
        """None leaves what was said."""
        given = {"until": until, "owner": owner, "control": control}
        await self._session.execute(_RENEW, site_id=site_id, id=deviation_id, **given)

    async def revoke(self, site_id: str, deviation_id: str) -> None:
        now = self._session.now
        await self._session.execute(_REVOKE, site_id=site_id, id=deviation_id, now=now)

    async def tell(
        self,
        site_id: str,
        deviation_id: str,
        kind: str,
        by_name: str,
        reason: str,
        *,
        until: datetime | None = None,
        host_id: str | None = None,
    ) -> None:
        """One more event."""
        await self._session.execute(
            _TELL,
            site_id=site_id,
            partner_id=self._partner_id,
            id=deviation_id,
            kind=kind,
            now=self._session.now,
            host_id=host_id,
            until=until,
            by=self._session.actor.id,
            by_name=by_name,
            reason=reason,
        )

    async def page(
        self,
        site_id: str | None,
        state: str,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> list[RowMapping]:
        """Those in a state of `_STATES`, newest first, after an (accepted_at, id)."""
        after_at, after_id = after or (None, None)
        return await self._session.rows(
            _PAGES[state],
            partner_id=self._partner_id,
            site_id=site_id,
            after_at=after_at,
            after_id=after_id,
            limit=limit,
        )

    async def one(self, deviation_id: str) -> RowMapping | None:
        return await self._session.row(_ONE, partner_id=self._partner_id, id=deviation_id)

    async def hosts(self, site_id: str, deviation_id: str, limit: int) -> list[RowMapping]:
        """What was accepted on each host, and what is measured there now."""
        return await self._session.rows(_HOSTS, site_id=site_id, id=deviation_id, limit=limit)

    async def events(self, site_id: str, deviation_id: str, limit: int) -> list[RowMapping]:
        """What became of it, newest first."""
        return await self._session.rows(_EVENTS, site_id=site_id, id=deviation_id, limit=limit)

    async def of_site(self, site_id: str) -> list[RowMapping]:
        """Those that did not end, with their states, by id."""
        return await self._session.rows(_OF_SITE, site_id=site_id)

    async def of_appliance(self, site_id: str, appliance_id: str) -> list[RowMapping]:
        """As `of_site`, with the states of this appliance's hosts only."""
        return await self._session.rows(_OF_APPLIANCE, site_id=site_id, appliance_id=appliance_id)

    async def counts(self, ending: datetime) -> RowMapping:
        """How many are in force, how many of these have changed somewhere, and how many end
        until then."""
        row = await self._session.row(_COUNTS, partner_id=self._partner_id, ending=ending)
        assert row is not None, "a count has a row"
        return row
