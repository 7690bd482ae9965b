"""The appliance's routes in an app on the application role, and an enrolled appliance."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.harness.appliance import Appliance, issue_token
from tests.integration.central.conftest import Tenant
from wardline.central.database.engine import Raw
from wardline.central.identity.server_keys import ServerKeys
from wardline.central.uplink import endpoints
from wardline.central.web import body, problems
from wardline.core import clock
from wardline.core.evidence.signing import SigningKey

LOG_KEY = SigningKey.from_seed(b"l" * 32)


@pytest.fixture
def server_keys() -> ServerKeys:
    return ServerKeys.of("inst_1", b"u" * 32, b"p" * 32, LOG_KEY.public, None)


@pytest.fixture
async def client(
    app_engine: AsyncEngine, server_keys: ServerKeys
) -> AsyncIterator[httpx2.AsyncClient]:
    app = FastAPI()
    app.state.engine = app_engine
    app.state.server_keys = server_keys
    app.state.now = clock.system
    app.include_router(endpoints.router)
    problems.install(app)
    app.add_middleware(body.BodyGate)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://central") as made:
        yield made


@pytest.fixture
async def appliance(client: httpx2.AsyncClient, owner: Raw, tenant: Tenant) -> Appliance:
    made = Appliance(client)
    answer = await made.enrol(await issue_token(owner, tenant))
    assert answer.status_code == 200, answer.text
    return made
