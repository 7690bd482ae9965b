"""The open SQLite database: one writer, several readers, each on a thread of its own.

Nothing here runs in the event loop. A reader's transaction sees one committed state; the writer
takes the file's write lock first, so that what it reads is what it changes.
"""

import asyncio
import os
import queue
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, suppress
from pathlib import Path
from typing import TypeVar

from wardline.core.errors import WardlineError
from wardline.policy.file import schema
from wardline.policy.file.schema import NotAPolicyFile

READERS = 2
BUSY_SECONDS_MAX = 5.0
PRIVATE_MODE = 0o600
FOLDER_MODE = 0o700
# FULL: a commit is on the disk when it returns.
PRAGMAS = ("trusted_schema = OFF", "journal_mode = WAL", "synchronous = FULL")
_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]


class FileBusy(WardlineError):
    """Another program holds the policy file's write lock; the same request is welcome again."""

    status = 503
    code = "busy"
    headers = {"retry-after": "2"}  # noqa: RUF012 - read only


class FileFull(WardlineError):
    """The disk of the policy file is full. Nothing was changed: free some space and try again."""

    status = 507
    code = "no_room"


class FileUnusable(WardlineError):
    """The policy file cannot be opened, or can no longer be read as the database that it was."""

    code = "policy_file_unusable"


class Database:
    """Open until `close`; raises FileUnusable, NotAPolicyFile when it is made."""

    def __init__(self, path: Path) -> None:
        self.path = path
        _make(path)
        self._connections: list[sqlite3.Connection] = []
        self._readers: queue.SimpleQueue[sqlite3.Connection] = queue.SimpleQueue()
        try:
            self._writer = self._opened()
            self.run(self._writer, lambda connection: schema.prepare(connection, path.name))
            for _ in range(READERS):
                self._readers.put(self._opened(reads_only=True))
            self._watcher = self._opened(reads_only=True)
        except BaseException:
            self.abandon()
            raise
        self._write_thread = ThreadPoolExecutor(1, "policy-write")
        self._read_threads = ThreadPoolExecutor(READERS, "policy-read")
        self._watch_thread = ThreadPoolExecutor(1, "policy-watch")

    async def write(
        self,
        work: Work[T],
        then: Callable[[T], None] = lambda _: None,
        lock: AbstractContextManager[object] | None = None,
    ) -> T:
        """Does `work` in one transaction: all of it is on the disk when this returns, or nothing.
        What it gave goes to `then`; from when the file is the writer's until then, `lock` is held.

        Raises FileBusy, FileFull, FileUnusable, and what `work` raises.
        """

        def whole() -> T:
            with ExitStack() as held:

                def locked(connection: sqlite3.Connection) -> T:
                    if lock is not None:
                        held.enter_context(lock)
                    return work(connection)

                done = self.run(self._writer, locked)
                then(done)
                return done

        return await _on(self._write_thread, whole)

    async def read(self, work: Work[T]) -> T:
        """Does `work` on one committed state; raises FileBusy, FileUnusable."""
        return await _on(self._read_threads, lambda: self.peek(work))

    def peek(self, work: Work[T]) -> T:
        """`read`, for who is on a thread that may wait."""
        connection = self._readers.get()
        try:
            return self.run(connection, work, begin="BEGIN")
        finally:
            self._readers.put(connection)

    async def version(self) -> int:
        """A number that differs after anybody, in any process, has committed."""
        return await _on(self._watch_thread, self._version)

    async def close(self) -> None:
        """Ends the threads; the last one to close folds the write-ahead log into the file."""
        for threads in (self._write_thread, self._read_threads, self._watch_thread):
            await asyncio.to_thread(threads.shutdown)
        self.abandon()

    def abandon(self) -> None:
        """Closes the connections; for a database that nobody works on."""
        for connection in reversed(self._connections):
            connection.close()

    def run(
        self, connection: sqlite3.Connection, work: Work[T], begin: str = "BEGIN IMMEDIATE"
    ) -> T:
        """A transaction around `work`."""
        try:
            connection.execute(begin)
            try:
                done = work(connection)
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise _named(self.path, error) from error
        return done

    def _opened(self, *, reads_only: bool = False) -> sqlite3.Connection:
        connection = _connected(self.path)
        self._connections.append(connection)
        try:
            for pragma in PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
            if reads_only:
                connection.execute("PRAGMA query_only = ON")
        except sqlite3.Error as error:
            raise _named(self.path, error) from error
        return connection

    def _version(self) -> int:
        try:
            (found,) = self._watcher.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error as error:
            raise _named(self.path, error) from error
        return int(found)


async def _on(threads: ThreadPoolExecutor, call: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(threads, call)


def _make(path: Path) -> None:
    """A file of its owner's, in a folder that is there."""
    try:
        path.parent.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_MODE))
    except OSError as error:
        raise FileUnusable(f"{path}: cannot be opened: {error.strerror}") from None


def _connected(path: Path) -> sqlite3.Connection:
    try:
        connection = sqlite3.connect(
            path, timeout=BUSY_SECONDS_MAX, isolation_level=None, check_same_thread=False
        )
    except sqlite3.Error as error:
        raise _named(path, error) from error
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    return connection


def _named(path: Path, error: sqlite3.Error) -> WardlineError:
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary in _BUSY:
        return FileBusy(f"{path.name}: another program is writing; try again soon")
    if code in _FULL or primary in _FULL:
        return FileFull(f"{path.name}: the disk is full; nothing was changed")
    if primary == sqlite3.SQLITE_NOTADB:
        return NotAPolicyFile(f"{path.name}: is not a SQLite database; name another with --db")
    if primary in _DAMAGED:
        return FileUnusable(f"{path.name}: is damaged ({error}); restore a backup beside it")
    return FileUnusable(f"{path.name}: {error}")
