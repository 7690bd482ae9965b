"""What a host says of its own system: os-release(5), shell-like assignments of plain words."""

import re

from wardline.agent.checks.probe import Probe
from wardline.agent.hosts.host import Missing

PATHS = ("/etc/os-release", "/usr/lib/os-release")
FILE_BYTES_MAX = 64 * 1024
_ASSIGNMENT = re.compile(r"""([A-Z][A-Z0-9_]{0,63})=(["']?)([^"']{0,200})\2\s*""")


def read(probe: Probe) -> dict[str, str]:
    """The assignments by name, the last of a name; Missing where there is no such file."""
    for path in PATHS:
        try:
            lines = list(probe.lines(path, FILE_BYTES_MAX))
        except Missing:
            continue
        found = (_ASSIGNMENT.fullmatch(line) for _, line in lines)
        return {one[1]: one[3] for one in found if one}
    raise Missing(PATHS[0])
