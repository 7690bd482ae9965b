"""A credential of a host, sealed to the key of one appliance: who carries it cannot read it.

Format: docs/credential-envelope.md. The box is libsodium's sealed box (X25519, XSalsa20-Poly1305).
What it is for stands inside it, so that nobody can hand a credential of one host to another.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import nacl.exceptions
import nacl.public
import orjson

from wardline.core import canonical
from wardline.core.errors import Malformed, Refused

KEY_BYTES = 32
SECRET_CHARS_MAX = 16 * 1024
ENVELOPE_BYTES_MAX = 64 * 1024
KIND = "wardline-host-credential"

_OUTSIDE = frozenset({"v", "kind", "key", "box"})
_INSIDE = frozenset(
    {
        "v",
        "kind",
        "appliance_id",
        "host_id",
        "address",
        "port",
        "user",
        "host_key",
        "type",
        "secret",
    }
)
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


class CannotOpen(Refused):
    """The envelope was not sealed to this key, or was changed since."""

    code = "cannot_open"


class OtherPurpose(Refused):
    """A good envelope, for another appliance, host, address, account or host key."""

    code = "other_purpose"


class SecretType(StrEnum):
    """`private_key` is a private key of OpenSSH without a passphrase."""

    PASSWORD = "password"  # noqa: S105 (a word of the format)
    PRIVATE_KEY = "private_key"


@dataclass(frozen=True, slots=True)
class Purpose:
    """Where alone a credential may be used; `host_key` is a line as in authorized_keys."""

    appliance_id: str
    host_id: str
    address: str
    port: int
    user: str
    host_key: str


@dataclass(frozen=True, slots=True)
class Credential:
    """What proves an account to a host; never shown."""

    type: SecretType
    secret: str

    def __repr__(self) -> str:
        return f"Credential({self.type.value})"


class SealingKey:
    """The private half of an X25519 key: 32 raw bytes, which never leave the appliance."""

    __slots__ = ("_private", "public")

    def __init__(self, seed: bytes) -> None:
        if len(seed) != KEY_BYTES:
            raise Malformed("key", f"an X25519 key has {KEY_BYTES} bytes, not {len(seed)}")
        self._private = nacl.public.PrivateKey(seed)
        self.public = bytes(self._private.public_key)

    @property
    def fingerprint(self) -> str:
        return fingerprint(self.public)

    def unseal(self, box: bytes) -> bytes:
        try:
            return nacl.public.SealedBox(self._private).decrypt(box)
        except (nacl.exceptions.CryptoError, ValueError, TypeError):
            raise CannotOpen(
                f"the credential was not sealed to this appliance's key ({self.fingerprint}), or"
                " was changed since: give it again with `wardline agent hosts credential`"
            ) from None


def fingerprint(public: bytes) -> str:
    """`SHA256:` and the base64 of the digest without padding, as OpenSSH shows keys."""
    digest = hashlib.sha256(public).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")


def seal(public: bytes, purpose: Purpose, credential: Credential) -> bytes:
    """The envelope as canonical JSON; only who holds the private half can open it."""
    if len(public) != KEY_BYTES:
        raise Malformed("key", f"an X25519 key has {KEY_BYTES} bytes, not {len(public)}")
    if not 0 < len(credential.secret) <= SECRET_CHARS_MAX:
        raise Malformed("secret", f"has between 1 and {SECRET_CHARS_MAX} characters")
    inside = canonical.dumps(
        {
            "v": 1,
            "kind": KIND,
            "appliance_id": purpose.appliance_id,
            "host_id": purpose.host_id,
            "address": purpose.address,
            "port": purpose.port,
            "user": purpose.user,
            "host_key": purpose.host_key,
            "type": credential.type.value,
            "secret": credential.secret,
        }
    )
    box = nacl.public.SealedBox(nacl.public.PublicKey(public)).encrypt(inside)
    outside = {
        "v": 1,
        "kind": KIND,
        "key": fingerprint(public),
        "box": base64.b64encode(box).decode(),
    }
    return canonical.dumps(outside)


def unseal(key: SealingKey, envelope: bytes, purpose: Purpose) -> Credential:
    """The credential; raises Malformed, CannotOpen, and OtherPurpose for any other use."""
    outside = _object(envelope, "envelope", _OUTSIDE)
    if not _FINGERPRINT.fullmatch(_text(outside, "key", "envelope")):
        raise Malformed("envelope.key", "is no fingerprint")
    if outside["key"] != key.fingerprint:
        raise CannotOpen(
            f"the credential is sealed to {outside['key']}, this appliance's key is"
            f" {key.fingerprint}: give it again with `wardline agent hosts credential`"
        )
    try:
        box = base64.b64decode(_text(outside, "box", "envelope"), validate=True)
    except binascii.Error:
        raise Malformed("envelope.box", "is not base64") from None
    inside = _object(key.unseal(box), "credential", _INSIDE)
    _check_purpose(inside, purpose)
    try:
        kind = SecretType(_text(inside, "type", "credential"))
    except ValueError:
        raise Malformed("credential.type", "is not a type that is known here") from None
    return Credential(kind, _text(inside, "secret", "credential"))


def _check_purpose(inside: dict[str, Any], purpose: Purpose) -> None:
    for name in Purpose.__slots__:
        if inside[name] != getattr(purpose, name):
            raise OtherPurpose(
                f"the credential was given for another {name.replace('_', ' ')}: give it again"
                " with `wardline agent hosts credential`"
            )


def _object(data: bytes, where: str, keys: frozenset[str]) -> dict[str, Any]:
    """A JSON object of version 1 with exactly these keys; what it says is never repeated."""
    if len(data) > ENVELOPE_BYTES_MAX:
        raise Malformed(where, f"is longer than {ENVELOPE_BYTES_MAX} bytes")
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise Malformed(where, "is not JSON") from None
    if not isinstance(found, dict) or found.keys() != keys:
        raise Malformed(where, f"has exactly the keys {', '.join(sorted(keys))}")
    if found["v"] != 1 or found["kind"] != KIND:
        raise Malformed(where, "is of a kind or version that is not known here")
    return found


def _text(found: dict[str, Any], name: str, where: str) -> str:
    value = found[name]
    if not isinstance(value, str):
        raise Malformed(f"{where}.{name}", "is not text")
    return value
