"""Sets or ends a hold for a person: the row, its drift, and the evidence of both, at once."""

from dataclasses import replace

from wardline.agent.runbooks import runbook
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
    """A hold is set and cleared with a reason, in up to 1,000 characters."""

    code = "reason_needed"


class AlreadyHeld(Conflict):
    """This repair of this drift is on hold already."""

    code = "already_held"


class NothingToHold(Conflict):
    """There is no such repair of this drift that a hold could keep off."""

    code = "nothing_to_hold"


def set_on(ledger: Ledger, incident_id: str, runbook_id: str | None, by: str, reason: str) -> Hold:
    """Set a hold on the appliance itself, on the repair of this incident's drift: of the runbook
    that is named, else of the one that ran or would run.

    Raises NotFound, NothingToHold, AlreadyHeld and ReasonNeeded.
    """
    reason = _checked(reason, "say why the repair is to stay off")
    with ledger.transaction() as tx:
        found = incidents.get(tx, incident_id)
        if found is None:
            raise NotFound(f"there is no incident {incident_id}; `incidents list` shows them")
        book = runbook_id or _runbook_of(found)
        if book is None or not is_repair(book, found.check):
            known = ", ".join(sorted(repairs_of(found.check))) or "none"
            raise NothingToHold(f"name a repair of {found.check} with --runbook; known: {known}")
        drift = (found.site_id, found.host_id, found.check)
        hold, _ = set_in(tx, ledger, drift, book, by, reason)
    if hold is None:
        raise AlreadyHeld(f"{book} is on hold there; `wardline agent holds list` shows it")
    return hold


def repairs_of(check: str) -> frozenset[str]:
    """The runbooks of this appliance that repair this check."""
    return frozenset(one.id for one in runbook.registry().values() if one.check == check)


def is_repair(runbook_id: str, check: str) -> bool:
    return runbook_id in repairs_of(check)


def set_in(
    tx: Transaction,
    ledger: Ledger,
    drift: tuple[str, str, str],
    runbook_id: str,
    by: str,
    reason: str,
) -> tuple[Hold | None, Queued | None]:
    """Set a hold on this repair of a drift (site, host, check), and the bundle that tells of it,
    None where no incident could. No hold where one is set already."""
    now, told = ledger.now(), incidents.newest_of(tx, *drift)
    told_id = None if told is None else told.id
    if not holds.suppress_drift(tx, drift, runbook_id, now, reason, told_id, by):
        return None, None
    hold = holds.named(tx, drift[1], drift[2], runbook_id, clock.parse(clock.wire(now)))
    assert hold is not None, "it was just set"
    if told is None or told.state is State.REPAIRING:
        return hold, None
    moved = replace(told, decision={**(told.decision or {}), "hold": _wire(hold)})
    return hold, _seal(tx, ledger, moved)


def clear(ledger: Ledger, hold_id: int, by: str, reason: str) -> Hold:
    """End a hold on the appliance itself; a running agent sees it at its next look.

    Raises NotFound, Conflict when it was cleared already, and ReasonNeeded.
    """
    reason = _checked(reason, "say why the hold may end")
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
    return _seal(tx, ledger, incident.hold_cleared(told, decision))


def _seal(tx: Transaction, ledger: Ledger, moved: Incident) -> Queued:
    """Kept, told, and judged anew at the next look."""
    incidents.save(tx, moved)
    incidents.count_pattern(tx, moved)
    incidents.set_judgement(tx, moved.id, None, None, ledger.now())
    return ledger.seal(tx, Draft(Kind.INCIDENT, moved.host_id, (), (moved.record(),)))


def _checked(reason: str, wish: str) -> str:
    """The reason without blanks around it; raises ReasonNeeded with what is wished for."""
    reason = reason.strip()
    if not 0 < len(reason) <= holds.REASON_CHARS_MAX:
        raise ReasonNeeded(f"{wish}, in 1 to {holds.REASON_CHARS_MAX} characters (--reason)")
    return reason


def _runbook_of(one: Incident) -> str | None:
    if one.runbook is not None:
        return one.runbook.id
    return None if one.watch is None else one.watch.runbook_id


def _told_by(tx: Transaction, ledger: Ledger, hold: Hold) -> Incident | None:
    """The drift's open incident, else the one that set the hold, closed as it is."""
    now_open = incidents.open_of(tx, ledger.site_id, hold.host_id, hold.check)
    if now_open is not None and now_open.state is not State.REPAIRING:
        return now_open
    return None if hold.incident_id is None else incidents.get(tx, hold.incident_id)


def _wire(hold: Hold) -> dict[str, str | None]:
    """`reason` is why it ended, or why it was set while it stands."""
    return {
        "runbook": hold.runbook_id,
        "suppressedAt": clock.wire(hold.suppressed_at),
        "setBy": hold.set_by,
        "clearedAt": clock.wire(hold.cleared_at) if hold.cleared_at else None,
        "clearedBy": hold.cleared_by,
        "reason": hold.clear_reason if hold.cleared_at else hold.reason,
    }
