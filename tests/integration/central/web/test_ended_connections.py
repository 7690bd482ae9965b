"""The server's last word, that it ends, between two statements.

Its end of the connection has not come yet, and the driver's state machine refuses the next
statement with an error of its own.
"""

import struct
from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.integration.central.conftest import Tenant
from wardline.central.database.scope import Actor, ActorKind, Scope
from wardline.central.database.session import Session, open_session
from wardline.central.web import problems

ONE = text("SELECT 1 AS one")
# https://www.postgresql.org/docs/current/protocol-error-fields.html
LAST_WORD = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to unexpected exit\0\0"


def say_last_word(session: Session) -> None:
    session.raw._protocol.data_received(  # type: ignore[attr-defined]
        b"E" + struct.pack(">I", len(LAST_WORD) + 4) + LAST_WORD
    )


@pytest.fixture
async def caller(app_engine: AsyncEngine, tenant: Tenant) -> AsyncIterator[httpx2.AsyncClient]:
    """Of two routes whose server ends: before a statement, and before the commit."""
    app = FastAPI()
    scope, actor = Scope.partner(tenant.partner_id), Actor(ActorKind.SYSTEM, "test")

    @app.get("/statement")
    async def statement() -> None:
        async with open_session(app_engine, scope, actor) as session:
            say_last_word(session)
            await session.rows(ONE)

    @app.get("/commit")
    async def commit() -> None:
        async with open_session(app_engine, scope, actor) as session:
            say_last_word(session)

    @app.get("/well")
    async def well() -> int:
        async with open_session(app_engine, scope, actor) as session:
            return len(await session.rows(ONE))

    problems.install(app)
    # An error that gets past the app's own answers would end the caller's connection, and is raised
    # here.
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=True)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as made:
        yield made


@pytest.mark.parametrize("path", ["/statement", "/commit"])
async def test_a_caller_is_asked_to_come_again_and_the_next_has_a_good_connection(
    caller: httpx2.AsyncClient, path: str
) -> None:
    answer = await caller.get(path)
    assert answer.status_code == 503, answer.text
    assert answer.json()["code"] == "busy"
    assert answer.headers["retry-after"] == "1"
    assert (await caller.get("/well")).json() == 1
