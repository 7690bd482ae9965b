"""Failed sign-ins are counted where they come from, so that no stranger can lock an owner out.

A browser that signed in before shows a secret of its own and is counted by itself. Everybody else
is counted by address, and all of them together, slowly, against guessing from many addresses.
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from enum import StrEnum

from wardline.central.database.session import Session
from wardline.central.identity import repository, tokens

PAUSE_SECONDS_FIRST = 30
ADDRESS_FAILURES_FREE = 5
ADDRESS_PAUSE_SECONDS_MAX = 3600
ANYWHERE_FAILURES_FREE = 100
ANYWHERE_PAUSE_SECONDS_MAX = 300
FAILURES_KEPT_SECONDS = 24 * 3600
DEVICES_MAX = 20
IPV6_SITE_BITS = 64


class Kind(StrEnum):
    DEVICE = "device"
    ADDRESS = "address"
    SESSION = "session"
    ANYWHERE = "anywhere"


class Paused(Exception):
    """Attempts from there are not judged for a while; nothing of this one is counted."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where attempts are counted together: `digest` is SHA-256, of a secret or an address."""

    kind: Kind
    digest: bytes

    @property
    def failures_free(self) -> int:
        return ANYWHERE_FAILURES_FREE if self.kind is Kind.ANYWHERE else ADDRESS_FAILURES_FREE

    @property
    def pause_seconds_max(self) -> int:
        if self.kind is Kind.ANYWHERE:
            return ANYWHERE_PAUSE_SECONDS_MAX
        return ADDRESS_PAUSE_SECONDS_MAX


def of_session(session_id: str) -> Source:
    """Somebody who is signed in and tells the password again."""
    return Source(Kind.SESSION, _digest(session_id))


async def reserve(
    session: Session, user_id: str, address: str | None, device: str | None
) -> tuple[Source, ...]:
    """Counts a sign-in before it is judged; gives where it was counted. Raises Paused."""
    if device is not None:
        known = Source(Kind.DEVICE, tokens.digest(device))
        if await repository.knows_source(session, user_id, known.kind.value, known.digest):
            await count(session, user_id, known)
            return (known,)
    sources = (
        Source(Kind.ADDRESS, _digest(_network(address))),
        Source(Kind.ANYWHERE, _digest("anywhere")),
    )
    for source in sources:
        await count(session, user_id, source)
    return sources


async def count(session: Session, user_id: str, source: Source) -> None:
    """Counts one attempt; raises Paused where attempts from there are paused."""
    if not await repository.count_attempt(
        session,
        user_id,
        source.kind.value,
        source.digest,
        free=source.failures_free,
        first_s=PAUSE_SECONDS_FIRST,
        longest_s=source.pause_seconds_max,
        kept_s=FAILURES_KEPT_SECONDS,
    ):
        raise Paused


async def forgive(session: Session, user_id: str, sources: tuple[Source, ...]) -> None:
    """The attempt that was counted there was a good one."""
    for source in sources:
        kind = source.kind.value
        if source.kind is Kind.ANYWHERE:
            # Other people's failures stay where they are.
            await repository.uncount_attempt(session, user_id, kind, source.digest)
        else:
            await repository.clear_attempts(session, user_id, kind, source.digest)
    await repository.forget_sources(
        session, user_id, kept_s=FAILURES_KEPT_SECONDS, devices_max=DEVICES_MAX
    )


async def remember_device(
    session: Session, user_id: str, sources: tuple[Source, ...]
) -> str | None:
    """A secret for the browser that signed in; None where it has one."""
    if any(source.kind is Kind.DEVICE for source in sources):
        return None
    secret = tokens.make()
    kind = Kind.DEVICE.value
    await repository.add_source(session, user_id, kind, tokens.digest(secret))
    return secret


def _network(address: str | None) -> str:
    """An IPv6 site has 2**64 addresses to come from, and counts as one."""
    try:
        found = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    if isinstance(found, ipaddress.IPv4Address):
        return found.compressed
    return str(ipaddress.ip_network((found, IPV6_SITE_BITS), strict=False))


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
