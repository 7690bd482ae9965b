"""What a person must see: one row per thing that is wrong, counted while it lasts."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from wardline.agent.store.database import Exact, Transaction
from wardline.core import clock


class Code(StrEnum):
    """What can be wrong enough to stay on the screen."""

    LOG_FORKED = "log_forked"  # Central showed a log that contradicts what was witnessed
    LOG_INVALID = "log_invalid"  # a checkpoint whose signature or origin is not the log's
    RECEIPT_WRONG = "receipt_wrong"  # a receipt or proof that does not hold the bundle it is for
    STREAM_BEHIND = "stream_behind"  # Central knows more of this stream than this appliance does
    EPOCH_NOT_ENROLLED = "epoch_not_enrolled"  # Central does not know the key of this epoch yet
    CONFLICT = "conflict"  # Central has other bytes under a place of this stream
    STREAM_HOLE = "stream_hole"  # Central asks for a bundle that is no longer here
    QUARANTINED = "quarantined"  # a bundle that Central can never accept
    REFUSED = "refused"  # Central does not accept this appliance's credential
    POLICY_REFUSED = "policy_refused"  # a policy snapshot that must not be used
    MANDATE_REFUSED = "mandate_refused"  # a mandate that is not for this appliance, or older
    ORDER_REFUSED = "order_refused"  # an order that is not for this appliance, or not Central's
    DEVIATION_CHANGED = "deviation_changed"  # something else fails where a state was accepted
    STORE_FULL = "store_full"  # no room for new evidence: checks are stopped
    INCIDENT_DEFECT = "incident_defect"  # the agent failed on one drift and left it to a person
    LOOP_FAILED = "loop_failed"  # a loop ended by an error of its own and was begun again


# Their detail holds what Central signed, byte for byte: it is the proof against it.
_SIGNED = (Code.LOG_FORKED, Code.LOG_INVALID)


@dataclass(frozen=True, slots=True)
class Alarm:
    code: Code
    subject: str
    detail: str
    first_at: str
    last_at: str
    times: int


def sound(tx: Transaction, code: Code, subject: str, detail: str, at: datetime) -> bool:
    """Record it; True when it was not sounding already."""
    detail = Exact(detail) if code in _SIGNED else detail
    row = tx.row(
        "INSERT INTO alarms (code, subject, detail, first_at, last_at) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT(code, subject) DO UPDATE SET detail = excluded.detail,"
        " last_at = excluded.last_at, over_at = NULL,"
        " first_at = CASE WHEN over_at IS NULL THEN first_at ELSE excluded.first_at END,"
        " times = CASE WHEN over_at IS NULL THEN times + 1 ELSE 1 END RETURNING times",
        (code.value, subject, detail, clock.wire(at), clock.wire(at)),
    )
    assert row is not None, "INSERT … RETURNING gives the row"
    return bool(row["times"] == 1)


def over(tx: Transaction, code: Code, subject: str, at: datetime) -> bool:
    """It is no longer so; whether it was."""
    touched = tx.execute(
        "UPDATE alarms SET over_at = ? WHERE code = ? AND subject = ? AND over_at IS NULL",
        (clock.wire(at), code.value, subject),
    )
    return touched == 1


def sounding(tx: Transaction) -> list[Alarm]:
    rows = tx.rows("SELECT * FROM alarms WHERE over_at IS NULL ORDER BY first_at, code, subject")
    return [
        Alarm(
            Code(row["code"]),
            row["subject"],
            row["detail"],
            row["first_at"],
            row["last_at"],
            row["times"],
        )
        for row in rows
    ]
