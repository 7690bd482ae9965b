"""The token file: a line per token, `name role sha256 [until]`; the token itself is nowhere.

`role` is reader, manager or admin; `sha256` is that of the token in hex; `until`, if given, is the
instant from which it is no longer taken, such as 2027-01-31T00:00:00.000Z. `#` begins a comment.
The file is read again when it has changed; while it cannot be read, nobody is let in.
"""

import hashlib
import hmac
import logging
import os
import re
import stat
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from wardline.core import clock
from wardline.core.clock import Now
from wardline.core.errors import WardlineError
from wardline.policy.standalone.settings import BadSettings

TOKENS_MAX = 1_000
FILE_BYTES_MAX = 1 << 20
NAME_CHARS_MAX = 64
TOKEN_CHARS_MAX = 512
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")

_log = logging.getLogger(__name__)


class Role(StrEnum):
    """The roles of the contract; each may do what the one before it may."""

    READER = "reader"
    MANAGER = "manager"
    ADMIN = "admin"


_RANK = {Role.READER: 0, Role.MANAGER: 1, Role.ADMIN: 2}


class TokenRefused(WardlineError):
    """No token was shown, or one that is not known or no longer taken."""

    status = 401
    code = "not_signed_in"
    headers = {"www-authenticate": "Bearer"}  # noqa: RUF012 - read only


class RoleTooLow(WardlineError):
    """The token's role does not allow this."""

    status = 403
    code = "not_allowed"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks; `until` None: no end is known."""

    name: str
    role: Role
    until: datetime | None = None

    def check(self, least: Role) -> None:
        """Raises RoleTooLow."""
        if _RANK[self.role] < _RANK[least]:
            raise RoleTooLow(f"the role {self.role.value} may not do this; {least.value} may")


class Tokens:
    """The tokens of a file; raises BadSettings when it is made and the file is no good."""

    def __init__(self, path: Path, now: Now = clock.system) -> None:
        self._path = path
        self._now = now
        self._seen = _stamp(path)
        self._known = _read(path)

    def caller(self, token: str) -> Caller:
        """Whose token it is; raises TokenRefused. Every known one is compared with."""
        shown = hashlib.sha256(token.encode()).hexdigest()
        found = None
        for digest, caller in self._known.items():
            if hmac.compare_digest(digest, shown):
                found = caller
        if found is None or len(token) > TOKEN_CHARS_MAX:
            raise TokenRefused("authorization: this token is not known here")
        if found.until is not None and self._now() >= found.until:
            raise TokenRefused("authorization: this token has ended; ask for another")
        return found

    def check(self, caller: Caller) -> None:
        """Raises TokenRefused where the file has this caller no more, or time is up."""
        if caller not in self._known.values():
            raise TokenRefused("this token was taken back")
        if caller.until is not None and self._now() >= caller.until:
            raise TokenRefused("this token has ended")

    def look(self) -> None:
        """Reads the file again if it has changed; it blocks for as long as a disk does."""
        stamp = _stamp(self._path)
        if stamp == self._seen and stamp is not None:
            return
        self._seen = stamp
        try:
            self._known = _read(self._path)
        except BadSettings as error:
            _log.error("nobody is let in until the token file is right again: %s", error)
            self._known = {}


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _read(path: Path) -> dict[str, Caller]:
    try:
        # Not blocking: a pipe would be waited for without end.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor
            _check_kind(os.fstat(descriptor), path)
            text = file.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        raise BadSettings(f"{path}: cannot be read: {error.strerror}") from None
    if len(text) > FILE_BYTES_MAX:
        raise BadSettings(f"{path}: at most {FILE_BYTES_MAX} bytes")
    known: dict[str, Caller] = {}
    for number, line in enumerate(text.decode("utf-8", "replace").splitlines(), start=1):
        words = line.partition("#")[0].split()
        if words:
            digest, caller = _parsed(words, f"{path}:{number}")
            if digest in known:
                raise BadSettings(f"{path}:{number}: this token stands in an earlier line too")
            known[digest] = caller
    if not 0 < len(known) <= TOKENS_MAX:
        raise BadSettings(f"{path}: holds {len(known)} tokens; 1 to {TOKENS_MAX} are taken")
    return known


def _check_kind(found: os.stat_result, path: Path) -> None:
    """Whoever may write the file lets in whom they like, so that is nobody but its owner."""
    if not stat.S_ISREG(found.st_mode):
        raise BadSettings(f"{path}: is no regular file")
    if found.st_mode & OTHERS_WRITE:
        raise BadSettings(f"{path}: others than its owner may write it; chmod go-w {path.name}")


def _parsed(words: list[str], where: str) -> tuple[str, Caller]:
    if len(words) not in (3, 4):
        raise BadSettings(f"{where}: a line is `name role sha256`, and `until` if you like")
    name, role, digest = words[0], words[1], words[2].lower()
    if not _NAME.fullmatch(name):
        raise BadSettings(f"{where}: a name is of letters, digits, dots, dashes, 64 at most")
    if role not in list(Role):
        raise BadSettings(f"{where}: a role is one of {', '.join(Role)}")
    if not _SHA256.fullmatch(digest):
        raise BadSettings(f"{where}: not a SHA-256 in hex; `printf %s TOKEN | sha256sum` makes one")
    return digest, Caller(name, Role(role), _until(words[3:], where))


def _until(words: list[str], where: str) -> datetime | None:
    if not words:
        return None
    try:
        return clock.parse(words[0])
    except ValueError:
        raise BadSettings(
            f"{where}: an end is an instant such as 2027-01-31T00:00:00.000Z"
        ) from None
