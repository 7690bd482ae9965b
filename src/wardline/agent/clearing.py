"""Ends a hold for a person: the row, what it had stopped, and the evidence of both, at once."""

from wardline.agent.store import holds, incidents
from wardline.agent.store.database import Transaction
from wardline.agent.store.holds import Hold
from wardline.agent.store.ledger import Ledger
from wardline.agent.store.outbox import Draft, Queued
from wardline.core import clock
from wardline.core.errors import Conflict, NotFound, Refused
from wardline.core.evidence.bundle import Kind
from wardline.core.incidents import incident
from wardline.core.incidents.incident import Incident
from wardline.core.incidents.states import State


class ReasonNeeded(Refused):
    """A hold is cleared with a reason, in up to 1,000 characters."""

    code = "reason_needed"


def clear(ledger: Ledger, hold_id: int, by: str, reason: str) -> Hold:
    """End a hold on the appliance itself; a running agent sees it at its next look.

    Raises NotFound, Conflict when it was cleared already, and ReasonNeeded.
    """
    reason = reason.strip()
    if not 0 < len(reason) <= holds.REASON_CHARS_MAX:
        raise ReasonNeeded(
            f"say why the hold may end, in 1 to {holds.REASON_CHARS_MAX} characters (--reason)"
        )
    with ledger.transaction() as tx:
        found = holds.get(tx, hold_id)
        if found is None:
            raise NotFound(f"there is no hold {hold_id}; `wardline agent holds list` shows them")
        if found.cleared_at is not None:
            at = clock.wire(found.cleared_at)
            raise Conflict(f"hold {hold_id} was cleared by {found.cleared_by} at {at} already")
        clear_in(tx, ledger, found, by, reason)
        cleared = holds.get(tx, hold_id)
    assert cleared is not None, "a hold is never deleted"
    return cleared


def clear_in(tx: Transaction, ledger: Ledger, hold: Hold, by: str, reason: str) -> Queued | None:
    """End an active hold; the bundle that tells of it, None where no incident could."""
    now = ledger.now()
    holds.clear(tx, hold.id, by, reason, now)
    told = _told_by(tx, ledger, hold)
    if told is None:
        return None
    cleared = holds.get(tx, hold.id)
    assert cleared is not None, "a hold is never deleted"
    decision = {**(told.decision or {}), "hold": _wire(cleared)}
    moved = incident.hold_cleared(told, decision)
    incidents.save(tx, moved)
    incidents.count_pattern(tx, moved)
    incidents.set_judgement(tx, moved.id, None, None, now)
    return ledger.seal(tx, Draft(Kind.INCIDENT, moved.host_id, (), (moved.record(),)))


def _told_by(tx: Transaction, ledger: Ledger, hold: Hold) -> Incident | None:
    """The drift's open incident, else the one that set the hold, closed as it is."""
    now_open = incidents.open_of(tx, ledger.site_id, hold.host_id, hold.check)
    if now_open is not None and now_open.state is not State.REPAIRING:
        return now_open
    return None if hold.incident_id is None else incidents.get(tx, hold.incident_id)


def _wire(hold: Hold) -> dict[str, str | None]:
    return {
        "runbook": hold.runbook_id,
        "suppressedAt": clock.wire(hold.suppressed_at),
        "clearedAt": clock.wire(hold.cleared_at) if hold.cleared_at else None,
        "clearedBy": hold.cleared_by,
        "reason": hold.clear_reason,
    }
