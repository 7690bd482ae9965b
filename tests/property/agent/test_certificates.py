"""Whatever bytes stand in a certificate's place, they are read as others read them, or refused."""

import random
import warnings

import pytest
from cryptography import x509 as reference
from hypothesis import given
from hypothesis import strategies as st

from tests.property.agent.examples import examples
from tests.unit.agent import certificates
from wardline.agent.checks import x509
from wardline.agent.checks.x509 import Certificate, NotACertificate

KINDS = ("rsa2048", "p256", "ed25519", "dsa")


@pytest.fixture(scope="module")
def made() -> list[bytes]:
    return [certificates.der(key=kind) for kind in KINDS]


def _read(data: bytes) -> Certificate | None:
    try:
        return x509.parse(data)
    except NotACertificate:
        return None


@given(st.binary(max_size=400))
def test_any_bytes_are_refused_with_a_reason(data: bytes) -> None:
    assert _read(data) is None
    assert _read(b"\x30\x82" + len(data).to_bytes(2, "big") + data) is None


@examples(300)
@given(st.integers(0, 2**32 - 1))
def test_damage_is_refused_or_read_as_cryptography_reads_it(made: list[bytes], seed: int) -> None:
    draw = random.Random(seed)
    data = bytearray(draw.choice(made))
    for _ in range(draw.randint(1, 3)):
        at = draw.randrange(len(data))
        data[at : at + draw.randint(0, 2)] = draw.randbytes(draw.randint(0, 2))
    found = _read(bytes(data))
    if found is None:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            other = reference.load_der_x509_certificate(bytes(data))
        except (ValueError, reference.InvalidVersion):
            # It looks at fields that ours passes over: extensions, names, number and version.
            return
        assert found.not_after == other.not_valid_after_utc
        assert found.not_before == other.not_valid_before_utc


@given(st.text(st.sampled_from("-BEGINCERTIFICATE END\nA=/é"), max_size=200))
def test_any_text_is_refused_with_a_reason(text: str) -> None:
    for tried in (text, f"-----BEGIN CERTIFICATE-----{text}-----END CERTIFICATE-----"):
        with pytest.raises(NotACertificate) as refused:
            x509.chain(tried)
        assert str(refused.value)
