"""Connections shared out between the web processes: each new one goes to whoever holds the fewest.

Every process waits at the same listening socket, and whichever woke first took all that had come:
four appliances that connect at once often ended up in one process, whose core then did the work of
two.
"""

import asyncio
import mmap
import os
import socket
import ssl
from collections.abc import Callable

from wardline.core.errors import WardlineError

_COUNT_BYTES = 8

# How long a caller is left to a process that holds fewer connections.
STEP_BACK_SECONDS = 0.02
# When nobody took it, that process is down or very busy: no stepping back for this long.
TAKE_ALL_SECONDS = 1.0
# Out of files or memory: what has connected waits in the socket.
FULL_SECONDS = 1.0


class NoPlace(WardlineError):
    """A web process was given a place that its supervisor's count does not have."""


def memory(places: int) -> int:
    """A descriptor of the memory in which so many processes count; it begins with zeros."""
    descriptor = os.memfd_create("wardline-connections")
    os.ftruncate(descriptor, places * _COUNT_BYTES)
    return descriptor


class Tally:
    """How many connections each process holds; this one writes its own place alone."""

    def __init__(self, descriptor: int, place: int) -> None:
        places = os.fstat(descriptor).st_size // _COUNT_BYTES
        if not 0 <= place < places:
            raise NoPlace(f"place {place} of {places}")
        shared = mmap.mmap(descriptor, places * _COUNT_BYTES)
        self._counts = memoryview(shared).cast("Q")
        self._place = place
        self._held = self._arriving = 0
        self._publish()

    def hold(self, count: int) -> None:
        """So many connections are open here."""
        self._held = count
        self._publish()

    def expect(self, more: int) -> None:
        """So many more, or fewer, are accepted and not open yet."""
        self._arriving += more
        self._publish()

    def is_ahead(self) -> bool:
        """Whether another process holds fewer than this one."""
        return min(self._counts) < self._counts[self._place]

    def _publish(self) -> None:
        self._counts[self._place] = self._held + self._arriving


class Entrance:
    """Accepts what connects to `listening`, one at a time, and leaves it to a process with fewer
    connections for STEP_BACK_SECONDS; `protocol` makes the protocol of each."""

    def __init__(
        self,
        listening: socket.socket,
        tally: Tally,
        protocol: Callable[[], asyncio.Protocol],
        tls: ssl.SSLContext | None,
    ) -> None:
        self._listening = listening
        self._tally = tally
        self._protocol = protocol
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._arriving: set[asyncio.Task[None]] = set()
        self._take_all_until = 0.0
        self._later: asyncio.TimerHandle | None = None
        self._listening.setblocking(False)

    def open(self) -> None:
        self._later = None
        self._loop.add_reader(self._listening, self._on_caller)

    def close(self) -> None:
        """Accepts nothing more; what is being opened comes to its end."""
        self._loop.remove_reader(self._listening)
        if self._later is not None:
            self._later.cancel()

    def _on_caller(self) -> None:
        if self._tally.is_ahead() and self._loop.time() >= self._take_all_until:
            self._pause(STEP_BACK_SECONDS, self._after_stepping_back)
        else:
            self._accept()

    def _after_stepping_back(self) -> None:
        self.open()
        if self._accept() and self._tally.is_ahead():
            self._take_all_until = self._loop.time() + TAKE_ALL_SECONDS

    def _accept(self) -> bool:
        try:
            caller, _ = self._listening.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False
        except OSError:
            self._pause(FULL_SECONDS, self.open)
            return False
        caller.setblocking(False)
        task = self._loop.create_task(self._let_in(caller))
        self._arriving.add(task)
        task.add_done_callback(self._arriving.discard)
        self._tally.expect(1)
        return True

    async def _let_in(self, caller: socket.socket) -> None:
        try:
            caller.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await self._loop.connect_accepted_socket(self._protocol, caller, ssl=self._tls)
        except (OSError, TimeoutError):
            # It went away, or did not speak TLS: nobody is left to be told.
            caller.close()
        finally:
            self._tally.expect(-1)

    def _pause(self, seconds: float, then: Callable[[], None]) -> None:
        self._loop.remove_reader(self._listening)
        self._later = self._loop.call_later(seconds, then)
