"""Callers that say half of what they begin, on real sockets: closed in time, and in nobody's way."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable

import pytest
import uvicorn
from fastapi import FastAPI

from wardline.policy import connections
from wardline.policy.connections import Crowd

HEAD_SECONDS = 0.3
HALF_HEAD = b"POST /api/v1/session HTTP/1.1\r\nHost: loc"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
EVIDENCE = (
    b"POST /api/agent/v1/evidence HTTP/1.1\r\nHost: localhost\r\n"
    b"Content-Type: application/json\r\nContent-Length: 4000000\r\n\r\n{"
)
SIGN_IN = EVIDENCE.replace(b"agent/v1/evidence", b"v1/session").replace(b"4000000", b"40")
CONNECTIONS_MAX = 40


@pytest.fixture
async def port(web: FastAPI, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """The app behind uvicorn, as the web process runs it, with short deadlines."""
    for middleware in web.user_middleware:
        if "load" in middleware.kwargs:
            middleware.kwargs["body_seconds_max"] = HEAD_SECONDS
    crowd = Crowd(connections_max=CONNECTIONS_MAX)
    config = uvicorn.Config(
        web,
        **connections.serving(crowd, HEAD_SECONDS),
        log_level="critical",
        access_log=False,
        lifespan="off",
    )
    server = uvicorn.Server(config)
    bound = socket.create_server(("127.0.0.1", 0))
    serving = asyncio.create_task(server.serve([bound]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield bound.getsockname()[1]
    server.should_exit = True
    await serving


async def answer_to(port: int, said: bytes) -> bytes:
    """What comes until the server closes; fails when it does not."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(said)
        try:
            return await asyncio.wait_for(reader.read(), HEAD_SECONDS * 10)
        except ConnectionResetError:
            return b""
    finally:
        writer.close()


@pytest.mark.parametrize("said", [b"", HALF_HEAD, b"\r\n"])
async def test_a_head_that_does_not_come_is_not_waited_for(port: int, said: bytes) -> None:
    assert await answer_to(port, said) == b""


async def test_a_second_head_has_a_deadline_too(port: int) -> None:
    said = await answer_to(port, HEALTH + HALF_HEAD)
    assert said.startswith(b"HTTP/1.1 200")


async def test_a_body_that_does_not_come_is_not_waited_for(port: int) -> None:
    said = await answer_to(port, SIGN_IN)
    assert said.startswith(b"HTTP/1.1 408")
    assert b"body_too_slow" in said


async def test_no_body_is_read_of_an_unknown_appliance(port: int) -> None:
    begun = asyncio.get_running_loop().time()
    said = await answer_to(port, EVIDENCE)
    assert said.startswith(b"HTTP/1.1 401")
    assert b"credential_refused" in said
    assert asyncio.get_running_loop().time() - begun < HEAD_SECONDS


@pytest.mark.parametrize("say", [HALF_HEAD, SIGN_IN])
async def test_a_crowd_that_waits_is_in_nobodys_way(port: int, say: bytes) -> None:
    crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CONNECTIONS_MAX - 2)]
    for _, writer in crowd:
        writer.write(say)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEALTH)
    assert (await asyncio.wait_for(reader.readline(), 2)).startswith(b"HTTP/1.1 200")
    for _, each in [*crowd, (reader, writer)]:
        each.close()


async def test_at_the_cap_the_longest_wait_makes_room(port: int) -> None:
    crowd = [await asyncio.open_connection("127.0.0.1", port) for _ in range(CONNECTIONS_MAX * 2)]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEALTH)
    assert (await asyncio.wait_for(reader.readline(), 2)).startswith(b"HTTP/1.1 200")
    for _, each in [*crowd, (reader, writer)]:
        each.close()


def guarded() -> Callable[[], connections.Guarded]:
    return lambda: connections.Guarded.__new__(connections.Guarded)


def test_one_address_has_its_share_and_the_proxy_has_them_all() -> None:
    make = guarded()
    crowd = Crowd("10.0.0.5", address_connections_max=2)
    assert [crowd.enter(make(), "198.51.100.7") for _ in range(3)] == [True, True, False]
    assert crowd.enter(make(), "198.51.100.8")
    assert all(crowd.enter(make(), "10.0.0.5") for _ in range(5))
    assert all(crowd.enter(make(), "127.0.0.1") for _ in range(5))
