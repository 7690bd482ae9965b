"""The queue by place: what a put writes, what is sent next, and where the stream stands."""

import random
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from wardline.agent.scrub.scrubber import Scrubber
from wardline.agent.store import database, outbox, places
from wardline.agent.store.database import Database, StoreUnusable, Transaction
from wardline.agent.store.outbox import Author, Draft, Head, Queued
from wardline.core import clock, ids
from wardline.core.errors import Malformed
from wardline.core.evidence import bundle, origin
from wardline.core.evidence.bundle import Kind
from wardline.core.evidence.signing import SigningKey
from wardline.core.protocol import Receipt

AT = datetime(2026, 11, 21, 9, tzinfo=UTC)
MOMENT = origin.Clock("system", 12, 86_400_000, "0d5c2f5e-9c0e-4c57")
AUTHOR = Author(ids.site(), ids.appliance(), "0.1.0", SigningKey.generate())
HOST = ids.host()
PAGE = 4096
# A new leaf, what points at it, and the page that knows how long the file is.
FRAMES_PER_PUT = 3
PUTS = 50
FRAME_BYTES = PAGE + 24
UNSENT = ("pending", "leased")
STEPS = 400


def _open(folder: Path) -> Database:
    return Database(
        folder / "agent.db", 64 << 20, clock.system, folder / "ballast", Scrubber.ephemeral()
    )


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[Database]:
    opened = _open(tmp_path)
    yield opened
    opened.close()


def _append(tx: Transaction) -> Queued:
    return outbox.append(tx, AUTHOR, Draft(Kind.CYCLE, HOST), AT, MOMENT)


def _receipt(of: Queued) -> Receipt:
    return Receipt(epoch=of.epoch, seq=of.seq, index=of.id, leaf_hash="ab" * 32, received_ms=1)


def test_a_put_writes_its_own_page_and_nothing_beside_it(queue: Database, tmp_path: Path) -> None:
    wal = tmp_path / "agent.db-wal"
    with queue.transaction() as tx:
        _append(tx)
    before = wal.stat().st_size
    for _ in range(PUTS):
        with queue.transaction() as tx:
            _append(tx)
    assert wal.stat().st_size - before <= PUTS * FRAMES_PER_PUT * FRAME_BYTES


def test_a_place_is_taken_once(queue: Database) -> None:
    with queue.transaction() as tx:
        sealed = outbox.seal(
            outbox.head(tx), AUTHOR, Draft(Kind.CYCLE, HOST), AT, MOMENT, tx.scrubber
        )
        outbox.put(tx, sealed, AT)
    with pytest.raises(StoreUnusable, match="UNIQUE"), queue.transaction() as tx:
        outbox.put(tx, sealed, AT)


@pytest.mark.parametrize(
    ("epoch", "seq"), [(1, places.SEQ_END), (1, 2**53), (places.EPOCH_END, 1), (2**53, 1)]
)
def test_a_place_that_no_key_can_name_is_refused_and_never_another_one(
    queue: Database, epoch: int, seq: int
) -> None:
    with queue.transaction() as tx:
        _append(tx)
        sealed = outbox.seal(
            Head(1, 2, "a" * 64), AUTHOR, Draft(Kind.CYCLE, HOST), AT, MOMENT, tx.scrubber
        )
        with pytest.raises(Malformed, match="beyond"):
            outbox.put(tx, replace(sealed, epoch=epoch, seq=seq), AT)
        assert places.chain_hash_at(tx, epoch, seq) is None
        assert not places.holds_place(tx, epoch, seq)
        assert outbox.rewind(tx, epoch, seq) == 0
        assert outbox.head(tx).next_seq == 2


def test_the_head_outlives_the_newest_bundle(queue: Database) -> None:
    with queue.transaction() as tx:
        sent = [_append(tx) for _ in range(3)]
        for one in outbox.lease(tx, 1 << 20, 10):
            outbox.receive(tx, one.id, _receipt(one), AT)
            outbox.acknowledge(tx, one.id, AT)
        assert outbox.prune(tx, AT, pressed=True) == 3
        assert outbox.head(tx) == Head(1, 4, sent[-1].chain_hash)
        following = _append(tx)
        assert (following.epoch, following.seq) == (1, 4)
        assert [one.seq for one in outbox.lease(tx, 1 << 20, 10)] == [4]


def test_what_is_sent_next_and_counted_is_what_a_look_at_every_row_says(
    queue: Database, seed: int
) -> None:
    drawn, expected = random.Random(seed), Head(1, 1, bundle.NO_PREV)
    for _ in range(STEPS):
        with queue.transaction() as tx:
            expected = _step(tx, drawn, expected)
        with queue.transaction() as tx:
            _check(tx, expected)


def _step(tx: Transaction, drawn: random.Random, head: Head) -> Head:
    """One thing that may happen to the queue; where the stream then stands."""
    match drawn.choice(("put", "put", "answer", "answer", "prove", "rewind", "prune", "epoch")):
        case "put":
            made = _append(tx)
            return Head(made.epoch, made.seq + 1, made.chain_hash)
        case "answer":
            batch = outbox.lease(tx, 1 << 20, drawn.randint(1, 5))
            _answer(tx, drawn, batch)
        case "prove":
            for one in outbox.to_prove(tx, 2**62, drawn.randint(1, 5)):
                outbox.acknowledge(tx, one.id, AT)
        case "rewind":
            outbox.rewind(tx, drawn.randint(1, head.epoch), drawn.randint(1, 2 + head.next_seq))
        case "prune" if drawn.random() < 0.2:
            outbox.prune(tx, AT, pressed=True)
        case "epoch" if drawn.random() < 0.2:
            outbox.begin_epoch(tx, head.epoch + 1)
            assert outbox.head(tx) == Head(head.epoch + 1, 1, bundle.NO_PREV)
            made = outbox.append(tx, AUTHOR, Draft(Kind.EPOCH, None, note=_note(head)), AT, MOMENT)
            return Head(made.epoch, 2, made.chain_hash)
    return head


def _note(last: Head) -> dict[str, object]:
    return {
        "last_epoch": last.epoch,
        "last_seq": last.next_seq - 1,
        "last_hash": last.prev,
        "reason": "a test",
    }


def _answer(tx: Transaction, drawn: random.Random, batch: list[Queued]) -> None:
    match drawn.choice(("receipts", "receipts", "quarantine", "later", "died")):
        case "receipts":
            for one in batch:
                outbox.receive(tx, one.id, _receipt(one), AT)
        case "quarantine" if batch:
            outbox.quarantine(tx, drawn.choice(batch).id, "poison")
        case "later" if batch:
            outbox.put_off(tx, batch, AT)
        case _:
            outbox.give_back(tx)


def _check(tx: Transaction, head: Head) -> None:
    rows = tx.rows("SELECT id, epoch, seq, state FROM queued_evidence ORDER BY epoch, seq")
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)
    states = [row["state"] for row in rows]
    counts = outbox.counts(tx)
    assert counts.pending == sum(state in UNSENT for state in states)
    assert counts.unproved == states.count("received")
    assert counts.acknowledged == states.count("acknowledged")
    assert counts.quarantined == states.count("quarantined")
    assert (counts.oldest_at is None) == (counts.pending == 0)
    assert outbox.head(tx) == head
    unsent = [row for row in rows if row["state"] in UNSENT]
    first = [row["id"] for row in unsent if row["epoch"] == unsent[0]["epoch"]]
    assert [one.id for one in outbox.lease(tx, 1 << 30, 10_000)] == first


@pytest.mark.parametrize("pruned", [False, True])
def test_a_queue_of_the_schema_before_is_taken_over_whole(tmp_path: Path, pruned: bool) -> None:
    connection = _before(tmp_path / "agent.db")
    kept = () if pruned else ("quarantined", "acknowledged", "received", "leased", "pending")
    for seq, state in enumerate(kept, 1):
        connection.execute(
            "INSERT INTO queued_evidence (bundle_json, epoch, seq, kind, host_id, chain_hash,"
            " payload_sha256, payload_len, state, receipt_index, acknowledged_at, refusal)"
            " VALUES (?, 2, ?, 'cycle', 'h', ?, ?, 7, ?, 9, 'then', 'poison')",
            (f"envelope {seq}", seq, f"{seq}" * 64, "b" * 64, state),
        )
    connection.execute("INSERT INTO stream VALUES (1, 2, 6, ?)", ("5" * 64,))
    connection.close()
    opened = _open(tmp_path)
    with opened.transaction() as tx:
        assert outbox.head(tx) == Head(2, 6, "5" * 64)
        rows = tx.rows("SELECT * FROM queued_evidence ORDER BY id")
        assert [row["state"] for row in rows] == list(kept)
        assert [(row["epoch"], row["seq"]) for row in rows] == [
            (2, n + 1) for n in range(len(kept))
        ]
        assert {row["receipt_index"] for row in rows} <= {9}
        assert places.refused_at(tx, 2, 1) == (None if pruned else "poison")
        sent = [one.envelope for one in outbox.lease(tx, 1 << 20, 10)]
        assert sent == ([] if pruned else ["envelope 4", "envelope 5"])
        assert _append(tx).seq == 6
    opened.close()


def _before(path: Path) -> sqlite3.Connection:
    """A store that knows the migrations before this queue."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode=WAL")
    for name, text in sorted(database.schema_files().items()):
        if name < "005":
            for statement in database.statements(text):
                database.carry_out(connection, statement)
    return connection
