"""The one SQLite file: one connection under a lock, its pragmas, its migrations, its errors."""

import hashlib
import os
import re
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from wardline.agent.scrub.scrubber import Scrubber
from wardline.agent.store import keys
from wardline.core import canonical, clock
from wardline.core.canonical import Json
from wardline.core.errors import WardlineError

BUSY_TIMEOUT_S = 10.0
# synchronous 2 is FULL: a commit is on the disk when it returns.
PRAGMAS = {"synchronous": 2, "foreign_keys": 1, "wal_autocheckpoint": 1000}
# Below the quota there is room for what must still be written when nothing else may be: receipts,
# the end of a repair that is under way, and the record that says where the gap begins.
RESERVE_BYTES = 1 << 20
BALLAST_BYTES = 4 << 20
_FULL_CODES = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE})
_DAMAGED_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_ADDS_COLUMN = re.compile(r"(?:\s|--[^\n]*\n)*ALTER TABLE (\w+) ADD COLUMN (\w+) ", re.ASCII)

Row = sqlite3.Row
Values = Sequence[object] | Mapping[str, object]


class StoreDamaged(WardlineError):
    """agent.db cannot be read as the database that it was."""

    code = "store_damaged"


class StoreFull(WardlineError):
    """The disk or the quota is full: nothing was written, and nothing unsent was dropped."""

    code = "store_full"


class StoreUnusable(WardlineError):
    """agent.db could not be opened or does not keep what it is given."""

    code = "store_unusable"


class Exact(str):
    """Text that is kept byte for byte: what somebody signed, and what was scrubbed already.

    A tidy test names the few places that make one (ADR 8).
    """

    __slots__ = ()


class Transaction:
    """The open transaction; handed to whoever may write in it. It is the gate of the store: every
    text that is bound goes through the scrubber, but for `Exact` ones."""

    def __init__(self, connection: sqlite3.Connection, scrubber: Scrubber) -> None:
        self._connection = connection
        self.scrubber = scrubber

    def execute(self, sql: str, values: Values = ()) -> int:
        """Rows touched."""
        return self._connection.execute(sql, self._bound(values)).rowcount

    def rows(self, sql: str, values: Values = ()) -> list[Row]:
        return self._connection.execute(sql, self._bound(values)).fetchall()

    def row(self, sql: str, values: Values = ()) -> Row | None:
        found: Row | None = self._connection.execute(sql, self._bound(values)).fetchone()
        return found

    def json(self, value: Json) -> Exact:
        """A scrubbed value as canonical JSON: scrubbing that as a text could break it."""
        return Exact(canonical.dumps(self.scrubber.value(value)).decode())

    def _bound(self, values: Values) -> Values:
        # Looked up too: what was scrubbed when it was written is found as what it became.
        if isinstance(values, Mapping):
            return {name: self._clean(value) for name, value in values.items()}
        return [self._clean(value) for value in values]

    def _clean(self, value: object) -> object:
        if not isinstance(value, str) or isinstance(value, Exact):
            return value
        return self.scrubber.text(value)


class Database:
    """One writer for all threads of the agent, and the reads beside it under the same lock."""

    def __init__(
        self, path: Path, bytes_max: int, now: clock.Now, ballast: Path, scrubber: Scrubber
    ) -> None:
        self.path = path
        self.scrubber = scrubber
        self.bytes_max = bytes_max
        self._ballast = ballast
        self._lock = threading.RLock()
        with self._errors():
            _make_private(path)
            self._connection = _connect(path)
            try:
                _set_pragmas(self._connection, bytes_max)
                migrate(self._connection, now)
            except BaseException:
                self._connection.close()
                raise
        self._lay_ballast()

    def close(self) -> None:
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """BEGIN IMMEDIATE … COMMIT: durable when the block is left, or as if it had never begun."""
        with self._lock:
            try:
                self._connection.execute("BEGIN IMMEDIATE")
                try:
                    yield Transaction(self._connection, self.scrubber)
                    self._connection.execute("COMMIT")
                except BaseException:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                    raise
            except sqlite3.DatabaseError as error:
                raise _named(error, self.path) from error

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """One consistent look."""
        with self._lock:
            try:
                self._connection.execute("BEGIN")
                try:
                    yield Transaction(self._connection, self.scrubber)
                finally:
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
            except sqlite3.DatabaseError as error:
                raise _named(error, self.path) from error

    def bytes_used(self) -> int:
        """What the rows take; free pages inside the file do not count."""
        pages = self.pragma("page_count") - self.pragma("freelist_count")
        return pages * self.pragma("page_size")

    def has_room(self) -> bool:
        """Whether there is more left than the reserve, in the quota and on the disk."""
        if self.bytes_used() > self.bytes_max - RESERVE_BYTES:
            return False
        if not self._ballast.exists():
            self._lay_ballast()
        return self._ballast.exists()

    def pragma(self, name: str) -> int:
        """The value of a numeric pragma, read back from SQLite."""
        with self._lock:
            value: int = self._connection.execute(f"PRAGMA {name}").fetchone()[0]
        return value

    def journal_mode(self) -> str:
        with self._lock:
            mode: str = self._connection.execute("PRAGMA journal_mode").fetchone()[0]
        return mode

    def drop_ballast(self) -> bool:
        """Give the disk back what was kept for the day it is full; False when that is spent."""
        if not self._ballast.exists():
            return False
        self._ballast.unlink()
        return True

    def _lay_ballast(self) -> None:
        """Take the space for real; where there is none, the absent file says so."""
        if self._ballast.exists():
            return
        disk = os.statvfs(self.path.parent)
        if disk.f_bavail * disk.f_frsize < 2 * BALLAST_BYTES:
            return  # what was just given back is not there to be taken again
        try:
            descriptor = os.open(self._ballast, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.posix_fallocate(descriptor, 0, BALLAST_BYTES)
            finally:
                os.close(descriptor)
        except OSError:
            self._ballast.unlink(missing_ok=True)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise _named(error, self.path) from error


def migrate(connection: sqlite3.Connection, now: clock.Now) -> None:
    """Apply the files of schema/ that this database has not seen; each is one transaction.

    Raises StoreUnusable for a database of a newer release or a file that changed after the fact.
    """
    files = schema_files()
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations"
        " (name TEXT PRIMARY KEY, sha256 TEXT NOT NULL, applied_at TEXT NOT NULL)"
    )
    connection.execute("COMMIT")
    seen = dict(connection.execute("SELECT name, sha256 FROM schema_migrations").fetchall())
    if unknown := sorted(seen.keys() - files.keys()):
        raise StoreUnusable(f"this database was written by a newer release ({unknown[-1]})")
    for name, text in sorted(files.items()):
        sha256 = hashlib.sha256(text.encode()).hexdigest()
        if name in seen and seen[name] != sha256:
            raise StoreUnusable(f"schema file {name} is not the one this database was made with")
        if name not in seen:
            _apply(connection, name, text, sha256, now)


def schema_files() -> dict[str, str]:
    """Name and text of every migration, NNN_name.sql."""
    folder = resources.files(__package__) / "schema"
    return {one.name: one.read_text() for one in folder.iterdir() if one.name.endswith(".sql")}


def _apply(
    connection: sqlite3.Connection, name: str, text: str, sha256: str, now: clock.Now
) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statement in statements(text):
            carry_out(connection, statement)
        connection.execute(
            "INSERT INTO schema_migrations VALUES (?, ?, ?)", (name, sha256, clock.wire(now()))
        )
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def carry_out(connection: sqlite3.Connection, statement: str) -> None:
    """Execute a statement of a migration; adding a column that is there already does nothing, for
    SQLite has no IF NOT EXISTS for it."""
    adds = _ADDS_COLUMN.match(statement)
    if adds is not None:
        columns = connection.execute(f"PRAGMA table_info({adds[1]})").fetchall()
        if any(column["name"] == adds[2] for column in columns):
            return
    connection.execute(statement)


def statements(text: str) -> Iterator[str]:
    """The statements of a script, as SQLite itself tells where one ends."""
    held = ""
    for line in text.splitlines(keepends=True):
        held += line
        if sqlite3.complete_statement(held):
            yield held
            held = ""


def _make_private(path: Path) -> None:
    """The file is ours alone and its name is on the disk, also where an earlier start died here."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        path.chmod(0o600)
        keys.sync_directory(path.parent)
    except OSError as error:
        raise StoreUnusable(
            f"{path} cannot be opened: {error.strerror}; run as the account that enrolled"
        ) from None


def _connect(path: Path) -> sqlite3.Connection:
    # isolation_level None: transactions begin and end where this module says, nowhere else.
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
    )
    connection.row_factory = sqlite3.Row
    return connection


def _set_pragmas(connection: sqlite3.Connection, bytes_max: int) -> None:
    """WAL, FULL, foreign keys, quota; each read back, for SQLite ignores what it cannot do."""
    page_size = connection.execute("PRAGMA page_size").fetchone()[0]
    mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal":
        raise StoreUnusable(f"journal_mode is {mode}, not wal: is the file system a network one?")
    for name, wanted in {**PRAGMAS, "max_page_count": bytes_max // page_size}.items():
        connection.execute(f"PRAGMA {name}={wanted}")
        found = connection.execute(f"PRAGMA {name}").fetchone()[0]
        if found != wanted:
            raise StoreUnusable(f"PRAGMA {name} reads back {found}, not {wanted}")


def _named(error: sqlite3.DatabaseError, path: Path) -> WardlineError:
    code = getattr(error, "sqlite_errorcode", 0)
    if code & 0xFF in _DAMAGED_CODES:
        return StoreDamaged(
            f"{path} is damaged ({error}). Nothing in it was changed. Keep the file: it may hold"
            " evidence that was never sent. Restore it from a backup, or move the data directory"
            " away and enrol again; Central will show the gap"
        )
    if code in _FULL_CODES:
        return StoreFull(f"{path} cannot grow ({error}): free disk space or raise outbox.bytes_max")
    return StoreUnusable(f"{path}: {error}")
