"""Ed25519 keys, and the DSSE envelope that carries one signature over one payload.

Formats: RFC 8032 signatures under libsodium's accept rule (S < L; small-order and non-canonical
points refused), DSSE 1.0.2 pre-authentication encoding and JSON envelope. Ours is a subset of DSSE:
exactly one signature, standard base64 with padding, a key id always present.
"""

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Self

import nacl.bindings
import nacl.exceptions
import nacl.signing
import orjson

from wardline.core import frozen
from wardline.core.errors import Malformed, Refused

KEY_BYTES = 32
SIGNATURE_BYTES = 64
PAYLOAD_BYTES_MAX = 256 * 1024
PAYLOAD_TYPE_CHARS_MAX = 128
ENVELOPE_OVERHEAD_BYTES_MAX = 512

_KEY_ID = re.compile(r"[0-9a-f]{16}")
_WIRE_KEYS = frozenset({"payload", "payloadType", "signatures"})
_SIGNATURE_KEYS = frozenset({"keyid", "sig"})


class BadSignature(Refused):
    """The signature does not belong to these bytes and this key."""

    code = "bad_signature"


class VerifyKey:
    """The public half of an Ed25519 key: 32 raw bytes, and the id that is their digest's."""

    __slots__ = ("key_id", "public")

    def __init__(self, public: bytes) -> None:
        if len(public) != KEY_BYTES:
            raise Malformed("key", f"an Ed25519 key has {KEY_BYTES} bytes, not {len(public)}")
        self.public = public
        self.key_id = key_id(public)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VerifyKey) and other.public == self.public

    def __hash__(self) -> int:
        return hash(self.public)

    def __repr__(self) -> str:
        return f"VerifyKey({self.key_id})"

    def verify(self, message: bytes, signature: bytes) -> bool:
        """Whether `signature` (64 bytes) is this key's over `message`."""
        if len(signature) != SIGNATURE_BYTES:
            return False
        try:
            nacl.bindings.crypto_sign_open(signature + message, self.public)
        except nacl.exceptions.BadSignatureError:
            return False
        return True


class SigningKey:
    """An Ed25519 key pair; its text forms never show the secret."""

    __slots__ = ("_key", "verify_key")

    def __init__(self, key: nacl.signing.SigningKey) -> None:
        self._key = key
        self.verify_key = VerifyKey(bytes(key.verify_key))

    @classmethod
    def generate(cls) -> Self:
        return cls(nacl.signing.SigningKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> Self:
        """The pair of a 32-byte RFC 8032 seed."""
        if len(seed) != KEY_BYTES:
            raise Malformed("seed", f"an Ed25519 seed has {KEY_BYTES} bytes, not {len(seed)}")
        return cls(nacl.signing.SigningKey(seed))

    def __repr__(self) -> str:
        return f"SigningKey({self.key_id})"

    @property
    def seed(self) -> bytes:
        """The 32 secret bytes, for the key file alone."""
        return bytes(self._key)

    @property
    def public(self) -> bytes:
        return self.verify_key.public

    @property
    def key_id(self) -> str:
        return self.verify_key.key_id

    def sign(self, message: bytes) -> bytes:
        """The 64-byte signature over `message`."""
        return self._key.sign(message).signature


def key_id(public: bytes) -> str:
    """The first 16 hex digits of the SHA-256 of the raw public key."""
    return hashlib.sha256(public).hexdigest()[:16]


def pae(payload_type: str, payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding: the bytes that are signed and chained."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


@dataclass(frozen=True, slots=True)
class Envelope:
    """A DSSE envelope with one signature; `sig` is 64 raw bytes, `keyid` a hint and no more."""

    payload_type: str
    payload: bytes
    keyid: str
    sig: bytes

    def to_wire(self) -> dict[str, object]:
        return {
            "payload": base64_text(self.payload),
            "payloadType": self.payload_type,
            "signatures": [{"keyid": self.keyid, "sig": base64_text(self.sig)}],
        }

    def to_json(self) -> bytes:
        """The one JSON text of this envelope: sorted keys, no white space."""
        return orjson.dumps(self.to_wire(), option=orjson.OPT_SORT_KEYS)

    @classmethod
    def from_wire(cls, obj: object, *, payload_bytes_max: int = PAYLOAD_BYTES_MAX) -> "Envelope":
        """The envelope of a decoded JSON value; raises Malformed at the first violation."""
        wire = _exactly(obj, _WIRE_KEYS, "envelope")
        kind = wire["payloadType"]
        if not isinstance(kind, str) or not 0 < len(kind) <= PAYLOAD_TYPE_CHARS_MAX:
            raise Malformed("payloadType", f"not a text of 1 to {PAYLOAD_TYPE_CHARS_MAX} letters")
        if not (kind.isascii() and kind.isprintable()):
            raise Malformed("payloadType", "not printable ASCII")
        signatures = wire["signatures"]
        if not isinstance(signatures, list) or len(signatures) != 1:
            raise Malformed("signatures", "not a list of exactly one signature")
        signature = _exactly(signatures[0], _SIGNATURE_KEYS, "signatures[0]")
        keyid = signature["keyid"]
        if not isinstance(keyid, str) or not _KEY_ID.fullmatch(keyid):
            raise Malformed("signatures[0].keyid", "not 16 hex digits")
        sig = unbase64(signature["sig"], "signatures[0].sig", SIGNATURE_BYTES)
        if len(sig) != SIGNATURE_BYTES:
            raise Malformed("signatures[0].sig", f"not {SIGNATURE_BYTES} bytes")
        return _make_envelope(
            kind, unbase64(wire["payload"], "payload", payload_bytes_max), keyid, sig
        )

    @classmethod
    def from_json(cls, data: bytes, *, payload_bytes_max: int = PAYLOAD_BYTES_MAX) -> "Envelope":
        """The envelope of its JSON text; every other text of the same envelope is refused."""
        bytes_max = payload_bytes_max // 3 * 4 + 4 + ENVELOPE_OVERHEAD_BYTES_MAX
        if len(data) > bytes_max:
            raise Malformed("envelope", f"{len(data)} bytes, at most {bytes_max} are accepted")
        try:
            obj = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise Malformed("envelope", f"not JSON (at byte {error.pos})") from None
        envelope = cls.from_wire(obj, payload_bytes_max=payload_bytes_max)
        if envelope.to_json() != data:
            raise Malformed("envelope", "not in the canonical form of an envelope")
        return envelope


_make_envelope = frozen.maker(Envelope)


def sign(key: SigningKey, payload_type: str, payload: bytes) -> Envelope:
    """`payload` in an envelope signed by `key`."""
    return Envelope(payload_type, payload, key.key_id, key.sign(pae(payload_type, payload)))


def open_envelope(envelope: Envelope, verify_key: VerifyKey, payload_type: str) -> bytes:
    """The payload, once type and signature hold; raises BadSignature otherwise."""
    if envelope.payload_type != payload_type:
        raise BadSignature(
            f"the envelope holds {envelope.payload_type[:80]!r} where {payload_type!r} is expected"
        )
    if not verify_key.verify(pae(payload_type, envelope.payload), envelope.sig):
        raise BadSignature(
            f"the signature is not that of key {verify_key.key_id} over these bytes;"
            f" the envelope names key {envelope.keyid}"
        )
    return envelope.payload


def base64_text(data: bytes) -> str:
    """Standard base64 with padding."""
    return base64.b64encode(data).decode()


def unbase64(text: object, where: str, bytes_max: int) -> bytes:
    """The bytes of canonical standard base64 with padding; raises Malformed naming `where`."""
    if not isinstance(text, str) or not text.isascii():
        raise Malformed(where, "not base64 text")
    if len(text) > (bytes_max + 2) // 3 * 4:
        raise Malformed(where, f"more than {bytes_max} bytes")
    try:
        data = binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        raise Malformed(where, "not standard base64 with padding") from None
    if len(data) > bytes_max:
        raise Malformed(where, f"more than {bytes_max} bytes")
    # The decoder ignores stray bits before the padding, which would give one value many texts;
    # nothing before the last four letters leaves it a choice.
    tail = (len(data) - 1) // 3 * 3 if data else 0
    if binascii.b2a_base64(data[tail:], newline=False) != text[tail // 3 * 4 :].encode():
        raise Malformed(where, "not canonical base64")
    return data


def _exactly(obj: object, keys: frozenset[str], where: str) -> dict[str, object]:
    if not isinstance(obj, dict) or obj.keys() != keys:
        raise Malformed(where, f"not an object of exactly {', '.join(sorted(keys))}")
    return obj
