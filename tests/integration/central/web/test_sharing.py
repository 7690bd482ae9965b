"""Who takes a new connection when several web processes wait at one socket, on real sockets."""

import asyncio
import contextlib
import os
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from wardline.central.identity import certificates
from wardline.central.web import sharing
from wardline.central.web.sharing import Entrance, NoPlace, Tally
from wardline.core import clock


class Door:
    """What one web process has of the shared socket: an entrance, and who came through it."""

    def __init__(
        self,
        listening: socket.socket,
        shared: int,
        place: int,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.open: list[asyncio.BaseTransport] = []
        self.tally = Tally(shared, place)
        self._listening = listening.dup()
        self._entrance = Entrance(self._listening, self.tally, self._protocol, tls)
        self._entrance.open()

    def close(self) -> None:
        self._entrance.close()
        self._listening.close()
        for transport in list(self.open):
            transport.close()

    def _protocol(self) -> asyncio.Protocol:
        door = self

        class Held(asyncio.Protocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self.transport = transport
                door.open.append(transport)
                door.tally.hold(len(door.open))
                transport.write(b"in")  # type: ignore[attr-defined]

            def connection_lost(self, exc: Exception | None) -> None:
                door.open.remove(self.transport)
                door.tally.hold(len(door.open))

        return Held()


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        yield bound


@pytest.fixture
def shared() -> Iterator[int]:
    descriptor = sharing.memory(2)
    yield descriptor
    os.close(descriptor)


async def _call(listening: socket.socket) -> asyncio.StreamWriter:
    reader, writer = await asyncio.open_connection(*listening.getsockname())
    assert await asyncio.wait_for(reader.read(2), 10) == b"in"
    return writer


async def test_callers_that_come_at_once_are_shared_out(listening, shared):
    doors = [Door(listening, shared, place) for place in range(2)]
    for _ in range(5):
        callers = await asyncio.gather(*(_call(listening) for _ in range(8)))
        assert [len(door.open) for door in doors] == [4, 4]
        for caller in callers:
            caller.close()
        while any(door.open for door in doors):
            await asyncio.sleep(0.01)
    for door in doors:
        door.close()


async def test_the_next_callers_go_to_the_process_that_lost_its_own(listening, shared):
    one, other = (Door(listening, shared, place) for place in range(2))
    callers = [await _call(listening) for _ in range(6)]
    for transport in list(other.open):
        transport.close()
    while other.open:
        await asyncio.sleep(0.01)
    callers += [await _call(listening) for _ in range(3)]
    assert (len(one.open), len(other.open)) == (3, 3)
    for caller in callers:
        caller.close()
    one.close()
    other.close()


async def test_a_process_that_is_down_holds_nobody_up(listening, shared):
    """Its place says that it holds nothing, and nobody comes for the callers left to it."""
    alone = Door(listening, shared, 1)
    began = asyncio.get_running_loop().time()
    callers = [await _call(listening) for _ in range(200)]
    seconds = asyncio.get_running_loop().time() - began
    assert len(alone.open) == 200
    # Stepping back for each of them would have taken as long as this.
    assert seconds < 200 * sharing.STEP_BACK_SECONDS
    for caller in callers:
        caller.close()
    alone.close()


async def test_a_caller_that_speaks_no_tls_is_counted_no_longer(listening, shared, tmp_path: Path):
    made = certificates.own(tmp_path, ["127.0.0.1"], clock.system)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(made.certificate, made.key)
    door = Door(listening, shared, 0, tls)
    other = Tally(shared, 1)
    other.hold(1)
    plain_reader, plain = await asyncio.open_connection(*listening.getsockname())
    plain.write(b"GET / HTTP/1.1\r\n\r\n")
    with contextlib.suppress(ConnectionResetError):
        await asyncio.wait_for(plain_reader.read(), 10)
    plain.close()
    trusting = ssl.create_default_context(cafile=made.authority)
    reader, writer = await asyncio.open_connection(*listening.getsockname(), ssl=trusting)
    assert await asyncio.wait_for(reader.read(2), 10) == b"in"
    assert len(door.open) == 1
    # One each: with the caller that failed still counted, this door would be ahead.
    assert not door.tally.is_ahead()
    writer.close()
    door.close()


def test_a_place_beyond_the_shared_memory_is_refused(shared):
    with pytest.raises(NoPlace):
        Tally(shared, 2)
