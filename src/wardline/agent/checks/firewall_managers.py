"""The programs that load a host's packet filter at boot, and what each is configured to deny.

Source: nftables.service; ufw(8), /etc/ufw/ufw.conf, /etc/default/ufw; firewalld.conf(5),
firewalld.zone(5); netfilter-persistent(8).
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from wardline.agent.checks import iptables_rules, nft_script, packet_filter, systemd_units
from wardline.agent.checks.packet_filter import Family, Verdict
from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.hosts.host import Missing

NFTABLES_CONF = "/etc/nftables.conf"
UFW_CONF = "/etc/ufw/ufw.conf"
UFW_DEFAULTS = "/etc/default/ufw"
UFW_RULES = {Family.IPV4: "/etc/ufw/user.rules", Family.IPV6: "/etc/ufw/user6.rules"}
UFW_CHAINS = {Family.IPV4: "ufw-user-input", Family.IPV6: "ufw6-user-input"}
FIREWALLD_CONF = "/etc/firewalld/firewalld.conf"
FIREWALLD_ZONES = ("/etc/firewalld/zones", "/usr/lib/firewalld/zones")
ZONE_BYTES_MAX = 64 * 1024
PERSISTENT_RULES = {Family.IPV4: "/etc/iptables/rules.v4", Family.IPV6: "/etc/iptables/rules.v6"}
_DENY = ("drop", "reject")
_ZONE = re.compile(r"<zone\b([^>]{0,1000})>")
_TARGET = re.compile(r"""\btarget\s?=\s?["']([^"']{1,32})["']""")
_INTERFACE = re.compile(r"""<interface\s{1,8}name\s?=\s?["']([^"']{1,32})["']""")
_ZONE_NAME = re.compile(r"[A-Za-z0-9_-]{1,32}")
_OPEN_TARGET = "ACCEPT"


@dataclass(frozen=True, slots=True)
class Manager:
    """One program: its unit, whether its own switch is on, and whether it denies a family."""

    name: str
    unit: str
    is_on: Callable[[Probe], bool]
    denies: Callable[[Probe, Family], bool]


@dataclass(frozen=True, slots=True)
class Standing:
    """How a manager stands on a host; `running` is None where nobody can be asked."""

    manager: Manager
    enabled: bool
    running: bool | None


def installed(probe: Probe) -> list[Standing]:
    """The managers whose unit the host has, with whether each is switched on."""
    found = []
    for manager in MANAGERS:
        if systemd_units.is_installed(probe, manager.unit):
            unit = systemd_units.look(probe, manager.unit)
            enabled = unit.enabled and not unit.masked and manager.is_on(probe)
            found.append(Standing(manager, enabled, unit.active))
    return found


def _always(_: Probe) -> bool:
    return True


def _nftables_denies(probe: Probe, family: Family) -> bool:
    tables = nft_script.read(probe, NFTABLES_CONF)
    return packet_filter.denying(probe, tables, family) is not None


def _ufw_is_on(probe: Probe) -> bool:
    return _assigned(probe, UFW_CONF).get("ENABLED", "no").lower() == "yes"


def _ufw_denies(probe: Probe, family: Family) -> bool:
    """With IPV6=no ufw lets IPv6 in on the loopback alone, as its own file says."""
    defaults = _assigned(probe, UFW_DEFAULTS)
    if family is Family.IPV6 and defaults.get("IPV6", "no").lower() != "yes":
        return True
    if defaults.get("DEFAULT_INPUT_POLICY", "DROP").lower() not in _DENY:
        return False
    path = UFW_RULES[family]
    text = probe.text_if_there(path)
    if text is None:
        return True
    table = iptables_rules.read(probe, text, path, family)
    chain = UFW_CHAINS[family]
    return packet_filter.fate_in_chain(probe, table, chain, family) is not Verdict.ACCEPT


def _firewalld_denies(probe: Probe, _: Family) -> bool:
    """A zone drops or rejects what it does not allow, unless its target is ACCEPT."""
    zone = _assigned(probe, FIREWALLD_CONF).get("DefaultZone", "public")
    if not _ZONE_NAME.fullmatch(zone):
        raise Unreadable(FIREWALLD_CONF, "DefaultZone is no name of a zone")
    if _zone(probe, zone)[0] == _OPEN_TARGET:
        return False
    own = FIREWALLD_ZONES[0]
    names = [one.removesuffix(".xml") for one in probe.listdir_if_there(own)]
    for name in names:
        target, interfaces = _zone(probe, name) if _ZONE_NAME.fullmatch(name) else ("", [])
        if target == _OPEN_TARGET and not all(map(packet_filter.is_inside, interfaces)):
            return False
    return True


def _zone(probe: Probe, name: str) -> tuple[str, list[str]]:
    """Target and interfaces of a zone; the administrator's file comes before the package's."""
    for folder in FIREWALLD_ZONES:
        path = f"{folder}/{name}.xml"
        if probe.exists(path):
            text = probe.text(path, ZONE_BYTES_MAX)
            opening = _ZONE.search(text)
            if opening is None:
                raise Unreadable(path, "holds no zone")
            target = _TARGET.search(opening[1])
            return target[1] if target else "default", _INTERFACE.findall(text)
    raise Missing(f"{FIREWALLD_ZONES[1]}/{name}.xml")


def _persistent_denies(probe: Probe, family: Family) -> bool:
    path = PERSISTENT_RULES[family]
    text = probe.text_if_there(path)
    if text is None:
        return False
    table = iptables_rules.read(probe, text, path, family)
    return packet_filter.denying(probe, [table], family) is not None


def _assigned(probe: Probe, path: str) -> dict[str, str]:
    """`NAME=value` of a file in the shell's form; the last one counts."""
    values = {}
    for _, line in probe.lines(path):
        name, equals, value = line.partition("=")
        if equals and not line.lstrip().startswith("#"):
            values[name.strip()] = value.strip().strip("\"'")
    return values


# In the order in which one is named where several deny.
MANAGERS = (
    Manager("ufw", "ufw.service", _ufw_is_on, _ufw_denies),
    Manager("firewalld", "firewalld.service", _always, _firewalld_denies),
    Manager("nftables", "nftables.service", _always, _nftables_denies),
    Manager("iptables-persistent", "netfilter-persistent.service", _always, _persistent_denies),
)
