"""Fans changes out to the sockets of this process: each tenant's rows read once, in its own scope.

A feed stands at a position of its tenant's log and reads on when it is rung, by the announcer or by
the hub's own sweep. A client joins at exactly that position, so nothing is missed or told twice.
"""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine

from wardline.central.database import change_log
from wardline.central.database.change_log import EVERYBODY, START, Change, Head, Position
from wardline.central.database.scope import Actor, ActorKind, Scope
from wardline.central.database.session import Session, open_session
from wardline.central.identity.access import Caller
from wardline.central.realtime import bell
from wardline.central.realtime.client import Client
from wardline.central.realtime.frames import Channel
from wardline.core.errors import WardlineError

ACTOR = Actor(ActorKind.SYSTEM, "realtime")
READERS = 4
BATCH_ROWS = 500
RETRY_SECONDS = 1.0
TROUBLE = (SQLAlchemyError, *bell.TROUBLE)

_log = logging.getLogger(__name__)


class TooManySockets(WardlineError):
    """This user, partner or server has as many sockets open as it may; close one of them."""

    status = 429
    code = "too_many_sockets"


@dataclass(frozen=True, slots=True)
class Limits:
    """Named in one place; `sweep_seconds` is how late an event is when no announcement comes."""

    sockets_max: int = 1_000
    partner_sockets_max: int = 256
    user_sockets_max: int = 16
    frames_max: int = 4_096
    replay_rows_max: int = 1_000
    sweep_seconds: float = 5.0
    recheck_seconds: float = 15.0
    send_seconds_max: float = 10.0


@dataclass(frozen=True, slots=True)
class Resume:
    """The last `seq` that a client has seen, and of which log; nothing for a new client."""

    since: int | None = None
    epoch: str | None = None


@dataclass(eq=False, slots=True)
class Feed:
    """One tenant's place in the log; `lock` is held by who reads on or joins."""

    partner_id: str
    clients: set[Client] = field(default_factory=set)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    epoch: str = ""
    position: Position = START
    is_due: bool = False

    def tell(self, changes: list[Change]) -> None:
        """Each change is encoded once for each kind of socket that somebody listens on."""
        for channel in {client.channel for client in self.clients}:
            frames = [frame for one in changes if (frame := channel.event(one)) is not None]
            for client in self.clients:
                if client.channel is channel:
                    for frame in frames:
                        client.put(frame)

    def restart(self, head: Head) -> None:
        """This is another log than before: what came in between is for the clients to fetch."""
        self.epoch, self.position = head.epoch, head.newest
        for client in self.clients:
            client.put(client.channel.hello(head.newest.id, head.epoch, recovered=False))


class Hub:
    """One per web process, on the application role's pool."""

    def __init__(self, engine: AsyncEngine, limits: Limits | None = None) -> None:
        self.limits = limits or Limits()
        self._engine = engine
        # At most as many as there are partners; one without clients is not read.
        self._feeds: dict[str, Feed] = {}
        self._due: asyncio.Queue[Feed] = asyncio.Queue()
        self._sockets: Counter[str] = Counter()
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
            if feed.clients and not feed.is_due:
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
        for name, places_max in places.items():
            if self._sockets[name] >= places_max:
                raise TooManySockets(f"sockets: {places_max} are open; close one of them")
        self._sockets.update(places.keys())
        client = Client(channel, limits.frames_max)
        try:
            yield client
        finally:
            if caller.partner_id in self._feeds:
                self._feeds[caller.partner_id].clients.discard(client)
            self._sockets.subtract(places.keys())
            self._sockets += Counter()

    async def join(self, client: Client, partner_id: str, resume: Resume) -> None:
        """From now on the client hears what changes, after what it missed if that is known."""
        feed = self._feeds.setdefault(partner_id, Feed(partner_id))
        async with feed.lock, self._open(feed) as session:
            head = await change_log.head(session)
            if feed.clients:
                await self._catch_up(session, feed, head)
            else:
                feed.epoch, feed.position = head.epoch, head.newest
            missed = await self._missed(session, feed, resume)
            recovered = missed is not None
            seq = resume.since if recovered and resume.since is not None else feed.position.id
            client.put(client.channel.hello(seq, feed.epoch, recovered=recovered))
            for change in missed or []:
                frame = client.channel.event(change)
                if frame is not None:
                    client.put(frame)
            feed.clients.add(client)

    async def _missed(self, session: Session, feed: Feed, resume: Resume) -> list[Change] | None:
        """What came behind `since` up to where the feed stands; None where that cannot be said."""
        if resume.since is None or resume.epoch != feed.epoch:
            return None
        since = START if resume.since == 0 else await change_log.find(session, resume.since)
        if since is None:
            return None
        rows_max = self.limits.replay_rows_max
        changes = await change_log.read(session, since, rows_max + 1)
        missed = [change for change in changes if change.position <= feed.position]
        return missed if len(missed) <= rows_max else None

    async def _catch_up(self, session: Session, feed: Feed, head: Head) -> None:
        if head.epoch != feed.epoch or head.newest < feed.position:
            feed.restart(head)
        while feed.position < head.newest:
            changes = await change_log.read(session, feed.position, BATCH_ROWS)
            assert changes, "what was readable stays readable"
            feed.position = changes[-1].position
            feed.tell(changes)

    async def _read(self) -> None:
        """One reader: takes the feed that has been due the longest, and reads on."""
        while True:
            feed = await self._due.get()
            feed.is_due = False
            try:
                async with feed.lock, self._open(feed) as session:
                    await self._catch_up(session, feed, await change_log.head(session))
            except TROUBLE as error:
                # The next sweep tries again; nothing was passed over.
                self._say_down(error)
            else:
                self._is_down = False

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(self.limits.sweep_seconds)
            self.ring(EVERYBODY)

    def _open(self, feed: Feed) -> contextlib.AbstractAsyncContextManager[Session]:
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
