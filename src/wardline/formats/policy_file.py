"""The policy file: the rules of one revision as a SQLite database, written whole, read with care.

What a backup writes and a restore reads. `write` makes it beside its place and renames it there:
under the name stands a whole file or none. `read` trusts nothing in it: SQLite opens a private
copy, read-only and immutable, so that no `-wal` or `-journal` beside the file counts; the tables
must be those of `policy_schema` and nothing else, and every rule must parse. `meta.digest` is the
SHA-256 of epoch, revision, revisions and rules, one canonical line each.
"""

import hashlib
import os
import secrets
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from wardline.core import canonical, clock
from wardline.core.errors import Malformed, WardlineError
from wardline.core.policy import parse
from wardline.core.policy.parse import RuleInvalid
from wardline.core.policy.rule import Rule
from wardline.formats import policy_copy, policy_schema
from wardline.formats.policy_copy import PRIVATE_MODE, Fault, PolicyFileRefused

RULES_MAX = 20_000
TEXT_BYTES_MAX = 64 * 1024
CHECK_SECONDS_MAX = 120.0
STEPS_BETWEEN_LOOKS = 100_000

_META = "SELECT epoch, revision, digest, made_at, made_by, reason FROM meta"
_RULES = f"SELECT {policy_schema.RULE_COLUMNS} FROM rules ORDER BY id LIMIT {RULES_MAX + 1}"  # noqa: S608
_REVISION_COLUMNS = "revision, author, reason, created_at"
_REVISIONS = f"SELECT {_REVISION_COLUMNS} FROM revisions ORDER BY 1 LIMIT {RULES_MAX + 2}"  # noqa: S608
_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name LIMIT 100"

RevisionRow = tuple[int, str, str | None, str]


class PolicyFileUnwritable(WardlineError):
    """The file could not be written; nothing stands under its name that was not there before."""

    status = 507
    code = "policy_file_unwritable"


@dataclass(frozen=True, slots=True)
class Revision:
    """Who wrote a revision, when and why."""

    number: int
    author: str
    created_at: datetime
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Rows:
    """One state of a policy as the tables hold it: the rules in force, and the revisions that they
    stem from. `digest` is what `meta.digest` says of it."""

    epoch: int
    revision: int
    revisions: list[RevisionRow]
    rules: list[policy_schema.RuleRow]
    digest: str

    @classmethod
    def of(
        cls,
        epoch: int,
        revision: int,
        revisions: Iterable[RevisionRow],
        rules: Iterable[policy_schema.RuleRow],
    ) -> "Rows":
        """In any order; revision 0 without rules is a policy that was never written."""
        by_number = sorted(revisions, key=lambda row: row[0])
        # As SQLite orders texts: by their bytes.
        by_id = sorted(rules, key=lambda row: row[0].encode())
        digest = _digest(epoch, revision, by_number, by_id)
        return cls(epoch, revision, by_number, by_id, digest)


@dataclass(frozen=True, slots=True)
class Contents:
    """One state of a policy: its rules, each with a whole stamp."""

    epoch: int
    revision: int
    rules: tuple[Rule, ...]
    revisions: tuple[Revision, ...]

    @property
    def rows(self) -> Rows:
        """As the tables hold it."""
        return Rows.of(
            self.epoch,
            self.revision,
            (_revision_row(each) for each in self.revisions),
            (policy_schema.row(rule) for rule in self.rules),
        )


@dataclass(frozen=True, slots=True)
class Making:
    """When a file was made, by whom and what for."""

    at: datetime
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Seal:
    """What tells one file from another: `rules` of which `revision`, the `digest` of the contents,
    `size` in bytes and `sha256` of the file."""

    revision: int
    rules: int
    digest: str
    making: Making
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PolicyFile:
    """A file that was read and is whole."""

    contents: Contents
    seal: Seal


def write(path: Path, rows: Rows, making: Making) -> Seal:
    """Puts the file at `path`, durably and at once; it is read back before it gets its name.

    Raises PolicyFileUnwritable, for a full disk above all.
    """
    if len(rows.rules) > RULES_MAX:
        raise PolicyFileUnwritable(f"{len(rows.rules)} rules, a file holds {RULES_MAX}")
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        _fill(temporary, rows, making)
        with _examined(temporary, path.parent) as (found, seal):
            if found != rows:
                raise PolicyFileUnwritable(f"{path.name}: the disk gives back something else")
        temporary.replace(path)
        sync_folder(path.parent)
    except (OSError, sqlite3.Error, PolicyFileRefused) as error:
        told = error.strerror if isinstance(error, OSError) else str(error)
        raise PolicyFileUnwritable(f"{path.name} could not be written: {told}") from error
    finally:
        for leftover in (temporary, temporary.with_name(f"{temporary.name}-journal")):
            with suppress(OSError):
                leftover.unlink(missing_ok=True)
    return seal


def read(path: Path, scratch: Path) -> PolicyFile:
    """What the file holds; `scratch` is a private folder for the copy, which does not stay.

    Raises PolicyFileRefused with what is wrong with it.
    """
    with _examined(path, scratch) as (rows, seal):
        return PolicyFile(_contents(path.name, rows), seal)


def sync_folder(path: Path) -> None:
    """Makes durable which names the folder holds."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fill(path: Path, rows: Rows, making: Making) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_MODE)
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = MEMORY")
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("BEGIN IMMEDIATE")
            policy_schema.lay(connection, epoch=rows.epoch)
            connection.execute(
                "UPDATE meta SET revision = ?, digest = ?, made_at = ?, made_by = ?, reason = ?",
                (rows.revision, rows.digest, clock.wire(making.at), making.by, making.reason),
            )
            connection.executemany(
                f"INSERT INTO revisions ({_REVISION_COLUMNS}) VALUES (?, ?, ?, ?)",  # noqa: S608
                rows.revisions,
            )
            connection.executemany(policy_schema.INSERT_RULE, rows.rules)
            connection.execute("COMMIT")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _examined(path: Path, scratch: Path) -> Iterator[tuple[Rows, Seal]]:
    """The rows of a file whose structure, integrity and digest are in order."""
    with policy_copy.taken(path, scratch) as copy:
        with closing(_opened(copy.path)) as connection, _as_damage(path.name):
            _check_structure(path.name, connection)
            rows, making = _rows(path.name, connection)
        count = len(rows.rules)
        yield rows, Seal(rows.revision, count, rows.digest, making, copy.size, copy.sha256)


def _opened(copy: Path) -> sqlite3.Connection:
    uri = f"file:{quote(str(copy))}?mode=ro&immutable=1"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, TEXT_BYTES_MAX)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    ends = time.monotonic() + CHECK_SECONDS_MAX
    connection.set_progress_handler(lambda: time.monotonic() > ends, STEPS_BETWEEN_LOOKS)
    return connection


@contextmanager
def _as_damage(name: str) -> Iterator[None]:
    """What SQLite cannot read is damaged."""
    try:
        yield
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise PolicyFileRefused(name, Fault.DAMAGED, f"is damaged: {error}") from None


def _check_structure(name: str, connection: sqlite3.Connection) -> None:
    """The tables first, so that nothing foreign is looked into by the check of integrity."""
    for pragma in ("trusted_schema = OFF", "query_only = ON", "cell_size_check = ON"):
        connection.execute(f"PRAGMA {pragma}")
    found = connection.execute(_SCHEMA).fetchall()
    if found != _expected_schema():
        foreign = sorted({str(row[1])[:64] for row in set(found) ^ set(_expected_schema())})
        why = f"has other tables than a policy file: {', '.join(foreign[:8])}"
        raise PolicyFileRefused(name, Fault.FOREIGN, why)
    verdict = connection.execute("PRAGMA integrity_check(1)").fetchall()
    if verdict != [("ok",)]:
        told = str(verdict[0][0] if verdict else "no answer")[:200]
        raise PolicyFileRefused(name, Fault.DAMAGED, f"is damaged: {told}")


@cache
def _expected_schema() -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        policy_schema.lay(connection)
        return connection.execute(_SCHEMA).fetchall()


def _rows(name: str, connection: sqlite3.Connection) -> tuple[Rows, Making]:
    meta = connection.execute(_META).fetchall()
    revisions = connection.execute(_REVISIONS).fetchall()
    rules = connection.execute(_RULES).fetchall()
    if len(meta) != 1:
        raise PolicyFileRefused(name, Fault.DAMAGED, "is damaged: it does not say what it holds")
    if len(rules) > RULES_MAX or len(revisions) > RULES_MAX + 1:
        why = f"holds more than {RULES_MAX} rules or revisions"
        raise PolicyFileRefused(name, Fault.TOO_LARGE, why)
    epoch, revision, digest, *made = meta[0]
    try:
        making = Making(clock.parse(made[0]), str(made[1]), str(made[2]))
        rows = Rows(epoch, revision, revisions, rules, _digest(epoch, revision, revisions, rules))
    except (Malformed, ValueError, TypeError) as error:
        raise PolicyFileRefused(name, Fault.DAMAGED, f"is damaged: {error}") from None
    if digest != rows.digest:
        why = "is damaged: its contents are not what was written"
        raise PolicyFileRefused(name, Fault.DAMAGED, why)
    return rows, making


def _contents(name: str, rows: Rows) -> Contents:
    try:
        return Contents(
            rows.epoch,
            rows.revision,
            _parsed(rows.rules),
            tuple(_revision(each) for each in rows.revisions),
        )
    except RuleInvalid as invalid:
        told = "; ".join(f"{path}: {why}" for path, why in invalid.problems[:3])
        why = f"holds a rule that is not valid: {told}"
        raise PolicyFileRefused(name, Fault.RULES, why) from None
    except (Malformed, ValueError) as error:
        raise PolicyFileRefused(name, Fault.DAMAGED, f"is damaged: {error}") from None


def _parsed(rows: Sequence[policy_schema.RuleRow]) -> tuple[Rule, ...]:
    made: list[Rule] = []
    for position, row in enumerate(rows):
        try:
            made.append(policy_schema.rule(row))
        except RuleInvalid as invalid:
            raise RuleInvalid(parse.nested(f"rules[{position}]", invalid.problems)) from None
    return tuple(made)


def _revision(row: RevisionRow) -> Revision:
    number, author, reason, created_at = row
    return Revision(number, author, clock.parse(created_at), reason)


def _revision_row(revision: Revision) -> RevisionRow:
    return revision.number, revision.author, revision.reason, clock.wire(revision.created_at)


def _digest(
    epoch: int,
    revision: int,
    revisions: Sequence[RevisionRow],
    rules: Sequence[policy_schema.RuleRow],
) -> str:
    digest = hashlib.sha256()
    for line in ([epoch, revision, len(revisions), len(rules)], *revisions, *rules):
        digest.update(canonical.dumps(list(line)) + b"\n")
    return digest.hexdigest()
