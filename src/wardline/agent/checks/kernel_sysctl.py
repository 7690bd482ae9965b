"""kernel_sysctl: whether the kernel's protections are on, live or as the host's files set them."""

from dataclasses import dataclass, field

from wardline.agent.checks import sysctl_files
from wardline.agent.checks.probe import Probe
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.agent.hosts.host import Kind, Missing, NotPermitted
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

VALUE_BYTES_MAX = 4096


@dataclass(frozen=True, slots=True)
class Rule:
    """One kernel setting and the values that are safe."""

    key: str
    safe: tuple[str, ...]
    severity: Severity

    @property
    def wanted(self) -> str:
        return " or ".join(self.safe)


def _interfaces(key: str, safe: tuple[str, ...], family: str = "ipv4") -> tuple[Rule, ...]:
    """The rule for the interfaces there are, and for those to come."""
    return tuple(
        Rule(f"net.{family}.conf.{which}.{key}", safe, Severity.MEDIUM)
        for which in ("all", "default")
    )


# ComplianceAsCode sysctl_* rules of its HIPAA, PCI-DSS 4 and CIS Debian 12 profiles. Forwarding
# is left out: routers and container hosts need it, and only their owner knows which they are.
RULES = (
    Rule("fs.protected_hardlinks", ("1",), Severity.MEDIUM),
    Rule("fs.protected_symlinks", ("1",), Severity.MEDIUM),
    Rule("fs.suid_dumpable", ("0",), Severity.MEDIUM),
    Rule("kernel.dmesg_restrict", ("1",), Severity.LOW),
    Rule("kernel.kptr_restrict", ("1", "2"), Severity.MEDIUM),
    Rule("kernel.randomize_va_space", ("2",), Severity.HIGH),
    Rule("kernel.yama.ptrace_scope", ("1", "2", "3"), Severity.MEDIUM),
    *_interfaces("accept_redirects", ("0",)),
    *_interfaces("accept_source_route", ("0",)),
    *_interfaces("rp_filter", ("1", "2")),
    *_interfaces("send_redirects", ("0",)),
    Rule("net.ipv4.icmp_echo_ignore_broadcasts", ("1",), Severity.LOW),
    Rule("net.ipv4.tcp_syncookies", ("1",), Severity.MEDIUM),
    *_interfaces("accept_redirects", ("0",), "ipv6"),
    *_interfaces("accept_source_route", ("0",), "ipv6"),
)


@dataclass(slots=True)
class _Seen:
    """What was found of the settings: values, and why there is none."""

    found: dict[str, str] = field(default_factory=dict)
    where: dict[str, str] = field(default_factory=dict)
    unset: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


class KernelSysctl:
    """The check; on a tree a setting that no file makes stays open, the kernel is not asked."""

    manifest = Manifest(
        id="kernel_sysctl",
        title="Kernel protections",
        platforms=("linux",),
        controls=(
            "hipaa:164.312(a)(1)",
            "hipaa:164.312(e)(1)",
            "nist_800_53:CM-6",
            "nist_800_53:SC-5",
            "nist_800_53:SC-30",
            "nist_800_53:SI-16",
            "pci_dss:1.4.3",
            "pci_dss:2.2.6",
            "soc2:CC6.6",
            "soc2:CC6.8",
        ),
        interval_s=300,
        cpu_ms_max=500,
        timeout_s=5,
        severity=Severity.MEDIUM,
        evidence="The value of each judged kernel setting and where it was read.",
        remediation=(
            "Set the named keys in a file under /etc/sysctl.d that is read last, take other "
            "values for them out of /etc/sysctl.conf, then load it with `sysctl --system`."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        live = probe.kind is not Kind.TREE
        seen = _read_live(probe) if live else _read_files(probe)
        failing = [
            rule
            for rule in RULES
            if rule.key in seen.found and seen.found[rule.key] not in rule.safe
        ]
        facts = _facts(seen, failing, live)
        if failing:
            worst = max((rule.severity for rule in failing), key=severity.rank)
            summary = f"unsafe: {', '.join(rule.key for rule in failing)}"
            return Finding(Outcome.FAIL, summary, facts, worst)
        if seen.unset:
            count = f"{len(seen.unset)} of {len(RULES)} settings are in no file"
            reason = f"{count}: the kernel's default is unknown on a tree"
            return Finding(Outcome.UNKNOWN, reason, {**facts, "reason": reason})
        if seen.refused or not seen.found:
            reason = f"{len(seen.refused)} settings may not be read, {len(seen.absent)} are absent"
            return Finding(Outcome.UNKNOWN, reason, {**facts, "reason": reason})
        return Finding(Outcome.PASS, f"{len(seen.found)} kernel settings are safe", facts)


def _read_live(probe: Probe) -> _Seen:
    seen = _Seen()
    for rule in RULES:
        path = f"/proc/sys/{sysctl_files.normal(rule.key)}"
        try:
            seen.found[rule.key] = " ".join(probe.text(path, VALUE_BYTES_MAX).split())
            seen.where[rule.key] = path
        except Missing:
            # The kernel was built without the feature, IPv6 for one: there is nothing to set.
            seen.absent.append(rule.key)
        except NotPermitted:
            seen.refused.append(rule.key)
    return seen


def _read_files(probe: Probe) -> _Seen:
    seen = _Seen()
    settings = sysctl_files.read(probe)
    for rule in RULES:
        setting = settings.get(sysctl_files.normal(rule.key))
        if setting is None:
            seen.unset.append(rule.key)
        else:
            seen.found[rule.key] = setting.value
            seen.where[rule.key] = setting.where
    return seen


def _facts(seen: _Seen, failing: list[Rule], live: bool) -> dict[str, Json]:
    return {
        "failing": sorted(rule.key for rule in failing),
        # A repair of files sets what no file sets, too: otherwise the answer stays open.
        "to_set": sorted([rule.key for rule in failing] + seen.unset),
        "read_from": "kernel" if live else "files",
        "values": {key: seen.found[key] for key in sorted(seen.found)},
        "wrong": [
            {
                "key": rule.key,
                "found": seen.found[rule.key],
                "wanted": rule.wanted,
                "where": seen.where[rule.key],
            }
            for rule in failing
        ],
        "unset": sorted(seen.unset),
        "absent": sorted(seen.absent),
        "refused": sorted(seen.refused),
    }


CHECK = KernelSysctl()
