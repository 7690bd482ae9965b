"""The processes of Central: `web` and `jobs` (started by the supervisor), and `migrate`."""

import asyncio
import base64
import contextlib
import ctypes
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Coroutine

import uvicorn
import uvloop

from wardline.central import app, worker
from wardline.central.database import engine, migrate
from wardline.central.identity.server_keys import ServerKeys
from wardline.central.settings import JobsSettings, Transport, WebSettings
from wardline.central.web.peers import PeerGate
from wardline.central.web.sharing import Entrance, Tally
from wardline.core.errors import WardlineError
from wardline.policy import collector, connections
from wardline.policy.connections import Crowd

PR_SET_PDEATHSIG = 1
GRACE_SECONDS_MAX = 2
KEEP_ALIVE_SECONDS = 75
OPEN_FILES_MIN = 4_096
EXIT_FAILED = 1
EXIT_USAGE = 64
USAGE = "usage: DATABASE_URL=... python -m wardline.central migrate"


def main(arguments: list[str]) -> int:
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    match arguments:
        case ["web", parent, given, ready]:
            settings = WebSettings.model_validate_json(_begin(parent, given))
            return _run(_web(settings, int(ready)))
        case ["jobs", parent, given, ready]:
            job_settings = JobsSettings.model_validate_json(_begin(parent, given))
            return _run(worker.run(job_settings, lambda: _say_ready(int(ready))))
        case ["migrate"]:
            return _migrate()
        case _:
            sys.stderr.write(f"{USAGE}\n")
            return EXIT_USAGE


def _begin(parent: str, given: str) -> bytes:
    """Ties this process to its supervisor, then reads what it was given."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(parent):
        raise SystemExit(EXIT_FAILED)
    with os.fdopen(int(given), "rb") as file:
        return file.read()


def _run(work: Coroutine[None, None, None]) -> int:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)
    return 0


def _say_ready(descriptor: int) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(descriptor, b"1")
    os.close(descriptor)


class _Server(uvicorn.Server):
    """uvicorn's server, which shares what connects with the other web processes, and tells the
    supervisor when it answers."""

    def __init__(self, config: uvicorn.Config, tally: Tally, ready: int) -> None:
        super().__init__(config)
        self._tally = tally
        self._ready = ready
        self._entrances: list[Entrance] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # uvicorn itself listens nowhere.
        await super().startup([])
        if not self.started:
            return
        for listening in sockets or []:
            entrance = Entrance(listening, self._tally, self._protocol, self.config.ssl)
            self._entrances.append(entrance)
            entrance.open()
        _say_ready(self._ready)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for entrance in self._entrances:
            entrance.close()
        await super().shutdown(sockets)

    def _protocol(self) -> asyncio.Protocol:
        """As uvicorn makes the protocol of a connection."""
        made: asyncio.Protocol = self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        return made


async def _web(settings: WebSettings, ready: int) -> None:
    pool = engine.create(settings.app_dsn)
    await engine.warm(pool)
    web = app.create(settings, pool, _keys(settings))
    tally = Tally(settings.tally_fd, settings.place)
    crowd = Crowd(settings.proxy, connections_max=_connections_max(), tell=tally.hold)
    config = uvicorn.Config(
        PeerGate(web, settings.proxy) if settings.proxy is not None else web,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        **connections.serving(crowd),
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS_MAX,
        ssl_certfile=settings.tls_cert if settings.transport is Transport.TLS else None,
        ssl_keyfile=settings.tls_key if settings.transport is Transport.TLS else None,
    )
    # Walking batches of evidence again and again costs a third of parsing them.
    collector.spare()
    await _Server(config, tally, ready).serve([socket.socket(fileno=settings.listen_fd)])


def _connections_max() -> int:
    """Every connection is an open file: raises that limit as far as this user may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return connections.CONNECTIONS_MAX
    if soft < OPEN_FILES_MIN:
        soft = OPEN_FILES_MIN if hard == resource.RLIM_INFINITY else min(OPEN_FILES_MIN, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return min(connections.CONNECTIONS_MAX, soft // 2)


def _keys(settings: WebSettings) -> ServerKeys:
    return ServerKeys.of(
        settings.installation_id,
        base64.b64decode(settings.uplink_key),
        base64.b64decode(settings.policy_key),
        base64.b64decode(settings.order_key),
        base64.b64decode(settings.log_public),
        settings.tls_ca_pem,
    )


def _migrate() -> int:
    """Brings the database of DATABASE_URL, with the owner's login, to the newest schema."""
    dsn = os.environ.get("DATABASE_URL")
    if not dsn:
        sys.stderr.write(f"{USAGE}\n")
        return EXIT_USAGE
    applied = asyncio.run(migrate.run(dsn))
    sys.stdout.write("".join(f"applied {name}\n" for name in applied) or "up to date\n")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except WardlineError as error:
        sys.stderr.write(f"wardline.central: {error}\n")
        sys.exit(EXIT_FAILED)
