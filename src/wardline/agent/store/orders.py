"""The orders that this appliance was given: each id counts once for ever, and is told until heard.

A row is kept until long after its order expired. When it goes, `facts.ORDERS_FORGOTTEN` remembers
the latest expiry that was forgotten: nothing that expires earlier is ever new again, whatever the
clock says.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from wardline.agent.store import facts
from wardline.agent.store.database import Exact, Transaction
from wardline.agent.store.outbox import Queued
from wardline.core import clock, orders
from wardline.core.errors import Malformed
from wardline.core.evidence.signing import Envelope, VerifyKey
from wardline.core.orders import Order

KEPT_DAYS = 30
# What Central sends must never take the room of evidence: beyond this nothing more is taken in.
KEPT_BYTES_MAX = 32 << 20
ROW_BYTES = 512
WAITING_MAX = 200
ATTEMPTS_MAX = 5
DETAIL_CHARS_MAX = 1000
PRUNED_PER_TURN_MAX = 500


class State(StrEnum):
    """Where an order stands here; all but the first are told to Central."""

    RECEIVED = "received"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EXPIRED = "expired"


class Code(StrEnum):
    """Why, in one word; an order that the policy refuses has the code of its decision instead."""

    # Not admitted.
    MALFORMED = "malformed"
    BAD_SIGNATURE = "bad_signature"
    OTHER_SITE = "other_site"
    OTHER_APPLIANCE = "other_appliance"
    UNKNOWN_HOST = "unknown_host"
    NOT_YET_ISSUED = "not_yet_issued"  # issued later than this clock can account for
    EXPIRED = "expired"
    # A run.
    RUNNING = "running"
    HEALED = "healed"
    ALREADY_PASSES = "already_passes"  # the drift was gone before anything ran
    NOTHING_TO_CHANGE = "nothing_to_change"  # it ran, changed nothing, and the check passes
    NOT_OPEN = "not_open"  # no such open incident of this host and check here
    UNMEASURED = "unmeasured"  # what could not be measured is not repaired
    CHANGED = "changed"  # not the run any more that a person looked at
    NOT_HEALED = "not_healed"
    COLLATERAL = "collateral"  # what was up before the run was down after it, which was undone
    UNPROVED = "unproved"  # the clock was set back: nothing shows that the check passed later
    FROZEN = "frozen"  # a freeze came in the middle of the run, which was undone
    INTERRUPTED = "interrupted"
    GIVEN_UP = "given_up"  # it was begun too often and never came to a run
    # A run that was undone.
    UNDONE = "undone"
    ALREADY_UNDONE = "already_undone"
    NO_SUCH_RUN = "no_such_run"
    UNDO_REFUSED = "undo_refused"  # edited since, or no longer kept: nothing was changed
    LEFT_BY_HAND = "left_by_hand"  # not everything could be put back
    # A hold.
    CLEARED = "cleared"
    ALREADY_CLEARED = "already_cleared"
    NO_SUCH_HOLD = "no_such_hold"
    HOLD_SET = "hold_set"
    ALREADY_HELD = "already_held"
    NOTHING_TO_HOLD = "nothing_to_hold"  # no such repair of this check here
    # Looked at once more.
    MEASURED = "measured"
    TRYING = "trying"
    HELD = "held"  # a hold keeps the repair off: nothing is tried before it is cleared


@dataclass(frozen=True, slots=True)
class Ending:
    """How an order ended."""

    state: State
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class Telling:
    """What Central is to hear of an order."""

    id: str
    state: State
    code: str
    detail: str
    at: datetime
    epoch: int | None
    seq: int | None


def receive(tx: Transaction, order: Order, envelope: Envelope, at: datetime) -> None:
    """Keep a verified order to be carried out; one that was refused unverified gives way."""
    tx.execute(
        "INSERT INTO orders (id, kind, host_id, envelope, expires_at, state, received_at)"
        " VALUES (?, ?, ?, ?, ?, 'received', ?) ON CONFLICT(id) DO UPDATE SET"
        " kind = excluded.kind, host_id = excluded.host_id, envelope = excluded.envelope,"
        " expires_at = excluded.expires_at, state = excluded.state, code = NULL, detail = NULL,"
        " received_at = excluded.received_at, ended_at = NULL, reported = NULL"
        " WHERE orders.envelope IS NULL",
        (
            *(order.id, order.kind.value, order.host_id, Exact(envelope.to_json().decode())),
            *(clock.wire(order.expires_at), clock.wire(at)),
        ),
    )


def refuse(tx: Transaction, order_id: str, ending: Ending, at: datetime) -> bool:
    """Keep that something under this id did not verify; False where the id is known already."""
    touched = tx.execute(
        "INSERT INTO orders (id, state, code, detail, received_at, ended_at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO NOTHING",
        (
            *(order_id, ending.state.value, ending.code, _detail(tx, ending.detail)),
            *(clock.wire(at), clock.wire(at)),
        ),
    )
    return touched == 1


def known(tx: Transaction, order_id: str) -> bytes | None:
    """The stored copy of what was verified under this id, whatever became of it."""
    row = tx.row(
        "SELECT CAST(envelope AS BLOB) AS stored FROM orders WHERE id = ? AND envelope IS NOT NULL",
        (order_id,),
    )
    return None if row is None else bytes(row["stored"])


def forgotten(tx: Transaction, order: Order) -> bool:
    """Whether its row may have been pruned: too old to be new, by the expiry that it names."""
    until = facts.get(tx, facts.Name.ORDERS_FORGOTTEN)
    return until is not None and order.expires_at <= clock.parse(until)


def unborn(order: Order, now: datetime) -> Ending | None:
    """Why an order that this clock says is not issued yet cannot be carried out; None where it is.

    When it is taken in and when its turn comes: a clock may be set back while it waits.
    """
    if not order.is_unborn(now):
        return None
    behind = f"issued at {clock.wire(order.issued_at)}, but here it is {clock.wire(now)}"
    return Ending(State.FAILED, Code.NOT_YET_ISSUED, f"{behind}: set this machine's clock")


def waiting(tx: Transaction) -> list[tuple[str, bytes]]:
    """Received ones, oldest first: the id and the stored copy, which nobody has to believe."""
    # As bytes: a column that somebody wrote to may hold what is no text.
    rows = tx.rows(
        "SELECT id, CAST(coalesce(envelope, '') AS BLOB) AS stored FROM orders"
        " WHERE state = 'received' AND picked IS NULL ORDER BY received_at, id LIMIT ?",
        (WAITING_MAX,),
    )
    return [(row["id"], bytes(row["stored"])) for row in rows]


def opened(order_id: str, stored: bytes, key: VerifyKey) -> Order:
    """The order of a stored copy, verified again; raises BadSignature or Malformed where the copy
    is not what Central signed under this id."""
    envelope = Envelope.from_json(stored, payload_bytes_max=orders.PAYLOAD_BYTES_MAX)
    order = orders.opened(envelope, key)
    if order.id != order_id:
        raise Malformed("id", f"{order.id}, where {order_id} is stored")
    return order


def running(tx: Transaction) -> list[str]:
    """Those that a run was begun for and not ended."""
    return [row["id"] for row in tx.rows("SELECT id FROM orders WHERE state = 'running'")]


def attempt(tx: Transaction, order_id: str) -> int:
    """Count one more look at a received order; how many that makes, 0 if it is not one."""
    row = tx.row(
        "UPDATE orders SET attempts = attempts + 1 WHERE id = ? AND state = 'received'"
        " RETURNING attempts",
        (order_id,),
    )
    return 0 if row is None else int(row["attempts"])


def start(tx: Transaction, order_id: str, at: datetime) -> bool:
    """Received to running, in the transaction that reserves its run; False if it is no longer."""
    touched = tx.execute(
        "UPDATE orders SET state = 'running', code = ?, started_at = ?"
        " WHERE id = ? AND state = 'received'",
        (Code.RUNNING.value, clock.wire(at), order_id),
    )
    return touched == 1


def end(
    tx: Transaction, order_id: str, ending: Ending, at: datetime, told_in: Queued | None = None
) -> bool:
    """A final state, once; `told_in` is the bundle that tells of it."""
    touched = tx.execute(
        "UPDATE orders SET state = ?, code = ?, detail = ?, ended_at = ?, epoch = ?, seq = ?"
        " WHERE id = ? AND state IN ('received', 'running')",
        (
            *(ending.state.value, ending.code, _detail(tx, ending.detail), clock.wire(at)),
            *(told_in and told_in.epoch, told_in and told_in.seq, order_id),
        ),
    )
    return touched == 1


def end_of(
    tx: Transaction, incident_id: str, ending: Ending, at: datetime, told_in: Queued
) -> None:
    """End the running order whose run was for this incident, if there is one."""
    rows = tx.rows(
        "SELECT id FROM orders WHERE state = 'running' AND id IN"
        " (SELECT order_id FROM runs WHERE incident_id = ?)",
        (incident_id,),
    )
    for row in rows:
        end(tx, row["id"], ending, at, told_in)


def to_tell(tx: Transaction, count_max: int) -> list[Telling]:
    """What Central has not answered for, oldest order first."""
    rows = tx.rows(
        "SELECT id, state, code, detail, started_at, ended_at, epoch, seq FROM orders"
        " WHERE state != 'received' AND reported IS NOT state AND picked IS NULL"
        " ORDER BY id LIMIT ?",
        (count_max,),
    )
    return [
        Telling(
            row["id"],
            State(row["state"]),
            row["code"],
            row["detail"] or "",
            clock.parse(row["ended_at"] or row["started_at"]),
            row["epoch"],
            row["seq"],
        )
        for row in rows
    ]


def told(tx: Transaction, telling: Telling) -> None:
    """Central has answered for this state; a later one is still to be told."""
    tx.execute("UPDATE orders SET reported = ? WHERE id = ?", (telling.state.value, telling.id))


def tell_again(tx: Transaction, order_id: str) -> None:
    """Central hands out what is known here: it has not heard, or has forgotten."""
    tx.execute("UPDATE orders SET reported = NULL WHERE id = ?", (order_id,))


def bytes_kept(tx: Transaction) -> int:
    """About how much of the store orders take."""
    row = tx.row(
        "SELECT coalesce(sum(? + length(coalesce(envelope, '')) + length(coalesce(detail, ''))), 0)"
        " AS n FROM orders",
        (ROW_BYTES,),
    )
    return 0 if row is None else int(row["n"])


def count_by_state(tx: Transaction) -> dict[str, int]:
    rows = tx.rows("SELECT state, count(*) AS n FROM orders GROUP BY state")
    return {row["state"]: row["n"] for row in rows}


def count_untold(tx: Transaction) -> int:
    row = tx.row(
        "SELECT count(*) AS n FROM orders WHERE state != 'received' AND reported IS NOT state"
        " AND picked IS NULL"
    )
    return 0 if row is None else int(row["n"])


def prune(tx: Transaction, now: datetime) -> int:
    """Forget what ended, was told and expired long ago; how many orders that are."""
    oldest = clock.wire(now - timedelta(days=KEPT_DAYS))
    rows = tx.rows(
        "DELETE FROM orders WHERE id IN (SELECT id FROM orders WHERE"
        " (reported IS state OR picked IS NOT NULL)"
        " AND state NOT IN ('received', 'running') AND coalesce(expires_at, received_at) < ?"
        " ORDER BY id LIMIT ?) RETURNING expires_at",
        (oldest, PRUNED_PER_TURN_MAX),
    )
    expiries = [row["expires_at"] for row in rows if row["expires_at"] is not None]
    before = facts.get(tx, facts.Name.ORDERS_FORGOTTEN)
    if expiries:
        latest = max(expiries, key=clock.parse)
        if before is None or clock.parse(before) < clock.parse(latest):
            facts.put(tx, facts.Name.ORDERS_FORGOTTEN, latest)
    return len(rows)


def _detail(tx: Transaction, text: str) -> str:
    return tx.scrubber.short(text, DETAIL_CHARS_MAX)
