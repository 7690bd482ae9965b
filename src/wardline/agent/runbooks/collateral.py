"""What was up before a run and is down after it: units of systemd and listening sockets.

Sources: systemctl(1) show, org.freedesktop.systemd1(5) for its properties, and the tables of
Documentation/networking/proc_net_tcp of Linux.
"""

import fnmatch
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wardline.agent.hosts import queries
from wardline.agent.hosts.host import CannotRun, Failed, Host, Missing
from wardline.agent.runbooks.runbook import Runbook

TABLE_BYTES_MAX = 8 * 1024 * 1024
UNITS_MAX = 8192
SOCKETS_MAX = 8192
NAMED_MAX = 8
NAME_CHARS_MAX = 80
BOOTED_PATH = "/run/systemd/system"
# The kernel's own default for ports that it gives away.
RANGE_PATH = "/proc/sys/net/ipv4/ip_local_port_range"
CLIENTS = (32768, 60999)
# Where sshd listens for the displays of those who are logged in.
DISPLAYS = range(6010, 6064)

_TABLES = {"tcp": ("tcp", "0A"), "tcp6": ("tcp", "0A"), "udp": ("udp", "07"), "udp6": ("udp", "07")}
_UP = ("active", "reloading", "refreshing")
_LOOPBACK_6 = "0" * 24 + "01000000"
_MAPPED = "0" * 16 + "FFFF0000"
# What somebody's login, or systemd-run, brings along and takes away again.
_OF_LOGINS = ("user@*.service", "user-runtime-dir@*.service", "session-*")
_AT_BOOT = ("enabled", "enabled-runtime")


@dataclass(frozen=True, slots=True)
class Unit:
    """A loaded unit; `ended_well` is about its last end, `on_call` whether something else than the
    boot starts it when it is needed."""

    name: str
    up: bool
    ended_well: bool
    on_call: bool
    transient: bool
    triggers: frozenset[str]


@dataclass(frozen=True, slots=True, order=True)
class Socket:
    """A listening socket, by whom it can reach: `beyond` loopback, or not; `uid` is its owner."""

    protocol: str
    port: int
    beyond: bool
    uid: str

    @property
    def place(self) -> tuple[str, int, bool]:
        return self.protocol, self.port, self.beyond


@dataclass(frozen=True, slots=True)
class Noted:
    """What is up on a host; `clients` is the range of ports that the kernel gives away."""

    units: Mapping[str, Unit]
    sockets: frozenset[Socket]
    clients: tuple[int, int] = CLIENTS


@dataclass(frozen=True, slots=True)
class Meant:
    """What a run has stopped because that is what it is for."""

    units: frozenset[str] = frozenset()
    sockets: frozenset[Socket] = frozenset()

    def __or__(self, other: "Meant") -> "Meant":
        return Meant(self.units | other.units, self.sockets | other.sockets)


def note(host: Host) -> Noted:
    """What is up now; raises HostError where the host runs and does not say it.

    On a tree nothing is up. A host without systemd has no units, one without /proc no sockets.
    """
    if not host.runs_commands:
        return Noted({}, frozenset())
    clients = _clients(host)
    return Noted(_units(host), _sockets(host, clients), clients)


def stopped(before: Noted, after: Noted, unit: str) -> Meant:
    """What went with a unit that was to be stopped, by the notes right before and after that."""
    known = before.units.get(unit)
    triggered = known.triggers if known else frozenset()
    return Meant(triggered | {unit}, before.sockets - after.sockets)


def lost(before: Noted, after: Noted, meant: Meant, runbook: Runbook) -> tuple[str, ...]:
    """The names of what was up and is down, in order: units, then ports as `tcp/443`."""
    units = [unit.name for unit in before.units.values() if _is_down(unit, after, meant)]
    sockets = {socket for socket in before.sockets if _is_closed(socket, before, after, runbook)}
    places = {one.place for one in meant.sockets}
    closed = sorted({one.place[:2] for one in sockets if one.place not in places})
    return (*sorted(units), *(f"{protocol}/{port}" for protocol, port in closed))


def told(names: tuple[str, ...]) -> str:
    """The names within what an error may hold."""
    more = len(names) - NAMED_MAX
    shown = ", ".join(_shown(name) for name in names[:NAMED_MAX])
    return f"{shown} and {more} more" if more > 0 else shown


def _shown(name: str) -> str:
    """A host may call its units what it likes."""
    return "".join(char if char.isprintable() else "?" for char in name[:NAME_CHARS_MAX])


def _is_down(unit: Unit, after: Noted, meant: Meant) -> bool:
    if not unit.up or unit.name in meant.units or unit.transient:
        return False
    if any(fnmatch.fnmatchcase(unit.name, one) for one in _OF_LOGINS):
        return False
    now = after.units.get(unit.name)
    if now is None:
        # Forgotten by systemd, which keeps what has failed.
        return not unit.on_call
    return not now.up and not (now.ended_well and unit.on_call)


def _is_closed(socket: Socket, before: Noted, after: Noted, runbook: Runbook) -> bool:
    places = {one.place for one in after.sockets}
    if socket.place in places or f"{socket.protocol}/{socket.port}" in runbook.closes:
        return False
    if runbook.narrows_listening and (socket.protocol, socket.port, False) in places:
        return False
    if not socket.beyond and socket.port in DISPLAYS:
        return False
    if not _is_given_away(socket, before):
        return True
    # Whoever takes any free port takes another one after a restart.
    fresh = {one for one in after.sockets - before.sockets if _is_given_away(one, after)}
    return not any((one.uid, one.protocol) == (socket.uid, socket.protocol) for one in fresh)


def _is_given_away(socket: Socket, noted: Noted) -> bool:
    return noted.clients[0] <= socket.port <= noted.clients[1]


def _units(host: Host) -> dict[str, Unit]:
    try:
        output = host.ask(queries.UNITS_UP)
    except CannotRun as error:
        return _no_units(host, error.why)
    if output.exit_code != 0:
        return _no_units(host, f"ended with exit code {output.exit_code}")
    if output.truncated:
        raise Failed(queries.UNITS_UP.argv[0], "told more units than are looked at")
    found = {unit.name: unit for unit in _paragraphs(output.stdout.decode("utf-8", "replace"))}
    if len(found) > UNITS_MAX:
        raise Failed(queries.UNITS_UP.argv[0], f"told more than {UNITS_MAX} units")
    return found


def _no_units(host: Host, why: str) -> dict[str, Unit]:
    """No units where no systemd runs: in a container, or under another init (sd_booted(3))."""
    if host.exists(BOOTED_PATH):
        raise Failed(queries.UNITS_UP.argv[0], f"did not say what is up: {why}")
    return {}


def _paragraphs(text: str) -> Iterator[Unit]:
    for paragraph in text.split("\n\n"):
        said = dict(line.partition("=")[::2] for line in paragraph.splitlines())
        if name := said.get("Id"):
            called = bool(said.get("BusName") or said.get("TriggeredBy"))
            yield Unit(
                name=name,
                up=said.get("ActiveState") in _UP,
                ended_well=said.get("ActiveState") == "inactive"
                and said.get("Result", "success") == "success",
                on_call=called and said.get("UnitFileState") not in _AT_BOOT,
                transient=said.get("Transient") == "yes",
                triggers=frozenset(said.get("Triggers", "").split()),
            )


def _sockets(host: Host, clients: tuple[int, int]) -> frozenset[Socket]:
    found: set[Socket] = set()
    for name, (protocol, state) in _TABLES.items():
        path = f"/proc/net/{name}"
        try:
            table = host.read(path, TABLE_BYTES_MAX).decode("ascii", "replace")
        except Missing:
            continue
        for line in table.split("\n")[1:]:
            socket = _socket(line.split(), protocol, state)
            if socket is None or (protocol == "udp" and clients[0] <= socket.port <= clients[1]):
                continue
            found.add(socket)
            if len(found) > SOCKETS_MAX:
                raise Failed(path, f"has more than {SOCKETS_MAX} listening sockets")
    return frozenset(found)


def _socket(words: list[str], protocol: str, state: str) -> Socket | None:
    """sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode"""
    if len(words) < 10 or words[3] != state:
        return None
    address, _, port = words[1].partition(":")
    if set(words[2]) - {"0", ":"} or not _is_hexadecimal(port):
        return None
    return Socket(protocol, int(port, 16), not _is_loopback(address), words[7])


def _is_hexadecimal(text: str) -> bool:
    return 0 < len(text) <= 4 and not set(text) - set("0123456789ABCDEF")


def _is_loopback(address: str) -> bool:
    """127.0.0.0/8, ::1 and the first mapped, in words of a little-endian processor."""
    if len(address) == 8:
        return address.endswith("7F")
    return address == _LOOPBACK_6 or (address.startswith(_MAPPED) and address.endswith("7F"))


def _clients(host: Host) -> tuple[int, int]:
    try:
        words = host.read(RANGE_PATH, 64).decode("ascii", "replace").split()
    except Missing:
        return CLIENTS
    if len(words) != 2 or not all(word.isdecimal() and len(word) <= 5 for word in words):
        return CLIENTS
    return int(words[0]), int(words[1])
