"""The outbox and its ceiling on a store of their own, with the bundles of a clinic."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _bundles import Stream, wire

from wardline.agent.scrub.scrubber import Scrubber
from wardline.agent.store import database, outbox
from wardline.agent.store.database import Database
from wardline.agent.store.outbox import Author, Draft, Sealed
from wardline.core import clock, ids
from wardline.core.evidence.origin import Clock
from wardline.core.evidence.signing import SigningKey

BYTES_MAX = 1 << 30
MOMENT = Clock("system", 12, 86_400_000, "0d5c2f5e-9c0e-4c57")


def stream() -> Stream:
    hosts = [ids.host() for _ in range(4)]
    return Stream(ids.site(), ids.appliance(), "", SigningKey.generate(), hosts)


class Outbox:
    """What an agent puts into its queue, one draft after the other."""

    def __init__(self, folder: Path) -> None:
        self._stream = stream()
        self.database = Database(
            *(folder / "agent.db", BYTES_MAX, clock.system, folder / "ballast"),
            Scrubber.ephemeral(),
        )
        made = self._stream
        self._author = Author(made.site_id, made.appliance_id, "0.1.0", made.key)

    def drafts(self, count: int) -> list[Draft]:
        """Made beforehand: what a check measured is not the queue's to pay for."""
        made = []
        for _ in range(count):
            one = self._stream.following()
            made.append(Draft(one.kind, one.host_id, one.results, one.incidents))
            self._stream.seq += 1
        return made

    def sealed(self, count: int) -> list[Sealed]:
        """The next bundles of the stream, signed beforehand; for `put`, in this order."""
        with self.database.reading() as tx:
            place = outbox.head(tx)
        made = []
        for draft in self.drafts(count):
            one = outbox.seal(
                place, self._author, draft, clock.system(), MOMENT, self.database.scrubber
            )
            place = outbox.Head(one.epoch, one.seq + 1, one.chain_hash)
            made.append(one)
        return made

    def put(self, items: list[Sealed], per_transaction: int) -> float:
        """Seconds for all of them: queued, chained and committed."""
        began = time.perf_counter()
        for at in range(0, len(items), per_transaction):
            with self.database.transaction() as tx:
                for one in items[at : at + per_transaction]:
                    outbox.put(tx, one, clock.system())
        return time.perf_counter() - began

    def append(self, drafts: list[Draft]) -> float:
        """Seconds for all of them: scrubbed, sealed, signed too, as the loops do it."""
        began = time.perf_counter()
        for draft in drafts:
            with self.database.transaction() as tx:
                outbox.append(tx, self._author, draft, clock.system(), MOMENT)
        return time.perf_counter() - began


class Raw:
    """The ceiling: the same bytes into one bare table, one connection, WAL and FULL."""

    def __init__(self, folder: Path) -> None:
        self._stream = stream()
        self.connection = sqlite3.connect(folder / "raw.db", isolation_level=None)
        self.connection.execute("PRAGMA journal_mode=WAL")
        self.connection.execute(f"PRAGMA synchronous={database.PRAGMAS['synchronous']}")
        self.connection.execute("CREATE TABLE queue (id INTEGER PRIMARY KEY, body TEXT NOT NULL)")

    def bodies(self, count: int) -> list[str]:
        return [wire(self._stream.next()).decode() for _ in range(count)]

    def put(self, bodies: list[str]) -> float:
        began = time.perf_counter()
        for body in bodies:
            self.connection.execute("INSERT INTO queue (body) VALUES (?)", (body,))
        return time.perf_counter() - began


@contextmanager
def both(folder: Path) -> Iterator[tuple[Outbox, Raw]]:
    ours, raw = Outbox(folder), Raw(folder)
    try:
        yield ours, raw
    finally:
        ours.database.close()
        raw.connection.close()
