"""The server process: where it listens, what is between the network and the app."""

import errno
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass

import uvicorn

from wardline.core.errors import WardlineError
from wardline.policy import addresses, collector, connections
from wardline.policy.connections import Crowd
from wardline.policy.file.book import Book
from wardline.policy.standalone import app
from wardline.policy.standalone.settings import BadSettings, Settings

BACKLOG = 1024
PORT_MAX = 65535
KEEP_ALIVE_SECONDS = 75
GRACE_SECONDS_MAX = 2


class CannotListen(WardlineError):
    """The address or port cannot be listened on as asked."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Where: `host` is an address or `localhost`; port 0 takes a free one."""

    host: str
    port: int

    @property
    def is_local(self) -> bool:
        return self.host == "localhost" or addresses.is_loopback(self.host)

    def bind(self) -> socket.socket:
        """The listening socket; raises BadSettings, CannotListen."""
        if not 0 <= self.port <= PORT_MAX:
            raise BadSettings(f"--port {self.port}: ports go from 1 to {PORT_MAX}")
        address = "127.0.0.1" if self.host == "localhost" else self.host.strip("[]")
        bound = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((address, self.port))
            bound.listen(BACKLOG)
        except OSError as error:
            bound.close()
            raise CannotListen(self._why_not(error)) from error
        return bound

    def _why_not(self, error: OSError) -> str:
        where = f"port {self.port} of {self.host}"
        if error.errno == errno.EADDRINUSE:
            return f"{where} is in use by another program; choose another with --port"
        return f"{where} cannot be listened on: {error.strerror}; check --host and --port"


def serve(settings: Settings, where: Listening, say: Callable[[str], None]) -> None:
    """Runs until a signal ends it; raises BadSettings, CannotListen and what opening the policy
    file raises."""
    if settings.token_file is None and not where.is_local:
        raise BadSettings(
            f"--host {where.host}: others can reach this address, so say who may ask with"
            " --token-file, or listen on 127.0.0.1"
        )
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    bound = where.bind()
    made = app.create(settings, Book(settings.db))
    port = bound.getsockname()[1]
    config = uvicorn.Config(
        made,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="on",
        **connections.serving(Crowd()),
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS_MAX,
    )
    host = f"[{where.host}]" if ":" in where.host.strip("[]") else where.host
    server = _Server(
        config, lambda: say(f"Policy manager at http://{host}:{port} on {settings.db}")
    )
    collector.spare()
    server.run([bound])


class _Server(uvicorn.Server):
    """uvicorn's server, which says when it answers."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()
