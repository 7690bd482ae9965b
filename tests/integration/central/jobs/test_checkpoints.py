"""The signer: every head that grew, and none that contradicts what it signed."""

import json

import pytest

from tests.harness.appliance import Appliance, issue_token
from tests.integration.central.conftest import LOG_KEY, make_tenant, web_settings
from wardline.central.jobs.checkpoints import LastSignedUnreadable, LogContradicts, Signer
from wardline.core import clock
from wardline.core.evidence import checkpoint, log


@pytest.fixture(autouse=True)
async def _no_other_logs(owner):
    await owner.execute("TRUNCATE evidence_log_heads, evidence_alarms")


async def notes(owner, site_id):
    rows = await owner.fetch(
        "SELECT size, note FROM evidence_checkpoints WHERE site_id = $1 ORDER BY size", site_id
    )
    return {row["size"]: checkpoint.parse_note(row["note"]) for row in rows}


async def test_a_log_that_grew_gets_one_signed_head(appliance, signer, owner):
    await appliance.send(*appliance.seals(3))
    assert await signer.sign_grown() == 1
    assert await signer.sign_grown() == 0
    signed = await notes(owner, appliance.site_id)
    head = signed[4].checkpoint()
    assert signed[4].verify(head.origin, LOG_KEY.public)
    entries = await owner.fetch(
        "SELECT entry FROM evidence_log_entries WHERE site_id = $1 ORDER BY log_index",
        appliance.site_id,
    )
    assert head.root == log.root_from_leaves(log.leaf_hash(row["entry"]) for row in entries)
    announced = await owner.fetch(
        "SELECT subject FROM change_log WHERE site_id = $1 AND kind = 'checkpoint'",
        appliance.site_id,
    )
    assert [row["subject"] for row in announced] == [appliance.site_id]


async def test_a_log_that_was_set_back_is_refused_and_others_go_on(
    appliance, signer, owner, client
):
    await appliance.send(*appliance.seals(4))
    other = Appliance(client)
    await other.enrol(await issue_token(owner, await make_tenant(owner)))
    assert await signer.sign_grown() == 2
    # As if last night's backup had been put back: the head and its checkpoint are gone.
    await owner.execute("ALTER TABLE evidence_checkpoints DISABLE TRIGGER USER")
    await owner.execute("DELETE FROM evidence_checkpoints WHERE site_id = $1", appliance.site_id)
    await owner.execute("ALTER TABLE evidence_checkpoints ENABLE TRIGGER USER")
    await owner.execute(
        "UPDATE evidence_log_heads SET size = 1, frontier = (SELECT leaf_hash FROM"
        " evidence_log_entries WHERE site_id = $1 AND log_index = 0) WHERE site_id = $1",
        appliance.site_id,
    )
    await other.send(other.seal())
    with pytest.raises(LogContradicts, match="it has 1 entries, 5 were signed"):
        await signer.sign_grown()
    assert await notes(owner, appliance.site_id) == {}
    assert sorted(await notes(owner, other.site_id)) == [1, 2]
    alarms = await owner.fetch("SELECT site_id FROM evidence_alarms")
    assert [row["site_id"] for row in alarms] == [appliance.site_id]


async def test_a_log_with_another_past_is_refused(appliance, signer, owner):
    await appliance.send(*appliance.seals(4))
    await signer.sign_grown()
    await owner.execute("ALTER TABLE evidence_log_nodes DISABLE TRIGGER USER")
    await owner.execute(
        "UPDATE evidence_log_nodes SET hash = sha256(hash) WHERE site_id = $1 AND level = 2",
        appliance.site_id,
    )
    await owner.execute("ALTER TABLE evidence_log_nodes ENABLE TRIGGER USER")
    await appliance.send(appliance.seal())
    with pytest.raises(LogContradicts, match="do not extend"):
        await signer.sign_grown()
    assert sorted(await notes(owner, appliance.site_id)) == [5]


async def test_a_checkpoint_that_somebody_else_signed_is_refused(appliance, signer, owner):
    await signer.sign_grown()
    await owner.execute("ALTER TABLE evidence_checkpoints DISABLE TRIGGER USER")
    await owner.execute(
        "UPDATE evidence_checkpoints SET note = replace(note, 'wardline.local', 'wardline.other')"
        " WHERE site_id = $1",
        appliance.site_id,
    )
    await owner.execute("ALTER TABLE evidence_checkpoints ENABLE TRIGGER USER")
    await appliance.send(appliance.seal())
    with pytest.raises(LogContradicts, match="does not carry this key's signature"):
        await signer.sign_grown()


async def test_a_head_that_was_signed_and_not_stored_is_signed_again(
    appliance, signer, owner, jobs_engine, tmp_path
):
    await signer.sign_grown()
    await owner.execute("ALTER TABLE evidence_checkpoints DISABLE TRIGGER USER")
    await owner.execute("DELETE FROM evidence_checkpoints")
    await owner.execute("ALTER TABLE evidence_checkpoints ENABLE TRIGGER USER")
    restarted = Signer(
        jobs_engine, LOG_KEY, web_settings().installation_id, tmp_path / "last.json", clock.system
    )
    assert await restarted.sign_grown() == 1
    assert sorted(await notes(owner, appliance.site_id)) == [1]


async def test_a_broken_last_signed_file_stops_the_signer(jobs_engine, tmp_path):
    for content in ("{", "[1]", json.dumps({"origin": ["x", "y"]})):
        (tmp_path / "last.json").write_text(content)
        with pytest.raises(LastSignedUnreadable):
            Signer(jobs_engine, LOG_KEY, "inst", tmp_path / "last.json", clock.system)
