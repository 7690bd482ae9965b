"""Hears what the jobs process announces, on a connection of its own that comes back when lost.

Being deaf for a while loses nothing: the hub looks by itself now and then, and the first thing that
a new connection does is to make it look.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable

import asyncpg

from wardline.central.database import change_log, engine

RETRY_SECONDS = 1.0
CLOSE_SECONDS_MAX = 2.0
APPLICATION_NAME = "wardline-bell"

# Of whose rows there are more; nothing for anybody's.
Ring = Callable[[str], None]

_log = logging.getLogger(__name__)


async def hear(dsn: str, ring: Ring) -> None:
    """Runs until it is cancelled."""
    while True:
        try:
            await _hear_once(dsn, ring)
        except engine.TROUBLE as error:
            _log.warning("announcements cannot be heard, trying again: %s", error)
        await asyncio.sleep(RETRY_SECONDS)


async def _hear_once(dsn: str, ring: Ring) -> None:
    """Returns when the connection has ended."""
    connection = await asyncpg.connect(
        dsn,
        timeout=engine.CONNECT_SECONDS_MAX,
        server_settings={"application_name": APPLICATION_NAME},
    )
    ended = asyncio.Event()
    try:
        connection.add_termination_listener(lambda _: ended.set())
        await connection.add_listener(
            change_log.CHANNEL, lambda _connection, _pid, _channel, payload: ring(str(payload))
        )
        ring(change_log.EVERYBODY)
        await ended.wait()
    finally:
        with contextlib.suppress(*engine.TROUBLE):
            await connection.close(timeout=CLOSE_SECONDS_MAX)
