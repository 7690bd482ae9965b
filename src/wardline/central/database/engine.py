"""The pool of one role in one process: SQLAlchemy's asyncpg engine, 2 to 10 connections."""

import contextlib
from typing import TYPE_CHECKING, Any

import asyncpg
import orjson
from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

# The driver's connection, which is generic for the type checker only.
if TYPE_CHECKING:
    Raw = asyncpg.Connection[asyncpg.Record]
else:
    Raw = asyncpg.Connection

APP_ROLE = "wardline_app"
JOBS_ROLE = "wardline_jobs"
POOL_SIZE_MIN = 2
POOL_SIZE_MAX = 10
POOL_WAIT_SECONDS_MAX = 10.0
CONNECT_SECONDS_MAX = 10.0
STATEMENT_SECONDS_MAX = 30
LOCK_SECONDS_MAX = 10
IDLE_IN_TRANSACTION_SECONDS_MAX = 60
# What the driver raises when a statement or a connection fails; the last for a connection that the
# server has already ended with a word of its own, which nobody has read yet.
TROUBLE = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)


def create(dsn: str, *, pool_max: int = POOL_SIZE_MAX) -> AsyncEngine:
    """An engine for a `postgresql://` address; sessions begin and end their own transactions."""
    engine = create_async_engine(
        _url(dsn),
        # Sessions send BEGIN together with their scope, in one round trip.
        isolation_level="AUTOCOMMIT",
        # A connection beyond pool_size is closed when it comes back, and a new one costs a login
        # and a backend: so all are kept, opened as they are needed, the first by `warm`.
        pool_size=pool_max,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS_MAX,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "timeout": CONNECT_SECONDS_MAX,
            "command_timeout": STATEMENT_SECONDS_MAX + 5,
            "server_settings": {
                "application_name": "wardline",
                "statement_timeout": f"{STATEMENT_SECONDS_MAX}s",
                "lock_timeout": f"{LOCK_SECONDS_MAX}s",
                "idle_in_transaction_session_timeout": f"{IDLE_IN_TRANSACTION_SECONDS_MAX}s",
                "timezone": "UTC",
            },
        },
    )
    event.listen(engine.sync_engine, "connect", _use_json_codec)
    event.listen(engine.sync_engine, "checkin", _discard_if_in_transaction)
    return engine


async def warm(engine: AsyncEngine, pool_min: int = POOL_SIZE_MIN) -> None:
    """Opens the first connections, so that no first caller waits for them."""
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(pool_min):
            await stack.enter_async_context(engine.connect())


def role(engine: AsyncEngine) -> str | None:
    """The role that the engine logs in as."""
    return engine.url.username


def _url(dsn: str) -> URL:
    return make_url(dsn).set(drivername="postgresql+asyncpg")


def _use_json_codec(connection: Any, record: ConnectionPoolEntry) -> None:
    """jsonb goes in and comes out as Python values, for SQLAlchemy and for raw asyncpg alike."""

    async def set_codec(raw: Any) -> None:
        for name in ("json", "jsonb"):
            await raw.set_type_codec(
                name, schema="pg_catalog", encoder=_encode, decoder=orjson.loads, format="text"
            )

    connection.run_async(set_codec)


def _encode(value: object) -> str:
    return orjson.dumps(value).decode()


def _discard_if_in_transaction(
    connection: DBAPIConnection | None, record: ConnectionPoolEntry
) -> None:
    """The pool never hands on a transaction: whatever left one open loses its connection."""
    if connection is None:
        return
    driver: Any = record.driver_connection
    if driver is not None and not driver.is_closed() and driver.is_in_transaction():
        record.invalidate()
