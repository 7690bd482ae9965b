"""File operations beneath a root directory, one path component at a time and never outside it.

Every component is opened relative to the directory before it and without following links; links
are read and resolved here, with the root as `/`. So a hostile tree cannot lead a read or a write
elsewhere, not even by changing while it is walked.
"""

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress

from wardline.agent.hosts import links as linking
from wardline.agent.hosts import paths, replacing
from wardline.agent.hosts.host import (
    ENTRIES_MAX,
    PIECE_BYTES,
    Exchanged,
    Failed,
    FileKind,
    HardLinked,
    HostError,
    Missing,
    NotPermitted,
    PathEscapes,
    ReadOnly,
    Stat,
    TooLarge,
    TooManyLinks,
    WrongKind,
)

LINKS_MAX = 40
STEPS_MAX = 4096

_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NOCTTY


class RootedFiles:
    """The file side of a host that is a directory of this machine, `/` included."""

    def __init__(
        self, root: str, *, dotdot_escapes: bool, owners_known: bool, writable: bool
    ) -> None:
        self._root = root
        self._dotdot_escapes = dotdot_escapes
        self._owners_known = owners_known
        self.writable = writable

    # Reaching

    def prepare(self) -> bool:
        return True

    def measuring(self, check: str, timeout_s: float) -> AbstractContextManager[None]:
        return nullcontext()

    def close(self) -> None:
        """There is no line to let go of."""

    # Reading

    def read(self, path: str, bytes_max: int) -> bytes:
        return b"".join(self.stream(path, bytes_max))

    def stream(self, path: str, bytes_max: int) -> Iterator[bytes]:
        with _named(path):
            descriptor = self._open_file(path, bytes_max)
            try:
                size = 0
                while piece := os.read(descriptor, PIECE_BYTES):
                    size += len(piece)
                    if size > bytes_max:
                        raise TooLarge(path, bytes_max)
                    yield piece
            finally:
                os.close(descriptor)

    def stat(self, path: str) -> Stat:
        with _named(path), self._place(path) as (folder, name):
            return self._stat(os.stat(name, dir_fd=folder, follow_symlinks=False))

    def lstat(self, path: str) -> Stat:
        with _named(path), self._place(path, follow_last=False) as (folder, name):
            return self._stat(os.stat(name, dir_fd=folder, follow_symlinks=False))

    def readlink(self, path: str) -> str:
        with _named(path), self._place(path, follow_last=False) as (folder, name):
            _expect(os.stat(name, dir_fd=folder, follow_symlinks=False), FileKind.LINK, path)
            target = os.readlink(name, dir_fd=folder)
            linking.check_target(path, target, dotdot_escapes=self._dotdot_escapes)
            return target

    def exists(self, path: str) -> bool:
        try:
            self.stat(path)
        except Missing:
            return False
        return True

    def listdir(self, path: str) -> list[str]:
        with _named(path), self._place(path) as (folder, name):
            _expect(os.stat(name, dir_fd=folder, follow_symlinks=False), FileKind.DIRECTORY, path)
            descriptor = os.open(name, _READ | os.O_DIRECTORY, dir_fd=folder)
            try:
                return _entries(descriptor, path)
            finally:
                os.close(descriptor)

    def glob(self, pattern: str) -> list[str]:
        return paths.glob(self, pattern)

    # Changing

    def replace_file(
        self,
        path: str,
        content: bytes,
        mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
    ) -> None:
        self._check_writable(path)
        with _named(path), self._place(path) as (folder, name):
            before = _stat_or_none(folder, name)
            if before is not None:
                _expect(before, FileKind.FILE, path)
                _expect_one_name(before, path)
            temporary = f".{name[:200]}.{secrets.token_hex(8)}"
            try:
                self._write(folder, temporary, content)
                replacing.dress(folder, temporary, name, before, (mode, uid, gid))
                os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=folder)
                raise
            replacing.sync_folder(folder)

    def chmod(self, path: str, mode: int, found: Stat) -> None:
        self._check_writable(path)
        with _named(path), self._handle(path, found) as handle:
            os.chmod(handle, mode)

    def chown(self, path: str, uid: int, gid: int, found: Stat) -> None:
        self._check_writable(path)
        with _named(path), self._handle(path, found) as handle:
            os.chown(handle, uid, gid)

    def remove(self, path: str) -> None:
        self._check_writable(path)
        with _named(path), self._place(path) as (folder, name):
            _expect(os.stat(name, dir_fd=folder, follow_symlinks=False), FileKind.FILE, path)
            os.unlink(name, dir_fd=folder)
            replacing.sync_folder(folder)

    def link(self, path: str, target: str) -> None:
        self._check_writable(path)
        linking.check_target(path, target, dotdot_escapes=self._dotdot_escapes)
        with _named(path), self._place(path, follow_last=False) as (folder, name):
            linking.make(folder, name, target)

    def remove_link(self, path: str) -> None:
        self._check_writable(path)
        with _named(path), self._place(path, follow_last=False) as (folder, name):
            linking.remove(folder, name, path)

    def make_folder(self, path: str) -> None:
        self._check_writable(path)
        with _named(path), self._place(path, follow_last=False) as (folder, name):
            linking.make_folder(folder, name)

    def remove_folder(self, path: str) -> None:
        self._check_writable(path)
        with _named(path), self._place(path, follow_last=False) as (folder, name):
            linking.remove_folder(folder, name)

    # Walking

    @contextmanager
    def _place(self, path: str, *, follow_last: bool = True) -> Iterator[tuple[int, str]]:
        """The directory that `path` ends in, opened, and the last name: a link only if wanted."""
        pending = paths.parts(path)[::-1]
        walked: list[str] = []
        links = steps = 0
        folder = self._open_root()
        try:
            while True:
                steps += 1
                if steps > STEPS_MAX:
                    raise TooManyLinks(path)
                name = pending.pop() if pending else "."
                if name == "..":
                    self._climb(walked, path)
                    folder = self._reopen(folder, walked)
                    continue
                kept = name == "." or (not pending and not follow_last)
                target = None if kept else linking.read(folder, name)
                if target is not None:
                    links += 1
                    if links > LINKS_MAX:
                        raise TooManyLinks(path)
                    pending += paths.parts(target, absolute=False)[::-1]
                    if target.startswith("/"):
                        walked.clear()
                        folder = self._reopen(folder, walked)
                    continue
                if not pending:
                    break
                folder = _descend(folder, name)
                walked.append(name)
            yield folder, name
        finally:
            os.close(folder)

    def _climb(self, walked: list[str], path: str) -> None:
        if walked:
            walked.pop()
        elif self._dotdot_escapes:
            raise PathEscapes(path)

    def _reopen(self, folder: int, walked: list[str]) -> int:
        """The directory reached by `walked`, which are real directories, in place of `folder`."""
        fresh = self._open_root()
        try:
            for name in walked:
                fresh = _descend(fresh, name)
        except BaseException:
            os.close(fresh)
            raise
        os.dup2(fresh, folder, inheritable=False)
        os.close(fresh)
        return folder

    def _open_root(self) -> int:
        return os.open(self._root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)

    def _open_file(self, path: str, bytes_max: int) -> int:
        with self._place(path) as (folder, name):
            # Looked at before it is opened: opening a device can already do something.
            _expect(os.stat(name, dir_fd=folder, follow_symlinks=False), FileKind.FILE, path)
            descriptor = os.open(name, _READ, dir_fd=folder)
        try:
            status = os.fstat(descriptor)
            _expect(status, FileKind.FILE, path)
            if status.st_size > bytes_max:
                raise TooLarge(path, bytes_max)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor

    @contextmanager
    def _handle(self, path: str, found: Stat) -> Iterator[str]:
        """A name of this process for the very file that was found before."""
        with self._place(path, follow_last=False) as (folder, name):
            descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
            try:
                status = os.fstat(descriptor)
                kind = _kind(status)
                if kind not in (FileKind.FILE, FileKind.DIRECTORY):
                    raise WrongKind(path, kind, FileKind.FILE)
                _expect_one_name(status, path)
                if found.inode != (status.st_dev, status.st_ino):
                    raise Exchanged(path)
                yield f"/proc/self/fd/{descriptor}"
            finally:
                os.close(descriptor)

    def _write(self, folder: int, temporary: str, content: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(temporary, flags, 0o600, dir_fd=folder)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)

    def _stat(self, status: os.stat_result) -> Stat:
        return Stat(
            kind=_kind(status),
            mode=stat.S_IMODE(status.st_mode),
            uid=status.st_uid if self._owners_known else None,
            gid=status.st_gid if self._owners_known else None,
            size=status.st_size,
            modified_s=int(status.st_mtime),
            links=status.st_nlink,
            inode=(status.st_dev, status.st_ino),
        )

    def _check_writable(self, path: str) -> None:
        if not self.writable:
            raise ReadOnly(path)


def _descend(folder: int, name: str) -> int:
    """`folder`/`name` opened in place of `folder`, which is closed."""
    flags = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    deeper = os.open(name, flags, dir_fd=folder)
    os.close(folder)
    return deeper


def _entries(descriptor: int, path: str) -> list[str]:
    names = []
    with os.scandir(descriptor) as entries:
        for entry in entries:
            names.append(entry.name)
            if len(names) > ENTRIES_MAX:
                raise TooLarge(path, ENTRIES_MAX, "entries")
    return sorted(names, key=os.fsencode)


def _stat_or_none(folder: int, name: str) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _kind(status: os.stat_result) -> FileKind:
    mode = status.st_mode
    if stat.S_ISREG(mode):
        return FileKind.FILE
    if stat.S_ISDIR(mode):
        return FileKind.DIRECTORY
    if stat.S_ISLNK(mode):
        return FileKind.LINK
    if stat.S_ISFIFO(mode):
        return FileKind.FIFO
    return FileKind.SOCKET if stat.S_ISSOCK(mode) else FileKind.DEVICE


def _expect(status: os.stat_result, wanted: FileKind, path: str) -> None:
    found = _kind(status)
    if found is not wanted:
        raise WrongKind(path, found, wanted)


def _expect_one_name(status: os.stat_result, path: str) -> None:
    """A second name of the same file may be anywhere on the disk, outside the root as well."""
    if stat.S_ISREG(status.st_mode) and status.st_nlink > 1:
        raise HardLinked(path, status.st_nlink)


@contextmanager
def _named(path: str) -> Iterator[None]:
    """Turn the system's errors into ours, which name the path as the host knows it."""
    try:
        yield
    except HostError:
        raise
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise Missing(path) from None
        if error.errno in (errno.EACCES, errno.EPERM):
            raise NotPermitted(path) from None
        if error.errno == errno.ENOTDIR:
            raise Missing(path) from None
        raise Failed(path, os.strerror(error.errno or 0)) from None
