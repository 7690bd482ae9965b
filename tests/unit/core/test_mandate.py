"""The mandate of an appliance: signed, exact, and refused at the first thing that is wrong."""

from dataclasses import replace
from typing import Any

import pytest

from wardline.core import canonical, clock, mandate
from wardline.core.errors import Malformed
from wardline.core.evidence import signing
from wardline.core.evidence.signing import BadSignature, SigningKey
from wardline.core.mandate import Freeze, Mandate, Reach
from wardline.core.policy.share import Share

KEY = SigningKey.from_seed(b"m" * 32)
ULID = "01k9xq7v0000000000000000a1"
FROZEN = Freeze(
    f"freeze_{ULID}",
    Reach.SITE,
    clock.parse("2026-11-25T10:00:00.000Z"),
    "Mia",
    "a runbook misbehaves",
)
WHOLE = Mandate(f"site_{ULID}", f"appl_{ULID}", 1, 4, (FROZEN,), Share(1, 3))


def test_what_is_sealed_is_what_is_opened() -> None:
    assert mandate.opened(mandate.seal(WHOLE, KEY), KEY.verify_key) == WHOLE
    plain = replace(WHOLE, freezes=(), share=Share())
    assert mandate.opened(mandate.seal(plain, KEY), KEY.verify_key) == plain


def test_a_freeze_says_who_what_when_and_why() -> None:
    assert FROZEN.words == (
        "the site is frozen since 2026-11-25T10:00:00.000Z by Mia: a runbook misbehaves"
    )


def test_another_key_and_another_kind_of_payload_are_refused() -> None:
    sealed = mandate.seal(WHOLE, KEY)
    with pytest.raises(BadSignature):
        mandate.opened(sealed, SigningKey.from_seed(b"x" * 32).verify_key)
    with pytest.raises(BadSignature):
        mandate.opened(signing.sign(KEY, "text/plain", sealed.payload), KEY.verify_key)


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"schema": "mandate/2"}, "schema"),
        ({"site_id": "somewhere"}, "site_id"),
        ({"appliance_id": f"site_{ULID}"}, "appliance_id"),
        ({"epoch": 0}, "epoch"),
        ({"revision": -1}, "revision"),
        ({"revision": True}, "revision"),
        ({"share": {"index": 3, "of": 3}}, "share.index"),
        ({"share": {"index": 0, "of": 0}}, "share.of"),
        ({"share": {"index": 0}}, "share"),
        ({"freezes": [{}]}, "freezes"),
        ({"freezes": [mandate.to_wire(WHOLE)["freezes"][0]] * 3}, "freezes"),
        (
            {"freezes": [{**mandate.to_wire(WHOLE)["freezes"][0], "reach": "appliance"}]},
            "freezes[0].reach",
        ),
        (
            {"freezes": [{**mandate.to_wire(WHOLE)["freezes"][0], "reason": "x" * 4001}]},
            "freezes[0].reason",
        ),
        ({"more": 1}, ""),
    ],
)
def test_a_field_that_is_wrong_is_named(change: dict[str, Any], place: str) -> None:
    payload = canonical.dumps({**mandate.to_wire(WHOLE), **change})
    with pytest.raises(Malformed) as refused:
        mandate.parse(payload)
    assert place in str(refused.value)


def test_what_no_appliance_would_take_is_not_signed() -> None:
    with pytest.raises(Malformed, match="by"):
        mandate.seal(replace(WHOLE, freezes=(replace(FROZEN, by="x" * 256),)), KEY)
