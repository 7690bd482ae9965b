"""Certificates for tests, made by `cryptography` on the spot, so that they expire when wanted."""

import binascii
import functools
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed448, ed25519, padding, rsa
from cryptography.x509.oid import NameOID

# The last bytes of sha256WithRSAEncryption and sha1WithRSAEncryption: nobody here verifies the
# signature, and the library refuses to make one with SHA-1.
SHA256_RSA = bytes.fromhex("06092a864886f70d01010b")
SHA1_RSA = bytes.fromhex("06092a864886f70d010105")
# secp256k1, and a curve that nobody has named.
SECP256K1, UNNAMED = bytes.fromhex("06052b8104000a"), bytes.fromhex("06052b81040063")
CURVES: dict[str, Any] = {
    "p192": ec.SECP192R1,
    "p224": ec.SECP224R1,
    "p256": ec.SECP256R1,
    "p384": ec.SECP384R1,
    "p521": ec.SECP521R1,
    "k256": ec.SECP256K1,
    "unknown": ec.SECP256K1,
}
HASHES: dict[str, Any] = {
    "sha224": hashes.SHA224,
    "sha256": hashes.SHA256,
    "sha384": hashes.SHA384,
    "sha512": hashes.SHA512,
}


def pem(**spec: Any) -> str:
    return armoured(der(**spec))


def armoured(content: bytes) -> str:
    """Any bytes in the clothes of a certificate."""
    packed = binascii.b2a_base64(content, newline=False).decode()
    lines = "\n".join(packed[at : at + 64] for at in range(0, len(packed), 64))
    return f"-----BEGIN CERTIFICATE-----\n{lines}\n-----END CERTIFICATE-----\n"


def der(
    days: float = 365,
    begins_days: float = -1,
    key: str = "p256",
    digest: str = "sha256",
    pss: bool = False,
    self_issued: bool = True,
) -> bytes:
    """A certificate that ends in `days` and began `begins_days` from now."""
    now = datetime.now(UTC)
    private = _key(key)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "records.clinic.example")])
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if self_issued else issuer)
        .public_key(private.public_key())
        .serial_number(4711)
        .not_valid_before(now + timedelta(days=begins_days))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("clinic.example")]), False)
    )
    algorithm = None if key.startswith("ed") else HASHES.get(digest, hashes.SHA256)()
    extra: dict[str, Any] = {}
    if pss:
        extra["rsa_padding"] = padding.PSS(padding.MGF1(HASHES[digest]()), 20)
    made = builder.sign(private, algorithm, **extra).public_bytes(serialization.Encoding.DER)
    made = made.replace(SECP256K1, UNNAMED) if key == "unknown" else made
    return made.replace(SHA256_RSA, SHA1_RSA) if digest == "sha1" else made


@functools.cache
def _key(name: str) -> Any:
    if name.startswith("rsa"):
        return rsa.generate_private_key(65537, int(name[3:]))
    if name == "dsa":
        return dsa.generate_private_key(2048)
    if name == "ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if name == "ed448":
        return ed448.Ed448PrivateKey.generate()
    return ec.generate_private_key(CURVES[name]())
