"""antivirus: whether malware is looked for, with definitions that are kept up to date."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from wardline.agent.checks import clamav, systemd_units
from wardline.agent.checks.clamav import Definitions, Updater
from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.agent.hosts.host import FileKind, HostError
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

DEFINITIONS_DAYS_MAX = 7
DEFINITIONS_DAYS_SEVERE = 30
SCANNERS = ("clamav-daemon.service", "clamd@scan.service", "clamav-clamonacc.service")
SCAN_TIMERS = ("clamscan.timer", "clamdscan.timer", "clamav-scan.timer")
CRON_FOLDERS = ("/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly")
CRON_FILES_MAX = 64
CRON_BYTES_MAX = 64 * 1024

# A command before the comment of its line.
_SCAN = re.compile(r"^[^#\n]*\bclamd?scan\b", re.MULTILINE)

# Where the other products for Linux install themselves.
OTHERS = {
    "Microsoft Defender for Endpoint": ("/opt/microsoft/mdatp",),
    "Sophos": ("/opt/sophos-spl", "/opt/sophos-av"),
    "ESET": ("/opt/eset/eea", "/opt/eset/efs", "/opt/eset/esets"),
    "CrowdStrike Falcon": ("/opt/CrowdStrike/falconctl",),
    "SentinelOne": ("/opt/sentinelone",),
    "Bitdefender": ("/opt/bitdefender-security-tools", "/opt/BitDefender"),
    "Trend Micro": ("/opt/ds_agent", "/opt/TrendMicro"),
    "Trellix": ("/opt/McAfee/ens", "/opt/isec/ens"),
    "Kaspersky": ("/opt/kaspersky/kesl",),
}
# What a line of freshclam.conf and its service put right.
REPAIRED = ("updates_checks", "updates_off", "updates_stopped")
_GRADES = {
    "not_installed": Severity.HIGH,
    "definitions_missing": Severity.HIGH,
    "definitions_old": Severity.MEDIUM,
    "updates_checks": Severity.MEDIUM,
    "updates_configuration": Severity.MEDIUM,
    "updates_off": Severity.MEDIUM,
    "updates_stopped": Severity.MEDIUM,
    "scanning_off": Severity.MEDIUM,
}


@dataclass(frozen=True, slots=True)
class _Found:
    """ClamAV as it stands on a host; in `unknown` why something of it cannot be said.

    `scanner` is empty where nothing scans, and None where that could not be found out.
    """

    definitions: Definitions
    updater: Updater
    scanner: str | None
    unknown: tuple[str, ...]
    installed: tuple[str, ...] = ()


class Antivirus:
    """The check; it judges ClamAV, and says of other products only that they are there."""

    manifest = Manifest(
        id="antivirus",
        title="Protection from malware",
        platforms=("linux",),
        controls=(
            "hipaa:164.308(a)(5)(ii)(B)",
            "nist_800_53:SI-3",
            "pci_dss:5.2.1",
            "pci_dss:5.3.1",
            "pci_dss:5.3.2",
            "soc2:CC6.8",
        ),
        interval_s=300,
        cpu_ms_max=1000,
        timeout_s=10,
        severity=Severity.HIGH,
        evidence="Whether definitions are current, what updates them, and what scans with them.",
        remediation=(
            "Install clamav-daemon and clamav-freshclam, keep both services enabled, and let "
            "freshclam look for new definitions at least once a day (Checks in freshclam.conf)."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        others = [name for name, paths in OTHERS.items() if any(map(probe.exists, paths))]
        if not clamav.is_installed(probe):
            return _without_clamav(others)
        found = _look(probe)
        failing = sorted(_failing(found))
        facts = _facts(failing, found, others)
        if failing and others:
            return _unjudged(others, facts)
        if failing:
            return Finding(
                Outcome.FAIL, _summary(failing, found), facts, _worst(failing, found.definitions)
            )
        if found.unknown:
            reason = "; ".join(found.unknown)
            return Finding(Outcome.UNKNOWN, reason, {**facts, "reason": reason})
        return Finding(Outcome.PASS, "malware is looked for with current definitions", facts)


def _without_clamav(others: list[str]) -> Finding:
    if others:
        return _unjudged(others, {})
    facts: dict[str, Json] = {"failing": ["not_installed"], "others": []}
    return Finding(Outcome.FAIL, "nothing on this host looks for malware", facts, Severity.HIGH)


def _unjudged(others: list[str], facts: dict[str, Json]) -> Finding:
    reason = f"{', '.join(others)}: this product's definitions cannot be judged yet"
    kept = {key: value for key, value in facts.items() if key != "failing"}
    return Finding(Outcome.UNKNOWN, reason, {**kept, "others": list(others), "reason": reason})


def _look(probe: Probe) -> _Found:
    updater = clamav.updater(probe)
    # Where the configuration is not known, nobody knows where the definitions lie.
    lost = updater.unknown != ""
    definitions = Definitions() if lost else clamav.definitions(probe, updater.folder)
    unknown = [reason for reason in (updater.unknown, definitions.unknown) if reason]
    try:
        installed = tuple(one for one in SCANNERS if systemd_units.is_installed(probe, one))
        return _Found(definitions, updater, _scanner(probe), tuple(unknown), installed)
    except (HostError, Unreadable) as error:
        return _Found(definitions, updater, None, (*unknown, str(error)))


def _scanner(probe: Probe) -> str:
    """What looks for malware: a daemon, a timer, or a line of cron; empty where nothing does."""
    for name in (*SCANNERS, *SCAN_TIMERS):
        if systemd_units.look(probe, name).in_force:
            return name
    for path in _cron_files(probe):
        if _SCAN.search(probe.text(path, CRON_BYTES_MAX)):
            return path
    return ""


def _cron_files(probe: Probe) -> list[str]:
    paths = ["/etc/crontab"] if probe.exists("/etc/crontab") else []
    for folder in CRON_FOLDERS:
        paths += probe.glob(f"{folder}/*")
        if len(paths) > CRON_FILES_MAX:
            raise Unreadable(folder, f"there are more than {CRON_FILES_MAX} cron files")
    return [path for path in paths if probe.stat(path).kind is not FileKind.DIRECTORY]


def _failing(found: _Found) -> Iterable[str]:
    days = found.definitions.days
    if found.definitions.missing:
        yield "definitions_missing"
    elif days is not None and days > DEFINITIONS_DAYS_MAX:
        yield "definitions_old"
    yield from found.updater.failing
    if found.scanner == "":
        yield "scanning_off"


def _worst(failing: list[str], definitions: Definitions) -> Severity:
    grades = [_GRADES[key] for key in failing]
    if definitions.days is not None and definitions.days > DEFINITIONS_DAYS_SEVERE:
        grades.append(Severity.HIGH)
    return max(grades, key=severity.rank)


def _summary(failing: list[str], found: _Found) -> str:
    days = found.definitions.days
    age = f" ({days} days old)" if "definitions_old" in failing else ""
    known = "".join(f"; {reason}" for reason in found.unknown)
    return f"not protected from malware: {', '.join(failing)}{age}{known}"


def _facts(failing: list[str], found: _Found, others: list[str]) -> dict[str, Json]:
    facts: dict[str, Json] = {
        "failing": failing,
        "failing_by_hand": [key for key in failing if key not in REPAIRED],
        "updater_startable": found.updater.startable,
        "definitions": found.definitions.band(DEFINITIONS_DAYS_MAX),
        "definitions_folder": found.updater.folder,
        "configuration": found.updater.configuration,
        "updated_by": found.updater.name,
        "scanned_by": found.scanner or "",
        "scanners_installed": list(found.installed),
        "others": list(others),
        "unknown_because": list(found.unknown),
    }
    if "definitions_old" in failing:
        facts["definitions_days"] = found.definitions.days
    return facts


CHECK = Antivirus()
