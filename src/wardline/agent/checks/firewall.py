"""firewall: whether a packet filter is in force that lets nobody in unless a rule says so."""

from dataclasses import dataclass, field

from wardline.agent.checks import (
    firewall_managers,
    iptables_rules,
    nft_rules,
    packet_filter,
    ssh_reach,
    sysctl_files,
)
from wardline.agent.checks.firewall_managers import Standing
from wardline.agent.checks.packet_filter import Family, Table
from wardline.agent.checks.probe import NoAnswer, Probe, Unreadable
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.agent.hosts import queries
from wardline.agent.hosts.host import CannotRun, HostError, Kind
from wardline.agent.hosts.queries import Query
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

IPV6_ADDRESSES = "/proc/net/if_inet6"
NETWORK_DEVICES = "/proc/net/dev"
IPV6_OFF = "net.ipv6.conf.all.disable_ipv6"
_SAVED = ((Family.IPV4, queries.IPTABLES_RULES), (Family.IPV6, queries.IP6TABLES_RULES))
_GRADES = {
    "no_firewall": Severity.HIGH,
    "switched_off": Severity.HIGH,
    "ipv4_not_denied": Severity.HIGH,
    "ipv6_not_denied": Severity.HIGH,
    "not_at_boot": Severity.MEDIUM,
}


@dataclass(slots=True)
class _Seen:
    """What denies each family, and why that cannot be said where it cannot."""

    read_from: str
    decided_by: dict[Family, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


class Firewall:
    """The check. Live, the rules in force decide; on a tree, or on a host that has neither nft nor
    iptables, what its managers are configured to load. Several may be there: a packet passes all
    of them, so the one that denies decides, and is named."""

    manifest = Manifest(
        id="firewall",
        title="Host firewall",
        platforms=("linux",),
        controls=(
            "hipaa:164.312(a)(1)",
            "hipaa:164.312(e)(1)",
            "nist_800_53:AC-4",
            "nist_800_53:CM-7",
            "nist_800_53:SC-7",
            "nist_800_53:SC-7(5)",
            "pci_dss:1.2.1",
            "pci_dss:1.5.1",
            "soc2:CC6.6",
        ),
        interval_s=300,
        cpu_ms_max=1000,
        timeout_s=15,
        severity=Severity.HIGH,
        evidence="Which rules or which program deny by default, for IPv4 and for IPv6.",
        remediation=(
            "Allow what the host serves, then deny the rest: `ufw default deny incoming` and `ufw "
            "enable`, or an input chain with `policy drop` in /etc/nftables.conf and `systemctl "
            "enable --now nftables`. Keep a second session open while you do."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        standings = firewall_managers.installed(probe)
        families = [Family.IPV4, Family.IPV6] if _has_ipv6(probe) else [Family.IPV4]
        seen = _read_kernel(probe, families)
        if seen is None:
            seen = _read_configured(probe, families, standings)
        enabled = [one.manager.name for one in standings if one.enabled]
        failing = sorted(_failing(seen, families, standings, enabled))
        facts: dict[str, Json] = {
            "failing": failing,
            "read_from": seen.read_from,
            "decided_by": {family.value: seen.decided_by.get(family, "") for family in families},
            "installed": [one.manager.name for one in standings],
            "enabled": list(enabled),
            "unknown_because": "; ".join(seen.unknown),
            **ssh_reach.facts(probe),
        }
        if failing:
            worst = max((_GRADES[key] for key in failing), key=severity.rank)
            return Finding(Outcome.FAIL, _summary(failing, facts), facts, worst)
        if seen.unknown:
            reason = "; ".join(seen.unknown)
            return Finding(Outcome.UNKNOWN, reason, {**facts, "reason": reason})
        deciding = ", ".join(sorted(set(seen.decided_by.values())))
        return Finding(Outcome.PASS, f"denies by default: {deciding}", facts)


def _failing(
    seen: _Seen, families: list[Family], standings: list[Standing], enabled: list[str]
) -> list[str]:
    """What is certain; a family that nothing denies is open only where everything was read."""
    open_ = [one for one in families if one not in seen.decided_by]
    if seen.unknown:
        return []
    failing = [f"{family.value}_not_denied" for family in open_]
    if seen.read_from == "files" and not enabled:
        return ["switched_off" if standings else "no_firewall"]
    if not enabled and not open_:
        failing.append("not_at_boot")
    return failing


def _summary(failing: list[str], facts: dict[str, Json]) -> str:
    if failing == ["no_firewall"]:
        return "no firewall: none of ufw, firewalld, nftables and iptables-persistent is set up"
    if failing == ["switched_off"]:
        return f"installed but not switched on: {', '.join(facts['installed'])}"
    if failing == ["not_at_boot"]:
        return "denies by default now, but nothing that is enabled loads the rules at boot"
    return f"lets strangers in: {', '.join(failing)}"


def _read_kernel(probe: Probe, families: list[Family]) -> _Seen | None:
    """The rules in force; None where the host has no program that could show any."""
    if probe.kind is Kind.TREE:
        return None
    seen = _Seen("kernel")
    tables: list[Table] = []
    programs = 0
    try:
        shown, opaque = nft_rules.read(probe, probe.ask(queries.NFT_RULES))
        tables += shown
        programs += 1
    except CannotRun:
        opaque = []
    except (NoAnswer, HostError) as error:
        opaque = []
        programs += 1
        seen.unknown.append(str(error))
    _decide(probe, seen, tables, families)
    for family, query in _SAVED:
        if family not in families or family in seen.decided_by:
            continue
        programs += _read_saved(probe, seen, family, query, opaque)
    if all(family in seen.decided_by for family in families):
        seen.unknown.clear()
    return seen if programs else None


def _read_saved(probe: Probe, seen: _Seen, family: Family, query: Query, opaque: list[str]) -> int:
    """Add what iptables-save says, and say whether there was such a program."""
    try:
        table = iptables_rules.read(probe, probe.ask(query), query.argv[0], family)
    except CannotRun as error:
        if opaque:
            seen.unknown.append(f"{', '.join(opaque)}: holds rules of iptables, and {error}")
        return 0
    except (NoAnswer, HostError, Unreadable) as error:
        seen.unknown.append(str(error))
        return 1
    _decide(probe, seen, [table], [family])
    return 1


def _decide(probe: Probe, seen: _Seen, tables: list[Table], families: list[Family]) -> None:
    for family in families:
        found = packet_filter.denying(probe, tables, family)
        if found is not None:
            seen.decided_by.setdefault(family, found)


def _read_configured(probe: Probe, families: list[Family], standings: list[Standing]) -> _Seen:
    """What the managers that are switched on would load, and on a live host have loaded."""
    seen = _Seen("files")
    live = probe.kind is not Kind.TREE
    for standing in standings:
        manager = standing.manager
        if not standing.enabled or standing.running is False:
            continue
        if live and standing.running is None:
            seen.unknown.append(f"{manager.unit}: whether it runs cannot be asked")
            continue
        for family in families:
            try:
                if manager.denies(probe, family):
                    seen.decided_by.setdefault(family, manager.name)
            except (HostError, Unreadable) as error:
                seen.unknown.append(str(error))
    if all(family in seen.decided_by for family in families):
        seen.unknown.clear()
    return seen


def _has_ipv6(probe: Probe) -> bool:
    """Whether the host speaks IPv6, which it does unless something says otherwise."""
    if probe.kind is Kind.TREE:
        off = sysctl_files.read(probe).get(sysctl_files.normal(IPV6_OFF))
        return off is None or off.value != "1"
    if not probe.exists(NETWORK_DEVICES):
        return True
    return bool((probe.text_if_there(IPV6_ADDRESSES) or "").strip())


CHECK = Firewall()
