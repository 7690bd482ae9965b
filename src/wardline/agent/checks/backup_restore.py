"""backup_restore: whether a file that never changes comes back from each backup as it is.

The canary is restored into a scratch folder of the agent's own, on the appliance, and compared with
the one on the host; nothing on the host is written, and nothing restored is kept.
"""

import filecmp
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wardline.agent.checks import archives, backup_places
from wardline.agent.checks.backup_places import Backup, BackupKind
from wardline.agent.checks.probe import NoAnswer, Probe, Unreadable
from wardline.agent.checks.protocol import Finding, Manifest
from wardline.agent.checks.unpacking import Damaged
from wardline.agent.hosts import queries
from wardline.agent.hosts.host import FileKind, HostError, TooLarge
from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.errors import Malformed
from wardline.core.evidence.bundle import Outcome
from wardline.core.severity import Severity

CANARY_BYTES_MAX = queries.RESTORE_BYTES_MAX
SNAPSHOTS_MAX = 4000
SCRATCH_PREFIX = "wardline-restore-"
_GROUP_OR_OTHERS = 0o022
_GRADES = {
    "no_snapshot": Severity.HIGH,
    "canary_missing": Severity.HIGH,
    "canary_differs": Severity.HIGH,
    "not_readable": Severity.HIGH,
}


@dataclass(slots=True)
class _Seen:
    """Names of backups by what became of each."""

    restored: list[str] = field(default_factory=list)
    untried: list[str] = field(default_factory=list)
    failing: list[tuple[str, str]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


class BackupRestore:
    """The check. A backup for which no canary is declared is not tried, and says so; where none is
    declared at all the answer is unknown. How old the backup is, `backup` says."""

    manifest = Manifest(
        id="backup_restore",
        title="A file restored from the backup",
        platforms=("linux",),
        controls=(
            "hipaa:164.308(a)(7)(ii)(A)",
            "hipaa:164.308(a)(7)(ii)(B)",
            "hipaa:164.308(a)(7)(ii)(D)",
            "nist_800_53:CP-4",
            "nist_800_53:CP-9(1)",
            "nist_800_53:CP-10",
            "soc2:A1.2",
            "soc2:A1.3",
        ),
        interval_s=3600,
        cpu_ms_max=4000,
        timeout_s=60,
        severity=Severity.HIGH,
        evidence="From which backups the canary came back as it is, and what is wrong with others.",
        remediation=(
            "Declare a canary for each backup in /etc/wardline/backup.toml. Where it is missing or "
            "differs, restore by hand, look at the backup's log, and make a new full backup."
        ),
    )

    def measure(self, probe: Probe) -> Finding:
        declared = backup_places.declared(probe) or []
        seen = _Seen()
        for backup in declared:
            if not backup.canary:
                seen.untried.append(backup.name)
                continue
            try:
                problem = _try(probe, backup)
            except (HostError, Unreadable, NoAnswer, Malformed) as error:
                seen.unknown.append(f"{backup.name}: {error}")
                continue
            if problem:
                seen.failing.append((backup.name, problem))
            else:
                seen.restored.append(backup.name)
        return _finding(seen)


def _finding(seen: _Seen) -> Finding:
    failing = sorted(f"{name}:{key}" for name, key in seen.failing)
    unknown = "; ".join(seen.unknown)
    if not (failing or unknown or seen.restored):
        unknown = f"no backup names a canary in {backup_places.CONFIG}"
    facts: dict[str, Json] = {
        "failing": list(failing),
        "restored": sorted(seen.restored),
        "untried": sorted(seen.untried),
        "unknown_because": unknown,
    }
    if failing:
        worst = max((_GRADES[key] for _, key in seen.failing), key=severity.rank)
        return Finding(Outcome.FAIL, f"not restored: {', '.join(failing)}", facts, worst)
    if unknown:
        return Finding(Outcome.UNKNOWN, unknown, {**facts, "reason": unknown})
    left = f"; not tried: {', '.join(sorted(seen.untried))}" if seen.untried else ""
    return Finding(Outcome.PASS, f"restored as it is: {', '.join(seen.restored)}{left}", facts)


def _try(probe: Probe, backup: Backup) -> str:
    """What is wrong with the canary as the backup has it; empty where nothing is."""
    original = b"".join(probe.stream(backup.canary, CANARY_BYTES_MAX))
    try:
        restored = _RESTORE[backup.kind](probe, backup)
    except Damaged:
        return "not_readable"
    except _NoSnapshot:
        return "no_snapshot"
    if restored is None:
        return "canary_missing"
    return "" if _are_same(backup, original, restored) else "canary_differs"


def _are_same(backup: Backup, original: bytes, restored: bytes) -> bool:
    """Both as files of the scratch folder, compared byte by byte; the folder is gone afterwards."""
    try:
        with tempfile.TemporaryDirectory(prefix=SCRATCH_PREFIX) as folder:
            here, back = Path(folder) / "original", Path(folder) / "restored"
            here.write_bytes(original)
            back.write_bytes(restored)
            return filecmp.cmp(here, back, shallow=False)
    except OSError as error:
        raise Unreadable(
            backup.canary, f"the scratch folder refused it ({error.strerror})"
        ) from None


class _NoSnapshot(Exception):
    """Nothing is there that could be restored from."""


def _from_files(probe: Probe, backup: Backup) -> bytes | None:
    """Out of the newest archive or copy, by the date in its name."""
    names = probe.listdir_if_there(backup.path)
    if len(names) > SNAPSHOTS_MAX:
        raise TooLarge(backup.path, SNAPSHOTS_MAX, "snapshots")
    dated = [(one.groups(), name) for name in names if (one := backup_places.DATED.search(name))]
    if not dated:
        raise _NoSnapshot
    path = f"{backup.path}/{max(dated)[1]}"
    if probe.stat(path).kind is FileKind.DIRECTORY:
        return _from_folder(probe, path, backup.canary)
    if not path.endswith(archives.ENDINGS):
        raise Unreadable(path, f"is no archive with one of {', '.join(archives.ENDINGS)}")
    return archives.member(probe, path, backup.canary, CANARY_BYTES_MAX)


def _from_folder(probe: Probe, folder: str, canary: str) -> bytes | None:
    """A copy holds the whole path, or what is left of it below the folder that was copied."""
    rest = canary.strip("/")
    while rest:
        if probe.exists(f"{folder}/{rest}"):
            return b"".join(probe.stream(f"{folder}/{rest}", CANARY_BYTES_MAX))
        rest = rest.partition("/")[2]
    return None


def _from_restic(probe: Probe, backup: Backup) -> bytes | None:
    """Restic itself is asked, so the file that says with which password must be root's alone."""
    if not backup.password_file:
        raise Unreadable(backup_places.CONFIG, "a restic canary needs a password_file")
    for path in (backup_places.CONFIG, backup.password_file):
        status = probe.stat(path)
        if status.mode & _GROUP_OR_OTHERS or status.uid not in (None, 0):
            raise Unreadable(path, "can be changed by others than root and is not followed")
    if not probe.listdir_if_there(f"{backup.path}/snapshots"):
        raise _NoSnapshot
    query = queries.restic_restore(backup.path, backup.password_file, backup.canary)
    try:
        return probe.ask(query).encode()
    except NoAnswer as error:
        if "not found in snapshot" in str(error) or "cannot dump file" in str(error):
            return None
        raise


def _from_borg(probe: Probe, backup: Backup) -> bytes | None:
    raise Unreadable(backup.path, "borg is not restored from; try it by hand, see restore_test")


_RESTORE: Mapping[BackupKind, Callable[[Probe, Backup], bytes | None]] = {
    BackupKind.FILES: _from_files,
    BackupKind.RESTIC: _from_restic,
    BackupKind.BORG: _from_borg,
}

CHECK = BackupRestore()
