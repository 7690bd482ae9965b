"""The reader of certificates: what others made it reads as they do, and what is no DER it refuses."""

import base64
import functools
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509 as reference

from tests.unit.agent import certificates
from wardline.agent.checks import x509
from wardline.agent.checks.x509 import NotACertificate


@pytest.mark.parametrize(
    ("key", "digest", "wanted"),
    [
        ("rsa2048", "sha256", ("RSA", 2048, "SHA-256")),
        ("rsa1024", "sha1", ("RSA", 1024, "SHA-1")),
        ("rsa3072", "sha512", ("RSA", 3072, "SHA-512")),
        ("rsa2048", "sha224", ("RSA", 2048, "SHA-224")),
        ("p192", "sha256", ("EC", 192, "SHA-256")),
        ("p224", "sha224", ("EC", 224, "SHA-224")),
        ("p256", "sha256", ("EC", 256, "SHA-256")),
        ("p384", "sha384", ("EC", 384, "SHA-384")),
        ("p521", "sha512", ("EC", 521, "SHA-512")),
        ("k256", "sha256", ("EC", 256, "SHA-256")),
        ("ed25519", "sha256", ("Ed25519", 256, "SHA-512")),
        ("ed448", "sha256", ("Ed448", 456, "SHAKE256")),
        ("dsa", "sha256", ("DSA", 0, "SHA-256")),
    ],
)
def test_it_reads_what_cryptography_made(
    key: str, digest: str, wanted: tuple[str, int, str]
) -> None:
    der = certificates.der(key=key, digest=digest)
    found, other = x509.parse(der), reference.load_der_x509_certificate(der)
    assert (found.key, found.bits, found.digest) == wanted
    assert found.not_before == other.not_valid_before_utc
    assert found.not_after == other.not_valid_after_utc
    assert found.self_issued


@pytest.mark.parametrize("digest", ["sha224", "sha256", "sha384", "sha512"])
def test_the_hash_of_pss_stands_in_its_parameters(digest: str) -> None:
    der = certificates.der(key="rsa2048", digest=digest, pss=True)
    assert x509.parse(der).digest == f"SHA-{digest[3:]}"


OPENSSL = ["openssl", "req", "-x509", "-nodes", "-keyout", "/dev/null", "-subj", "/CN=clinic"]


@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        (["-newkey", "rsa:2048", "-sha256", "-days", "30"], ("RSA", 2048, "SHA-256")),
        (["-newkey", "rsa:2048", "-sha1", "-days", "30"], ("RSA", 2048, "SHA-1")),
        (["-newkey", "rsa:2048", "-md5", "-days", "30"], ("RSA", 2048, "MD5")),
        (
            ["-newkey", "rsa:2048", "-days", "30", "-sha1", "-sigopt", "rsa_padding_mode:pss"],
            ("RSA", 2048, "SHA-1"),
        ),
        (
            ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-384", "-days", "20000"],
            ("EC", 384, "SHA-256"),
        ),
        (
            ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:brainpoolP512r1", "-days", "9"],
            ("EC", 512, "SHA-256"),
        ),
        (["-newkey", "ed25519", "-days", "365"], ("Ed25519", 256, "SHA-512")),
    ],
)
def test_it_reads_what_openssl_made(arguments: list[str], wanted: tuple[str, int, str]) -> None:
    try:
        made = subprocess.run([*OPENSSL, *arguments], capture_output=True, check=True, text=True)
    except FileNotFoundError:
        pytest.skip("this machine has no openssl")
    (found,) = x509.chain(made.stdout)
    other = reference.load_pem_x509_certificate(made.stdout.encode())
    assert (found.key, found.bits, found.digest) == wanted
    assert (found.not_before, found.not_after) == (
        other.not_valid_before_utc,
        other.not_valid_after_utc,
    )


@pytest.mark.filterwarnings("ignore:Parsed a serial number")
def test_it_reads_the_authorities_of_this_machine() -> None:
    bundle = Path("/etc/ssl/certs/ca-certificates.crt")
    if not bundle.exists():
        pytest.skip("this machine has no bundle of authorities")
    blocks = bundle.read_text().split("-----END CERTIFICATE-----")[:-1]
    for block in blocks:
        der = base64.b64decode("".join(block.partition("-----BEGIN CERTIFICATE-----")[2].split()))
        found, other = x509.parse(der), reference.load_der_x509_certificate(der)
        assert found.not_after == other.not_valid_after_utc
        assert found.self_issued == (other.issuer == other.subject)
    assert len(x509.chain(bundle.read_text())) == x509.CHAIN_MAX


def _tlv(tag: int, *contents: bytes) -> bytes:
    content = b"".join(contents)
    size = len(content)
    length = bytes([size]) if size < 128 else b"\x82" + size.to_bytes(2, "big")
    return bytes([tag]) + length + content


def _oid(hexadecimal: str) -> bytes:
    return _tlv(0x06, bytes.fromhex(hexadecimal))


SHA256_RSA = _tlv(0x30, _oid("2a864886f70d01010b"), b"\x05\x00")
MODULUS = b"\x00\xc1" + b"\x55" * 255


def _made(
    *,
    begin: bytes = b"\x17\x0d260101000000Z",
    end: bytes = b"\x18\x0f20500101000000Z",
    algorithm: bytes = SHA256_RSA,
    inner: bytes | None = None,
    key: bytes | None = None,
    behind: bytes = b"",
) -> bytes:
    rsa = _tlv(0x30, _tlv(0x02, MODULUS), b"\x02\x03\x01\x00\x01")
    spki = _tlv(0x30, _tlv(0x30, _oid("2a864886f70d010101"), b"\x05\x00"), _tlv(0x03, b"\x00", rsa))
    signed = _tlv(
        0x30,
        b"\xa0\x03\x02\x01\x02",
        b"\x02\x01\x07",
        algorithm if inner is None else inner,
        _tlv(0x30),
        _tlv(0x30, begin, end),
        _tlv(0x30),
        spki if key is None else key,
    )
    return _tlv(0x30, signed, algorithm, _tlv(0x03, b"\x00\x01"), behind)


def test_a_certificate_made_by_hand_is_one() -> None:
    found = x509.parse(_made())
    assert (found.key, found.bits) == ("RSA", 2048)
    assert found.not_before == datetime(2026, 1, 1, tzinfo=UTC)
    assert found.not_after == datetime(2050, 1, 1, tzinfo=UTC)
    old = x509.parse(_made(begin=b"\x17\x0d500101000000Z"))
    assert old.not_before.year == 1950


def _key(*parts: bytes, bits: bytes = b"\x00\x04") -> bytes:
    return _tlv(0x30, _tlv(0x30, *parts), _tlv(0x03, bits))


RSA = _oid("2a864886f70d010101")
DAMAGED = {
    "is cut off": [b"", b"\x30", b"\x30\x82\x01", _made()[:-1]],
    "bytes behind": [_made() + b"\x00", _made(behind=b"\x05\x00")],
    "indefinite or too long": [b"\x30\x80" + _made()[4:] + b"\x00\x00", b"\x30\x84" + b"\x01" * 99],
    "could be shorter": [b"\x30\x81\x05" + b"\x00" * 5, b"\x30\x83\x00" + _made()[2:]],
    "not DER of a certificate": [
        b"\x31" + _made()[1:],
        b"\x02\x01\x01",
        _made(end=b"\x16\x0d260101000000Z"),
        _made(algorithm=_tlv(0x30, b"\x05\x00")),
    ],
    "two signature algorithms": [_made(inner=_tlv(0x30, _oid("2a864886f70d010105"), b"\x05\x00"))],
    "not as RFC 5280 wants": [
        _made(end=b"\x17\x0b2601010000Z"),
        _made(end=b"\x17\x11260101000000+0100"),
        _made(end=b"\x18\x1220500101000000.00Z"),
        _made(end=b"\x17\x0d26\xb2101000000Z"),
    ],
    "does not exist": [_made(end=b"\x17\x0d261301000000Z"), _made(end=b"\x18\x0f00000101000000Z")],
    "of a kind that is not known": [
        _made(algorithm=_tlv(0x30, _oid("2a03"))),
        _made(key=_key(_oid("2a03"))),
    ],
    "curve that is not known": [_made(key=_key(_oid("2a8648ce3d0201"), _oid("2a03")))],
    "object identifier that is none": [
        _made(algorithm=_tlv(0x30, b"\x06\x00")),
        _made(algorithm=_tlv(0x30, _oid("2a80"))),
        _made(algorithm=_tlv(0x30, _oid("2a8001"))),
        _made(algorithm=_tlv(0x30, _oid("81" * 40))),
    ],
    "not whole bytes": [_made(key=_key(RSA, bits=b"\x01\x04")), _made(key=_key(RSA, bits=b""))],
    "empty, negative or too long": [
        _made(key=_key(RSA, bits=b"\x00" + _tlv(0x30, _tlv(2, modulus), b"\x02\x01\x03")))
        for modulus in (b"", b"\xff\x01", b"\x00" + b"\x55" * 5000)
    ],
    "a hash that is not known": [
        _made(
            algorithm=_tlv(
                0x30,
                _oid("2a864886f70d01010a"),
                _tlv(0x30, _tlv(0xA0, _tlv(0x30, _oid("2a03")))),
            )
        )
    ],
    "more than 65536 bytes": [_made() + b"\x00" * 65536],
}


@pytest.mark.parametrize("says", sorted(DAMAGED))
def test_what_is_no_certificate_is_refused_with_the_reason(says: str) -> None:
    for der in DAMAGED[says]:
        with pytest.raises(NotACertificate, match=says):
            x509.parse(der)


def test_parameters_of_pss_without_a_hash_mean_sha_1() -> None:
    found = x509.parse(_made(algorithm=_tlv(0x30, _oid("2a864886f70d01010a"), _tlv(0x30))))
    assert found.digest == "SHA-1"


def test_depth_and_length_cost_nothing() -> None:
    nested = functools.reduce(lambda inner, _: _tlv(0x30, inner), range(15_000), b"")
    assert len(nested) > 50_000
    with pytest.raises(NotACertificate):
        x509.parse(nested)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "holds no PEM certificate"),
        ("-----BEGIN CERTIFICATE-----\nAAAA", "without its end"),
        ("-----BEGIN CERTIFICATE-----\nA=A=\n-----END CERTIFICATE-----", "not base64"),
        ("-----BEGIN CERTIFICATE-----\né\n-----END CERTIFICATE-----", "not base64"),
        ("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----", "is cut off"),
        ("-----BEGIN TRUSTED CERTIFICATE-----\n-----END TRUSTED CERTIFICATE-----", "no PEM"),
    ],
)
def test_what_is_no_pem_is_refused_with_the_reason(text: str, says: str) -> None:
    with pytest.raises(NotACertificate, match=says):
        x509.chain(text)


def test_a_key_before_the_certificate_is_passed_over_and_the_own_one_is_first() -> None:
    key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    own, issuer = certificates.pem(key="p256"), certificates.pem(key="p384")
    found = x509.chain(key + own + "a word between\n" + issuer)
    assert [one.bits for one in found] == [256, 384]
