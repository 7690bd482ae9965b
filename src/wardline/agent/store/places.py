"""The places of the streams in the queue: the key of each, and what is known of one.

A key is the epoch above so many bits of seq, so that the order of keys is that of sending.
"""

from wardline.agent.store.database import Transaction
from wardline.core.errors import Malformed

SEQ_BITS = 32
# The two ends are places that no bundle ever has.
SEQ_END = (1 << SEQ_BITS) - 1
EPOCH_END = (1 << 31) - 1


def key(epoch: int, seq: int) -> int:
    """The key of a place; of one that no bundle can have, a key that none ever has."""
    return min(epoch, EPOCH_END) << SEQ_BITS | min(seq, SEQ_END)


def new_key(epoch: int, seq: int) -> int:
    """The key for a new bundle; raises Malformed for a place beyond what a key can name."""
    if epoch >= EPOCH_END or seq >= SEQ_END:
        raise Malformed("seq", f"{epoch}/{seq} is beyond what the queue can hold")
    return key(epoch, seq)


def of_key(value: int) -> tuple[int, int]:
    """Epoch and seq of a key."""
    return value >> SEQ_BITS, value & SEQ_END


def refused_at(tx: Transaction, epoch: int, seq: int) -> str | None:
    """Why the bundle of this place is in quarantine, in Central's words; None if it is not."""
    row = tx.row(
        "SELECT refusal FROM queued_evidence WHERE id = ? AND state = 'quarantined'",
        (key(epoch, seq),),
    )
    return None if row is None else str(row["refusal"] or "")


def skipped(tx: Transaction, epoch: int, first: int, last: int, count_max: int) -> list[str]:
    """Hex SHA-256 of the payloads that are kept here and will never be sent, in their order."""
    rows = tx.rows(
        "SELECT payload_sha256 FROM queued_evidence WHERE id BETWEEN ? AND ?"
        " AND state = 'quarantined' ORDER BY id LIMIT ?",
        (key(epoch, first), key(epoch, last), count_max),
    )
    return [row["payload_sha256"] for row in rows]


def holds_place(tx: Transaction, epoch: int, seq: int) -> bool:
    """Whether the bundle of this place is still here to be sent."""
    found = tx.row(
        "SELECT 1 FROM queued_evidence WHERE id = ? AND state != 'quarantined'",
        (key(epoch, seq),),
    )
    return found is not None


def chain_hash_at(tx: Transaction, epoch: int, seq: int) -> str | None:
    """The hash of the bundle at a place, None when it was pruned or never was."""
    row = tx.row("SELECT chain_hash FROM queued_evidence WHERE id = ?", (key(epoch, seq),))
    return None if row is None else str(row["chain_hash"])
