"""One transaction in one scope: the only place that commits, announces and records."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime

from sqlalchemy import RowMapping, TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from wardline.central.database import engine as engines
from wardline.central.database.engine import Raw
from wardline.central.database.scope import Actor, Scope, ScopeMissing
from wardline.core import clock
from wardline.core.audit import redact

_ANNOUNCE = (
    "INSERT INTO change_log (partner_id, site_id, kind, subject, payload)"
    " VALUES ($1, $2, $3, $4, $5)"
)
_RECORD = text(
    "INSERT INTO audit_log (partner_id, site_id, actor_kind, actor_id, address, action, subject,"
    " before, after, reason, at) VALUES (:partner_id, :site_id, :actor_kind, :actor_id,"
    " CAST(CAST(:address AS text) AS inet), :action, :subject, CAST(:before AS jsonb),"
    " CAST(:after AS jsonb), :reason, :at)"
)


class Session:
    """An open transaction; made by `open_session` only."""

    __slots__ = ("_connection", "_raw", "actor", "now", "scope")

    def __init__(
        self,
        connection: AsyncConnection,
        raw: Raw,
        scope: Scope,
        actor: Actor,
        now: datetime,
    ) -> None:
        self._connection = connection
        self._raw = raw
        self.scope = scope
        self.actor = actor
        self.now = now

    @property
    def raw(self) -> Raw:
        """The driver's connection, inside the same transaction; for hot paths."""
        return self._raw

    async def rows(self, sql: TextClause, /, **params: object) -> list[RowMapping]:
        """Every row of the answer, by column name."""
        result = await self._connection.execute(sql, params)
        return list(result.mappings().all())

    async def row(self, sql: TextClause, /, **params: object) -> RowMapping | None:
        """The first row, or None."""
        result = await self._connection.execute(sql, params)
        return result.mappings().first()

    async def execute(self, sql: TextClause, /, **params: object) -> int:
        """Runs a statement; gives the number of rows it touched."""
        result = await self._connection.execute(sql, params)
        return result.rowcount

    async def announce(
        self,
        kind: str,
        subject: str,
        payload: Mapping[str, object] | None = None,
        site_id: str | None = None,
    ) -> None:
        """A change-log row: what everybody who shows `subject` should fetch again."""
        await self._raw.execute(
            _ANNOUNCE,
            self.scope.owner,
            site_id or self.scope.site_id,
            kind,
            subject,
            dict(payload or {}),
        )

    async def record(
        self,
        action: str,
        subject: str,
        *,
        before: Mapping[str, object] | None = None,
        after: Mapping[str, object] | None = None,
        reason: str | None = None,
        site_id: str | None = None,
    ) -> None:
        """An audit-log row: the actor did `action` to `subject`; secrets in it are left out."""
        await self.execute(
            _RECORD,
            partner_id=self.scope.owner,
            site_id=site_id or self.scope.site_id,
            actor_kind=self.actor.kind.value,
            actor_id=self.actor.id,
            address=self.actor.address,
            action=action,
            subject=subject,
            before=redact.redacted(before),
            after=redact.redacted(after),
            reason=reason,
            at=self.now,
        )


@asynccontextmanager
async def open_session(
    engine: AsyncEngine, scope: Scope, actor: Actor, *, now: clock.Now = clock.system
) -> AsyncIterator[Session]:
    """A transaction bound to `scope`: committed when the block ends well, rolled back otherwise.

    Raises ScopeMissing for the system scope on any engine but the jobs role's.
    """
    if scope == Scope.system() and engines.role(engine) != engines.JOBS_ROLE:
        raise ScopeMissing("only the jobs role works without a tenant's scope")
    async with engine.connect() as connection:
        raw = await _driver(connection)
        try:
            # BEGIN and the scope travel in one message; `Scope` lets identifiers through only.
            await raw.execute(_begin(scope))
            yield Session(connection, raw, scope, actor, now())
            await raw.execute("COMMIT")
        except BaseException:
            await asyncio.shield(_roll_back(connection, raw))
            raise


@asynccontextmanager
async def credentials(engine: AsyncEngine) -> AsyncIterator[Raw]:
    """A connection without a scope, which sees no tenant's rows: for the look-up functions."""
    async with engine.connect() as connection:
        yield await _driver(connection)


async def _driver(connection: AsyncConnection) -> Raw:
    adapted = await connection.get_raw_connection()
    raw: Raw | None = adapted.driver_connection
    assert raw is not None
    return raw


def _begin(scope: Scope) -> str:
    return (
        "BEGIN; SELECT"
        f" set_config('app.partner', '{scope.partner_id or ''}', true),"
        f" set_config('app.site', '{scope.site_id or ''}', true),"
        f" set_config('app.site_partner', '{scope.site_partner_id or ''}', true)"
    )


async def _roll_back(connection: AsyncConnection, raw: Raw) -> None:
    try:
        await raw.execute("ROLLBACK")
    except engines.TROUBLE:
        # A connection that cannot even roll back is not given to anybody else.
        await connection.invalidate()
