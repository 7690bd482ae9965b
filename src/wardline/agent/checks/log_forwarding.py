"""Where a host's logs are forwarded to, as rsyslog and auditd's own plugins are configured.

Source: rsyslog.conf(5): `selector @host` (UDP), `@@host` (TCP), `action(type="omfwd" target="…")`.
Noted beside a result, never judged: what cannot be read is said, and changes no outcome.
"""

import re

from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.hosts.host import HostError
from wardline.core.canonical import Json

RSYSLOG = "/etc/rsyslog.conf"
RSYSLOG_FOLDER = "/etc/rsyslog.d"
AUDIT_PLUGIN = "/etc/audit/plugins.d/au-remote.conf"
TARGETS_MAX = 8
_OLD = re.compile(r"[^\s#$][^\s]{0,256}\s+@{1,2}(?:\([^)\s]{0,64}\))?([A-Za-z0-9.:\[\]-]{1,253})")
_NEW = re.compile(r'\btarget\s?=\s?"([A-Za-z0-9.:-]{1,253})"', re.IGNORECASE)


def read(probe: Probe) -> dict[str, Json]:
    """`to`: the targets, sorted; `unknown_because`: why that is not the whole of it, or empty."""
    targets: set[str] = set()
    try:
        _read_rsyslog(probe, targets)
        if "active = yes" in " ".join((probe.text_if_there(AUDIT_PLUGIN) or "").split()):
            targets.add("audisp-remote")
    except (HostError, Unreadable) as error:
        return {"to": sorted(targets)[:TARGETS_MAX], "unknown_because": str(error)}
    return {"to": sorted(targets)[:TARGETS_MAX], "unknown_because": ""}


def _read_rsyslog(probe: Probe, targets: set[str]) -> None:
    names = [name for name in probe.listdir_if_there(RSYSLOG_FOLDER) if name.endswith(".conf")]
    for path in (*(f"{RSYSLOG_FOLDER}/{name}" for name in names), RSYSLOG):
        text = probe.text_if_there(path)
        for line in [] if text is None else text.split("\n"):
            probe.tick()
            old = _OLD.match(line.lstrip())
            if old is not None:
                targets.add(old[1])
            if "omfwd" in line and not line.lstrip().startswith("#"):
                targets.update(_NEW.findall(line))
