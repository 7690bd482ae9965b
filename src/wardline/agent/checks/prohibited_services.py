"""prohibited_services: whether a host runs what sends passwords in clear or nobody needs."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wardline.agent.checks import apt_lists, systemd_units
from wardline.agent.checks.apt_lists import STATUS_PATH
from wardline.agent.checks.probe import Probe
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.agent.checks.systemd_units import Unit
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

INETD_PATH = "/etc/inetd.conf"
INETD_UNITS = ("inetd.service", "openbsd-inetd.service", "inetutils-inetd.service")
SNMPD_UNIT = "snmpd.service"
SNMPD_PATHS = ("/etc/snmp/snmpd.conf", "/etc/snmp/snmpd.conf.d/*.conf")
RUN_LEVELS = ("/etc/rc2.d", "/etc/rc3.d", "/etc/rc4.d", "/etc/rc5.d")
NAMED_MAX = 64

# snmpd.conf(5): what lets somebody in by a community, and where its name stands among the words.
_COMMUNITY = {
    "rocommunity": 1,
    "rocommunity6": 1,
    "rwcommunity": 1,
    "rwcommunity6": 1,
    "com2sec": 3,
    "com2sec6": 3,
}
_GUESSED = ("public", "private")
_STARTED = re.compile(r"S[0-9]{2}(.+)")
_COMMENT = re.compile(r"(?:^|\s)#.*")


@dataclass(frozen=True, slots=True)
class Service:
    """One service that is not to run.

    `units` start it. Its `packages` are not even to be installed; of a service without them a
    program that nothing starts is left alone. `inetd` are its names in inetd.conf.
    """

    key: str
    severity: Severity
    units: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    inetd: tuple[str, ...] = ()


# ComplianceAsCode package_*_removed and service_*_disabled rules, in Debian's and Fedora's names;
# what a clinic does use (printing, file shares, web servers, mail) is not among them.
SERVICES = (
    Service(
        "telnet",
        Severity.HIGH,
        ("telnet.socket", "telnetd.service"),
        ("telnetd", "inetutils-telnetd", "telnetd-ssl", "telnet-server"),
        ("telnet", "telnets"),
    ),
    Service(
        "rsh",
        Severity.HIGH,
        ("rsh.socket", "rlogin.socket", "rexec.socket"),
        ("rsh-server", "rsh-redone-server"),
        ("shell", "login", "exec"),
    ),
    Service(
        "nis",
        Severity.HIGH,
        ("ypserv.service", "ypbind.service", "nis.service"),
        ("ypserv", "yp-tools", "nis"),
    ),
    Service(
        "ftp",
        Severity.HIGH,
        ("vsftpd.service", "proftpd.service", "pure-ftpd.service"),
        inetd=("ftp",),
    ),
    Service(
        "tftp",
        Severity.HIGH,
        ("tftpd-hpa.service", "atftpd.service", "tftp.socket", "tftp.service"),
        inetd=("tftp",),
    ),
    Service(
        "talk",
        Severity.MEDIUM,
        ("talk.socket", "ntalk.socket"),
        ("talkd", "inetutils-talkd", "talk-server"),
        ("talk", "ntalk"),
    ),
    Service("debug_shell", Severity.HIGH, ("debug-shell.service",)),
    Service("xinetd", Severity.MEDIUM, ("xinetd.service",)),
    Service("avahi", Severity.MEDIUM, ("avahi-daemon.service", "avahi-daemon.socket")),
    Service("rsync", Severity.MEDIUM, ("rsync.service", "rsyncd.service", "rsyncd.socket")),
    Service("rpcbind", Severity.LOW, ("rpcbind.service", "rpcbind.socket")),
    Service("finger", Severity.MEDIUM, inetd=("finger",)),
)
UNITS = tuple(unit for service in SERVICES for unit in service.units)
_COMMUNITY_SEVERITY = Severity.HIGH


@dataclass(frozen=True, slots=True)
class _Problem:
    """`key` is the service, with what about it is wrong where that is not that a unit runs it."""

    key: str
    severity: Severity
    found: str


class ProhibitedServices:
    """The check; a unit counts where it is started at boot, and where it runs now."""

    manifest = Manifest(
        id="prohibited_services",
        title="Services that must not run",
        platforms=("linux",),
        controls=(
            "hipaa:164.312(a)(1)",
            "hipaa:164.312(e)(1)",
            "nist_800_53:CM-7",
            "nist_800_53:CM-6",
            "nist_800_53:SC-8",
            "pci_dss:2.2.4",
            "pci_dss:2.2.5",
            "soc2:CC6.6",
            "soc2:CC6.8",
        ),
        interval_s=900,
        cpu_ms_max=2000,
        timeout_s=15,
        severity=Severity.HIGH,
        evidence="The units, packages and lines of inetd.conf and snmpd.conf that offer a service.",
        remediation=(
            "Disable and stop the named units, remove the named packages, and give snmpd users of "
            "version 3 in place of communities."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        units = {unit.name: unit for unit in systemd_units.look_at_all(probe, _ALL_UNITS)}
        running = sorted(name for name in UNITS if _is_in_use(units[name]))
        by_unit = [_of_unit(name, units[name]) for name in running]
        by_hand = [
            *_of_init(probe, units),
            *_of_inetd(probe, units),
            *_of_snmp(probe, units),
            *_of_packages(probe),
        ]
        failing = sorted({problem.key for problem in [*by_unit, *by_hand]})
        facts: dict[str, Json] = {
            "failing": failing,
            "to_disable": list(running),
            "by_hand": sorted({problem.key for problem in by_hand}),
            "found": [problem.found for problem in [*by_unit, *by_hand]][:NAMED_MAX],
            "packages_known": probe.exists(STATUS_PATH),
        }
        if failing:
            worst = max((one.severity for one in [*by_unit, *by_hand]), key=severity.rank)
            summary = f"offered, and not to be: {', '.join(failing)}"
            return Finding(Outcome.FAIL, summary, facts, worst)
        if not facts["packages_known"]:
            reason = f"only dpkg is understood, and {STATUS_PATH} does not exist"
            return Finding(Outcome.UNKNOWN, reason, {**facts, "reason": reason})
        return Finding(Outcome.PASS, f"none of {len(SERVICES)} prohibited services is there", facts)


_ALL_UNITS = (*UNITS, *INETD_UNITS, SNMPD_UNIT)
_SERVICE_OF = {unit: service for service in SERVICES for unit in service.units}


def _is_in_use(unit: Unit) -> bool:
    return unit.active is True or (unit.installed and unit.enabled and not unit.masked)


def _of_unit(name: str, unit: Unit) -> _Problem:
    service = _SERVICE_OF[name]
    state = "enabled" if unit.enabled and not unit.masked else "running, not enabled"
    return _Problem(service.key, service.severity, f"{name}: {state}")


def _of_init(probe: Probe, units: dict[str, Unit]) -> Iterator[_Problem]:
    """What an init script starts; systemd leaves one alone that has a unit of the same name."""
    starting = {name for level in RUN_LEVELS for name in probe.listdir_if_there(level)}
    started = {found[1] for found in map(_STARTED.fullmatch, starting) if found}
    for name in UNITS:
        stem = name.removesuffix(".service")
        if stem in started and not units[name].installed and not units[name].masked:
            service = _SERVICE_OF[name]
            found = f"/etc/init.d/{stem} is started at boot"
            yield _Problem(f"{service.key}.init", service.severity, found)


def _of_packages(probe: Probe) -> Iterator[_Problem]:
    if not probe.exists(STATUS_PATH):
        return
    installed = {name for name, _ in apt_lists.installed(probe)}
    for service in SERVICES:
        for package in service.packages:
            if package in installed:
                key = f"{service.key}.installed"
                yield _Problem(key, service.severity, f"the package {package} is installed")


def _of_inetd(probe: Probe, units: dict[str, Unit]) -> Iterator[_Problem]:
    """inetd.conf(5): service, socket type, protocol, flags, user, program; the service may have
    an address before it and a port may stand in place of it."""
    if not any(_is_in_use(units[name]) for name in INETD_UNITS) or not probe.exists(INETD_PATH):
        return
    offered = {line.split()[0].rpartition(":")[2] for line in _active(probe, INETD_PATH)}
    for service in SERVICES:
        for name in sorted(offered.intersection(service.inetd)):
            where = f"{INETD_PATH} offers {name}"
            yield _Problem(f"{service.key}.inetd", service.severity, where)


def _of_snmp(probe: Probe, units: dict[str, Unit]) -> Iterator[_Problem]:
    """A community is a password of versions 1 and 2c that everybody on the wire can read."""
    if not _is_in_use(units[SNMPD_UNIT]):
        return
    for path in [path for pattern in SNMPD_PATHS for path in probe.glob(pattern)]:
        for line in _active(probe, path):
            words = line.split()
            community = _community(words)
            if community is None:
                continue
            # The word itself is a secret, unless it is the one that everybody guesses.
            known = f" {community}" if community in _GUESSED else ""
            what = f"{path}: {words[0].lower()}{known}"
            yield _Problem("snmp.community", _COMMUNITY_SEVERITY, what)


def _community(words: list[str]) -> str | None:
    """The community that a line of snmpd.conf lets in; `com2sec -Cn context name source word`."""
    at = _COMMUNITY.get(words[0].lower())
    if at is None:
        return None
    rest = words[1:]
    if rest[:1] == ["-Cn"]:
        rest = rest[2:]
    return rest[at - 1].strip("\"'") if len(rest) >= at else ""


def _active(probe: Probe, path: str) -> Iterable[str]:
    """Lines that are no comments and not empty."""
    for _, line in probe.lines(path):
        text = _COMMENT.sub("", line).strip()
        if text:
            yield text


CHECK = ProhibitedServices()
