"""Identifiers: what each looks like, how a new one is made, and how a foreign one is checked."""

import re
import secrets
import time
from typing import NewType

from wardline.core.errors import Malformed

PartnerId = NewType("PartnerId", str)
SiteId = NewType("SiteId", str)
ApplianceId = NewType("ApplianceId", str)
HostId = NewType("HostId", str)
IncidentId = NewType("IncidentId", str)
CheckId = NewType("CheckId", str)
RunbookId = NewType("RunbookId", str)
RuleId = NewType("RuleId", str)
UserId = NewType("UserId", str)

# Crockford's base 32 in lower case: sorts like the number, has no look-alikes.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_TAIL_CHARS = 2
_TAILS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_ENTITY = re.compile(r"[a-z]{2,8}_[0-9a-hjkmnp-tv-z]{26}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}(\.[a-z][a-z0-9_]{0,62}){0,3}")


def new(prefix: str) -> str:
    """A new `prefix_` + 26 characters (ULID): 48 bits of milliseconds, 80 random bits."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    return f"{prefix}_" + "".join(_ALPHABET[(value >> shift) & 31] for shift in range(125, -5, -5))


def series(prefix: str, count: int) -> list[str]:
    """`count` new identifiers that follow each other, each at a fraction of what `new` costs."""
    made: list[str] = []
    while len(made) < count:
        head = new(prefix)[:-_TAIL_CHARS]
        made += [head + tail for tail in _TAILS[: count - len(made)]]
    return made


def partner() -> PartnerId:
    return PartnerId(new("partner"))


def site() -> SiteId:
    return SiteId(new("site"))


def appliance() -> ApplianceId:
    return ApplianceId(new("appl"))


def host() -> HostId:
    return HostId(new("host"))


def incident() -> IncidentId:
    return IncidentId(new("inc"))


def user() -> UserId:
    return UserId(new("user"))


def entity(text: str, prefix: str, where: str) -> str:
    """`text` if it is an identifier with this prefix; raises Malformed naming `where` otherwise."""
    if not _ENTITY.fullmatch(text) or not text.startswith(f"{prefix}_"):
        raise Malformed(where, f"not an identifier of the form {prefix}_<26 characters>")
    return text


def name(text: str, where: str) -> str:
    """`text` if it is a dotted lower-case name (a check, a runbook); raises Malformed otherwise."""
    if not _NAME.fullmatch(text):
        raise Malformed(where, "not a name such as ssh_config or file_permissions.restore")
    return text
