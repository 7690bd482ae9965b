"""Hosts behind a real sshd on loopback: this machine, only looked at, and trees to be changed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.harness import openssh
from tests.harness.openssh import Server
from wardline.agent.hosts.ssh import ssh
from wardline.agent.hosts.ssh.login import Login
from wardline.agent.hosts.ssh.ssh import SshHost
from wardline.core.sealed import Credential, SecretType

Opening = Callable[..., SshHost]


@dataclass
class Boxed:
    """A tree that is a whole host: `root` on this side, `host` through sshd and its own shell."""

    root: Path
    server: Server
    host: SshHost


@pytest.fixture(autouse=True)
def _nothing_expected() -> Iterator[None]:
    """What another test's checks asked is not expected here."""
    ssh._EXPECTED.clear()
    yield
    ssh._EXPECTED.clear()


@pytest.fixture
def opening() -> Iterator[Opening]:
    """Makes hosts of servers, and lets go of them in the end."""
    made: list[SshHost] = []

    def host(server: Server, *, sudo: bool = False, **changes: str) -> SshHost:
        user, key = changes.get("user", server.user), changes.get("host_key", server.host_key)
        login = Login("127.0.0.1", server.port, user, sudo, key)
        secret = changes.get("secret", server.private_key)
        kind = SecretType(changes.get("type", "private_key"))
        writable = changes.get("observed") is None
        one = SshHost("host", "host", login, lambda: Credential(kind, secret), writable=writable)
        made.append(one)
        return one

    yield host
    for one in made:
        one.close()


@pytest.fixture(scope="session")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """This machine itself; tests only look at it."""
    with openssh.serving(tmp_path_factory.mktemp("machine")) as server:
        yield server


@pytest.fixture(scope="session")
def toolbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    openssh.require()
    return openssh.furnish(tmp_path_factory.mktemp("toolbox") / "root")


@pytest.fixture
def boxed(toolbox: Path, tmp_path: Path, opening: Opening) -> Iterator[Boxed]:
    root = openssh.copy(toolbox, tmp_path / "root")
    with openssh.serving(tmp_path / "sshd", root=root) as server:
        yield Boxed(root, server, opening(server))
