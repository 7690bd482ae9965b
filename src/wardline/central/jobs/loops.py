"""Loops that must not die unseen: each runs for ever at its interval and shows a heartbeat."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from wardline.central.database.scope import Actor, ActorKind, Scope
from wardline.central.database.session import open_session
from wardline.core.clock import Now

BEAT_SECONDS = 5.0
RETRY_SECONDS_MAX = 60.0
ERROR_CHARS_MAX = 2_000
ACTOR = Actor(ActorKind.SYSTEM, "jobs")

_log = logging.getLogger(__name__)
_BEAT = text(
    "INSERT INTO job_heartbeats (name, interval_ms, beat_at, ok, error)"
    " VALUES (:name, :interval_ms, :beat_at, :ok, :error)"
    " ON CONFLICT (name) DO UPDATE SET interval_ms = EXCLUDED.interval_ms,"
    " beat_at = EXCLUDED.beat_at, ok = EXCLUDED.ok, error = EXCLUDED.error"
)


@dataclass(frozen=True, slots=True)
class Loop:
    """One round of work, every `interval_s` seconds; what it raises is shown and tried again."""

    name: str
    interval_s: float
    run: Callable[[], Awaitable[object]]


@dataclass(slots=True)
class _Pulse:
    """What was last shown of a loop, so that a quick loop does not write at every round."""

    at: datetime | None = None
    error: str | None = None
    failures: int = 0


async def run_all(
    loops: Sequence[Loop], engine: AsyncEngine, now: Now, stop: asyncio.Event
) -> None:
    """Runs every loop until `stop` is set; a round that has begun is finished."""
    async with asyncio.TaskGroup() as group:
        for loop in loops:
            group.create_task(_keep_running(loop, engine, now, stop), name=loop.name)


async def _keep_running(loop: Loop, engine: AsyncEngine, now: Now, stop: asyncio.Event) -> None:
    pulse = _Pulse()
    while not stop.is_set():
        await run_once(loop, engine, now, pulse)
        pause = min(loop.interval_s * 2 ** min(pulse.failures, 10), RETRY_SECONDS_MAX)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), max(pause, loop.interval_s))


async def run_once(
    loop: Loop, engine: AsyncEngine, now: Now, pulse: _Pulse | None = None
) -> str | None:
    """One round and its heartbeat; the error that the heartbeat shows, if any."""
    pulse = pulse or _Pulse()
    error = await _attempt(loop.run)
    pulse.failures = 0 if error is None else pulse.failures + 1
    due = pulse.at is None or now() - pulse.at >= timedelta(seconds=BEAT_SECONDS)
    if due or error != pulse.error:
        # Where the database is gone, the age of the last heartbeat says so.
        shown = await _attempt(lambda: _beat(loop, engine, now(), error))
        pulse.at, pulse.error = (now(), error) if shown is None else (None, error)
    return error


async def _attempt(work: Callable[[], Awaitable[object]]) -> str | None:
    try:
        await work()
    except Exception as error:  # noqa: BLE001 (whatever it is, the heartbeat shows it)
        _log.error("a job failed and is tried again: %s", error, exc_info=error)
        return f"{type(error).__name__}: {error}"[:ERROR_CHARS_MAX].replace("\x00", "?")
    return None


async def _beat(loop: Loop, engine: AsyncEngine, at: datetime, error: str | None) -> None:
    async with open_session(engine, Scope.system(), ACTOR) as session:
        await session.execute(
            _BEAT,
            name=loop.name,
            interval_ms=round(loop.interval_s * 1000),
            beat_at=at,
            ok=error is None,
            error=error,
        )
