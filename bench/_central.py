"""A Central of our own for a benchmark: the supervisor of `wardline up` on a new directory."""

import base64
import os
import platform
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from _bundles import HOSTS, Stream

from wardline.central.database import embedded, engine, roles
from wardline.central.listening import Listener
from wardline.central.settings import Layout
from wardline.central.supervisor import Options, Supervisor
from wardline.cli.client import Client
from wardline.core import ids, protocol
from wardline.core.evidence.signing import SigningKey

PASSWORD = "a long passphrase for a benchmark"


@dataclass(frozen=True, slots=True)
class Central:
    """Where it answers, the owner's client, and the logins of the database's owner and the app."""

    url: str
    port: int
    data: Path
    owner: Client
    dsn: str
    app_dsn: str


@contextmanager
def running() -> Iterator[Central]:
    """The default configuration: embedded PostgreSQL with fsync, the web and jobs processes."""
    with tempfile.TemporaryDirectory(prefix="wardline-bench-") as folder:
        data, port = Path(folder) / "central", _free_port()
        listener = Listener("127.0.0.1", port, None, None, None, None)
        options = Options(data, listener, False, "Bench", "owner@bench.local")
        supervisor = Supervisor(options, lambda text: None)
        started = supervisor.start()
        try:
            assert started.owner.one_time_password is not None
            owner = Client(started.url)
            owner.sign_in(started.owner.email, started.owner.one_time_password)
            owner.post(
                "/session/password",
                {"current": started.owner.one_time_password, "new": PASSWORD},
            )
            assert supervisor._server is not None
            passwords = roles.load_or_make(Layout(data).database_secrets)
            dsn = supervisor._server.dsn(embedded.OWNER, passwords.owner)
            app_dsn = supervisor._server.dsn(engine.APP_ROLE, passwords.app)
            yield Central(started.url, port, data, owner, dsn, app_dsn)
            owner.close()
        finally:
            supervisor.stop()


def add_site(central: Central, name: str) -> str:
    site = central.owner.post("/sites", {"name": name, "zone": "UTC", "opening_hours": []})
    return str(site["id"])


def enrol(central: Central, site_id: str, http: httpx2.Client) -> Stream:
    """An appliance of the site with HOSTS hosts, enrolled as an agent enrols."""
    token = central.owner.post(f"/sites/{site_id}/enrolment-tokens", {})["token"].split(".")
    key, witness = SigningKey.generate(), SigningKey.generate()
    hosts = [ids.host() for _ in range(HOSTS)]
    public, watching = _text(key.public), _text(witness.public)
    proof = protocol.ENROL_CONTEXT + f"{token[1]}\n{public}\n{watching}".encode()
    body = {
        "v": 1,
        "token_id": token[1],
        "token_secret": token[2],
        "public": public,
        "witness": watching,
        "proof": _text(key.sign(proof)),
        "hostname": "clinic",
        "platform": "linux/debian",
        "agent_version": "0.1.0",
        "hosts": [
            {"id": host, "name": f"host-{number}", "kind": "tree", "platform": "linux/debian",
             "observed": False}
            for number, host in enumerate(hosts)
        ],
    }  # fmt: skip
    answer = http.post(f"{central.url}{protocol.PREFIX}/enrol", json=body)
    answer.raise_for_status()
    said = answer.json()
    return Stream(site_id, said["appliance_id"], said["credential"], key, hosts)


def machine() -> dict[str, Any]:
    """Where the figures were measured."""
    return {
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        "postgres": embedded.binaries().major,
    }


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
