"""disk_space: whether a host's own disks have room left for records, logs and updates."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.agent.hosts.host import HostError, Kind, Space
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

MOUNTS = "/proc/mounts"
FILE_SYSTEMS_MAX = 64
GIBIBYTE = 1024**3

FREE_PERCENT_MIN = 10
NEARLY_FULL_PERCENT = 2
FREE_BYTES_MIN = GIBIBYTE
# A boot partition is smaller than what a disk for data should have left: its share alone counts.
SMALL_BYTES_MAX = 4 * GIBIBYTE
INODES_PERCENT_MIN = 10

# File systems on a disk of this host. Whatever is not named here is never touched: a network
# server that is gone, or an automount, would keep the asker waiting without end.
LOCAL_TYPES = frozenset(
    [
        "bcachefs",
        "btrfs",
        "exfat",
        "ext2",
        "ext3",
        "ext4",
        "f2fs",
        "jfs",
        "ntfs3",
        "reiserfs",
        "vfat",
        "xfs",
        "zfs",
    ]
)
# The kernel's own, which never wait for anybody; other file systems may lie beneath them.
KERNEL_TYPES = frozenset(["devtmpfs", "overlay", "proc", "ramfs", "squashfs", "sysfs", "tmpfs"])

_OCTAL = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class _Mount:
    device: str
    path: str
    type: str
    read_only: bool


@dataclass(frozen=True, slots=True)
class _Judged:
    """One file system, in words that stay the same while it fills a little."""

    mount: _Mount
    bytes_band: str
    inodes_band: str
    size_gib: int

    @property
    def keys(self) -> Iterable[str]:
        if self.bytes_band != "enough":
            yield f"bytes:{self.mount.path}"
        if self.inodes_band not in ("enough", "not counted"):
            yield f"inodes:{self.mount.path}"

    @property
    def grade(self) -> Severity:
        worst = "nearly full" in (self.bytes_band, self.inodes_band)
        return Severity.HIGH if worst else Severity.MEDIUM


class DiskSpace:
    """The check; it asks local disks only, each once, and never what could keep it waiting."""

    manifest = Manifest(
        id="disk_space",
        title="Room on disks",
        platforms=("linux",),
        controls=(
            "hipaa:164.308(a)(7)(i)",
            "hipaa:164.312(b)",
            "nist_800_53:AU-4",
            "nist_800_53:AU-5",
            "nist_800_53:CP-2(2)",
            "pci_dss:10.5.1",
            "soc2:A1.1",
        ),
        interval_s=300,
        cpu_ms_max=500,
        timeout_s=5,
        severity=Severity.MEDIUM,
        evidence="Each local file system with its size, and whether bytes and inodes suffice.",
        remediation=(
            "Find what grows (`du -xh --max-depth=2`), remove or move it, or enlarge the named "
            "file system; many small files use up inodes while bytes are left."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        if probe.kind is Kind.TREE:
            reason = "a file tree has no file system of its own"
            return Finding(Outcome.NOT_APPLICABLE, reason, {"reason": reason})
        mounts = _judgeable(_table(probe))
        if not mounts:
            raise Unreadable(MOUNTS, "names no local file system that can be written to")
        judged: list[_Judged] = []
        unknown = ""
        for mount in mounts:
            try:
                judged.append(_judge(mount, probe.space(mount.path)))
            except (HostError, Unreadable) as error:
                unknown = unknown or str(error)
        return _finding(judged, unknown)


def _finding(judged: list[_Judged], unknown: str) -> Finding:
    """A failure that is certain is a failure, even where the rest is unknown."""
    failing = [one for one in judged if any(one.keys)]
    facts = _facts(judged, unknown)
    known = f"; {unknown}" if unknown else ""
    if failing:
        summary = f"too little room: {', '.join(one.mount.path for one in failing)}{known}"
        worst = max((one.grade for one in failing), key=severity.rank)
        return Finding(Outcome.FAIL, summary, facts, worst)
    if unknown:
        return Finding(Outcome.UNKNOWN, unknown, {**facts, "reason": unknown})
    return Finding(Outcome.PASS, f"room on every local file system ({len(judged)})", facts)


def _table(probe: Probe) -> list[_Mount]:
    """What is mounted, proc(5); of two file systems at one place the later one is what is seen."""
    seen: dict[str, _Mount] = {}
    for number, line in probe.lines(MOUNTS):
        if not line:
            continue
        fields = line.split(" ")
        if len(fields) < 4 or not fields[1].startswith("/"):
            raise Unreadable(MOUNTS, "is not an entry of device, place, type and options", number)
        path = _OCTAL.sub(lambda found: chr(int(found[1], 8)), fields[1])
        if "\x00" in path:
            raise Unreadable(MOUNTS, "names a place with a NUL in it", number)
        seen[path] = _Mount(fields[0], path, fields[2], "ro" in fields[3].split(","))
    return list(seen.values())


def _judgeable(table: list[_Mount]) -> list[_Mount]:
    """One place of each local disk, the shortest; none that is reached through a foreign one."""
    first: dict[str, _Mount] = {}
    for one in sorted(_reachable(table), key=lambda mount: (len(mount.path), mount.path)):
        local = one.type in LOCAL_TYPES or (one.type == "overlay" and one.path == "/")
        if local and not one.read_only:
            first.setdefault(one.device, one)
    if len(first) > FILE_SYSTEMS_MAX:
        raise Unreadable(MOUNTS, f"names more than {FILE_SYSTEMS_MAX} local file systems")
    return sorted(first.values(), key=lambda mount: mount.path)


def _reachable(table: list[_Mount]) -> Iterable[_Mount]:
    """Those without a foreign file system above: sorted, what lies beneath one follows it."""
    above: str | None = None
    places = ((f"{one.path.rstrip('/')}/", one) for one in table)
    for place, one in sorted(places, key=lambda pair: pair[0]):
        if above is not None and place.startswith(above):
            continue
        if one.type in LOCAL_TYPES or one.type in KERNEL_TYPES:
            yield one
        else:
            above = place


def _judge(mount: _Mount, space: Space) -> _Judged:
    if space.total_bytes <= 0:
        raise Unreadable(mount.path, "says that it holds no bytes at all")
    wanted = space.total_bytes * FREE_PERCENT_MIN // 100
    if space.total_bytes > SMALL_BYTES_MAX:
        wanted = max(wanted, FREE_BYTES_MIN)
    inodes_wanted = space.inodes * INODES_PERCENT_MIN // 100
    inodes = _band(space.free_inodes, space.inodes, inodes_wanted)
    return _Judged(
        mount,
        _band(space.free_bytes, space.total_bytes, wanted),
        inodes if space.inodes > 0 else "not counted",
        round(space.total_bytes / GIBIBYTE),
    )


def _band(free: int, total: int, wanted: int) -> str:
    if free >= wanted:
        return "enough"
    return "nearly full" if free * 100 < total * NEARLY_FULL_PERCENT else "low"


def _facts(judged: list[_Judged], unknown: str) -> dict[str, Json]:
    return {
        "failing": sorted(key for one in judged for key in one.keys),
        "file_systems": [
            {
                "path": one.mount.path,
                "type": one.mount.type,
                "size_gib": one.size_gib,
                "bytes": one.bytes_band,
                "inodes": one.inodes_band,
            }
            for one in judged
        ],
        "unknown_because": unknown,
    }


CHECK = DiskSpace()
