"""os_support: whether the host's release still gets security updates, by the dates of its maker.

The dates are data: os_support.json says where they come from, under which licence and as of when.
"""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from importlib import resources

from wardline.agent.checks import active_lines, os_release
from wardline.agent.checks.probe import Probe
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

DATES_FILE = "os_support.json"
ENDING_DAYS = 90
# Updates beyond the end that everybody gets: Debian's LTS comes over the same archive.
EXTENDED_FOR_ALL = ("debian",)
# Ubuntu Pro: `pro attach` writes both the source and the credentials for it.
ESM_SOURCES = "/etc/apt/sources.list.d/ubuntu-esm-infra.*"
ESM_CREDENTIALS = "/etc/apt/auth.conf.d/90ubuntu-advantage"

Dates = Mapping[str, Mapping[str, list[str]]]


class OsSupport:
    """The check; a release that the dates do not know is unknown, and a support contract that
    leaves no trace on the host does not count."""

    manifest = Manifest(
        id="os_support",
        title="Support of the operating system",
        platforms=("linux",),
        controls=(
            "hipaa:164.308(a)(1)(ii)(B)",
            "hipaa:164.308(a)(5)(ii)(B)",
            "nist_800_53:SA-22",
            "nist_800_53:SI-2",
            "pci_dss:6.3.3",
            "pci_dss:12.3.4",
            "soc2:CC7.1",
        ),
        interval_s=3600,
        cpu_ms_max=500,
        timeout_s=5,
        severity=Severity.HIGH,
        evidence="Name and version of the release, the day its updates end, and who says so.",
        remediation=(
            "Move the host to a release that its maker still updates, or buy the extended updates "
            "of this one (Ubuntu Pro) and attach the host to them."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        told = os_release.read(probe)
        table, dates_of = _table()
        system, version = told.get("ID", "").lower(), told.get("VERSION_ID", "").lower()
        facts: dict[str, Json] = {
            "failing": [],
            "system": system,
            "version": version,
            "dates_of": dates_of,
        }
        dates = _dates(table, system, version)
        if dates is None:
            reason = f"no dates are known for {system or 'a system without a name'} {version}"
            return Finding(Outcome.UNKNOWN, reason.strip(), {**facts, "reason": reason.strip()})
        end, extended = dates
        counts = extended is not None and _is_extended(probe, system)
        if extended is not None and counts:
            end = extended
        facts |= {"ends": end.isoformat(), "extended": counts}
        return _judge(f"{system} {version}", end, probe.now, facts)


def _judge(name: str, end: date, now: datetime, facts: dict[str, Json]) -> Finding:
    """The last day of support counts as one, in whatever zone."""
    over = datetime(end.year, end.month, end.day, tzinfo=UTC) + timedelta(days=2)
    if now >= over:
        summary = f"{name} has had no security updates since {end}"
        return Finding(Outcome.FAIL, summary, {**facts, "failing": ["ended"]})
    if now >= over - timedelta(days=ENDING_DAYS):
        summary = f"{name} gets security updates until {end} only, less than {ENDING_DAYS} days"
        return Finding(Outcome.FAIL, summary, {**facts, "failing": ["ending"]}, Severity.LOW)
    return Finding(Outcome.PASS, f"{name} gets security updates until {end}", facts)


def _dates(table: Dates, system: str, version: str) -> tuple[date, date | None] | None:
    """The end of updates and of extended ones, by the whole version, else by its first part."""
    releases = table.get(system, {})
    found = releases.get(version) or releases.get(version.partition(".")[0])
    if found is None:
        return None
    days = [date.fromisoformat(day) for day in found]
    return days[0], days[1] if len(days) > 1 else None


def _is_extended(probe: Probe, system: str) -> bool:
    if system in EXTENDED_FOR_ALL:
        return True
    attached = system == "ubuntu" and probe.exists(ESM_CREDENTIALS)
    return attached and any(True for _ in active_lines.of_all(probe, (ESM_SOURCES,)))


def _table() -> tuple[Dates, str]:
    """The dates by system and version, and from which day they are; not kept between hours."""
    content = json.loads((resources.files(__package__) / DATES_FILE).read_bytes())
    return content["releases"], f"{content['source'].partition(',')[0]}, {content['as_of']}"


CHECK = OsSupport()
