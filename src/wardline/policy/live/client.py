"""One listener's queue: bounded, and given up as soon as it is full."""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import lru_cache

from wardline.policy.live.frames import Channel

# Writes bytes to the socket at once, or says that it cannot.
Write = Callable[[bytes], bool]
ENCODED_MAX = 64
_TEXT = 0x81
_SHORT_MAX, _MIDDLE_MAX = 125, 0xFFFF


class Client:
    """Frames on their way to one socket; the frames themselves are shared by all who get them."""

    def __init__(self, channel: Channel, frames_max: int) -> None:
        self.channel = channel
        # Set when it is full, for good.
        self.behind = asyncio.Event()
        self._frames: deque[str] = deque()
        self._frames_max = frames_max
        self._ready = asyncio.Event()
        self._is_sending = False
        self._write: Write | None = None

    def attach(self, write: Write) -> None:
        """From now on a frame that nothing waits before is written where it is put: to wake a task
        for each of many sockets costs more than to write to all of them."""
        self._write = write

    def put(self, frame: str) -> None:
        """Never waits: who does not take its frames in time loses the socket, and delays nobody."""
        if self.behind.is_set():
            return
        is_next = not self._frames and not self._is_sending
        if is_next and self._write is not None and self._write(_encoded(frame)):
            return
        if len(self._frames) >= self._frames_max:
            self._frames.clear()
            self.behind.set()
            return
        self._frames.append(frame)
        self._ready.set()

    async def next(self) -> str:
        """The next frame, once there is one; the one before has been sent."""
        self._is_sending = False
        while not self._frames:
            self._ready.clear()
            await self._ready.wait()
        self._is_sending = True
        return self._frames.popleft()


@lru_cache(maxsize=ENCODED_MAX)
def _encoded(frame: str) -> bytes:
    """An unmasked text frame of RFC 6455, made once for all who get it."""
    payload = frame.encode()
    size = len(payload)
    if size <= _SHORT_MAX:
        head = bytes([_TEXT, size])
    elif size <= _MIDDLE_MAX:
        head = bytes([_TEXT, _SHORT_MAX + 1]) + size.to_bytes(2, "big")
    else:
        head = bytes([_TEXT, _SHORT_MAX + 2]) + size.to_bytes(8, "big")
    return head + payload
