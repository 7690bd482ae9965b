"""Where PostgreSQL's socket lies: a private folder, whose path is short enough for an address."""

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from wardline.central.settings import PRIVATE_DIRECTORY_MODE, DataUnusable

PORT = 5432
NOBODY = 65534
SOCKET_PATH_BYTES_MAX = 107

_PREFIX = "wardline-"
_NAMES = (f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock")


def directory(preferred: Path) -> Path:
    """A private directory whose socket path fits into an address."""
    preferred.mkdir(mode=PRIVATE_DIRECTORY_MODE, exist_ok=True)
    path = preferred.resolve()
    if len(os.fsencode(path / _NAMES[-1])) > SOCKET_PATH_BYTES_MAX:
        path = Path(tempfile.mkdtemp(prefix=_PREFIX))
    return path


def take_again(sockets: Path) -> None:
    """The directory of a server that ended; others may have put one of their own in its place."""
    sockets.mkdir(mode=PRIVATE_DIRECTORY_MODE, exist_ok=True)
    found = sockets.lstat()
    # As root, the server may be run as nobody.
    owners = {os.geteuid()} if os.geteuid() != 0 else {0, NOBODY}
    is_private = stat.S_ISDIR(found.st_mode) and found.st_mode & 0o077 == 0
    if found.st_uid not in owners or not is_private:
        raise DataUnusable(
            f"{sockets}, where PostgreSQL's socket was, is no longer a private directory of this"
            " user: remove it, or start Wardline again"
        )


def remove(sockets: Path) -> None:
    """The socket of a server that has ended, and a folder that was made for it alone."""
    unlink(sockets)
    if sockets.name.startswith(_PREFIX):
        with contextlib.suppress(OSError):
            sockets.rmdir()


def unlink(sockets: Path) -> None:
    """The socket of a server that has ended."""
    for name in _NAMES:
        (sockets / name).unlink(missing_ok=True)
