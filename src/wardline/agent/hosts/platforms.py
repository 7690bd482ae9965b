"""Which operating system a host has, told from its own files."""

import re
from typing import Protocol

from wardline.agent.hosts.host import HostError

OS_RELEASE_BYTES_MAX = 64 * 1024
UNKNOWN = "unknown"

# os-release(5): ID is lower case, without spaces; quotes are allowed.
_ID = re.compile(r"""^ID=(["']?)([a-z0-9._-]{1,32})\1\s*$""", re.MULTILINE)


class _Files(Protocol):
    def read(self, path: str, bytes_max: int) -> bytes: ...

    def exists(self, path: str) -> bool: ...


def of_files(host: _Files) -> str:
    """`linux/<ID>` from os-release, `linux/unknown` where only /etc tells, otherwise `unknown`."""
    for path in ("/etc/os-release", "/usr/lib/os-release"):
        try:
            text = host.read(path, OS_RELEASE_BYTES_MAX).decode("ascii", "replace")
        except HostError:
            continue
        found = _ID.search(text)
        return f"linux/{found[2]}" if found else "linux/unknown"
    return "linux/unknown" if _has_etc(host) else UNKNOWN


def _has_etc(host: _Files) -> bool:
    try:
        return host.exists("/etc/passwd")
    except HostError:
        return False
