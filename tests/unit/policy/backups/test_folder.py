"""The folder of backups: what is listed is whole, and nothing but what is listed is opened."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.unit.formats import policy_files
from tests.unit.formats.test_policy_file import SPOILT
from tests.unit.policy.backups.conftest import Moment
from wardline.formats.policy_copy import Fault, PolicyFileRefused
from wardline.formats.policy_file import PolicyFileUnwritable
from wardline.policy.backups import folder as folders
from wardline.policy.backups import names
from wardline.policy.backups.folder import (
    BackupNeeded,
    BackupOutside,
    BackupUnknown,
    Entry,
    Folder,
    FolderFull,
)
from wardline.policy.backups.names import Kind
from wardline.policy.backups.retention import Retention

KILLS = 6


def make(folder: Folder, revision: int = 1, kind: Kind = Kind.BACKUP) -> Entry:
    return folder.make(kind, policy_files.contents(3, revision).rows, "usr_1", "asked for")


def files(folder: Folder) -> list[str]:
    return [folder.file(each.name) for each in folder.entries()]


def test_a_backup_is_named_as_the_document_names_it(folder: Folder) -> None:
    made = make(folder)
    assert folder.file(made.name) == "data/backups/policies-2025-10-09T11-30-45-123456.db"
    safety = make(folder, 2, Kind.SAFETY)
    assert folder.file(safety.name) == "data/backups/pre-restore-2025-10-09T11-30-45-123456.db"


def test_backups_are_listed_newest_first_with_what_is_known_of_them(
    folder: Folder, moment: Moment
) -> None:
    first = make(folder)
    moment.advance(seconds=1)
    second = make(folder, 2)
    assert folder.entries() == [second, first]
    assert second.note is not None
    assert (second.note.rules, second.note.revision, second.note.made_by) == (3, 2, "usr_1")
    assert second.size == (folder.path / second.name.text).stat().st_size
    assert second.is_sound


def test_a_folder_that_was_never_made_has_no_backups(folder: Folder) -> None:
    assert folder.entries() == []
    assert folder.retain(Retention()) == []
    with pytest.raises(BackupUnknown):
        folder.read(names.Name(Kind.BACKUP, folder.now()))


def test_folder_and_files_are_for_their_owner_alone(folder: Folder) -> None:
    make(folder)
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert {each.stat().st_mode & 0o777 for each in folder.path.iterdir()} == {0o600}


def test_unchanged_contents_are_the_newest_file(folder: Folder, moment: Moment) -> None:
    made = make(folder)
    moment.advance(hours=1)
    assert make(folder) == made
    assert make(folder, 2) != made
    moment.advance(hours=1)
    assert make(folder) != made, "the newest one holds something else"


def test_unchanged_contents_are_written_again_where_the_newest_is_damaged(folder: Folder) -> None:
    made = make(folder)
    flip(folder.path / made.name.text)
    again = make(folder)
    assert again.name != made.name
    assert folder.read(again.name).contents == policy_files.contents(3, 1)


def test_two_backups_in_one_microsecond_have_two_names(folder: Folder) -> None:
    assert make(folder).name != make(folder, 2).name


@pytest.mark.parametrize(
    "file",
    [
        "../../etc/hostname",
        "/etc/hostname",
        "data/backups/../policies.db",
        "data/backups/../backups/{name}",
        "data/{name}",
        "data/backups/deeper/{name}",
        "/data/backups/{name}",
        "..\\{name}",
        "data/backups/./{name}",
        "data//backups/{name}",
        "{name}",
        "data/backups/{name} ",
        "data/backups/{name}.json",
        "data/backups/policies-2025-10-09T11-30-45-99.db",
        "data/backups/policies-2025-13-09T11-30-45-123456.db",
        "data/backups/.lock",
        "data/backups/",
        "data/backups",
        ".",
        "",
        "\x00",
        "data/backups/{name}\x00.db",
        "file:data/backups/{name}?mode=rw",
    ],
)
def test_only_what_is_listed_can_be_named(folder: Folder, file: str) -> None:
    """Defect 4: a restore accepted `../../etc/hostname` and put it live."""
    made = make(folder)
    with pytest.raises((BackupUnknown, BackupOutside)) as caught:
        folder.find(file.replace("{name}", made.name.text))
    assert caught.value.status in (400, 404)
    assert folder.find(f"data/backups/{made.name.text}") == made.name


@pytest.mark.parametrize("spoil", SPOILT, ids=lambda spoil: spoil.__name__)
def test_a_spoilt_backup_is_refused_in_its_own_words(
    folder: Folder, spoil: Callable[[Path], None]
) -> None:
    made = make(folder)
    spoil(folder.path / made.name.text)
    fault, words = SPOILT[spoil]
    if fault is Fault.MISSING:
        with pytest.raises(BackupUnknown, match="Backup not found"):
            folder.read(made.name)
        return
    with pytest.raises(PolicyFileRefused) as caught:
        folder.read(made.name)
    assert caught.value.fault is fault
    assert words in str(caught.value)
    with pytest.raises(PolicyFileRefused):
        folder.taken(made.name, "usr_1")
    checked, why = folder.verify(made.name)
    assert words in (why or "")
    assert not checked.is_sound


def test_any_flipped_bit_of_a_backup_is_refused(folder: Folder, seed: int) -> None:
    made = make(folder)
    whole = (folder.path / made.name.text).read_bytes()
    for at in range(seed % 97, len(whole), 97):
        (folder.path / made.name.text).write_bytes(whole)
        flip(folder.path / made.name.text, at)
        with pytest.raises(PolicyFileRefused):
            folder.read(made.name)


def test_a_check_is_remembered_and_may_be_repeated(folder: Folder, moment: Moment) -> None:
    made = make(folder)
    whole = (folder.path / made.name.text).read_bytes()
    flip(folder.path / made.name.text)
    _, why = folder.verify(made.name)
    (found,) = folder.entries()
    assert found.note is not None
    assert found.note.fault == why
    (folder.path / made.name.text).write_bytes(whole)
    moment.advance(days=1)
    again, why = folder.verify(made.name)
    assert why is None
    assert again.is_sound


def test_a_file_that_somebody_put_there_is_listed_and_judged_by_its_contents(
    folder: Folder, tmp_path: Path
) -> None:
    made = make(folder)
    (folder.path / made.name.note).unlink()
    (found,) = folder.entries()
    assert found.note is None
    assert folder.read(found.name).contents == policy_files.contents(3, 1)
    checked, why = folder.verify(found.name)
    assert why is None
    assert checked.note == made.note


def test_links_pipes_and_folders_are_not_listed(folder: Folder) -> None:
    make(folder)
    for minute, put in enumerate(
        [
            lambda path: path.symlink_to("/etc/hostname"),
            lambda path: path.mkdir(),
            os.mkfifo,
        ]
    ):
        put(folder.path / f"policies-2025-10-09T12-{minute:02}-00-000000.db")
    assert len(folder.entries()) == 1


def test_a_log_that_was_left_beside_a_backup_does_not_undo_it(folder: Folder) -> None:
    """Defect 6: a file copy under WAL lost committed rows; a left-over `-wal` undid a restore."""
    made = make(folder)
    path = folder.path / made.name.text
    other = folder.path.parent / "other.db"
    other.write_bytes(path.read_bytes())
    with closing(sqlite3.connect(other, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("DELETE FROM rules")
        for suffix in ("-wal", "-shm"):
            left = other.with_name(other.name + suffix).read_bytes()
            path.with_name(path.name + suffix).write_bytes(left)
    assert folder.read(made.name).contents == policy_files.contents(3, 1)
    assert files(folder) == [folder.file(made.name)]


def test_what_an_interrupted_writer_left_is_never_listed_and_goes(folder: Folder) -> None:
    made = make(folder)
    left = [
        ".policies-2025-10-09T12-00-00-000000.db.tmp",
        ".0123456789abcdef.tmp",
        "policies-2025-10-09T12-00-00-000000.json",
        ".policies-2025-10-09T12-00-00-000000.json.0123456789abcdef.tmp",
    ]
    for each in left:
        (folder.path / each).write_bytes(b"half")
    assert files(folder) == [folder.file(made.name)]
    folder.retain(Retention())
    assert sorted(each.name for each in folder.path.iterdir()) == sorted(
        [".lock", made.name.text, made.name.note]
    )


WRITER = """
import sys
from pathlib import Path
from tests.unit.formats import policy_files
from wardline.core import clock
from wardline.policy.backups.folder import Folder
from wardline.policy.backups.names import Kind
folder = Folder(Path(sys.argv[1]), "backups", clock.system)
print("ready", flush=True)
for revision in range(int(sys.argv[2]), int(sys.argv[2]) + 1000):
    folder.make(Kind.BACKUP, policy_files.contents(40, revision).rows, "usr_1", "asked for")
"""


def test_a_writer_that_is_killed_leaves_whole_backups_only(folder: Folder, seed: int) -> None:
    for kill in range(KILLS):
        start = 1 + kill * 1000
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, folder.path, str(start)], stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.02 + (seed % 89 + kill * 37) % 101 / 500)
        writer.kill()
        writer.wait()
        writer.stdout.close()
        for each in folder.entries():
            assert each.note is not None
            assert folder.read(each.name).seal.sha256 == each.note.sha256
    assert len(folder.entries()) > 1
    folder.retain(Retention(keep=5))
    left = {each.name for each in folder.path.iterdir()} - {folders.LOCK_NAME}
    assert left == {part for one in folder.entries() for part in (one.name.text, one.name.note)}


@pytest.mark.parametrize("fails_at", range(1, 8))
def test_a_full_disk_leaves_the_folder_as_it_was(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, fails_at: int
) -> None:
    """Each sync in turn finds no room; past the last one the backup is there."""
    made = make(folder)
    calls = 0
    sync = os.fsync

    def full(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls == fails_at:
            raise OSError(28, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", full)
    refused = None
    try:
        make(folder, 2)
    except PolicyFileUnwritable as error:
        refused = error
    monkeypatch.undo()
    if calls < fails_at:
        assert refused is None
    else:
        assert refused is not None
        assert "No space left" in str(refused)
    for each in folder.entries():
        assert folder.verify(each.name)[1] is None
    assert folder.file(made.name) in files(folder)
    make(folder, 3)
    left = {each.name for each in folder.path.iterdir()} - {folders.LOCK_NAME}
    assert left == {part for one in folder.entries() for part in (one.name.text, one.name.note)}


def test_a_folder_holds_a_bounded_number(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "FILES_MAX", 2)
    make(folder)
    make(folder, 2)
    with pytest.raises(FolderFull, match="delete some"):
        make(folder, 3)
    assert len(folder.entries()) == 2


def test_the_last_backup_that_is_whole_is_not_deleted(folder: Folder) -> None:
    first, second = make(folder), make(folder, 2)
    flip(folder.path / second.name.text)
    with pytest.raises(BackupNeeded):
        folder.delete(first.name)
    folder.delete(second.name)
    with pytest.raises(BackupNeeded):
        folder.delete(first.name)
    make(folder, 3)
    folder.delete(first.name)
    assert len(folder.entries()) == 1
    with pytest.raises(BackupUnknown):
        folder.delete(first.name)
    assert not (folder.path / first.name.note).exists()


def test_clearing_keeps_the_last_backup_that_is_whole(folder: Folder, moment: Moment) -> None:
    """However old it is, and however many newer ones are damaged."""
    first = make(folder)
    moment.advance(days=1)
    damaged = [make(folder, revision) for revision in (2, 3)]
    for each in damaged:
        flip(folder.path / each.name.text)
    moment.advance(days=1000)
    assert first.name not in folder.retain(Retention(keep=1, days=7))
    assert first.name in [each.name for each in folder.entries()]


def flip(path: Path, at: int = 5000) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        byte = file.read(1)[0]
        file.seek(at)
        file.write(bytes([byte ^ 1]))
