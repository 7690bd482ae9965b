"""How a new file takes over what the old one was: owner, mode, attributes, and a place on disk."""

import errno
import os
import stat

NEW_FILE_MODE = 0o644


def dress(
    folder: int,
    temporary: str,
    name: str,
    before: os.stat_result | None,
    wanted: tuple[int | None, int | None, int | None],
) -> None:
    """Give the new file the owner, mode and attributes of the old one, or the wanted ones; sync."""
    mode, uid, gid = wanted
    descriptor = os.open(temporary, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        own = os.fstat(descriptor)
        old = before or own
        owner = (old.st_uid if uid is None else uid, old.st_gid if gid is None else gid)
        if owner != (own.st_uid, own.st_gid):
            os.fchown(descriptor, *owner)
        if before is not None:
            _copy_attributes(folder, name, descriptor)
        kept = NEW_FILE_MODE if before is None else stat.S_IMODE(before.st_mode)
        os.fchmod(descriptor, kept if mode is None else mode)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _copy_attributes(folder: int, name: str, descriptor: int) -> None:
    """Labels and access lists ride in extended attributes; a file system may have none."""
    old = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        path = f"/proc/self/fd/{old}"
        for attribute in os.listxattr(path):
            os.setxattr(descriptor, attribute, os.getxattr(path, attribute))
    except OSError as error:
        if error.errno != errno.ENOTSUP:
            raise
    finally:
        os.close(old)


def sync_folder(folder: int) -> None:
    descriptor = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
