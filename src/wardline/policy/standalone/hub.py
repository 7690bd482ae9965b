"""Tells the sockets of this process what anybody has committed to the policy file."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from wardline.core.errors import WardlineError
from wardline.policy.live.client import Client
from wardline.policy.live.feed import Feed, Resume
from wardline.policy.live.frames import POLICY_CHANNEL
from wardline.policy.live.log import Log
from wardline.policy.live.seats import Limits, Seats
from wardline.policy.standalone.tokens import Caller

LIMITS = Limits(user_sockets_max=1_000, recheck_seconds=5.0)
RETRY_SECONDS = 1.0

_log = logging.getLogger(__name__)


class Hub:
    """One feed; `ring` says that there may be more."""

    def __init__(self, log: Log, limits: Limits = LIMITS) -> None:
        self.limits = limits
        self._log = log
        self._feed = Feed()
        self._seats = Seats()
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """Somebody has committed."""
        self._rung.set()

    async def tell(self) -> None:
        """Reads on whenever it is rung, until it is cancelled."""
        while True:
            await self._rung.wait()
            self._rung.clear()
            try:
                async with self._feed.lock:
                    if self._feed.clients:
                        await self._feed.catch_up(self._log, await self._log.head())
            except WardlineError as error:
                _log.warning("changes cannot be read, trying again: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
                self._rung.set()

    @contextmanager
    def seat(self, caller: Caller) -> Iterator[Client]:
        """A place for one socket, until the block ends; raises TooManySockets."""
        limits = self.limits
        client = Client(POLICY_CHANNEL, limits.frames_max)
        places = {"": limits.sockets_max, caller.name: limits.user_sockets_max}
        with self._seats.take(places):
            try:
                yield client
            finally:
                self._feed.clients.discard(client)

    async def join(self, client: Client, resume: Resume) -> None:
        """From now on the client hears what changes, after what it missed if that is known."""
        rows_max = self.limits.replay_rows_max
        async with self._feed.lock:
            await self._feed.join(client, self._log, resume, replay_rows_max=rows_max)
