"""Frames that no honest client sends, on a socket of the contract.

Whoever serves it runs in this process, so that what it keeps of them is seen.
"""

import asyncio
import contextlib
import gc
import json
import secrets
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
import pytest

from tests.harness.policy_contract import PREFIX, RULE, SOON_SECONDS, Served, done, soon
from wardline.policy import connections
from wardline.policy.live.client import Client

CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FLOOD_FRAMES = 60_000


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    masked: bool = True,
    reserved: int = 0,
    length: int | None = None,
) -> bytes:
    """One frame as RFC 6455 lays it out; `length` is declared in place of the true one."""
    size = len(payload) if length is None else length
    head = bytes([(0x80 if fin else 0) | reserved << 4 | opcode])
    bit = 0x80 if masked else 0
    if size < 126:
        head += bytes([bit | size])
    elif size < 1 << 16:
        head += bytes([bit | 126]) + struct.pack("!H", size)
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", size)
    if not masked:
        return head + payload
    key = secrets.token_bytes(4)
    return head + key + bytes(byte ^ key[at % 4] for at, byte in enumerate(payload))


class Raw:
    """A socket of the contract whose bytes are written by hand."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError):
            self.writer.write(data)
            await self.writer.drain()

    async def next(self) -> tuple[int, bytes]:
        """The opcode and payload of the server's next frame."""
        first, second = await soon(self.reader.readexactly(2))
        size = second
        if size == 126:
            (size,) = struct.unpack("!H", await soon(self.reader.readexactly(2)))
        assert not second & 0x80, "a server masks nothing"
        return first & 0x0F, await soon(self.reader.readexactly(size))

    async def end(self) -> int | None:
        """The code with which the server closes; None where it goes away without one."""
        try:
            while True:
                opcode, payload = await self.next()
                if opcode == CLOSE:
                    return int.from_bytes(payload[:2], "big")
        except (asyncio.IncompleteReadError, ConnectionError):
            return None


@asynccontextmanager
async def raw(served: Served, early: bytes = b"") -> AsyncIterator[Raw]:
    """Open, and past its hello; `early` goes out behind the handshake, before it is answered."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port, limit=1 << 20)
    lines = [
        f"GET {PREFIX}/ws HTTP/1.1",
        f"Host: 127.0.0.1:{served.port}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        f"Origin: http://127.0.0.1:{served.port}",
        *(f"{name}: {value}" for name, value in served.headers["reader"].items()),
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode() + early)
    made = Raw(reader, writer)
    try:
        if not early:
            assert b" 101 " in await soon(reader.readuntil(b"\r\n\r\n"))
            opcode, hello = await made.next()
            assert (opcode, json.loads(hello)["type"]) == (TEXT, "hello")
        yield made
    finally:
        writer.transport.abort()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def kept() -> dict[str, int]:
    """What this process holds: descriptors, tasks, listeners."""
    gc.collect()
    listeners = sum(isinstance(each, Client) for each in gc.get_objects())
    return {
        "descriptors": psutil.Process().num_fds(),
        "tasks": len(asyncio.all_tasks()),
        "listeners": listeners,
    }


@asynccontextmanager
async def nothing_left(served: Served) -> AsyncIterator[None]:
    """What happens in it leaves nothing behind, and a listener beside it hears of a write."""
    # The writer's own connection is open from here on, so that it is in both counts.
    await done(served.manager, "/create", RULE)
    async with served.listening() as other:
        before = kept()
        yield
        deadline = asyncio.get_running_loop().time() + SOON_SECONDS
        while any(now > before[name] for name, now in kept().items()):
            assert asyncio.get_running_loop().time() < deadline, (before, kept())
            await asyncio.sleep(0.05)
        await done(served.manager, "/create", RULE)
        told = await other.next()
        assert (told["type"], told["id"]) == ("updated", RULE["id"])


LONG = connections.FRAME_BYTES_MAX + 1
ENDED = [
    ("binary", frame(BINARY, b"ping"), {1003}),
    ("too long", frame(TEXT, b"x" * LONG), {1009}),
    ("said to be huge", frame(TEXT, length=1 << 62), {1009}),
    ("said to be negative", frame(TEXT, length=1 << 63), {1002, 1009}),
    ("too long in fragments", frame(TEXT, b"x" * 1_000, fin=False) + frame(0, b"x" * 100), {1009}),
    ("no UTF-8", frame(TEXT, b"\xff\xfe"), {1007}),
    ("half a surrogate", frame(TEXT, b"\xed\xa0\x80"), {1007}),
    ("no UTF-8 in fragments", frame(TEXT, b"\xc3", fin=False) + frame(0, b"\x28"), {1007}),
    ("continued from nothing", frame(CONTINUED, b"ping"), {1002}),
    ("begun twice", frame(TEXT, b"pi", fin=False) + frame(TEXT, b"ng"), {1002}),
    ("unmasked", frame(TEXT, b"ping", masked=False), {1002}),
    *((f"reserved bit {bit}", frame(TEXT, b"ping", reserved=bit), {1002}) for bit in (1, 2, 4)),
    *((f"opcode {code}", frame(code), {1002}) for code in (0x3, 0x7, 0xB, 0xF)),
    ("ping in fragments", frame(PING, b"a", fin=False), {1002}),
    ("ping too long", frame(PING, b"a" * 126), {1002}),
    ("close too short", frame(CLOSE, b"\x03"), {1002}),
    *(
        (f"close {code}", frame(CLOSE, struct.pack("!H", code)), {1002})
        for code in (0, 999, 1004, 1005, 1006, 2999, 5000, 65535)
    ),
    ("close without UTF-8", frame(CLOSE, struct.pack("!H", 1000) + b"\xff"), {1002, 1007}),
    ("fragments without end", frame(TEXT, fin=False) + frame(0, fin=False) * 5_000, {1008}),
    ("texts without end", frame(TEXT, b"ping") * 500, {1008}),
    ("bytes that are no frames", b"GET / HTTP/1.1\r\n\r\n" * 50, {1002, 1009}),
]


class HostileFramesSuite:
    """Over `served`, which is in this process."""

    async def test_each_ends_its_socket_and_no_other(self, served: Served) -> None:
        wrong = {}
        async with nothing_left(served):
            for name, sent, codes in ENDED:
                async with raw(served) as hostile:
                    await hostile.send(sent)
                    code = await hostile.end()
                if code not in codes:
                    wrong[name] = code
        assert wrong == {}

    async def test_frames_before_the_handshake_is_answered(
        self, served: Served, caplog: pytest.LogCaptureFixture
    ) -> None:
        async with nothing_left(served):
            for _, sent, _ in ENDED:
                async with raw(served, sent) as hostile:
                    with contextlib.suppress(ConnectionError):
                        await soon(hostile.reader.read(1 << 20))
        assert "Fatal error" not in caplog.text

    async def test_fragments_with_control_frames_in_between_are_one_message(
        self, served: Served
    ) -> None:
        async with nothing_left(served), raw(served) as honest:
            await honest.send(
                frame(TEXT, b"p", fin=False)
                + frame(PING, b"1")
                + frame(CONTINUED, b"in", fin=False)
                + frame(PONG, b"unasked")
                + frame(CONTINUED, fin=False)
                + frame(PING, b"2")
                + frame(CONTINUED, b"g")
            )
            heard = [await honest.next() for _ in range(3)]
            assert heard[:2] == [(PONG, b"1"), (PONG, b"2")]
            assert json.loads(heard[2][1]) == {"service": "policy", "type": "pong"}
            await honest.send(frame(CLOSE, struct.pack("!H", 3000)))
            assert await honest.end() == 3000

    async def test_a_frame_that_comes_byte_by_byte_is_read(self, served: Served) -> None:
        async with nothing_left(served), raw(served) as honest:
            for byte in frame(TEXT, b"ping"):
                await honest.send(bytes([byte]))
                await asyncio.sleep(0.005)
            assert json.loads((await honest.next())[1])["type"] == "pong"

    async def test_pings_whose_answers_nobody_reads_end_in_time(self, served: Served) -> None:
        """They are answered at once, so what the peer does not take is kept for it."""
        memory = psutil.Process().memory_info().rss
        async with nothing_left(served), raw(served) as hostile:
            hostile.writer.get_extra_info("socket").setsockopt(
                socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096
            )
            hostile.reader._transport.pause_reading()  # type: ignore[attr-defined]
            some = frame(PING, b"x" * 125) * 100
            ended = False
            for _ in range(FLOOD_FRAMES // 100):
                try:
                    hostile.writer.write(some)
                    await asyncio.wait_for(hostile.writer.drain(), SOON_SECONDS)
                except (ConnectionError, TimeoutError):
                    ended = True
                    break
                await asyncio.sleep(0)
            assert ended, "the server kept answers without end"
        assert psutil.Process().memory_info().rss - memory < 64 << 20

    @pytest.mark.parametrize("abruptly", [True, False])
    async def test_who_goes_away_in_the_middle_of_a_frame_is_forgotten(
        self, served: Served, abruptly: bool
    ) -> None:
        async with nothing_left(served):
            for _ in range(20):
                async with raw(served) as hostile:
                    await hostile.send(frame(TEXT, b"ping")[:3])
                    if abruptly:
                        hostile.writer.get_extra_info("socket").setsockopt(
                            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
                        )
                    else:
                        hostile.writer.write_eof()

    async def test_a_hundred_side_by_side_leave_nothing(self, served: Served) -> None:
        async def one(sent: bytes) -> None:
            async with places, raw(served) as hostile:
                await hostile.send(sent)
                await hostile.end()

        # Fewer than one person may have open.
        places = asyncio.Semaphore(12)
        sent = [each[1] for each in ENDED]
        # As many at once take their connections to the database, which stay in its pool.
        await asyncio.gather(*(one(sent[at % len(sent)]) for at in range(24)))
        async with nothing_left(served):
            await asyncio.gather(*(one(sent[at % len(sent)]) for at in range(100)))
