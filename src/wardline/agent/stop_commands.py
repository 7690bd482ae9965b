"""What `wardline brakes --appliance` does: this appliance's own stops, without Central."""

from typing import Any

from wardline.agent import onsite, stopping
from wardline.agent.settings import Layout
from wardline.agent.store import stops
from wardline.agent.store.stops import LocalStop
from wardline.core import clock


def listed(layout: Layout, *, everything: bool) -> list[dict[str, Any]]:
    """The stops of an appliance's own store, newest first, as JSON."""
    with onsite.opened(layout) as (_, ledger), ledger.reading() as tx:
        found = stops.newest(tx)
    return [_wire(one) for one in found if everything or one.released_at is None]


def release(layout: Layout, stop_id: str, reason: str) -> dict[str, Any]:
    """In the name of whoever calls; raises NotFound, Conflict and ReleaseUnexplained."""
    with onsite.opened(layout) as (_, ledger):
        return _wire(stopping.release(ledger, stop_id, onsite.account(), reason))


def _wire(one: LocalStop) -> dict[str, Any]:
    stop = one.stop
    return {
        "id": stop.id,
        "state": "in_force" if one.released_at is None else "released",
        "kind": stop.subject.kind.value,
        "name": stop.subject.name,
        "version": stop.subject.version,
        "stopped_at": clock.wire(stop.stopped_at),
        "failed": stop.failed,
        "runs": stop.runs,
        "incident_id": one.incident_id,
        "released_at": one.released_at and clock.wire(one.released_at),
        "released_by": one.released_by,
        "release_reason": one.release_reason,
    }
