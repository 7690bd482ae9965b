"""Paths and patterns as a host takes them: split, bounded, and matched name by name."""

import fnmatch
import os
from typing import Protocol

from wardline.agent.hosts.host import ENTRIES_MAX, Failed, Missing, TooLarge, WrongKind

PATH_BYTES_MAX = 4096
_MAGIC = frozenset("*?[")


class _Listing(Protocol):
    def listdir(self, path: str) -> list[str]: ...

    def exists(self, path: str) -> bool: ...


def parts(path: str, *, absolute: bool = True) -> list[str]:
    """The components of a path; refuses what no system call would take."""
    if "\x00" in path or (absolute and not path.startswith("/")):
        raise Failed(path.replace("\x00", "\\x00"), "is not an absolute path")
    if len(os.fsencode(path)) > PATH_BYTES_MAX:
        raise Failed(f"{path[:64]}…", f"is longer than {PATH_BYTES_MAX} bytes")
    return [part for part in path.split("/") if part not in ("", ".")]


def glob(host: _Listing, pattern: str) -> list[str]:
    """Existing paths that match, sorted; `*`, `?`, `[…]` as the shell has them, no `**`."""
    found = [""]
    looked_at = 0
    for part in parts(pattern):
        if not _MAGIC.intersection(part):
            found = [f"{base}/{part}" for base in found]
            continue
        matched = []
        for base in found:
            names = _names(host, base or "/")
            looked_at += len(names)
            if looked_at > ENTRIES_MAX:
                raise TooLarge(pattern, ENTRIES_MAX, "entries")
            matched += [f"{base}/{name}" for name in names if _matches(name, part)]
        found = matched
    return sorted(path for path in found if path and host.exists(path))


def _names(host: _Listing, folder: str) -> list[str]:
    try:
        return host.listdir(folder)
    except (Missing, WrongKind):
        return []


def _matches(name: str, pattern: str) -> bool:
    if name.startswith(".") and not pattern.startswith("."):
        return False
    return fnmatch.fnmatchcase(name, pattern)
