"""How the own stream and Central's copy of it are brought together again when they differ."""

from dataclasses import dataclass

from wardline.agent.store import (
    alarms,
    backoff,
    freezes,
    holds,
    incidents,
    outbox,
    places,
    stops,
)
from wardline.agent.store.alarms import Code
from wardline.agent.store.database import Transaction
from wardline.agent.store.ledger import Ledger
from wardline.agent.store.outbox import Draft, Head
from wardline.core.evidence import notes
from wardline.core.evidence.bundle import Kind
from wardline.core.protocol import Stream

SUBJECT = "stream"
REASON_CHARS_MAX = 500


@dataclass(frozen=True, slots=True)
class Behind:
    """Why this appliance must not go on in its epoch: Central has what it does not."""

    reason: str


def behind(tx: Transaction, own: Head, theirs: Stream) -> Behind | None:
    """Whether Central knows more of the stream, or other things of it, than is known here.

    That is what a data directory restored from an old backup looks like.
    """
    if theirs.epoch < own.epoch:
        return None
    if theirs.epoch > own.epoch:
        return Behind(f"Central is at epoch {theirs.epoch}, this appliance at {own.epoch}")
    if theirs.next_seq > own.next_seq:
        return Behind(
            f"Central has {theirs.next_seq - 1} bundles of epoch {own.epoch},"
            f" this appliance knows of {own.next_seq - 1}"
        )
    known = (
        own.prev
        if theirs.next_seq == own.next_seq
        else places.chain_hash_at(tx, own.epoch, theirs.next_seq - 1)
    )
    if theirs.next_seq > 1 and known is not None and known != theirs.prev:
        return Behind(f"Central has another bundle {theirs.next_seq - 1} of epoch {own.epoch}")
    return None


def reconcile(ledger: Ledger, theirs: Stream) -> bool:
    """Compare heads after a check-in; False when Central must hear of a new epoch first.

    An appliance that is behind begins the next epoch before it writes again. What Central no
    longer has, though it gave a receipt, is sent again, and its holds are told again.
    """
    with ledger.reading() as tx:
        own = outbox.head(tx)
        found = behind(tx, own, theirs)
    if found is not None:
        raise_epoch(ledger, max(own.epoch, theirs.epoch) + 1, found.reason)
        return False
    with ledger.transaction() as tx:
        if theirs.epoch < own.epoch:
            alarms.sound(tx, Code.EPOCH_NOT_ENROLLED, SUBJECT, _unknown_epoch(own), ledger.now())
            return False
        if alarms.over(tx, Code.EPOCH_NOT_ENROLLED, SUBJECT, ledger.now()):
            backoff.end(tx)
        if outbox.rewind(tx, theirs.epoch, theirs.next_seq):
            holds.tell_again(tx)
            freezes.tell_again(tx)
            stops.tell_again(tx)
    return True


def raise_epoch(ledger: Ledger, epoch: int, reason: str) -> None:
    """Begin a new stream; its first record names the last known one.

    What the old stream had not sent stays queued. Central learns of the new one at the next
    check-in.
    """
    with ledger.transaction() as tx:
        own = outbox.head(tx)
        outbox.begin_epoch(tx, epoch)
        note = {
            "last_epoch": own.epoch,
            "last_seq": own.next_seq - 1,
            "last_hash": own.prev,
            "reason": reason[:REASON_CHARS_MAX] or "no reason was given",
        }
        ledger.seal(tx, Draft(Kind.EPOCH, None, note=note))
        # Central may have heard otherwise of what is open here: it is judged and told anew.
        incidents.forget_judgements(tx)
        alarms.sound(
            tx,
            Code.STREAM_BEHIND,
            f"epoch {own.epoch}",
            f"{reason}. Was this directory restored from a backup? Evidence goes on in epoch"
            f" {epoch}; what was here stays queued",
            ledger.now(),
        )


def bridge(ledger: Ledger, expected: Stream, why: str) -> None:
    """Account for the places from `expected` to the head by one gap record that continues there.

    The bundles of those places stay here, in quarantine: their chain leads through a bundle that
    Central cannot accept. The record names the first notes.SKIPPED_MAX of them by the hash of their
    payload, so that whoever is shown one later can tell that it is what was signed.
    """
    with ledger.transaction() as tx:
        own = outbox.head(tx)
        first, last = expected.next_seq, own.next_seq - 1
        outbox.give_up(tx, own.epoch, first, last, why)
        hashes = places.skipped(tx, own.epoch, first, last, notes.SKIPPED_MAX)
        note = {"first_seq": first, "last_seq": last, "reason": why, "skipped": hashes}
        ledger.seal(tx, Draft(Kind.GAP, None, note=note), prev=expected.prev)


def _unknown_epoch(own: Head) -> str:
    return (
        f"Central does not know epoch {own.epoch} of this appliance: evidence is kept and waits;"
        " if that lasts, move this directory away and enrol anew"
    )
