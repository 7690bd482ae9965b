"""backup: how old the newest backup is, and how long ago somebody tried to restore from one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from wardline.agent.checks import backup_places
from wardline.agent.checks.backup_places import Backup, BackupKind
from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.agent.hosts.host import FileKind, HostError, TooLarge
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

SNAPSHOTS_MAX = 4000
# What a clock may be ahead of ours: a file from later than that proves nothing.
AHEAD_S_MAX = 300
HOUR_S = 3600
DAY_S = 86400
_RESTIC_ID = re.compile(r"[0-9a-f]{64}")
_BORG_INDEX = re.compile(r"(?:index|hints)\.\d{1,18}")
_GRADES = {
    "no_backup": Severity.HIGH,
    "no_snapshot": Severity.HIGH,
    "too_old": Severity.HIGH,
    "from_the_future": Severity.HIGH,
    "restore_untested": Severity.MEDIUM,
    "restore_test_too_old": Severity.MEDIUM,
    "restore_test_from_the_future": Severity.MEDIUM,
}


@dataclass(frozen=True, slots=True)
class _Judged:
    """What was found of one backup; `unknown` says what could not be read."""

    facts: dict[str, Json]
    failing: tuple[str, ...]
    unknown: tuple[str, ...]


class BackupCheck:
    """The check. A host on which no backup is found fails and is not unknown: a clinic must be able
    to show its backup (45 CFR 164.308(a)(7)(ii)(A)), and nothing found is what an auditor would
    find. One that is kept where the host cannot see it is an accepted deviation of a person's."""

    manifest = Manifest(
        id="backup",
        title="Backups and restore tests",
        platforms=("linux",),
        controls=(
            "hipaa:164.308(a)(7)(ii)(A)",
            "hipaa:164.308(a)(7)(ii)(D)",
            "hipaa:164.310(d)(2)(iv)",
            "nist_800_53:CP-4",
            "nist_800_53:CP-9",
            "nist_800_53:CP-9(1)",
            "soc2:A1.2",
            "soc2:A1.3",
        ),
        interval_s=3600,
        cpu_ms_max=1000,
        timeout_s=20,
        severity=Severity.HIGH,
        evidence=(
            "For each backup its kind, place and limits, and whether the newest snapshot and the "
            "last restore test are within them. A borg repository shows its last transaction."
        ),
        remediation=(
            "Let the backup job run, then look at its log. Declare each backup in "
            "/etc/wardline/backup.toml. After a restore was tried and the data was right, touch "
            "the file named there as restore_test."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        declared = backup_places.declared(probe)
        backups = backup_places.detected(probe) if declared is None else declared
        if not backups:
            places = ", ".join(backup_places.KNOWN_PLACES)
            summary = f"no backup: {backup_places.CONFIG} does not exist, nothing is in {places}"
            return Finding(Outcome.FAIL, summary, {"failing": ["no_backup"], "declared": False})
        judged = [_judge(probe, one) for one in backups]
        failing = sorted({key for one in judged for key in one.failing})
        unknown = "; ".join(text for one in judged for text in one.unknown)
        facts: dict[str, Json] = {
            "failing": failing,
            "declared": declared is not None,
            "backups": [one.facts for one in judged],
            "unknown_because": unknown,
        }
        if failing:
            grades = (_GRADES[key.rpartition(":")[2]] for key in failing)
            worst = max(grades, key=severity.rank)
            return Finding(Outcome.FAIL, f"not safe: {', '.join(failing)}", facts, worst)
        if unknown:
            return Finding(Outcome.UNKNOWN, unknown, {**facts, "reason": unknown})
        return Finding(Outcome.PASS, f"{len(judged)} backups are recent and were tested", facts)


def _judge(probe: Probe, backup: Backup) -> _Judged:
    failing: list[str] = []
    unknown: list[str] = []
    try:
        failing += _judge_age(probe, backup)
    except (HostError, Unreadable) as error:
        unknown.append(str(error))
    try:
        failing += _judge_restore(probe, backup)
    except HostError as error:
        unknown.append(str(error))
    facts: dict[str, Json] = {
        "name": backup.name,
        "kind": backup.kind,
        "path": backup.path,
        "max_age_hours": backup.max_age_hours,
        "restore_test": backup.restore_test,
        "restore_test_max_days": backup.restore_test_max_days,
        "failing": sorted(failing),
    }
    return _Judged(facts, tuple(f"{backup.name}:{key}" for key in failing), tuple(unknown))


def _judge_age(probe: Probe, backup: Backup) -> list[str]:
    now = int(probe.now.timestamp())
    if probe.stat_if_there(backup.path) is None:
        return ["no_snapshot"]
    times = list(_TIMES[backup.kind](probe, backup.path))
    past = [at for at in times if at <= now + AHEAD_S_MAX]
    if not past:
        return ["from_the_future" if times else "no_snapshot"]
    return ["too_old"] if now - max(past) > backup.max_age_hours * HOUR_S else []


def _judge_restore(probe: Probe, backup: Backup) -> list[str]:
    now = int(probe.now.timestamp())
    stamp = probe.stat_if_there(backup.restore_test)
    if stamp is None:
        return ["restore_untested"]
    if stamp.modified_s > now + AHEAD_S_MAX:
        return ["restore_test_from_the_future"]
    late = now - stamp.modified_s > backup.restore_test_max_days * DAY_S
    return ["restore_test_too_old"] if late else []


def _restic(probe: Probe, path: str) -> Iterator[int]:
    """Each file of snapshots/ is one snapshot, written once; its name is the hash of its bytes."""
    yield from _written(probe, f"{path}/snapshots", _RESTIC_ID)


def _borg(probe: Probe, path: str) -> Iterator[int]:
    """Each transaction writes index.N and hints.N anew; what it was is encrypted."""
    config = probe.text_if_there(f"{path}/config")
    if config is not None and "[repository]" not in config:
        raise Unreadable(f"{path}/config", "is not the configuration of a borg repository")
    yield from _written(probe, path, _BORG_INDEX)


def _files(probe: Probe, path: str) -> Iterator[int]:
    """Archives and folders with a date in their names: a name may not make an old file younger.

    A folder's own time says nothing (rsync keeps that of the source), so its name is believed.
    """
    for name in _names(probe, path):
        dated = backup_places.DATED.search(name)
        if dated is None:
            continue
        found = probe.stat(f"{path}/{name}")
        named = _end_of_day(probe.now, dated[1], dated[2], dated[3])
        if named is None:
            continue
        if found.kind is FileKind.FILE and found.size:
            ahead = found.modified_s > probe.now.timestamp() + AHEAD_S_MAX
            yield found.modified_s if ahead else min(found.modified_s, named)
        elif found.kind is FileKind.DIRECTORY and probe.listdir(f"{path}/{name}"):
            yield named


_TIMES = {BackupKind.RESTIC: _restic, BackupKind.BORG: _borg, BackupKind.FILES: _files}


def _written(probe: Probe, folder: str, wanted: re.Pattern[str]) -> Iterator[int]:
    for name in _names(probe, folder):
        probe.tick()
        if wanted.fullmatch(name):
            found = probe.stat(f"{folder}/{name}")
            if found.kind is FileKind.FILE and found.size:
                yield found.modified_s


def _names(probe: Probe, folder: str) -> list[str]:
    names = probe.listdir_if_there(folder)
    if len(names) > SNAPSHOTS_MAX:
        raise TooLarge(folder, SNAPSHOTS_MAX, "snapshots")
    return names


def _end_of_day(now: datetime, year: str, month: str, day: str) -> int | None:
    """The end of the named day, or now where that day is today, in whatever zone the host is."""
    try:
        begin = datetime(int(year), int(month), int(day), tzinfo=UTC)
    except ValueError:
        return None
    end = begin + timedelta(days=1)
    today = begin - timedelta(hours=14) <= now < end
    return int(now.timestamp()) if today else int(end.timestamp())


CHECK = BackupCheck()
