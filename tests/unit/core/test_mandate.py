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
from wardline.core.stops import (
    ALL,
    IN_FORCE_MAX,
    RELEASED_MAX,
    RUNS_MAX,
    Kind,
    Release,
    Stop,
    Subject,
)

KEY = SigningKey.from_seed(b"m" * 32)
ULID = "01k9xq7v0000000000000000a1"
FROZEN = Freeze(
    f"freeze_{ULID}",
    Reach.SITE,
    clock.parse("2026-11-25T10:00:00.000Z"),
    "Mia",
    "a runbook misbehaves",
)
STOPPED = Stop(
    f"stop_{ULID}",
    Subject(Kind.RUNBOOK, "ssh_config.harden", "d" * 64),
    clock.parse("2026-11-25T10:00:00.000Z"),
    *(3, 7),
)
RELEASED = replace(
    STOPPED,
    subject=Subject(Kind.RULE, "ssh", "4"),
    released=Release(clock.parse("2026-11-25T11:00:00.000Z"), "Mia"),
)
WHOLE = Mandate(
    *(f"site_{ULID}", f"appl_{ULID}", 1, 4, (FROZEN,), Share(1, 3)),
    stops=(STOPPED, RELEASED),
)
STOP = mandate.to_wire(WHOLE)["stops"][0]


def test_what_is_sealed_is_what_is_opened() -> None:
    assert mandate.opened(mandate.seal(WHOLE, KEY), KEY.verify_key) == WHOLE
    plain = replace(WHOLE, freezes=(), share=Share())
    assert mandate.opened(mandate.seal(plain, KEY), KEY.verify_key) == plain


def test_who_reads_the_first_schema_gets_everything_but_the_sections() -> None:
    sealed = mandate.seal(WHOLE, KEY, 1)
    assert sealed.payload_type == mandate.PAYLOAD_TYPES[1]
    assert mandate.opened(sealed, KEY.verify_key) == replace(WHOLE, stops=())


def test_a_payload_is_read_as_what_its_envelope_says_that_it_is() -> None:
    for schema, other in ((1, 2), (2, 1)):
        payload = mandate.seal(WHOLE, KEY, schema).payload
        wrong = signing.sign(KEY, mandate.PAYLOAD_TYPES[other], payload)
        with pytest.raises(Malformed):
            mandate.opened(wrong, KEY.verify_key)


def test_the_fullest_section_of_stops_is_within_its_bytes() -> None:
    full = tuple(
        replace(STOPPED, subject=Subject(Kind.RULE, "\U0001f600" * 128, "9" * 64), runs=RUNS_MAX)
        for _ in range(IN_FORCE_MAX)
    )
    released = tuple(
        replace(one, released=Release(STOPPED.stopped_at, "x" * 255)) for one in full[:RELEASED_MAX]
    )
    sealed = mandate.seal(replace(WHOLE, stops=(*full, *released)), KEY)
    assert len(mandate.opened(sealed, KEY.verify_key).stops) == IN_FORCE_MAX + RELEASED_MAX


def test_a_stop_says_what_is_stopped_since_when_and_why() -> None:
    assert STOPPED.words == (
        "runbook ssh_config.harden, version dddddddddddd: stopped since 2026-11-25T10:00:00.000Z,"
        " because 3 of 7 runs failed or were undone; a person releases it"
    )
    assert RELEASED.subject.words == "rule ssh, version 4"
    assert ALL.words == "every rule and runbook"


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
        ({"schema": "mandate/1"}, "schema"),
        ({"schema": "mandate/3"}, "schema"),
        ({"stops": [{}]}, "stops"),
        ({"stops": [{**STOP, "id": f"freeze_{ULID}"}]}, "stops[0].id"),
        ({"stops": [{**STOP, "kind": "check"}]}, "stops[0].kind"),
        ({"stops": [{**STOP, "kind": "all"}]}, "stops[0].name"),
        ({"stops": [{**STOP, "name": ""}]}, "stops[0].name"),
        ({"stops": [{**STOP, "failed": -1}]}, "stops[0].failed"),
        ({"stops": [{**STOP, "released": {"at": "now", "by": "Mia"}}]}, "stops[0].released.at"),
        ({"stops": [{**STOP, "released": {"at": STOP["stopped_at"]}}]}, "stops[0].released.by"),
        ({"stops": [STOP] * (IN_FORCE_MAX + RELEASED_MAX + 1)}, "stops"),
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
