"""remote_access: whether the host can be reached from afar by more ways than it must."""

from dataclasses import dataclass, field

from wardline.agent.checks import active_lines, port_list, sockets, sshd_options, systemd_units
from wardline.agent.checks.port_list import ALLOWED_PATH
from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.agent.checks.sshd_options import Options
from wardline.agent.hosts.host import Kind
from wardline.agent.hosts.units import FOLDERS
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

XRDP_CONFIG = "/etc/xrdp/xrdp.ini"
INETD = "/etc/inetd.conf"
SSH_PROGRAMS = ("/usr/sbin/sshd", "/usr/bin/sshd")
NAMED_MAX = 32
KEY_FILES = ("/root/.ssh/authorized_keys", "/home/*/.ssh/authorized_keys")
KEY_FILES_MAX = 64
_LOOPBACK = ("127.", "::1", "[::1]", "localhost")


@dataclass(frozen=True, slots=True)
class Service:
    """A way in: its ports, the units that open it, and whether a host's own list may allow it."""

    key: str
    ports: tuple[int, ...]
    units: tuple[str, ...]
    severity: Severity
    declarable: bool = True


# Ports of IANA's registry and of the products' own documentation.
SERVICES = (
    Service(
        "telnet",
        (23,),
        ("telnet.socket", "telnetd.service", "inetutils-telnetd.service"),
        Severity.CRITICAL,
        declarable=False,
    ),
    Service("rdp", (3389, 3390), ("xrdp.service", "gnome-remote-desktop.service"), Severity.HIGH),
    Service(
        "vnc",
        (*range(5800, 5810), *range(5900, 5910)),
        (
            "x11vnc.service",
            "vino-server.service",
            "wayvnc.service",
            "vncserver-x11-serviced.service",
        ),
        Severity.HIGH,
    ),
    Service("anydesk", (7070,), ("anydesk.service",), Severity.MEDIUM),
    Service("teamviewer", (5938,), ("teamviewerd.service",), Severity.MEDIUM),
    Service("rustdesk", (21118,), ("rustdesk.service",), Severity.MEDIUM),
    Service("pcanywhere", (5631,), (), Severity.HIGH),
    Service("radmin", (4899,), (), Severity.HIGH),
)
_PASSWORDS = ("password", "keyboard-interactive")


@dataclass(slots=True)
class _Seen:
    problems: dict[str, Severity] = field(default_factory=dict)
    reachable: set[str] = field(default_factory=set)
    ssh: str = "none"
    where: dict[str, str] = field(default_factory=dict)
    units: dict[str, list[str]] = field(default_factory=dict)


class RemoteAccess:
    """The check. On a live host what listens counts, on a tree what is enabled at boot. SSH is the
    way that is meant; it fails where a password alone opens it."""

    manifest = Manifest(
        id="remote_access",
        title="Remote access",
        platforms=("linux",),
        controls=(
            "hipaa:164.312(a)(1)",
            "hipaa:164.312(d)",
            "hipaa:164.312(e)(1)",
            "nist_800_53:AC-17",
            "nist_800_53:AC-17(2)",
            "nist_800_53:CM-7",
            "nist_800_53:IA-2",
            "pci_dss:2.2.7",
            "pci_dss:8.4.3",
            "soc2:CC6.6",
        ),
        interval_s=300,
        cpu_ms_max=1500,
        timeout_s=10,
        severity=Severity.HIGH,
        evidence="Each way in beyond loopback and its port or unit, and how SSH asks who it is.",
        remediation=(
            "Stop telnet; bind RDP and VNC to 127.0.0.1 and reach them through SSH; set "
            "PasswordAuthentication no and KbdInteractiveAuthentication no, or "
            f"AuthenticationMethods publickey. What must stay open is declared in {ALLOWED_PATH}."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        seen = _Seen()
        if probe.kind is Kind.TREE:
            _look_at_units(probe, seen)
        else:
            _look_at_sockets(probe, seen)
        _look_at_ssh(probe, seen)
        failing = sorted(seen.problems)
        facts: dict[str, Json] = {
            "failing": list(failing),
            "by_hand": [key for key in failing if not seen.units.get(key)],
            "units": sorted(one for key in failing for one in seen.units.get(key, ())),
            "key_files": _key_files(probe) if "ssh.guessable" in failing else 0,
            "reachable": sorted(seen.reachable),
            "ssh": seen.ssh,
            "where": {key: seen.where[key] for key in sorted(seen.where)[:NAMED_MAX]},
        }
        if not failing:
            ways = ", ".join(facts["reachable"]) or "none"
            return Finding(Outcome.PASS, f"ways in from afar: {ways}; none too easy", facts)
        worst = max(seen.problems.values(), key=severity.rank)
        return Finding(Outcome.FAIL, f"from afar: {', '.join(failing)}", facts, worst)


def _look_at_sockets(probe: Probe, seen: _Seen) -> None:
    allowed = port_list.read(probe)
    declared = frozenset() if allowed is None or allowed.anybody_may_write else allowed.ports
    for socket in sockets.listening(probe):
        for service in SERVICES:
            if socket.protocol != "tcp" or socket.port not in service.ports:
                continue
            seen.reachable.add(service.key)
            seen.where[service.key] = f"{socket.key} on {socket.address}"
            if not (service.declarable and (socket.protocol, socket.port) in declared):
                seen.problems[service.key] = service.severity
    _name_units(probe, seen)


def _name_units(probe: Probe, seen: _Seen) -> None:
    """The units in force of what was found listening: those that could be stopped."""
    names = tuple(
        unit for service in SERVICES if service.key in seen.problems for unit in service.units
    )
    there = tuple(name for name in names if systemd_units.is_installed(probe, name))
    if there:
        running = {one.name for one in systemd_units.look_at_all(probe, there) if one.active}
        for service in SERVICES:
            seen.units[service.key] = [one for one in service.units if one in running]


def _look_at_units(probe: Probe, seen: _Seen) -> None:
    names = tuple(unit for service in SERVICES for unit in service.units)
    units = {unit.name: unit for unit in systemd_units.look_at_all(probe, names)}
    for service in SERVICES:
        for name in service.units:
            if not (units[name].installed and units[name].in_force):
                continue
            if not _is_bound_to_host(probe, service, name):
                seen.reachable.add(service.key)
                seen.where[service.key] = name
                seen.problems[service.key] = service.severity
                seen.units.setdefault(service.key, []).append(name)
    if probe.exists(INETD):
        offered = {text.split()[0].rpartition(":")[2] for _, text in active_lines.of(probe, INETD)}
        if offered.intersection(("telnet", "23")):
            seen.reachable.add("telnet")
            seen.where["telnet"] = INETD
            seen.problems["telnet"] = Severity.CRITICAL
            seen.units["telnet"] = []


def _is_bound_to_host(probe: Probe, service: Service, unit: str) -> bool:
    """Whether the service's own files bind it to loopback: xrdp.ini(5), x11vnc(1) -localhost."""
    if service.key == "rdp" and probe.exists(XRDP_CONFIG):
        ports = [
            value
            for section, key, value in active_lines.ini(probe, XRDP_CONFIG)
            if section == "globals" and key == "port"
        ]
        # `.` stands for the host itself, as in tcp://.:3389.
        parts = ports[-1].split() if ports else []
        return bool(parts) and all(
            part.removeprefix("tcp://").removeprefix("tcp6://").startswith((*_LOOPBACK, "."))
            or part.startswith(("vsock://", "/"))
            for part in parts
        )
    if service.key == "vnc":
        path = next((f"{one}/{unit}" for one in FOLDERS if probe.exists(f"{one}/{unit}")), None)
        lines = [] if path is None else [text for _, text in active_lines.of(probe, path, "#;")]
        starts = [line for line in lines if line.startswith("ExecStart=")]
        return bool(starts) and all("-localhost" in line for line in starts)
    return False


def _look_at_ssh(probe: Probe, seen: _Seen) -> None:
    """How the server asks who somebody is; one that only the host itself reaches is not judged."""
    if not probe.exists(sshd_options.CONFIG_PATH):
        if any(probe.exists(path) for path in SSH_PROGRAMS):
            raise Unreadable(sshd_options.CONFIG_PATH, "does not exist, though sshd is installed")
        return
    options = sshd_options.read(probe)
    addresses = [one.words[0].lower() for one in options.listening if not one.words[0].isdecimal()]
    if addresses and all(address.startswith(_LOOPBACK) for address in addresses):
        seen.ssh = "loopback"
        return
    seen.reachable.add("ssh")
    seen.ssh = "password" if _takes_password(options) else "key"
    if seen.ssh == "password":
        seen.problems["ssh.guessable"] = Severity.MEDIUM
    loosened = [
        one
        for one in options.matched
        if one.keyword in ("passwordauthentication", "kbdinteractiveauthentication")
        and one.option.words[0].lower() == "yes"
    ]
    if loosened and seen.ssh == "key":
        seen.problems["match.ssh.guessable"] = Severity.MEDIUM
        seen.where["match.ssh.guessable"] = loosened[0].option.where


def _key_files(probe: Probe) -> int:
    """How many files with keys there are, where sshd looks for them unless it is told otherwise."""
    paths = [path for pattern in KEY_FILES for path in probe.glob(pattern)]
    found = (probe.stat_if_there(path) for path in paths[:KEY_FILES_MAX])
    return sum(1 for one in found if one is not None and one.size)


def _takes_password(options: Options) -> bool:
    """sshd_config(5): both ways are on by default; each list of AuthenticationMethods is enough."""
    methods = options.default.get("authenticationmethods")
    if methods is not None and methods.words != ("any",):
        lists = [one.split(",") for one in methods.words]
        return any(all(method.partition(":")[0] in _PASSWORDS for method in one) for one in lists)
    names = ("passwordauthentication", "kbdinteractiveauthentication")
    old = options.default.get("challengeresponseauthentication")
    for name in names:
        option = options.default.get(name)
        if option is None and name.startswith("kbd"):
            option = old
        if option is None or option.words[0].lower() != "no":
            return True
    return False


CHECK = RemoteAccess()
