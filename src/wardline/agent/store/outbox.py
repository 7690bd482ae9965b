"""The stream and the offline queue: sealed at once, kept until Central provably has it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from wardline.agent.store import scrub
from wardline.agent.store.database import Row, Transaction
from wardline.core import clock, protocol
from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import Bundle, IncidentRecord, Kind, Result
from wardline.core.evidence.signing import Envelope, SigningKey

KEPT_DAYS = 30
PRUNED_PER_TURN_MAX = 500
# A JSON envelope in a batch: its text and a comma.
ENVELOPE_EXTRA_BYTES = 1


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
    """The stream's head; a new database begins epoch 1."""
    tx_row = tx.row("SELECT epoch, next_seq, prev FROM stream WHERE only = 1")
    if tx_row is None:
        return Head(1, 1, bundle.NO_PREV)
    return Head(tx_row["epoch"], tx_row["next_seq"], tx_row["prev"])


def append(
    tx: Transaction,
    author: Author,
    draft: Draft,
    at: datetime,
    moment: bundle.Clock,
    prev: str | None = None,
) -> Queued:
    """Seal the draft as the next bundle of the stream and queue it, in the caller's transaction.

    What it says is scrubbed here, for there is no other way into the stream. `prev` is given only
    by a gap record that continues where Central's stream ends.
    """
    return put(tx, seal(head(tx), author, _scrubbed(draft), at, moment, prev), at)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A signed bundle for one place of the stream."""

    epoch: int
    seq: int
    kind: Kind
    host_id: str | None
    envelope: Envelope


def seal(
    place: Head,
    author: Author,
    draft: Draft,
    at: datetime,
    moment: bundle.Clock,
    prev: str | None = None,
) -> Sealed:
    """A scrubbed draft, signed as the bundle of this place."""
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
        agent=bundle.Agent(author.version),
        results=draft.results,
        incidents=draft.incidents,
        controls=_controls(draft),
        note=draft.note,
    )
    envelope = bundle.seal(made, author.key)
    return Sealed(place.epoch, place.next_seq, draft.kind, draft.host_id, envelope)


def put(tx: Transaction, sealed: Sealed, at: datetime) -> Queued:
    """Queue it; the stream goes on behind it."""
    envelope = sealed.envelope
    text, digest = envelope.to_json().decode(), hashlib.sha256(envelope.payload).hexdigest()
    chained = bundle.chain_hash(envelope.payload_type, envelope.payload)
    row = tx.row(
        "INSERT INTO queued_evidence (bundle_json, created_at, epoch, seq, kind, host_id,"
        " chain_hash, payload_sha256, payload_len) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
        (
            text,
            clock.wire(at),
            sealed.epoch,
            sealed.seq,
            sealed.kind.value,
            sealed.host_id,
            chained,
            digest,
            len(envelope.payload),
        ),
    )
    _set_head(tx, Head(sealed.epoch, sealed.seq + 1, chained))
    assert row is not None, "INSERT … RETURNING gives the row"
    return Queued(
        id=row["id"],
        epoch=sealed.epoch,
        seq=sealed.seq,
        kind=sealed.kind,
        host_id=sealed.host_id,
        envelope=text,
        chain_hash=chained,
        payload_sha256=digest,
        payload_len=len(envelope.payload),
        retry_count=0,
    )


def begin_epoch(tx: Transaction, epoch: int) -> None:
    """Start a new stream; what the old one still has to send stays queued."""
    assert epoch > head(tx).epoch, "an epoch only rises"
    _set_head(tx, Head(epoch, 1, bundle.NO_PREV))


def lease(tx: Transaction, bytes_max: int, count_max: int) -> list[Queued]:
    """The next bundles of the oldest epoch that has any, in order, within a batch's limits.

    A bundle that alone is larger than `bytes_max` still comes, alone.
    """
    first = tx.row(
        "SELECT epoch, seq FROM queued_evidence WHERE state IN ('pending', 'leased')"
        " ORDER BY epoch, seq LIMIT 1"
    )
    if first is None:
        return []
    rows = tx.rows(
        "SELECT * FROM queued_evidence WHERE epoch = ? AND seq >= ?"
        " AND state IN ('pending', 'leased') ORDER BY seq LIMIT ?",
        (first["epoch"], first["seq"], count_max),
    )
    taken: list[Queued] = []
    size = 0
    for row in rows:
        size += len(row["bundle_json"]) + ENVELOPE_EXTRA_BYTES
        if taken and size > bytes_max:
            break
        taken.append(_queued(row))
    tx.execute(
        "UPDATE queued_evidence SET state = 'leased' WHERE state = 'pending' AND epoch = ?"
        " AND seq BETWEEN ? AND ?",
        (taken[0].epoch, taken[0].seq, taken[-1].seq),
    )
    return taken


def give_back(tx: Transaction) -> int:
    """Whatever was leased by an agent that is no more is pending again."""
    return tx.execute("UPDATE queued_evidence SET state = 'pending' WHERE state = 'leased'")


def put_off(tx: Transaction, batch: list[Queued], until: datetime) -> None:
    """A failed attempt: the batch is pending again and counts one more retry."""
    tx.execute(
        "UPDATE queued_evidence SET state = 'pending', retry_count = retry_count + 1,"
        " next_retry_at = ? WHERE state = 'leased' AND epoch = ? AND seq BETWEEN ? AND ?",
        (clock.wire(until), batch[0].epoch, batch[0].seq, batch[-1].seq),
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
        (scrub.text(refusal), bundle_id),
    )


def rewind(tx: Transaction, epoch: int, seq: int) -> int:
    """Send again from this place on; how many bundles that are. Receipts are asked for anew."""
    return tx.execute(
        "UPDATE queued_evidence SET state = 'pending', acknowledged_at = NULL"
        " WHERE epoch = ? AND seq >= ? AND state IN ('leased', 'received', 'acknowledged')",
        (epoch, seq),
    )


def give_up(tx: Transaction, epoch: int, first: int, last: int, refusal: str) -> int:
    """These places will never be sent: kept in quarantine, named by a gap record."""
    return tx.execute(
        "UPDATE queued_evidence SET state = 'quarantined', refusal = ?"
        " WHERE epoch = ? AND seq BETWEEN ? AND ? AND state IN ('pending', 'leased')",
        (scrub.text(refusal), epoch, first, last),
    )


def refused_at(tx: Transaction, epoch: int, seq: int) -> str | None:
    """Why the bundle of this place is in quarantine, in Central's words; None if it is not."""
    row = tx.row(
        "SELECT refusal FROM queued_evidence WHERE epoch = ? AND seq = ? AND state = 'quarantined'",
        (epoch, seq),
    )
    return None if row is None else str(row["refusal"] or "")


def skipped(tx: Transaction, epoch: int, first: int, last: int, count_max: int) -> list[str]:
    """Hex SHA-256 of the payloads that are kept here and will never be sent, in their order."""
    rows = tx.rows(
        "SELECT payload_sha256 FROM queued_evidence WHERE epoch = ? AND seq BETWEEN ? AND ?"
        " AND state = 'quarantined' ORDER BY seq LIMIT ?",
        (epoch, first, last, count_max),
    )
    return [row["payload_sha256"] for row in rows]


def holds_place(tx: Transaction, epoch: int, seq: int) -> bool:
    """Whether the bundle of this place is still here to be sent."""
    found = tx.row(
        "SELECT 1 FROM queued_evidence WHERE epoch = ? AND seq = ? AND state != 'quarantined'",
        (epoch, seq),
    )
    return found is not None


def chain_hash_at(tx: Transaction, epoch: int, seq: int) -> str | None:
    """The hash of the bundle at a place, None when it was pruned or never was."""
    row = tx.row("SELECT chain_hash FROM queued_evidence WHERE epoch = ? AND seq = ?", (epoch, seq))
    return None if row is None else str(row["chain_hash"])


def prune(tx: Transaction, now: datetime, *, pressed: bool) -> int:
    """Forget acknowledged bundles after 30 days, under a full quota the oldest at once."""
    before = now if pressed else now - timedelta(days=KEPT_DAYS)
    return tx.execute(
        "DELETE FROM queued_evidence WHERE id IN (SELECT id FROM queued_evidence"
        " WHERE state = 'acknowledged' AND acknowledged_at <= ? ORDER BY epoch, seq LIMIT ?)",
        (clock.wire(before), PRUNED_PER_TURN_MAX),
    )


def counts(tx: Transaction) -> Counts:
    rows = tx.rows(
        "SELECT state, count(*) AS n, min(created_at) AS oldest FROM queued_evidence GROUP BY state"
    )
    by_state = {row["state"]: row["n"] for row in rows}
    unsent = [row["oldest"] for row in rows if row["state"] in ("pending", "leased")]
    return Counts(
        pending=by_state.get("pending", 0) + by_state.get("leased", 0),
        unproved=by_state.get("received", 0),
        acknowledged=by_state.get("acknowledged", 0),
        quarantined=by_state.get("quarantined", 0),
        oldest_at=min(unsent, default=None),
    )


def _set_head(tx: Transaction, place: Head) -> None:
    tx.execute(
        "INSERT INTO stream (only, epoch, next_seq, prev) VALUES (1, ?, ?, ?)"
        " ON CONFLICT(only) DO UPDATE SET epoch = excluded.epoch,"
        " next_seq = excluded.next_seq, prev = excluded.prev",
        (place.epoch, place.next_seq, place.prev),
    )


def _scrubbed(draft: Draft) -> Draft:
    return replace(
        draft,
        results=tuple(scrub.result(one) for one in draft.results),
        incidents=tuple(scrub.record(one) for one in draft.incidents),
        note=scrub.value(draft.note),
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
