"""Tickets for sockets of pages, which can set no header: in the address, once, for seconds."""

import hashlib
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass

from wardline.policy.standalone.tokens import Caller, TokenRefused

SECONDS_MAX = 30
TICKETS_MAX = 1_000
SECRET_BYTES = 32

now = time.monotonic


@dataclass(frozen=True, slots=True)
class _Issued:
    caller: Caller
    ends: float


class Tickets:
    """Of this process; only hashes are kept, and the oldest make room."""

    def __init__(self) -> None:
        self._issued: OrderedDict[str, _Issued] = OrderedDict()

    def issue(self, caller: Caller) -> str:
        """A ticket for one socket of the caller's."""
        secret = secrets.token_urlsafe(SECRET_BYTES)
        self._issued[_digest(secret)] = _Issued(caller, now() + SECONDS_MAX)
        while len(self._issued) > TICKETS_MAX:
            self._issued.popitem(last=False)
        return secret

    def take(self, secret: str) -> Caller:
        """Whose it is; it is gone then. Raises TokenRefused."""
        found = self._issued.pop(_digest(secret), None)
        if found is None or now() > found.ends:
            raise TokenRefused(
                "ticket: not known, used already, or older than it may be; ask for another"
            )
        return found.caller


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
