"""Accepted deviations as the appliance keeps them: which of a mandate's are over for good."""

from collections.abc import Iterable
from datetime import datetime

from wardline.agent.store import mandates
from wardline.agent.store.database import Transaction
from wardline.core import clock
from wardline.core.deviation import Deviation


def over(tx: Transaction) -> frozenset[str]:
    """Those of the mandate in force that this machine saw expire, whatever its clock says now."""
    rows = tx.rows(
        "SELECT deviation_id FROM deviations_over WHERE mandate_digest = ?",
        (mandates.digest(tx) or "",),
    )
    return frozenset(row["deviation_id"] for row in rows)


def end(tx: Transaction, expired: Iterable[Deviation], at: datetime) -> None:
    """These are over for as long as the mandate in force stands; what was kept for an earlier one
    goes, for that never comes back."""
    digest = mandates.digest(tx) or ""
    tx.execute("DELETE FROM deviations_over WHERE mandate_digest <> ?", (digest,))
    for one in expired:
        tx.execute(
            "INSERT INTO deviations_over (deviation_id, mandate_digest, over_at) VALUES (?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (one.id, digest, clock.wire(at)),
        )
