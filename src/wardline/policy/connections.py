"""Connections that say nothing: each has a deadline for its next request's head, and a crowd a cap.

uvicorn waits for a head for ever and counts idle connections as work; here they are closed, and at
the cap the one that has waited longest makes room. A socket stays in the crowd for as long as it is
open, and never takes the last half of its places.
"""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar, Protocol

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.protocol import State

from wardline.policy import addresses

HEAD_SECONDS_MAX = 10.0
CONNECTIONS_MAX = 2_000
ADDRESS_CONNECTIONS_MAX = 256
# What comes up a socket is a word; frames of any size are for bodies.
FRAME_BYTES_MAX = 1_024
# How much the kernel keeps for a peer that reads nothing, before the server notices.
KERNEL_BYTES_MAX = 128 << 10
# The ASGI extension by which whole frames are written at once: {"wire": live.client.Wire}.
WIRE = "wardline.wire"
# What comes up a socket fits one frame; each fragment is kept until the last, and may be empty.
FRAGMENTS_MAX = 64
TOO_MUCH = 1008
# Answers to pings that the peer does not read: nothing else is written past the peer's pace.
UNREAD_BYTES_MAX = 256 * 1024
PING_SECONDS = 20.0
PONG_SECONDS_MAX = 20.0
# How long the peer may take to read what was sent before the end, and to answer it.
CLOSE_SECONDS_MAX = 2.0


class Member(Protocol):
    """A connection of a crowd."""

    def drop(self) -> None:
        """Closes it at once."""


class Crowd:
    """The connections of one process; `trusted` is the proxy, whose connections are many's, and
    `tell` hears how many there are whenever that changes."""

    def __init__(
        self,
        trusted: str | None = None,
        *,
        connections_max: int = CONNECTIONS_MAX,
        address_connections_max: int = ADDRESS_CONNECTIONS_MAX,
        tell: Callable[[int], None] = lambda count: None,
    ) -> None:
        self._trusted = trusted
        self._tell = tell
        self._connections_max = connections_max
        self._address_connections_max = address_connections_max
        self._all: set[Member] = set()
        self._sockets: set[Member] = set()
        self._by_address: Counter[str] = Counter()
        # In the order in which they began to wait.
        self._waiting: dict[Member, None] = {}

    def has_room_for_socket(self) -> bool:
        return len(self._sockets) < self._connections_max // 2

    def enter_socket(self, one: Member, address: str) -> bool:
        """Counts a connection that has become a socket; False where there is no room for it."""
        entered = self.has_room_for_socket() and self.enter(one, address)
        if entered:
            self._sockets.add(one)
        return entered

    def enter(self, one: Member, address: str) -> bool:
        """Counts a connection; False where there is no room for it."""
        if self._counted(address) and self._by_address[address] >= self._address_connections_max:
            return False
        if len(self._all) >= self._connections_max and not self._make_room():
            return False
        self._all.add(one)
        self._by_address[address] += 1
        self._tell(len(self._all))
        return True

    def leave(self, one: Member, address: str) -> None:
        if one not in self._all:
            return
        self._all.remove(one)
        self._sockets.discard(one)
        self._waiting.pop(one, None)
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
        self._tell(len(self._all))

    def wait(self, one: Member) -> None:
        """It is between two requests, or before its first."""
        if one in self._all:
            self._waiting[one] = None

    def work(self, one: Member) -> None:
        self._waiting.pop(one, None)

    def _counted(self, address: str) -> bool:
        return address != self._trusted and not addresses.is_loopback(address)

    def _make_room(self) -> bool:
        oldest = next(iter(self._waiting), None)
        if oldest is None:
            return False
        oldest.drop()
        return True


class Guarded(HttpToolsProtocol):
    """uvicorn's HTTP protocol with a deadline for each head; `of` binds it to a crowd."""

    crowd: ClassVar[Crowd]
    head_seconds_max: ClassVar[float] = HEAD_SECONDS_MAX

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._head_due: asyncio.TimerHandle | None = None
        self._address = ""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._address = self.client[0] if self.client is not None else ""
        if not self.crowd.enter(self, self._address):
            transport.abort()
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._head_came()
        self.crowd.leave(self, self._address)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # The first bytes end the keep-alive pause; from then on the head has its deadline.
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is None or cycle.response_complete:
            self._await_head()
        super().data_received(data)

    def on_message_begin(self) -> None:
        # Behind a whole request in the same packet, too.
        self._await_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._head_came()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if not self.transport.is_closing() and self.cycle.response_complete:
            self.crowd.wait(self)

    def handle_websocket_upgrade(self) -> None:
        """The socket's own protocol takes this one's place, on the transport and in the crowd."""
        self.crowd.leave(self, self._address)
        if self.crowd.has_room_for_socket():
            super().handle_websocket_upgrade()
        else:
            self.transport.abort()

    def drop(self) -> None:
        """Closes it at once, whatever it was about to say."""
        self._head_came()
        self.crowd.leave(self, self._address)
        self.transport.abort()

    def _await_head(self) -> None:
        self.crowd.wait(self)
        if self._head_due is None:
            self._head_due = self.loop.call_later(self.head_seconds_max, self.drop)

    def _head_came(self) -> None:
        self.crowd.work(self)
        if self._head_due is not None:
            self._head_due.cancel()
            self._head_due = None


class GuardedSocket(WebSocketsSansIOProtocol):
    """uvicorn's socket protocol, which ends in time when the peer has stopped to read."""

    crowd: ClassVar[Crowd]

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._end_due: asyncio.TimerHandle | None = None
        self._address = ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._address = self.client[0] if self.client is not None else ""
        if not self.crowd.enter_socket(self, self._address):
            self.drop()
        if (raw := transport.get_extra_info("socket")) is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, KERNEL_BYTES_MAX)

    def connection_lost(self, exc: Exception | None) -> None:
        self.crowd.leave(self, self._address)
        if self._end_due is not None:
            self._end_due.cancel()
        super().connection_lost(exc)

    async def run_asgi(self) -> None:
        if not self.conn.extensions:
            self.scope["extensions"][WIRE] = {"wire": self}
        await super().run_asgi()

    def is_writable(self) -> bool:
        """Whether the peer reads what it is sent; False for good once the socket is closing."""
        return self.writable.is_set() and self._is_open()

    def write(self, frames: bytes) -> None:
        """Whole frames; only while it is writable, and never waits."""
        self.transport.write(frames)

    async def until_writable(self) -> None:
        """Raises ConnectionError when the socket is closing."""
        while not self.is_writable():
            if not self._is_open():
                raise ConnectionAbortedError
            await self.writable.wait()

    async def send(self, message: Any) -> None:
        if message["type"] == "websocket.close":
            # Put behind what is buffered, even where the peer reads nothing of it any more.
            self.writable.set()
            self._end_soon()
        await super().send(message)

    def handle_cont(self, event: Frame) -> None:
        if self.close_sent:
            return
        super().handle_cont(event)
        if len(self.frames) > FRAGMENTS_MAX:
            self.frames = []
            self.conn.fail(TOO_MUCH, f"at most {FRAGMENTS_MAX} fragments")
            self.handle_parser_exception()

    def handle_ping(self) -> None:
        super().handle_ping()
        if self.transport.get_write_buffer_size() > UNREAD_BYTES_MAX:
            self.drop()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._end_soon()

    def handle_parser_exception(self) -> None:
        super().handle_parser_exception()
        self._end_soon()

    def shutdown(self) -> None:
        super().shutdown()
        self._end_soon()

    def drop(self) -> None:
        """Closes it at once, whatever it was about to say."""
        self.transport.abort()

    def _is_open(self) -> bool:
        return self.conn.state is State.OPEN and not self.transport.is_closing()

    def _end_soon(self) -> None:
        if self._end_due is None:
            self._end_due = self.loop.call_later(CLOSE_SECONDS_MAX, self.drop)


def serving(crowd: Crowd, head_seconds_max: float = HEAD_SECONDS_MAX) -> dict[str, Any]:
    """uvicorn's settings for what is between the network and the app."""
    http = {"crowd": crowd, "head_seconds_max": head_seconds_max}
    return {
        "http": type("Bound", (Guarded,), http),
        "ws": type("BoundSocket", (GuardedSocket,), {"crowd": crowd}),
        "ws_max_size": FRAME_BYTES_MAX,
        "ws_ping_interval": PING_SECONDS,
        "ws_ping_timeout": PONG_SECONDS_MAX,
        # Events are short, and a compressor per socket is not.
        "ws_per_message_deflate": False,
    }
