"""Whether the line by which people reach a host over SSH stays open when ufw is switched on."""

import re

from wardline.agent.checks import sshd_options
from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.hosts.host import HostError, Kind
from wardline.core.canonical import Json

UFW_RULES = "/etc/ufw/user.rules"
DEFAULT_PORT = "22"
PORTS_MAX = 16
# sshd_config(5), ListenAddress: host:port, [host]:port; an address alone takes the ports of Port.
_WITH_PORT = re.compile(r"(?:[^:\[\]]+|\[[^\]]+\]):(\d{1,5})")
# The line that `ufw allow 22/tcp` writes.
_ALLOWED = "-A ufw-user-input -p tcp --dport {} -j ACCEPT"


def facts(probe: Probe) -> dict[str, Json]:
    """`ssh_ports` of the server, and `ssh_kept`: they are known, and on a tree already allowed.

    On a live host the runbook allows them first, so there it is enough to know them.
    """
    try:
        ports = _ports(probe)
        kept = probe.kind is not Kind.TREE or not ports or _are_allowed(probe, ports)
    except (HostError, Unreadable):
        # The firewall is judged all the same; only a person may switch it on then.
        return {"ssh_ports": [], "ssh_kept": False}
    return {"ssh_ports": list(ports), "ssh_kept": kept}


def _ports(probe: Probe) -> list[str]:
    """Every port that the configuration names; 22 for an address without one where no Port is."""
    if not probe.exists(sshd_options.CONFIG_PATH):
        return []
    words = [option.words[0] for option in sshd_options.read(probe).listening]
    ports = {word for word in words if word.isdecimal()}
    addresses = {word: _WITH_PORT.fullmatch(word) for word in words if word not in ports}
    if not ports and not (addresses and all(addresses.values())):
        ports.add(DEFAULT_PORT)
    ports |= {found[1] for found in addresses.values() if found}
    if len(ports) > PORTS_MAX:
        raise Unreadable(sshd_options.CONFIG_PATH, f"names more than {PORTS_MAX} ports")
    return sorted(ports)


def _are_allowed(probe: Probe, ports: list[str]) -> bool:
    lines = {line.strip() for _, line in probe.lines(UFW_RULES)}
    return all(_ALLOWED.format(port) in lines for port in ports)
