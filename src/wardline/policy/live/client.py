"""One listener's queue: bounded, and given up as soon as it is full."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from wardline.policy.live.frames import Channel, Frame

# Of what waits, so much is written at once.
WRITE_BYTES_MAX = 64 << 10


class Wire(Protocol):
    """The peer's connection, for frames as they are on it."""

    def is_writable(self) -> bool:
        """Whether the peer reads what it is sent; False for good once the socket is closing."""

    def write(self, frames: bytes) -> None:
        """Whole frames; only while it is writable, and never waits."""

    async def until_writable(self) -> None:
        """Raises ConnectionError when the socket is closing."""


class Client:
    """Frames on their way to one socket; the frames themselves are shared by all who get them.

    With a wire, they are written where they are put, because waking a task for each of many sockets
    costs more than all their writes. Where the peer does not keep up they wait here, so that what
    is written ahead of a closing frame is bounded too.
    """

    def __init__(self, channel: Channel, frames_max: int) -> None:
        self.channel = channel
        # Set when it is full, for good.
        self.behind = asyncio.Event()
        self._frames: deque[Frame] = deque()
        self._frames_max = frames_max
        self._ready = asyncio.Event()
        self._wire: Wire | None = None

    def attach(self, wire: Wire) -> None:
        """From now on frames go there, those that wait first."""
        self._wire = wire
        self.write()

    def put(self, frames: Sequence[Frame]) -> None:
        """Never waits: who does not take its frames in time loses the socket, and delays nobody.
        More at once than the queue holds is too much however quick the peer is."""
        if self.behind.is_set():
            return
        if len(self._frames) + len(frames) > self._frames_max:
            self._frames.clear()
            self.behind.set()
            return
        self._frames.extend(frames)
        self.write()
        if self._frames:
            self._ready.set()

    async def next(self) -> Frame:
        """The next frame, once there is one; for a client without a wire."""
        await self.waits()
        return self._frames.popleft()

    async def waits(self) -> None:
        """Until there is a frame that is not written yet."""
        while not self._frames:
            self._ready.clear()
            await self._ready.wait()

    def write(self) -> None:
        """As much of what waits as the peer keeps up with."""
        wire = self._wire
        while self._frames and wire is not None and wire.is_writable():
            wire.write(self._some())

    def _some(self) -> bytes:
        """Out of the queue: one frame, shared as it is, or several where they wait anyway."""
        first = self._frames.popleft().wire
        if not self._frames:
            return first
        some, size = [first], len(first)
        while self._frames and size < WRITE_BYTES_MAX:
            some.append(self._frames.popleft().wire)
            size += len(some[-1])
        return b"".join(some)
