"""Flap suppressions: which repairs rest until a person clears them, and what Central has heard."""

from dataclasses import dataclass
from datetime import datetime

from wardline.agent.store.database import Row, Transaction
from wardline.core import clock
from wardline.core.incidents.incident import Incident

REASON_CHARS_MAX = 1000
SHOWN_MAX = 500


@dataclass(frozen=True, slots=True)
class Hold:
    """A suppression, active while `cleared_at` is None; `changes` counts what became of it.

    `set_by` is the person who set it, None where the flap rule did.
    """

    id: int
    host_id: str
    check: str
    runbook_id: str
    suppressed_at: datetime
    reason: str
    incident_id: str | None
    cleared_at: datetime | None
    cleared_by: str | None
    clear_reason: str | None
    changes: int
    set_by: str | None = None


def suppress(
    tx: Transaction,
    incident: Incident,
    runbook_id: str,
    at: datetime,
    reason: str,
    set_by: str | None = None,
) -> bool:
    """Suppress this repair until a person clears it; False when that was already so."""
    drift = (incident.site_id, incident.host_id, incident.check)
    return suppress_drift(tx, drift, runbook_id, at, reason, incident.id, set_by)


def suppress_drift(
    tx: Transaction,
    drift: tuple[str, str, str],
    runbook_id: str,
    at: datetime,
    reason: str,
    incident_id: str | None,
    set_by: str | None,
) -> bool:
    """As `suppress`, of a drift (site, host, check) that may have no incident now."""
    touched = tx.execute(
        "INSERT INTO flap_suppressions (site_id, host_id, incident_type, runbook_id,"
        " suppressed_at, reason, incident_id, changed_at, set_by)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            *(*drift, runbook_id, clock.wire(at), _text(tx, reason)),
            *(incident_id, clock.wire(at), set_by),
        ),
    )
    return touched == 1


def clear(tx: Transaction, hold_id: int, by: str, reason: str, at: datetime) -> bool:
    """A person ends a hold; its row stays as history. False when somebody had done so already."""
    touched = tx.execute(
        "UPDATE flap_suppressions SET cleared_at = ?, cleared_by = ?, clear_reason = ?,"
        " changed_at = ?, changes = changes + 1 WHERE id = ? AND cleared_at IS NULL",
        (clock.wire(at), by, _text(tx, reason), clock.wire(at), hold_id),
    )
    return touched == 1


def active(tx: Transaction) -> list[Hold]:
    """Those that hold now, oldest first."""
    rows = tx.rows("SELECT * FROM flap_suppressions WHERE cleared_at IS NULL ORDER BY id")
    return [_hold(row) for row in rows]


def newest(tx: Transaction) -> list[Hold]:
    """Active and cleared ones, newest first, at most SHOWN_MAX."""
    rows = tx.rows("SELECT * FROM flap_suppressions ORDER BY id DESC LIMIT ?", (SHOWN_MAX,))
    return [_hold(row) for row in rows]


def get(tx: Transaction, hold_id: int) -> Hold | None:
    row = tx.row("SELECT * FROM flap_suppressions WHERE id = ?", (hold_id,))
    return None if row is None else _hold(row)


def named(
    tx: Transaction, host_id: str, check: str, runbook_id: str, suppressed_at: datetime
) -> Hold | None:
    """The one that an order means: set at exactly this time."""
    row = tx.row(
        "SELECT * FROM flap_suppressions WHERE host_id = ? AND incident_type = ?"
        " AND runbook_id = ? AND suppressed_at = ? ORDER BY cleared_at IS NOT NULL, id DESC",
        (host_id, check, runbook_id, clock.wire(suppressed_at)),
    )
    return None if row is None else _hold(row)


def active_of(tx: Transaction, site_id: str, host_id: str, check: str) -> list[Hold]:
    """Those that hold any repair of this drift now, oldest first."""
    rows = tx.rows(
        "SELECT * FROM flap_suppressions WHERE cleared_at IS NULL AND site_id = ?"
        " AND host_id = ? AND incident_type = ? ORDER BY id",
        (site_id, host_id, check),
    )
    return [_hold(row) for row in rows]


def on(tx: Transaction, incident: Incident, runbook_id: str) -> Hold | None:
    """The one that holds this repair of the incident's drift now."""
    row = tx.row(
        "SELECT * FROM flap_suppressions WHERE cleared_at IS NULL AND site_id = ?"
        " AND host_id = ? AND incident_type = ? AND runbook_id = ?",
        (incident.site_id, incident.host_id, incident.check, runbook_id),
    )
    return None if row is None else _hold(row)


def to_report(tx: Transaction, count_max: int) -> list[Hold]:
    """Those that Central does not know as they are now, oldest change first."""
    rows = tx.rows(
        "SELECT * FROM flap_suppressions WHERE told < changes ORDER BY changed_at, id LIMIT ?",
        (count_max,),
    )
    return [_hold(row) for row in rows]


def reported(tx: Transaction, sent: list[Hold]) -> None:
    """Central has these as they were sent; what changed since is still to be told."""
    for one in sent:
        tx.execute("UPDATE flap_suppressions SET told = ? WHERE id = ?", (one.changes, one.id))


def tell_again(tx: Transaction) -> None:
    """Central has forgotten what it was told: it hears of all of them once more."""
    tx.execute("UPDATE flap_suppressions SET told = 0")


def _text(tx: Transaction, reason: str) -> str:
    return tx.scrubber.short(reason, REASON_CHARS_MAX)


def _hold(row: Row) -> Hold:
    cleared_at = row["cleared_at"]
    return Hold(
        id=row["id"],
        host_id=row["host_id"],
        check=row["incident_type"],
        runbook_id=row["runbook_id"],
        suppressed_at=clock.parse(row["suppressed_at"]),
        reason=row["reason"],
        incident_id=row["incident_id"],
        cleared_at=clock.parse(cleared_at) if cleared_at else None,
        cleared_by=row["cleared_by"],
        clear_reason=row["clear_reason"],
        changes=row["changes"],
        set_by=row["set_by"],
    )
