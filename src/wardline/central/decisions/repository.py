"""SQL over what decisions reserve and what is kept of them; every statement takes a whole batch."""

import zlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import RowMapping, text

from wardline.central.database.session import Session
from wardline.core.errors import WardlineError
from wardline.core.policy import usage
from wardline.core.policy.book import Book, Host, Run
from wardline.core.policy.usage import Tally
from wardline.policy.decisions.reservation import Reservation
from wardline.policy.decisions.store import KeptBatch, Key, Use

# Sites share locks: a call takes few of them, however many sites it is about.
STRIPES = 64

_LOCK = "SELECT pg_advisory_xact_lock($1, stripe) FROM unnest($2::int[]) AS stripe"
_LOCK_KEY = "SELECT pg_advisory_xact_lock($1, $2)"
# A reservation counts until it expires, a run from its start; ages fall into the same spans as in
# `core/policy/usage`, so that the newest of a group stands for all of it.
_COUNTS = (
    "SELECT {of}, counted.in_flight, count(*) AS runs, sum(counted.pct) AS pct,"
    " sum(counted.qty) AS qty, max(counted.at) AS at"
    " FROM (SELECT {inner}, r.pct, r.qty, coalesce(r.started_at, r.reserved_at) AS at,"
    "   r.ended_at IS NULL AND (r.started_at IS NULL OR r.started_at > $3) AS in_flight"
    "   FROM unnest({columns}) AS wanted ({names}) JOIN policy_runs r"
    "   ON r.partner_id = $1 AND {same}"
    "   WHERE r.released_at IS NULL AND r.reserved_at > $2"
    "   AND (r.started_at IS NOT NULL OR r.expires_at > $4)) counted"
    " GROUP BY {of}, counted.in_flight,"
    "   (counted.at > $5)::int + (counted.at > $6)::int + (counted.at > $7)::int"
)
_OF_RULES = _COUNTS.format(
    of="counted.site, counted.rule_id",
    inner="r.site, r.rule_id",
    columns="$8::text[], $9::text[]",
    names="site, rule_id",
    same="r.site = wanted.site AND r.rule_id = wanted.rule_id",
)
_OF_HOSTS = _COUNTS.format(
    of="counted.site, counted.host, counted.action",
    inner="r.site, r.host, r.action",
    columns="$8::text[], $9::text[]",
    names="site, host",
    same="r.site = wanted.site AND r.host = wanted.host",
)
_RESERVE = (
    "INSERT INTO policy_runs (partner_id, id, site, host, action, rule_id, pct, qty, reserved_at,"
    " reserved_by, expires_at)"
    " SELECT $1, new.*, $9, $10, $11"
    " FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::numeric[],"
    "   $8::numeric[]) AS new"
)
_KEEP = (
    "INSERT INTO decisions_kept (partner_id, at, revision, epoch, decisions, kpis, body)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7)"
)
_ADD_USES = (
    "INSERT INTO rule_uses_by_call (partner_id, at, rule_ids, decided, ran)"
    " VALUES ($1, $2, $3, $4, $5)"
)
_USES = text(
    "SELECT rule_id, max(at) AS at, sum(decided)::bigint AS decided, sum(ran)::bigint AS ran FROM ("
    "  SELECT rule_id, last_decided_at AS at, decided, ran FROM rule_uses"
    "   WHERE partner_id = :partner_id"
    "  UNION ALL SELECT rule_id, at, decided, ran FROM rule_uses_added"
    "   WHERE partner_id = :partner_id"
    "  UNION ALL SELECT one.rule_id, call.at, one.decided, one.ran FROM rule_uses_by_call call,"
    "   unnest(call.rule_ids, call.decided, call.ran) AS one (rule_id, decided, ran)"
    "   WHERE call.partner_id = :partner_id) AS every GROUP BY rule_id ORDER BY rule_id"
)
_KEPT = text(
    "SELECT id, at, revision, epoch, decisions, body FROM decisions_kept"
    " WHERE partner_id = :partner_id"
    " AND (CAST(:before AS bigint) IS NULL OR id < :before)"
    " AND (CAST(:kpis AS text[]) IS NULL OR kpis && CAST(:kpis AS text[]))"
    " ORDER BY id DESC LIMIT :limit"
)
_ANSWER = (
    "SELECT digest, answer FROM decision_answers"
    " WHERE partner_id = $1 AND asked_by = $2 AND key = $3 AND answered_at > $4"
)
_PUT_ANSWER = (
    "INSERT INTO decision_answers (partner_id, asked_by, key, digest, answer, answered_at)"
    " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (partner_id, asked_by, key) DO UPDATE"
    " SET digest = excluded.digest, answer = excluded.answer, answered_at = excluded.answered_at"
)
_STEPS = "started_at, started_by, ended_at, ended_by, released_at, released_by"
_SITE_OF = text("SELECT site FROM policy_runs WHERE partner_id = :partner_id AND id = :id")
_GET = text(
    f"SELECT id, site, reserved_at, reserved_by, expires_at, {_STEPS} FROM policy_runs"  # noqa: S608
    " WHERE partner_id = :partner_id AND id = :id FOR UPDATE"
)
_SET = text(
    "UPDATE policy_runs SET started_at = :started_at, started_by = :started_by,"
    " ended_at = :ended_at, ended_by = :ended_by, released_at = :released_at,"
    " released_by = :released_by WHERE partner_id = :partner_id AND id = :id"
)


class Contended(WardlineError):
    """Others decide about the same sites and take too long; the same request is welcome again."""

    status = 503
    code = "busy"
    headers = {"retry-after": "2"}  # noqa: RUF012 - read only


class Repository:
    """What the session's partner has decided."""

    __slots__ = ("_partner_id", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._partner_id = session.scope.owner

    async def lock(self, sites: Iterable[str]) -> None:
        """Keeps everybody else from deciding about these sites until the transaction ends."""
        stripes = sorted({zlib.crc32(site.encode()) % STRIPES for site in sites})
        await self._lock(_LOCK, _number(f"decisions of {self._partner_id}"), stripes)

    async def lock_key(self, asked_by: str, key: Key) -> None:
        """Lets one request at a time in with a key; taken before any site."""
        space = _number(f"keys of {self._partner_id}")
        await self._lock(_LOCK_KEY, space, _number(f"{asked_by} {key.text}"))

    async def count(
        self, now: datetime, rules: Sequence[tuple[str, str]], hosts: Sequence[Host]
    ) -> Book:
        """What has run of these rules at their sites, and on these hosts, as of now."""
        raw, counted = self._session.raw, Book(now)
        alive = now - usage.IN_FLIGHT, now - usage.GRACE
        spans = now - usage.HOUR, now - usage.DAY, now - usage.WEEK
        if rules:
            oldest = now - usage.COUNTED
            wanted = [site for site, _ in rules], [rule_id for _, rule_id in rules]
            for row in await raw.fetch(
                _OF_RULES, self._partner_id, oldest, *alive, *spans, *wanted
            ):
                counted.count_rule(row["site"], row["rule_id"], _tally(row))
        if hosts:
            oldest = now - usage.COOLDOWN
            wanted = [site for site, _ in hosts], [host for _, host in hosts]
            for row in await raw.fetch(
                _OF_HOSTS, self._partner_id, oldest, *alive, *spans, *wanted
            ):
                counted.count_host(row["site"], row["host"], row["action"], _tally(row))
        return counted

    async def reserve(
        self, runs: Sequence[Run], now: datetime, expires_at: datetime, by: str
    ) -> None:
        await self._session.raw.execute(
            _RESERVE,
            self._partner_id,
            [run.id for run in runs],
            [run.site for run in runs],
            [run.host for run in runs],
            [run.action for run in runs],
            [run.rule_id for run in runs],
            [run.pct for run in runs],
            [run.qty for run in runs],
            *(now, by, expires_at),
        )

    async def keep(
        self, now: datetime, version: tuple[int, int], count: int, kpis: list[str], body: bytes
    ) -> None:
        await self._session.raw.execute(_KEEP, self._partner_id, now, *version, count, kpis, body)

    async def add_uses(self, now: datetime, uses: Sequence[tuple[str, int, int]]) -> None:
        if uses:
            columns = [list(column) for column in zip(*uses, strict=True)]
            await self._session.raw.execute(_ADD_USES, self._partner_id, now, *columns)

    async def uses(self) -> list[Use]:
        rows = await self._session.rows(_USES, partner_id=self._partner_id)
        return [Use(row["rule_id"], row["at"], row["decided"], row["ran"]) for row in rows]

    async def kept(
        self, kpi_ids: Sequence[str] | None, before: int | None, limit: int
    ) -> list[KeptBatch]:
        rows = await self._session.rows(
            _KEPT,
            partner_id=self._partner_id,
            before=before,
            kpis=None if kpi_ids is None else list(kpi_ids),
            limit=limit,
        )
        return [KeptBatch(**row) for row in rows]

    async def answer(self, asked_by: str, key: Key, since: datetime) -> bytes | None:
        """What was answered under the key; raises KeyReused."""
        found = await self._session.raw.fetchrow(
            _ANSWER, self._partner_id, asked_by, key.text, since
        )
        if found is None:
            return None
        key.check(found["digest"])
        return zlib.decompress(found["answer"])

    async def put_answer(self, asked_by: str, key: Key, answer: bytes, now: datetime) -> None:
        packed = zlib.compress(answer, 1)
        await self._session.raw.execute(
            _PUT_ANSWER, self._partner_id, asked_by, key.text, key.digest, packed, now
        )

    async def site_of(self, decision_id: str) -> str | None:
        """The site of a reservation, '' for none; None where there is no reservation."""
        row = await self._session.row(_SITE_OF, partner_id=self._partner_id, id=decision_id)
        return None if row is None else str(row["site"])

    async def get(self, decision_id: str) -> Reservation:
        """Held until the transaction ends; reservations that are there are not removed by us."""
        row: RowMapping | None = await self._session.row(
            _GET, partner_id=self._partner_id, id=decision_id
        )
        assert row is not None, "whoever asks has just seen it"
        return Reservation(**row)

    async def put(self, found: Reservation) -> None:
        values: dict[str, Any] = {name: getattr(found, name) for name in _STEPS.split(", ")}
        await self._session.execute(_SET, partner_id=self._partner_id, id=found.id, **values)

    async def _lock(self, sql: str, *given: object) -> None:
        try:
            await self._session.raw.execute(sql, *given)
        except asyncpg.LockNotAvailableError:
            raise Contended("others decide about the same sites right now; try again") from None


def _tally(row: asyncpg.Record) -> Tally:
    return Tally(row["at"], row["in_flight"], row["runs"], row["pct"], row["qty"])


def _number(name: str) -> int:
    """A lock's number, as PostgreSQL takes it: 32 bits with a sign."""
    return zlib.crc32(name.encode()) - 2**31
