"""The SQL of evidence: appending under the site's head row, and reading what was appended.

Whoever appends locks the head row first and everything else after it, so that appends to one site
take turns and never wait for each other in a circle.
"""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import RowMapping, text

from wardline.central.database import arrays
from wardline.central.database.session import Session
from wardline.central.evidence import rows
from wardline.central.evidence.rows import Columns, NewLeaf, NewRows
from wardline.core.evidence import log
from wardline.core.evidence.log import Frontier

_MAKE_HEAD = """
INSERT INTO evidence_log_heads (site_id, partner_id) VALUES ($1, $2) ON CONFLICT DO NOTHING
"""
_LOCK_HEAD = """
SELECT generation, size, frontier FROM evidence_log_heads WHERE site_id = $1 FOR UPDATE
"""
_HEAD = "SELECT generation, size, frontier FROM evidence_log_heads WHERE site_id = $1"
_STREAM = """
SELECT next_seq, prev FROM evidence_streams
WHERE site_id = $1 AND appliance_id = $2 AND epoch = $3
"""
# What an append needs to know, in the one statement that may wait: both rows as they are once they
# are locked, the head first.
_LOCK_STREAM = """
SELECT h.generation, h.size, h.frontier, s.next_seq, s.prev
FROM evidence_log_heads h JOIN evidence_streams s ON s.site_id = h.site_id
WHERE h.site_id = $1 AND s.appliance_id = $2 AND s.epoch = $3
FOR UPDATE OF h, s
"""
_SET_STREAM = """
INSERT INTO evidence_streams (site_id, partner_id, appliance_id, epoch, next_seq, prev)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (site_id, appliance_id, epoch)
DO UPDATE SET next_seq = EXCLUDED.next_seq, prev = EXCLUDED.prev
"""
_TAKEN = """
SELECT b.seq, b.bundle_hash, b.equivocates, b.log_index, b.received_at, e.leaf_hash
FROM evidence_bundles b
JOIN evidence_log_entries e ON e.site_id = b.site_id AND e.generation = b.generation
  AND e.log_index = b.log_index
WHERE b.site_id = $1 AND b.appliance_id = $2 AND b.epoch = $3 AND b.seq = ANY($4::bigint[])
"""
# Entries, the nodes that they complete, and the head that counts them. What has a length of its own
# comes in one piece, with the places at which its parts end.
_LEAVES = """
entries AS (
  INSERT INTO evidence_log_entries (site_id, partner_id, generation, log_index, kind, entry,
    leaf_hash)
  SELECT $1, $2, $3, $4::bigint + place - 1, kind,
    substring($6::bytea FROM ends - length + 1 FOR length),
    substring($8::bytea FROM 32 * place::int - 31 FOR 32)
  FROM unnest($5::text::text[], $7::text::int[], $14::text::int[])
    WITH ORDINALITY AS new (kind, ends, length, place)
), nodes AS (
  INSERT INTO evidence_log_nodes (site_id, partner_id, generation, level, node_index, hash)
  SELECT $1, $2, $3, level, node_index, substring($11::bytea FROM 32 * place::int - 31 FOR 32)
  FROM unnest($9::text::smallint[], $10::text::bigint[])
    WITH ORDINALITY AS new (level, node_index, place)
)
"""
_MOVE_HEAD = """
UPDATE evidence_log_heads SET size = $12, frontier = $13
WHERE site_id = $1 AND generation = $3 AND size = $4
"""
_APPEND_LEAVES = f"WITH {_LEAVES}{_MOVE_HEAD}"
# The bundles of these entries and the head of their stream beside them, in the one statement.
_APPEND_BUNDLES = f"""
WITH {_LEAVES}, stream AS (
  UPDATE evidence_streams SET next_seq = $20, prev = $21
  WHERE site_id = $1 AND appliance_id = $15 AND epoch = $16
), bundles AS (
  INSERT INTO evidence_bundles (site_id, partner_id, appliance_id, epoch, kid, received_at,
    generation, equivocates, log_index, host_id, seq, bundle_type, bundle_hash, hipaa_controls,
    generated_at, payload, signature)
  SELECT $1, $2, $15, $16, $17, $18, $3, $19, $4::bigint + place - 1, host_id, seq, bundle_type,
    bundle_hash, hipaa_controls::jsonb, generated_at,
    substring($28::bytea FROM ends - length + 1 FOR length),
    substring($31::bytea FROM 64 * place::int - 63 FOR 64)
  FROM unnest($22::text::text[], $23::text::bigint[], $24::text::text[], $25::text::text[],
    $26::text::text[], $27::text::timestamptz[], $29::text::int[], $30::text::int[])
    WITH ORDINALITY AS new (host_id, seq, bundle_type, bundle_hash, hipaa_controls, generated_at,
      ends, length, place)
)
{_MOVE_HEAD}"""  # noqa: S608 - constants of this file
_NODES = """
SELECT 0::smallint AS level, log_index AS node_index, leaf_hash AS hash FROM evidence_log_entries
WHERE site_id = $1 AND generation = $2 AND log_index = ANY($3::bigint[])
UNION ALL
SELECT n.level, n.node_index, n.hash
FROM unnest($4::smallint[], $5::bigint[]) AS wanted (level, node_index)
JOIN evidence_log_nodes n ON n.site_id = $1 AND n.generation = $2 AND n.level = wanted.level
  AND n.node_index = wanted.node_index
"""
_NEWEST_CHECKPOINT = """
SELECT c.generation, c.size, c.root, c.note, c.signed_at FROM evidence_checkpoints c
WHERE c.site_id = $1 ORDER BY c.generation DESC, c.size DESC LIMIT 1
"""
_CHECKPOINT_AT = """
SELECT c.generation, c.size, c.root, c.note, c.signed_at FROM evidence_checkpoints c
WHERE c.site_id = $1 AND c.size = $2 ORDER BY c.generation DESC LIMIT 1
"""
_ADD_COSIGNATURE = """
INSERT INTO evidence_cosignatures (site_id, partner_id, generation, size, appliance_id, line,
  cosigned_at, received_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING
"""

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


@dataclass(frozen=True, slots=True)
class Head:
    """A site's log as it stands."""

    generation: int
    frontier: Frontier


@dataclass(frozen=True, slots=True)
class StreamHead:
    """What an appliance's stream expects next."""

    next_seq: int
    prev: str


@dataclass(frozen=True, slots=True)
class Taken:
    """A stored bundle under a sequence number, with what its receipt says."""

    seq: int
    bundle_hash: str
    equivocates: bool
    log_index: int
    leaf_hash: bytes
    received_at: datetime


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A tree head as the signer issued it."""

    generation: int
    size: int
    root: bytes
    note: str
    signed_at: datetime


@dataclass(frozen=True, slots=True)
class Below:
    """A slice of what stands under a checkpoint of `size`: what comes after the key `after`."""

    generation: int
    size: int
    after: int
    limit: int


class Repository:
    """One site's evidence tables inside one transaction."""

    __slots__ = ("_partner_id", "_raw", "_session", "_site_id")

    def __init__(self, session: Session, site_id: str) -> None:
        self._session = session
        self._raw: asyncpg.Connection[Any] = session.raw
        self._site_id = site_id
        self._partner_id = session.scope.owner

    async def lock_stream(self, appliance_id: str, epoch: int) -> tuple[Head, StreamHead] | None:
        """The heads of the log and of a stream, held until the transaction ends; None where the
        stream was never enrolled."""
        row = await self._raw.fetchrow(_LOCK_STREAM, self._site_id, appliance_id, epoch)
        head = _head(row)
        if row is None or head is None:
            return None
        return head, StreamHead(row["next_seq"], row["prev"])

    async def lock_head(self) -> Head | None:
        """The log's head, held until the transaction ends; None before the first entry."""
        return _head(await self._raw.fetchrow(_LOCK_HEAD, self._site_id))

    async def make_head(self) -> Head:
        """The log's head, made where there is none, held until the transaction ends."""
        await self._raw.execute(_MAKE_HEAD, self._site_id, self._partner_id)
        head = await self.lock_head()
        assert head is not None
        return head

    async def head(self) -> Head | None:
        return _head(await self._raw.fetchrow(_HEAD, self._site_id))

    async def stream(self, appliance_id: str, epoch: int) -> StreamHead | None:
        row = await self._raw.fetchrow(_STREAM, self._site_id, appliance_id, epoch)
        return None if row is None else StreamHead(row["next_seq"], row["prev"])

    async def set_stream(self, appliance_id: str, epoch: int, head: StreamHead) -> None:
        await self._raw.execute(
            _SET_STREAM,
            *(self._site_id, self._partner_id, appliance_id, epoch, head.next_seq, head.prev),
        )

    async def taken(self, appliance_id: str, epoch: int, sequence: Collection[int]) -> list[Taken]:
        """What is stored under these sequence numbers of a stream, equivocations too."""
        found = await self._raw.fetch(_TAKEN, self._site_id, appliance_id, epoch, list(sequence))
        return [
            Taken(
                row["seq"],
                row["bundle_hash"],
                row["equivocates"],
                row["log_index"],
                row["leaf_hash"],
                row["received_at"],
            )
            for row in found
        ]

    async def append_bundles(
        self,
        head: Head,
        stream: tuple[str, int],
        after: StreamHead,
        kid: str,
        received_at: datetime,
        new: NewRows,
        *,
        equivocates: bool = False,
    ) -> None:
        """Bundles of a stream (appliance, epoch) with their entries, from the size of `head` on,
        and the stream's head after them."""
        status = await self._raw.execute(
            _APPEND_BUNDLES,
            *self._grown(head, new.hashes, new.leaves),
            *(new.lengths, *stream, kid, received_at, equivocates, after.next_seq, after.prev),
            *new.bundles,
        )
        _check_moved(status)

    async def append_leaves(self, head: Head, leaves: Sequence[NewLeaf]) -> None:
        """Entries that are no bundles, from `head` on."""
        hashes, columns, lengths = rows.of_leaves(leaves)
        status = await self._raw.execute(
            _APPEND_LEAVES, *self._grown(head, hashes, columns), lengths
        )
        _check_moved(status)

    def _grown(self, head: Head, hashes: Sequence[bytes], leaves: Columns) -> Columns:
        """What of the statements comes before the lengths: $1 to $13."""
        frontier, nodes = log.grow(head.frontier, hashes)
        levels, indexes, digests = zip(*nodes, strict=True)
        # The leaves, which come first, are entries and no rows of their own.
        above = len(hashes)
        return (
            *(self._site_id, self._partner_id, head.generation, head.frontier.size),
            *leaves,
            arrays.numbers(levels[above:]),
            arrays.numbers(indexes[above:]),
            b"".join(digests[above:]),
            *(frontier.size, b"".join(frontier.hashes)),
        )

    async def nodes(
        self, generation: int, wanted: Collection[tuple[int, int]]
    ) -> dict[tuple[int, int], bytes]:
        """The hashes of these (level, index) nodes, level 0 being the leaves."""
        if not wanted:
            return {}
        interior = [node for node in wanted if node[0] > 0]
        found = await self._raw.fetch(
            _NODES,
            *(self._site_id, generation),
            [index for level, index in wanted if level == 0],
            [level for level, _ in interior],
            [index for _, index in interior],
        )
        return {(row["level"], row["node_index"]): row["hash"] for row in found}

    async def newest_checkpoint(self) -> StoredCheckpoint | None:
        return _checkpoint(await self._raw.fetchrow(_NEWEST_CHECKPOINT, self._site_id))

    async def checkpoint_at(self, size: int) -> StoredCheckpoint | None:
        """The checkpoint of exactly this size, of the newest generation that has one."""
        return _checkpoint(await self._raw.fetchrow(_CHECKPOINT_AT, self._site_id, size))

    async def add_cosignature(
        self,
        checkpoint: StoredCheckpoint,
        appliance_id: str,
        line: str,
        cosigned_at: datetime,
        received_at: datetime,
    ) -> None:
        """Keeps the first cosignature of an appliance for a checkpoint."""
        await self._raw.execute(
            _ADD_COSIGNATURE,
            *(self._site_id, self._partner_id, checkpoint.generation, checkpoint.size),
            *(appliance_id, line, cosigned_at, received_at),
        )

    async def page(self, generation: int, before: int, limit: int) -> list[RowMapping]:
        """Entries below an index, newest first, with their bundles where they have one."""
        return await self._session.rows(
            _PAGE, site_id=self._site_id, generation=generation, before=before, limit=limit
        )

    async def one(self, generation: int, log_index: int) -> RowMapping | None:
        """An entry with its bundle where it has one."""
        return await self._session.row(
            _ONE, site_id=self._site_id, generation=generation, log_index=log_index
        )

    async def witnessed_size(self, generation: int) -> int:
        """The largest checkpoint that an appliance has cosigned."""
        row = await self._session.row(_WITNESSED, site_id=self._site_id, generation=generation)
        return 0 if row is None or row["size"] is None else int(row["size"])

    async def entries(self, below: Below) -> list[RowMapping]:
        """Leaves by index: `key`, `entry`."""
        return await self._session.rows(_ENTRIES, site_id=self._site_id, **asdict(below))

    async def bundles(self, below: Below) -> list[RowMapping]:
        """Bundles by index: `key`, `payload`, `kid`, `signature`."""
        return await self._session.rows(_BUNDLES, site_id=self._site_id, **asdict(below))

    async def checkpoints(self, below: Below) -> list[RowMapping]:
        """Checkpoints by size, with the lines of their cosignatures: `key`, `note`,
        `cosignatures`."""
        return await self._session.rows(_CHECKPOINTS, site_id=self._site_id, **asdict(below))


def _head(row: asyncpg.Record | None) -> Head | None:
    if row is None:
        return None
    packed: bytes = row["frontier"]
    step = log.HASH_BYTES
    hashes = tuple(packed[at : at + step] for at in range(0, len(packed), step))
    return Head(row["generation"], Frontier(row["size"], hashes))


def _check_moved(status: str) -> None:
    assert status == "UPDATE 1", f"the log's head was not the one that is locked: {status}"


def _checkpoint(row: asyncpg.Record | None) -> StoredCheckpoint | None:
    if row is None:
        return None
    return StoredCheckpoint(
        row["generation"], row["size"], row["root"], row["note"], row["signed_at"]
    )
