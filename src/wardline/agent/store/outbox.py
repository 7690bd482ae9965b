"""The stream and the offline queue: sealed at once, kept until Central provably has it.

A put is one row and nothing beside it: its key is its place in the stream, so that the newest row
is the head, and the order of rows that of sending.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from wardline.agent.scrub.scrubber import Scrubber
from wardline.agent.store import places
from wardline.agent.store.database import Exact, Row, Transaction
from wardline.core import clock, protocol
from wardline.core.evidence import bundle, origin
from wardline.core.evidence.bundle import Bundle, IncidentRecord, Kind, Result
from wardline.core.evidence.signing import SigningKey

KEPT_DAYS = 30
PRUNED_PER_TURN_MAX = 500
# A JSON envelope in a batch: its text and a comma.
ENVELOPE_EXTRA_BYTES = 1
_PUT = (
    "INSERT INTO queued_evidence (id, kind, host_id, chain_hash, payload_sha256, payload_len,"
    " created_at, bundle_json) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


@dataclass(frozen=True, slots=True)
class Draft:
    """What a bundle is to say; the stream adds who, when and which place it has."""

    kind: Kind
    host_id: str | None
    results: tuple[Result, ...] = ()
    incidents: tuple[IncidentRecord, ...] = ()
    note: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Author:
    """Who seals: the same for every bundle of an appliance."""

    site_id: str
    appliance_id: str
    version: str
    key: SigningKey


@dataclass(frozen=True, slots=True)
class Head:
    """Where the own stream stands: the place and the `prev` of the next bundle."""

    epoch: int
    next_seq: int
    prev: str


@dataclass(frozen=True, slots=True)
class Queued:
    """A sealed bundle on its way; `envelope` is exactly what is sent."""

    id: int
    epoch: int
    seq: int
    kind: Kind
    host_id: str | None
    envelope: str
    chain_hash: str
    payload_sha256: str
    payload_len: int
    retry_count: int


@dataclass(frozen=True, slots=True)
class Received:
    """A bundle with its receipt, whose inclusion is still to be proved."""

    id: int
    index: int
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class Counts:
    pending: int
    unproved: int
    acknowledged: int
    quarantined: int
    oldest_at: str | None


def head(tx: Transaction) -> Head:
    """The stream's head: behind the newest bundle, or where the stream was said to stand since."""
    row = tx.row(
        "SELECT s.epoch, s.next_seq, s.prev, q.id, q.chain_hash FROM stream s"
        " LEFT JOIN queued_evidence q ON q.id = (SELECT max(id) FROM queued_evidence)"
        " AND q.id >= (s.epoch << 32 | s.next_seq)"
    )
    assert row is not None, "the schema puts the one row there"
    if row["id"] is None:
        return Head(row["epoch"], row["next_seq"], row["prev"])
    epoch, seq = places.of_key(row["id"])
    return Head(epoch, seq + 1, row["chain_hash"])


def append(
    tx: Transaction,
    author: Author,
    draft: Draft,
    at: datetime,
    moment: origin.Clock,
    prev: str | None = None,
) -> Queued:
    """Seal the draft as the next bundle of the stream and queue it, in the caller's transaction.

    `prev` is given only by a gap record that continues where Central's stream ends.
    """
    sealed = seal(head(tx), author, draft, at, moment, tx.scrubber, prev)
    return Queued(
        id=put(tx, sealed, at),
        epoch=sealed.epoch,
        seq=sealed.seq,
        kind=sealed.kind,
        host_id=sealed.host_id,
        envelope=sealed.envelope,
        chain_hash=sealed.chain_hash,
        payload_sha256=sealed.payload_sha256,
        payload_len=sealed.payload_len,
        retry_count=0,
    )


@dataclass(frozen=True, slots=True)
class Sealed:
    """A signed bundle for one place of the stream; `envelope` is exactly what will be sent."""

    epoch: int
    seq: int
    kind: Kind
    host_id: str | None
    envelope: str
    chain_hash: str
    payload_sha256: str
    payload_len: int


def seal(
    place: Head,
    author: Author,
    draft: Draft,
    at: datetime,
    moment: origin.Clock,
    scrubber: Scrubber,
    prev: str | None = None,
) -> Sealed:
    """The draft, scrubbed and signed as the bundle of this place. It is the gate of evidence: there
    is no other way into the stream (ADR 8)."""
    draft = _scrubbed(draft, scrubber)
    made = Bundle(
        kind=draft.kind,
        site_id=author.site_id,
        appliance_id=author.appliance_id,
        host_id=draft.host_id,
        epoch=place.epoch,
        seq=place.next_seq,
        prev=prev or place.prev,
        captured_at=at,
        clock=moment,
        agent=origin.Agent(author.version),
        results=draft.results,
        incidents=draft.incidents,
        controls=_controls(draft),
        note=draft.note,
    )
    envelope = bundle.seal(made, author.key)
    return Sealed(
        epoch=place.epoch,
        seq=place.next_seq,
        kind=draft.kind,
        host_id=draft.host_id,
        envelope=envelope.to_json().decode(),
        chain_hash=bundle.chain_hash(envelope.payload_type, envelope.payload),
        payload_sha256=hashlib.sha256(envelope.payload).hexdigest(),
        payload_len=len(envelope.payload),
    )


def put(tx: Transaction, sealed: Sealed, at: datetime) -> int:
    """Queue it under the key that it gives; the stream goes on behind it."""
    place = places.new_key(sealed.epoch, sealed.seq)
    tx.execute(
        _PUT,
        (
            place,
            sealed.kind.value,
            sealed.host_id,
            sealed.chain_hash,
            sealed.payload_sha256,
            sealed.payload_len,
            clock.wire(at),
            Exact(sealed.envelope),
        ),
    )
    return place


def begin_epoch(tx: Transaction, epoch: int) -> None:
    """Start a new stream; what the old one still has to send stays queued."""
    assert epoch > head(tx).epoch, "an epoch only rises"
    _set_head(tx, Head(epoch, 1, bundle.NO_PREV))


def lease(tx: Transaction, bytes_max: int, count_max: int) -> list[Queued]:
    """The next bundles of the oldest epoch that has any, in order, within a batch's limits.

    A bundle that alone is larger than `bytes_max` still comes, alone.
    """
    first = tx.row(
        "SELECT id FROM queued_evidence WHERE id >= (SELECT unsent_from FROM stream)"
        " AND state IN ('pending', 'leased') ORDER BY id LIMIT 1"
    )
    _settled_before(tx, _next_place(tx) if first is None else first["id"])
    if first is None:
        return []
    rows = tx.rows(
        "SELECT * FROM queued_evidence WHERE id BETWEEN ? AND ?"
        " AND state IN ('pending', 'leased') ORDER BY id LIMIT ?",
        (first["id"], first["id"] | places.SEQ_END, count_max),
    )
    taken: list[Queued] = []
    size = 0
    for row in rows:
        size += len(row["bundle_json"]) + ENVELOPE_EXTRA_BYTES
        if taken and size > bytes_max:
            break
        taken.append(_queued(row))
    tx.execute(
        "UPDATE queued_evidence SET state = 'leased' WHERE state = 'pending'"
        " AND id BETWEEN ? AND ?",
        (taken[0].id, taken[-1].id),
    )
    return taken


def give_back(tx: Transaction) -> int:
    """Whatever was leased by an agent that is no more is pending again."""
    return tx.execute(
        "UPDATE queued_evidence SET state = 'pending' WHERE state = 'leased'"
        " AND id >= (SELECT unsent_from FROM stream)"
    )


def put_off(tx: Transaction, batch: list[Queued], until: datetime) -> None:
    """A failed attempt: the batch is pending again and counts one more retry."""
    tx.execute(
        "UPDATE queued_evidence SET state = 'pending', retry_count = retry_count + 1,"
        " next_retry_at = ? WHERE state = 'leased' AND id BETWEEN ? AND ?",
        (clock.wire(until), batch[0].id, batch[-1].id),
    )


def receive(tx: Transaction, bundle_id: int, receipt: protocol.Receipt, at: datetime) -> None:
    """Keep Central's receipt; the bundle is acknowledged once its inclusion is proved."""
    tx.execute(
        "UPDATE queued_evidence SET state = 'received', uploaded_at = ?, receipt_index = ?,"
        " receipt_leaf_hash = ?, receipt_received_ms = ?, next_retry_at = NULL"
        " WHERE id = ? AND state IN ('pending', 'leased')",
        (clock.wire(at), receipt.index, receipt.leaf_hash, receipt.received_ms, bundle_id),
    )


def to_prove(tx: Transaction, size: int, count_max: int) -> list[Received]:
    """Received bundles that a checkpoint of this size must hold."""
    rows = tx.rows(
        "SELECT id, receipt_index, receipt_leaf_hash FROM queued_evidence"
        " WHERE state = 'received' AND receipt_index < ? ORDER BY receipt_index LIMIT ?",
        (size, count_max),
    )
    return [
        Received(row["id"], row["receipt_index"], bytes.fromhex(row["receipt_leaf_hash"]))
        for row in rows
    ]


def acknowledge(tx: Transaction, bundle_id: int, at: datetime) -> None:
    tx.execute(
        "UPDATE queued_evidence SET state = 'acknowledged', acknowledged_at = ?"
        " WHERE id = ? AND state = 'received'",
        (clock.wire(at), bundle_id),
    )


def quarantine(tx: Transaction, bundle_id: int, refusal: str) -> None:
    """Central can never accept it: kept for ever, and no longer in the way."""
    tx.execute(
        "UPDATE queued_evidence SET state = 'quarantined', refusal = ?"
        " WHERE id = ? AND state IN ('pending', 'leased')",
        (refusal, bundle_id),
    )


def rewind(tx: Transaction, epoch: int, seq: int) -> int:
    """Send again from this place on; how many bundles that are. Receipts are asked for anew."""
    first, last = places.key(epoch, seq), places.key(epoch, places.SEQ_END)
    tx.execute("UPDATE stream SET unsent_from = ? WHERE unsent_from > ?", (first, first))
    return tx.execute(
        "UPDATE queued_evidence SET state = 'pending', acknowledged_at = NULL"
        " WHERE id BETWEEN ? AND ? AND state IN ('leased', 'received', 'acknowledged')",
        (first, last),
    )


def give_up(tx: Transaction, epoch: int, first: int, last: int, refusal: str) -> int:
    """These places will never be sent: kept in quarantine, named by a gap record."""
    return tx.execute(
        "UPDATE queued_evidence SET state = 'quarantined', refusal = ?"
        " WHERE id BETWEEN ? AND ? AND state IN ('pending', 'leased')",
        (refusal, places.key(epoch, first), places.key(epoch, last)),
    )


def prune(tx: Transaction, now: datetime, *, pressed: bool) -> int:
    """Forget acknowledged bundles after 30 days, under a full quota the oldest at once."""
    before = now if pressed else now - timedelta(days=KEPT_DAYS)
    place = head(tx)
    pruned = tx.execute(
        "DELETE FROM queued_evidence WHERE id IN (SELECT id FROM queued_evidence"
        " WHERE state = 'acknowledged' AND acknowledged_at <= ? ORDER BY id LIMIT ?)",
        (clock.wire(before), PRUNED_PER_TURN_MAX),
    )
    if pruned:  # perhaps the newest of all, which nothing else would know of
        _set_head(tx, place)
    return pruned


def counts(tx: Transaction) -> Counts:
    row = tx.row(
        "SELECT count(*) AS pending, min(created_at) AS oldest_at,"
        " (SELECT count(*) FROM queued_evidence WHERE state = 'received') AS unproved,"
        " (SELECT count(*) FROM queued_evidence WHERE state = 'acknowledged') AS acknowledged,"
        " (SELECT count(*) FROM queued_evidence WHERE state = 'quarantined') AS quarantined"
        " FROM queued_evidence WHERE id >= (SELECT unsent_from FROM stream)"
        " AND state IN ('pending', 'leased')"
    )
    assert row is not None, "a count gives a row"
    return Counts(**dict(row))


def _next_place(tx: Transaction) -> int:
    following = head(tx)
    return places.key(following.epoch, following.next_seq)


def _settled_before(tx: Transaction, place: int) -> None:
    """Nothing before this place waits to be sent; only `rewind` takes that back."""
    tx.execute("UPDATE stream SET unsent_from = ? WHERE unsent_from < ?", (place, place))


def _set_head(tx: Transaction, place: Head) -> None:
    tx.execute(
        "UPDATE stream SET epoch = ?, next_seq = ?, prev = ?",
        (place.epoch, place.next_seq, place.prev),
    )


def _scrubbed(draft: Draft, scrubber: Scrubber) -> Draft:
    return replace(
        draft,
        results=tuple(scrubber.result(one) for one in draft.results),
        incidents=tuple(scrubber.record(one) for one in draft.incidents),
        note=scrubber.value(draft.note),
    )


def _controls(draft: Draft) -> tuple[str, ...]:
    named = {control for result in draft.results for control in result.controls}
    named |= {control for record in draft.incidents for control in record.before.controls}
    return tuple(sorted(named))


def _queued(row: Row) -> Queued:
    return Queued(
        id=row["id"],
        epoch=row["epoch"],
        seq=row["seq"],
        kind=Kind(row["kind"]),
        host_id=row["host_id"],
        envelope=row["bundle_json"],
        chain_hash=row["chain_hash"],
        payload_sha256=row["payload_sha256"],
        payload_len=row["payload_len"],
        retry_count=row["retry_count"],
    )
