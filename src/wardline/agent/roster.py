"""The hosts of this appliance, opened: what may be done to each, and one worker at a time on it."""

import importlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import ModuleType
from typing import TYPE_CHECKING

from wardline.agent.hosts.declared import DeclaredHost
from wardline.agent.hosts.host import Host
from wardline.agent.hosts.local import LocalHost
from wardline.agent.hosts.ssh import login as logins
from wardline.agent.hosts.ssh.login import Login
from wardline.agent.hosts.tree import TreeHost
from wardline.agent.settings import HostSettings
from wardline.agent.store.credentials import Credentials
from wardline.core.errors import WardlineError

if TYPE_CHECKING:
    from wardline.agent.hosts.ssh.ssh import SshHost

SSH_MODULE = "wardline.agent.hosts.ssh.ssh"


@dataclass(frozen=True, slots=True)
class Member:
    """A host with its declaration. Whoever measures in order to record, or repairs, holds `busy`:
    a measurement from before a repair must not be recorded after it."""

    declared: HostSettings
    host: Host
    busy: threading.RLock = field(default_factory=threading.RLock)

    @property
    def id(self) -> str:
        return self.declared.id


class Roster:
    """The members by id, in the order of agent.toml."""

    def __init__(self, members: list[Member]) -> None:
        self._members = {member.id: member for member in members}

    def __iter__(self) -> Iterator[Member]:
        return iter(self._members.values())

    def close(self) -> None:
        """Let go of every line to a host."""
        for member in self:
            member.host.close()

    def get(self, host_id: str) -> Member | None:
        """None for a host that agent.toml no longer declares."""
        return self._members.get(host_id)


class SshMissing(WardlineError):
    """A host over SSH is declared, and what speaks SSH is not installed."""

    code = "ssh_missing"


def open_host(declared: HostSettings) -> Host:
    """A host that needs no line, as declared; an observed one refuses every change."""
    if declared.kind == "declared" and declared.platform is not None:
        return DeclaredHost(declared.id, declared.name, declared.platform)
    writable = not declared.observed
    if declared.kind == "tree":
        return TreeHost(declared.id, declared.name, str(declared.root), writable=writable)
    assert declared.kind == "local"
    return LocalHost(declared.id, declared.name, writable=writable)


def open_remote(declared: HostSettings, credentials: Credentials) -> "SshHost":
    """A host over SSH as declared; the line is opened by the first question.

    Raises SshMissing, LoginInvalid and HostKeyInvalid.
    """
    assert declared.ssh is not None
    place = declared.ssh
    logins.check_address(place.address)
    login = Login(
        place.address, place.port, place.user, place.sudo, logins.parse_key(place.host_key)
    )
    host: SshHost = speaking_ssh().SshHost(
        declared.id,
        declared.name,
        login,
        lambda: credentials.open(declared),
        platform=place.platform,
        writable=not declared.observed,
    )
    return host


def speaking_ssh() -> ModuleType:
    """The module that speaks SSH: loaded late, as it weighs 16 MB that most appliances spare."""
    try:
        return importlib.import_module(SSH_MODULE)
    except ModuleNotFoundError as error:
        if error.name is not None and error.name.startswith("wardline"):
            raise
        raise SshMissing(
            f"hosts over SSH need the package {error.name!r}: install wardline[ssh]"
        ) from None


def open_all(declared: list[HostSettings], credentials: Credentials) -> Roster:
    return Roster(
        [
            Member(one, open_remote(one, credentials) if one.ssh else open_host(one))
            for one in declared
        ]
    )
