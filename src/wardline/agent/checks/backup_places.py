"""The backups of a host: those declared in Wardline's own file, else those in known places.

A declaration is `/etc/wardline/backup.toml`:

    [[backup]]
    name = "records"                                  # a-z, 0-9, - and _
    kind = "restic"                                   # restic, borg or files
    path = "/srv/backup/records"                      # the repository, or the folder of archives
    max_age_hours = 26                                # 1 to 168
    restore_test = "/var/lib/wardline/restore-test"   # touched when a restore was tried and worked
    restore_test_max_days = 90                        # 1 to 366
    canary = "/srv/records/canary.txt"                # a file that never changes, to be restored
    password_file = "/etc/restic/password"            # restic's own, where a canary is named

The limits have limits: a host cannot declare that a backup of last year is recent.
"""

import re
import tomllib
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.hosts.host import FileKind, TooLarge

CONFIG = "/etc/wardline/backup.toml"
CONFIG_BYTES_MAX = 16 * 1024
BACKUPS_MAX = 16
FOLDERS_MAX = 500
AGE_HOURS = 26
AGE_HOURS_MAX = 168
RESTORE_STAMP = "/var/lib/wardline/restore-test"
RESTORE_DAYS = 90
RESTORE_DAYS_MAX = 366
# Where repositories are usually put; Debian's own /var/backups holds lists of packages, no data.
KNOWN_PLACES = (
    "/backup",
    "/backups",
    "/mnt/backup",
    "/srv/backup",
    "/srv/backups",
    "/srv/borg",
    "/srv/restic",
    "/var/lib/restic",
)
# A day, alone or with a time of four or six digits behind it.
DATED = re.compile(
    r"(?<!\d)(20\d\d)[-_.]?(0[1-9]|1[0-2])[-_.]?(0[1-9]|[12]\d|3[01])(?=\D|$|\d{4}(?!\d)|\d{6}(?!\d))"
)
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_KEYS = {
    "name",
    "kind",
    "path",
    "max_age_hours",
    "restore_test",
    "restore_test_max_days",
    "canary",
    "password_file",
}


class BackupKind(StrEnum):
    """What made the backup, and so what shows when it last did."""

    RESTIC = "restic"
    BORG = "borg"
    FILES = "files"


@dataclass(frozen=True, slots=True)
class Backup:
    """One backup to be judged, with its limits; without a canary nothing is restored from it."""

    name: str
    kind: BackupKind
    path: str
    max_age_hours: int = AGE_HOURS
    restore_test: str = RESTORE_STAMP
    restore_test_max_days: int = RESTORE_DAYS
    canary: str = ""
    password_file: str = ""


def declared(probe: Probe) -> list[Backup] | None:
    """What the host's file declares; None where it has none, Unreadable where it is not right."""
    if not probe.exists(CONFIG):
        return None
    text = probe.text(CONFIG, CONFIG_BYTES_MAX)
    try:
        content = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(CONFIG, f"is not TOML ({error})") from None
    entries = content.get("backup")
    if set(content) != {"backup"} or not isinstance(entries, list):
        raise Unreadable(CONFIG, "holds [[backup]] tables and nothing else")
    if not 0 < len(entries) <= BACKUPS_MAX:
        raise Unreadable(CONFIG, f"declares {len(entries)} backups, 1 to {BACKUPS_MAX} may be")
    backups = [_backup(entry) for entry in entries]
    if len({one.name for one in backups}) != len(backups):
        raise Unreadable(CONFIG, "two backups have one name")
    return backups


def detected(probe: Probe) -> list[Backup]:
    """Repositories and dated archives in the known places and one folder beneath them."""
    found: list[Backup] = []
    for place in KNOWN_PLACES:
        if not _is_folder(probe, place):
            continue
        names = probe.listdir(place)
        if len(names) > FOLDERS_MAX:
            raise TooLarge(place, FOLDERS_MAX, "entries: declare the backup instead")
        for path in (place, *(f"{place}/{name}" for name in names)):
            probe.tick()
            kind = _kind(probe, path)
            if kind is not None and len(found) < BACKUPS_MAX:
                found.append(Backup(path, kind, path))
    return found


def _backup(entry: Any) -> Backup:
    if not isinstance(entry, dict) or not _KEYS.issuperset(entry):
        raise Unreadable(CONFIG, f"a backup has other keys than {', '.join(sorted(_KEYS))}")
    name, kind = entry.get("name"), entry.get("kind")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Unreadable(CONFIG, "a backup has no name of a-z, 0-9, - and _")
    if kind not in list(BackupKind):
        raise Unreadable(CONFIG, f"{name}: kind is not one of {', '.join(BackupKind)}")
    return Backup(
        name=name,
        kind=BackupKind(kind),
        path=_path(entry, name, "path", None),
        max_age_hours=_number(entry, name, "max_age_hours", AGE_HOURS, AGE_HOURS_MAX),
        restore_test=_path(entry, name, "restore_test", RESTORE_STAMP),
        restore_test_max_days=_number(
            entry, name, "restore_test_max_days", RESTORE_DAYS, RESTORE_DAYS_MAX
        ),
        canary=_path(entry, name, "canary", "") if "canary" in entry else "",
        password_file=_path(entry, name, "password_file", "") if "password_file" in entry else "",
    )


def _path(entry: dict[str, Any], name: str, key: str, default: str | None) -> str:
    value = entry.get(key, default)
    if not isinstance(value, str) or not value.startswith("/") or "\x00" in value:
        raise Unreadable(CONFIG, f"{name}: {key} is not an absolute path on this host")
    return value.rstrip("/") or "/"


def _number(entry: dict[str, Any], name: str, key: str, default: int, most: int) -> int:
    value = entry.get(key, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise Unreadable(CONFIG, f"{name}: {key} is not a whole number from 1 to {most}")
    return value


def _kind(probe: Probe, path: str) -> BackupKind | None:
    """By what a repository always has: restic's design document, borg's internals document."""
    if not _is_folder(probe, path):
        return None
    names = set(probe.listdir(path))
    if {"config", "data", "index", "keys", "snapshots"} <= names:
        return BackupKind.RESTIC
    if {"config", "data", "README"} <= names and any(one.startswith("index.") for one in names):
        return BackupKind.BORG
    return BackupKind.FILES if any(DATED.search(one) for one in names) else None


def _is_folder(probe: Probe, path: str) -> bool:
    found = probe.stat_if_there(path)
    return found is not None and found.kind is FileKind.DIRECTORY
