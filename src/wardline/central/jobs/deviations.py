"""Follows accepted deviations: ends those whose date has come, and tells what changed on a host."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from wardline.central.database.scope import Scope
from wardline.central.database.session import open_session
from wardline.central.jobs.loops import ACTOR
from wardline.core.clock import Now

PER_ROUND_MAX = 500

_EXPIRE = text(
    "WITH due AS MATERIALIZED ("
    "  SELECT site_id, id FROM deviations WHERE ended_at IS NULL AND until <= :now"
    "  ORDER BY until LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED), ended AS ("
    "  UPDATE deviations d SET ended_at = :now, ended_why = 'expired'"
    "  FROM due WHERE d.site_id = due.site_id AND d.id = due.id"
    "  RETURNING d.site_id, d.partner_id, d.id, d.until), let_go AS ("
    "  UPDATE deviation_hosts h SET ended_at = :now FROM due"
    "  WHERE h.site_id = due.site_id AND h.deviation_id = due.id AND h.ended_at IS NULL), told AS ("
    "  INSERT INTO deviation_events (site_id, partner_id, deviation_id, kind, at, until)"
    "  SELECT site_id, partner_id, id, 'expired', :now, until FROM ended)"
    " INSERT INTO change_log (partner_id, site_id, kind, subject, payload)"
    " SELECT partner_id, site_id, 'deviation', id, jsonb_build_object('state', 'expired')"
    " FROM ended"
)
# A host that cannot be measured is no news of what was accepted there.
_FOLLOW = text(
    "WITH due AS MATERIALIZED ("
    "  SELECT h.site_id, h.deviation_id, h.host_id, n.standing"
    "  FROM deviation_hosts h JOIN deviation_standings n ON n.site_id = h.site_id"
    "    AND n.deviation_id = h.deviation_id AND n.host_id = h.host_id"
    "  WHERE h.ended_at IS NULL AND n.standing <> h.standing AND n.standing <> 'unknown'"
    "  LIMIT :limit FOR NO KEY UPDATE OF h SKIP LOCKED), moved AS ("
    "  UPDATE deviation_hosts h SET standing = due.standing FROM due"
    "  WHERE h.site_id = due.site_id AND h.deviation_id = due.deviation_id"
    "    AND h.host_id = due.host_id"
    "  RETURNING h.site_id, h.partner_id, h.deviation_id, h.host_id, h.standing), told AS ("
    "  INSERT INTO deviation_events (site_id, partner_id, deviation_id, kind, at, host_id)"
    "  SELECT site_id, partner_id, deviation_id,"
    "    CASE standing WHEN 'accepted' THEN 'returned' ELSE standing END, :now, host_id FROM moved)"
    " INSERT INTO change_log (partner_id, site_id, kind, subject, payload)"
    " SELECT partner_id, site_id, 'deviation', deviation_id,"
    "   jsonb_build_object('state', standing) FROM moved"
)


async def follow(engine: AsyncEngine, now: Now) -> int:
    """One round over all tenants; how many ended, and on how many hosts it is otherwise now."""
    async with open_session(engine, Scope.system(), ACTOR, now=now) as session:
        given = {"now": session.now, "limit": PER_ROUND_MAX}
        expired = await session.execute(_EXPIRE, **given)
        moved = await session.execute(_FOLLOW, **given)
    return expired + moved
