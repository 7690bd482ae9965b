"""Passwords: argon2 off the event loop, few at a time, as slow for unknown users as for known."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from wardline.core.errors import Refused, WardlineError

LENGTH_MIN = 12
LENGTH_MAX = 256
# Each takes 64 MiB and a fifth of a second.
CONCURRENT_MAX = 2
WAITING_MAX = 32
ONE_TIME_GROUPS = 5
ONE_TIME_GROUP_CHARS = 4
# What stands in place of a hash for a user who cannot sign in with a password.
UNUSABLE = "!"

_ONE_TIME_ALPHABET = "23456789abcdefghjkmnpqrstvwxyz"


class PasswordWeak(Refused):
    """The new password is not taken."""

    code = "password_weak"


class TooManyLogins(WardlineError):
    """More people sign in at once than can be served; try again in a few seconds."""

    status = 429
    code = "busy"


class Passwords:
    """Hashes and verifies; one per process."""

    def __init__(self, hasher: argon2.PasswordHasher | None = None) -> None:
        self._hasher = hasher or argon2.PasswordHasher()
        self._slots = asyncio.Semaphore(CONCURRENT_MAX)
        self._waiting = 0
        # Nobody knows its password; unknown users are compared with it.
        self._nobody = self._hasher.hash(secrets.token_urlsafe())

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether `password` is the stored one; takes as long where nothing is stored."""
        async with self._slot():
            fits = await asyncio.to_thread(self._fits, stored or self._nobody, password)
        return fits and stored is not None

    async def hash(self, password: str) -> str:
        """The argon2id form of a password."""
        async with self._slot():
            return await asyncio.to_thread(self._hasher.hash, password)

    def _fits(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    @asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        if self._waiting >= WAITING_MAX:
            raise TooManyLogins("too many people sign in at this moment: try again in a while")
        self._waiting += 1
        try:
            async with self._slots:
                yield
        finally:
            self._waiting -= 1


def check_new(new: str, current: str, email: str) -> None:
    """Raises PasswordWeak for a new password that is short, unchanged or the e-mail address."""
    if not LENGTH_MIN <= len(new) <= LENGTH_MAX:
        raise PasswordWeak(f"new: a password has {LENGTH_MIN} to {LENGTH_MAX} characters")
    if new == current:
        raise PasswordWeak("new: this is the password you have; choose another")
    if new.casefold() == email.casefold() or len(set(new)) < LENGTH_MIN // 3:
        raise PasswordWeak("new: this is too easy to guess; choose another")


def make_one_time() -> str:
    """A password to be typed once: five groups of four characters without look-alikes."""
    groups = (
        "".join(secrets.choice(_ONE_TIME_ALPHABET) for _ in range(ONE_TIME_GROUP_CHARS))
        for _ in range(ONE_TIME_GROUPS)
    )
    return "-".join(groups)
