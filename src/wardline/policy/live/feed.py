"""One owner's place in the log, and the clients who hear of it from there on.

A feed reads on when somebody says that there may be more. A client joins at exactly the feed's
position, so nothing is missed or told twice.
"""

import asyncio
from dataclasses import dataclass, field

from wardline.policy.live.client import Client
from wardline.policy.live.log import START, Change, Head, Log, Position

BATCH_ROWS = 500


@dataclass(frozen=True, slots=True)
class Resume:
    """The last `seq` that a client has seen, and of which log; nothing for a new client."""

    since: int | None = None
    epoch: str | None = None


@dataclass(eq=False, slots=True)
class Feed:
    """`lock` is held by who reads on or joins."""

    clients: set[Client] = field(default_factory=set)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    epoch: str = ""
    position: Position = START

    async def join(self, client: Client, log: Log, resume: Resume, *, replay_rows_max: int) -> None:
        """From now on the client hears what changes, after what it missed if that is known; for
        who holds the lock."""
        head = await log.head()
        if self.clients:
            await self.catch_up(log, head)
        else:
            self.epoch, self.position = head.epoch, head.newest
        missed = await self._missed(log, resume, replay_rows_max)
        recovered = missed is not None
        seq = resume.since if recovered and resume.since is not None else self.position.id
        hello = client.channel.hello(seq, self.epoch, recovered=recovered)
        client.put([hello, *client.channel.events(missed or [])])
        self.clients.add(client)

    async def catch_up(self, log: Log, head: Head) -> None:
        """Tells the clients what came since; for who holds the lock."""
        if head.epoch != self.epoch or head.newest < self.position:
            self._restart(head)
        while self.position < head.newest:
            changes = await log.read(self.position, BATCH_ROWS)
            assert changes, "what was readable stays readable"
            self.position = changes[-1].position
            self._tell(changes)

    async def _missed(self, log: Log, resume: Resume, rows_max: int) -> list[Change] | None:
        """What came behind `since` up to where the feed stands; None where that cannot be said."""
        if resume.since is None or resume.epoch != self.epoch:
            return None
        since = START if resume.since == 0 else await log.find(resume.since)
        if since is None:
            return None
        changes = await log.read(since, rows_max + 1)
        missed = [change for change in changes if change.position <= self.position]
        return missed if len(missed) <= rows_max else None

    def _tell(self, changes: list[Change]) -> None:
        """Each change is encoded once for each kind of socket that somebody listens on."""
        for channel in {client.channel for client in self.clients}:
            frames = channel.events(changes)
            for client in self.clients:
                if client.channel is channel:
                    client.put(frames)

    def _restart(self, head: Head) -> None:
        """This is another log than before: what came in between is for the clients to fetch."""
        self.epoch, self.position = head.epoch, head.newest
        for client in self.clients:
            client.put([client.channel.hello(head.newest.id, head.epoch, recovered=False)])
