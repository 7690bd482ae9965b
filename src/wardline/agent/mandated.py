"""The mandate's part of a check-in: takes a new one in, and says what is frozen here."""

from dataclasses import dataclass
from enum import Enum, auto

from wardline.agent.bell import Bells
from wardline.agent.store import alarms, freezes, mandates, stops
from wardline.agent.store.alarms import Code
from wardline.agent.store.database import Transaction
from wardline.agent.store.freezes import LocalFreeze
from wardline.agent.store.ledger import Ledger
from wardline.agent.store.mandates import MandateRefused, Recipient
from wardline.agent.store.stops import LocalStop
from wardline.core import clock, protocol
from wardline.core.protocol import EnvelopeWire, FreezeReport, StopReport
from wardline.core.stops import Stop

SUBJECT = "mandate"


class Taken(Enum):
    """What became of a mandate that came: `FREEZES` has others than the one before."""

    FREEZES = auto()
    OTHERWISE = auto()
    REFUSED = auto()


@dataclass(frozen=True, slots=True)
class Told:
    """What a check-in says of freezes, Central's that are obeyed and those that were set here, and
    of what was stopped here."""

    obeyed: list[str]
    local: list[LocalFreeze]
    stopped: list[LocalStop]

    def stops(self) -> list[StopReport]:
        """The versions that were stopped or released here, as they are told."""
        return [_stop_report(one) for one in self.stopped]

    def reports(self) -> list[FreezeReport]:
        return [
            FreezeReport(
                frozen_at=clock.wire(one.frozen_at),
                frozen_by=one.frozen_by,
                reason=one.reason,
                lifted_at=clock.wire(one.lifted_at) if one.lifted_at else None,
                lifted_by=one.lifted_by,
                lift_reason=one.lift_reason,
            )
            for one in self.local
        ]


def to_tell(tx: Transaction, recipient: Recipient) -> Told:
    """As it stands in the store; a mandate that is not to be believed is not said to be obeyed."""
    return Told(
        _obeyed(tx, recipient),
        freezes.to_report(tx, protocol.FREEZES_PER_REPORT_MAX),
        stops.to_report(tx, protocol.STOPS_PER_REPORT_MAX),
    )


def told(tx: Transaction, sent: Told) -> None:
    """Central has taken what it was told."""
    freezes.reported(tx, sent.local)
    stops.reported(tx, sent.stopped)


def take(ledger: Ledger, recipient: Recipient, wire: EnvelopeWire, bells: Bells) -> Taken:
    """Put it in force and wake whoever acts; one that is refused leaves the one before in force,
    alarmed."""
    now = ledger.now()
    try:
        with ledger.transaction() as tx:
            before = _obeyed(tx, recipient)
            sealed = mandates.verified(wire, recipient)
            is_new = mandates.replace(tx, sealed, now)
            if is_new:
                _release(tx, sealed.mandate.stops)
            after = _obeyed(tx, recipient)
            alarms.over(tx, Code.MANDATE_REFUSED, SUBJECT, now)
    except MandateRefused as error:
        with ledger.transaction() as tx:
            alarms.sound(tx, Code.MANDATE_REFUSED, SUBJECT, str(error), now)
        return Taken.REFUSED
    if is_new:
        bells.act.ring()
    return Taken.OTHERWISE if before == after else Taken.FREEZES


def _release(tx: Transaction, told: tuple[Stop, ...]) -> None:
    """What a person released at Central runs here again, and is counted from then on."""
    for one in told:
        if one.released is not None:
            at, by = one.released.at, one.released.by
            stops.release(tx, one.id, one.subject, at, by, "released at Central")


def _stop_report(one: LocalStop) -> StopReport:
    stop = one.stop
    told = {
        "id": stop.id,
        "kind": stop.subject.kind.value,
        "name": stop.subject.name,
        "version": stop.subject.version,
        "stopped_at": clock.wire(stop.stopped_at),
        "failed": stop.failed,
        "runs": stop.runs,
        "incident_id": one.incident_id,
        "released_at": clock.wire(one.released_at) if one.released_at else None,
        "released_by": one.released_by,
        "release_reason": one.release_reason,
    }
    return StopReport.model_validate(told)


def _obeyed(tx: Transaction, recipient: Recipient) -> list[str]:
    try:
        held = mandates.load(tx, recipient)
    except MandateRefused:
        return []
    return [one.id for one in held.freezes] if held else []
