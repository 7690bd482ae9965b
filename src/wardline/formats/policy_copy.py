"""A private copy of what claims to be a policy file, taken so that the file cannot do anything.

Nothing is followed, waited for or executed: the descriptor refuses links and does not block on a
pipe, the header is read before SQLite sees a byte, and the copy is made from the one descriptor
whose size and kind were looked at.
"""

import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from wardline.core.errors import Refused
from wardline.formats import policy_schema

FILE_BYTES_MAX = 1 << 30
CHUNK_BYTES = 1 << 20
PRIVATE_MODE = 0o600

# Offsets of the database header, https://www.sqlite.org/fileformat.html#the_database_header
HEADER_BYTES = 100
MAGIC = b"SQLite format 3\x00"
_PAGE_SIZE = slice(16, 18)
_WRITE_AND_READ_VERSION = slice(18, 20)
_PAGE_COUNT = slice(28, 32)
_USER_VERSION = slice(60, 64)
_APPLICATION_ID = slice(68, 72)
_ROLLBACK_JOURNAL = b"\x01\x01"
_WRITE_AHEAD_LOG = b"\x02\x02"
_NO_APPLICATION = bytes(4)
_LARGEST_PAGE = 65536


class Fault(StrEnum):
    """What is wrong with a file that was refused."""

    MISSING = "missing"
    LINK = "link"
    SHARED = "shared"
    NOT_A_FILE = "not_a_file"
    UNREADABLE = "unreadable"
    EMPTY = "empty"
    TOO_LARGE = "too_large"
    FOREIGN = "foreign"
    NEWER = "newer"
    RUNNING = "running"
    DAMAGED = "damaged"
    RULES = "rules"


class PolicyFileRefused(Refused):
    """A file that is not used as a policy, with what is wrong with it."""

    status = 400
    code = "policy_file_refused"

    def __init__(self, name: str, fault: Fault, why: str) -> None:
        super().__init__(f"{name} {why}")
        self.fault = fault
        self.why = why


@dataclass(frozen=True, slots=True)
class Copy:
    """The copy, and what was read into it: `size` in bytes, `sha256` in hex."""

    path: Path
    size: int
    sha256: str


@contextmanager
def taken(path: Path, scratch: Path) -> Iterator[Copy]:
    """A copy of `path` in the folder `scratch`, gone when the block ends.

    Raises PolicyFileRefused for whatever is no plain file of the right kind and size.
    """
    descriptor, size = opened(path)
    copy = scratch / f".{secrets.token_hex(8)}.tmp"
    try:
        _look(path.name, os.pread(descriptor, HEADER_BYTES, 0), size)
        yield Copy(copy, size, _copied(path.name, descriptor, copy, size))
    finally:
        os.close(descriptor)
        copy.unlink(missing_ok=True)


def opened(path: Path) -> tuple[int, int]:
    """A descriptor of a plain file with one name, which the caller closes, and its size in bytes;
    raises PolicyFileRefused for anything else."""
    descriptor = _descriptor(path)
    try:
        return descriptor, _plain(path.name, os.fstat(descriptor))
    except PolicyFileRefused:
        os.close(descriptor)
        raise


def chunks(descriptor: int, size: int) -> Iterator[bytes]:
    """The first `size` bytes, or as many as there are."""
    offset = 0
    while offset < size:
        chunk = os.pread(descriptor, min(CHUNK_BYTES, size - offset), offset)
        if not chunk:
            return
        yield chunk
        offset += len(chunk)


def _descriptor(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise PolicyFileRefused(path.name, Fault.MISSING, "is not there") from None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise PolicyFileRefused(
                path.name, Fault.LINK, "is a symbolic link; put the file itself there"
            ) from None
        if error.errno == errno.ENXIO:
            raise PolicyFileRefused(path.name, Fault.NOT_A_FILE, "is not a regular file") from None
        why = f"cannot be read ({error.strerror})"
        raise PolicyFileRefused(path.name, Fault.UNREADABLE, why) from None


def _plain(name: str, found: os.stat_result) -> int:
    if stat.S_ISDIR(found.st_mode):
        raise PolicyFileRefused(name, Fault.NOT_A_FILE, "is a folder")
    if not stat.S_ISREG(found.st_mode):
        raise PolicyFileRefused(name, Fault.NOT_A_FILE, "is not a regular file")
    if found.st_nlink > 1:
        why = "is a hard link: it can be changed under another name; put a copy there"
        raise PolicyFileRefused(name, Fault.SHARED, why)
    if found.st_size == 0:
        raise PolicyFileRefused(name, Fault.EMPTY, "is empty")
    if found.st_size > FILE_BYTES_MAX:
        why = f"has {found.st_size} bytes, at most {FILE_BYTES_MAX} are read"
        raise PolicyFileRefused(name, Fault.TOO_LARGE, why)
    return found.st_size


def _look(name: str, header: bytes, size: int) -> None:
    """Raises PolicyFileRefused unless the header is that of a whole policy file of this format."""
    if not header.startswith(MAGIC) or len(header) < HEADER_BYTES:
        raise PolicyFileRefused(name, Fault.FOREIGN, "is not a SQLite database")
    ours = policy_schema.APPLICATION_ID.to_bytes(4, "big")
    # A store whose log was never folded in does not say yet in its header what it is.
    unfolded = header[_APPLICATION_ID] in (ours, _NO_APPLICATION)
    if unfolded and header[_WRITE_AND_READ_VERSION] == _WRITE_AHEAD_LOG:
        why = (
            "is a copy of a running store and may lack its last changes;"
            " make a backup instead of copying the file"
        )
        raise PolicyFileRefused(name, Fault.RUNNING, why)
    if header[_APPLICATION_ID] != ours:
        raise PolicyFileRefused(name, Fault.FOREIGN, "is a database, but not of a policy")
    version = int.from_bytes(header[_USER_VERSION], "big")
    if version > policy_schema.FORMAT:
        why = (
            f"has format {version}, this version reads up to {policy_schema.FORMAT};"
            " update Wardline first"
        )
        raise PolicyFileRefused(name, Fault.NEWER, why)
    if version < 1:
        raise PolicyFileRefused(name, Fault.FOREIGN, "says no format that there ever was")
    if header[_WRITE_AND_READ_VERSION] != _ROLLBACK_JOURNAL:
        raise PolicyFileRefused(name, Fault.DAMAGED, "is damaged: its header makes no sense")
    page = int.from_bytes(header[_PAGE_SIZE], "big")
    belongs = (_LARGEST_PAGE if page == 1 else page) * int.from_bytes(header[_PAGE_COUNT], "big")
    if belongs != size:
        why = f"is damaged: it has {size} bytes where {belongs} belong"
        raise PolicyFileRefused(name, Fault.DAMAGED, why)


def _copied(name: str, descriptor: int, copy: Path, size: int) -> str:
    """Copies `size` bytes, no more, and gives their SHA-256."""
    digest = hashlib.sha256()
    target = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_MODE)
    with os.fdopen(target, "wb") as file:
        for chunk in chunks(descriptor, size):
            file.write(chunk)
            digest.update(chunk)
        if file.tell() != size:
            raise PolicyFileRefused(name, Fault.UNREADABLE, "changed while it was read")
    return digest.hexdigest()
