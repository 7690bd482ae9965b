"""What an audit record never shows: the one list of keys whose values are left out."""

import itertools
import re
from collections.abc import Mapping
from typing import Any

REDACTED = "[redacted]"

# A key names a secret when one of its words is one of these, in whatever spelling of cases.
SECRET_WORDS = frozenset(
    {
        *("password", "passwords", "passphrase", "secret", "secrets", "token", "tokens"),
        *("credential", "credentials", "cookie", "cookies", "authorization", "bearer"),
        *("seed", "otp", "totp", "otpauth", "pin", "salt", "hmac", "apikey", "webhook"),
    }
)
# What stands last in the name of something about a secret that is none itself.
HARMLESS_ENDINGS = frozenset({"id", "ids", "count", "at", "until", "changed", "expires"})
SECRET_PAIRS = (("private", "key"), ("api", "key"), ("recovery", "codes"), ("recovery", "code"))

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def redacted(value: Any) -> Any:
    """`value` with what stands under a secret key replaced by REDACTED, at every depth."""
    if isinstance(value, Mapping):
        return {
            key: REDACTED if item is not None and is_secret(str(key)) else redacted(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [redacted(item) for item in value]
    return value


def is_secret(key: str) -> bool:
    """Whether the key names a secret."""
    words = [word.lower() for word in _WORDS.findall(key)]
    if not words or words[-1] in HARMLESS_ENDINGS:
        return False
    pairs = set(itertools.pairwise(words))
    return not SECRET_WORDS.isdisjoint(words) or not pairs.isdisjoint(SECRET_PAIRS)
