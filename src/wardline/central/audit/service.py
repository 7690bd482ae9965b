"""Searching the audit log, proving one record of it, and reading the whole of it for an export."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

from sqlalchemy import RowMapping

from wardline.central.audit.repository import Below, Repository
from wardline.central.audit.rows import Search, Signed
from wardline.central.database import audit_rows
from wardline.central.database.session import Session
from wardline.central.evidence.tree import Nodes
from wardline.core.audit import record
from wardline.core.audit.record import Record
from wardline.core.errors import Conflict, NotFound
from wardline.core.evidence import log

# A text is looked for in so many records a page; the next page goes on below them.
LOOKED_AT_MAX = 5_000
ROWS_PER_READ = 500
FIRST_GENERATION = 1

Open = Callable[[], AbstractAsyncContextManager[Session]]
Read = Callable[[Repository, Below], Awaitable[Sequence[RowMapping]]]


@dataclass(frozen=True, slots=True)
class LogState:
    """How far the log has come, how much of it is signed, and what waits for it."""

    generation: int
    size: int
    newest: Signed | None
    waiting: int
    alarm: str | None


@dataclass(frozen=True, slots=True)
class Found:
    """A page of records, newest first, and the `seq` below which the next one goes on."""

    records: list[Record]
    below: int | None
    names: dict[str, str]


@dataclass(frozen=True, slots=True)
class Proved:
    """A record's leaf and its audit path under the checkpoint that covers it, if one does;
    `row_stands` says whether the row that it was made of still says the same."""

    record: Record
    leaf: bytes
    leaf_hash: bytes
    row_stands: bool
    checkpoint: Signed | None
    path: tuple[bytes, ...]
    names: dict[str, str]


async def state(session: Session) -> LogState:
    repository = Repository(session)
    generation, size = await repository.head() or (FIRST_GENERATION, 0)
    return LogState(
        generation,
        size,
        await repository.newest(),
        await repository.waiting(),
        await repository.alarm(),
    )


async def search(
    session: Session, wanted: Search, log_state: LogState, before: int | None, limit: int
) -> Found:
    """What the log holds of it below `before`. A page may be short, or empty, and still have a
    next one: a text is looked for in LOOKED_AT_MAX records at a time."""
    repository = Repository(session)
    if wanted.actor is not None and "@" in wanted.actor:
        wanted = replace(wanted, actor=await repository.user_of(wanted.actor) or wanted.actor)
    start = log_state.size + 1 if before is None else before
    looked_at = limit + 1 if wanted.text is None else LOOKED_AT_MAX
    place = (wanted, log_state.generation, start, looked_at)
    rows = await repository.page(*place, limit=limit + 1)
    below = None
    if len(rows) > limit:
        below = rows[limit - 1]["seq"]
    elif wanted.text is not None:
        below = await repository.lowest(*place)
    records = [record.parse_record(row["entry"]) for row in rows[:limit]]
    return Found(records, below, await _names(repository, records))


async def one(session: Session, seq: int) -> Proved:
    """Raises NotFound for a number that the partner's log has not reached."""
    repository = Repository(session)
    head = await repository.head()
    row = None if head is None else await repository.one(head[0], seq)
    if head is None or row is None:
        raise NotFound("no such record in the audit log")
    leaf: bytes = row["entry"]
    found = record.parse_record(leaf)
    names = await _names(repository, [found])
    newest = await repository.newest()
    stands = _stands(session, found, row)
    if newest is None or newest.generation != head[0] or seq > newest.size:
        return Proved(found, leaf, row["leaf_hash"], stands, None, (), names)
    wanted = log.nodes_for_inclusion(seq - 1, newest.size)
    nodes = Nodes(await repository.nodes(newest.generation, wanted))
    path = log.inclusion_proof(seq - 1, newest.size, nodes.get)
    return Proved(found, leaf, row["leaf_hash"], stands, newest, tuple(path), names)


async def exported(session: Session) -> Signed:
    """The checkpoint that an export ends with; the export is recorded."""
    newest = await Repository(session).newest()
    if newest is None:
        raise Conflict("nothing of the audit log is signed yet; try again in a few seconds")
    await session.record("audit.export", session.scope.owner, after={"size": newest.size})
    return newest


async def records(opened: Open, head: Signed) -> AsyncIterator[bytes]:
    """The leaves under a checkpoint, in order."""
    async for row in _rows(opened, Repository.records, head):
        yield row["entry"]


async def checkpoints(opened: Open, head: Signed) -> AsyncIterator[str]:
    """Every checkpoint up to this one, by size."""
    async for row in _rows(opened, Repository.checkpoints, head):
        yield row["note"]


async def _rows(opened: Open, read: Read, head: Signed) -> AsyncIterator[RowMapping]:
    """A session per read: what stands below a checkpoint never changes, and nothing is held."""
    after = 0
    while True:
        async with opened() as session:
            below = Below(head.generation, head.size, after, ROWS_PER_READ)
            rows = await read(Repository(session), below)
        for row in rows:
            yield row
        if len(rows) < ROWS_PER_READ:
            return
        after = rows[-1]["key"]


def _stands(session: Session, found: Record, row: RowMapping) -> bool:
    """Whether the row gives the record of the leaf; both under the list of secrets of today."""
    if row["at"] is None:
        return False
    again = audit_rows.record_of(session.scope.owner, found.seq, row)
    return record.record_bytes(again) == record.record_bytes(found)


async def _names(repository: Repository, found: Sequence[Record]) -> dict[str, str]:
    wanted = {name for each in found for name in (each.actor, each.site) if name}
    return await repository.names(wanted) if wanted else {}
