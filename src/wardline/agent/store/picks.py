"""What people at the appliance picked of a ticket's choices: orders that Central does not know.

Each is a row of `orders`, so that it counts once, ends once and is carried out as any other.
"""

from dataclasses import dataclass
from datetime import timedelta

import orjson

from wardline.agent.store.database import Transaction
from wardline.core import clock
from wardline.core.errors import Malformed
from wardline.core.evidence import fields
from wardline.core.orders import REASON_BYTES_MAX, WORD_BYTES_MAX, Order, Person, RunRunbook

# What nobody took up in time was given up by whoever waited for it.
WANTED = timedelta(minutes=10)
REASON_CHARS_MAX = 1000
LISTED_MAX = 20

_TEXTS = ("by", "check", "runbook_id", "rule_id")
_DIGESTS = ("runbook_digest", "inputs_digest", "params_digest")
_KEYS = frozenset({*_TEXTS, *_DIGESTS, "incident_id", "rule_revision", "reason"})


@dataclass(frozen=True, slots=True)
class End:
    """What became of a pick: its state, the code and the words of its end, None before."""

    state: str
    code: str | None
    detail: str | None


def want(tx: Transaction, order: Order, body: RunRunbook) -> None:
    """To be carried out by the agent that runs here."""
    told = {
        **{name: getattr(body, name) for name in _KEYS - {"by", "reason"}},
        "by": order.by.user_id,
        "reason": tx.scrubber.short(order.reason, REASON_CHARS_MAX),
    }
    tx.execute(
        "INSERT INTO orders (id, kind, host_id, state, received_at, picked)"
        " VALUES (?, ?, ?, 'received', ?, ?)",
        (
            *(order.id, order.kind.value, order.host_id, clock.wire(order.issued_at)),
            tx.json(told),
        ),
    )


def waiting(tx: Transaction) -> list[str]:
    """Those that nobody has carried out, the oldest first."""
    rows = tx.rows(
        "SELECT id FROM orders WHERE state = 'received' AND picked IS NOT NULL"
        " ORDER BY received_at, id LIMIT ?",
        (LISTED_MAX,),
    )
    return [row["id"] for row in rows]


def opened(tx: Transaction, order_id: str, site_id: str, appliance_id: str) -> Order:
    """The order that a pick comes to; raises Malformed where the row is not as it was written."""
    row = tx.row("SELECT host_id, received_at, picked FROM orders WHERE id = ?", (order_id,))
    try:
        told = orjson.loads(row["picked"]) if row is not None else None
    except (orjson.JSONDecodeError, TypeError):
        told = None
    obj = fields.exactly(told, _KEYS)
    if row is None:
        raise Malformed("id", f"there is no {order_id}")
    texts = {name: fields.text(obj, name, WORD_BYTES_MAX, 1) for name in _TEXTS}
    by, at = texts.pop("by"), clock.parse(row["received_at"])
    body = RunRunbook(
        incident_id=fields.text(obj, "incident_id", WORD_BYTES_MAX, 1),
        **texts,
        **{name: fields.hex64(obj, name) for name in _DIGESTS},
        rule_revision=fields.optional(obj, "rule_revision", fields.integer, 0),
        consent=None,
    )
    reason = fields.text(obj, "reason", REASON_BYTES_MAX)
    person = Person(by, by, ())
    where = (site_id, appliance_id, row["host_id"])
    return Order(order_id, *where, at, at + WANTED, person, reason, body)


def end_of(tx: Transaction, order_id: str) -> End | None:
    row = tx.row("SELECT state, code, detail FROM orders WHERE id = ?", (order_id,))
    return None if row is None else End(row["state"], row["code"], row["detail"])


def take_back(tx: Transaction, order_id: str) -> bool:
    """Whoever picked waits no longer; False where it has begun."""
    touched = tx.execute(
        "DELETE FROM orders WHERE id = ? AND state = 'received' AND picked IS NOT NULL",
        (order_id,),
    )
    return touched == 1
