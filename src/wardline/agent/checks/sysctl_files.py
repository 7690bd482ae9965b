"""The kernel settings that a host's files ask for, in the order in which `sysctl --system` reads.

Source: sysctl.d(5), sysctl(8). Of files with one name the first folder's counts; files are read
sorted by name, /etc/sysctl.conf last; a later value wins; a value given by pattern yields to one
given by name; `-name` without a value takes a name out of every pattern.
"""

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass, field

from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.hosts.host import FileKind, Missing

FOLDERS = (
    "/etc/sysctl.d",
    "/run/sysctl.d",
    "/usr/local/lib/sysctl.d",
    "/usr/lib/sysctl.d",
    "/lib/sysctl.d",
)
LAST_FILE = "/etc/sysctl.conf"
PATTERNS_MAX = 256
_MAGIC = frozenset("*?[")


@dataclass(frozen=True, slots=True)
class Setting:
    """A value and the file and line it comes from."""

    value: str
    where: str


@dataclass(slots=True)
class Settings:
    """By name with `/` between the parts, as under /proc/sys."""

    named: dict[str, Setting] = field(default_factory=dict)
    patterns: list[tuple[str, Setting]] = field(default_factory=list)
    excluded: set[str] = field(default_factory=set)

    def get(self, name: str) -> Setting | None:
        """What the files ask for `name`, None where they say nothing."""
        if name in self.named:
            return self.named[name]
        if name in self.excluded:
            return None
        fitting = [setting for pattern, setting in self.patterns if _fits(name, pattern)]
        return fitting[-1] if fitting else None


def read(probe: Probe) -> Settings:
    """Everything that the host's files set."""
    settings = Settings()
    for path in (*_paths(probe), LAST_FILE):
        if _is_there(probe, path):
            _read_file(settings, path, probe.lines(path))
    return settings


def normal(name: str) -> str:
    """`net.ipv4.conf.eth0/1.x` and `net/ipv4/conf/eth0.1/x` both as the latter."""
    dot, slash = name.find("."), name.find("/")
    if dot == -1 or (slash != -1 and slash < dot):
        return name
    return name.translate(str.maketrans("./", "/."))


def _paths(probe: Probe) -> list[str]:
    by_name: dict[str, str] = {}
    for folder in FOLDERS:
        for name in probe.listdir_if_there(folder):
            if name.endswith(".conf"):
                by_name.setdefault(name, f"{folder}/{name}")
    return [by_name[name] for name in sorted(by_name)]


def _is_there(probe: Probe, path: str) -> bool:
    """A link to /dev/null takes a file of that name out, and in a tree it leads nowhere."""
    try:
        return probe.stat(path).kind is not FileKind.DEVICE
    except Missing:
        return False


def _read_file(settings: Settings, path: str, lines: Iterable[tuple[int, str]]) -> None:
    for number, line in lines:
        text = line.strip()
        if not text or text[0] in "#;":
            continue
        key, equals, value = text.partition("=")
        name = normal(key.strip().removeprefix("-").strip())
        if not equals:
            if text.startswith("-"):
                settings.excluded.add(name)
            continue
        setting = Setting(" ".join(value.split()), f"{path}:{number}")
        if _MAGIC.intersection(name):
            if len(settings.patterns) >= PATTERNS_MAX:
                raise Unreadable(path, f"more than {PATTERNS_MAX} patterns", number)
            settings.patterns.append((name, setting))
        else:
            settings.named[name] = setting


def _fits(name: str, pattern: str) -> bool:
    parts, wanted = name.split("/"), pattern.split("/")
    return len(parts) == len(wanted) and all(
        fnmatch.fnmatchcase(part, one) for part, one in zip(parts, wanted, strict=True)
    )
