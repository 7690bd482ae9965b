"""The policy's routes in an app on the application role, and people of every role who call it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI, Request
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.integration.central.conftest import Tenant
from tests.integration.central.policies import backing
from tests.integration.central.policies.backing import PartnerBook, Place
from wardline.central.database.engine import Raw
from wardline.central.identity import access, tokens
from wardline.central.policies import endpoints
from wardline.central.policies.folders import Folders
from wardline.central.policies.shelf import Shelf
from wardline.central.web import body, problems
from wardline.central.web.load import Load
from wardline.core import clock, ids

SignIn = Callable[[Tenant, str], Awaitable[httpx2.AsyncClient]]


@pytest.fixture
def folders(tmp_path: Path) -> Folders:
    """Where the partners' backups lie."""
    return Folders(tmp_path / "backups", clock.system)


@pytest.fixture
async def sign_in(app_engine: AsyncEngine, owner: Raw, folders: Folders) -> AsyncIterator[SignIn]:
    """Gives a client that speaks as a new person of a partner, in a role."""
    app = FastAPI()
    app.state.engine = app_engine
    app.state.now = clock.system
    app.state.policy_shelf = Shelf()
    app.state.policy_backups = folders
    for router in (endpoints.router, endpoints.backup_router):
        access.guard(router)
        app.router.routes.extend(router.routes)
    problems.install(app)
    app.add_middleware(
        body.BodyGate,
        load=Load(),
        admit=lambda scope: access.admit(Request(scope)),
        public=frozenset(),
    )
    opened: list[httpx2.AsyncClient] = []

    async def client(tenant: Tenant, role: str) -> httpx2.AsyncClient:
        made = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app=app),
            base_url="http://central/api/mcp/policy",
            headers={"authorization": f"Bearer {await _session(owner, tenant, role)}"},
        )
        opened.append(made)
        return made

    yield client
    for each in opened:
        await each.aclose()


@pytest.fixture
async def admin(sign_in: SignIn, tenant: Tenant) -> httpx2.AsyncClient:
    return await sign_in(tenant, "owner")


@pytest.fixture(params=["partner", "file"])
async def place(
    request: pytest.FixtureRequest,
    admin: httpx2.AsyncClient,
    owner: Raw,
    tenant: Tenant,
    folders: Folders,
    tmp_path: Path,
) -> AsyncIterator[Place]:
    """Each store in turn, as backups see it."""
    if request.param == "file":
        async with backing.standalone(tmp_path / "standalone") as made:
            yield made
    else:
        admin.base_url = httpx2.URL("http://central")
        book = PartnerBook(owner, tenant.partner_id)
        yield Place(admin, folders.of(tenant.partner_id), book)


@pytest.fixture
async def manager(sign_in: SignIn, tenant: Tenant) -> httpx2.AsyncClient:
    return await sign_in(tenant, "manager")


async def _session(owner: Raw, tenant: Tenant, role: str) -> str:
    user_id, secret = ids.user(), tokens.make()
    await owner.execute(
        "INSERT INTO users (id, partner_id, email, name, role, password_hash)"
        " VALUES ($1, $2, $3, 'Somebody', $4, '-')",
        *(user_id, tenant.partner_id, f"{user_id}@example.org", role),
    )
    await owner.execute(
        "INSERT INTO sessions (id, partner_id, user_id, kind, token_hash, expires_at)"
        " VALUES ($1, $2, $3, 'local', $4, $5)",
        *(ids.new("sess"), tenant.partner_id, user_id, tokens.digest(secret)),
        datetime.now(UTC) + timedelta(hours=1),
    )
    return secret
