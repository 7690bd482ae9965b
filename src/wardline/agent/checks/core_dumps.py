"""core_dumps: whether a program that crashes leaves what it had in memory, patients' data too."""

import re

from wardline.agent.checks import active_lines, sysctl_files, systemd_settings
from wardline.agent.checks.probe import Probe
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.agent.hosts.host import Kind
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

LIMITS = ("/etc/security/limits.conf", "/etc/security/limits.d/*.conf")
PATTERN_KEY = "kernel/core_pattern"
PATTERN = "/proc/sys/kernel/core_pattern"
COREDUMP = "/usr/lib/systemd/systemd-coredump"
_NOWHERE = re.compile(r"\|/(?:usr/)?bin/(?:false|true)\b.*|/dev/null")
# limits.conf(5): domain, type, item, value; `*` is everybody but root, `-` both types.
_EVERYBODY = "*"


class CoreDumps:
    """The check. It passes where no core is written (a limit of 0, or a pattern that leads nowhere)
    or where systemd-coredump takes it and is told to store none."""

    manifest = Manifest(
        id="core_dumps",
        title="Memory left behind by crashes",
        platforms=("linux",),
        controls=(
            "hipaa:164.310(d)(2)(i)",
            "hipaa:164.312(a)(1)",
            "nist_800_53:CM-6",
            "nist_800_53:SC-7(10)",
            "pci_dss:2.2.6",
            "pci_dss:3.2.1",
            "soc2:CC6.7",
        ),
        interval_s=300,
        cpu_ms_max=500,
        timeout_s=5,
        severity=Severity.LOW,
        evidence="The limit on cores, where the kernel sends them, and whether they are stored.",
        remediation=(
            "Put `* hard core 0` into a file of /etc/security/limits.d, or, where systemd-coredump "
            "takes them, Storage=none and ProcessSizeMax=0 into /etc/systemd/coredump.conf."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        limit = _limit(probe)
        pattern = _pattern(probe)
        handler = _handler(pattern)
        storage = ""
        if handler == "systemd-coredump":
            values = systemd_settings.read(probe, "coredump.conf", "Coredump")
            storage = systemd_settings.last(values, "Storage", "external").lower()
        nowhere = _NOWHERE.fullmatch(pattern) is not None
        # A pipe gets the core whatever the limit is, 1 alone excepted: core(5).
        safe = nowhere or storage == "none" or (limit == "0" and not pattern.startswith("|"))
        facts: dict[str, Json] = {
            "failing": [] if safe else [f"{handler}_stores" if handler else "cores_written"],
            "hard_limit": limit,
            "handler": handler or ("nowhere" if nowhere else "file"),
            "storage": storage,
        }
        if safe:
            return Finding(Outcome.PASS, "a program that crashes leaves no memory behind", facts)
        taken = f"{handler} stores it" if handler else "it is written to a file"
        return Finding(
            Outcome.FAIL, f"the memory of a program that crashes is kept: {taken}", facts
        )


def _limit(probe: Probe) -> str:
    """The hard limit on cores of everybody; the last line counts, empty where there is none."""
    found = ""
    for line in active_lines.of_all(probe, LIMITS):
        words = line.partition("#")[0].split()
        if len(words) == 4 and words[0] == _EVERYBODY and words[1] in ("hard", "-"):
            if words[2] == "core":
                found = words[3]
    return found


def _pattern(probe: Probe) -> str:
    """What the kernel does now; on a tree what it would be told at boot."""
    if probe.kind is not Kind.TREE:
        return probe.text(PATTERN).strip()
    told = sysctl_files.read(probe).get(PATTERN_KEY)
    if told is not None:
        return told.value
    return f"|{COREDUMP}" if probe.exists(COREDUMP) else "core"


def _handler(pattern: str) -> str:
    """The program that takes the cores, as facts name it; empty where none does."""
    if not pattern.startswith("|") or _NOWHERE.fullmatch(pattern):
        return ""
    name = pattern[1:].split()[0].rpartition("/")[2] if pattern[1:].split() else ""
    return name if name in ("systemd-coredump", "apport", "abrt-hook-ccpp") else "another_program"


CHECK = CoreDumps()
