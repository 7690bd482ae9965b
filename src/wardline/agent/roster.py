"""The hosts of this appliance, opened: what may be done to each, and one worker at a time on it."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from wardline.agent.hosts.declared import DeclaredHost
from wardline.agent.hosts.host import Host
from wardline.agent.hosts.local import LocalHost
from wardline.agent.hosts.tree import TreeHost
from wardline.agent.settings import HostSettings


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

    def get(self, host_id: str) -> Member | None:
        """None for a host that agent.toml no longer declares."""
        return self._members.get(host_id)


def open_host(declared: HostSettings) -> Host:
    """The host as declared; an observed one refuses every change."""
    if declared.kind == "declared" and declared.platform is not None:
        return DeclaredHost(declared.id, declared.name, declared.platform)
    writable = not declared.observed
    if declared.kind == "tree":
        return TreeHost(declared.id, declared.name, str(declared.root), writable=writable)
    return LocalHost(declared.id, declared.name, writable=writable)


def open_all(declared: list[HostSettings]) -> Roster:
    return Roster([Member(one, open_host(one)) for one in declared])
