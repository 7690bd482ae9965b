"""What people froze at this appliance itself: one freeze at a time, and the history of them."""

from dataclasses import dataclass
from datetime import datetime

from wardline.agent.store.database import Row, Transaction
from wardline.core import clock

REASON_CHARS_MAX = 1000


@dataclass(frozen=True, slots=True)
class LocalFreeze:
    """A freeze of this appliance, in force while `lifted_at` is None; `changes` counts what became
    of it."""

    id: int
    frozen_at: datetime
    frozen_by: str
    reason: str
    lifted_at: datetime | None
    lifted_by: str | None
    lift_reason: str | None
    changes: int


def freeze(tx: Transaction, by: str, reason: str, at: datetime) -> bool:
    """Stop everything here until a person lifts it; False when that was already so."""
    touched = tx.execute(
        "INSERT INTO freezes (frozen_at, frozen_by, reason) VALUES (?, ?, ?)"
        " ON CONFLICT DO NOTHING",
        (clock.wire(at), by, _text(tx, reason)),
    )
    return touched == 1


def lift(tx: Transaction, by: str, reason: str, at: datetime) -> bool:
    """End the freeze that is in force; its row stays. False when there is none."""
    touched = tx.execute(
        "UPDATE freezes SET lifted_at = ?, lifted_by = ?, lift_reason = ?, changes = changes + 1"
        " WHERE lifted_at IS NULL",
        (clock.wire(at), by, _text(tx, reason)),
    )
    return touched == 1


def in_force(tx: Transaction) -> LocalFreeze | None:
    row = tx.row("SELECT * FROM freezes WHERE lifted_at IS NULL")
    return None if row is None else _freeze(row)


def newest(tx: Transaction) -> LocalFreeze | None:
    """The last that was set, in force or lifted."""
    row = tx.row("SELECT * FROM freezes ORDER BY id DESC LIMIT 1")
    return None if row is None else _freeze(row)


def to_report(tx: Transaction, count_max: int) -> list[LocalFreeze]:
    """Those that Central does not know as they are now, oldest first."""
    rows = tx.rows("SELECT * FROM freezes WHERE told < changes ORDER BY id LIMIT ?", (count_max,))
    return [_freeze(row) for row in rows]


def reported(tx: Transaction, sent: list[LocalFreeze]) -> None:
    """Central has these as they were sent; what changed since is still to be told."""
    for one in sent:
        tx.execute("UPDATE freezes SET told = ? WHERE id = ?", (one.changes, one.id))


def tell_again(tx: Transaction) -> None:
    """Central has forgotten what it was told: it hears of all of them once more."""
    tx.execute("UPDATE freezes SET told = 0")


def _text(tx: Transaction, reason: str) -> str:
    return tx.scrubber.short(reason, REASON_CHARS_MAX)


def _freeze(row: Row) -> LocalFreeze:
    lifted_at = row["lifted_at"]
    return LocalFreeze(
        id=row["id"],
        frozen_at=clock.parse(row["frozen_at"]),
        frozen_by=row["frozen_by"],
        reason=row["reason"],
        lifted_at=clock.parse(lifted_at) if lifted_at else None,
        lifted_by=row["lifted_by"],
        lift_reason=row["lift_reason"],
        changes=row["changes"],
    )
