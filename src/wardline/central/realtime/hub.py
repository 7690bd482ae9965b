"""Fans changes out to the sockets of this process: each tenant's rows read once, in its own scope.

A feed reads on when it is rung, by the announcer or by the hub's own sweep.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from wardline.central.database import change_log, engine
from wardline.central.database.change_log import EVERYBODY
from wardline.central.database.scope import Actor, ActorKind, Scope
from wardline.central.database.session import Session, open_session
from wardline.central.identity.access import Caller
from wardline.central.realtime import bell
from wardline.policy.live.client import Client
from wardline.policy.live.feed import Feed, Resume
from wardline.policy.live.frames import Channel
from wardline.policy.live.log import Change, Head, Position
from wardline.policy.live.seats import Limits, Seats

ACTOR = Actor(ActorKind.SYSTEM, "realtime")
READERS = 4
RETRY_SECONDS = 1.0
TROUBLE = (SQLAlchemyError, *engine.TROUBLE)

_log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class PartnerFeed(Feed):
    """One tenant's place in the log."""

    partner_id: str = ""
    is_due: bool = False


class SessionLog:
    """The tenant's log, in its own scope."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def head(self) -> Head:
        return await change_log.head(self._session)

    async def find(self, change_id: int) -> Position | None:
        return await change_log.find(self._session, change_id)

    async def read(self, after: Position, limit: int) -> list[Change]:
        return await change_log.read(self._session, after, limit)


class Hub:
    """One per web process, on the application role's pool."""

    def __init__(self, engine: AsyncEngine, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._engine = engine
        # At most as many as there are partners; one without clients is not read.
        self._feeds: dict[str, PartnerFeed] = {}
        self._due: asyncio.Queue[PartnerFeed] = asyncio.Queue()
        self._sockets = Seats()
        self._is_down = False

    @contextlib.asynccontextmanager
    async def running(self, dsn: str) -> AsyncIterator[None]:
        """Listens, sweeps and reads for as long as the block runs."""
        work = [lambda: bell.hear(dsn, self.ring), self._sweep, *[self._read] * READERS]
        tasks = [asyncio.create_task(_keep_going(one)) for one in work]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def ring(self, partner_id: str) -> None:
        """There may be more rows of this partner's, or of anybody's."""
        if partner_id == EVERYBODY:
            feeds = list(self._feeds.values())
        else:
            feeds = [feed for feed in [self._feeds.get(partner_id)] if feed is not None]
        for feed in feeds:
            if not feed.is_due:
                feed.is_due = True
                self._due.put_nowait(feed)

    @contextlib.contextmanager
    def seat(self, caller: Caller, channel: Channel) -> Iterator[Client]:
        """A place for one socket, until the block ends; raises TooManySockets."""
        limits = self.limits
        places = {
            "": limits.sockets_max,
            caller.partner_id: limits.partner_sockets_max,
            caller.user_id: limits.user_sockets_max,
        }
        client = Client(channel, limits.frames_max)
        with self._sockets.take(places):
            try:
                yield client
            finally:
                if caller.partner_id in self._feeds:
                    self._feeds[caller.partner_id].clients.discard(client)

    async def join(self, client: Client, partner_id: str, resume: Resume) -> None:
        """From now on the client hears what changes, after what it missed if that is known."""
        feed = self._feeds.setdefault(partner_id, PartnerFeed(partner_id=partner_id))
        async with feed.lock, self._open(feed) as session:
            rows_max = self.limits.replay_rows_max
            await feed.join(client, SessionLog(session), resume, replay_rows_max=rows_max)

    async def _read(self) -> None:
        """One reader: takes the feed that has been due the longest, and reads on."""
        while True:
            feed = await self._due.get()
            feed.is_due = False
            try:
                async with feed.lock:
                    # Whoever joined meanwhile, did so from where the log was before it was rung.
                    if feed.clients:
                        await self._read_on(feed)
                        self._is_down = False
            except TROUBLE as error:
                # The next sweep tries again; nothing was passed over.
                self._say_down(error)

    async def _read_on(self, feed: PartnerFeed) -> None:
        async with self._open(feed) as session:
            log = SessionLog(session)
            await feed.catch_up(log, await log.head())

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self.limits.sweep_seconds)
            self.ring(EVERYBODY)

    def _open(self, feed: PartnerFeed) -> contextlib.AbstractAsyncContextManager[Session]:
        return open_session(self._engine, Scope.partner(feed.partner_id), ACTOR)

    def _say_down(self, error: BaseException) -> None:
        if not self._is_down:
            _log.warning("changes cannot be read, trying again: %s", error)
        self._is_down = True


async def _keep_going(work: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await work()
        except Exception:  # noqa: BLE001 (a defect is logged, and does not make pages go silent)
            _log.exception("a part of the hub failed and starts again")
        await asyncio.sleep(RETRY_SECONDS)
