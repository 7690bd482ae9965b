"""time_sync: whether a daemon keeps the clock with the world's, and on a live host really does."""

from collections.abc import Callable
from dataclasses import dataclass

from wardline.agent.checks import systemd_settings, systemd_units, time_sources
from wardline.agent.checks.probe import NoAnswer, Probe
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.agent.hosts import queries
from wardline.agent.hosts.host import HostError, Kind
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

NAMED_MAX = 10
CONTAINER_MARKS = ("/.dockerenv", "/run/.containerenv", "/run/systemd/container")
MOUNTS = "/proc/mounts"
_GRADES = {
    "no_daemon": Severity.HIGH,
    "no_server": Severity.HIGH,
    "not_synchronised": Severity.MEDIUM,
}


@dataclass(frozen=True, slots=True)
class Daemon:
    """A program that sets the clock: its units by their names on different systems."""

    name: str
    units: tuple[str, ...]
    sources: Callable[[Probe], list[str]]


def _timesyncd(probe: Probe) -> list[str]:
    """timesyncd.conf(5): FallbackNTP counts where no NTP is named; unset, it is built in."""
    values = systemd_settings.read(probe, "timesyncd.conf", "Time")
    named = systemd_settings.words(values, "NTP")
    if named:
        return named
    fallback = systemd_settings.words(values, "FallbackNTP")
    return ["built in"] if fallback is None else fallback


# In the order in which one decides where several are in force: whoever is installed on purpose
# before what comes with the system.
DAEMONS = (
    Daemon("chrony", ("chrony.service", "chronyd.service"), time_sources.chrony),
    Daemon("ntpsec", ("ntpsec.service",), time_sources.ntpsec),
    Daemon("ntp", ("ntp.service", "ntpd.service"), time_sources.ntp),
    Daemon("openntpd", ("openntpd.service",), time_sources.openntpd),
    Daemon("systemd-timesyncd", ("systemd-timesyncd.service",), _timesyncd),
)


class TimeSync:
    """The check; a live host must say itself that its clock is synchronised."""

    manifest = Manifest(
        id="time_sync",
        title="Clock synchronisation",
        platforms=("linux",),
        controls=(
            "hipaa:164.312(b)",
            "nist_800_53:AU-8",
            "nist_800_53:SC-45",
            "nist_800_53:SC-45(1)",
            "pci_dss:10.6.1",
            "pci_dss:10.6.2",
            "soc2:CC7.2",
        ),
        interval_s=300,
        cpu_ms_max=500,
        timeout_s=10,
        severity=Severity.HIGH,
        evidence="The daemon that keeps the clock, its sources, and whether the clock is in step.",
        remediation=(
            "Install chrony or systemd-timesyncd, name at least one source that the host can "
            "reach, enable the service, and look at `timedatectl` until it says synchronised."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        in_force = [one for one in DAEMONS if _in_force(probe, one)]
        if not in_force and _shares_its_clock(probe):
            reason = "a container without a daemon: its clock is set by the machine outside"
            return Finding(Outcome.NOT_APPLICABLE, reason, {"container": True})
        deciding, sources = _deciding(probe, in_force)
        synchronised, silence = _synchronised(probe)
        failing = sorted(_failing(deciding, sources, synchronised))
        facts: dict[str, Json] = {
            "failing": failing,
            "decided_by": deciding.name if deciding else "",
            "in_force": [one.name for one in in_force],
            "installed": [one.name for one in DAEMONS if _is_installed(probe, one)],
            "sources": list(sources[:NAMED_MAX]),
            "synchronised": synchronised,
        }
        if failing:
            worst = max((_GRADES[key] for key in failing), key=severity.rank)
            return Finding(Outcome.FAIL, f"the clock is not kept: {_words(failing)}", facts, worst)
        if silence:
            reason = f"whether the clock is in step cannot be asked: {silence}"
            return Finding(Outcome.UNKNOWN, reason, {**facts, "reason": reason})
        kept = f"{facts['decided_by']} keeps the clock"
        return Finding(Outcome.PASS, f"{kept}, {len(sources)} sources configured", facts)


def _in_force(probe: Probe, daemon: Daemon) -> bool:
    return any(
        unit.in_force
        for unit in (
            systemd_units.look(probe, name)
            for name in daemon.units
            if systemd_units.is_installed(probe, name)
        )
    )


def _is_installed(probe: Probe, daemon: Daemon) -> bool:
    return any(systemd_units.is_installed(probe, name) for name in daemon.units)


def _deciding(probe: Probe, in_force: list[Daemon]) -> tuple[Daemon | None, list[str]]:
    """The first daemon in force that has sources, else the first."""
    read = [(one, one.sources(probe)) for one in in_force]
    with_sources = [pair for pair in read if pair[1]]
    return next(iter([*with_sources, *read]), (None, []))


def _failing(daemon: Daemon | None, sources: list[str], synchronised: bool | None) -> list[str]:
    failing = ["not_synchronised"] if synchronised is False else []
    if daemon is None:
        failing.append("no_daemon")
    elif not sources:
        failing.append("no_server")
    return failing


def _synchronised(probe: Probe) -> tuple[bool | None, str]:
    """What timedatectl says, or why it says nothing; a tree has no clock to ask about."""
    if probe.kind is Kind.TREE:
        return None, ""
    try:
        answer = probe.ask(queries.TIME_STATUS)
    except (HostError, NoAnswer) as error:
        return None, str(error)
    told = dict(line.partition("=")[::2] for line in answer.splitlines())
    said = told.get("NTPSynchronized")
    if said not in ("yes", "no"):
        return None, "timedatectl: does not say NTPSynchronized"
    return said == "yes", ""


def _shares_its_clock(probe: Probe) -> bool:
    """Whether this is a container: its mark alone proves nothing, a file is soon made."""
    if probe.kind is Kind.TREE or not any(probe.exists(mark) for mark in CONTAINER_MARKS):
        return False
    mounts = probe.text_if_there(MOUNTS) or ""
    return any(line.split()[1:3] == ["/", "overlay"] for line in mounts.split("\n"))


def _words(failing: list[str]) -> str:
    return ", ".join(key.replace("_", " ") for key in failing)


CHECK = TimeSync()
