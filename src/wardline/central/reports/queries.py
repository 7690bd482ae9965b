"""The only joins across domains: read-only views of sites, the fleet, and what happened to it."""

from collections.abc import Iterable, Sequence

from sqlalchemy import RowMapping, TextClause, text

from wardline.central.database.session import Session
from wardline.core import deviation
from wardline.core.policy.decision import Code, Verdict

HEALED_MAX = 20
NEWEST_MAX = 20
STATUS_SITES_MAX = 500
OPEN = "i.closed_at IS NULL"
# A decision is the appliance's word: what it says beyond the words there are is one word here.
OTHER = "other"
REASON_CHARS_MAX = 500
BUNDLES_NAMED_MAX = 50


def _word(key: str, words: Iterable[str], row: str = "") -> str:
    """One of `words` in the decision of an incident, or OTHER; nothing where it says nothing."""
    said, known = f"{row}decision ->> '{key}'", ", ".join(f"'{word}'" for word in words)
    return f"CASE WHEN {said} IN ({known}) THEN {said} WHEN {said} IS NOT NULL THEN '{OTHER}' END"


_CODES = (*Code, deviation.ACCEPTED, deviation.ENDED)
_CODE = _word("code", _CODES, "i.")
# What somebody lives with for now: a deviation stands there, whatever the appliance said last. Of a
# host that cannot be measured its last word holds.
_SETTLED = f"""EXISTS (SELECT FROM deviation_standings n WHERE n.site_id = i.site_id
    AND n.host_id = i.host_id AND n.check_id = i.incident_type AND (n.standing = 'accepted'
      OR n.standing = 'unknown' AND i.decision ->> 'code' = '{deviation.ACCEPTED}'))"""
_UNSETTLED = f"{OPEN} AND NOT {_SETTLED}"

# How incidents ended, and who resolved them.
_OUTCOMES = """count(*) AS total,
    count(*) FILTER (WHERE i.outcome = 'success') AS success_count,
    count(*) FILTER (WHERE i.outcome = 'failed') AS failed_count,
    count(*) FILTER (WHERE i.outcome = 'escalated') AS escalated_count,
    count(*) FILTER (WHERE i.resolution_level = 'L1') AS l1_count,
    count(*) FILTER (WHERE i.resolution_level = 'L2') AS l2_count,
    count(*) FILTER (WHERE i.resolution_level = 'L3') AS l3_count"""

# Sites by name; the page is cut before anything is counted, so that what it skips costs little.
_PAGE = """SELECT * FROM sites WHERE partner_id = :partner_id
    AND (CAST(:after_id AS text) IS NULL OR (name, id) > (:after_name, :after_id))
  ORDER BY name, id LIMIT :limit OFFSET :skipped"""


def _overview(sites: str) -> TextClause:
    """Everything that a list shows of each of these sites."""
    return text(
        f"""
SELECT s.id, s.name, s.zone, s.healing, s.created_at, s.opening_hours,
  a.total AS appliances, a.online, a.last_checkin, r.hosts,
  r.passed, r.failed, r.unknown, r.not_applicable, r.measured_hosts, d.accepted,
  i.*, coalesce(l.size, 0) AS log_size,
  coalesce(c.size, 0) AS checkpoint_size, c.signed_at AS checkpoint_at,
  coalesce(w.size, 0) AS witnessed_size
FROM ({sites}) s
CROSS JOIN LATERAL (
  SELECT count(*) AS total, max(last_checkin) AS last_checkin,
    count(*) FILTER (WHERE last_checkin >= :online_since) AS online
  FROM appliances WHERE site_id = s.id AND retired_at IS NULL) a
JOIN site_posture r ON r.site_id = s.id
JOIN site_accepted d ON d.site_id = s.id
CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE {_UNSETTLED}) AS open_incidents,
    count(*) FILTER (WHERE i.state = 'observing') AS would_run, {_OUTCOMES}
  FROM incidents i WHERE i.site_id = s.id) i
LEFT JOIN evidence_log_heads l ON l.site_id = s.id
LEFT JOIN LATERAL (
  SELECT size, signed_at FROM evidence_checkpoints
  WHERE site_id = s.id AND generation = l.generation ORDER BY size DESC LIMIT 1) c ON true
LEFT JOIN LATERAL (
  SELECT max(size) AS size FROM evidence_cosignatures
  WHERE site_id = s.id AND generation = l.generation) w ON true
ORDER BY s.name, s.id
"""  # noqa: S608 - constants of this file
    )


_ONE_SITE = _overview("SELECT * FROM sites WHERE id = :site_id")
_SITES = _overview(_PAGE)
_TOTALS = text(
    f"""
SELECT (SELECT count(*) FROM sites WHERE partner_id = :partner_id) AS sites,
  (SELECT count(*) FROM hosts WHERE partner_id = :partner_id) AS hosts,
  (SELECT count(*) FROM deviation_standings
    WHERE partner_id = :partner_id AND standing = 'accepted') AS accepted, r.*, i.*
FROM (
  SELECT coalesce(sum(passed), 0)::bigint AS passed, coalesce(sum(failed), 0)::bigint AS failed,
    coalesce(sum(unknown), 0)::bigint AS unknown,
    coalesce(sum(not_applicable), 0)::bigint AS not_applicable,
    count(*) FILTER (WHERE passed + failed > 0) AS measured_hosts
  FROM (
    SELECT count(*) FILTER (WHERE outcome = 'pass') AS passed,
      count(*) FILTER (WHERE outcome = 'fail') AS failed,
      count(*) FILTER (WHERE outcome = 'unknown') AS unknown,
      count(*) FILTER (WHERE outcome = 'not_applicable') AS not_applicable
    FROM latest_results WHERE partner_id = :partner_id GROUP BY site_id, host_id) of_host) r
CROSS JOIN (
  SELECT count(*) FILTER (WHERE {_UNSETTLED}) AS open_incidents,
    count(*) FILTER (WHERE i.state IN ('healed', 'stable')
      AND i.closed_at >= :since AND i.closed_at <= :until) AS healed_24h, {_OUTCOMES}
  FROM incidents i WHERE i.partner_id = :partner_id) i
"""  # noqa: S608 - constants of this file
)
_SUMMARIES = text(
    f"""
SELECT s.id, s.name, i.* FROM ({_PAGE}) s
CROSS JOIN LATERAL (SELECT {_OUTCOMES} FROM incidents i WHERE i.site_id = s.id) i
ORDER BY s.name, s.id
"""  # noqa: S608 - constants of this file
)
_INCIDENTS = text(
    f"SELECT site_id, state, {_word('verdict', Verdict)} AS verdict,"  # noqa: S608 - constants
    f" {_word('code', _CODES)} AS code, count(*) AS count"
    " FROM incidents WHERE partner_id = :partner_id"
    " AND site_id = ANY(CAST(:sites AS text[])) GROUP BY 1, 2, 3, 4"
)
_BUNDLES = text(
    "SELECT site_id, count(*) AS count FROM evidence_bundles"
    " WHERE partner_id = :partner_id AND site_id = ANY(CAST(:sites AS text[])) GROUP BY 1"
)
# The newest bundles that tell of an incident, oldest of them first.
_TOLD = (
    "(SELECT array_agg(b.log_index ORDER BY b.log_index) FROM ("  # noqa: S608 - a constant
    "  SELECT log_index FROM incident_bundles"
    "  WHERE site_id = {row}.site_id AND incident_id = {row}.{key}"
    f"  ORDER BY log_index DESC LIMIT {BUNDLES_NAMED_MAX}) b) AS log_indexes"
)
_HEALED = text(
    "SELECT i.id, i.site_id, i.host_id,"  # noqa: S608 - constants of this file
    " h.name AS host_name, i.incident_type, i.state, i.created_at, i.closed_at, i.runbook,"
    " i.before, i.after,"
    f" {_TOLD.format(row='i', key='id')}"
    " FROM incidents i LEFT JOIN hosts h ON h.site_id = i.site_id AND h.id = i.host_id"
    " WHERE i.partner_id = :partner_id AND i.state IN ('healed', 'stable')"
    " ORDER BY i.closed_at DESC NULLS LAST, i.id DESC LIMIT :limit"
)
_ASKS = text(
    "SELECT a.id, a.incident_id, a.site_id,"  # noqa: S608 - constants of this file
    " a.host_id, h.name AS host_name, a.incident_type,"
    " a.runbook_id, a.rule_id, a.created_at, a.expires_at, count(*) OVER () AS of,"
    f" {_TOLD.format(row='a', key='incident_id')}"
    " FROM approvals a LEFT JOIN hosts h ON h.site_id = a.site_id AND h.id = a.host_id"
    " WHERE a.partner_id = :partner_id AND a.status = 'pending'"
    " ORDER BY a.created_at DESC, a.id DESC LIMIT :limit"
)
_BLOCKS = f"i.partner_id = :partner_id AND {_UNSETTLED} AND i.decision ->> 'verdict' = 'block'"
_BLOCKED_BY_CODE = text(
    f"SELECT {_CODE} AS code, count(*) AS count"  # noqa: S608 - constants of this file
    f" FROM incidents i WHERE {_BLOCKS} GROUP BY 1 ORDER BY 1"
)
# The newest that is blocked for each reason there is.
_BLOCKED = text(
    f"SELECT DISTINCT ON ({_CODE}) i.id,"  # noqa: S608 - constants of this file
    " i.site_id, i.host_id, h.name AS host_name,"
    f" i.incident_type, {_CODE} AS code,"
    f" left(i.decision ->> 'reason', {REASON_CHARS_MAX}) AS reason,"
    f" i.runbook ->> 'id' AS runbook_id, i.created_at, {_TOLD.format(row='i', key='id')}"
    " FROM incidents i LEFT JOIN hosts h ON h.site_id = i.site_id AND h.id = i.host_id"
    f" WHERE {_BLOCKS}"
    f" ORDER BY {_CODE}, i.created_at DESC, i.id DESC LIMIT :limit"
)
# The open incidents that stay as they are until a person does something, and why; what a hold, a
# waiting approval, an order on its way or an accepted deviation speaks for is told there.
_LEFT = (
    "SELECT i.id, i.site_id, i.host_id, i.incident_type, i.runbook ->> 'id' AS runbook_id,"  # noqa: S608 - constants of this file
    " i.created_at, i.severity, i.before ->> 'summary' AS summary,"
    " CASE WHEN i.state = 'escalated' THEN 'escalated'"
    "   WHEN i.decision ->> 'verdict' = 'offer' THEN 'offered' ELSE 'not_asked' END AS why"
    f" FROM incidents i WHERE i.partner_id = :partner_id AND {_UNSETTLED}"
    " AND (i.state = 'waiting'"
    "   OR i.state = 'escalated' AND i.decision ->> 'code' IS DISTINCT FROM 'hold')"
    " AND NOT EXISTS (SELECT FROM approvals a WHERE a.site_id = i.site_id"
    "   AND a.incident_id = i.id AND a.status = 'pending')"
    " AND NOT EXISTS (SELECT FROM orders o WHERE o.site_id = i.site_id"
    "   AND o.incident_id = i.id AND o.completed_at IS NULL"
    "   AND o.kind IN ('run_runbook', 'try_again'))"
)
_LEFT_BY_WHY = text(f"SELECT why, count(*) AS count FROM ({_LEFT}) found GROUP BY why ORDER BY why")  # noqa: S608 - constants of this file
_LEFT_NEWEST = text(
    f"SELECT found.*, h.name AS host_name, {_TOLD.format(row='found', key='id')}"  # noqa: S608 - constants of this file
    f" FROM ({_LEFT}) found LEFT JOIN hosts h ON h.site_id = found.site_id AND h.id = found.host_id"
    " ORDER BY found.created_at DESC, found.id DESC LIMIT :limit"
)
_HOLDS = text(
    "SELECT f.id, f.incident_id, f.site_id,"  # noqa: S608 - constants of this file
    " f.host_id, h.name AS host_name, f.incident_type,"
    " f.runbook_id, f.suppressed_at, f.reason, count(*) OVER () AS of,"
    f" {_TOLD.format(row='f', key='incident_id')}"
    " FROM flap_suppressions f LEFT JOIN hosts h ON h.site_id = f.site_id AND h.id = f.host_id"
    " WHERE f.partner_id = :partner_id AND f.cleared_at IS NULL"
    " ORDER BY f.suppressed_at DESC, f.id DESC LIMIT :limit"
)
_ORDERS_BY_STATUS = text(
    "SELECT status, count(*) AS count FROM orders WHERE partner_id = :partner_id"
    " GROUP BY status ORDER BY status"
)
_ORDERS = text(
    "SELECT o.id, o.kind, o.status, o.code, o.detail, o.site_id, o.host_id, h.name AS host_name,"
    " o.incident_type, o.runbook_id, o.created_at, o.completed_at, b.log_index"
    " FROM orders o LEFT JOIN hosts h ON h.site_id = o.site_id AND h.id = o.host_id"
    " LEFT JOIN evidence_bundles b ON b.site_id = o.site_id AND b.appliance_id = o.appliance_id"
    "   AND b.epoch = o.epoch AND b.seq = o.seq AND NOT b.equivocates"
    " WHERE o.partner_id = :partner_id ORDER BY o.created_at DESC, o.id DESC LIMIT :limit"
)
_PROCESSES = text("SELECT name, interval_ms, beat_at, ok, error FROM job_heartbeats ORDER BY name")


async def site(session: Session, site_id: str, online_since: object) -> RowMapping | None:
    return await session.row(_ONE_SITE, site_id=site_id, online_since=online_since)


async def sites(
    session: Session, online_since: object, after: tuple[str, str] | None, skipped: int, limit: int
) -> list[RowMapping]:
    """The partner's sites by name, after a (name, id)."""
    after_name, after_id = after or (None, None)
    return await session.rows(
        _SITES,
        partner_id=session.scope.owner,
        online_since=online_since,
        after_name=after_name,
        after_id=after_id,
        skipped=skipped,
        limit=limit,
    )


async def summaries(
    session: Session, after: tuple[str, str] | None, skipped: int, limit: int
) -> list[RowMapping]:
    """How the incidents of each site ended, of the partner's sites by name, after a (name, id)."""
    after_name, after_id = after or (None, None)
    return await session.rows(
        _SUMMARIES,
        partner_id=session.scope.owner,
        after_name=after_name,
        after_id=after_id,
        skipped=skipped,
        limit=limit,
    )


async def totals(session: Session, since: object) -> RowMapping:
    """Over all of the partner's sites; `healed_24h` counts from `since` until now."""
    given = {"partner_id": session.scope.owner, "since": since, "until": session.now}
    row = await session.row(_TOTALS, **given)
    assert row is not None, "an aggregate has a row"
    return row


async def incidents(session: Session, sites: Sequence[str]) -> list[RowMapping]:
    """How many incidents per site, state, verdict and code."""
    return await session.rows(_INCIDENTS, partner_id=session.scope.owner, sites=list(sites))


async def bundles(session: Session, sites: Sequence[str]) -> dict[str, int]:
    """How many bundles per site."""
    rows = await session.rows(_BUNDLES, partner_id=session.scope.owner, sites=list(sites))
    return {row["site_id"]: row["count"] for row in rows}


async def healed(session: Session) -> list[RowMapping]:
    """What was healed last, with what was measured before and after."""
    return await session.rows(_HEALED, partner_id=session.scope.owner, limit=HEALED_MAX)


async def asks(session: Session) -> list[RowMapping]:
    """The newest approvals that wait; `of` is how many do."""
    return await _newest(session, _ASKS)


async def blocked(session: Session) -> list[RowMapping]:
    """The newest open incident that the policy blocks, for each code."""
    return await _newest(session, _BLOCKED)


async def blocked_by_code(session: Session) -> list[RowMapping]:
    """How many there are of them for each code, which may be null."""
    return await session.rows(_BLOCKED_BY_CODE, partner_id=session.scope.owner)


async def left(session: Session) -> list[RowMapping]:
    """The newest open incidents that wait for a person and are told nowhere else."""
    return await _newest(session, _LEFT_NEWEST)


async def left_by_why(session: Session) -> dict[str, int]:
    """How many there are of them; why is `escalated`, `offered` or `not_asked`."""
    rows = await session.rows(_LEFT_BY_WHY, partner_id=session.scope.owner)
    return {row["why"]: row["count"] for row in rows}


async def holds(session: Session) -> list[RowMapping]:
    """The newest active holds; `of` is how many there are."""
    return await _newest(session, _HOLDS)


async def orders(session: Session) -> list[RowMapping]:
    """The newest orders."""
    return await _newest(session, _ORDERS)


async def orders_by_status(session: Session) -> dict[str, int]:
    rows = await session.rows(_ORDERS_BY_STATUS, partner_id=session.scope.owner)
    return {row["status"]: row["count"] for row in rows}


async def _newest(session: Session, sql: TextClause) -> list[RowMapping]:
    return await session.rows(sql, partner_id=session.scope.owner, limit=NEWEST_MAX)


async def processes(session: Session) -> list[RowMapping]:
    """The heartbeat of every loop of the jobs process."""
    return await session.rows(_PROCESSES)
