"""The policy contract as whoever serves it is asked: people of three roles, and their sockets."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close

PREFIX = "/api/mcp/policy"
SOON_SECONDS = 10.0
QUIET_SECONDS = 0.6
BODY_BYTES_TOO_MANY = (16 << 20) + 1

RULE: dict[str, Any] = {
    "id": "sysctl",
    "when": {"kpiId": "kernel_sysctl", "severity": ["medium", "high"]},
    "action": "kernel_sysctl.apply",
    "params": {},
    "limits": {"maxDailyPct": 1.5},
    "autoExecute": True,
    "autoSuggest": True,
}
# As the document's clients write it: everything in it, and nothing else.
WHOLE_RULE: dict[str, Any] = {
    **RULE,
    "id": "whole",
    "params": {"deltaPct": {"warn": 1, "crit": 3}},
    "limits": {"maxDailyPct": 3, "maxWeeklyPct": 7, "maxDailyQty": 2000},
    "window": {"days": [1, 2, 3, 4, 5], "start": "08:00", "end": "18:00"},
    "approval": {"required": True, "roles": ["manager", "admin"], "bypassIfSeverity": "crit"},
}
ALERT: dict[str, Any] = {
    "id": "test",
    "kpiId": "kernel_sysctl",
    "title": "Test",
    "message": "Test",
    "severity": "medium",
}


@dataclass(frozen=True)
class Listening:
    """An open socket that has said hello."""

    connection: ClientConnection
    hello: dict[str, Any]

    async def next(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(await soon(self.connection.recv()))
        return told

    async def silent(self) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.connection.recv(), QUIET_SECONDS)
            return False
        return True


@dataclass(frozen=True)
class Served:
    """Who serves the contract on a loopback port; `headers` are what each role shows."""

    port: int
    headers: Mapping[str, Mapping[str, str]]
    admin: httpx2.AsyncClient
    manager: httpx2.AsyncClient
    reader: httpx2.AsyncClient

    @asynccontextmanager
    async def listening(self, role: str = "reader", query: str = "") -> AsyncIterator[Listening]:
        address = f"ws://127.0.0.1:{self.port}{PREFIX}/ws{query}"
        origin: Any = f"http://127.0.0.1:{self.port}"
        async with connect(
            address, origin=origin, additional_headers=dict(self.headers[role]), proxy=None
        ) as connection:
            yield Listening(connection, json.loads(await soon(connection.recv())))


@asynccontextmanager
async def served(port: int, headers: Mapping[str, Mapping[str, str]]) -> AsyncIterator[Served]:
    """`headers` by role: reader, manager, admin."""
    async with contextlib.AsyncExitStack() as stack:
        clients = {}
        for role, shown in headers.items():
            client = httpx2.AsyncClient(
                base_url=f"http://127.0.0.1:{port}{PREFIX}", headers=dict(shown), timeout=30
            )
            clients[role] = await stack.enter_async_context(client)
        yield Served(port, headers, **clients)


def head_only(port: int, *headers: str) -> bytes:
    """The answer to the head of a write whose body would be too large."""
    lines = [
        f"POST {PREFIX}/create HTTP/1.1",
        "Host: localhost",
        "Content-Type: application/json",
        f"Content-Length: {BODY_BYTES_TOO_MANY}",
        *headers,
    ]
    with socket.create_connection(("127.0.0.1", port), timeout=SOON_SECONDS) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        return connection.recv(64)


async def soon(awaitable: Any) -> Any:
    return await asyncio.wait_for(awaitable, SOON_SECONDS)


async def closing(connection: ClientConnection) -> Close:
    """Reads until the server closes; the code and reason that it gave."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await soon(connection.recv())
    said = connection.protocol.close_rcvd
    assert said is not None, "the server went away without a word"
    return said


async def listed(client: httpx2.AsyncClient) -> list[dict[str, Any]]:
    answer = await client.get("/list")
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"ok", "data"}
    found: list[dict[str, Any]] = answer.json()["data"]
    return found


async def done(client: httpx2.AsyncClient, path: str, json: Any, **headers: str) -> httpx2.Response:
    """A write that must be taken."""
    answer = await client.post(path, json=json, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer
