"""Single remembered values by name: the etag of the last answer, the clock's offset."""

from enum import StrEnum

from wardline.agent.store.database import Transaction


class Name(StrEnum):
    ETAG = "etag"
    CLOCK_OFFSET_MS = "clock_offset_ms"
    LAST_CHECKIN_AT = "last_checkin_at"
    GAP_SINCE = "gap_since"
    POLICY_REFUSED = "policy_refused"
    POLICY_CONFIRMED = "policy_confirmed"
    ORDERS_FORGOTTEN = "orders_forgotten"


def get(tx: Transaction, name: Name) -> str | None:
    row = tx.row("SELECT value FROM facts WHERE name = ?", (name.value,))
    return None if row is None else str(row["value"])


def put(tx: Transaction, name: Name, value: str) -> None:
    tx.execute(
        "INSERT INTO facts (name, value) VALUES (?, ?)"
        " ON CONFLICT(name) DO UPDATE SET value = excluded.value",
        (name.value, value),
    )


def drop(tx: Transaction, name: Name) -> None:
    tx.execute("DELETE FROM facts WHERE name = ?", (name.value,))
