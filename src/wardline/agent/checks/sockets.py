"""Listening sockets as the kernel tells them in /proc/net, and whose they are as far as allowed.

Source: Documentation/networking/proc_net_tcp of Linux; the address is in words of the host's order.
"""

import ipaddress
import re
import sys
from dataclasses import dataclass

from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.hosts.host import HostError, Missing, NotPermitted

TABLE_BYTES_MAX = 32 * 1024 * 1024
SOCKETS_MAX = 4096
PROCESSES_MAX = 2000
DESCRIPTORS_MAX = 4000
NAME_BYTES_MAX = 64
RANGE_PATH = "/proc/sys/net/ipv4/ip_local_port_range"
# The kernel's own default.
CLIENTS = (32768, 60999)

_LISTEN = "0A"
_UNCONNECTED = "07"
_TABLES = {
    "/proc/net/tcp": ("tcp", _LISTEN, True),
    "/proc/net/tcp6": ("tcp", _LISTEN, False),
    "/proc/net/udp": ("udp", _UNCONNECTED, True),
    "/proc/net/udp6": ("udp", _UNCONNECTED, False),
}
_PLACE = re.compile(r"((?:[0-9A-F]{8}){1,4}):([0-9A-F]{4})")
# sl local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid timeout inode
_COLUMNS = 10
_SOCKET = re.compile(r"socket:\[(\d{1,20})\]")


@dataclass(frozen=True, slots=True, order=True)
class Socket:
    """One socket that others than the host itself can reach."""

    protocol: str
    port: int
    address: str
    inode: str

    @property
    def key(self) -> str:
        return f"{self.protocol}/{self.port}"


def listening(probe: Probe) -> list[Socket]:
    """Sockets beyond loopback that wait for anybody, sorted; those of clients are left out."""
    clients = _clients(probe)
    found: set[Socket] = set()
    for path, (protocol, state, required) in _TABLES.items():
        try:
            lines = iter(probe.lines(path, TABLE_BYTES_MAX))
            header = next(lines)[1]
        except Missing:
            if required:
                raise
            # A kernel without IPv6.
            continue
        if "local_address" not in header:
            raise Unreadable(path, "is no table of sockets")
        for number, line in lines:
            socket = _socket(path, number, line, protocol, state) if line.strip() else None
            if socket is None or (protocol == "udp" and clients[0] <= socket.port <= clients[1]):
                continue
            found.add(socket)
            if len(found) > SOCKETS_MAX:
                raise Unreadable(path, f"more than {SOCKETS_MAX} listening sockets")
    return sorted(found)


def owners(probe: Probe, inodes: set[str]) -> dict[str, str]:
    """Names of the processes that hold these sockets; what may not be seen is left out."""
    found: dict[str, str] = {}
    left = DESCRIPTORS_MAX
    processes = [name for name in probe.listdir_if_there("/proc") if name.isdecimal()]
    for process in sorted(processes, key=int)[:PROCESSES_MAX]:
        folder = f"/proc/{process}/fd"
        try:
            descriptors = probe.listdir(folder)
        except HostError:
            # Ended since, or not ours to see.
            continue
        for descriptor in descriptors[: max(0, left)]:
            left -= 1
            probe.tick()
            inode = _inode(probe, f"{folder}/{descriptor}")
            if inode in inodes and inode not in found:
                found[inode] = _name(probe, process)
        if left <= 0 or len(found) == len(inodes):
            break
    return found


def _clients(probe: Probe) -> tuple[int, int]:
    try:
        words = (probe.text_if_there(RANGE_PATH) or "").split()
    except NotPermitted:
        return CLIENTS
    if len(words) != 2 or not all(word.isdecimal() and len(word) <= 5 for word in words):
        return CLIENTS
    return int(words[0]), int(words[1])


def _socket(path: str, number: int, line: str, protocol: str, state: str) -> Socket | None:
    words = line.split()
    if len(words) < _COLUMNS:
        raise Unreadable(path, "is not a row of a table of sockets", number)
    if words[3] != state:
        return None
    here, peer = (_PLACE.fullmatch(word) for word in words[1:3])
    inode = words[9]
    if here is None or peer is None or not inode.isdecimal():
        raise Unreadable(path, "is not a row of a table of sockets", number)
    if int(peer[1], 16) != 0 or int(peer[2], 16) != 0:
        return None
    where = _address(path, number, here[1])
    mapped = where.ipv4_mapped if isinstance(where, ipaddress.IPv6Address) else None
    if (mapped or where).is_loopback:
        return None
    return Socket(protocol, int(here[2], 16), str(where), inode)


def _address(path: str, number: int, text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    words = [bytes.fromhex(text[at : at + 8]) for at in range(0, len(text), 8)]
    if sys.byteorder == "little":
        words = [word[::-1] for word in words]
    if len(words) not in (1, 4):
        raise Unreadable(path, "holds an address of another length", number)
    return ipaddress.ip_address(b"".join(words))


def _inode(probe: Probe, path: str) -> str | None:
    try:
        found = _SOCKET.fullmatch(probe.readlink(path))
    except HostError:
        return None
    return found[1] if found else None


def _name(probe: Probe, process: str) -> str:
    try:
        return probe.text(f"/proc/{process}/comm", NAME_BYTES_MAX).strip()
    except (HostError, Unreadable):
        return ""
