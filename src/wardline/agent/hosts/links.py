"""Symbolic links and folders beneath an opened folder: made, read and removed, never followed."""

import errno
import os
import stat

from wardline.agent.hosts import replacing
from wardline.agent.hosts.host import Failed, FileKind, PathEscapes, WrongKind

FOLDER_MODE = 0o755
TARGET_BYTES_MAX = 4095


def read(folder: int, name: str) -> str | None:
    """What the link `name` says, None where it is no link or does not exist."""
    try:
        return os.readlink(name, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno == errno.EINVAL:
            return None
        raise


def check_target(path: str, target: str, *, dotdot_escapes: bool) -> None:
    """Refuse a target that no link can have, or one that climbs out of the root as it is written.

    What it leads to through other links is found out, and kept inside, when it is followed.
    """
    if not target or "\x00" in target or len(os.fsencode(target)) > TARGET_BYTES_MAX:
        raise Failed(path, "is to be a link to what is no path")
    depth = 0 if target.startswith("/") else path.rstrip("/").count("/") - 1
    for part in target.split("/"):
        depth += {"": 0, ".": 0, "..": -1}.get(part, 1)
        if depth < 0 and dotdot_escapes:
            raise PathEscapes(path)


def make(folder: int, name: str, target: str) -> None:
    """A link where nothing stands yet; FileExistsError otherwise."""
    os.symlink(target, name, dir_fd=folder)
    replacing.sync_folder(folder)


def remove(folder: int, name: str, path: str) -> None:
    """Remove a link and nothing else."""
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISLNK(status.st_mode):
        found = FileKind.DIRECTORY if stat.S_ISDIR(status.st_mode) else FileKind.FILE
        raise WrongKind(path, found, FileKind.LINK)
    os.unlink(name, dir_fd=folder)
    replacing.sync_folder(folder)


def make_folder(folder: int, name: str) -> None:
    """A folder with FOLDER_MODE whatever the umask is; FileExistsError where something stands."""
    os.mkdir(name, FOLDER_MODE, dir_fd=folder)
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(name, flags, dir_fd=folder)
    try:
        os.fchmod(descriptor, FOLDER_MODE)
    finally:
        os.close(descriptor)
    replacing.sync_folder(folder)


def remove_folder(folder: int, name: str) -> None:
    """Remove an empty folder; the system refuses any other."""
    os.rmdir(name, dir_fd=folder)
    replacing.sync_folder(folder)
