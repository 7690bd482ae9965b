"""One web process of Central on a PostgreSQL of its own, with a relay on either side of it."""

import asyncio
import base64
import secrets
import shutil
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import asyncpg
import psutil

from tests.harness import product
from tests.harness.wire import DatabaseRelay, HttpRelay
from wardline.central.children import Child
from wardline.central.database import embedded, engine, migrate, roles
from wardline.central.database import owner as database_owner
from wardline.central.database.engine import Raw
from wardline.central.jobs.checkpoints import Signer
from wardline.central.settings import Transport, WebSettings
from wardline.central.web import sharing
from wardline.core import clock, ids
from wardline.core.evidence.signing import SigningKey

INSTALLATION = "inst_01m7yqa8rfrfh4jtzm13pve510"
LOG_KEY = SigningKey.from_seed(b"l" * 32)


class Served:
    """Call it from the main thread: what it starts ends with that thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._passwords = roles.Passwords(*(secrets.token_urlsafe(12) for _ in range(3)))
        self._server = self._start_postgres()
        maintenance = self._dsn(embedded.OWNER, self._passwords.owner, "postgres")
        asyncio.run(database_owner.ensure_database(maintenance, embedded.DATABASE))
        asyncio.run(self._prepare())
        # A socket's path is short, and a test's folder may not be.
        self._sockets = Path(tempfile.mkdtemp(prefix="wardline-relay-"))
        self.database = DatabaseRelay(self._sockets, self._server.sockets)
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self._tally = sharing.memory(1)
        self.http = HttpRelay(self._listener.getsockname()[1])
        self._web: Child | None = None
        self.starts = 0

    def start_web(self) -> None:
        """A new web process, as the supervisor starts one, once it answers."""
        settings = self._settings().model_dump_json().encode()
        argv = [sys.executable, "-m", "wardline.central", "web"]
        log = self._folder / "web.log"
        self._web = Child("web", argv, settings, log, (self._listener.fileno(), self._tally))
        self._web.start()
        self._web.wait_until_ready()
        self.starts += 1

    def kill_web(self) -> None:
        """SIGKILL; returns when it is gone."""
        assert self._web is not None
        assert self._web.process is not None
        self._web.process.kill()
        self._web.process.wait()

    def web_ended(self) -> int | None:
        return None if self._web is None else self._web.ended()

    def kill_database(self) -> None:
        """SIGKILL to the postmaster and every process of it; returns when all are gone."""
        whole = product.kill_whole(psutil.Process(self._server.process.pid))
        self._server.process.wait()
        psutil.wait_procs(whole)

    def start_database(self) -> None:
        """The server again on what the killed one left."""
        self._server = self._start_postgres()

    async def owner(self) -> Raw:
        """The owner's connection, past the relay and past row security: to look, and to set up."""
        return await asyncpg.connect(self._dsn(embedded.OWNER, self._passwords.owner))

    async def sign(self) -> None:
        """The jobs process's part: a checkpoint for what has grown."""
        pool = engine.create(self._dsn(engine.JOBS_ROLE, self._passwords.jobs))
        last = self._folder / "last-signed.json"
        try:
            await Signer(pool, LOG_KEY, INSTALLATION, last, clock.system).sign_grown()
        finally:
            await pool.dispose()

    def close(self) -> None:
        if self._web is not None and self._web.ended() is None:
            self.kill_web()
        self.http.close()
        self.database.close()
        self._listener.close()
        self._server.stop()
        shutil.rmtree(self._sockets)

    def _start_postgres(self) -> embedded.Server:
        log = self._folder / "postgres.log"
        return embedded.start(self._folder / "postgres", log, self._passwords.owner)

    async def _prepare(self) -> None:
        dsn = self._dsn(embedded.OWNER, self._passwords.owner)
        await migrate.run(dsn)
        await roles.allow_logins(dsn, self._passwords)
        raw = await asyncpg.connect(dsn)
        await raw.execute("INSERT INTO installation (id) VALUES ($1)", INSTALLATION)
        await raw.close()

    def _dsn(self, role: str, password: str, database: str = embedded.DATABASE) -> str:
        return self._server.dsn(role, password, database)

    def _settings(self) -> WebSettings:
        login = f"{engine.APP_ROLE}:{self._passwords.app}"
        place = f"{embedded.DATABASE}?host={quote(str(self._sockets), safe='')}&port=5432"
        return WebSettings(
            app_dsn=f"postgresql://{login}@/{place}",
            backups=self._sockets / "backups",
            listen_fd=self._listener.fileno(),
            tally_fd=self._tally,
            url=self.http.url,
            transport=Transport.LOOPBACK,
            installation_id=INSTALLATION,
            uplink_key=base64.b64encode(b"u" * 32).decode(),
            policy_key=base64.b64encode(b"p" * 32).decode(),
            order_key=base64.b64encode(b"o" * 32).decode(),
            log_public=base64.b64encode(LOG_KEY.public).decode(),
        )


@dataclass(frozen=True, slots=True)
class Place:
    """A partner and its one site."""

    partner_id: str
    site_id: str


async def make_place(owner: Raw) -> Place:
    made = Place(ids.partner(), ids.site())
    await owner.execute("INSERT INTO partners (id, name) VALUES ($1, 'Partner')", made.partner_id)
    await owner.execute(
        "INSERT INTO sites (id, name, partner_id, zone) VALUES ($1, 'Clinic', $2, 'Europe/Berlin')",
        *(made.site_id, made.partner_id),
    )
    return made
