"""Ends what nobody ended: orders and approvals whose time is over, each under a name of its own.

A late report of the appliance corrects `lost`; nothing here says that a run did not happen.
"""

from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from wardline.central.database.scope import Scope
from wardline.central.database.session import open_session
from wardline.central.jobs.loops import ACTOR
from wardline.core.clock import Now

# Longer than any runbook may take, with its measurement and a slow line.
RUNNING_SECONDS_MAX = 3600
ENDED_PER_ROUND_MAX = 500

_END_ORDERS = text(
    "WITH due AS MATERIALIZED ("
    "  SELECT id, status = 'pending' AND kind = 'run_runbook'"
    "    AND is_frozen(partner_id, site_id, appliance_id) AS frozen"
    "  FROM orders WHERE completed_at IS NULL"
    "    AND ((status = 'pending' AND expires_at <= :now)"
    "      OR (status = 'leased' AND expires_at <= :now AND lease_until <= :now)"
    "      OR (status = 'running' AND started_at <= :started_before))"
    "  ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED), ended AS ("
    "  UPDATE orders o SET completed_at = :now,"
    "    status = CASE o.status WHEN 'pending' THEN 'expired' ELSE 'lost' END,"
    "    code = CASE WHEN due.frozen THEN 'freeze' WHEN o.status = 'pending' THEN 'not_fetched'"
    "      WHEN o.status = 'leased' THEN 'no_report' ELSE 'no_end' END,"
    "    detail = CASE WHEN due.frozen THEN 'a freeze was in force until its time was over'"
    "      WHEN o.status = 'pending' THEN 'its appliance did not fetch it in time'"
    "      WHEN o.status = 'leased' THEN 'its appliance fetched it and said no more'"
    "      ELSE 'its appliance began it and did not say how it ended' END"
    "  FROM due WHERE o.id = due.id RETURNING o.id, o.site_id, o.partner_id, o.status)"
    " INSERT INTO change_log (partner_id, site_id, kind, subject, payload)"
    " SELECT partner_id, site_id, 'order', id, jsonb_build_object('status', status) FROM ended"
)
_END_APPROVALS = text(
    "WITH due AS MATERIALIZED ("
    "  SELECT id FROM approvals WHERE status = 'pending' AND expires_at <= :now"
    "  ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED), ended AS ("
    "  UPDATE approvals a SET status = 'expired', closed_at = :now"
    "  FROM due WHERE a.id = due.id RETURNING a.id, a.site_id, a.partner_id)"
    " INSERT INTO change_log (partner_id, site_id, kind, subject, payload)"
    " SELECT partner_id, site_id, 'approval', id, jsonb_build_object('status', 'expired')"
    " FROM ended"
)


async def end_overdue(engine: AsyncEngine, now: Now) -> int:
    """One round over all tenants; how many orders and approvals it ended."""
    async with open_session(engine, Scope.system(), ACTOR, now=now) as session:
        orders = await session.execute(
            _END_ORDERS,
            now=session.now,
            started_before=session.now - timedelta(seconds=RUNNING_SECONDS_MAX),
            limit=ENDED_PER_ROUND_MAX,
        )
        approvals = await session.execute(
            _END_APPROVALS, now=session.now, limit=ENDED_PER_ROUND_MAX
        )
    return orders + approvals
