"""The SQL of patterns: what their incidents and runs come to, worked out anew each time."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, text

from wardline.central.database.session import Session

# Time alone ends a canary.
_DUE = text(
    "SELECT partner_id FROM pattern_runs WHERE changed_at >= :since AND partner_id > :after"
    " UNION SELECT partner_id FROM promotions WHERE stage = 'canary' AND partner_id > :after"
    " UNION SELECT named FROM unnest(CAST(:again AS text[])) AS named WHERE named > :after"
    " ORDER BY partner_id LIMIT :limit"
)
_EVERY = text(
    "SELECT DISTINCT partner_id FROM sites WHERE partner_id > :after"
    " ORDER BY partner_id LIMIT :limit"
)
_PUT_STATS = text(
    "INSERT INTO pattern_stats AS old (partner_id, pattern_signature, incident_type, total_count,"
    " l1_count, l2_count, l3_count, success_count, promotion_eligible, newest_at, computed_at)"
    " SELECT i.partner_id, i.pattern_signature, i.incident_type, count(*),"
    "   count(*) FILTER (WHERE i.resolution_level = 'L1'),"
    "   count(*) FILTER (WHERE i.resolution_level = 'L2'),"
    "   count(*) FILTER (WHERE i.resolution_level = 'L3'),"
    "   count(*) FILTER (WHERE i.state = 'stable' AND NOT EXISTS (SELECT FROM pattern_runs r"
    "     WHERE r.site_id = i.site_id AND r.incident_id = i.id AND r.ended = 'undone')),"
    "   EXISTS (SELECT FROM pattern_runbooks m WHERE m.partner_id = i.partner_id"
    "     AND m.pattern_signature = i.pattern_signature AND m.incident_type = i.incident_type"
    "     AND m.lacking = '[]'), max(i.created_at), :now"
    " FROM incidents i WHERE i.partner_id = :partner_id AND i.created_at >= :since"
    " AND i.state IN ('healed', 'stable', 'escalated')"
    " GROUP BY i.partner_id, i.pattern_signature, i.incident_type"
    " ON CONFLICT (partner_id, pattern_signature, incident_type) DO UPDATE SET"
    " total_count = excluded.total_count, l1_count = excluded.l1_count,"
    " l2_count = excluded.l2_count, l3_count = excluded.l3_count,"
    " success_count = excluded.success_count, promotion_eligible = excluded.promotion_eligible,"
    " newest_at = excluded.newest_at, computed_at = excluded.computed_at"
)
_DROP_STATS = text(
    "DELETE FROM pattern_stats WHERE partner_id = :partner_id AND computed_at < :now"
)
# What a person turned down, or what was demoted, has to be earned anew from then on.
_OF_RUNBOOKS = text(
    "SELECT r.pattern_signature, r.incident_type, r.runbook_id, r.runbook_digest,"
    "   max(r.runbook_version) AS runbook_version, count(*) AS runs,"
    "   count(*) FILTER (WHERE r.ended IS NULL) AS watched,"
    "   count(*) FILTER (WHERE r.ended = 'stable') AS stable,"
    "   count(*) FILTER (WHERE r.ended = 'failed') AS failed,"
    "   count(*) FILTER (WHERE r.ended = 'recurred') AS recurred,"
    "   count(*) FILTER (WHERE r.ended = 'undone') AS undone,"
    "   count(*) FILTER (WHERE r.ended = 'unproved') AS unproved,"
    "   count(DISTINCT (r.site_id, r.incident_id))"
    "     FILTER (WHERE r.ended <> 'unproved') AS occurrences,"
    "   count(DISTINCT (r.site_id, r.incident_id))"
    "     FILTER (WHERE r.ended = 'stable' AND r.level = 'L2') AS by_l2,"
    "   coalesce(array_agg(CAST(:now AS timestamptz) - r.at)"
    "     FILTER (WHERE r.ended = 'stable'), '{}') AS good_ages,"
    "   coalesce(array_agg(CAST(:now AS timestamptz) - r.at)"
    "     FILTER (WHERE r.ended IN ('failed', 'recurred', 'undone')), '{}') AS bad_ages,"
    "   max(r.at) AS newest_at"
    " FROM pattern_runs r WHERE r.partner_id = :partner_id AND r.at >= :since"
    " AND r.at > coalesce((SELECT max(p.ended_at) FROM promotions p"
    "   WHERE p.partner_id = r.partner_id AND p.pattern_signature = r.pattern_signature"
    "   AND p.incident_type = r.incident_type AND p.runbook_id = r.runbook_id"
    "   AND p.stage IN ('demoted', 'rejected')), '-infinity')"
    " GROUP BY r.pattern_signature, r.incident_type, r.runbook_id, r.runbook_digest"
    " ORDER BY max(r.at) DESC LIMIT :limit"
)
_PUT_RUNBOOKS = text(
    "INSERT INTO pattern_runbooks (partner_id, pattern_signature, incident_type, runbook_id,"
    " runbook_digest, runbook_version, runs, watched, stable, failed, recurred, undone, unproved,"
    " occurrences, by_l2, good, everything, lacking, newest_at, computed_at)"
    " SELECT :partner_id, new.*, :now FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS new ("
    "  pattern_signature text, incident_type text, runbook_id text, runbook_digest text,"
    "  runbook_version text, runs int, watched int, stable int, failed int, recurred int,"
    "  undone int, unproved int, occurrences int, by_l2 int, good bigint, everything bigint,"
    "  lacking jsonb, newest_at timestamptz)"
    " ON CONFLICT (partner_id, pattern_signature, incident_type, runbook_id, runbook_digest)"
    " DO UPDATE SET runbook_version = excluded.runbook_version, runs = excluded.runs,"
    " undone = excluded.undone, watched = excluded.watched, stable = excluded.stable,"
    " failed = excluded.failed,"
    " recurred = excluded.recurred, unproved = excluded.unproved,"
    " occurrences = excluded.occurrences, by_l2 = excluded.by_l2, good = excluded.good,"
    " everything = excluded.everything, lacking = excluded.lacking,"
    " newest_at = excluded.newest_at, computed_at = excluded.computed_at"
)
_DROP_RUNBOOKS = text(
    "DELETE FROM pattern_runbooks WHERE partner_id = :partner_id AND computed_at < :now"
)
_STANDING = text(
    "SELECT id, stage, incident_type, pattern_signature, runbook_id, runbook_digest,"
    " canary_site_id, approved_at FROM promotions"
    " WHERE partner_id = :partner_id AND ended_at IS NULL"
    " ORDER BY stage NOT IN ('canary', 'promoted'), id LIMIT :limit"
)
# The newest ones, in the order in which each appliance recorded them; beside each, how many of its
# appliance's, and of everybody's, are older than these, and how many of those went wrong.
_TRIALS = text(
    "WITH newest AS (SELECT * FROM pattern_runs"
    "   WHERE partner_id = :partner_id AND promotion_id = :id AND ended IS NOT NULL"
    "   ORDER BY changed_at DESC, ended_epoch DESC, ended_seq DESC, ended_place DESC, mark"
    "   LIMIT :limit),"
    " older AS (SELECT appliance_id, count(*) FILTER (WHERE ended <> 'unproved') AS decided,"
    "     count(*) FILTER (WHERE ended IN ('failed', 'recurred', 'undone')) AS bad"
    "   FROM pattern_runs r WHERE partner_id = :partner_id AND promotion_id = :id"
    "   AND ended IS NOT NULL AND (SELECT count(*) FROM newest) = :limit"
    "   AND NOT EXISTS (SELECT FROM newest n WHERE n.site_id = r.site_id"
    "     AND n.incident_id = r.incident_id AND n.mark = r.mark) GROUP BY appliance_id)"
    " SELECT n.site_id, n.appliance_id, n.ended, n.canary, n.changed_at,"
    "   o.decided AS own_before, o.bad AS own_bad_before,"
    "   (SELECT sum(decided)::bigint FROM older) AS before,"
    "   (SELECT sum(bad)::bigint FROM older) AS bad_before"
    " FROM newest n LEFT JOIN older o ON o.appliance_id = n.appliance_id"
    " ORDER BY n.appliance_id, n.ended_epoch, n.ended_seq, n.ended_place, n.mark"
)
# A promotion in use keeps all of its runs: by them it is judged.
_REMOVE = text(
    "DELETE FROM pattern_runs WHERE (site_id, incident_id, mark) IN ("
    " SELECT r.site_id, r.incident_id, r.mark FROM pattern_runs r WHERE r.at < :oldest"
    " AND NOT EXISTS (SELECT FROM promotions p WHERE p.partner_id = r.partner_id"
    "   AND p.id = r.promotion_id AND p.ended_at IS NULL) LIMIT :limit)"
)
_PATTERNS = text(
    "SELECT t.*, coalesce((SELECT jsonb_agg(to_jsonb(m) ORDER BY m.occurrences DESC, m.runbook_id)"
    "   FROM pattern_runbooks m WHERE m.partner_id = t.partner_id"
    "   AND m.pattern_signature = t.pattern_signature AND m.incident_type = t.incident_type),"
    "   '[]') AS runbooks FROM pattern_stats t WHERE t.partner_id = :partner_id"
    " AND (CAST(:after AS text) IS NULL"
    "   OR (t.pattern_signature, t.incident_type) > (:after, :after_check))"
    " ORDER BY t.pattern_signature, t.incident_type LIMIT :limit"
)
_OF_PATTERN = text(
    "SELECT i.site_id, i.id, i.host_id, h.platform, i.severity, i.raw_data -> 'facts' AS facts,"
    " i.created_at, i.state, i.decision -> 'choice' ->> 'mark' AS choice, count(*) OVER () AS of,"
    " (SELECT jsonb_agg(r.ended ORDER BY r.at) FROM pattern_runs r"
    "   WHERE r.site_id = i.site_id AND r.incident_id = i.id AND r.runbook_id = :runbook_id"
    "   AND r.runbook_digest = :runbook_digest AND r.ended IS NOT NULL) AS ends"
    " FROM incidents i LEFT JOIN hosts h ON h.site_id = i.site_id AND h.id = i.host_id"
    " WHERE i.partner_id = :partner_id AND i.pattern_signature = :pattern"
    " AND i.incident_type = :check AND i.created_at >= :since"
    " ORDER BY i.created_at DESC, i.id DESC LIMIT :limit"
)


class Patterns:
    """The statistics inside one transaction; the partner is named, for jobs have none."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    async def due(self, since: datetime, again: Sequence[str], after: str, limit: int) -> list[str]:
        """Partners at whose sites a run began or ended since then, or of which a promotion is in
        its canary, and those of `again`; by id."""
        rows = await self._session.rows(
            _DUE, since=since, again=list(again), after=after, limit=limit
        )
        return [row["partner_id"] for row in rows]

    async def every(self, after: str, limit: int) -> list[str]:
        """Partners with a site, by id."""
        rows = await self._session.rows(_EVERY, after=after, limit=limit)
        return [row["partner_id"] for row in rows]

    async def of_runbooks(self, partner_id: str, since: datetime, limit: int) -> list[RowMapping]:
        """What runs since then come to, the freshest pattern first."""
        return await self._session.rows(
            _OF_RUNBOOKS,
            partner_id=partner_id,
            since=since,
            now=self._session.now,
            limit=limit,
        )

    async def put(self, partner_id: str, since: datetime, rows: Sequence[dict[str, Any]]) -> None:
        """These are the partner's statistics from now on; `rows` are of runbooks."""
        about = {"partner_id": partner_id, "now": self._session.now}
        await self._session.execute(_PUT_RUNBOOKS, **about, rows=list(rows))
        await self._session.execute(_DROP_RUNBOOKS, **about)
        await self._session.execute(_PUT_STATS, **about, since=since)
        await self._session.execute(_DROP_STATS, **about)

    async def standing(self, partner_id: str, limit: int) -> list[RowMapping]:
        """The partner's promotions that have not ended, those in force first."""
        return await self._session.rows(_STANDING, partner_id=partner_id, limit=limit)

    async def trials(self, partner_id: str, promotion_id: str, limit: int) -> list[RowMapping]:
        """The ended runs of a promotion that were heard of last, by appliance and in each one's
        order, with what those before them come to; null where there are none."""
        return await self._session.rows(
            _TRIALS, partner_id=partner_id, id=promotion_id, limit=limit
        )

    async def remove(self, oldest: datetime, limit: int) -> int:
        """Forgets runs that began before then; how many."""
        return await self._session.execute(_REMOVE, oldest=oldest, limit=limit)

    async def page(self, after: tuple[str, str] | None, limit: int) -> list[RowMapping]:
        """The partner's patterns by signature and check, each with its runbooks."""
        pattern, check = after or (None, None)
        return await self._session.rows(
            _PATTERNS,
            partner_id=self._session.scope.owner,
            after=pattern,
            after_check=check,
            limit=limit,
        )

    async def of_pattern(self, row: RowMapping, since: datetime, limit: int) -> list[RowMapping]:
        """The incidents of a promotion's pattern since then, newest first, each with how the runs
        of its runbook ended there; `of` is how many there are, past `limit` too."""
        return await self._session.rows(
            _OF_PATTERN,
            partner_id=self._session.scope.owner,
            pattern=row["pattern_signature"],
            check=row["incident_type"],
            runbook_id=row["runbook_id"],
            runbook_digest=row["runbook_digest"],
            since=since,
            limit=limit,
        )
