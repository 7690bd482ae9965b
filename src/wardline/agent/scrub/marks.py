"""What stands where something was taken out: its kind, and a keyed name of what it was (ADR 8).

`[ssn:mf4q2xw7ab]` is the HMAC-SHA-256 of kind and value under the appliance's scrubbing key, cut to
50 bits, in base32. The same value gives the same mark on one appliance; without its key a mark
cannot be tried against guesses.
"""

import base64
import hmac
import re
import secrets
from enum import StrEnum

KEY_BYTES = 32
NAME_CHARS = 10
_NAME_BYTES = 7


class Kind(StrEnum):
    """What was taken out."""

    NAME = "name"
    SSN = "ssn"
    RECORD = "mrn"
    BORN = "dob"
    PATIENT = "patient"
    INSURANCE = "insurance"
    PRESCRIBER = "prescriber"
    CARD = "card"
    PHONE = "phone"
    EMAIL = "email"
    ADDRESS = "address"
    PRIVATE_KEY = "key"
    PASSWORD_HASH = "hash"  # noqa: S105 (a kind)
    TOKEN = "token"  # noqa: S105 (a kind)
    SECRET = "secret"  # noqa: S105 (a kind)
    TEXT = "text"


_KINDS = "|".join(sorted(kind.value for kind in Kind))
# Marks of releases before this one said only what they stood for.
_FORMER = "private key|password hash|secret|token|e-mail|SSN|record number|date of birth|card|phone"
MARK = re.compile(rf"\[(?:(?:{_KINDS}):[a-z2-7]{{{NAME_CHARS}}}|(?:{_FORMER}) removed)\]")
# What a cut leaves of a mark at the end of a text.
CUT_MARK = re.compile(rf"\[(?:[a-z]{{1,10}}(?::[a-z2-7]{{0,{NAME_CHARS}}})?)?\Z")


class Marker:
    """Makes marks under one key."""

    def __init__(self, key: bytes) -> None:
        assert len(key) == KEY_BYTES, "a scrubbing key has 32 bytes"
        self._key = key

    @classmethod
    def ephemeral(cls) -> "Marker":
        """Under a key that nobody keeps: its marks compare within one process only."""
        return cls(secrets.token_bytes(KEY_BYTES))

    def mark(self, kind: Kind, value: str) -> str:
        told = f"{kind.value}\0{value}".encode("utf-8", "surrogatepass")
        digest = hmac.digest(self._key, told, "sha256")
        name = base64.b32encode(digest[:_NAME_BYTES]).decode("ascii").lower()[:NAME_CHARS]
        return f"[{kind.value}:{name}]"
