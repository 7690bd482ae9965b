"""Sealed credentials: only the right appliance opens one, and only for what it was given for."""

import base64
from dataclasses import replace

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.tidy import tree
from wardline.core import sealed
from wardline.core.errors import Malformed
from wardline.core.sealed import (
    CannotOpen,
    Credential,
    OtherPurpose,
    Purpose,
    SealingKey,
    SecretType,
)

KEY = SealingKey(bytes(range(32)))
PURPOSE = Purpose("appl_1", "host_1", "10.0.0.5", 22, "wardline", "ssh-ed25519 AAAA")
SECRET = Credential(SecretType.PASSWORD, "correct horse")


@given(
    secret=st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\x00"),
        min_size=1,
        max_size=200,
    )
)
def test_what_was_sealed_is_opened_again(secret: str) -> None:
    given_ = Credential(SecretType.PRIVATE_KEY, secret)
    envelope = sealed.seal(KEY.public, PURPOSE, given_)
    assert sealed.unseal(KEY, envelope, PURPOSE) == given_
    assert secret.encode() not in envelope or len(secret) < 4


@pytest.mark.parametrize("field", Purpose.__slots__)
def test_a_credential_is_good_for_nothing_else(field: str) -> None:
    envelope = sealed.seal(KEY.public, PURPOSE, SECRET)
    other = replace(PURPOSE, **{field: 23 if field == "port" else "other"})
    with pytest.raises(OtherPurpose, match="hosts credential") as told:
        sealed.unseal(KEY, envelope, other)
    assert SECRET.secret not in str(told.value)


def test_another_key_opens_nothing() -> None:
    envelope = sealed.seal(KEY.public, PURPOSE, SECRET)
    other = SealingKey(bytes(32))
    with pytest.raises(CannotOpen):
        sealed.unseal(other, envelope, PURPOSE)
    relabelled = orjson.loads(envelope) | {"key": other.fingerprint}
    with pytest.raises(CannotOpen):
        sealed.unseal(other, orjson.dumps(relabelled), PURPOSE)


def test_a_changed_box_is_not_opened() -> None:
    envelope = orjson.loads(sealed.seal(KEY.public, PURPOSE, SECRET))
    box = bytearray(base64.b64decode(envelope["box"]))
    box[40] ^= 1
    envelope["box"] = base64.b64encode(box).decode()
    with pytest.raises(CannotOpen):
        sealed.unseal(KEY, orjson.dumps(envelope), PURPOSE)


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"kind": "other"},
        {"key": "SHA256:x"},
        {"key": 7},
        {"box": "?"},
        {"box": None},
        {"more": 1},
    ],
)
def test_what_is_no_envelope_is_malformed(change: dict[str, object]) -> None:
    envelope = orjson.loads(sealed.seal(KEY.public, PURPOSE, SECRET)) | change
    with pytest.raises(Malformed):
        sealed.unseal(KEY, orjson.dumps(envelope), PURPOSE)


@given(junk=st.binary(max_size=300))
def test_junk_is_malformed(junk: bytes) -> None:
    with pytest.raises(Malformed):
        sealed.unseal(KEY, junk, PURPOSE)


def test_limits_hold_and_nothing_prints_a_secret() -> None:
    for secret in ("", "x" * (sealed.SECRET_CHARS_MAX + 1)):
        with pytest.raises(Malformed):
            sealed.seal(KEY.public, PURPOSE, Credential(SecretType.PASSWORD, secret))
    with pytest.raises(Malformed):
        sealed.unseal(KEY, b"x" * (sealed.ENVELOPE_BYTES_MAX + 1), PURPOSE)
    assert "horse" not in repr(SECRET) + str(SECRET)
    assert not hasattr(KEY, "private")


def test_the_fingerprint_is_that_of_the_public_key() -> None:
    assert KEY.fingerprint == sealed.fingerprint(KEY.public)
    assert KEY.fingerprint.startswith("SHA256:")


def test_the_example_of_the_documentation_opens() -> None:
    page = (tree.ROOT / "docs/credential-envelope.md").read_text()
    envelope = page.split("```json\n")[1].split("\n```")[0].encode()
    purpose = Purpose(
        "appl_00000000000000000000000001",
        "host_00000000000000000000000001",
        "10.0.0.5",
        22,
        "wardline",
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA7VrjEcRDgnijy2H9U3QhMjMESCJKwV3VRSvQudfrXr",
    )
    assert sealed.unseal(KEY, envelope, purpose) == SECRET
