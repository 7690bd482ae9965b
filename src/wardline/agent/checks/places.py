"""Whether a path lies where a runbook may set its mode, and is itself what would be changed."""

import fnmatch

from wardline.agent.checks.probe import Probe
from wardline.agent.hosts.host import FileKind


def is_plain(probe: Probe, path: str, places: tuple[str, ...]) -> bool:
    """Whether `path` fits one of the globs part by part, as a runbook's inputs have to, and is no
    link: a mode is never set through one."""
    parts = path.split("/")
    for place in places:
        wanted = place.split("/")
        if len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted)):
            return probe.lstat(path).kind is not FileKind.LINK
    return False
