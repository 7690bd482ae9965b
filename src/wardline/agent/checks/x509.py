"""What a certificate says of its time, its key and its signature: a strict reader of DER.

Sources: RFC 5280 (certificate), X.690 (DER), RFC 3279, 4055, 5480, 8410 (algorithms). It knows the
few structures on the way to those fields, goes no deeper than they do, and verifies no signature.
"""

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

PEM_BYTES_MAX = 1024 * 1024
DER_BYTES_MAX = 64 * 1024
CHAIN_MAX = 8
OID_BYTES_MAX = 32
MODULUS_BYTES_MAX = 4096

_INTEGER, _BIT_STRING, _OID, _SEQUENCE = 0x02, 0x03, 0x06, 0x30
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
_VERSION, _PSS_HASH = 0xA0, 0xA0
_LENGTH_BYTES_MAX = 3

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_TIMES = {
    _UTC_TIME: re.compile(r"(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z", re.ASCII),
    _GENERALIZED_TIME: re.compile(r"(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z", re.ASCII),
}

# RFC 3279 and 4055. PSS has its hash in parameters.
_RSA = {"1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10"}
_PSS = "1.2.840.113549.1.1.10"
_DSA = "1.2.840.10040.4.1"
_ELLIPTIC = "1.2.840.10045.2.1"
# RFC 5480 and 5639: curve to the bits of its field.
_CURVES = {
    "1.2.840.10045.3.1.1": 192,
    "1.3.132.0.33": 224,
    "1.2.840.10045.3.1.7": 256,
    "1.3.132.0.10": 256,
    "1.3.132.0.34": 384,
    "1.3.132.0.35": 521,
    "1.3.36.3.3.2.8.1.1.7": 256,
    "1.3.36.3.3.2.8.1.1.11": 384,
    "1.3.36.3.3.2.8.1.1.13": 512,
}
# RFC 8410: the algorithm is the curve.
_EDWARDS = {"1.3.101.112": ("Ed25519", 256), "1.3.101.113": ("Ed448", 456)}
_SIGNATURES = {
    "1.2.840.113549.1.1.2": "MD2",
    "1.2.840.113549.1.1.4": "MD5",
    "1.2.840.113549.1.1.5": "SHA-1",
    "1.3.14.3.2.29": "SHA-1",
    "1.2.840.113549.1.1.14": "SHA-224",
    "1.2.840.113549.1.1.11": "SHA-256",
    "1.2.840.113549.1.1.12": "SHA-384",
    "1.2.840.113549.1.1.13": "SHA-512",
    "1.2.840.10040.4.3": "SHA-1",
    "2.16.840.1.101.3.4.3.1": "SHA-224",
    "2.16.840.1.101.3.4.3.2": "SHA-256",
    "1.2.840.10045.4.1": "SHA-1",
    "1.2.840.10045.4.3.1": "SHA-224",
    "1.2.840.10045.4.3.2": "SHA-256",
    "1.2.840.10045.4.3.3": "SHA-384",
    "1.2.840.10045.4.3.4": "SHA-512",
    "1.3.101.112": "SHA-512",
    "1.3.101.113": "SHAKE256",
}
_HASHES = {
    "1.3.14.3.2.26": "SHA-1",
    "2.16.840.1.101.3.4.2.4": "SHA-224",
    "2.16.840.1.101.3.4.2.1": "SHA-256",
    "2.16.840.1.101.3.4.2.2": "SHA-384",
    "2.16.840.1.101.3.4.2.3": "SHA-512",
}


class NotACertificate(ValueError):
    """Bytes that are no certificate, or one of a kind that is not understood; says which."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """`key` is RSA, DSA, EC or an Edwards curve, `bits` its strength; `digest` what was signed.

    `self_issued`: issuer and subject are one, so its signature proves nothing to anybody.
    """

    not_before: datetime
    not_after: datetime
    key: str
    bits: int
    digest: str
    self_issued: bool


def chain(text: str) -> list[Certificate]:
    """The certificates of a PEM file, the host's own first; a key beside them is passed over."""
    found = [parse(der) for der in _pem_blocks(text)]
    if not found:
        raise NotACertificate("holds no PEM certificate")
    return found


def parse(der: bytes) -> Certificate:
    """One certificate; NotACertificate where a byte is not as DER and RFC 5280 want it."""
    if len(der) > DER_BYTES_MAX:
        raise NotACertificate(f"a certificate of more than {DER_BYTES_MAX} bytes")
    whole = _Reader(der)
    fields = whole.inside(_SEQUENCE)
    whole.end()
    signed = fields.inside(_SEQUENCE)
    algorithm = fields.take(_SEQUENCE)
    fields.take(_BIT_STRING)
    fields.end()
    return _signed_part(signed, algorithm)


def _signed_part(fields: "_Reader", algorithm: bytes) -> Certificate:
    fields.take_if(_VERSION)
    fields.take(_INTEGER)
    if fields.take(_SEQUENCE) != algorithm:
        raise NotACertificate("names two signature algorithms")
    issuer = fields.take(_SEQUENCE)
    validity = fields.inside(_SEQUENCE)
    not_before, not_after = _time(validity), _time(validity)
    validity.end()
    subject = fields.take(_SEQUENCE)
    key, bits = _public_key(fields.inside(_SEQUENCE))
    return Certificate(
        not_before=not_before,
        not_after=not_after,
        key=key,
        bits=bits,
        digest=_signature_digest(_Reader(algorithm)),
        self_issued=issuer == subject,
    )


class _Reader:
    """Values one after the other: definite, shortest lengths only, and nothing beyond the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, wanted: int) -> bytes:
        """The content of the next value, which must have this tag."""
        tag, content = self._next()
        if tag != wanted:
            raise NotACertificate(f"not DER of a certificate (tag {tag:#04x} for {wanted:#04x})")
        return content

    def take_if(self, wanted: int) -> bytes | None:
        """As `take`, None where another value comes next or none."""
        if self._data[self._at : self._at + 1] != bytes([wanted]):
            return None
        return self.take(wanted)

    def take_either(self, *wanted: int) -> tuple[int, bytes]:
        tag, content = self._next()
        if tag not in wanted:
            raise NotACertificate(f"not DER of a certificate (tag {tag:#04x})")
        return tag, content

    def inside(self, wanted: int) -> "_Reader":
        return _Reader(self.take(wanted))

    def end(self) -> None:
        if self._at != len(self._data):
            raise NotACertificate("has bytes behind its end")

    def _next(self) -> tuple[int, bytes]:
        tag = self._byte()
        length = self._length()
        if length > len(self._data) - self._at:
            raise NotACertificate("is cut off")
        start = self._at
        self._at += length
        return tag, self._data[start : self._at]

    def _length(self) -> int:
        first = self._byte()
        if first < 0x80:
            return first
        size = first & 0x7F
        if not 1 <= size <= _LENGTH_BYTES_MAX:
            raise NotACertificate("not DER (a length that is indefinite or too long)")
        length = 0
        for _ in range(size):
            length = length << 8 | self._byte()
        if length < 0x80 or length >> 8 * (size - 1) == 0:
            raise NotACertificate("not DER (a length that could be shorter)")
        return length

    def _byte(self) -> int:
        if self._at >= len(self._data):
            raise NotACertificate("is cut off")
        self._at += 1
        return self._data[self._at - 1]


def _pem_blocks(text: str) -> Iterator[bytes]:
    """The DER of each block, CHAIN_MAX at most: a bundle of authorities is not a server's chain."""
    for part in text.split(_BEGIN)[1 : CHAIN_MAX + 1]:
        body, end, _ = part.partition(_END)
        if not end:
            raise NotACertificate("a PEM block without its end")
        packed = "".join(body.split())
        try:
            yield binascii.a2b_base64(packed.encode("ascii"), strict_mode=True)
        except (binascii.Error, UnicodeEncodeError):
            raise NotACertificate("a PEM block that is not base64") from None


def _time(fields: _Reader) -> datetime:
    """RFC 5280, 4.1.2.5: in UTC, with seconds; two digits of a year mean 1950 to 2049."""
    tag, content = fields.take_either(_UTC_TIME, _GENERALIZED_TIME)
    found = _TIMES[tag].fullmatch(content.decode("ascii", "replace"))
    if found is None:
        raise NotACertificate("a time that is not as RFC 5280 wants it")
    year, month, day, hour, minute, second = (int(number) for number in found.groups())
    if tag == _UTC_TIME:
        year += 1900 if year >= 50 else 2000
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except ValueError:
        raise NotACertificate("a time that does not exist") from None


def _public_key(fields: _Reader) -> tuple[str, int]:
    algorithm = fields.inside(_SEQUENCE)
    name = _oid(algorithm.take(_OID))
    packed = fields.take(_BIT_STRING)
    fields.end()
    if name in _RSA:
        return "RSA", _modulus_bits(packed)
    if name == _DSA:
        return "DSA", 0
    if name in _EDWARDS:
        return _EDWARDS[name]
    if name == _ELLIPTIC:
        curve = _oid(algorithm.take(_OID))
        if curve not in _CURVES:
            raise NotACertificate(f"a key on a curve that is not known ({curve})")
        return "EC", _CURVES[curve]
    raise NotACertificate(f"a key of a kind that is not known ({name})")


def _modulus_bits(packed: bytes) -> int:
    """RFC 3279, 2.3.1: RSAPublicKey in a bit string without unused bits."""
    if packed[:1] != b"\x00":
        raise NotACertificate("an RSA key that is not whole bytes")
    whole = _Reader(packed[1:])
    numbers = whole.inside(_SEQUENCE)
    whole.end()
    modulus = numbers.take(_INTEGER)
    numbers.take(_INTEGER)
    numbers.end()
    if not modulus or modulus[0] >= 0x80 or len(modulus) > MODULUS_BYTES_MAX:
        raise NotACertificate("an RSA key whose modulus is empty, negative or too long")
    return int.from_bytes(modulus, "big").bit_length()


def _signature_digest(algorithm: _Reader) -> str:
    name = _oid(algorithm.take(_OID))
    if name == _PSS:
        return _pss_digest(algorithm)
    if name not in _SIGNATURES:
        raise NotACertificate(f"a signature of a kind that is not known ({name})")
    return _SIGNATURES[name]


def _pss_digest(algorithm: _Reader) -> str:
    """RFC 4055, 3.1: the hash in the parameters, SHA-1 where they leave it out."""
    parameters = algorithm.inside(_SEQUENCE)
    content = parameters.take_if(_PSS_HASH)
    if content is None:
        return "SHA-1"
    name = _oid(_Reader(content).inside(_SEQUENCE).take(_OID))
    if name not in _HASHES:
        raise NotACertificate(f"a signature with a hash that is not known ({name})")
    return _HASHES[name]


def _oid(content: bytes) -> str:
    if not content or len(content) > OID_BYTES_MAX or content[-1] >= 0x80:
        raise NotACertificate("an object identifier that is none")
    numbers: list[int] = []
    number = 0
    for byte in content:
        if number == 0 and byte == 0x80:
            raise NotACertificate("an object identifier that is none")
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            numbers.append(number)
            number = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(str(one) for one in (first, numbers[0] - 40 * first, *numbers[1:]))
