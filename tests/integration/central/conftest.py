"""One PostgreSQL for the whole run, a migrated template, a clone of it for each test module."""

import asyncio
import base64
import secrets
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import argon2
import asyncpg
import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from wardline.central import app
from wardline.central.database import embedded, engine, migrate, roles
from wardline.central.database.engine import Raw
from wardline.central.identity.passwords import Passwords
from wardline.central.identity.permissions import Role
from wardline.central.identity.server_keys import ServerKeys
from wardline.central.settings import Transport, WebSettings
from wardline.core import clock, ids
from wardline.core.evidence.signing import SigningKey

TEMPLATE = "wardline_template"
DROP_SECONDS_MAX = 60.0
DROP_PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Cluster:
    """The running server and the passwords of its roles."""

    server: embedded.Server
    passwords: roles.Passwords

    def owner(self, database: str) -> str:
        return self.server.dsn(embedded.OWNER, self.passwords.owner, database)


@dataclass(frozen=True, slots=True)
class Database:
    """The addresses of one cloned database, by role."""

    name: str
    owner: str
    app: str
    jobs: str


@dataclass(frozen=True, slots=True)
class Tenant:
    """A partner with one site, as the owner put them there."""

    partner_id: str
    site_id: str


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Unsynced, because nothing here outlives the run; `template` holds the migrated schema."""
    root = tmp_path_factory.mktemp("pg")
    passwords = roles.Passwords(*(secrets.token_urlsafe(12) for _ in range(3)))
    server = embedded.start(root / "postgres", root / "postgres.log", passwords.owner, sync=False)
    try:
        cluster = Cluster(server, passwords)
        asyncio.run(_make_template(cluster))
        yield cluster
    finally:
        server.stop()


async def _make_template(cluster: Cluster) -> None:
    await execute(cluster.owner("postgres"), f"CREATE DATABASE {TEMPLATE}")
    await migrate.run(cluster.owner(TEMPLATE))
    await roles.allow_logins(cluster.owner(TEMPLATE), cluster.passwords)


async def execute(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


async def drop(cluster: Cluster, name: str) -> None:
    """Ends whoever is connected. An autovacuum worker, which only a superuser may end, is waited
    for."""
    deadline = time.monotonic() + DROP_SECONDS_MAX
    while True:
        try:
            await execute(cluster.owner("postgres"), f"DROP DATABASE {name} WITH (FORCE)")
        except asyncpg.InsufficientPrivilegeError:
            assert time.monotonic() < deadline, f"somebody else stays connected to {name}"
            await asyncio.sleep(DROP_PAUSE_SECONDS)
        else:
            return


def clone(cluster: Cluster, template: str = TEMPLATE) -> Database:
    """A fresh database with the addresses of its three roles."""
    name = f"test_{secrets.token_hex(6)}"
    asyncio.run(execute(cluster.owner("postgres"), f"CREATE DATABASE {name} TEMPLATE {template}"))
    # A clone has not its template's grants; the runner takes PUBLIC's back at every start.
    asyncio.run(migrate.run(cluster.owner(name)))
    return Database(
        name,
        cluster.owner(name),
        cluster.server.dsn(engine.APP_ROLE, cluster.passwords.app, name),
        cluster.server.dsn(engine.JOBS_ROLE, cluster.passwords.jobs, name),
    )


@pytest.fixture(scope="module")
def database(cluster: Cluster) -> Iterator[Database]:
    """A clone of the migrated template for this module."""
    made = clone(cluster)
    yield made
    asyncio.run(drop(cluster, made.name))


@pytest.fixture
async def app_engine(database: Database) -> AsyncIterator[AsyncEngine]:
    """The pool of the role that row security binds."""
    made = engine.create(database.app)
    yield made
    await made.dispose()


@pytest.fixture
async def jobs_engine(database: Database) -> AsyncIterator[AsyncEngine]:
    """The pool of the jobs role."""
    made = engine.create(database.jobs)
    yield made
    await made.dispose()


@pytest.fixture
async def owner(database: Database) -> AsyncIterator[Raw]:
    """The owner, to set a scene and to look behind the row security; never what is tested."""
    connection = await asyncpg.connect(database.owner)
    yield connection
    await connection.close()


@pytest.fixture
async def tenant(owner: Raw) -> Tenant:
    """A partner with one site."""
    return await make_tenant(owner)


@pytest.fixture
async def other_tenant(owner: Raw) -> Tenant:
    """Another partner with a site of its own."""
    return await make_tenant(owner)


async def make_tenant(owner: Raw) -> Tenant:
    made = Tenant(ids.partner(), ids.site())
    await owner.execute(
        "INSERT INTO partners (id, name) VALUES ($1, $2)", made.partner_id, "Partner"
    )
    await owner.execute(
        "INSERT INTO sites (id, name, partner_id, zone) VALUES ($1, 'Clinic', $2, 'Europe/Berlin')",
        made.site_id,
        made.partner_id,
    )
    return made


# A cheap hash: these tests are about who gets in, not about how dear a guess is.
FAST_HASHER = argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
LOG_KEY = SigningKey.from_seed(b"l" * 32)
PASSWORD = "correct horse battery staple"


class Moment:
    """A clock that stands until it is moved; starts at the true time, which the database has."""

    def __init__(self) -> None:
        self.value = clock.system()

    def __call__(self) -> datetime:
        return self.value

    def advance(self, seconds: float) -> None:
        self.value += timedelta(seconds=seconds)


@pytest.fixture
def moment() -> Moment:
    """The app's clock."""
    return Moment()


# A place where no folder can be made: who makes backups says where.
NOWHERE = Path("/dev/null/backups")


def web_settings(
    transport: Transport = Transport.LOOPBACK, *, backups: Path = NOWHERE
) -> WebSettings:
    """What a supervisor would give, as far as the app looks at it."""
    return WebSettings(
        app_dsn="postgresql://unused",
        backups=backups,
        listen_fd=0,
        tally_fd=0,
        url="http://127.0.0.1:8000",
        transport=transport,
        installation_id="inst_01m7yqa8rfrfh4jtzm13pve510",
        uplink_key=base64.b64encode(b"u" * 32).decode(),
        policy_key=base64.b64encode(b"p" * 32).decode(),
        order_key=base64.b64encode(b"o" * 32).decode(),
        log_public=base64.b64encode(LOG_KEY.public).decode(),
    )


@pytest.fixture
async def web(app_engine: AsyncEngine, owner: Raw, moment: Moment, tmp_path: Path) -> FastAPI:
    """The whole app as it is wired, on the application role's pool."""
    settings = web_settings(backups=tmp_path / "backups")
    await owner.execute(
        "INSERT INTO installation (id) VALUES ($1) ON CONFLICT DO NOTHING",
        settings.installation_id,
    )
    keys = ServerKeys.of(
        settings.installation_id, b"u" * 32, b"p" * 32, b"o" * 32, LOG_KEY.public, None
    )
    return app.create(settings, app_engine, keys, now=moment, passwords=Passwords(FAST_HASHER))


@asynccontextmanager
async def browser_of(web: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser with a cookie jar and the dashboard's header."""
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=web),
        base_url="http://127.0.0.1",
        headers={"X-Wardline": "1"},
    ) as made:
        yield made


@pytest.fixture
async def browser(web: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser in which nobody is signed in."""
    async with browser_of(web) as made:
        yield made


async def make_user(
    owner: Raw, partner_id: str, role: Role = Role.OWNER, *, must_change: bool = False
) -> str:
    """A user with PASSWORD; gives the e-mail address."""
    user_id = ids.user()
    email = f"{user_id}@example.com"
    await owner.execute(
        "INSERT INTO users (id, partner_id, email, name, role, password_hash,"
        " must_change_password) VALUES ($1, $2, $3, 'Somebody', $4, $5, $6)",
        *(user_id, partner_id, email, role.value, FAST_HASHER.hash(PASSWORD), must_change),
    )
    return email


async def sign_in(browser: httpx2.AsyncClient, email: str, password: str = PASSWORD) -> Any:
    """Who signed in; fails the test where the answer is no."""
    answer = await browser.post("/api/v1/session", json={"email": email, "password": password})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
async def signed_in(browser: httpx2.AsyncClient, owner: Raw, tenant: Tenant) -> httpx2.AsyncClient:
    """The browser of `tenant`'s owner."""
    await sign_in(browser, await make_user(owner, tenant.partner_id))
    return browser
