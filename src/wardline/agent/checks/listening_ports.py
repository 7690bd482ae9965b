"""listening_ports: whether a host answers on a port beyond itself that nobody should reach."""

from dataclasses import dataclass

from wardline.agent.checks import port_list, sockets
from wardline.agent.checks.port_list import ALLOWED_PATH, PortList
from wardline.agent.checks.probe import Probe
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.agent.checks.sockets import Socket
from wardline.agent.hosts.host import Kind
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

NAMED_MAX = 64
LIST_WRITABLE = "ports.toml"


@dataclass(frozen=True, slots=True)
class Rule:
    """A port that must not be reachable; a host's own list may allow it where `declarable`."""

    protocol: str
    first: int
    last: int
    service: str
    severity: Severity
    declarable: bool = True


def _clear(protocol: str, port: int, service: str, grade: Severity, last: int = 0) -> Rule:
    """What carries passwords in clear: an exception for it is a person's, not a file's."""
    return Rule(protocol, port, last or port, service, grade, declarable=False)


def _inner(protocol: str, port: int, service: str, grade: Severity, last: int = 0) -> Rule:
    """What belongs behind a firewall, unless the host's own list says who needs it."""
    return Rule(protocol, port, last or port, service, grade)


# Names of IANA's registry. PCI DSS 2.2.5 and NIST CM-7 leave the list of insecure services open;
# these are the ones of ComplianceAsCode's *_removed rules and the ones that ask for no password.
RULES = (
    _clear("tcp", 7, "echo", Severity.LOW),
    _clear("tcp", 19, "chargen", Severity.LOW),
    _clear("udp", 19, "chargen", Severity.MEDIUM),
    _clear("tcp", 21, "ftp", Severity.HIGH),
    _clear("tcp", 23, "telnet", Severity.CRITICAL),
    _clear("udp", 69, "tftp", Severity.HIGH),
    _clear("tcp", 79, "finger", Severity.MEDIUM),
    _clear("tcp", 512, "rexec, rlogin, rsh", Severity.CRITICAL, 514),
    _clear("tcp", 2375, "docker without TLS", Severity.CRITICAL),
    _clear("tcp", 6000, "X11", Severity.HIGH, 6009),
    _inner("tcp", 111, "rpcbind", Severity.MEDIUM),
    _inner("udp", 111, "rpcbind", Severity.MEDIUM),
    _inner("udp", 137, "netbios", Severity.MEDIUM, 138),
    _inner("tcp", 139, "netbios session (SMB 1)", Severity.MEDIUM),
    _inner("udp", 161, "snmp", Severity.MEDIUM),
    _inner("tcp", 873, "rsync", Severity.MEDIUM),
    _inner("tcp", 1433, "sql server", Severity.HIGH),
    _inner("tcp", 3306, "mysql", Severity.HIGH),
    _inner("tcp", 5432, "postgresql", Severity.HIGH),
    _inner("tcp", 5900, "vnc", Severity.HIGH, 5909),
    _inner("tcp", 6379, "redis", Severity.HIGH),
    _inner("tcp", 9200, "elasticsearch", Severity.HIGH),
    _inner("tcp", 10000, "webmin", Severity.MEDIUM),
    _inner("tcp", 11211, "memcached", Severity.HIGH),
    _inner("udp", 11211, "memcached", Severity.HIGH),
    _inner("tcp", 27017, "mongodb", Severity.HIGH),
)


@dataclass(frozen=True, slots=True)
class _Problem:
    socket: Socket
    service: str
    severity: Severity


class ListeningPorts:
    """The check; a tree has no kernel that could listen, so the question has no sense there.

    Not judged: sockets that only the host itself reaches, and UDP in the range from which the
    kernel hands out ports to clients, where an answer is awaited and no service is offered.
    """

    manifest = Manifest(
        id="listening_ports",
        title="Ports that the host answers on",
        platforms=("linux",),
        controls=(
            "hipaa:164.312(a)(1)",
            "hipaa:164.312(e)(1)",
            "nist_800_53:CM-7",
            "nist_800_53:SC-7",
            "pci_dss:1.2.5",
            "pci_dss:2.2.5",
            "soc2:CC6.6",
        ),
        interval_s=300,
        cpu_ms_max=1500,
        timeout_s=10,
        severity=Severity.HIGH,
        evidence="Protocol, port and address of each listening socket beyond loopback.",
        remediation=(
            "Stop the named services or bind them to 127.0.0.1. What the clinic does need is "
            f"declared in {ALLOWED_PATH}; clear-text services are never allowed there."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        if probe.kind is Kind.TREE:
            return Finding(
                Outcome.NOT_APPLICABLE, "a file tree listens on nothing", {"live": False}
            )
        found = sockets.listening(probe)
        allowed = port_list.read(probe)
        problems = [one for socket in found if (one := _judge(socket, allowed)) is not None]
        failing = {problem.socket.key for problem in problems}
        if allowed is not None and allowed.anybody_may_write:
            failing.add(LIST_WRITABLE)
        facts = _facts(probe, found, allowed, problems, sorted(failing))
        if not failing:
            ports = len({socket.key for socket in found})
            return Finding(Outcome.PASS, f"{ports} open ports, none of them unwanted", facts)
        grades = [problem.severity for problem in problems]
        worst = max(grades, key=severity.rank, default=Severity.HIGH)
        named = sorted({f"{one.socket.key} ({one.service})" for one in problems})
        if LIST_WRITABLE in failing:
            named.append(f"{ALLOWED_PATH} can be changed by others than root and is not followed")
        return Finding(Outcome.FAIL, f"not to be reachable: {', '.join(named)}", facts, worst)


def _judge(socket: Socket, allowed: PortList | None) -> _Problem | None:
    rule = next((rule for rule in RULES if _covers(rule, socket)), None)
    believed = allowed if allowed is not None and not allowed.anybody_may_write else None
    declared = believed is not None and (socket.protocol, socket.port) in believed.ports
    if rule is not None and not (rule.declarable and declared):
        return _Problem(socket, rule.service, rule.severity)
    if believed is not None and not declared:
        return _Problem(socket, f"not in {ALLOWED_PATH}", Severity.MEDIUM)
    return None


def _covers(rule: Rule, socket: Socket) -> bool:
    return rule.protocol == socket.protocol and rule.first <= socket.port <= rule.last


def _facts(
    probe: Probe,
    found: list[Socket],
    allowed: PortList | None,
    problems: list[_Problem],
    failing: list[str],
) -> dict[str, Json]:
    wanted = {problem.socket.inode for problem in problems[:NAMED_MAX]}
    owners = sockets.owners(probe, wanted) if wanted else {}
    return {
        "failing": list(failing),
        "open": sorted({socket.key for socket in found})[:NAMED_MAX],
        "declared": allowed is not None,
        "unwanted": [
            {
                "port": problem.socket.key,
                "address": problem.socket.address,
                "service": problem.service,
                "process": owners.get(problem.socket.inode, ""),
            }
            for problem in problems[:NAMED_MAX]
        ],
        "unwanted_count": len(problems),
    }


CHECK = ListeningPorts()
