"""Stops this appliance, and lets it go on, for a person who stands at it: no line is needed."""

from wardline.agent.store import freezes
from wardline.agent.store.freezes import LocalFreeze
from wardline.agent.store.ledger import Ledger
from wardline.core import clock
from wardline.core.errors import Conflict, NotFound, Refused


class FreezeUnexplained(Refused):
    """A freeze is set with a reason, in up to 1,000 characters; so many fit why it is lifted."""

    code = "reason_needed"


def freeze(ledger: Ledger, by: str, reason: str) -> LocalFreeze:
    """In force from the commit on: a running agent starts nothing more and undoes what it is
    doing. Raises FreezeUnexplained, and Conflict where it is frozen already."""
    reason = reason.strip()
    if not 0 < len(reason) <= freezes.REASON_CHARS_MAX:
        raise FreezeUnexplained(
            f"say why everything stops, in 1 to {freezes.REASON_CHARS_MAX} characters (--reason)"
        )
    with ledger.transaction() as tx:
        if not freezes.freeze(tx, by, reason, ledger.now()):
            held = freezes.in_force(tx)
            assert held is not None, "something stood in the way"
            since = clock.wire(held.frozen_at)
            raise Conflict(f"frozen here since {since} by {held.frozen_by} already: {held.reason}")
        return _newest(freezes.newest(tx))


def unfreeze(ledger: Ledger, by: str, reason: str) -> LocalFreeze:
    """Lifts what was set here; what Central froze stays. Raises NotFound where nothing was, and
    FreezeUnexplained for a reason that is too long."""
    reason = reason.strip()
    if len(reason) > freezes.REASON_CHARS_MAX:
        raise FreezeUnexplained(f"--reason: at most {freezes.REASON_CHARS_MAX} characters")
    with ledger.transaction() as tx:
        if not freezes.lift(tx, by, reason, ledger.now()):
            raise NotFound("nothing was frozen at this appliance; what Central froze it lifts")
        return _newest(freezes.newest(tx))


def _newest(found: LocalFreeze | None) -> LocalFreeze:
    assert found is not None, "a freeze is never deleted"
    return found
