"""The policy file: what is written is read; what is anything else is refused in its own words."""

import os
import random
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.formats import policy_files
from wardline.formats import policy_file, policy_schema
from wardline.formats.policy_copy import FILE_BYTES_MAX, Fault, PolicyFileRefused
from wardline.formats.policy_file import Contents, PolicyFile, PolicyFileUnwritable

NAME = "policies.db"


@pytest.fixture
def written(tmp_path: Path) -> PolicyFile:
    contents = policy_files.contents()
    seal = policy_file.write(tmp_path / NAME, contents.rows, policy_files.MAKING)
    return PolicyFile(contents, seal)


def refusal(path: Path, scratch: Path) -> PolicyFileRefused:
    with pytest.raises(PolicyFileRefused) as caught:
        policy_file.read(path, scratch)
    return caught.value


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_what_is_written_is_read(written: PolicyFile, tmp_path: Path) -> None:
    found = policy_file.read(tmp_path / NAME, tmp_path)
    assert found == written
    assert found.seal.making == policy_files.MAKING
    assert found.seal.digest == policy_files.contents().rows.digest
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


def test_a_policy_that_was_never_written_has_a_file(tmp_path: Path) -> None:
    nothing = Contents(1, 0, (), ())
    policy_file.write(tmp_path / NAME, nothing.rows, policy_files.MAKING)
    assert policy_file.read(tmp_path / NAME, tmp_path).contents == nothing


def test_the_same_policy_has_the_same_digest_in_any_order() -> None:
    one = policy_files.contents()
    other = replace(one, rules=one.rules[::-1])
    assert one.rows.digest == other.rows.digest
    assert one.rows.digest != replace(one, revision=4).rows.digest


def test_a_rule_of_the_largest_size_is_read_back(tmp_path: Path) -> None:
    large = policy_files.rule(1, params={str(number): "x" * 500 for number in range(60)})
    contents = replace(policy_files.contents(0), rules=(large,))
    policy_file.write(tmp_path / NAME, contents.rows, policy_files.MAKING)
    assert policy_file.read(tmp_path / NAME, tmp_path).contents == contents


def test_a_store_that_lives_on_the_tables_keeps_more_beside_them(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / NAME, isolation_level=None)) as connection:
        policy_schema.lay(connection)
        connection.execute(policy_schema.INSERT_RULE, policy_schema.row(policy_files.rule(1)))
        row = connection.execute(f"SELECT {policy_schema.RULE_COLUMNS} FROM rules").fetchone()
    assert policy_schema.rule(row) == policy_files.rule(1)


FOREIGN = {
    "trigger": "CREATE TRIGGER t AFTER INSERT ON rules BEGIN SELECT 1; END",
    "view": "CREATE VIEW v AS SELECT * FROM rules",
    "table": "CREATE TABLE passwords (word TEXT)",
    "virtual_table": "CREATE VIRTUAL TABLE words USING fts5(word)",
    "index": "CREATE INDEX i ON rules (body)",
    "column": "ALTER TABLE rules ADD COLUMN more TEXT",
    "table_missing": "DROP TABLE revisions",
    "application_id": "PRAGMA application_id = 7",
    "format_0": "PRAGMA user_version = 0",
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_a_foreign_database_is_refused(written: PolicyFile, tmp_path: Path, kind: str) -> None:
    change(tmp_path / NAME, FOREIGN[kind])
    refused = refusal(tmp_path / NAME, tmp_path)
    assert refused.fault is Fault.FOREIGN
    assert refused.status == 400


def test_a_newer_format_is_refused_with_what_to_do(written: PolicyFile, tmp_path: Path) -> None:
    change(tmp_path / NAME, f"PRAGMA user_version = {policy_schema.FORMAT + 1}")
    refused = refusal(tmp_path / NAME, tmp_path)
    assert refused.fault is Fault.NEWER
    assert "format 2" in str(refused)
    assert "update" in str(refused)


def test_contents_that_somebody_changed_are_refused(written: PolicyFile, tmp_path: Path) -> None:
    change(tmp_path / NAME, "UPDATE rules SET body = replace(body, '18:00', '19:00')")
    assert refusal(tmp_path / NAME, tmp_path).fault is Fault.DAMAGED


def test_a_rule_that_does_not_parse_is_refused_with_its_path(tmp_path: Path) -> None:
    bad = policy_files.contents(3)
    broken = replace(bad.rules[1], priority=10**9)
    rules = (bad.rules[0], broken, bad.rules[2])
    policy_file.write(tmp_path / NAME, replace(bad, rules=rules).rows, policy_files.MAKING)
    refused = refusal(tmp_path / NAME, tmp_path)
    assert refused.fault is Fault.RULES
    assert "rules[1].priority" in str(refused)


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("localhost\n")


def sparse(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(2 << 30)


def zeros(path: Path) -> None:
    path.write_bytes(bytes(8192))


def cut_at_a_page(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 4096)


def cut_anywhere(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2 + 13)


def cut_in_the_header(path: Path) -> None:
    os.truncate(path, 60)


def longer(path: Path) -> None:
    with path.open("ab") as file:
        file.write(bytes(4096))


def link(path: Path) -> None:
    target = path.rename(path.with_name("elsewhere"))
    path.symlink_to(target)


def dangling(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def hard_link(path: Path) -> None:
    path.with_name("elsewhere").hardlink_to(path)


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def gone(path: Path) -> None:
    path.unlink()


def running(path: Path) -> None:
    change(path, "PRAGMA journal_mode = WAL")


SPOILT: dict[Callable[[Path], None], tuple[Fault, str]] = {
    empty: (Fault.EMPTY, "is empty"),
    text: (Fault.FOREIGN, "not a SQLite database"),
    zeros: (Fault.FOREIGN, "not a SQLite database"),
    sparse: (Fault.TOO_LARGE, f"at most {FILE_BYTES_MAX}"),
    cut_at_a_page: (Fault.DAMAGED, "bytes where"),
    cut_anywhere: (Fault.DAMAGED, "bytes where"),
    cut_in_the_header: (Fault.FOREIGN, "not a SQLite database"),
    longer: (Fault.DAMAGED, "bytes where"),
    link: (Fault.LINK, "symbolic link"),
    dangling: (Fault.LINK, "symbolic link"),
    hard_link: (Fault.SHARED, "hard link"),
    pipe: (Fault.NOT_A_FILE, "not a regular file"),
    folder: (Fault.NOT_A_FILE, "is a folder"),
    gone: (Fault.MISSING, "is not there"),
    running: (Fault.RUNNING, "make a backup instead"),
}


@pytest.mark.parametrize("spoil", SPOILT, ids=lambda spoil: spoil.__name__)
def test_a_spoilt_file_is_refused_in_its_own_words(
    written: PolicyFile, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(tmp_path / NAME)
    fault, words = SPOILT[spoil]
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    refused = refusal(tmp_path / NAME, scratch)
    assert refused.fault is fault
    assert words in str(refused)
    assert list(scratch.iterdir()) == []


def test_a_log_beside_the_file_has_no_say(written: PolicyFile, tmp_path: Path) -> None:
    """A left-over -wal of a later state must not come to life when the file is read."""
    live = tmp_path / "live.db"
    live.write_bytes((tmp_path / NAME).read_bytes())
    with closing(sqlite3.connect(live, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("DELETE FROM rules")
        for suffix in ("-wal", "-shm"):
            left = live.with_name(f"live.db{suffix}").read_bytes()
            (tmp_path / f"{NAME}{suffix}").write_bytes(left)
    (tmp_path / f"{NAME}-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" + bytes(504))
    assert policy_file.read(tmp_path / NAME, tmp_path) == written


def test_any_flipped_bit_is_refused_or_changes_nothing(
    written: PolicyFile, tmp_path: Path, seed: int
) -> None:
    """Bits in bytes that mean nothing (free space, counters) may pass; the sum tells them apart."""
    generator = random.Random(seed)
    whole = (tmp_path / NAME).read_bytes()
    refused = 0
    for _ in range(400):
        at, bit = generator.randrange(len(whole)), 1 << generator.randrange(8)
        flipped = bytearray(whole)
        flipped[at] ^= bit
        (tmp_path / NAME).write_bytes(flipped)
        try:
            found = policy_file.read(tmp_path / NAME, tmp_path)
        except PolicyFileRefused:
            refused += 1
        else:
            assert found.contents == written.contents, f"byte {at}, bit {bit}"
            assert found.seal.sha256 != written.seal.sha256
    assert refused > 100


def test_a_full_disk_leaves_what_was_there(
    written: PolicyFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    before = (tmp_path / NAME).read_bytes()
    monkeypatch.setattr(policy_file.os, "fsync", full)
    with pytest.raises(PolicyFileUnwritable, match="No space left"):
        policy_file.write(tmp_path / NAME, policy_files.contents(5).rows, policy_files.MAKING)
    assert [path.name for path in tmp_path.iterdir()] == [NAME]
    assert (tmp_path / NAME).read_bytes() == before
