"""What a decision to run has reserved, and what may become of it."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from wardline.core import clock
from wardline.core.canonical import Json
from wardline.core.errors import Conflict, NotFound
from wardline.core.policy import usage


class ReservationUnknown(NotFound):
    """There is no reservation under this id, or it is not yours."""

    def __init__(self) -> None:
        super().__init__("no such reservation: only a decision to run that counts has one")


class ReservationOver(Conflict):
    """The reservation is in a state that this does not follow on."""

    code = "reservation_over"


class State(StrEnum):
    """Until it is started a reservation may be released, or expires; once started it only ends."""

    RESERVED = "reserved"
    STARTED = "started"
    ENDED = "ended"
    RELEASED = "released"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Reservation:
    """One decision's, under the decision's id; `…_by` is who said so."""

    id: str
    site: str
    reserved_at: datetime
    reserved_by: str
    expires_at: datetime
    started_at: datetime | None = None
    started_by: str | None = None
    ended_at: datetime | None = None
    ended_by: str | None = None
    released_at: datetime | None = None
    released_by: str | None = None

    def state(self, now: datetime) -> State:
        if self.released_at is not None:
            return State.RELEASED
        if self.ended_at is not None:
            return State.ENDED
        if self.started_at is not None:
            return State.STARTED
        return State.RESERVED if now < self.expires_at else State.EXPIRED

    def started(self, now: datetime, by: str) -> "Reservation":
        """It runs: what was reserved is used. Twice is once. Raises ReservationOver."""
        match self.state(now):
            case State.RESERVED:
                return replace(self, started_at=now, started_by=by)
            case State.STARTED | State.ENDED:
                return self
            case state:
                raise ReservationOver(f"it is {state}: decide again before you start")

    def released(self, now: datetime, by: str) -> "Reservation":
        """It will not run: nothing was used. Twice is once. Raises ReservationOver."""
        match self.state(now):
            case State.RESERVED | State.EXPIRED:
                return replace(self, released_at=now, released_by=by)
            case State.RELEASED:
                return self
            case state:
                raise ReservationOver(
                    f"it is {state}, which cannot be taken back; say that it ended"
                )

    def ended(self, now: datetime, by: str) -> "Reservation":
        """It runs no more: lock and concurrency are free. Twice is once. Raises ReservationOver."""
        match self.state(now):
            case State.STARTED:
                return replace(self, ended_at=now, ended_by=by)
            case State.ENDED:
                return self
            case state:
                raise ReservationOver(f"it is {state}: what has not started does not end")

    def to_wire(self, now: datetime) -> dict[str, Json]:
        return {
            "id": self.id,
            "state": self.state(now).value,
            "reservedAt": clock.wire(self.reserved_at),
            "reservedBy": self.reserved_by,
            "expiresAt": clock.wire(self.expires_at),
            "startedAt": _wire(self.started_at),
            "startedBy": self.started_by,
            "endedAt": _wire(self.ended_at),
            "endedBy": self.ended_by,
            "releasedAt": _wire(self.released_at),
            "releasedBy": self.released_by,
        }


def expiry(now: datetime) -> datetime:
    """Until when a decision of now may be started."""
    return now + usage.RESERVED


def _wire(instant: datetime | None) -> str | None:
    return None if instant is None else clock.wire(instant)
