"""file_integrity: whether something on the host would notice that its system files were changed."""

from dataclasses import dataclass

from wardline.agent.checks import active_lines, systemd_units
from wardline.agent.checks.probe import Probe
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

DAY_S = 86400
BASELINE_DAYS_MAX = 400
# Programs that keep a list of what is and compare: AIDE, Wazuh and OSSEC, Samhain, Tripwire.
AIDE = ("/usr/bin/aide", "/usr/sbin/aide")
AIDE_BASES = ("/var/lib/aide/aide.db", "/var/lib/aide/aide.db.gz")
AIDE_TIMERS = ("dailyaidecheck.timer", "aidecheck.timer", "aide-check.timer")
AIDE_JOBS = ("/etc/cron.daily/aide", "/etc/cron.daily/dailyaidecheck", "/etc/cron.weekly/aide")
CRON_TABLES = (
    "/etc/crontab",
    "/etc/cron.d/*",
    "/var/spool/cron/root",
    "/var/spool/cron/crontabs/root",
)
OSSEC = "/var/ossec/etc/ossec.conf"
OTHERS = {
    "samhain": ("/usr/sbin/samhain", "samhain.service"),
    "tripwire": ("/usr/sbin/tripwire", ""),
}
WAZUH_UNITS = ("wazuh-agent.service", "wazuh-manager.service", "ossec.service")
_GRADES = {
    "nothing_watches": Severity.MEDIUM,
    "no_baseline": Severity.MEDIUM,
    "baseline_too_old": Severity.LOW,
    "not_scheduled": Severity.MEDIUM,
    "not_running": Severity.MEDIUM,
}


@dataclass(frozen=True, slots=True)
class _Watcher:
    name: str
    failing: tuple[str, ...]


class FileIntegrity:
    """The check; one watcher that is complete is enough, whatever others are missing."""

    manifest = Manifest(
        id="file_integrity",
        title="Watch over system files",
        platforms=("linux",),
        controls=(
            "hipaa:164.308(a)(1)(ii)(D)",
            "hipaa:164.312(c)(1)",
            "hipaa:164.312(c)(2)",
            "nist_800_53:CM-3",
            "nist_800_53:SI-7",
            "nist_800_53:SI-7(1)",
            "pci_dss:10.3.4",
            "pci_dss:11.5.2",
            "soc2:CC6.8",
            "soc2:CC7.1",
        ),
        interval_s=3600,
        cpu_ms_max=500,
        timeout_s=5,
        severity=Severity.MEDIUM,
        evidence="Which watcher is installed, and whether it has a baseline and a time to run.",
        remediation=(
            "Install AIDE, make its baseline (`aideinit`, or `aide --init` and the new database "
            "put in place) and enable its daily run (dailyaidecheck.timer, or a job of cron)."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        watchers = [one for one in (_aide(probe), _ossec(probe), *_others(probe)) if one]
        complete = [one.name for one in watchers if not one.failing]
        failing = sorted({f"{one.name}:{key}" for one in watchers for key in one.failing})
        facts: dict[str, Json] = {
            "failing": [] if complete else list(failing or ["nothing_watches"]),
            "watchers": [one.name for one in watchers],
            "incomplete": list(failing),
            "timers": [unit for unit in AIDE_TIMERS if systemd_units.is_installed(probe, unit)],
        }
        if complete:
            return Finding(Outcome.PASS, f"system files are watched by {complete[0]}", facts)
        if not watchers:
            summary = "nobody would notice a change of system files: no watcher is installed"
            return Finding(Outcome.FAIL, summary, facts)
        grades = [_GRADES[key] for one in watchers for key in one.failing]
        summary = f"system files are not watched: {', '.join(failing)}"
        return Finding(Outcome.FAIL, summary, facts, max(grades, key=severity.rank))


def _aide(probe: Probe) -> _Watcher | None:
    if not any(probe.exists(path) for path in AIDE):
        return None
    failing = []
    bases = [probe.stat(path) for path in AIDE_BASES if probe.exists(path)]
    newest = max((base.modified_s for base in bases if base.size), default=None)
    if newest is None:
        failing.append("no_baseline")
    elif int(probe.now.timestamp()) - newest > BASELINE_DAYS_MAX * DAY_S:
        failing.append("baseline_too_old")
    if not _is_scheduled(probe):
        failing.append("not_scheduled")
    return _Watcher("aide", tuple(failing))


def _is_scheduled(probe: Probe) -> bool:
    """By a timer, by a script that run-parts finds, or by a line of a table of root's."""
    timers = [unit for unit in AIDE_TIMERS if systemd_units.is_installed(probe, unit)]
    if any(systemd_units.look(probe, unit).in_force for unit in timers):
        return True
    if any(probe.stat(path).mode & 0o100 for path in AIDE_JOBS if probe.exists(path)):
        return True
    lines = active_lines.of_all(probe, CRON_TABLES)
    return any("aide" in line and ("--check" in line or "aidecheck" in line) for line in lines)


def _ossec(probe: Probe) -> _Watcher | None:
    if not probe.exists(OSSEC):
        return None
    text = probe.text(OSSEC)
    units = [unit for unit in WAZUH_UNITS if systemd_units.is_installed(probe, unit)]
    failing = []
    at = text.find("<syscheck>")
    section = text[at : text.find("</syscheck>", at)] if at >= 0 else ""
    if not section or "<disabled>yes</disabled>" in "".join(section.split()):
        failing.append("not_scheduled")
    if not any(systemd_units.look(probe, unit).in_force for unit in units):
        failing.append("not_running")
    return _Watcher("wazuh", tuple(failing))


def _others(probe: Probe) -> list[_Watcher]:
    found = []
    for name, (program, unit) in OTHERS.items():
        if not probe.exists(program):
            continue
        if unit:
            runs = systemd_units.look(probe, unit).in_force
            found.append(_Watcher(name, () if runs else ("not_running",)))
        else:
            lines = active_lines.of_all(probe, CRON_TABLES)
            scheduled = probe.exists(f"/etc/cron.daily/{name}") or any(name in one for one in lines)
            found.append(_Watcher(name, () if scheduled else ("not_scheduled",)))
    return found


CHECK = FileIntegrity()
