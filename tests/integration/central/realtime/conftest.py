"""Central on real sockets: uvicorn as the web process runs it, an announcer, websocket clients."""

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Close

from tests.harness.appliance import Appliance, issue_token
from tests.integration.central.conftest import (
    FAST_HASHER,
    LOG_KEY,
    Database,
    Tenant,
    make_user,
    sign_in,
    web_settings,
)
from wardline.central import app
from wardline.central.database import engine
from wardline.central.database.engine import Raw
from wardline.central.identity.passwords import Passwords
from wardline.central.identity.permissions import Role
from wardline.central.identity.server_keys import ServerKeys
from wardline.central.jobs.announce import Announcer
from wardline.central.realtime.hub import Hub
from wardline.core import clock
from wardline.policy import connections
from wardline.policy.connections import Crowd
from wardline.policy.live.seats import Limits

ANSWER_SECONDS_MAX = 30.0
SOON_SECONDS = 5.0
QUIET_SECONDS = 0.6
SEND_BUFFER_BYTES = 8 * 1024


@dataclass
class Server:
    """One web process's worth of Central."""

    web: FastAPI
    port: int
    crowd: Crowd
    uvicorn: uvicorn.Server

    @property
    def hub(self) -> Hub:
        found: Hub = self.web.state.hub
        return found

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def sockets(self) -> int:
        return len(self.crowd._sockets)


@dataclass
class Person:
    """Somebody who is signed in in a browser."""

    server: Server
    browser: httpx2.AsyncClient
    user_id: str
    headers: dict[str, str] = field(default_factory=dict)

    @asynccontextmanager
    async def listening(
        self, path: str = "/api/v1/live", query: str = "", **changes: Any
    ) -> AsyncIterator["Listening"]:
        async with opened(self.server, path + query, headers=self.headers, **changes) as connection:
            yield Listening(connection, json.loads(await soon(connection.recv())))


@dataclass
class Listening:
    """An open socket that has said hello."""

    connection: ClientConnection
    hello: dict[str, Any]

    async def next(self) -> dict[str, Any]:
        return json.loads(await soon(self.connection.recv()))

    async def until(self, kind: str) -> dict[str, Any]:
        """The next event of this kind."""
        while (frame := await self.next()).get("kind") != kind:
            pass
        return frame

    async def silent(self) -> bool:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.connection.recv(), QUIET_SECONDS)
            return False
        return True


async def closing(connection: ClientConnection) -> Close:
    """Reads until the server closes; the code and reason that it gave."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await soon(connection.recv())
    said = connection.protocol.close_rcvd
    assert said is not None, "the server went away without a word"
    return said


async def soon(awaitable: Any) -> Any:
    return await asyncio.wait_for(awaitable, SOON_SECONDS)


def opened(
    server: Server, path: str, *, headers: dict[str, str] | None = None, **changes: Any
) -> AbstractAsyncContextManager[ClientConnection]:
    given = {"origin": server.origin, "proxy": None, **changes}
    address = f"ws://127.0.0.1:{server.port}{path}"
    return connect(address, additional_headers=headers or {}, **given)


async def write(raw: Raw, tenant: Tenant, count: int = 1, kind: str = "site.changed") -> None:
    """Rows of the change log, in one transaction."""
    await raw.execute(
        "INSERT INTO change_log (partner_id, site_id, kind, subject)"
        " SELECT $1, $2, $3, rpad(n::text, 100, 'x') FROM generate_series(1, $4) n",
        *(tenant.partner_id, tenant.site_id, kind, count),
    )


Serve = Callable[..., AbstractAsyncContextManager[Server]]


@pytest.fixture
def serve(database: Database, owner: Raw, tmp_path: Path) -> Serve:
    """Starts one more web process's worth, on a pool and a port of its own."""

    @asynccontextmanager
    async def serving(limits: Limits | None = None, **crowd: int) -> AsyncIterator[Server]:
        settings = web_settings(backups=tmp_path / "backups").model_copy(
            update={"app_dsn": database.app}
        )
        await owner.execute(
            "INSERT INTO installation (id) VALUES ($1) ON CONFLICT DO NOTHING",
            settings.installation_id,
        )
        keys = ServerKeys.of(
            settings.installation_id, b"u" * 32, b"p" * 32, b"o" * 32, LOG_KEY.public, None
        )
        pool = engine.create(database.app)
        web = app.create(settings, pool, keys, passwords=Passwords(FAST_HASHER))
        web.state.hub = Hub(pool, limits)
        people = Crowd(**crowd)
        config = uvicorn.Config(
            web, log_level="critical", access_log=False, **connections.serving(people)
        )
        server = uvicorn.Server(config)
        bound = socket.create_server(("127.0.0.1", 0))
        # What a peer does not read is soon more than the system keeps for it.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        task = asyncio.create_task(server.serve([bound]))
        while not server.started:
            await asyncio.sleep(0.01)
        try:
            yield Server(web, bound.getsockname()[1], people, server)
        finally:
            server.should_exit = True
            await task

    return serving


@pytest.fixture
async def server(serve: Serve) -> AsyncIterator[Server]:
    async with serve() as made:
        yield made


@pytest.fixture
async def announcing(jobs_engine: AsyncEngine) -> AsyncIterator[None]:
    """The jobs process's part, at its own pace."""
    announcer = Announcer(jobs_engine, clock.system)

    async def rounds() -> None:
        while True:
            await announcer.announce()
            await asyncio.sleep(0.1)

    task = asyncio.create_task(rounds())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


People = Callable[..., AbstractAsyncContextManager[Person]]


@pytest.fixture
def person(owner: Raw) -> People:
    """Signs somebody in."""

    @asynccontextmanager
    async def signed_in(
        server: Server, tenant: Tenant, role: Role = Role.OWNER, *, must_change: bool = False
    ) -> AsyncIterator[Person]:
        async with httpx2.AsyncClient(
            base_url=server.origin, headers={"X-Wardline": "1"}, timeout=ANSWER_SECONDS_MAX
        ) as browser:
            email = await make_user(owner, tenant.partner_id, role, must_change=must_change)
            said = await sign_in(browser, email)
            cookie = f"wardline={browser.cookies['wardline']}"
            yield Person(server, browser, said["user"]["id"], {"cookie": cookie})

    return signed_in


@pytest.fixture
async def somebody(server: Server, person: People, tenant: Tenant) -> AsyncIterator[Person]:
    """The owner of `tenant`."""
    async with person(server, tenant) as made:
        yield made


@pytest.fixture
async def appliance(server: Server, owner: Raw, tenant: Tenant) -> AsyncIterator[Appliance]:
    async with httpx2.AsyncClient(base_url=server.origin, timeout=ANSWER_SECONDS_MAX) as client:
        made = Appliance(client)
        answer = await made.enrol(await issue_token(owner, tenant))
        assert answer.status_code == 200, answer.text
        yield made
