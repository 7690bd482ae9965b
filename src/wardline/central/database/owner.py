"""The schema's owner at work, before anything serves: makes the database, writes the first rows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from wardline.central.database.engine import CONNECT_SECONDS_MAX, TROUBLE, Raw
from wardline.core.errors import WardlineError


class DatabaseUnreachable(WardlineError):
    """PostgreSQL does not answer, or does not take the login."""

    status = 503
    code = "database_unreachable"


async def connect(dsn: str) -> Raw:
    """A connection of the owner's; raises DatabaseUnreachable, which repeats no password."""
    try:
        raw: Raw = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS_MAX)
    except TROUBLE as error:
        why = str(error) or type(error).__name__
    except ValueError:
        why = "its address is not of the form postgresql://user:password@host:port/database"
    else:
        return raw
    raise DatabaseUnreachable(
        f"PostgreSQL cannot be used: {why}; where DATABASE_URL is set, check that its server runs"
        " and takes that login"
    )


@asynccontextmanager
async def at_work(dsn: str) -> AsyncIterator[Raw]:
    """One transaction that row security does not bind; for first start, never for serving."""
    raw = await connect(dsn)
    try:
        async with raw.transaction():
            yield raw
    finally:
        await raw.close()


async def ensure_database(dsn: str, name: str) -> None:
    """Makes the database `name` where there is none; `dsn` is of another one of that server."""
    raw = await connect(dsn)
    try:
        if not await raw.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
            await raw.execute(f'CREATE DATABASE "{name}"')
    finally:
        await raw.close()
