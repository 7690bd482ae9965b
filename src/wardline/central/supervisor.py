"""Brings Central up and keeps it up: database, migrations, first start, web and jobs processes."""

import asyncio
import base64
import contextlib
import fcntl
import json
import os
import shutil
import socket
import sys
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from wardline.central.children import Child, Group, Report
from wardline.central.database import embedded, engine, migrate, roles
from wardline.central.database import owner as database_owner
from wardline.central.database.engine import APP_ROLE, JOBS_ROLE
from wardline.central.database.roles import Passwords
from wardline.central.database.scope import Actor, ActorKind, Scope
from wardline.central.database.session import open_session
from wardline.central.identity import server_keys, setup
from wardline.central.identity.certificates import Certificates
from wardline.central.identity.server_keys import KeyFiles
from wardline.central.identity.setup import FirstOwner, Plan
from wardline.central.listening import Listener
from wardline.central.policies import service as policies
from wardline.central.settings import (
    DataUnusable,
    JobsSettings,
    Layout,
    OrderTimes,
    WebSettings,
    append_private,
    write_private,
)
from wardline.central.web import sharing
from wardline.core import clock
from wardline.core.errors import WardlineError

DEMO, REAL = "demo", "real"
DATABASE_PAUSE_SECONDS = 1.0
ROOM_LOOK_SECONDS = 5.0
# So much more than the least, before it is said to be over.
ROOM_MARGIN = 1.25
DATABASE_LOG = "postgres.log"
WEB_PROCESSES_DEFAULT = min(2, os.cpu_count() or 1)
WEB_PROCESSES_MAX = 32


class AlreadyRunning(WardlineError):
    """Another Central runs on this data directory."""


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for; `database_url` None = the embedded server. `web_processes` accept on one
    listening socket and share nothing but the database and the count of their connections."""

    data: Path
    listener: Listener
    demo: bool
    partner_name: str
    owner_email: str
    database_url: str | None = field(default=None, repr=False)
    web_processes: int = WEB_PROCESSES_DEFAULT
    reset_owner: bool = False
    order_times: OrderTimes = field(default_factory=OrderTimes)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the database is, once per role."""

    owner: str = field(repr=False)
    app: str = field(repr=False)
    jobs: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Started:
    """A Central that answers: where, and who may sign in first."""

    url: str
    owner: FirstOwner
    ca_file: Path | None


class Supervisor:
    """One per data directory; start, tend and stop it from the main thread."""

    def __init__(self, options: Options, report: Report) -> None:
        self._options = options
        self._report = report
        self._layout = Layout(options.data.absolute())
        self._resources = contextlib.ExitStack()
        self._group = Group()
        self._server: embedded.Server | None = None
        self._passwords: Passwords | None = None
        self._database_due_at = 0.0
        self._database_is_down = False
        self._room_due_at = 0.0
        self._has_room = True
        self._holds_directory = False

    def start(self) -> Started:
        """Everything up and answering, or nothing left running; raises WardlineError."""
        try:
            return self._start()
        except BaseException:
            self.stop()
            raise

    def tend(self) -> None:
        """One quick round of looking after what runs; call it a few times a second."""
        self._tend_database()
        self._tend_room()
        self._group.tend(self._report)

    def stop(self) -> None:
        """Ends web and jobs, then the database; safe to call twice."""
        if self._holds_directory:
            self._layout.central_file.unlink(missing_ok=True)
            self._holds_directory = False
        self._group.stop()
        if self._server is not None:
            self._server.stop()
            self._server = None
        self._resources.close()

    def _start(self) -> Started:
        """What may refuse comes first: until the database stands, nothing is decided here."""
        listener = self._options.listener
        listener.transport()
        if self._options.database_url is None:
            embedded.check(self._layout.postgres)
        self._layout.make()
        self._resources.enter_context(_only_one(self._layout))
        self._holds_directory = True
        _check_kind(self._layout, demo=self._options.demo)
        # A supervisor that was killed left it behind; nobody answers there yet.
        self._layout.central_file.unlink(missing_ok=True)
        bound = self._resources.enter_context(listener.bind())
        served = listener.certificates(self._layout.tls, clock.system)
        keys = server_keys.load_or_make(self._layout.server_keys)
        url = listener.address(bound.getsockname()[1])
        addresses = self._database()
        self._report("Bringing the database up to date")
        owner, token = asyncio.run(self._prepare(addresses, keys.installation_id))
        _mark_kind(self._layout, demo=self._options.demo)
        self._report("Starting web and jobs")
        self._group.children = [
            *self._web(addresses, keys, served, bound, url),
            self._jobs(addresses, keys),
        ]
        self._group.start()
        ca_file = served.authority if served is not None else None
        self._publish(bound, url, token, ca_file)
        return Started(url, owner, ca_file)

    def _database(self) -> Addresses:
        passwords = self._passwords = roles.load_or_make(self._layout.database_secrets)
        given = self._options.database_url
        if given is not None:
            self._report("Using the PostgreSQL of DATABASE_URL")
            return Addresses(
                given,
                _as_role(given, APP_ROLE, passwords.app),
                _as_role(given, JOBS_ROLE, passwords.jobs),
            )
        new = not self._layout.postgres.exists()
        self._report("Making the database" if new else "Starting the database")
        server = self._server = self._start_postgres()
        maintenance = server.dsn(embedded.OWNER, passwords.owner, database="postgres")
        asyncio.run(database_owner.ensure_database(maintenance, embedded.DATABASE))
        return Addresses(
            server.dsn(embedded.OWNER, passwords.owner),
            server.dsn(APP_ROLE, passwords.app),
            server.dsn(JOBS_ROLE, passwords.jobs),
        )

    def _start_postgres(self) -> embedded.Server:
        assert self._passwords is not None
        log = self._layout.logs / DATABASE_LOG
        sockets = self._server.sockets if self._server is not None else None
        return embedded.start(self._layout.postgres, log, self._passwords.owner, sockets=sockets)

    def _tend_database(self) -> None:
        """The sockets stay where they were, so web and jobs find the new server by themselves."""
        if self._server is None or self._server.alive():
            return
        if time.monotonic() < self._database_due_at:
            return
        if not self._database_is_down:
            self._report("The database ended and is started again")
        self._database_due_at = time.monotonic() + DATABASE_PAUSE_SECONDS
        try:
            self._server = self._start_postgres()
        except WardlineError as error:
            # It is tried again and again, and said once: what is in the way may last for days.
            if not self._database_is_down:
                self._report(str(error))
            self._database_is_down = True
        else:
            self._database_is_down = False
            self._report("The database runs again")

    def _tend_room(self) -> None:
        """Says that the disk fills up while there is still time, and that there is room again."""
        if time.monotonic() < self._room_due_at:
            return
        self._room_due_at = time.monotonic() + ROOM_LOOK_SECONDS
        free, root = shutil.disk_usage(self._layout.root).free, self._layout.root
        if self._has_room and free < embedded.DISK_FREE_BYTES_MIN:
            self._has_room = False
            self._report(
                f"Only {free >> 20} MiB are free where {root} lies: free some space. Without room"
                " evidence is refused, and appliances keep it"
            )
        elif not self._has_room and free > embedded.DISK_FREE_BYTES_MIN * ROOM_MARGIN:
            self._has_room = True
            self._report(f"There is room again where {root} lies")

    async def _prepare(self, addresses: Addresses, installation_id: str) -> tuple[FirstOwner, str]:
        options, passwords = self._options, self._passwords
        assert passwords is not None
        await migrate.run(addresses.owner)
        await roles.allow_logins(addresses.owner, passwords)
        plan = Plan(
            installation_id=installation_id,
            demo=options.demo,
            partner_name=options.partner_name,
            owner_email=options.owner_email,
            owner_name="Owner",
            password=setup.demo_password(self._layout.demo_password) if options.demo else None,
        )
        async with database_owner.at_work(addresses.owner) as raw:
            await setup.claim(raw, plan)
            owner = await setup.ensure_owner(raw, plan, clock.system, reset=options.reset_owner)
            token = await setup.make_local_token(raw, owner.partner_id, clock.system)
        if plan.password is not None:
            owner = replace(owner, one_time_password=plan.password)
        await _plant_policies(addresses, owner)
        return owner, token

    def _web(
        self,
        addresses: Addresses,
        keys: KeyFiles,
        served: Certificates | None,
        bound: socket.socket,
        url: str,
    ) -> list[Child]:
        authority = served.authority if served is not None else None
        tally = sharing.memory(self._options.web_processes)
        self._resources.callback(os.close, tally)
        settings = WebSettings(
            app_dsn=addresses.app,
            backups=self._layout.backups,
            listen_fd=bound.fileno(),
            tally_fd=tally,
            url=url,
            transport=self._options.listener.transport(),
            proxy=self._options.listener.proxy,
            tls_cert=served.certificate if served is not None else None,
            tls_key=served.key if served is not None else None,
            tls_ca_pem=authority.read_text() if authority is not None else None,
            demo=self._options.demo,
            order_times=self._options.order_times,
            installation_id=keys.installation_id,
            uplink_key=base64.b64encode(keys.uplink).decode(),
            policy_key=base64.b64encode(keys.policy).decode(),
            order_key=base64.b64encode(keys.order).decode(),
            log_public=base64.b64encode(keys.log_public()).decode(),
        )
        given = [
            settings.model_copy(update={"place": place}).model_dump_json()
            for place in range(self._options.web_processes)
        ]
        return [self._child("web", one, (bound.fileno(), tally)) for one in given]

    def _jobs(self, addresses: Addresses, keys: KeyFiles) -> Child:
        settings = JobsSettings(
            data=self._layout.root,
            backups=self._layout.backups,
            jobs_dsn=addresses.jobs,
            installation_id=keys.installation_id,
            log_key=base64.b64encode(keys.log).decode(),
        )
        return self._child("jobs", settings.model_dump_json(), ())

    def _child(self, name: str, settings: str, inherit: tuple[int, ...]) -> Child:
        return Child(
            name,
            [sys.executable, "-m", "wardline.central", name],
            settings.encode(),
            self._layout.logs / f"{name}.log",
            inherit,
        )

    def _publish(self, bound: socket.socket, url: str, token: str, ca_file: Path | None) -> None:
        """For the command line on this machine."""
        content = {
            "url": self._options.listener.local_address(bound.getsockname()[1]) or url,
            "token": token,
            "ca_file": str(ca_file) if ca_file is not None else None,
            "port": bound.getsockname()[1],
            "pid": os.getpid(),
        }
        write_private(self._layout.central_file, json.dumps(content).encode())


def _only_one(layout: Layout) -> contextlib.ExitStack:
    """Holds the directory for this process; raises AlreadyRunning."""
    path = layout.run / "lock"
    held = contextlib.ExitStack()
    append_private(path).close()
    file = held.enter_context(path.open("a+"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        pid = file.read(20).strip()
        held.close()
        raise AlreadyRunning(
            f"a Central runs on {layout.root} already (process {pid or 'unknown'}); use that one,"
            " stop it first, or name another directory with --data"
        ) from None
    file.truncate(0)
    file.write(f"{os.getpid()}\n")
    file.flush()
    return held


def _check_kind(layout: Layout, *, demo: bool) -> None:
    """A demo's directory stays one: its login is printed and its clinic is invented."""
    if not layout.kind_mark.exists():
        return
    found = layout.kind_mark.read_text().strip()
    if found == _kind(demo=demo):
        return
    if found == DEMO:
        raise DataUnusable(
            f"{layout.root} is a demo's directory: start it with --demo, or name another directory"
            " with --data for real use"
        )
    raise DataUnusable(
        f"{layout.root} is in real use, which a demo must not touch: start it without --demo, or"
        " name another directory with --data"
    )


def _mark_kind(layout: Layout, *, demo: bool) -> None:
    """Once the database stands and knows its own kind; a start that failed leaves no mark."""
    if not layout.kind_mark.exists():
        write_private(layout.kind_mark, f"{_kind(demo=demo)}\n".encode())


def _kind(*, demo: bool) -> str:
    return DEMO if demo else REAL


async def _plant_policies(addresses: Addresses, owner: FirstOwner) -> None:
    """The rules that a partner starts with, written as the application writes them."""
    pool = engine.create(addresses.app)
    scope = Scope.partner(owner.partner_id)
    try:
        async with open_session(pool, scope, Actor(ActorKind.SYSTEM, "setup")) as session:
            await policies.plant(session)
    finally:
        await pool.dispose()


def _as_role(dsn: str, role: str, password: str) -> str:
    """The same server and database with another login."""
    parts = urlsplit(dsn)
    place = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{password}@{place}"))
