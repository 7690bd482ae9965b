"""The SQL of reading a log back, page by page: its own file because a list, a page and an export
want rows where the append wants arrays."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager

from sqlalchemy import RowMapping, TextClause, text

from wardline.central.database.session import Session
from wardline.central.evidence.repository import StoredCheckpoint
from wardline.core.evidence import bundle
from wardline.core.evidence.signing import Envelope

ROWS_PER_READ = 500

Open = Callable[[], AbstractAsyncContextManager[Session]]

_PAGE = text(
    "SELECT e.log_index, e.kind, e.entry, b.bundle_type, b.host_id, h.name AS host_name,"
    " b.appliance_id, b.epoch, b.seq, b.bundle_hash, b.generated_at, b.received_at, b.payload"
    " FROM evidence_log_entries e"
    " LEFT JOIN evidence_bundles b ON b.site_id = e.site_id AND b.generation = e.generation"
    "   AND b.log_index = e.log_index"
    " LEFT JOIN hosts h ON h.site_id = e.site_id AND h.id = b.host_id"
    " WHERE e.site_id = :site_id AND e.generation = :generation AND e.log_index < :before"
    " ORDER BY e.log_index DESC LIMIT :limit"
)
_ONE = text(
    "SELECT e.kind, e.entry, e.leaf_hash, b.payload, b.kid, b.signature"
    " FROM evidence_log_entries e"
    " LEFT JOIN evidence_bundles b ON b.site_id = e.site_id AND b.generation = e.generation"
    "   AND b.log_index = e.log_index"
    " WHERE e.site_id = :site_id AND e.generation = :generation AND e.log_index = :log_index"
)
_ENTRIES = text(
    "SELECT log_index AS key, entry FROM evidence_log_entries"
    " WHERE site_id = :site_id AND generation = :generation AND log_index > :after"
    " AND log_index < :size ORDER BY log_index LIMIT :limit"
)
_BUNDLES = text(
    "SELECT log_index AS key, payload, kid, signature FROM evidence_bundles"
    " WHERE site_id = :site_id AND generation = :generation AND log_index > :after"
    " AND log_index < :size ORDER BY log_index LIMIT :limit"
)
_CHECKPOINTS = text(
    "SELECT c.size AS key, c.note, (SELECT string_agg(w.line, '' ORDER BY w.appliance_id)"
    "   FROM evidence_cosignatures w WHERE w.site_id = c.site_id"
    "   AND w.generation = c.generation AND w.size = c.size) AS cosignatures"
    " FROM evidence_checkpoints c"
    " WHERE c.site_id = :site_id AND c.generation = :generation AND c.size > :after"
    " AND c.size <= :size ORDER BY c.size LIMIT :limit"
)
_WITNESSED = text(
    "SELECT max(size) AS size FROM evidence_cosignatures"
    " WHERE site_id = :site_id AND generation = :generation"
)


async def page(
    session: Session, site_id: str, generation: int, before: int, limit: int
) -> list[RowMapping]:
    """Entries below an index, newest first, with their bundles where they have one."""
    return await session.rows(
        _PAGE, site_id=site_id, generation=generation, before=before, limit=limit
    )


async def one(session: Session, site_id: str, generation: int, log_index: int) -> RowMapping | None:
    return await session.row(_ONE, site_id=site_id, generation=generation, log_index=log_index)


async def witnessed_size(session: Session, site_id: str, generation: int) -> int:
    """The largest checkpoint that an appliance has cosigned."""
    row = await session.row(_WITNESSED, site_id=site_id, generation=generation)
    return 0 if row is None or row["size"] is None else int(row["size"])


def envelope(row: RowMapping) -> Envelope:
    """The envelope of a bundle's row, byte for byte the one that was received."""
    return Envelope(bundle.PAYLOAD_TYPE, row["payload"], row["kid"], row["signature"])


async def entries(open_session: Open, site_id: str, head: StoredCheckpoint) -> AsyncIterator[bytes]:
    """The leaves under a checkpoint, in order."""
    async for row in _rows(open_session, _ENTRIES, site_id, head, -1):
        yield row["entry"]


async def bundles(
    open_session: Open, site_id: str, head: StoredCheckpoint
) -> AsyncIterator[tuple[int, Envelope]]:
    """The bundles under a checkpoint, by index."""
    async for row in _rows(open_session, _BUNDLES, site_id, head, -1):
        yield row["key"], envelope(row)


async def checkpoints(
    open_session: Open, site_id: str, head: StoredCheckpoint
) -> AsyncIterator[str]:
    """Every checkpoint up to this one with its cosignatures, by size."""
    async for row in _rows(open_session, _CHECKPOINTS, site_id, head, 0):
        yield row["note"] + (row["cosignatures"] or "")


async def _rows(
    open_session: Open, sql: TextClause, site_id: str, head: StoredCheckpoint, after: int
) -> AsyncIterator[RowMapping]:
    """A session per read: what stands below a checkpoint never changes, and nothing is held."""
    while True:
        async with open_session() as session:
            rows = await session.rows(
                sql,
                site_id=site_id,
                generation=head.generation,
                after=after,
                size=head.size,
                limit=ROWS_PER_READ,
            )
        for row in rows:
            yield row
        if len(rows) < ROWS_PER_READ:
            return
        after = rows[-1]["key"]
