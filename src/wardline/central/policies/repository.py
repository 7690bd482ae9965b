"""SQL over rules, their versions and the revisions that wrote them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, text

from wardline.central.database import arrays
from wardline.central.database.session import Session
from wardline.policy.store import Past

_COLUMNS = "id, body, revision, created_by, created_at, updated_by, updated_at"
_HEAD = text("SELECT epoch, revision FROM policy_heads WHERE partner_id = :partner_id")
_MAKE_HEAD = text(
    "INSERT INTO policy_heads (partner_id) VALUES (:partner_id) ON CONFLICT DO NOTHING"
)
_LOCK_HEAD = text(
    "SELECT epoch, revision FROM policy_heads WHERE partner_id = :partner_id FOR UPDATE"
)
_MOVE_HEAD = text("UPDATE policy_heads SET revision = :revision WHERE partner_id = :partner_id")
_RAISE_EPOCH = text(
    "UPDATE policy_heads SET epoch = greatest(epoch + 1, :least) WHERE partner_id = :partner_id"
    " RETURNING epoch, revision"
)
_ALL = text(f"SELECT {_COLUMNS} FROM policies WHERE partner_id = :partner_id ORDER BY id")  # noqa: S608
_CHANGED = text(
    "SELECT DISTINCT ON (rule_id) rule_id, body FROM policy_rule_versions"
    " WHERE partner_id = :partner_id AND revision > :after AND revision <= :upto"
    " ORDER BY rule_id, revision DESC"
)
_OF_KPI = text(
    "SELECT body FROM policies WHERE partner_id = :partner_id"
    " AND body #>> '{when,kpiId}' = :kpi_id ORDER BY id"
)
_NAMED = text(
    f"SELECT {_COLUMNS} FROM policies"  # noqa: S608
    " WHERE partner_id = :partner_id AND id = ANY(CAST(:ids AS text[])) ORDER BY id"
)
_HELD = text(
    "SELECT id, revision FROM policies WHERE partner_id = :partner_id"
    " AND id = ANY(CAST(CAST(:ids AS text) AS text[])) ORDER BY id"
)
_COUNT = text("SELECT count(*) AS rules FROM policies WHERE partner_id = :partner_id")
_ADD_REVISION = text(
    "INSERT INTO policy_revisions (partner_id, revision, author, reason, created_at)"
    " VALUES (:partner_id, :revision, :author, :reason, :now)"
)
# The bodies travel and are read once; as a text, they pass the driver's own encoder by.
_PUT = text(
    "WITH given AS MATERIALIZED (SELECT body ->> 'id' AS id, body"
    " FROM jsonb_array_elements(CAST(CAST(:bodies AS text) AS jsonb)) AS body),"
    " versions AS (INSERT INTO policy_rule_versions (partner_id, rule_id, revision, body)"
    " SELECT :partner_id, id, :revision, body FROM given)"
    " INSERT INTO policies (partner_id, id, body, revision, created_by, created_at, updated_by,"
    " updated_at)"
    " SELECT :partner_id, id, body, :revision, :author, :now, :author, :now FROM given"
    " ON CONFLICT (partner_id, id) DO UPDATE SET body = excluded.body,"
    " revision = excluded.revision, updated_by = excluded.updated_by,"
    " updated_at = excluded.updated_at"
)
_WHOLE = text(
    f"SELECT head.epoch, head.revision AS head, {_COLUMNS.replace('revision', 'p.revision')}"  # noqa: S608
    " FROM policy_heads head LEFT JOIN policies p USING (partner_id)"
    " WHERE head.partner_id = :partner_id ORDER BY id"
)
_REVISIONS = text(
    "SELECT revision, author, reason, created_at FROM policy_revisions"
    " WHERE partner_id = :partner_id AND revision = ANY(CAST(:revisions AS bigint[]))"
    " ORDER BY revision"
)
_REMOVE = text(
    "DELETE FROM policies WHERE partner_id = :partner_id AND id = ANY(CAST(:ids AS text[]))"
)
_ADD_REMOVALS = text(
    "INSERT INTO policy_rule_versions (partner_id, rule_id, revision, body)"
    " SELECT :partner_id, id, :revision, NULL FROM unnest(CAST(:ids AS text[])) AS id"
)
_BATCHES = text(
    "SELECT id, body FROM decisions_kept WHERE partner_id = :partner_id"
    " AND at >= :since AND at < :until AND kpis && CAST(:kpis AS text[])"
    " AND (CAST(:before AS bigint) IS NULL OR id < :before)"
    " ORDER BY id DESC LIMIT :limit"
)
_INCIDENTS = text(
    "SELECT i.id, i.site_id, i.host_id, i.incident_type, i.severity, i.created_at,"
    " i.before -> 'facts' AS facts, i.decision, h.platform"
    " FROM incidents i LEFT JOIN hosts h ON h.site_id = i.site_id AND h.id = i.host_id"
    " WHERE i.partner_id = :partner_id AND i.created_at >= :since AND i.created_at < :until"
    " AND i.incident_type = ANY(CAST(:kpis AS text[])) AND i.decision IS NOT NULL"
    " AND (CAST(:site AS text) IS NULL OR i.site_id = :site)"
    " AND (CAST(:after_id AS text) IS NULL"
    "   OR (i.created_at, i.id) < (CAST(:after_at AS timestamptz), :after_id))"
    " ORDER BY i.created_at DESC, i.id DESC LIMIT :limit"
)
_HISTORY = text(
    "SELECT r.revision, r.author, r.reason, r.created_at, coalesce(c.added, 0) AS added,"
    " coalesce(c.changed, 0) AS changed, coalesce(c.removed, 0) AS removed"
    " FROM policy_revisions r LEFT JOIN policy_revision_counts c USING (partner_id, revision)"
    " WHERE r.partner_id = :partner_id AND r.revision < :before"
    " ORDER BY r.revision DESC LIMIT :limit"
)
_TOUCHED = text(
    "SELECT max(revision) AS revision FROM policy_rule_versions"
    " WHERE partner_id = :partner_id AND rule_id = :rule_id"
)
_VERSIONS = text(
    "SELECT v.revision, v.body - 'revision' AS body, r.author, r.reason, r.created_at"
    " FROM policy_rule_versions v JOIN policy_revisions r USING (partner_id, revision)"
    " WHERE v.partner_id = :partner_id AND v.rule_id = :rule_id AND v.revision < :before"
    " ORDER BY v.revision DESC LIMIT :limit"
)
_STANDING = text(
    "SELECT rule_id, body - 'revision' AS body FROM ("
    "SELECT DISTINCT ON (rule_id) rule_id, body FROM policy_rule_versions"
    " WHERE partner_id = :partner_id AND revision <= :revision"
    " AND (CAST(:rule_id AS text) IS NULL OR rule_id = :rule_id)"
    " ORDER BY rule_id, revision DESC) newest WHERE body IS NOT NULL"
)
# A rule as it was in either revision, of those that were touched in between.
_PAIRS = """
WITH touched AS (SELECT DISTINCT rule_id FROM policy_rule_versions
  WHERE partner_id = :partner_id AND revision > :low AND revision <= :high),
pairs AS (SELECT rule_id,
  (SELECT v.body - 'revision' FROM policy_rule_versions v WHERE v.partner_id = :partner_id
    AND v.rule_id = t.rule_id AND v.revision <= :low ORDER BY v.revision DESC LIMIT 1) AS before,
  (SELECT v.body - 'revision' FROM policy_rule_versions v WHERE v.partner_id = :partner_id
    AND v.rule_id = t.rule_id AND v.revision <= :high ORDER BY v.revision DESC LIMIT 1) AS after
  FROM touched t)
"""
_DIFFERING = text(
    f"{_PAIRS}SELECT rule_id, before, after FROM pairs"  # noqa: S608
    " WHERE rule_id > :start AND before IS DISTINCT FROM after ORDER BY rule_id LIMIT :limit"
)
_COUNT_DIFFERING = text(
    f"{_PAIRS}SELECT count(*) FILTER (WHERE before IS NULL) AS added,"  # noqa: S608
    " count(*) FILTER (WHERE before IS NOT NULL AND after IS NOT NULL) AS changed,"
    " count(*) FILTER (WHERE after IS NULL) AS removed"
    " FROM pairs WHERE before IS DISTINCT FROM after"
)
_BEYOND_ALL = 2**63 - 1

# Row security keeps the heads, sites and freezes of other partners out of sight.
_GROUND = """
SELECT h.epoch, h.revision, s.id AS site_id, s.zone, s.opening_hours, s.healing,
  EXISTS (SELECT 1 FROM freezes f WHERE f.partner_id = $1 AND f.lifted_at IS NULL
    AND f.appliance_id IS NULL AND (f.site_id IS NULL OR f.site_id = s.id)) AS is_frozen
FROM (SELECT 1) AS one
LEFT JOIN policy_heads h ON h.partner_id = $1
LEFT JOIN sites s ON s.id = $2::text
"""


class Repository:
    """The rules of the session's partner."""

    __slots__ = ("_partner_id", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._partner_id = session.scope.owner

    async def head(self) -> RowMapping | None:
        """Epoch and revision; None where nothing was ever written."""
        return await self._session.row(_HEAD, partner_id=self._partner_id)

    async def ground(self, site_id: str | None) -> dict[str, Any]:
        """Epoch and revision, both None where nothing was ever written, beside the site's zone,
        hours and healing, and whether somebody froze it; `site_id` None where there is none."""
        row = await self._session.raw.fetchrow(_GROUND, self._partner_id, site_id)
        assert row is not None, "one row stands on the left"
        return dict(row)

    async def lock_head(self) -> RowMapping:
        """Epoch and revision, held until the transaction ends: writers take turns."""
        await self._session.execute(_MAKE_HEAD, partner_id=self._partner_id)
        row = await self._session.row(_LOCK_HEAD, partner_id=self._partner_id)
        assert row is not None, "the row was just made sure of"
        return row

    async def raise_epoch(self, least: int) -> RowMapping:
        """A higher epoch, `least` or more, of a head that is held; gives the head."""
        row = await self._session.row(_RAISE_EPOCH, partner_id=self._partner_id, least=least)
        assert row is not None, "who raises the epoch holds the head"
        return row

    async def all(self) -> list[RowMapping]:
        return await self._session.rows(_ALL, partner_id=self._partner_id)

    async def changed(self, after: int, upto: int) -> list[RowMapping]:
        """What each rule written after one revision became by another; a body of None = gone."""
        return await self._session.rows(
            _CHANGED, partner_id=self._partner_id, after=after, upto=upto
        )

    async def of_kpi(self, kpi_id: str) -> list[RowMapping]:
        """The rules in force about one check; looks through all of the partner's."""
        return await self._session.rows(_OF_KPI, partner_id=self._partner_id, kpi_id=kpi_id)

    async def named(self, rule_ids: Sequence[str]) -> list[RowMapping]:
        return await self._session.rows(_NAMED, partner_id=self._partner_id, ids=list(rule_ids))

    async def held(self, rule_ids: Iterable[str]) -> list[tuple[str, int]]:
        """Ids and revisions of those of the rules that are there."""
        found = await self._session.rows(
            _HELD, partner_id=self._partner_id, ids=arrays.texts(rule_ids)
        )
        return [(row["id"], row["revision"]) for row in found]

    async def count(self) -> int:
        row = await self._session.row(_COUNT, partner_id=self._partner_id)
        assert row is not None, "a count has a row"
        return int(row["rules"])

    async def begin_revision(self, revision: int, author: str, reason: str | None) -> None:
        """A new revision, which is the newest from now on."""
        await self._session.execute(
            _ADD_REVISION,
            partner_id=self._partner_id,
            revision=revision,
            author=author,
            reason=reason,
            now=self._session.now,
        )
        await self._session.execute(_MOVE_HEAD, partner_id=self._partner_id, revision=revision)

    async def put(self, revision: int, author: str, bodies: Sequence[bytes]) -> None:
        """Writes rules, new or in place of the ones with their ids, and their versions; a body is
        the JSON of one."""
        await self._session.execute(
            _PUT,
            partner_id=self._partner_id,
            revision=revision,
            author=author,
            now=self._session.now,
            bodies=f"[{b','.join(bodies).decode()}]",
        )

    async def whole(self) -> list[RowMapping]:
        """Head and rules of one instant; a policy without rules is one row with an id of None."""
        return await self._session.rows(_WHOLE, partner_id=self._partner_id)

    async def revisions(self, numbers: Sequence[int]) -> list[RowMapping]:
        return await self._session.rows(
            _REVISIONS, partner_id=self._partner_id, revisions=list(numbers)
        )

    async def remove(self, revision: int, rule_ids: Sequence[str]) -> None:
        """Takes rules out of force; their versions stay."""
        given = {"partner_id": self._partner_id, "ids": list(rule_ids)}
        await self._session.execute(_REMOVE, **given)
        await self._session.execute(_ADD_REMOVALS, **given, revision=revision)

    async def batches(self, asked: Past, before: int | None, limit: int) -> list[RowMapping]:
        """Decisions as they are kept (`id`, `body`), newest first, below an id."""
        return await self._session.rows(_BATCHES, **self._which(asked), before=before, limit=limit)

    async def decided_incidents(
        self, asked: Past, after: tuple[datetime, str] | None, limit: int
    ) -> list[RowMapping]:
        """Incidents that an appliance decided about, newest first, after one of them."""
        at, incident_id = (None, None) if after is None else after
        return await self._session.rows(
            _INCIDENTS,
            **self._which(asked),
            site=asked.site,
            after_at=at,
            after_id=incident_id,
            limit=limit,
        )

    def _which(self, asked: Past) -> dict[str, Any]:
        return {
            "partner_id": self._session.scope.owner,
            "since": asked.since,
            "until": asked.until,
            "kpis": sorted(asked.kpi_ids),
        }

    async def history(self, before: int | None, limit: int) -> list[RowMapping]:
        """Revisions under `before`, newest first, with how many rules each changed."""
        return await self._session.rows(
            _HISTORY,
            partner_id=self._partner_id,
            before=_BEYOND_ALL if before is None else before,
            limit=limit,
        )

    async def touched(self, rule_id: str) -> int | None:
        """The newest revision that wrote or removed the rule."""
        row = await self._session.row(_TOUCHED, partner_id=self._partner_id, rule_id=rule_id)
        assert row is not None, "a maximum has a row"
        found: int | None = row["revision"]
        return found

    async def versions(self, rule_id: str, before: int | None, limit: int) -> list[RowMapping]:
        """What revisions under `before` made of a rule, newest first."""
        return await self._session.rows(
            _VERSIONS,
            partner_id=self._partner_id,
            rule_id=rule_id,
            before=_BEYOND_ALL if before is None else before,
            limit=limit,
        )

    async def standing(self, revision: int, rule_id: str | None) -> list[RowMapping]:
        """The rules, or the one, as a revision left them."""
        return await self._session.rows(
            _STANDING, partner_id=self._partner_id, revision=revision, rule_id=rule_id
        )

    async def differing(self, low: int, high: int, start: str, limit: int) -> list[RowMapping]:
        """Rules beyond `start` that are not the same in both revisions, by id."""
        return await self._session.rows(
            _DIFFERING,
            partner_id=self._partner_id,
            low=low,
            high=high,
            start=start,
            limit=limit,
        )

    async def count_differing(self, low: int, high: int) -> tuple[int, int, int]:
        """How many rules came, changed and went between two revisions."""
        row = await self._session.row(
            _COUNT_DIFFERING, partner_id=self._partner_id, low=low, high=high
        )
        assert row is not None, "a count has a row"
        return row["added"], row["changed"], row["removed"]
