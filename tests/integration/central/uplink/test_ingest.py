"""POST /evidence: what is accepted, what is refused, and what stands in the log afterwards."""

import asyncio
import gzip
import json
import os
import signal
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest
from pydantic import ValidationError

from tests.harness.appliance import (
    START,
    Appliance,
    incident,
    issue_token,
    result,
    stored_log,
)
from wardline.core import clock, ids, protocol
from wardline.core.evidence import bundle, log, signing
from wardline.core.evidence.bundle import Kind, Outcome
from wardline.core.evidence.signing import SigningKey
from wardline.core.protocol import EvidenceBatch, EvidenceRefusal


async def test_every_bundle_gets_a_receipt_that_the_log_bears_out(appliance, owner):
    envelopes = appliance.seals(5)
    answer = await appliance.send(*envelopes)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert [receipt["seq"] for receipt in said["receipts"]] == [1, 2, 3, 4, 5]
    # The first entry of the log is the enrolment of the key.
    assert [receipt["index"] for receipt in said["receipts"]] == [1, 2, 3, 4, 5]
    assert said["stream"] == {"epoch": 1, "next_seq": 6, "prev": appliance.prev}
    size, root, entries = await stored_log(owner, appliance.site_id)
    assert size == 6
    assert root == log.root_from_leaves(map(log.leaf_hash, entries))
    assert [r["leaf_hash"] for r in said["receipts"]] == [
        log.leaf_hash(entry).hex() for entry in entries[1:]
    ]


async def test_the_same_bundles_again_get_the_same_receipts_and_change_nothing(appliance, owner):
    envelopes = appliance.seals(4)
    first = (await appliance.send(*envelopes)).json()
    more = appliance.seals(2)
    again = await appliance.send(*envelopes[1:], *more)
    assert again.status_code == 200, again.text
    assert again.json()["receipts"][:3] == first["receipts"][1:]
    assert (await stored_log(owner, appliance.site_id))[0] == 7
    last = (await appliance.send(*envelopes, *more)).json()
    assert last["receipts"][:4] == first["receipts"]
    assert (await stored_log(owner, appliance.site_id))[0] == 7


async def test_what_a_half_known_batch_tells_points_at_the_bundles_that_tell_it(appliance, owner):
    """Results and incidents are made before anybody knows which bundles are new."""
    known = [appliance.seal(incidents=(incident(),)) for _ in range(3)]
    await appliance.send(*known[:2])
    new = [
        appliance.seal(results=(result(summary=f"new {n}"),), incidents=(incident(),))
        for n in range(3)
    ]
    answer = await appliance.send(*known, *new)
    assert answer.status_code == 200, answer.text
    indexes = {receipt["seq"]: receipt["index"] for receipt in answer.json()["receipts"]}
    for number, envelope in enumerate(new):
        index = indexes[bundle.parse(envelope.payload).seq]
        (told,) = bundle.parse(envelope.payload).incidents
        assert index == await owner.fetchval(
            "SELECT log_index FROM results WHERE summary = $1", f"new {number}"
        )
        assert index == await owner.fetchval(
            "SELECT log_index FROM incident_bundles WHERE incident_id = $1", told.incident_id
        )
        assert envelope.payload == await owner.fetchval(
            "SELECT payload FROM evidence_bundles WHERE site_id = $1 AND log_index = $2",
            *(appliance.site_id, index),
        )


async def test_the_same_bundle_twice_in_one_batch_gets_one_receipt_twice(appliance, owner):
    envelope = appliance.seal()
    said = (await appliance.send(envelope, envelope)).json()
    assert said["receipts"][0] == said["receipts"][1]
    assert (await stored_log(owner, appliance.site_id))[0] == 2


def _poisoned(answer, position: int) -> None:
    assert answer.status_code == 422, answer.text
    said = answer.json()
    assert (said["code"], said["position"]) == ("poison", position)
    EvidenceRefusal.model_validate_json(answer.content)


@pytest.mark.parametrize(
    "changes",
    [
        {"site_id": ids.site()},
        {"appliance_id": ids.appliance()},
        {"host_id": ids.host()},
        {"prev": "ab" * 32},
    ],
    ids=["another site", "another appliance", "an undeclared host", "another prev"],
)
async def test_a_bundle_that_is_not_the_callers_next_poisons_its_batch(appliance, owner, changes):
    first = appliance.seal()
    _poisoned(await appliance.send(first, appliance.seal(**changes)), 1)
    assert (await stored_log(owner, appliance.site_id))[0] == 1


async def test_a_signature_of_another_key_is_refused(appliance, owner):
    envelope = bundle.seal(appliance.bundle(), SigningKey.generate())
    _poisoned(await appliance.send(replace(envelope, keyid=appliance.key.key_id)), 0)
    _poisoned(await appliance.send(envelope), 0)
    assert (await stored_log(owner, appliance.site_id))[0] == 1


async def test_one_flipped_byte_of_the_payload_is_refused(appliance, owner):
    envelope = appliance.seal()
    flipped = bytearray(envelope.payload)
    flipped[flipped.index(b"PermitRootLogin")] ^= 1
    _poisoned(await appliance.send(replace(envelope, payload=bytes(flipped))), 0)
    assert (await stored_log(owner, appliance.site_id))[0] == 1


@pytest.mark.parametrize(
    "payload",
    [
        b"not json",
        b"[]",
        b'{"epoch":1,"epoch":1}',
        b'{"epoch": 1}',
        b'{"epoch":1,"secretword":1.5}',
        b'{"epoch":1,"secretword":"\\u0000"}',
        b'{"epoch":1,"secretword":"\\ud800"}',
        b'{"epoch":1,"secretword":9007199254740993}',
        b'{"epoch":1,"secretword":true}',
        b'{"epoch":"1"}',
    ],
)
async def test_a_malformed_payload_is_refused_and_not_repeated(appliance, owner, payload):
    envelope = signing.sign(appliance.key, bundle.PAYLOAD_TYPE, payload)
    answer = await appliance.send(envelope)
    _poisoned(answer, 0)
    assert "secretword" not in answer.text
    assert (await stored_log(owner, appliance.site_id))[0] == 1


async def test_an_envelope_of_another_form_is_refused(appliance):
    wire = appliance.seal().to_wire()
    for broken in (
        {**wire, "extra": 1},
        {**wire, "signatures": wire["signatures"] * 2},
        {**wire, "signatures": []},
        {**wire, "payload": wire["payload"].rstrip("=") + "!"},
        {**wire, "payloadType": "text/plain"},
        7,
    ):
        _poisoned(await appliance.send(broken), 0)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b'{"v":1,"witnessed_size":0}',
        b'{"v":2,"witnessed_size":0,"envelopes":[{}]}',
        b'{"v":1,"witnessed_size":-1,"envelopes":[{}]}',
        b'{"v":1,"witnessed_size":0,"envelopes":[]}',
        b'{"v":1,"witnessed_size":0,"envelopes":[{}],"other":1}',
        b'{"v":1,"witnessed_size":0,"envelopes":[{}],"cosignatures":[7]}',
        b'{"v":1,"witnessed_size":0,"envelopes":[' + b",".join([b"{}"] * 101) + b"]}",
    ],
)
async def test_a_malformed_frame_is_refused_as_the_model_refuses_it(appliance, body):
    with pytest.raises(ValidationError):
        EvidenceBatch.model_validate_json(body)
    assert (await appliance.post("/evidence", body)).status_code == 422


async def test_a_sequence_number_ahead_is_told_what_is_expected(appliance, owner):
    first, _lost, third = appliance.seals(3)
    answer = await appliance.send(first, third)
    assert answer.status_code == 409
    said = EvidenceRefusal.model_validate_json(answer.content)
    assert (said.code, said.position) == ("behind", 1)
    assert said.expected is not None
    assert said.expected.next_seq == 2
    # Nothing of the batch was stored: the rewind begins at the first.
    assert (await stored_log(owner, appliance.site_id))[0] == 1


async def test_a_gap_record_that_names_what_is_lost_carries_the_stream_on(appliance, owner):
    await appliance.send(appliance.seal())
    before = appliance.prev
    appliance.seals(3)
    note = {"first_seq": 2, "last_seq": 4, "reason": "disk replaced"}
    gap = appliance.seal(
        kind=Kind.GAP, host_id=None, results=(), controls=(), prev=before, note=note
    )
    following = appliance.seal()
    answer = await appliance.send(gap, following)
    assert answer.status_code == 200, answer.text
    assert answer.json()["stream"]["next_seq"] == 7
    _, _, entries = await stored_log(owner, appliance.site_id)
    assert [log.parse_entry(entry).kind for entry in entries] == [
        "key-enrol",
        "bundle",
        "gap",
        "bundle",
    ]


async def test_other_bytes_under_a_taken_number_are_kept_beside_the_first(appliance, owner):
    fork = replace(appliance.bundle(), results=(result(summary="another story"),))
    first = (await appliance.send(appliance.seal())).json()["receipts"]
    other = bundle.seal(fork, appliance.key)
    for _ in range(2):
        answer = await appliance.send(other)
        assert answer.status_code == 409
        said = EvidenceRefusal.model_validate_json(answer.content)
        assert (said.code, said.position) == ("conflict", 0)
    _, root, entries = await stored_log(owner, appliance.site_id)
    kinds = [log.parse_entry(entry).kind for entry in entries]
    assert kinds == ["key-enrol", "bundle", "equivocation"]
    assert root == log.root_from_leaves(map(log.leaf_hash, entries))
    kept = await owner.fetch(
        "SELECT payload, equivocates FROM evidence_bundles WHERE site_id = $1 ORDER BY log_index",
        appliance.site_id,
    )
    assert [row["equivocates"] for row in kept] == [False, True]
    assert kept[1]["payload"] == other.payload
    told = await owner.fetch(
        "SELECT summary FROM latest_results WHERE site_id = $1", appliance.site_id
    )
    assert [row["summary"] for row in told] == ["PermitRootLogin is yes"]
    assert first[0]["index"] == 1


async def test_an_epoch_that_is_not_enrolled_is_refused(appliance):
    answer = await appliance.send(appliance.forge(epoch=2))
    assert answer.status_code == 409
    assert answer.json()["code"] == "epoch"


async def test_evidence_of_an_outage_is_accepted_however_late(appliance, owner):
    envelope = appliance.seal(
        captured_at=START - timedelta(days=400),
        results=(result(measured_at=START - timedelta(days=400)),),
    )
    assert (await appliance.send(envelope)).status_code == 200
    row = await owner.fetchrow(
        "SELECT effective_at, received_at FROM results WHERE site_id = $1", appliance.site_id
    )
    assert row["effective_at"] == START - timedelta(days=400)
    assert row["received_at"] > START


async def test_late_evidence_does_not_replace_a_newer_result(appliance, owner):
    newer = result(outcome=Outcome.PASS, measured_at=START, summary="newer")
    older = result(measured_at=START - timedelta(hours=1), summary="older")
    await appliance.send(appliance.seal(results=(newer,)))
    await appliance.send(appliance.seal(results=(older,)))
    found = await owner.fetch(
        "SELECT summary FROM latest_results WHERE site_id = $1", appliance.site_id
    )
    assert [row["summary"] for row in found] == ["newer"]
    history = await owner.fetchval(
        "SELECT count(*) FROM results WHERE site_id = $1", appliance.site_id
    )
    assert history == 2


async def test_a_clock_that_runs_ahead_wins_nothing(appliance, owner):
    ahead = result(measured_at=START + timedelta(days=3650), summary="from the future")
    await appliance.send(appliance.seal(results=(ahead,)))
    late = clock.system() + timedelta(seconds=1)
    await asyncio.sleep(0.01)
    await appliance.send(appliance.seal(results=(result(measured_at=late, summary="now"),)))
    found = await owner.fetchval(
        "SELECT summary FROM latest_results WHERE site_id = $1", appliance.site_id
    )
    assert found == "now"


async def test_a_heartbeat_adds_history_only_where_something_differs(appliance, owner):
    same, other = result(), result(check="patching")
    await appliance.send(appliance.seal(results=(same,)))
    beat = replace(same, facts={}, measured_at=START + timedelta(hours=1))
    await appliance.send(appliance.seal(kind=Kind.HEARTBEAT, results=(beat, other)))
    history = await owner.fetch(
        "SELECT check_id FROM results WHERE site_id = $1 ORDER BY log_index", appliance.site_id
    )
    assert [row["check_id"] for row in history] == ["ssh_config", "patching"]
    latest = await owner.fetchrow(
        "SELECT facts, effective_at FROM latest_results WHERE site_id = $1"
        " AND check_id = 'ssh_config'",
        appliance.site_id,
    )
    assert json.loads(latest["facts"]) == same.facts
    assert latest["effective_at"] == START + timedelta(hours=1)


async def test_many_at_once_on_one_site_leave_no_hole_and_no_deadlock(
    client, owner, tenant, appliance
):
    others = [appliance]
    for _ in range(7):
        made = Appliance(client)
        await made.enrol(await issue_token(owner, tenant))
        others.append(made)

    async def send_all(one: Appliance) -> None:
        batches = [one.seals(5) for _ in range(4)]
        for batch in batches:
            # The same batch twice at once: of the two, one stores it, both get its receipts.
            first, second = await asyncio.gather(one.send(*batch), one.send(*batch))
            assert first.status_code == second.status_code == 200, first.text + second.text
            assert first.json()["receipts"] == second.json()["receipts"]

    await asyncio.gather(*map(send_all, others))
    size, root, entries = await stored_log(owner, appliance.site_id)
    assert size == len(entries) == 8 + 8 * 20
    assert root == log.root_from_leaves(map(log.leaf_hash, entries))
    nodes = await owner.fetch(
        "SELECT level, node_index, hash FROM evidence_log_nodes WHERE site_id = $1",
        appliance.site_id,
    )
    _, wanted = log.grow(log.Frontier(), [log.leaf_hash(entry) for entry in entries])
    assert {tuple(row) for row in nodes} == {node for node in wanted if node[0] > 0}


async def test_a_database_backend_that_dies_in_mid_batch_leaves_nothing_half(
    appliance, owner, app_engine
):
    envelopes = appliance.seals(100)
    await owner.execute("BEGIN")
    await owner.execute("LOCK TABLE results IN ACCESS EXCLUSIVE MODE")
    sending = asyncio.create_task(appliance.send(*envelopes))
    waiting = (
        "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'results'::regclass"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    while not (pid := await owner.fetchval(waiting)):
        await asyncio.sleep(0.02)
    # As pg_terminate_backend does, which is not the owner's to call on another role.
    os.kill(pid, signal.SIGTERM)
    answer = await sending
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert answer.headers["retry-after"]
    await owner.execute("ROLLBACK")
    assert (await stored_log(owner, appliance.site_id))[0] == 1
    again = await appliance.send(*envelopes)
    assert again.status_code == 200, again.text
    assert (await stored_log(owner, appliance.site_id))[0] == 101


async def test_compressed_bodies_are_taken_and_bombs_are_not(appliance):
    body = orjson.dumps({"v": 1, "envelopes": [appliance.seal().to_wire()], "witnessed_size": 0})
    headers = {"content-encoding": "gzip"}
    answer = await appliance.post("/evidence", gzip.compress(body), **headers)
    assert answer.status_code == 200, answer.text
    bomb = gzip.compress(b" " * (protocol.BODY_BYTES_MAX + 1))
    assert (await appliance.post("/evidence", bomb, **headers)).status_code == 413


async def test_payloads_that_are_too_much_together_are_refused(appliance, owner):
    facts = {"text": "x" * 200_000}
    big = [appliance.seal(results=(result(facts=facts),)) for _ in range(6)]
    assert (await appliance.send(*big)).status_code == 413
    assert (await appliance.send(*big[:5])).status_code == 200
    assert (await stored_log(owner, appliance.site_id))[0] == 6


async def test_an_appliance_without_a_credential_is_refused(appliance):
    envelope = appliance.seal()
    appliance.credential = "x" * 43
    assert (await appliance.send(envelope)).status_code == 401


async def test_a_host_declared_after_the_first_batch_is_known_to_the_next(appliance):
    assert (await appliance.send(appliance.seal())).status_code == 200
    appliance.hosts.append(ids.host())
    await appliance.check_in()
    answer = await appliance.send(appliance.seal(host_id=appliance.hosts[1]))
    assert answer.status_code == 200, answer.text
