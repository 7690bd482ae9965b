"""Ed25519 under one accept rule, and DSSE envelopes that have exactly one text."""

import base64

import nacl.bindings
import orjson
import pytest

from tests.unit.core.evidence import site_log
from wardline.core.errors import Malformed
from wardline.core.evidence import signing
from wardline.core.evidence.signing import BadSignature, Envelope, SigningKey, VerifyKey

ORDER = 2**252 + 27742317777372353535851937790883648493
PRIME = 2**255 - 19
TYPE = "http://example.com/HelloWorld"

# RFC 8032 section 7.1: seed, public key, message, signature.
RFC_8032 = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9"
        "b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f1"
        "1d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984d"
        "c6594a7c15e9716ed28dc027beceea1ec40a",
    ),
]

# The points of order 1, 2, 4 and 8, and the encodings of them that are not reduced modulo p.
SMALL_ORDER = [
    "0100000000000000000000000000000000000000000000000000000000000000",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
]


def flipped(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@pytest.mark.parametrize(("seed", "public", "message", "signature"), RFC_8032)
def test_the_vectors_of_rfc_8032(seed: str, public: str, message: str, signature: str) -> None:
    key = SigningKey.from_seed(bytes.fromhex(seed))
    assert key.public.hex() == public
    assert key.seed.hex() == seed
    assert key.sign(bytes.fromhex(message)).hex() == signature
    assert VerifyKey(bytes.fromhex(public)).verify(bytes.fromhex(message), bytes.fromhex(signature))


def test_every_flipped_bit_of_signature_message_and_key_is_refused() -> None:
    key = site_log.key(1)
    message = b"a measured fact"
    signature = key.sign(message)
    for bit in range(8 * len(signature)):
        assert not key.verify_key.verify(message, flipped(signature, bit))
    for bit in range(8 * len(message)):
        assert not key.verify_key.verify(flipped(message, bit), signature)
    for bit in range(8 * len(key.public)):
        assert not VerifyKey(flipped(key.public, bit)).verify(message, signature)


def test_a_scalar_beyond_the_group_order_is_refused() -> None:
    key = site_log.key(1)
    signature = key.sign(b"m")
    scalar = int.from_bytes(signature[32:], "little")
    for times in range(1, (2**256 - scalar) // ORDER + 1):
        malleated = signature[:32] + (scalar + times * ORDER).to_bytes(32, "little")
        assert not key.verify_key.verify(b"m", malleated)
    assert key.verify_key.verify(b"m", signature)


@pytest.mark.parametrize("scalar", [0, 1, ORDER - 1, ORDER, ORDER + 1, PRIME])
@pytest.mark.parametrize("point", [*SMALL_ORDER, ORDER.to_bytes(32, "little").hex(), "ff" * 32])
def test_special_values_make_no_signature(point: str, scalar: int) -> None:
    signature = bytes.fromhex(point) + scalar.to_bytes(32, "little")
    assert not site_log.key(1).verify_key.verify(b"?", signature)


@pytest.mark.parametrize("sign", [0x00, 0x80])
@pytest.mark.parametrize("point", SMALL_ORDER)
def test_a_key_of_small_order_verifies_nothing(point: str, sign: int) -> None:
    public = bytearray.fromhex(point)
    public[31] |= sign
    # With the identity as key, R = [S]B satisfies the equation for every message.
    scalar = (12345).to_bytes(32, "little")
    signature = nacl.bindings.crypto_scalarmult_ed25519_base_noclamp(scalar) + scalar
    assert not VerifyKey(bytes(public)).verify(b"any message", signature)


@pytest.mark.parametrize("size", [0, 1, 32, 63, 65, 96, 128])
def test_signatures_of_another_length_are_refused(size: int) -> None:
    key = site_log.key(1)
    signature = (key.sign(b"m") * 2)[:size]
    assert not key.verify_key.verify(b"m", signature)
    # A prefix moved from the message into the signature must not count either.
    assert not key.verify_key.verify(b"", key.sign(b"m") + b"m")


@pytest.mark.parametrize("size", [0, 31, 33])
def test_keys_of_another_length_are_refused(size: int) -> None:
    with pytest.raises(Malformed, match="32 bytes"):
        VerifyKey(bytes(size))
    with pytest.raises(Malformed, match="32 bytes"):
        SigningKey.from_seed(bytes(size))


def test_a_signing_key_does_not_show_its_secret() -> None:
    key = site_log.key(1)
    assert key.seed.hex() not in repr(key)
    assert str(key.seed) not in f"{key} {key!r}"
    assert key.key_id in repr(key)


def test_generated_keys_differ() -> None:
    assert SigningKey.generate().public != SigningKey.generate().public


def test_the_published_dsse_example_has_its_published_encoding() -> None:
    assert (
        signing.pae(TYPE, b"hello world")
        == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )


def test_lengths_in_the_encoding_count_bytes() -> None:
    assert signing.pae("", b"") == b"DSSEv1 0  0 "
    assert signing.pae("é", "é".encode()) == "DSSEv1 2 é 2 é".encode()


def test_type_and_payload_cannot_trade_bytes() -> None:
    assert signing.pae("a", b"b 1 c") != signing.pae("a 5 b", b"c")


def test_an_envelope_round_trips_and_opens() -> None:
    key = site_log.key(1)
    envelope = signing.sign(key, TYPE, b"hello world")
    assert orjson.loads(envelope.to_json())["payload"] == "aGVsbG8gd29ybGQ="
    again = Envelope.from_json(envelope.to_json())
    assert again == envelope
    assert Envelope.from_wire(envelope.to_wire()) == envelope
    assert signing.open_envelope(again, key.verify_key, TYPE) == b"hello world"


def test_an_envelope_does_not_open_with_another_key_type_or_body() -> None:
    key = site_log.key(1)
    envelope = signing.sign(key, TYPE, b"hello world")
    with pytest.raises(BadSignature, match="not that of key"):
        signing.open_envelope(envelope, site_log.key(2).verify_key, TYPE)
    with pytest.raises(BadSignature, match="is expected"):
        signing.open_envelope(envelope, key.verify_key, "text/plain")
    other = Envelope(TYPE, b"hello w0rld", envelope.keyid, envelope.sig)
    with pytest.raises(BadSignature):
        signing.open_envelope(other, key.verify_key, TYPE)


def test_every_flipped_bit_of_an_envelope_is_refused() -> None:
    key = site_log.key(1)
    data = signing.sign(key, TYPE, b"hello world").to_json()
    for bit in range(8 * len(data)):
        try:
            envelope = Envelope.from_json(flipped(data, bit))
        except Malformed:
            continue
        # The key id is a hint that nothing signs; whoever uses it compares it.
        if envelope.keyid == key.key_id:
            with pytest.raises(BadSignature):
                signing.open_envelope(envelope, key.verify_key, TYPE)


def wire(**changes: object) -> dict[str, object]:
    plain = signing.sign(site_log.key(1), TYPE, b"hello").to_wire()
    return {key: value for key, value in {**plain, **changes}.items() if value is not ...}


SIGNATURE = {"keyid": "0" * 16, "sig": base64.b64encode(bytes(64)).decode()}


@pytest.mark.parametrize(
    ("obj", "where"),
    [
        (None, "envelope"),
        ([], "envelope"),
        (wire(payload=...), "envelope"),
        (wire(extra=1), "envelope"),
        (wire(payload=1), "payload"),
        (wire(payload="aGVsbG8"), "payload"),
        (wire(payload="aGVsbG9="), "payload"),
        (wire(payload="aGVs bG8="), "payload"),
        (wire(payload="aGVsbG8=\n"), "payload"),
        (wire(payload="-_-_"), "payload"),
        (wire(payload="é"), "payload"),
        (wire(payloadType=""), "payloadType"),
        (wire(payloadType=1), "payloadType"),
        (wire(payloadType="a" * 129), "payloadType"),
        (wire(payloadType="a\nb"), "payloadType"),
        (wire(payloadType="ü"), "payloadType"),
        (wire(signatures=[]), "signatures"),
        (wire(signatures={}), "signatures"),
        (wire(signatures=[SIGNATURE, SIGNATURE]), "signatures"),
        (wire(signatures=[{**SIGNATURE, "x": 1}]), "signatures[0]"),
        (wire(signatures=[{"sig": SIGNATURE["sig"]}]), "signatures[0]"),
        (wire(signatures=[{**SIGNATURE, "keyid": "0" * 15}]), "signatures[0].keyid"),
        (wire(signatures=[{**SIGNATURE, "keyid": "A" * 16}]), "signatures[0].keyid"),
        (wire(signatures=[{**SIGNATURE, "keyid": None}]), "signatures[0].keyid"),
        (wire(signatures=[{**SIGNATURE, "sig": "AA=="}]), "signatures[0].sig"),
        (wire(signatures=[{**SIGNATURE, "sig": "A" * 400}]), "signatures[0].sig"),
    ],
)
def test_a_malformed_envelope_is_refused_at_the_field(obj: object, where: str) -> None:
    with pytest.raises(Malformed) as caught:
        Envelope.from_wire(obj)
    assert caught.value.where == where


def test_a_payload_beyond_its_limit_is_refused() -> None:
    envelope = signing.sign(site_log.key(1), TYPE, b"x" * 100)
    assert Envelope.from_wire(envelope.to_wire(), payload_bytes_max=100) == envelope
    for maximum in (0, 98, 99):
        with pytest.raises(Malformed, match=f"more than {maximum} bytes"):
            Envelope.from_wire(envelope.to_wire(), payload_bytes_max=maximum)
    with pytest.raises(Malformed, match="at most"):
        Envelope.from_json(b" " * 10_000, payload_bytes_max=100)


@pytest.mark.parametrize("change", [b" ", b"\n"])
def test_an_envelope_has_one_json_text(change: bytes) -> None:
    data = signing.sign(site_log.key(1), TYPE, b"hello").to_json()
    with pytest.raises(Malformed, match="canonical"):
        Envelope.from_json(data + change)
    with pytest.raises(Malformed, match="canonical"):
        Envelope.from_json(data.replace(b'{"payload"', b'{"payload":"","payload"', 1))
    with pytest.raises(Malformed, match="not JSON"):
        Envelope.from_json(data[:-1])
