"""An agent's store as it stands on disk, read from outside while the agent runs or lies dead."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wardline.agent.scrub.scrubber import Scrubber
from wardline.agent.store import outbox
from wardline.agent.store.database import Transaction
from wardline.agent.store.outbox import Head
from wardline.core.evidence import bundle
from wardline.core.evidence.signing import Envelope

PENDING = ("pending", "leased", "received")
ACKNOWLEDGED = "acknowledged"

Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Kept:
    """A bundle of the outbox: its place, how far it came, and what was signed."""

    place: Place
    state: str
    envelope: Envelope

    @property
    def signed(self) -> tuple[bytes, bytes]:
        return self.envelope.payload, self.envelope.sig


def kept(database: Path) -> list[Kept]:
    """Every bundle of the outbox by place."""
    rows = _rows(
        database, "SELECT epoch, seq, state, bundle_json FROM queued_evidence ORDER BY 1,2"
    )
    return [Kept((row[0], row[1]), row[2], Envelope.from_json(row[3].encode())) for row in rows]


def acknowledged(database: Path) -> dict[Place, tuple[bytes, bytes]]:
    """What the agent holds as provably logged."""
    return {one.place: one.signed for one in kept(database) if one.state == ACKNOWLEDGED}


def waiting(database: Path) -> int:
    """How many bundles are still on their way."""
    sql = f"SELECT count(*) FROM queued_evidence WHERE state IN {PENDING}"
    return int(_rows(database, sql)[0][0])


def orders_untold(database: Path) -> int:
    """How many orders are on their way here, or have come to what Central has not answered for."""
    sql = "SELECT count(*) FROM orders WHERE state = 'received' OR reported IS NOT state"
    return int(_rows(database, sql)[0][0])


def check_stream(database: Path) -> list[Kept]:
    """That one epoch holds every number from 1 once, each naming the one before it, and that the
    next number follows; gives the stream."""
    stream = kept(database)
    prev = bundle.NO_PREV
    for seq, one in enumerate(stream, 1):
        said = bundle.parse(one.envelope.payload)
        assert one.place == (said.epoch, said.seq) == (1, seq)
        assert said.prev == prev
        prev = bundle.chain_hash(one.envelope.payload_type, one.envelope.payload)
    with _open(database) as connection:
        connection.row_factory = sqlite3.Row
        assert outbox.head(Transaction(connection, Scrubber.ephemeral())) == Head(
            1, len(stream) + 1, prev
        )
    return stream


def _rows(database: Path, sql: str) -> list[Any]:
    with _open(database) as connection:
        # An agent that died while it made its store has nothing in it.
        made = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'queued_evidence'")
        return connection.execute(sql).fetchall() if made.fetchall() else []


@contextmanager
def _open(database: Path) -> Iterator[sqlite3.Connection]:
    """Read-only, so that what a killed agent left is recovered by the next agent and not by us."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as connection:
        yield connection
