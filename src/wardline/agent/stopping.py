"""Releases a version that this appliance has stopped, for a person who stands at it."""

from wardline.agent.store import stops
from wardline.agent.store.ledger import Ledger
from wardline.agent.store.stops import LocalStop
from wardline.core import clock
from wardline.core.errors import Conflict, NotFound, Refused


class ReleaseUnexplained(Refused):
    """A stopped version is released with a reason, in up to 1,000 characters."""

    code = "reason_needed"


def release(ledger: Ledger, stop_id: str, by: str, reason: str) -> LocalStop:
    """The version may run again here, and what went wrong with it before counts no more; what
    Central stopped stays so. Raises ReleaseUnexplained, NotFound, and Conflict where it was
    released already."""
    reason = reason.strip()
    if not 0 < len(reason) <= stops.REASON_CHARS_MAX:
        raise ReleaseUnexplained(
            f"say why it may run again, in 1 to {stops.REASON_CHARS_MAX} characters (--reason)"
        )
    with ledger.transaction() as tx:
        found = stops.get(tx, stop_id)
        if found is None:
            raise NotFound(
                f"this appliance stopped nothing under {stop_id}; Central lets go of its"
            )
        if found.released_at is not None:
            at = clock.wire(found.released_at)
            raise Conflict(f"{stop_id} was released by {found.released_by} at {at} already")
        stops.release(tx, stop_id, found.stop.subject, ledger.now(), by, reason)
        released = stops.get(tx, stop_id)
    assert released is not None, "a stop is never deleted"
    return released
