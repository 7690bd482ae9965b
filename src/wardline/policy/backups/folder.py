"""A folder of backups: whole files or none, whatever happens while one is made or removed.

A backup is there once the file has its name; its manifest is put beside it before. Writers take
turns on a lock that ends with its process, readers share it, and whoever has it alone removes what
an interrupted writer left. All of it blocks: call it in a thread.
"""

import fcntl
import hashlib
import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from wardline.core import clock
from wardline.core.clock import Now
from wardline.core.errors import Conflict, NotFound, Refused
from wardline.formats import policy_copy, policy_file
from wardline.formats.policy_copy import PRIVATE_MODE, Fault, PolicyFileRefused
from wardline.formats.policy_file import Making, PolicyFile, PolicyFileUnwritable, Rows
from wardline.policy.backups import names, note, retention
from wardline.policy.backups.names import Kind, Name
from wardline.policy.backups.note import Note
from wardline.policy.backups.retention import Retention

FOLDER_MODE = 0o700
FILES_MAX = 1_000
FOLDER_BYTES_MAX = 4 << 30
LOCK_SECONDS_MAX = 30.0
LOCK_SECONDS_STEP = 0.01
LOCK_NAME = ".lock"
LEFTOVER_SUFFIX = ".tmp"


class BackupUnknown(NotFound):
    """There is no such backup; the words are those that the contract's clients know."""

    def __init__(self) -> None:
        super().__init__("Backup not found")


class BackupOutside(Refused):
    """A path that leads out of the folder of backups."""

    status = 400
    code = "backup_outside"


class BackupNeeded(Conflict):
    """The only backup that is known to be whole cannot be deleted: make another one first."""

    code = "backup_needed"


class FolderFull(Conflict):
    """The folder holds as many backups as it may: delete some first."""

    code = "backup_folder_full"


class FolderBusy(Conflict):
    """Somebody else is at work in the folder: try again."""

    code = "backup_folder_busy"


@dataclass(frozen=True, slots=True)
class Entry:
    """A backup as it is listed; `note` is None for a file that somebody put there."""

    name: Name
    size: int
    note: Note | None

    @property
    def is_sound(self) -> bool:
        """Whether the last check found it whole."""
        known = self.note
        return known is not None and known.verified_at is not None and known.fault is None


@dataclass(frozen=True, slots=True)
class Folder:
    """The backups of one policy under `path`, which a listing calls `shown`."""

    path: Path
    shown: str
    now: Now

    def file(self, name: Name) -> str:
        """The backup as a listing names it and a restore takes it."""
        return f"{self.shown}/{name.text}"

    def find(self, file: str) -> Name:
        """The backup that a listing named so; raises BackupUnknown, BackupOutside."""
        place = PurePosixPath(file)
        if ".." in place.parts or place.parent not in (PurePosixPath(), PurePosixPath(self.shown)):
            raise BackupOutside(f"{file[:200]}: leads out of the backups; name one as it is listed")
        name = names.parse(place.name)
        if name is None or self.file(name) != file:
            raise BackupUnknown
        return name

    def entries(self) -> list[Entry]:
        """Every backup, newest first; links, folders and pipes are none."""
        found = []
        for text in self._names():
            name = names.parse(text)
            # One that goes while the folder is read is no longer there.
            with suppress(FileNotFoundError):
                if name is not None and stat.S_ISREG((at := (self.path / text).lstat()).st_mode):
                    found.append(Entry(name, at.st_size, note.read(self.path / name.note)))
        return sorted(found, key=lambda one: (one.name.at, one.name.kind), reverse=True)

    def make(self, kind: Kind, rows: Rows, by: str, reason: str) -> Entry:
        """Writes a backup; one that is asked for and would hold what the newest holds is that one.

        Raises PolicyFileUnwritable, FolderFull, FolderBusy.
        """
        self._make_folder()
        with self._locked(fcntl.LOCK_EX):
            self._remove_leftovers()
            held = self.entries()
            if kind is Kind.BACKUP and (same := self._same(held, rows)) is not None:
                return same
            if len(held) >= FILES_MAX or sum(one.size for one in held) >= FOLDER_BYTES_MAX:
                raise FolderFull(f"{len(held)} backups are the most there may be: delete some")
            at = self.now()
            name = names.free(kind, at, {one.name.text for one in held})
            return self._place(name, rows, Making(at, by, reason))

    def read(self, name: Name) -> PolicyFile:
        """What the backup holds, checked in every respect; raises BackupUnknown and
        PolicyFileRefused."""
        with self._locked(fcntl.LOCK_SH):
            return self._read(name)

    def verify(self, name: Name) -> tuple[Entry, str | None]:
        """Reads the backup and notes beside it what came of it; gives what is wrong with it, None
        where nothing is. Raises BackupUnknown."""
        with self._locked(fcntl.LOCK_EX):
            told, fault = note.read(self.path / name.note), None
            try:
                made = self._read(name)
            except PolicyFileRefused as refused:
                fault = refused.why
                told = None if told is None else replace(told, fault=fault)
            else:
                fresh = note.of(made.seal, self.now())
                told = replace(told or fresh, fault=None, verified_at=fresh.verified_at)
            if told is not None:
                self._note(name, told)
            return Entry(name, (self.path / name.text).lstat().st_size, told), fault

    def taken(self, name: Name, by: str) -> Entry:
        """Notes that the backup was downloaded, once it was seen to be whole; raises
        BackupUnknown and PolicyFileRefused."""
        with self._locked(fcntl.LOCK_EX):
            known = note.read(self.path / name.note)
            if known is None:
                known = note.of(self._read(name).seal, self.now())
            else:
                self._check_sum(name, known)
            told = replace(known, downloaded_at=clock.wire(self.now()), downloaded_by=by)
            self._note(name, told)
            return Entry(name, told.size, told)

    def delete(self, name: Name) -> None:
        """Raises BackupUnknown, and BackupNeeded for the last one that is known to be whole."""
        with self._locked(fcntl.LOCK_EX):
            held = self.entries()
            if name not in [one.name for one in held]:
                raise BackupUnknown
            if self._last_sound(held) == name:
                others = [one for one in held if one.name != name]
                if self._last_sound(others) is None:
                    raise BackupNeeded(f"{name.text} is the only backup that is known to be whole")
            self._remove(name)

    def discard(self, name: Name) -> None:
        """Removes a backup that was made in vain."""
        with self._locked(fcntl.LOCK_EX):
            self._remove(name)

    def retain(self, rules: Retention) -> list[Name]:
        """Removes what is no longer kept, and leftovers; gives what went."""
        if not self.path.is_dir():
            return []
        with self._locked(fcntl.LOCK_EX):
            self._remove_leftovers()
            held = self.entries()
            gone = retention.due(held, self.now(), rules, self._last_sound(held))
            for name in gone:
                self._remove(name)
            return gone

    def _names(self) -> list[str]:
        try:
            return [each.name for each in self.path.iterdir()]
        except FileNotFoundError:
            return []

    def _make_folder(self) -> None:
        try:
            self.path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        except OSError as error:
            raise PolicyFileUnwritable(
                f"{self.shown}: the folder cannot be made: {error.strerror}"
            ) from error

    @contextmanager
    def _locked(self, how: int) -> Iterator[None]:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            descriptor = os.open(self.path / LOCK_NAME, flags, PRIVATE_MODE)
        except FileNotFoundError:
            raise BackupUnknown from None
        except OSError as error:
            raise PolicyFileUnwritable(
                f"{self.shown}: the folder cannot be used: {error.strerror}"
            ) from error
        try:
            _wait_for(descriptor, how)
            yield
        finally:
            os.close(descriptor)

    def _same(self, held: Sequence[Entry], rows: Rows) -> Entry | None:
        """The newest backup that was asked for, where it holds the same and is still whole."""
        newest = next((one for one in held if one.name.kind is Kind.BACKUP), None)
        if newest is None or newest.note is None or newest.note.digest != rows.digest:
            return None
        return newest if self._is_whole(newest) else None

    def _place(self, name: Name, rows: Rows, making: Making) -> Entry:
        staged = self.path / f".{name.text}{LEFTOVER_SUFFIX}"
        try:
            told = note.of(policy_file.write(staged, rows, making), making.at)
            note.write(self.path / name.note, told)
            staged.replace(self.path / name.text)
            policy_file.sync_folder(self.path)
        except OSError as error:
            raise PolicyFileUnwritable(
                f"{self.file(name)} could not be written: {error.strerror}"
            ) from error
        finally:
            self._remove_leftovers()
        return Entry(name, told.size, told)

    def _read(self, name: Name) -> PolicyFile:
        try:
            made = policy_file.read(self.path / name.text, self.path)
        except PolicyFileRefused as refused:
            if refused.fault is Fault.MISSING:
                raise BackupUnknown from None
            raise
        except OSError as error:
            raise PolicyFileUnwritable(
                f"{name.text}: no room to read it: {error.strerror}"
            ) from error
        known = note.read(self.path / name.note)
        if known is not None and known.sha256 != made.seal.sha256:
            raise _altered(name)
        return made

    def _check_sum(self, name: Name, known: Note) -> None:
        try:
            found = _sum(self.path / name.text)
        except PolicyFileRefused as refused:
            if refused.fault is Fault.MISSING:
                raise BackupUnknown from None
            raise
        if found != known.sha256:
            raise _altered(name)

    def _is_whole(self, entry: Entry) -> bool:
        if entry.note is None or not entry.is_sound:
            return False
        try:
            self._check_sum(entry.name, entry.note)
        except (PolicyFileRefused, BackupUnknown):
            return False
        return True

    def _last_sound(self, held: Sequence[Entry]) -> Name | None:
        """The newest backup that was verified and is still the same."""
        return next((one.name for one in held if self._is_whole(one)), None)

    def _note(self, name: Name, told: Note) -> None:
        try:
            note.write(self.path / name.note, told)
        except OSError as error:
            raise PolicyFileUnwritable(
                f"{name.note} could not be written: {error.strerror}"
            ) from error

    def _remove(self, name: Name) -> None:
        """The file first: a manifest alone is no backup."""
        for each in (name.text, name.note):
            (self.path / each).unlink(missing_ok=True)
        policy_file.sync_folder(self.path)

    def _remove_leftovers(self) -> None:
        """What nobody works on, since the lock is ours: unfinished files, manifests of none."""
        found = set(self._names())
        for each in found:
            of_file = each.removesuffix(names.NOTE_SUFFIX) + names.SUFFIX
            is_note = each.endswith(names.NOTE_SUFFIX) and names.parse(of_file) is not None
            unfinished = each.startswith(".") and each.endswith(LEFTOVER_SUFFIX)
            if unfinished or (is_note and of_file not in found):
                with suppress(OSError):
                    (self.path / each).unlink()


def _wait_for(descriptor: int, how: int) -> None:
    until = time.monotonic() + LOCK_SECONDS_MAX
    while True:
        try:
            fcntl.flock(descriptor, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                raise FolderBusy("the backups are being worked on: try again") from None
            time.sleep(LOCK_SECONDS_STEP)
        else:
            return


def _sum(path: Path) -> str:
    descriptor, size = policy_copy.opened(path)
    digest = hashlib.sha256()
    try:
        for chunk in policy_copy.chunks(descriptor, size):
            digest.update(chunk)
    finally:
        os.close(descriptor)
    return digest.hexdigest()


def _altered(name: Name) -> PolicyFileRefused:
    why = "is damaged: it is not what its manifest says was written"
    return PolicyFileRefused(name.text, Fault.DAMAGED, why)
