"""scheduled_jobs: whether what root runs by the clock can be changed by somebody else."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from wardline.agent.checks import active_lines, places
from wardline.agent.checks.probe import Probe
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.agent.hosts.host import FileKind, HostError, Missing
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

CRONTAB = "/etc/crontab"
SYSTEM_TABLES = (CRONTAB, "/etc/cron.d/*")
ROOT_TABLES = ("/var/spool/cron/crontabs/root", "/var/spool/cron/root", "/var/spool/cron/tabs/root")
SCRIPTS = ("/etc/cron.hourly/*", "/etc/cron.daily/*", "/etc/cron.weekly/*", "/etc/cron.monthly/*")
ALLOW = "/etc/cron.allow"
# Where programs of the system and of what was installed lie: the runbook has the same list.
PLACES = (
    "/etc/cron.hourly",
    "/etc/cron.daily",
    "/etc/cron.weekly",
    "/etc/cron.monthly",
    "/etc/cron.hourly/*",
    "/etc/cron.daily/*",
    "/etc/cron.weekly/*",
    "/etc/cron.monthly/*",
    "/opt/*",
    "/opt/*/*",
    "/opt/*/*/*",
    "/usr/bin/*",
    "/usr/local/bin",
    "/usr/local/bin/*",
    "/usr/local/sbin",
    "/usr/local/sbin/*",
    "/usr/sbin/*",
)
PROGRAMS_MAX = 400
NAMED_MAX = 24
_STICKY = 0o1000
_GROUP_OR_OTHERS = 0o022
_OTHERS = 0o002
# crontab(5): five fields or a word for them; then, in the system's own tables, the user.
_TIME = re.compile(
    r"(?:@(?:reboot|yearly|annually|monthly|weekly|daily|midnight|hourly)"
    r"|\S+\s+\S+\s+\S+\s+\S+\s+\S+)\s+(?P<rest>\S.*)"
)
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\s*=")
# Paths that a command names, wherever a shell would take them as a word of their own.
_PATH = re.compile(r"(?:^|(?<=[\s;&|(\"'=]))(/[A-Za-z0-9_./+-]{1,255})")
# What a job writes to or reads is no program of its.
_REDIRECTED = re.compile(r"\d?[<>]{1,2}&?\s*\S+")


@dataclass(slots=True)
class _Seen:
    programs: int = 0
    problems: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    too_open: set[str] = field(default_factory=set)
    by_hand: set[str] = field(default_factory=set)


class ScheduledJobs:
    """The check. Judged are the programs and scripts themselves and the folder each lies in; the
    modes of the tables are those of `file_permissions`."""

    manifest = Manifest(
        id="scheduled_jobs",
        title="Scheduled jobs of root",
        platforms=("linux",),
        controls=(
            "hipaa:164.308(a)(4)(i)",
            "hipaa:164.312(a)(1)",
            "hipaa:164.312(c)(1)",
            "nist_800_53:AC-3",
            "nist_800_53:AC-6(1)",
            "nist_800_53:CM-6",
            "pci_dss:2.2.6",
            "soc2:CC6.1",
        ),
        interval_s=300,
        cpu_ms_max=1000,
        timeout_s=10,
        severity=Severity.HIGH,
        evidence="The paths that root runs by the clock and others can change, and why they can.",
        remediation=(
            "Give each named program and its folder to root and take write permission from group "
            f"and others; name the accounts that may have jobs of their own in {ALLOW}."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        tables = [path for pattern in SYSTEM_TABLES for path in probe.glob(pattern)]
        own = [path for path in ROOT_TABLES if probe.exists(path)]
        scripts = [path for pattern in SCRIPTS for path in probe.glob(pattern)]
        if not tables and not own and not scripts:
            reason = "no cron is installed: it has neither tables nor scripts"
            return Finding(Outcome.NOT_APPLICABLE, reason, {"installed": False})
        programs = dict.fromkeys(scripts)
        for path in tables:
            programs.update(dict.fromkeys(_programs(probe, path, with_user=True)))
        for path in own:
            programs.update(dict.fromkeys(_programs(probe, path, with_user=False)))
        seen = _Seen()
        for path in list(programs)[:PROGRAMS_MAX]:
            _judge(probe, seen, path)
        if len(programs) > PROGRAMS_MAX:
            seen.unknown.append(f"more than {PROGRAMS_MAX} programs; the rest was not looked at")
        return _finding(seen, restricted=probe.exists(ALLOW))


def _finding(seen: _Seen, *, restricted: bool) -> Finding:
    failing = sorted(seen.problems)
    open_to_all = [] if restricted else ["cron_open_to_all"]
    facts: dict[str, Json] = {
        "failing": [*open_to_all, *failing][:NAMED_MAX],
        "problems": {path: seen.problems[path] for path in failing[:NAMED_MAX]},
        "problem_count": len(failing),
        "too_open": sorted(seen.too_open)[:NAMED_MAX],
        "by_hand": sorted(seen.by_hand)[:NAMED_MAX],
        "allow": [] if restricted else ["root"],
        "programs": seen.programs,
        "unknown_because": "; ".join(seen.unknown)[:400],
    }
    if failing or open_to_all:
        said = [f"{path} {seen.problems[path]}" for path in failing[:NAMED_MAX]]
        said += [f"{ALLOW} does not say who may have jobs"] * len(open_to_all)
        grade = Severity.HIGH if failing else Severity.LOW
        return Finding(Outcome.FAIL, f"jobs of root: {'; '.join(said)}", facts, grade)
    if seen.unknown:
        reason = "; ".join(seen.unknown)[:400]
        return Finding(Outcome.UNKNOWN, reason, {**facts, "reason": reason})
    return Finding(
        Outcome.PASS, f"nobody else can change what root's jobs run ({seen.programs})", facts
    )


def _programs(probe: Probe, table: str, *, with_user: bool) -> Iterator[str]:
    """The absolute paths in the commands that root runs by this table."""
    if probe.stat(table).kind is not FileKind.FILE:
        return
    for _, text in active_lines.of(probe, table):
        found = None if _VARIABLE.match(text) else _TIME.fullmatch(text)
        if found is None:
            continue
        command = found["rest"]
        if with_user:
            user, _, command = command.partition(" ") if " " in command else command.partition("\t")
            if user.split("\t")[0] not in ("root", "0"):
                continue
        yield from _PATH.findall(_REDIRECTED.sub(" ", command))[:32]


def _judge(probe: Probe, seen: _Seen, path: str) -> None:
    probe.tick()
    try:
        status = probe.stat(path)
        folder = probe.stat(path.rpartition("/")[0] or "/")
    except Missing:
        return
    except HostError as error:
        seen.unknown.append(str(error))
        return
    if status.kind is not FileKind.FILE:
        return
    seen.programs += 1
    open_file = bool(status.mode & (_OTHERS if status.gid in (None, 0) else _GROUP_OR_OTHERS))
    open_folder = bool(folder.mode & _OTHERS and not folder.mode & _STICKY)
    if status.uid not in (None, 0):
        seen.problems[path] = "does not belong to root"
        seen.by_hand.add(path)
    elif open_file:
        seen.problems[path] = f"can be changed by others ({status.mode:04o})"
    elif open_folder:
        seen.problems[path] = f"lies in a folder open to all ({folder.mode:04o})"
    for one, is_open in ((path, open_file), (path.rpartition("/")[0], open_folder)):
        if is_open:
            (seen.too_open if places.is_plain(probe, one, PLACES) else seen.by_hand).add(one)


CHECK = ScheduledJobs()
