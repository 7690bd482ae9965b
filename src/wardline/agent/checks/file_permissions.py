"""file_permissions: whether only the right ones can read and change the files that guard a host."""

from dataclasses import dataclass

from wardline.agent.checks.probe import Probe
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.agent.hosts.host import FileKind, Missing, Stat, WrongKind
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

PATHS_MAX = 64
GROUP_ID_CHARS_MAX = 10


@dataclass(frozen=True, slots=True)
class Rule:
    """The most that may be allowed on the paths that fit a glob; stricter is always fine."""

    glob: str
    mode: int
    groups: tuple[str, ...] = ("root",)
    kind: FileKind = FileKind.FILE
    severity: Severity = Severity.MEDIUM
    required: bool = False


_SHADOW = ("root", "shadow")
_FOLDER = FileKind.DIRECTORY

# ComplianceAsCode file_permissions_* and file_owner_* rules of its CIS Debian 12, PCI-DSS 4 and
# NIST 800-53 profiles.
RULES = (
    Rule("/etc/passwd", 0o644, severity=Severity.HIGH, required=True),
    Rule("/etc/passwd-", 0o644),
    Rule("/etc/group", 0o644, severity=Severity.HIGH),
    Rule("/etc/group-", 0o644),
    Rule("/etc/shadow", 0o640, _SHADOW, severity=Severity.CRITICAL),
    Rule("/etc/shadow-", 0o640, _SHADOW, severity=Severity.CRITICAL),
    Rule("/etc/gshadow", 0o640, _SHADOW, severity=Severity.CRITICAL),
    Rule("/etc/gshadow-", 0o640, _SHADOW, severity=Severity.CRITICAL),
    Rule("/etc/sudoers", 0o440, severity=Severity.HIGH),
    Rule("/etc/sudoers.d", 0o755, kind=_FOLDER, severity=Severity.HIGH),
    Rule("/etc/sudoers.d/*", 0o440, severity=Severity.HIGH),
    Rule("/etc/ssh/sshd_config", 0o600),
    Rule("/etc/ssh/sshd_config.d/*.conf", 0o600),
    Rule("/etc/ssh/ssh_host_*_key", 0o600, ("root", "ssh_keys"), severity=Severity.CRITICAL),
    Rule("/etc/ssh/ssh_host_*_key.pub", 0o644),
    Rule("/etc/crontab", 0o600),
    Rule("/etc/cron.d", 0o700, kind=_FOLDER),
    Rule("/etc/cron.hourly", 0o700, kind=_FOLDER),
    Rule("/etc/cron.daily", 0o700, kind=_FOLDER),
    Rule("/etc/cron.weekly", 0o700, kind=_FOLDER),
    Rule("/etc/cron.monthly", 0o700, kind=_FOLDER),
)


@dataclass(frozen=True, slots=True)
class _Problem:
    rule: Rule
    path: str
    found: str
    wanted: str

    @property
    def fact(self) -> Json:
        return {"path": self.path, "found": self.found, "wanted": self.wanted}


class FilePermissions:
    """The check; owner and group are judged only where the host's owners are known."""

    manifest = Manifest(
        id="file_permissions",
        title="Permissions of sensitive files",
        platforms=("linux",),
        controls=(
            "hipaa:164.312(a)(1)",
            "hipaa:164.312(c)(1)",
            "nist_800_53:AC-3",
            "nist_800_53:AC-6(1)",
            "nist_800_53:CM-6",
            "pci_dss:2.2.6",
            "pci_dss:7.2.1",
            "soc2:CC6.1",
            "soc2:CC6.3",
        ),
        interval_s=300,
        cpu_ms_max=500,
        timeout_s=5,
        severity=Severity.HIGH,
        evidence="Mode, owner and group of each judged path that allows too much.",
        remediation="Give the named paths back to root and take away the modes beyond the limit.",
    )

    def measure(self, probe: Probe) -> Finding:
        names = _group_names(probe)
        judged = 0
        owners_known = False
        problems: list[_Problem] = []
        for rule in RULES:
            for path in _paths(probe, rule):
                status = probe.stat(path)
                if status.kind is not rule.kind:
                    raise WrongKind(path, status.kind, rule.kind)
                judged += 1
                owners_known = owners_known or status.uid is not None
                problem = _judge(rule, path, status, names)
                problems += [problem] if problem else []
        facts = _facts(problems, judged, owners_known)
        if not problems:
            return Finding(Outcome.PASS, f"{judged} sensitive paths are guarded", facts)
        worst = max((problem.rule.severity for problem in problems), key=severity.rank)
        summary = f"too open: {', '.join(problem.path for problem in problems)}"
        return Finding(Outcome.FAIL, summary, facts, worst)


def _paths(probe: Probe, rule: Rule) -> list[str]:
    paths = probe.glob(rule.glob)
    if rule.required and not paths:
        raise Missing(rule.glob)
    if rule.glob.endswith("/*"):
        return [path for path in paths if probe.stat(path).kind is not FileKind.DIRECTORY]
    return paths


def _judge(rule: Rule, path: str, status: Stat, names: dict[int, str]) -> _Problem | None:
    group = None if status.gid is None else names.get(status.gid, str(status.gid))
    owned_wrong = status.uid is not None and (status.uid != 0 or group not in rule.groups)
    if not owned_wrong and not status.mode & ~rule.mode:
        return None
    found, wanted = f"{status.mode:04o}", f"{rule.mode:04o}"
    if status.uid is not None:
        owner = "root" if status.uid == 0 else str(status.uid)
        found, wanted = f"{found} {owner}:{group}", f"{wanted} root:{'|'.join(rule.groups)}"
    return _Problem(rule, path, found, wanted)


def _group_names(probe: Probe) -> dict[int, str]:
    """Group numbers to names from the host's own /etc/group; of two names the first counts."""
    names = {0: "root"}
    for line in (probe.text_if_there("/etc/group") or "").split("\n"):
        probe.tick()
        fields = line.split(":")
        if len(fields) == 4 and fields[2].isdecimal() and len(fields[2]) <= GROUP_ID_CHARS_MAX:
            names.setdefault(int(fields[2]), fields[0])
    return names


def _facts(problems: list[_Problem], judged: int, owners_known: bool) -> dict[str, Json]:
    return {
        "failing": sorted({problem.rule.glob for problem in problems}),
        "paths": [problem.path for problem in problems[:PATHS_MAX]],
        "problems": [problem.fact for problem in problems[:PATHS_MAX]],
        "problem_count": len(problems),
        "judged": judged,
        "owners_judged": owners_known,
    }


CHECK = FilePermissions()
