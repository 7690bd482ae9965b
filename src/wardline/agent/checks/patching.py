"""patching: whether security updates are waiting, and whether the host installs them by itself."""

from collections.abc import Iterable
from dataclasses import dataclass

from wardline.agent.checks import apt_lists, apt_settings
from wardline.agent.checks.apt_lists import LISTS_FOLDER, STATUS_PATH, Installed
from wardline.agent.checks.probe import Probe
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

LISTS_DAYS_MAX = 7
NAMED_MAX = 40
REBOOT_PATHS = ("/run/reboot-required", "/var/run/reboot-required")
STAMP_PATHS = (
    LISTS_FOLDER,
    "/var/lib/apt/periodic/update-success-stamp",
    "/var/lib/apt/periodic/update-stamp",
)
READABLE = ("_Packages", "_Packages.gz", "_Packages.xz")
UNREADABLE = ("_Packages.lz4", "_Packages.zst", "_Packages.bz2", "_Packages.lzma")
_GRADES = {
    "security_updates": Severity.HIGH,
    "automatic_updates": Severity.MEDIUM,
    "unattended_upgrades_missing": Severity.MEDIUM,
    "reboot_required": Severity.MEDIUM,
}


@dataclass(frozen=True, slots=True)
class _Updates:
    """What waits, or in `unknown` why that cannot be said."""

    security: tuple[Json, ...] = ()
    other: int = 0
    unknown: str | None = None


class Patching:
    """The check; a failure that is certain is a failure, even where the rest is unknown."""

    manifest = Manifest(
        id="patching",
        title="Security updates",
        platforms=("linux",),
        controls=(
            "hipaa:164.308(a)(5)(ii)(B)",
            "hipaa:164.308(a)(1)(ii)(B)",
            "nist_800_53:SI-2",
            "nist_800_53:SI-2(2)",
            "nist_800_53:SI-2(5)",
            "pci_dss:6.3.3",
            "soc2:CC7.1",
        ),
        interval_s=3600,
        cpu_ms_max=5000,
        timeout_s=30,
        severity=Severity.HIGH,
        evidence="Installed and available version of each package with a waiting security update.",
        remediation=(
            "Run `apt-get update` and `apt-get upgrade`, restart if the host asks for it, and "
            "let unattended-upgrades install security updates every day."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        if not probe.exists(STATUS_PATH):
            reason = f"only dpkg is understood, and {STATUS_PATH} does not exist"
            return Finding(Outcome.UNKNOWN, reason, {"reason": reason})
        packages = apt_lists.installed(probe)
        updates = _updates(probe, packages)
        failing = sorted(_failing(probe, packages, updates))
        facts = _facts(failing, updates, len(packages))
        if failing:
            worst = max((_GRADES[key] for key in failing), key=severity.rank)
            return Finding(Outcome.FAIL, _summary(failing, updates), facts, worst)
        if updates.unknown:
            return Finding(Outcome.UNKNOWN, updates.unknown, {**facts, "reason": updates.unknown})
        return Finding(Outcome.PASS, "no security update is waiting; they install daily", facts)


def _updates(probe: Probe, packages: Installed) -> _Updates:
    names = probe.listdir_if_there(LISTS_FOLDER)
    lists = [name for name in names if name.endswith(READABLE)]
    packed = [name for name in names if name.endswith(UNREADABLE)]
    if packed:
        return _Updates(unknown=f"{LISTS_FOLDER}/{packed[0]}: this compression is not understood")
    if not lists:
        return _Updates(unknown=f"{LISTS_FOLDER}: apt has no package lists")
    if _age_days(probe) > LISTS_DAYS_MAX:
        return _Updates(unknown=f"{LISTS_FOLDER}: the lists are older than {LISTS_DAYS_MAX} days")
    return _waiting(probe, lists, packages)


def _waiting(probe: Probe, lists: list[str], packages: Installed) -> _Updates:
    offers = apt_lists.available(probe, lists, packages)
    security = []
    other = 0
    for package in sorted(packages):
        version, text = packages[package]
        if package in offers.security and version < offers.security[package]:
            name, _ = package
            available = offers.texts[package]
            security.append({"name": name, "installed": text, "available": available})
        elif package in offers.newest and version < offers.newest[package]:
            other += 1
    return _Updates(security=tuple(security), other=other)


def _failing(
    probe: Probe, packages: Iterable[apt_lists.Package], updates: _Updates
) -> Iterable[str]:
    if updates.security:
        yield "security_updates"
    settings = apt_settings.read(probe)
    if not all(_is_on(settings.get(name)) for name in _PERIODIC):
        yield "automatic_updates"
    if not any(name == "unattended-upgrades" for name, _ in packages):
        yield "unattended_upgrades_missing"
    if any(probe.exists(path) for path in REBOOT_PATHS):
        yield "reboot_required"


_PERIODIC = ("apt::periodic::update-package-lists", "apt::periodic::unattended-upgrade")


def _is_on(value: str | None) -> bool:
    """An interval in days, or a time with its unit, or `always`; 0 and nothing switch it off."""
    return value is not None and value.strip() not in ("", "0")


def _age_days(probe: Probe) -> int:
    """Whole days since apt last fetched its lists: the newest trace of it that there is."""
    stamps = [probe.stat_if_there(path) for path in STAMP_PATHS]
    newest = max((stamp.modified_s for stamp in stamps if stamp is not None), default=0)
    return max(0, int(probe.now.timestamp()) - newest) // 86400


def _summary(failing: list[str], updates: _Updates) -> str:
    count = f" ({len(updates.security)} waiting)" if updates.security else ""
    known = f"; {updates.unknown}" if updates.unknown else ""
    return f"not up to date: {', '.join(failing)}{count}{known}"


def _facts(failing: list[str], updates: _Updates, installed: int) -> dict[str, Json]:
    return {
        "failing": failing,
        "security_updates": list(updates.security[:NAMED_MAX]),
        "security_update_count": len(updates.security),
        "other_update_count": updates.other,
        "updates_known": updates.unknown is None,
        "updates_unknown_because": updates.unknown or "",
        "packages": installed,
    }


CHECK = Patching()
