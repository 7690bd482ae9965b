"""What was in the audit log before it had a signed log: appended too, and once."""

from wardline.central.database import migrate
from wardline.central.jobs import sequencer
from wardline.core import clock

WAITING = "SELECT count(*) FROM audit_log_waiting WHERE partner_id = $1"
APPENDED = "SELECT count(*) FROM audit_log_entries WHERE partner_id = $1"


async def test_rows_of_the_release_before_are_appended_once(owner, jobs_engine, tenant):
    (chain,) = [each for each in migrate.load() if each.name.endswith("_audit_chain.sql")]
    await owner.execute("ALTER TABLE audit_log DISABLE TRIGGER queue_record")
    await owner.execute(
        "INSERT INTO audit_log (partner_id, actor_kind, actor_id, action, subject)"
        " SELECT $1, 'user', 'user_x', 'hold.clear', 'x' FROM generate_series(1, 700)",
        tenant.partner_id,
    )
    assert await owner.fetchval(WAITING, tenant.partner_id) == 0
    for _ in range(2):
        await owner.execute(chain.sql)
        assert await owner.fetchval(WAITING, tenant.partner_id) == 700
    assert await sequencer.append_waiting(jobs_engine, clock.system) == 700
    await owner.execute(chain.sql)
    assert await owner.fetchval(WAITING, tenant.partner_id) == 0
    assert await owner.fetchval(APPENDED, tenant.partner_id) == 700
