"""POST /checkin, GET /policy, POST /proofs: only what changed, and what an appliance can verify."""

import base64
import hashlib

import orjson

from tests.harness.appliance import Appliance
from tests.integration.central.conftest import LOG_KEY
from wardline.core import canonical, mandate, protocol
from wardline.core.evidence import bundle, checkpoint, log, signing
from wardline.core.evidence.bundle import Kind
from wardline.core.evidence.signing import Envelope, SigningKey, VerifyKey
from wardline.core.snapshot import PolicySnapshot

POLICY_KEY = SigningKey.from_seed(b"p" * 32)


async def test_the_answer_carries_the_policy_only_when_it_changed(appliance, signed_in):
    first = (await appliance.check_in()).json()
    assert first["policy"] is not None
    again = (await appliance.check_in(etag=first["etag"])).json()
    assert (again["etag"], again["policy"]) == (first["etag"], None)
    answer = await signed_in.post(
        f"/api/v1/sites/{appliance.site_id}/healing",
        json={"healing": "heal", "reason": "looked through the list"},
    )
    assert answer.status_code == 200, answer.text
    changed = (await appliance.check_in(etag=first["etag"])).json()
    assert changed["policy"]["settings_revision"] == first["policy"]["settings_revision"] + 1


async def test_a_mandate_comes_in_the_newest_schema_that_both_sides_know(appliance):
    etags = set()
    for query, schema in (("", 1), ("?mandate=1", 1), ("?mandate=2", 2), ("?mandate=9", 2)):
        told = (await appliance.check_in(query)).json()
        envelope = Envelope.from_wire(told["mandate"])
        assert envelope.payload_type == mandate.PAYLOAD_TYPES[schema]
        assert mandate.opened(envelope, POLICY_KEY.verify_key).stops == ()
        etags.add(told["etag"])
        again = (await appliance.check_in(query, etag=told["etag"])).json()
        assert again["mandate"] is None
    assert len(etags) == 2, "who reads more than before is told what it has not seen"


async def test_the_snapshot_is_the_one_that_the_check_in_names(appliance, owner):
    partner = await owner.fetchval("SELECT partner_id FROM sites WHERE id = $1", appliance.site_id)
    for rule_id, scope in (("a", {}), ("b", {"site": appliance.site_id}), ("c", {"site": "other"})):
        body = {"id": rule_id, "scope": scope, "limits": {"maxDailyPct": 1.5}}
        await owner.execute(
            "INSERT INTO policies (partner_id, id, body, revision, created_by, updated_by)"
            " VALUES ($1, $2, $3::jsonb, 1, 'user', 'user')",
            *(partner, rule_id, orjson.dumps(body).decode()),
        )
    head = (await appliance.check_in()).json()["policy"]
    wire = (await appliance.get("/policy")).json()
    payload = signing.open_envelope(
        Envelope.from_wire(wire), POLICY_KEY.verify_key, protocol.POLICY_PAYLOAD_TYPE
    )
    assert hashlib.sha256(payload).hexdigest() == head["digest"]
    said = PolicySnapshot.model_validate(canonical.loads(payload, bytes_max=1 << 20))
    assert (said.site_id, said.healing) == (appliance.site_id, "observe")
    # Another clinic's rule is nobody's business here.
    assert [rule["id"] for rule in said.rules] == ["a", "b"]


async def test_a_new_checkpoint_comes_with_the_proof_that_it_extends_the_last(appliance, signer):
    assert (await appliance.check_in()).json()["log"] is None
    await signer.sign_grown()
    first = (await appliance.check_in()).json()["log"]
    old = checkpoint.parse_note(first["checkpoint"])
    assert old.verify(old.checkpoint().origin, LOG_KEY.public)
    assert (await appliance.check_in(witnessed_size=1)).json()["log"] is None
    await appliance.send(*appliance.seals(6))
    await signer.sign_grown()
    update = (await appliance.check_in(witnessed_size=1)).json()["log"]
    new = checkpoint.parse_note(update["checkpoint"]).checkpoint()
    proof = [base64.b64decode(item) for item in update["proof"]]
    assert log.verify_consistency(1, new.size, old.checkpoint().root, new.root, proof)


async def test_receipts_are_proved_under_the_checkpoint(appliance, signer):
    receipts = (await appliance.send(*appliance.seals(9))).json()["receipts"]
    await signer.sign_grown()
    note = (await appliance.check_in()).json()["log"]["checkpoint"]
    head = checkpoint.parse_note(note).checkpoint()
    indexes = [receipt["index"] for receipt in receipts]
    body = orjson.dumps({"v": 1, "size": head.size, "indexes": indexes})
    proofs = (await appliance.post("/proofs", body)).json()["proofs"]
    for receipt, proof in zip(receipts, proofs, strict=True):
        leaf = bytes.fromhex(receipt["leaf_hash"])
        path = [base64.b64decode(item) for item in proof]
        assert log.verify_inclusion(leaf, receipt["index"], head.size, path, head.root)


async def test_proofs_of_what_is_not_there_are_refused(appliance):
    for size, index in ((5, 0), (1, 1)):
        body = orjson.dumps({"v": 1, "size": size, "indexes": [index]})
        assert (await appliance.post("/proofs", body)).status_code == 404


async def test_a_cosignature_is_kept_when_it_is_the_appliances_over_a_signed_head(
    appliance, signer, owner
):
    await signer.sign_grown()
    note = (await appliance.check_in()).json()["log"]["checkpoint"]
    line = appliance.cosign(note)
    for _ in range(2):
        answer = await appliance.check_in(witnessed_size=1, cosignatures=[line])
        assert answer.status_code == 200, answer.text
    kept = await owner.fetch(
        "SELECT line FROM evidence_cosignatures WHERE site_id = $1", appliance.site_id
    )
    assert [row["line"] for row in kept] == [line]


async def test_a_wrong_cosignature_is_recorded_and_the_evidence_accepted(appliance, signer, owner):
    await signer.sign_grown()
    note = (await appliance.check_in()).json()["log"]["checkpoint"]
    stranger = Appliance(appliance.client, id=appliance.id)
    for size, line in ((1, stranger.cosign(note)), (1, "nonsense"), (77, appliance.cosign(note))):
        answer = await appliance.send(appliance.seal(), witnessed_size=size, cosignatures=[line])
        assert answer.status_code == 200, answer.text
    assert (
        await owner.fetchval(
            "SELECT count(*) FROM evidence_cosignatures WHERE site_id = $1", appliance.site_id
        )
        == 0
    )
    assert (
        await owner.fetchval(
            "SELECT count(*) FROM audit_log WHERE action = 'cosignature.refuse' AND subject = $1",
            appliance.id,
        )
        == 3
    )


async def test_an_appliance_behind_its_stream_goes_on_in_the_next_epoch(appliance, owner):
    await appliance.send(*appliance.seals(3))
    appliance.epoch, appliance.seq, appliance.prev = 2, 0, bundle.NO_PREV
    stream = (await appliance.check_in()).json()["stream"]
    assert stream == {"epoch": 2, "next_seq": 1, "prev": bundle.NO_PREV}
    assert (await appliance.check_in()).json()["stream"] == stream
    refused = await appliance.send(appliance.forge())
    assert (refused.status_code, refused.json()["code"]) == (422, "poison")
    assert "an epoch record is the first record of every epoch" in refused.json()["detail"]
    appliance.seq, appliance.prev = 0, bundle.NO_PREV
    note = {"last_epoch": 1, "last_seq": 3, "last_hash": "ab" * 32, "reason": "restored"}
    told = {"kind": Kind.EPOCH, "host_id": None, "results": ()}
    refused = await appliance.send(appliance.forge(**told, note={**note, "last_seq": "3"}))
    assert "note.last_seq: not an integer" in refused.json()["detail"]
    appliance.seq, appliance.prev = 0, bundle.NO_PREV
    assert (await appliance.send(appliance.seal(**told, note=note))).status_code == 200
    entries = await owner.fetch(
        "SELECT entry FROM evidence_log_entries WHERE site_id = $1 ORDER BY log_index",
        appliance.site_id,
    )
    kinds = [
        (log.parse_entry(row["entry"]).kind, log.parse_entry(row["entry"]).epoch) for row in entries
    ]
    assert kinds == [("key-enrol", 1), *[("bundle", 1)] * 3, ("key-enrol", 2), ("bundle", 2)]


async def test_an_epoch_is_raised_by_one_at_a_time(appliance):
    appliance.epoch = 3
    assert (await appliance.check_in()).json()["stream"]["epoch"] == 1


async def test_the_server_keys_are_signed_over_the_callers_nonce(client):
    nonce = "0f" * 16
    answer = await client.get(f"{protocol.PREFIX}/keys", params={"nonce": nonce})
    said = protocol.ServerKeys.model_validate_json(answer.content)
    keys = {key.purpose: base64.b64decode(key.public) for key in said.keys}
    text = protocol.fingerprint_text(said.installation_id, said.keys, None)
    fingerprint = hashlib.sha256(text).hexdigest()
    message = protocol.KEYS_CONTEXT + nonce.encode() + fingerprint.encode()
    assert VerifyKey(keys["uplink"]).verify(message, base64.b64decode(said.signature))
    assert (await client.get(f"{protocol.PREFIX}/keys", params={"nonce": "x"})).status_code == 422
