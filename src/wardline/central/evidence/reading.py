"""A log read back: a page, one entry, its state, and the whole of it for a kit."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping

from wardline.central.database.session import Session
from wardline.central.evidence import tree
from wardline.central.evidence.repository import Below, Repository, StoredCheckpoint
from wardline.core.errors import NotFound
from wardline.core.evidence import bundle
from wardline.core.evidence.signing import Envelope

ROWS_PER_READ = 500
FIRST_GENERATION = 1

Signed = StoredCheckpoint
Open = Callable[[], AbstractAsyncContextManager[Session]]
Read = Callable[[Repository, Below], Awaitable[Sequence[RowMapping]]]


@dataclass(frozen=True, slots=True)
class LogState:
    """How far a log has come, was signed, and was witnessed."""

    generation: int
    size: int
    checkpoint_size: int
    checkpoint_at: datetime | None
    root: bytes | None
    witnessed_size: int


@dataclass(frozen=True, slots=True)
class ProvedEntry:
    """An entry's row, and its audit path under the checkpoint that covers it, if one does."""

    row: RowMapping
    checkpoint: StoredCheckpoint | None
    path: tuple[bytes, ...]


async def state(session: Session, site_id: str) -> LogState:
    repository = Repository(session, site_id)
    head = await repository.head()
    newest = await repository.newest_checkpoint()
    generation = FIRST_GENERATION if head is None else head.generation
    return LogState(
        generation=generation,
        size=0 if head is None else head.frontier.size,
        checkpoint_size=0 if newest is None else newest.size,
        checkpoint_at=None if newest is None else newest.signed_at,
        root=None if newest is None else newest.root,
        witnessed_size=await repository.witnessed_size(generation),
    )


async def page(
    session: Session, site_id: str, log: LogState, before: int, limit: int
) -> list[RowMapping]:
    """Entries below an index, newest first; one more than `limit` when there are more."""
    return await Repository(session, site_id).page(log.generation, before, limit + 1)


async def entry(session: Session, site_id: str, log_index: int) -> ProvedEntry:
    """Raises NotFound for an index that the log has not reached."""
    repository = Repository(session, site_id)
    head = await repository.head()
    row = None if head is None else await repository.one(head.generation, log_index)
    if row is None:
        raise NotFound("no such entry in this site's log")
    newest = await repository.newest_checkpoint()
    if newest is None or log_index >= newest.size:
        return ProvedEntry(row, None, ())
    (path,) = await tree.inclusion_proofs(session, site_id, newest.size, [log_index])
    return ProvedEntry(row, newest, tuple(path))


def envelope(row: RowMapping) -> Envelope:
    """The envelope of a bundle's row, byte for byte the one that was received."""
    return Envelope(bundle.PAYLOAD_TYPE, row["payload"], row["kid"], row["signature"])


async def entries(opened: Open, site_id: str, head: StoredCheckpoint) -> AsyncIterator[bytes]:
    """The leaves under a checkpoint, in order."""
    async for row in _rows(opened, Repository.entries, site_id, head, -1):
        yield row["entry"]


async def bundles(
    opened: Open, site_id: str, head: StoredCheckpoint
) -> AsyncIterator[tuple[int, Envelope]]:
    """The bundles under a checkpoint, by index."""
    async for row in _rows(opened, Repository.bundles, site_id, head, -1):
        yield row["key"], envelope(row)


async def checkpoints(opened: Open, site_id: str, head: StoredCheckpoint) -> AsyncIterator[str]:
    """Every checkpoint up to this one with its cosignatures, by size."""
    async for row in _rows(opened, Repository.checkpoints, site_id, head, 0):
        yield row["note"] + (row["cosignatures"] or "")


async def _rows(
    opened: Open, read: Read, site_id: str, head: StoredCheckpoint, after: int
) -> AsyncIterator[RowMapping]:
    """A session per read: what stands below a checkpoint never changes, and nothing is held."""
    while True:
        below = Below(head.generation, head.size, after, ROWS_PER_READ)
        async with opened() as session:
            rows = await read(Repository(session, site_id), below)
        for row in rows:
            yield row
        if len(rows) < ROWS_PER_READ:
            return
        after = rows[-1]["key"]
