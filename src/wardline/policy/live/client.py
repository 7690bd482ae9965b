"""One listener's queue: bounded, and given up as soon as it is full."""

import asyncio
from collections import deque

from wardline.policy.live.frames import Channel


class Client:
    """Frames on their way to one socket; the frames themselves are shared by all who get them."""

    def __init__(self, channel: Channel, frames_max: int) -> None:
        self.channel = channel
        # Set when it is full, for good.
        self.behind = asyncio.Event()
        self._frames: deque[str] = deque()
        self._frames_max = frames_max
        self._ready = asyncio.Event()

    def put(self, frame: str) -> None:
        """Never waits: who does not take its frames in time loses the socket, and delays nobody."""
        if self.behind.is_set():
            return
        if len(self._frames) >= self._frames_max:
            self._frames.clear()
            self.behind.set()
            return
        self._frames.append(frame)
        self._ready.set()

    async def next(self) -> str:
        """The next frame, once there is one."""
        while not self._frames:
            self._ready.clear()
            await self._ready.wait()
        return self._frames.popleft()
