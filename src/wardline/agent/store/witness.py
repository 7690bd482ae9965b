"""The largest checkpoint of the site's log that this appliance verified; it only ever grows.

Format: C2SP tlog-witness: persist, then cosign. A head that contradicts what is kept is refused.
"""

import binascii
from dataclasses import dataclass

from wardline.agent.store.database import Exact, Transaction
from wardline.core import clock
from wardline.core.errors import Malformed, Refused
from wardline.core.evidence import checkpoint, log, signing
from wardline.core.evidence.checkpoint import Checkpoint
from wardline.core.evidence.signing import SigningKey
from wardline.core.protocol import LogUpdate


class LogInvalid(Refused):
    """A checkpoint that is not this log's: its signature, origin or form is wrong."""

    code = "log_invalid"


class LogForked(Refused):
    """A signed checkpoint that contradicts what was witnessed: history was changed."""

    code = "log_forked"


@dataclass(frozen=True, slots=True)
class Witnessed:
    """The tree head that is kept; size 0 before the first."""

    origin: str
    size: int
    root: bytes
    note: str


@dataclass(frozen=True, slots=True)
class Cosigner:
    """Who witnesses: the log it watches, the log's key, and its own key and name."""

    origin: str
    log_key: bytes
    key: SigningKey
    name: str


def kept(tx: Transaction, origin: str) -> Witnessed:
    row = tx.row("SELECT * FROM witness WHERE origin = ?", (origin,))
    if row is None:
        return Witnessed(origin, 0, log.EMPTY_ROOT, "")
    return Witnessed(row["origin"], row["size"], row["root"], row["note"])


def verified(update: LogUpdate, cosigner: Cosigner, held: Witnessed) -> Checkpoint:
    """The head of the update, once signature, origin and growth from `held` are proved.

    Raises LogInvalid or LogForked; both leave what is kept as it is.
    """
    try:
        note = checkpoint.parse_note(update.checkpoint)
        head = note.checkpoint()
        signed = note.verify(cosigner.origin, cosigner.log_key)
        proof = [signing.unbase64(item, "log.proof", log.HASH_BYTES) for item in update.proof]
    except (Malformed, binascii.Error) as error:
        raise LogInvalid(f"the checkpoint cannot be read: {error}") from None
    if head.origin != cosigner.origin:
        raise LogInvalid(f"the checkpoint is of {head.origin[:120]}, not of {cosigner.origin}")
    if not signed:
        raise LogInvalid("the checkpoint is not signed by the log key of the enrolment")
    if head.size < held.size:
        raise LogForked(
            f"Central shows a log of {head.size} entries where {held.size} were witnessed:"
            " it was restored from an older state, or entries were taken away"
        )
    if held.size == 0:
        # The first head is believed on its signature: there is nothing yet to contradict.
        return head
    if not log.verify_consistency(held.size, head.size, held.root, head.root, proof):
        raise LogForked(
            f"Central's log of {head.size} entries does not contain the {held.size} that were"
            " witnessed: entries were changed, or the proof is wrong"
        )
    return head


def advance(
    tx: Transaction, cosigner: Cosigner, update: LogUpdate, head: Checkpoint, now: clock.Now
) -> None:
    """Keep a verified head and the cosignature that is to be returned for it."""
    at = now()
    body = head.body()
    line = checkpoint.cosign(body, cosigner.name, cosigner.key, int(at.timestamp()))
    tx.execute(
        "INSERT INTO witness (origin, size, root, note, verified_at, cosignature, cosignature_body)"
        " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT(origin) DO UPDATE SET size = excluded.size,"
        " root = excluded.root, note = excluded.note, verified_at = excluded.verified_at,"
        " cosignature = excluded.cosignature, cosignature_body = excluded.cosignature_body"
        " WHERE excluded.size >= witness.size",
        (
            cosigner.origin,
            head.size,
            head.root,
            Exact(update.checkpoint),
            clock.wire(at),
            Exact(line),
            Exact(body.decode()),
        ),
    )


def to_return(tx: Transaction, origin: str) -> list[str]:
    """Cosignature lines that Central does not have yet; they are over the head that is kept."""
    row = tx.row("SELECT cosignature FROM witness WHERE origin = ?", (origin,))
    return [] if row is None or row["cosignature"] is None else [row["cosignature"]]


def returned(tx: Transaction, origin: str, lines: list[str]) -> None:
    """Central took these lines."""
    for line in lines:
        tx.execute(
            "UPDATE witness SET cosignature = NULL WHERE origin = ? AND cosignature = ?",
            (origin, Exact(line)),
        )


def verified_at(tx: Transaction, origin: str) -> str | None:
    row = tx.row("SELECT verified_at FROM witness WHERE origin = ?", (origin,))
    return None if row is None else str(row["verified_at"])
