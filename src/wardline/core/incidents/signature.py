"""The pattern of a failed result: what makes two incidents the same kind, on whatever host."""

import hashlib
from collections.abc import Iterable, Mapping

from wardline.core import canonical
from wardline.core.canonical import Json

SIGNATURE_CHARS = 16


def signature(check: str, failing: Iterable[str]) -> str:
    """16 hex digits over the check and its failing keys as a set, so order does not count."""
    pattern = canonical.dumps({"check": check, "failing": sorted(set(failing))})
    return hashlib.sha256(pattern).hexdigest()[:SIGNATURE_CHARS]


def failing(facts: Mapping[str, Json]) -> tuple[str, ...]:
    """The failing keys that a check put into its facts; empty where it names none."""
    keys = facts.get("failing", ())
    if not isinstance(keys, list | tuple):
        return ()
    return tuple(key for key in keys if isinstance(key, str))
