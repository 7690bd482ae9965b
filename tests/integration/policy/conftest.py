"""Servers on policy files: in this process with tokens, and as the command starts them."""

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
import uvicorn

from tests.harness.policy_contract import Served
from tests.harness.policy_contract import served as serving
from wardline.policy import connections
from wardline.policy.connections import Crowd
from wardline.policy.standalone import app
from wardline.policy.standalone.settings import Settings

TOKENS = {"reader": "r" * 24, "manager": "m" * 24, "admin": "a" * 24}
SEND_BUFFER_BYTES = 8 * 1024

Serve = Callable[..., AbstractAsyncContextManager[Served]]


def token_line(name: str, role: str, token: str, until: str = "") -> str:
    return f"{name} {role} {hashlib.sha256(token.encode()).hexdigest()} {until}".rstrip() + "\n"


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """One token for each role, named like it."""
    path = tmp_path / "tokens"
    path.write_text("".join(token_line(role, role, token) for role, token in TOKENS.items()))
    return path


@pytest.fixture
def policy_file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "policies.db"


@pytest.fixture
def serve(policy_file: Path, token_file: Path) -> Serve:
    """Starts one more server on the file, on a port of its own."""

    @asynccontextmanager
    async def one(**changes: object) -> AsyncIterator[Served]:
        given = {"db": policy_file, "token_file": token_file, **changes}
        made = app.create(Settings(**given))  # type: ignore[arg-type]
        config = uvicorn.Config(
            made, log_level="critical", access_log=False, **connections.serving(Crowd())
        )
        server = uvicorn.Server(config)
        bound = socket.create_server(("127.0.0.1", 0))
        # What a peer does not read is soon more than the system keeps for it.
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        task = asyncio.create_task(server.serve([bound]))
        while not server.started:
            assert not task.done(), "the server did not start"
            await asyncio.sleep(0.01)
        headers = {
            role: {"authorization": f"Bearer {token}"} if given["token_file"] else {}
            for role, token in TOKENS.items()
        }
        try:
            async with serving(bound.getsockname()[1], headers) as ready:
                yield ready
        finally:
            server.should_exit = True
            await task

    return one


@pytest.fixture
async def served(serve: Serve) -> AsyncIterator[Served]:
    async with serve() as made:
        yield made


@pytest.fixture
async def beside(serve: Serve) -> AsyncIterator[Served]:
    """Another server on the same file."""
    async with serve() as made:
        yield made
