"""The schema's owner at work, before anything serves: makes the database, writes the first rows."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg

from wardline.central.database.engine import Raw


@asynccontextmanager
async def at_work(dsn: str) -> AsyncIterator[Raw]:
    """One transaction that row security does not bind; for first start, never for serving."""
    raw: Raw = await asyncpg.connect(dsn)
    try:
        async with raw.transaction():
            yield raw
    finally:
        await raw.close()


async def ensure_database(dsn: str, name: str) -> None:
    """Makes the database `name` where there is none; `dsn` is of another one of that server."""
    raw: Raw = await asyncpg.connect(dsn)
    try:
        if not await raw.fetchval("SELECT true FROM pg_database WHERE datname = $1", name):
            await raw.execute(f'CREATE DATABASE "{name}"')
    finally:
        await raw.close()
