"""Upkeep of what decisions leave behind: uses folded into one row a rule, what is old removed.

What counts is never removed: a reservation that was not started counts no more when it has
expired, and the newest run of an action on a host stays for as long as a cooldown may look back.
"""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from wardline.central.database.scope import Scope
from wardline.central.database.session import open_session
from wardline.central.jobs.loops import ACTOR
from wardline.core.clock import Now
from wardline.core.policy import kept, usage

ROWS_PER_ROUND_MAX = 50_000
# Each names up to 1,000 rules.
CALLS_PER_ROUND_MAX = 1_000
KEY_KEPT = timedelta(hours=24)

_FOLD = text(
    "WITH due AS (DELETE FROM rule_uses_added a USING ("
    "    SELECT partner_id, id FROM rule_uses_added LIMIT :limit) d"
    "   WHERE a.partner_id = d.partner_id AND a.id = d.id"
    "   RETURNING a.partner_id, a.rule_id, a.at, a.decided, a.ran),"
    " calls AS (DELETE FROM rule_uses_by_call c USING ("
    "    SELECT partner_id, id FROM rule_uses_by_call LIMIT :calls) d"
    "   WHERE c.partner_id = d.partner_id AND c.id = d.id"
    "   RETURNING c.partner_id, c.at, c.rule_ids, c.decided, c.ran),"
    " every AS (SELECT * FROM due UNION ALL"
    "   SELECT calls.partner_id, one.rule_id, calls.at, one.decided, one.ran FROM calls,"
    "   unnest(calls.rule_ids, calls.decided, calls.ran) AS one (rule_id, decided, ran))"
    " INSERT INTO rule_uses AS held (partner_id, rule_id, last_decided_at, decided, ran)"
    " SELECT partner_id, rule_id, max(at), sum(decided), sum(ran) FROM every"
    " GROUP BY partner_id, rule_id"
    " ON CONFLICT (partner_id, rule_id) DO UPDATE SET decided = held.decided + excluded.decided,"
    " ran = held.ran + excluded.ran,"
    " last_decided_at = greatest(held.last_decided_at, excluded.last_decided_at)"
)
_END_RUNS = text(
    "DELETE FROM policy_runs r WHERE r.reserved_at < :before AND (r.reserved_at < :beyond"
    "   OR r.released_at IS NOT NULL OR r.started_at IS NULL"
    "   OR EXISTS (SELECT FROM policy_runs n WHERE n.partner_id = r.partner_id"
    "     AND n.site = r.site AND n.host = r.host AND n.action = r.action"
    "     AND n.started_at > r.started_at))"
)
_END_KEPT = text(
    "DELETE FROM decisions_kept k USING ("
    "  SELECT partner_id, id, at, sum(decisions) OVER ("
    "    PARTITION BY partner_id ORDER BY id DESC) - decisions AS newer FROM decisions_kept) n"
    " WHERE k.partner_id = n.partner_id AND k.id = n.id"
    " AND (n.at < :before OR n.newer >= :limit)"
)
_END_ANSWERS = text("DELETE FROM decision_answers WHERE answered_at < :before")


async def tidy(engine: AsyncEngine, now: Now) -> int:
    """One round over all tenants; how many rows it folded or removed."""
    async with open_session(engine, Scope.system(), ACTOR, now=now) as session:
        at = session.now
        touched = await session.execute(_FOLD, limit=ROWS_PER_ROUND_MAX, calls=CALLS_PER_ROUND_MAX)
        touched += await session.execute(
            _END_RUNS, before=at - usage.COUNTED, beyond=at - usage.COOLDOWN
        )
        touched += await session.execute(_END_ANSWERS, before=at - KEY_KEPT)
        touched += await session.execute(
            _END_KEPT, before=at - timedelta(days=kept.DAYS_MAX), limit=kept.DECISIONS_MAX
        )
    return touched
