"""The sequencer: every row once, in order and without a gap, whatever happens to it."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.central.conftest import LOG_KEY, make_tenant, web_settings
from wardline.central.database.scope import Actor, ActorKind, Scope
from wardline.central.database.session import open_session
from wardline.central.jobs import sequencer
from wardline.central.jobs.checkpoints import LogContradicts, Signer
from wardline.core import clock
from wardline.core.audit import record
from wardline.core.evidence import checkpoint, log

KILLED = Path(__file__).parent / "killed_sequencer.py"
STATEMENTS_MAX = 40
ME = Actor(ActorKind.USER, "user_1", "192.0.2.7")


@pytest.fixture(autouse=True)
async def _no_other_logs(owner):
    await owner.execute(
        "TRUNCATE audit_log_waiting, audit_log_heads, audit_log_alarms, evidence_log_heads"
    )


@pytest.fixture
def signer(jobs_engine, tmp_path):
    made = web_settings().installation_id
    return Signer(jobs_engine, LOG_KEY, made, tmp_path / "last.json", clock.system)


async def add(owner, partner_id, count, after="{}"):
    await owner.execute(
        "INSERT INTO audit_log (partner_id, actor_kind, actor_id, action, subject, after)"
        " SELECT $1, 'user', 'user_1', 'site.healing', 'n' || n, $3"
        " FROM generate_series(1, $2) AS n",
        *(partner_id, count, after),
    )


async def leaves(owner, partner_id):
    rows = await owner.fetch(
        "SELECT seq, entry, record_id FROM audit_log_entries WHERE partner_id = $1 ORDER BY seq",
        partner_id,
    )
    assert [row["seq"] for row in rows] == list(range(1, len(rows) + 1))
    assert [record.parse_record(row["entry"]).seq for row in rows] == [row["seq"] for row in rows]
    rows_of_log = await owner.fetchval(
        "SELECT count(DISTINCT record_id) FROM audit_log_entries WHERE partner_id = $1", partner_id
    )
    assert rows_of_log == len(rows)
    return [row["entry"] for row in rows]


async def root(owner, partner_id):
    row = await owner.fetchrow(
        "SELECT size, frontier FROM audit_log_heads WHERE partner_id = $1", partner_id
    )
    packed = row["frontier"]
    hashes = tuple(packed[at : at + 32] for at in range(0, len(packed), 32))
    return log.Frontier(row["size"], hashes).root


async def test_a_deed_becomes_a_record_that_says_who_from_where_what_and_why(
    owner, app_engine, jobs_engine, tenant
):
    async with open_session(app_engine, Scope.partner(tenant.partner_id), ME) as session:
        await session.record(
            *("site.healing", tenant.site_id),
            before={"healing": "observe", "token": "hunter2"},
            after={"healing": "heal"},
            reason="reviewed",
            site_id=tenant.site_id,
        )
    assert await sequencer.append_waiting(jobs_engine, clock.system) == 1
    assert await sequencer.append_waiting(jobs_engine, clock.system) == 0
    (leaf,) = await leaves(owner, tenant.partner_id)
    found = record.parse_record(leaf)
    assert (found.partner, found.site, found.seq) == (tenant.partner_id, tenant.site_id, 1)
    assert (found.actor_kind, found.actor, found.address) == ("user", "user_1", "192.0.2.7")
    assert (found.action, found.subject, found.reason) == (
        "site.healing", tenant.site_id, "reviewed",
    )  # fmt: skip
    assert found.before == {"healing": "observe", "token": "[redacted]"}
    stored = await owner.fetchval(
        "SELECT before FROM audit_log WHERE partner_id = $1", tenant.partner_id
    )
    assert "hunter2" not in stored


async def test_many_rows_of_many_partners_are_appended_in_one_round(owner, jobs_engine):
    counts = (1, sequencer.RECORDS_PER_APPEND_MAX, 2 * sequencer.RECORDS_PER_APPEND_MAX + 7, 3000)
    tenants = [await make_tenant(owner) for _ in counts]
    for tenant, count in zip(tenants, counts, strict=True):
        await add(owner, tenant.partner_id, count)
    assert await sequencer.append_waiting(jobs_engine, clock.system) == sum(counts)
    for tenant, count in zip(tenants, counts, strict=True):
        found = await leaves(owner, tenant.partner_id)
        assert len(found) == count
        assert await root(owner, tenant.partner_id) == log.root_from_leaves(
            map(log.leaf_hash, found)
        )
    assert await owner.fetchval("SELECT count(*) FROM audit_log_waiting") == 0


async def test_rows_that_commit_out_of_order_are_all_appended(
    owner, app_engine, jobs_engine, tenant
):
    scope = Scope.partner(tenant.partner_id)
    async with open_session(app_engine, scope, ME) as early:
        await early.record("first.begun", "x")
        async with open_session(app_engine, scope, ME) as late:
            await late.record("second.begun", "x")
        assert await sequencer.append_waiting(jobs_engine, clock.system) == 1
    assert await sequencer.append_waiting(jobs_engine, clock.system) == 1
    found = [record.parse_record(leaf).action for leaf in await leaves(owner, tenant.partner_id)]
    assert found == ["second.begun", "first.begun"]


async def test_two_sequencers_at_once_append_each_row_once(owner, jobs_engine, tenant):
    await add(owner, tenant.partner_id, 2600)
    rounds = [sequencer.append_waiting(jobs_engine, clock.system) for _ in range(4)]
    assert sum(await asyncio.gather(*rounds)) == 2600
    found = await leaves(owner, tenant.partner_id)
    assert len(found) == 2600
    assert await root(owner, tenant.partner_id) == log.root_from_leaves(map(log.leaf_hash, found))


async def test_one_that_is_killed_between_any_two_statements_loses_and_doubles_nothing(
    owner, jobs_engine, database, tenant
):
    added = 0
    for answered in range(1, STATEMENTS_MAX):
        await add(owner, tenant.partner_id, 3)
        added += 3
        command = [sys.executable, str(KILLED), database.jobs, str(answered)]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=False)
        if done.returncode == 0:
            break
        assert done.returncode == -9, done.stderr.decode()
        # What it had not committed waits; what it had is whole.
        waiting = await owner.fetchval("SELECT count(*) FROM audit_log_waiting")
        found = await leaves(owner, tenant.partner_id)
        assert len(found) + waiting == added
        if found:
            assert await root(owner, tenant.partner_id) == log.root_from_leaves(
                map(log.leaf_hash, found)
            )
    else:
        pytest.fail(f"it had more than {STATEMENTS_MAX} statements to end between")
    assert answered > 10, "it was killed between too few statements to say anything"
    await sequencer.append_waiting(jobs_engine, clock.system)
    assert len(await leaves(owner, tenant.partner_id)) == added


async def test_its_heads_are_signed_by_the_signer_under_an_origin_of_their_own(
    owner, jobs_engine, signer, tenant
):
    for count in (3, 600):
        await add(owner, tenant.partner_id, count)
        await sequencer.append_waiting(jobs_engine, clock.system)
        assert await signer.sign_grown() == 1
    assert await signer.sign_grown() == 0
    rows = await owner.fetch(
        "SELECT size, note FROM audit_log_checkpoints WHERE partner_id = $1 ORDER BY size",
        tenant.partner_id,
    )
    assert [row["size"] for row in rows] == [3, 603]
    found = await leaves(owner, tenant.partner_id)
    origin = checkpoint.audit_origin(web_settings().installation_id, tenant.partner_id)
    for row in rows:
        note = checkpoint.parse_note(row["note"])
        assert note.verify(origin, LOG_KEY.public)
        hashes = map(log.leaf_hash, found[: row["size"]])
        assert note.checkpoint().root == log.root_from_leaves(hashes)


async def test_an_audit_log_that_was_set_back_is_refused_and_others_go_on(
    owner, jobs_engine, signer, tenant, other_tenant
):
    for each in (tenant, other_tenant):
        await add(owner, each.partner_id, 5)
    await sequencer.append_waiting(jobs_engine, clock.system)
    assert await signer.sign_grown() == 2
    await owner.execute(
        "UPDATE audit_log_heads SET size = 1, frontier = (SELECT leaf_hash FROM audit_log_entries"
        " WHERE partner_id = $1 AND seq = 1) WHERE partner_id = $1",
        tenant.partner_id,
    )
    for each in (tenant, other_tenant):
        await add(owner, each.partner_id, 1)
    with pytest.raises(sequencer.AuditLogStuck, match=tenant.partner_id):
        await sequencer.append_waiting(jobs_engine, clock.system)
    with pytest.raises(LogContradicts, match="it has 1 entries, 5 were signed"):
        await signer.sign_grown()
    assert len(await leaves(owner, other_tenant.partner_id)) == 6
    alarms = await owner.fetch("SELECT partner_id FROM audit_log_alarms")
    assert [row["partner_id"] for row in alarms] == [tenant.partner_id]
    waiting = await owner.fetch("SELECT partner_id FROM audit_log_waiting")
    assert [row["partner_id"] for row in waiting] == [tenant.partner_id]


async def test_the_application_can_neither_forge_nor_skip_what_is_appended(app_engine, tenant):
    scope = Scope.partner(tenant.partner_id)
    for statement in (
        "INSERT INTO audit_log_entries SELECT * FROM audit_log_entries",
        "DELETE FROM audit_log_waiting",
        "INSERT INTO audit_log_waiting (partner_id, record_id) VALUES ('x', 1)",
        "UPDATE audit_log_heads SET size = 0",
        "DELETE FROM audit_log_nodes",
        "INSERT INTO audit_log_checkpoints SELECT * FROM audit_log_checkpoints",
    ):
        with pytest.raises(Exception, match="permission denied"):
            async with open_session(app_engine, scope, ME) as session:
                await session.raw.execute(statement)
