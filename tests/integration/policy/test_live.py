"""Sockets of a server on a policy file: who stalls is dropped, who comes in numbers is told."""

import asyncio
import json
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fastapi import WebSocket
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.asyncio.client import connect

from tests.harness.policy_contract import PREFIX, RULE, Served, done, soon
from tests.harness.policy_contract import closing as closed
from tests.integration.policy.conftest import TOKENS, Serve
from wardline.policy import problems
from wardline.policy.connections import GuardedSocket
from wardline.policy.file import book
from wardline.policy.live.seats import Limits
from wardline.policy.standalone import routes

RECEIVE_BUFFER_BYTES = 4 * 1024
LONG = "x" * 120
EVENTS_MAX = 1_000


async def test_08_a_stalled_client_is_dropped_and_delays_nobody(
    serve: Serve, policy_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stalled one never reads: what the system holds for it is soon full, then its queue."""
    monkeypatch.setattr(routes, "LIMITS", Limits(frames_max=500, send_seconds_max=60))
    async with serve() as served:
        with _stalled(served) as stalled:
            async with served.listening("manager") as steady:
                for turn in range(10):
                    names = [f"{turn}-{number:04}{LONG}" for number in range(300)]
                    await asyncio.to_thread(_commit, policy_file, names)
                    assert await _heard(steady, len(names)) == names
            assert await asyncio.to_thread(_end_of, stalled) == 1013


@pytest.mark.parametrize("is_wired", [True, False], ids=["our sockets", "any server's sockets"])
async def test_who_stops_reading_has_whole_frames_in_order_and_then_the_reason(
    serve: Serve, policy_file: Path, monkeypatch: pytest.MonkeyPatch, is_wired: bool
) -> None:
    """Told one after another, until the server gives it up; then it reads all that is there."""
    monkeypatch.setattr(routes, "LIMITS", Limits(frames_max=10, send_seconds_max=60))
    monkeypatch.setattr(book, "WATCH_SECONDS", 0.005)
    if not is_wired:
        monkeypatch.setattr(GuardedSocket, "run_asgi", WebSocketsSansIOProtocol.run_asgi)
    ended, written = asyncio.Event(), 0
    close, write = problems.close_socket, GuardedSocket.write

    def counted(self: GuardedSocket, frames: bytes) -> None:
        nonlocal written
        written += 1
        write(self, frames)

    async def noted(websocket: WebSocket, code: int, reason: str = "") -> None:
        await close(websocket, code, reason)
        ended.set()

    monkeypatch.setattr(problems, "close_socket", noted)
    monkeypatch.setattr(GuardedSocket, "write", counted)
    names: list[str] = []
    async with serve() as served:
        with _stalled(served) as stalled:
            async with served.listening("manager") as steady:
                while not ended.is_set():
                    names.append(f"{len(names):04}{LONG * 60}")
                    assert len(names) < EVENTS_MAX, "it is never given up"
                    await asyncio.to_thread(_commit, policy_file, names[-1:])
                    assert await _heard(steady, 1) == names[-1:]
            received = await asyncio.to_thread(_all_of, stalled)
    assert bool(written) is is_wired
    (_, hello), *told, (opcode, reason) = _frames(received)
    events = [json.loads(payload) for _, payload in told]
    assert [event["id"] for event in events] == names[: len(events)]
    first = json.loads(hello)["seq"] + 1
    assert [event["seq"] for event in events] == list(range(first, first + len(events)))
    assert (opcode, int.from_bytes(reason[:2], "big")) == (8, 1013)
    assert reason[2:] == b"frames were not read in time"


async def test_so_many_sockets_and_one_more(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "LIMITS", Limits(user_sockets_max=2))
    async with serve() as served:
        address = f"ws://127.0.0.1:{served.port}{PREFIX}/ws"
        headers = {"authorization": f"Bearer {TOKENS['reader']}"}
        async with served.listening(), served.listening():
            async with connect(address, additional_headers=headers, proxy=None) as third:
                assert (await closed(third)).code == 4429
            async with served.listening("manager") as other:
                assert other.hello["type"] == "hello"
        async with served.listening() as again:
            assert again.hello["type"] == "hello"


@pytest.mark.parametrize("query", ["?since=-1", "?since=x", "?epoch=" + "e" * 65])
async def test_a_query_that_says_nothing_is_no_socket(served: Served, query: str) -> None:
    address = f"ws://127.0.0.1:{served.port}{PREFIX}/ws{query}"
    async with connect(address, additional_headers=served.headers["reader"], proxy=None) as live:
        assert (await closed(live)).code == 4422


async def test_a_gap_that_is_too_long_is_told(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes, "LIMITS", Limits(replay_rows_max=3))
    async with serve() as served:
        async with served.listening() as live:
            epoch = live.hello["epoch"]
        for number in range(4):
            await done(served.manager, "/create", RULE | {"id": f"r{number}"})
        for since, recovered in ((0, False), (1, True)):
            async with served.listening(query=f"?since={since}&epoch={epoch}") as again:
                assert again.hello["recovered"] is recovered


def _commit(path: Path, names: list[str]) -> None:
    """Events of another process, which has the same file open."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.executemany(
            "INSERT INTO changes (kind, subject, payload, at) VALUES ('policy.created', ?, ?, '')",
            ((name, json.dumps({"id": name})) for name in names),
        )


async def _heard(steady, count: int) -> list[str]:
    return [json.loads(await soon(steady.connection.recv()))["id"] for _ in range(count)]


def _stalled(served: Served) -> socket.socket:
    """A socket that has asked to listen and reads nothing."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
    raw.connect(("127.0.0.1", served.port))
    raw.sendall(
        "\r\n".join(
            [
                f"GET {PREFIX}/ws HTTP/1.1",
                f"Host: 127.0.0.1:{served.port}",
                f"Authorization: Bearer {TOKENS['reader']}",
                "Connection: Upgrade",
                "Upgrade: websocket",
                "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                "",
                "",
            ]
        ).encode()
    )
    return raw


def _end_of(stalled: socket.socket) -> int:
    """Reads all that was kept for it; the code of the close frame at the end of that."""
    received = _all_of(stalled)
    at = received.rfind(b"\x88")
    assert at >= 0, "the server went away without a word"
    return int.from_bytes(received[at + 2 : at + 4], "big")


def _all_of(stalled: socket.socket) -> bytes:
    """Reads until the server has closed."""
    stalled.settimeout(10)
    received = b""
    while chunk := stalled.recv(1 << 16):
        received += chunk
    return received


def _frames(received: bytes) -> Iterator[tuple[int, bytes]]:
    """Opcode and payload of what came behind the handshake; nothing may be left over."""
    at = received.index(b"\r\n\r\n") + 4
    while at < len(received):
        size, begin = received[at + 1], at + 2
        if size == 126:
            size, begin = int.from_bytes(received[at + 2 : at + 4], "big"), at + 4
        assert begin + size <= len(received), "the last frame is not whole"
        yield received[at] & 0x0F, received[begin : begin + size]
        at = begin + size
