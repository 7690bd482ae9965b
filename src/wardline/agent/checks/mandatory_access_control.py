"""mandatory_access_control: whether AppArmor or SELinux holds programs within what they need."""

import re
from dataclasses import dataclass, field

from wardline.agent.checks import active_lines, systemd_units
from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.agent.hosts.host import HostError, Kind, Missing
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

SELINUX_CONFIG = "/etc/selinux/config"
SELINUX_ENFORCE = "/sys/fs/selinux/enforce"
APPARMOR = "apparmor.service"
APPARMOR_FOLDER = "/etc/apparmor.d"
APPARMOR_ENABLED = "/sys/module/apparmor/parameters/enabled"
APPARMOR_PROFILES = "/sys/kernel/security/apparmor/profiles"
GRUB = ("/etc/default/grub", "/etc/default/grub.d/*.cfg")
COMMAND_LINE = "/proc/cmdline"
PROFILES_MAX = 5000
_MODES = ("enforcing", "permissive", "disabled")
_OFF = re.compile(r"(?:^|[\s\"'])(?:apparmor=0|selinux=0|enforcing=0)(?=$|[\s\"'])")
_PROFILE = re.compile(r".{1,1024} \((?P<mode>enforce|complain|kill|unconfined|mixed|audit)\)")
_GRADES = {
    "none": Severity.HIGH,
    "disabled": Severity.HIGH,
    "switched_off_at_boot": Severity.HIGH,
    "permissive": Severity.MEDIUM,
    "not_enabled": Severity.MEDIUM,
    "no_profiles": Severity.MEDIUM,
}


@dataclass(slots=True)
class _Seen:
    system: str = ""
    failing: list[str] = field(default_factory=list)
    facts: dict[str, Json] = field(default_factory=dict)
    unknown: str = ""


class MandatoryAccessControl:
    """The check; on a live host what the kernel does counts beside what the files ask for."""

    manifest = Manifest(
        id="mandatory_access_control",
        title="AppArmor or SELinux",
        platforms=("linux",),
        controls=(
            "hipaa:164.308(a)(4)(i)",
            "hipaa:164.312(a)(1)",
            "nist_800_53:AC-3(3)",
            "nist_800_53:AC-6",
            "nist_800_53:CM-6",
            "nist_800_53:SI-16",
            "pci_dss:2.2.6",
            "soc2:CC6.1",
            "soc2:CC6.8",
        ),
        interval_s=300,
        cpu_ms_max=1000,
        timeout_s=5,
        severity=Severity.MEDIUM,
        evidence="Which of the two there is, and whether it is enforced, now and at boot.",
        remediation=(
            "Set SELINUX=enforcing in /etc/selinux/config, or enable apparmor.service and load its "
            "profiles; take apparmor=0, selinux=0 and enforcing=0 from the kernel's command line."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        seen = _Seen()
        if probe.exists(SELINUX_CONFIG):
            _of_selinux(probe, seen)
        elif systemd_units.is_installed(probe, APPARMOR) or probe.exists(APPARMOR_FOLDER):
            _of_apparmor(probe, seen)
        else:
            seen.failing.append("none")
        if _is_switched_off(probe):
            seen.failing.append("switched_off_at_boot")
        facts = {**seen.facts, "failing": sorted(seen.failing), "system": seen.system}
        if seen.failing:
            worst = max((_GRADES[key] for key in seen.failing), key=severity.rank)
            named = seen.system or "neither AppArmor nor SELinux"
            summary = f"programs are not held: {named}: {', '.join(sorted(seen.failing))}"
            return Finding(Outcome.FAIL, summary, facts, worst)
        if seen.unknown:
            return Finding(Outcome.UNKNOWN, seen.unknown, {**facts, "reason": seen.unknown})
        return Finding(Outcome.PASS, f"{seen.system} holds programs within their rules", facts)


def _of_selinux(probe: Probe, seen: _Seen) -> None:
    """selinux_config(5); the kernel's own word is 1 or 0, and no file where it is off."""
    seen.system = "SELinux"
    mode = "disabled"
    for _, text in active_lines.of(probe, SELINUX_CONFIG):
        key, equals, value = text.partition("=")
        if equals and key.strip() == "SELINUX":
            mode = value.strip().lower()
    if mode not in _MODES:
        raise Unreadable(SELINUX_CONFIG, f"SELINUX is none of {', '.join(_MODES)}")
    seen.facts["at_boot"] = mode
    if mode != "enforcing":
        seen.failing.append(mode)
    if probe.kind is Kind.TREE:
        return
    now = (probe.text_if_there(SELINUX_ENFORCE) or "").strip()
    seen.facts["now"] = {"1": "enforcing", "0": "permissive"}.get(now, "disabled")
    if now != "1" and seen.facts["now"] not in seen.failing:
        seen.failing.append(str(seen.facts["now"]))


def _of_apparmor(probe: Probe, seen: _Seen) -> None:
    seen.system = "AppArmor"
    unit = systemd_units.look(probe, APPARMOR)
    # A profile is a file; folders hold what profiles include.
    names = [name for name in probe.listdir_if_there(APPARMOR_FOLDER) if "." in name]
    disabled = set(probe.listdir_if_there(f"{APPARMOR_FOLDER}/disable"))
    seen.facts["profiles_installed"] = len([name for name in names if name not in disabled])
    seen.facts["at_boot"] = "enforcing" if unit.enabled and not unit.masked else "disabled"
    if not unit.enabled or unit.masked:
        seen.failing.append("not_enabled")
    if probe.kind is Kind.TREE:
        if not seen.facts["profiles_installed"]:
            seen.failing.append("no_profiles")
        return
    enabled = (probe.text_if_there(APPARMOR_ENABLED) or "").strip()
    if enabled != "Y":
        seen.failing.append("disabled")
        return
    try:
        _of_loaded(probe, seen)
    except (HostError, Unreadable) as error:
        seen.unknown = str(error)


def _of_loaded(probe: Probe, seen: _Seen) -> None:
    """The kernel's list: `name (mode)` of each profile that is loaded."""
    counts = {"enforce": 0, "complain": 0}
    for number, line in probe.lines(APPARMOR_PROFILES):
        found = _PROFILE.fullmatch(line)
        if line and found is None:
            raise Unreadable(APPARMOR_PROFILES, "is not a list of profiles", number)
        if number > PROFILES_MAX:
            raise Unreadable(APPARMOR_PROFILES, f"more than {PROFILES_MAX} profiles")
        if found is not None and found["mode"] in counts:
            counts[found["mode"]] += 1
    seen.facts |= {"enforced": counts["enforce"], "complaining": counts["complain"]}
    if not counts["enforce"]:
        seen.failing.append("no_profiles")


def _is_switched_off(probe: Probe) -> bool:
    """By the kernel's command line: the one it has, on a tree the one that it would get."""
    if probe.kind is not Kind.TREE:
        try:
            return _OFF.search(probe.text(COMMAND_LINE)) is not None
        except Missing:
            return False
    lines = (line for line in active_lines.of_all(probe, GRUB) if "CMDLINE" in line)
    return any(_OFF.search(line) for line in lines)


CHECK = MandatoryAccessControl()
