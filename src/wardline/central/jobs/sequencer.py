"""Appends what waits in the audit log to its partner's log: in order, without a gap, each once.

One transaction takes rows out of the queue, writes their leaves and nodes and moves the head; were
it ended between any two of its statements, nothing of it stays and the next round does it again.
"""

from collections.abc import Sequence

import asyncpg
from sqlalchemy import RowMapping, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from wardline.central.database import arrays, audit_rows
from wardline.central.database.engine import Raw
from wardline.central.database.scope import Scope
from wardline.central.database.session import Session, open_session
from wardline.central.jobs.loops import ACTOR
from wardline.core.audit import record
from wardline.core.clock import Now
from wardline.core.errors import WardlineError
from wardline.core.evidence import log
from wardline.core.evidence.log import Frontier

PARTNERS_PER_ROUND_MAX = 1_000
RECORDS_PER_APPEND_MAX = 500

_PARTNERS = text("SELECT DISTINCT partner_id FROM audit_log_waiting LIMIT :limit")
_MAKE_HEAD = text(
    "INSERT INTO audit_log_heads (partner_id) VALUES (:partner_id) ON CONFLICT DO NOTHING"
)
_LOCK_HEAD = text(
    "SELECT generation, size, frontier FROM audit_log_heads WHERE partner_id = :partner_id"
    " FOR UPDATE"
)
# Under the head's lock nobody else takes these rows.
_WAITING = text(
    "SELECT w.id AS place, a.id, a.site_id, a.actor_kind, a.actor_id, host(a.address) AS address,"
    " a.action, a.subject, a.before, a.after, a.reason, a.at"
    " FROM audit_log_waiting w JOIN audit_log a ON a.id = w.record_id"
    " WHERE w.partner_id = :partner_id ORDER BY w.id LIMIT :limit"
)
_TAKE = text(
    "DELETE FROM audit_log_waiting"
    " WHERE partner_id = :partner_id AND id = ANY(CAST(:places AS bigint[]))"
)
_APPEND = """
INSERT INTO audit_log_entries (partner_id, generation, seq, record_id, site_id, actor_id, action,
  subject, at, entry, leaf_hash)
SELECT $1, $2, $3::bigint + place, record_id, site_id, actor_id, action, subject, at, entry,
  leaf_hash
FROM unnest($4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[], $9::timestamptz[],
  $10::bytea[], $11::bytea[]) WITH ORDINALITY
  AS new (record_id, site_id, actor_id, action, subject, at, entry, leaf_hash, place)
"""
_NODES = """
INSERT INTO audit_log_nodes (partner_id, generation, level, node_index, hash)
SELECT $1, $2, level, node_index, hash
FROM unnest($3::text::smallint[], $4::text::bigint[], $5::bytea[]) AS new (level, node_index, hash)
"""
_MOVE_HEAD = text(
    "UPDATE audit_log_heads SET size = :size, frontier = :frontier WHERE partner_id = :partner_id"
)
_TELL = text(
    "INSERT INTO change_log (partner_id, kind, subject) VALUES (:partner_id, 'audit', 'records')"
)


class AuditLogStuck(WardlineError):
    """What waits cannot be appended to a partner's audit log: the stored log is not what it was."""

    code = "audit_log_stuck"


async def append_waiting(engine: AsyncEngine, now: Now) -> int:
    """One round over all tenants; how many records it appended. Raises AuditLogStuck after that,
    when there are logs that nothing can be appended to."""
    async with open_session(engine, Scope.system(), ACTOR, now=now) as session:
        rows = await session.rows(_PARTNERS, limit=PARTNERS_PER_ROUND_MAX)
    appended = 0
    stuck: dict[str, str] = {}
    for row in rows:
        try:
            appended += await _append_all(engine, now, row["partner_id"])
        except (ValueError, AssertionError, asyncpg.PostgresError, DBAPIError) as error:
            stuck[row["partner_id"]] = str(error).partition("\n")[0]
    if stuck:
        named = "; ".join(f"{partner}: {why}" for partner, why in sorted(stuck.items()))
        raise AuditLogStuck(
            f"{len(stuck)} audit logs take no records. {named[:500]}. Compare the database with its"
            " backups; the records wait and nothing of them is lost"
        )
    return appended


async def _append_all(engine: AsyncEngine, now: Now, partner_id: str) -> int:
    appended, count = 0, RECORDS_PER_APPEND_MAX
    while count == RECORDS_PER_APPEND_MAX:
        async with open_session(engine, Scope.system(), ACTOR, now=now) as session:
            count = await _append(session, partner_id)
        appended += count
    return appended


async def _append(session: Session, partner_id: str) -> int:
    """Appends a partner's next records; how many."""
    await session.execute(_MAKE_HEAD, partner_id=partner_id)
    head = await session.row(_LOCK_HEAD, partner_id=partner_id)
    assert head is not None, "the head was made above"
    waiting = await session.rows(_WAITING, partner_id=partner_id, limit=RECORDS_PER_APPEND_MAX)
    if not waiting:
        return 0
    size: int = head["size"]
    records = [
        audit_rows.record_of(partner_id, size + place, row) for place, row in enumerate(waiting, 1)
    ]
    leaves = [record.record_bytes(each) for each in records]
    hashes = [log.leaf_hash(leaf) for leaf in leaves]
    frontier, nodes = log.grow(Frontier(size, _hashes(head["frontier"])), hashes)
    await _write_entries(session.raw, partner_id, head, waiting, leaves, hashes)
    above = [node for node in nodes if node[0] > 0]
    await session.raw.execute(
        _NODES,
        *(partner_id, head["generation"]),
        arrays.numbers(level for level, _, _ in above),
        arrays.numbers(index for _, index, _ in above),
        [digest for _, _, digest in above],
    )
    await session.execute(
        _MOVE_HEAD,
        partner_id=partner_id,
        size=frontier.size,
        frontier=b"".join(frontier.hashes),
    )
    places = [row["place"] for row in waiting]
    taken = await session.execute(_TAKE, partner_id=partner_id, places=places)
    assert taken == len(waiting), "rows left the queue while their partner's head was locked"
    await session.execute(_TELL, partner_id=partner_id)
    return len(waiting)


async def _write_entries(
    raw: Raw,
    partner_id: str,
    head: RowMapping,
    waiting: Sequence[RowMapping],
    leaves: Sequence[bytes],
    hashes: Sequence[bytes],
) -> None:
    await raw.execute(
        _APPEND,
        *(partner_id, head["generation"], head["size"]),
        *(
            [row[name] for row in waiting]
            for name in ("id", "site_id", "actor_id", "action", "subject", "at")
        ),
        *(leaves, hashes),
    )


def _hashes(packed: bytes) -> tuple[bytes, ...]:
    step = log.HASH_BYTES
    return tuple(packed[at : at + step] for at in range(0, len(packed), step))
