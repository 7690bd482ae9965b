"""The SQL of reading the audit log: what a search finds, one record, and the whole of it."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from functools import lru_cache

import orjson
from sqlalchemy import RowMapping, TextClause, text

from wardline.central.audit.rows import Search, Signed
from wardline.central.database.session import Session

# Each is written into the statement only where it is asked for, so that its index can serve it.
_FILTERS = {
    "actor": "e.actor_id = :actor",
    "action": "e.action = :action",
    "subject": "e.subject = :subject",
    "site": "e.site_id = :site",
    "since": "e.at >= :since",
    "until": "e.at < :until",
}
_SAID = (
    "concat_ws(' ', said ->> 'action', said ->> 'subject', said ->> 'actor', said ->> 'address',"
    " said ->> 'reason', said ->> 'before', said ->> 'after')"
)
_LOOKED_AT = """
SELECT e.seq, e.entry FROM audit_log_entries e
WHERE e.partner_id = :partner_id AND e.generation = :generation AND e.seq < :before{filters}
ORDER BY e.seq DESC LIMIT :looked_at
"""
_PAGE = """
WITH looked_at AS MATERIALIZED ({looked_at})
SELECT seq, entry FROM looked_at ORDER BY seq DESC LIMIT :limit
"""
# Most records do not hold the text at all, which their bytes tell at a tenth of what it costs to
# read them; only in what is left is it looked for where it counts, and not in names of fields.
_PAGE_HOLDING = """
WITH looked_at AS MATERIALIZED ({looked_at}), near AS MATERIALIZED (
  SELECT seq, entry, convert_from(entry, 'UTF8') AS leaf FROM looked_at
  WHERE strpos(lower(convert_from(entry, 'UTF8')), lower(:text)) > 0
    OR strpos(lower(convert_from(entry, 'UTF8')), lower(:escaped)) > 0)
SELECT seq, entry FROM near, LATERAL (SELECT leaf::json AS said) AS read
WHERE strpos(lower({said}), lower(:text)) > 0 ORDER BY seq DESC LIMIT :limit
"""
_NAMES = text(
    "SELECT id, name FROM users WHERE partner_id = :partner_id"
    " AND id = ANY(CAST(:ids AS text[]))"
    " UNION ALL SELECT id, name FROM sites WHERE id = ANY(CAST(:ids AS text[]))"
    " UNION ALL SELECT id, hostname FROM appliances WHERE id = ANY(CAST(:ids AS text[]))"
)
_BY_EMAIL = text("SELECT id FROM users WHERE lower(email) = lower(:email)")
_ONE = text(
    "SELECT e.entry, e.leaf_hash, a.actor_kind, a.actor_id, host(a.address) AS address, a.site_id,"
    " a.action, a.subject, a.before, a.after, a.reason, a.at"
    " FROM audit_log_entries e LEFT JOIN audit_log a ON a.id = e.record_id"
    " WHERE e.partner_id = :partner_id AND e.generation = :generation AND e.seq = :seq"
)
_HEAD = text("SELECT generation, size FROM audit_log_heads WHERE partner_id = :partner_id")
_NEWEST = text(
    "SELECT generation, size, root, note, signed_at FROM audit_log_checkpoints"
    " WHERE partner_id = :partner_id ORDER BY generation DESC, size DESC LIMIT 1"
)
_WAITING = text("SELECT count(*) AS waiting FROM audit_log_waiting WHERE partner_id = :partner_id")
_ALARM = text(
    "SELECT reason FROM audit_log_alarms WHERE partner_id = :partner_id"
    " ORDER BY last_seen_at DESC LIMIT 1"
)
_NODES = text(
    "SELECT 0 AS level, seq - 1 AS node_index, leaf_hash AS hash FROM audit_log_entries"
    " WHERE partner_id = :partner_id AND generation = :generation"
    "   AND seq = ANY(CAST(:seqs AS bigint[]))"
    " UNION ALL SELECT n.level, n.node_index, n.hash"
    " FROM unnest(CAST(:levels AS smallint[]), CAST(:indexes AS bigint[]))"
    "   AS wanted (level, node_index)"
    " JOIN audit_log_nodes n ON n.partner_id = :partner_id AND n.generation = :generation"
    "   AND n.level = wanted.level AND n.node_index = wanted.node_index"
)
_RECORDS = text(
    "SELECT seq AS key, entry FROM audit_log_entries WHERE partner_id = :partner_id"
    " AND generation = :generation AND seq > :after AND seq <= :size ORDER BY seq LIMIT :limit"
)
_CHECKPOINTS = text(
    "SELECT size AS key, note FROM audit_log_checkpoints WHERE partner_id = :partner_id"
    " AND generation = :generation AND size > :after AND size <= :size ORDER BY size LIMIT :limit"
)


@dataclass(frozen=True, slots=True)
class Below:
    """A part of what stands under a checkpoint: the next `limit` rows behind `after`."""

    generation: int
    size: int
    after: int
    limit: int


class Repository:
    """Reads the log of the session's partner."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._own = {"partner_id": session.scope.owner}

    async def head(self) -> tuple[int, int] | None:
        """Generation and size; None where nothing was appended yet."""
        row = await self._session.row(_HEAD, **self._own)
        return None if row is None else (row["generation"], row["size"])

    async def newest(self) -> Signed | None:
        row = await self._session.row(_NEWEST, **self._own)
        return None if row is None else Signed(**row)

    async def waiting(self) -> int:
        """How many records are not appended yet."""
        row = await self._session.row(_WAITING, **self._own)
        return 0 if row is None else int(row["waiting"])

    async def alarm(self) -> str | None:
        """Why the log is signed no more."""
        row = await self._session.row(_ALARM, **self._own)
        return None if row is None else str(row["reason"])

    async def page(
        self, search: Search, generation: int, before: int, looked_at: int, limit: int
    ) -> list[RowMapping]:
        """Of the `looked_at` newest records below `before` that the filters leave, those that hold
        the text: `seq`, `entry`."""
        asked = _asked(search)
        statement = _page(frozenset(asked), search.text is not None)
        holds = {} if search.text is None else _needle(search.text)
        place = {"generation": generation, "before": before, "looked_at": looked_at}
        return await self._session.rows(
            statement, **self._own, **asked, **holds, **place, limit=limit
        )

    async def lowest(
        self, search: Search, generation: int, before: int, looked_at: int
    ) -> int | None:
        """The lowest `seq` that `page` looked at; None where it looked at all there is."""
        asked = _asked(search)
        place = {"generation": generation, "before": before, "looked_at": looked_at}
        row = await self._session.row(_lowest(frozenset(asked)), **self._own, **asked, **place)
        return None if row is None or row["count"] < looked_at else int(row["lowest"])

    async def user_of(self, email: str) -> str | None:
        """Whose e-mail address this is, among the partner's people."""
        row = await self._session.row(_BY_EMAIL, email=email)
        return None if row is None else str(row["id"])

    async def names(self, ids: Collection[str]) -> dict[str, str]:
        """What people, sites and appliances with these ids are called."""
        rows = await self._session.rows(_NAMES, **self._own, ids=list(ids))
        return {row["id"]: row["name"] for row in rows}

    async def one(self, generation: int, seq: int) -> RowMapping | None:
        """A record's leaf, and the row that it was made of."""
        return await self._session.row(_ONE, **self._own, generation=generation, seq=seq)

    async def nodes(
        self, generation: int, wanted: Collection[tuple[int, int]]
    ) -> dict[tuple[int, int], bytes]:
        """The hashes of these (level, index) nodes, level 0 being the leaves."""
        interior = [node for node in wanted if node[0] > 0]
        rows = await self._session.rows(
            _NODES,
            **self._own,
            generation=generation,
            seqs=[index + 1 for level, index in wanted if level == 0],
            levels=[level for level, _ in interior],
            indexes=[index for _, index in interior],
        )
        return {(row["level"], row["node_index"]): row["hash"] for row in rows}

    async def records(self, below: Below) -> list[RowMapping]:
        """Leaves in order: `key`, `entry`."""
        return await self._session.rows(_RECORDS, **self._own, **asdict(below))

    async def checkpoints(self, below: Below) -> list[RowMapping]:
        """Checkpoints by size: `key`, `note`."""
        return await self._session.rows(_CHECKPOINTS, **self._own, **asdict(below))


def _asked(search: Search) -> dict[str, object]:
    return {name: value for name in _FILTERS if (value := getattr(search, name)) is not None}


def _needle(wanted: str) -> dict[str, str]:
    """The text, and as JSON writes it."""
    return {"text": wanted, "escaped": orjson.dumps(wanted).decode()[1:-1]}


def _looked_at(asked: frozenset[str]) -> str:
    filters = "".join(f" AND {_FILTERS[name]}" for name in sorted(asked))
    return _LOOKED_AT.format(filters=filters)


@lru_cache(maxsize=256)
def _page(asked: frozenset[str], holds: bool) -> TextClause:
    page = _PAGE_HOLDING if holds else _PAGE
    return text(page.format(looked_at=_looked_at(asked), said=_SAID))


@lru_cache(maxsize=128)
def _lowest(asked: frozenset[str]) -> TextClause:
    return text(
        f"SELECT count(*) AS count, min(seq) AS lowest FROM ({_looked_at(asked)}) AS looked_at"  # noqa: S608 - constants of this file
    )
