"""The bundle's schema: what parses back as it was, and what is refused at which field."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest

from tests.unit.core.evidence import site_log
from wardline.core import canonical
from wardline.core.errors import Malformed
from wardline.core.evidence import bundle, signing
from wardline.core.evidence.bundle import (
    Kind,
)
from wardline.core.evidence.watch import Watch

REMOVED = object()


def full(**changes: object) -> bundle.Bundle:
    return site_log.record(kind=Kind.INCIDENT, incidents=(site_log.incident(),), **changes)


def test_a_sealed_bundle_opens_and_parses_back_as_it_was() -> None:
    key = site_log.key(1)
    item = full(note={"why": ["any", {"thing": None}]})
    envelope = bundle.seal(item, key)
    payload = signing.open_envelope(envelope, key.verify_key, bundle.PAYLOAD_TYPE)
    assert bundle.parse(payload) == item
    assert payload == bundle.payload_bytes(item)


def test_parts_that_may_be_null_may_be_null() -> None:
    bare = site_log.waiting()
    item = site_log.record(incidents=(bare,))
    assert bundle.parse(bundle.payload_bytes(item)) == item


EPOCH_NOTE = {"last_epoch": 1, "last_seq": 4, "last_hash": "ab" * 32, "reason": "restored"}
GAP_NOTE = {"first_seq": 2, "last_seq": 4, "reason": "never accepted"}


def gap(note: object, seq: int = 5, **changes: object) -> bundle.Bundle:
    plain = {"kind": Kind.GAP, "host_id": None, "results": (), "prev": "a" * 64}
    return site_log.record(**{**plain, **changes}, note=note, seq=seq)


def epoch(note: object, **changes: object) -> bundle.Bundle:
    plain = {"kind": Kind.EPOCH, "host_id": None, "results": (), "epoch": 2}
    return site_log.record(**{**plain, **changes}, note=note)


@pytest.mark.parametrize("item", [gap(GAP_NOTE), gap({"reason": "quota"}), epoch(EPOCH_NOTE)])
def test_gap_and_epoch_have_no_host_and_all_others_have_one(item: bundle.Bundle) -> None:
    assert bundle.parse(bundle.payload_bytes(item)) == item
    for wrong in (replace(item, host_id=site_log.named("host", 1)), site_log.record(host_id=None)):
        with pytest.raises(Malformed, match="null for gap and epoch alone"):
            bundle.parse(bundle.payload_bytes(wrong))


@pytest.mark.parametrize(
    ("note", "where"),
    [
        (None, "note"),
        ({}, "note.reason"),
        ({**GAP_NOTE, "reason": ""}, "note.reason"),
        ({"reason": "lost", "first_seq": 2}, "note.last_seq"),
        ({"reason": "lost", "skipped": []}, "note.first_seq"),
        ({**GAP_NOTE, "last_seq": 5}, "note.last_seq"),
        ({**GAP_NOTE, "last_seq": 3}, "note.last_seq"),
        ({**GAP_NOTE, "first_seq": 5}, "note.first_seq"),
        ({**GAP_NOTE, "first_seq": 0}, "note.first_seq"),
        ({**GAP_NOTE, "first_seq": "2"}, "note.first_seq"),
        ({**GAP_NOTE, "skipped": "ab" * 32}, "note.skipped"),
        ({**GAP_NOTE, "skipped": ["ab" * 31]}, "note.skipped[0]"),
        ({**GAP_NOTE, "skipped": ["ab" * 32] * 4}, "note.skipped"),
    ],
)
def test_a_gap_record_says_what_it_stands_for(note: object, where: str) -> None:
    with pytest.raises(Malformed) as caught:
        bundle.seal(gap(note), site_log.key(1))
    assert caught.value.where == where


def test_a_gap_record_names_only_so_many_digests() -> None:
    full_note = {"first_seq": 2, "last_seq": 4001, "reason": "x", "skipped": ["ab" * 32] * 2048}
    bundle.seal(gap(full_note, 4002), site_log.key(1))
    with pytest.raises(Malformed, match=r"^note.skipped"):
        bundle.seal(gap({**full_note, "skipped": ["ab" * 32] * 2049}, 4002), site_log.key(1))


@pytest.mark.parametrize(
    ("note", "where"),
    [
        (None, "note"),
        ({"reason": "restored"}, "note.last_epoch"),
        ({**EPOCH_NOTE, "last_epoch": 2}, "note.last_epoch"),
        ({**EPOCH_NOTE, "last_epoch": 0}, "note.last_epoch"),
        ({**EPOCH_NOTE, "last_seq": -1}, "note.last_seq"),
        ({**EPOCH_NOTE, "last_seq": True}, "note.last_seq"),
        ({**EPOCH_NOTE, "last_hash": "AB" * 32}, "note.last_hash"),
        ({**EPOCH_NOTE, "last_hash": "0" * 64}, "note.last_hash"),
        ({**EPOCH_NOTE, "last_seq": 0}, "note.last_hash"),
    ],
)
def test_an_epoch_record_names_the_end_of_the_epoch_before(note: object, where: str) -> None:
    with pytest.raises(Malformed) as caught:
        bundle.seal(epoch(note), site_log.key(1))
    assert caught.value.where == where


@pytest.mark.parametrize(
    "item",
    [
        site_log.record(epoch=2),
        epoch(EPOCH_NOTE, epoch=1),
        epoch(EPOCH_NOTE, seq=2, prev="a" * 64),
        gap({"reason": "quota"}, 1, epoch=2, prev=bundle.NO_PREV),
    ],
)
def test_a_later_epoch_begins_with_its_epoch_record_and_no_other_is_one(
    item: bundle.Bundle,
) -> None:
    with pytest.raises(Malformed, match=r"^kind: an epoch record is the first"):
        bundle.seal(item, site_log.key(1))


def test_prev_is_zeros_at_the_first_record_and_nowhere_else() -> None:
    for wrong in (site_log.record(prev="a" * 64), site_log.record(seq=2)):
        with pytest.raises(Malformed, match=r"^prev: 64 zeros at seq 1 alone"):
            bundle.parse(bundle.payload_bytes(wrong))


def test_the_chain_hash_covers_type_and_payload() -> None:
    hashes = {bundle.chain_hash("a", b"bc"), bundle.chain_hash("ab", b"c")}
    assert len(hashes) == 2
    assert all(len(item) == 64 for item in hashes)


def test_times_of_any_zone_are_written_in_utc_to_the_millisecond() -> None:
    local = site_log.START.astimezone(timezone(timedelta(hours=-5)))
    item = site_log.record(captured_at=local + timedelta(microseconds=999))
    assert bundle.to_wire(item)["captured_at"] == "2026-11-21T09:00:00.123Z"


def test_a_naive_time_is_not_sealed() -> None:
    with pytest.raises(ValueError, match="naive"):
        bundle.seal(
            site_log.record(captured_at=site_log.START.replace(tzinfo=None)), site_log.key(1)
        )


def test_what_no_reader_would_accept_is_not_sealed() -> None:
    with pytest.raises(Malformed, match=r"^results\[0\].summary: "):
        bundle.seal(
            site_log.record(results=(site_log.result(summary="x" * 2049),)), site_log.key(1)
        )
    with pytest.raises(Malformed, match=r"results\[0\].facts.load: a float"):
        bundle.seal(
            site_log.record(results=(site_log.result(facts={"load": 0.5}),)), site_log.key(1)
        )


@pytest.mark.parametrize("facts", [{"a": 1}, {"a": None}])
def test_a_digest_of_other_facts_is_refused(facts: dict[str, object]) -> None:
    lie = site_log.result(facts=facts, facts_digest=canonical.digest({"a": 2}))
    for item in (
        site_log.record(results=(lie,)),
        site_log.record(incidents=(site_log.waiting(before=lie),)),
    ):
        with pytest.raises(Malformed, match=r"facts_digest: not the digest of the facts"):
            bundle.seal(item, site_log.key(1))


def test_facts_may_be_left_out_beside_their_digest() -> None:
    item = site_log.record(results=(site_log.result(facts={}),))
    assert bundle.parse(bundle.payload_bytes(item)) == item


@pytest.mark.parametrize("year", [1, 1999, 2101, 9999])
def test_a_time_is_of_this_century(year: int) -> None:
    text = f"{year:04d}-11-21T09:00:00.123Z"
    value = canonical.loads(bundle.payload_bytes(full()), bytes_max=bundle.PAYLOAD_BYTES_MAX)
    value["incidents"][0]["opened_at"] = text
    with pytest.raises(Malformed, match=r"^incidents\[0\].opened_at: not a time of 2000 to 2100"):
        bundle.parse(canonical.dumps(value))


def at(*path: str | int, to: object) -> Callable[[Any], None]:
    def change(value: Any) -> None:
        for step in path[:-1]:
            value = value[step]
        if to is REMOVED:
            del value[path[-1]]
        else:
            value[path[-1]] = to

    return change


INCIDENT = ("incidents", 0)
ACTION = (*INCIDENT, "actions", 0)


@pytest.mark.parametrize(
    ("change", "where"),
    [
        (at("schema", to="evidence.bundle/3"), "schema"),
        (at("schema", to="evidence.bundle/2"), "incidents[0].watch"),
        (at("schema", to=REMOVED), "schema"),
        (at("surprise", to=1), "surprise"),
        (at("kind", to="party"), "kind"),
        (at("kind", to=None), "kind"),
        (at("kind", to=["cycle"]), "kind"),
        (at("site_id", to=site_log.named("appl", 1)), "site_id"),
        (at("site_id", to=site_log.named("site", 1).upper()), "site_id"),
        (at("site_id", to=site_log.named("site", 1) + "\n"), "site_id"),
        (at("appliance_id", to=None), "appliance_id"),
        (at("host_id", to="host_1"), "host_id"),
        (at("epoch", to=0), "epoch"),
        (at("epoch", to="1"), "epoch"),
        (at("epoch", to=True), "epoch"),
        (at("seq", to=0), "seq"),
        (at("seq", to=-1), "seq"),
        (at("prev", to="0" * 63), "prev"),
        (at("prev", to="A" * 64), "prev"),
        (at("prev", to="0" * 64 + "\n"), "prev"),
        (at("captured_at", to="2026-11-21T09:00:00Z"), "captured_at"),
        (at("captured_at", to="2026-11-21T09:00:00.123+00:00"), "captured_at"),
        (at("captured_at", to="2026-02-30T09:00:00.123Z"), "captured_at"),
        (at("captured_at", to="2026-11-21T24:00:00.123Z"), "captured_at"),
        (at("captured_at", to="2026-11-21 09:00:00.123Z"), "captured_at"),
        (at("captured_at", to="٢٠٢٦-11-21T09:00:00.123Z"), "captured_at"),
        (at("captured_at", to=1), "captured_at"),
        (at("clock", to=None), "clock"),
        (at("clock", "source", to=""), "clock.source"),
        (at("clock", "offset_ms", to="0"), "clock.offset_ms"),
        (at("clock", "monotonic_ms", to=-1), "clock.monotonic_ms"),
        (at("clock", "drift", to=1), "clock.drift"),
        (at("agent", "version", to=REMOVED), "agent.version"),
        (at("agent", to=[]), "agent"),
        (at("results", to={}), "results"),
        (at("results", to=None), "results"),
        (at("results", 0, to=[]), "results[0]"),
        (at("results", 0, "check", to="SSH"), "results[0].check"),
        (at("results", 0, "outcome", to="passed"), "results[0].outcome"),
        (at("results", 0, "severity", to="warn"), "results[0].severity"),
        (at("results", 0, "summary", to=None), "results[0].summary"),
        (at("results", 0, "facts", to=[]), "results[0].facts"),
        (at("results", 0, "facts_digest", to=""), "results[0].facts_digest"),
        (at("results", 0, "measured_at", to=""), "results[0].measured_at"),
        (at("results", 0, "duration_ms", to=-1), "results[0].duration_ms"),
        (at("results", 0, "duration_ms", to=86_400_001), "results[0].duration_ms"),
        (at("results", 0, "controls", 0, to="hipaa"), "results[0].controls[0]"),
        (at("results", 0, "controls", 0, to=1), "results[0].controls[0]"),
        (at("results", 0, "controls", 0, to="cobit:1"), "results[0].controls[0]"),
        (at(*INCIDENT, "incident_id", to=""), "incidents[0].incident_id"),
        (at(*INCIDENT, "pattern_signature", to=""), "incidents[0].pattern_signature"),
        (at(*INCIDENT, "state", to="done"), "incidents[0].state"),
        (at(*INCIDENT, "resolution_level", to="L4"), "incidents[0].resolution_level"),
        (at(*INCIDENT, "outcome", to="healed"), "incidents[0].outcome"),
        (at(*INCIDENT, "before", to=None), "incidents[0].before"),
        (at(*INCIDENT, "before", "outcome", to=""), "incidents[0].before.outcome"),
        (at(*INCIDENT, "after", "check", to=""), "incidents[0].after.check"),
        (at(*INCIDENT, "decision", to="allow"), "incidents[0].decision"),
        (at(*INCIDENT, "runbook", "risk", to="none"), "incidents[0].runbook.risk"),
        (at(*INCIDENT, "runbook", "version", to=1), "incidents[0].runbook.version"),
        (at(*INCIDENT, "closed_at", to=0), "incidents[0].closed_at"),
        (at(*ACTION, "step", to=""), "incidents[0].actions[0].step"),
        (at(*ACTION, "dry_run", to=0), "incidents[0].actions[0].dry_run"),
        (at(*ACTION, "exit_code", to="0"), "incidents[0].actions[0].exit_code"),
        (at(*ACTION, "output", to="é" * 2049), "incidents[0].actions[0].output"),
        (at(*ACTION, "diff", to="x" * 16385), "incidents[0].actions[0].diff"),
        (at(*ACTION, "error", to=False), "incidents[0].actions[0].error"),
        (at(*ACTION, "undone", to=REMOVED), "incidents[0].actions[0].undone"),
        (at("controls", to=["hipaa:1"] * 257), "controls"),
        (at("note", to="text"), "note"),
    ],
)
def test_a_wrong_field_is_refused_at_its_path(change: Callable[[Any], None], where: str) -> None:
    value = canonical.loads(bundle.payload_bytes(full()), bytes_max=bundle.PAYLOAD_BYTES_MAX)
    bundle.parse(canonical.dumps(value))
    change(value)
    with pytest.raises(Malformed) as caught:
        bundle.parse(canonical.dumps(value))
    assert caught.value.where == where


@pytest.mark.parametrize("payload", [b"null", b"[]", b'"text"', b"{}", b"", b"\x00"])
def test_a_payload_that_is_no_object_of_the_schema_is_refused(payload: bytes) -> None:
    with pytest.raises(Malformed):
        bundle.parse(payload)


def test_a_payload_that_is_not_canonical_is_refused() -> None:
    payload = bundle.payload_bytes(full())
    with pytest.raises(Malformed, match="canonical"):
        bundle.parse(payload.replace(b'"seq":1', b'"seq": 1'))


def test_a_payload_beyond_its_limit_is_refused() -> None:
    actions = (replace(site_log.incident().actions[0], diff="x" * bundle.DIFF_BYTES_MAX),) * 20
    item = site_log.record(incidents=(site_log.incident(actions=actions),))
    with pytest.raises(Malformed, match=f"at most {bundle.PAYLOAD_BYTES_MAX}"):
        bundle.seal(item, site_log.key(1))


def test_single_parts_round_trip_for_the_agents_store() -> None:
    result, record, action = site_log.result(), site_log.incident(), site_log.incident().actions[0]
    assert bundle.result_from_wire(decoded(bundle.result_to_wire(result))) == result
    assert bundle.incident_from_wire(decoded(bundle.incident_to_wire(record))) == record
    assert bundle.action_from_wire(decoded(bundle.action_to_wire(action))) == action


def test_a_watch_takes_the_second_schema_and_nothing_else_does() -> None:
    until = site_log.START + timedelta(minutes=15)
    watch = Watch(1, "ssh_config.harden", site_log.START, site_log.START, until)
    plain = site_log.record(incidents=(site_log.incident(),))
    watched = site_log.record(incidents=(site_log.incident(watch=watch), site_log.waiting()))
    for item, schema in ((plain, "evidence.bundle/1"), (watched, "evidence.bundle/2")):
        payload = bundle.payload_bytes(item)
        assert decoded(bundle.to_wire(item))["schema"] == schema  # type: ignore[index]
        assert bundle.parse(payload) == item
    lowered = bundle.payload_bytes(watched).replace(b"evidence.bundle/2", b"evidence.bundle/1")
    with pytest.raises(Malformed, match="watch: not a field"):
        bundle.parse(lowered)


def decoded(value: object) -> object:
    return canonical.loads(canonical.dumps(value), bytes_max=bundle.PAYLOAD_BYTES_MAX)
