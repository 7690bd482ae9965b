"""What an incident record says of its last heal: how long it is watched, and how that ended.

Part of a record since schema `evidence.bundle/2`; an incident that was never healed has none. What
a record may claim of it stands in claims.py.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from wardline.core import clock
from wardline.core.evidence import fields

HEALS_MAX = 2**31 - 1


class WatchEnd(StrEnum):
    """`stable`: the check passed at or after the end of the watch. `recurred`: it failed before it
    had. `unproved`: it failed so long after the end that nothing shows when it came back, or
    another run on its drift was undone. `undone`: a person had the run of the heal undone, be it
    after it was stable. The last two count neither way."""

    STABLE = "stable"
    RECURRED = "recurred"
    UNPROVED = "unproved"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Watch:
    """The watch over heal `number` (from 1) of an incident; `ended` is None while it lasts.

    `attempted_at` is when the run began, `healed_at` when the check had passed after it, `until`
    the end of the watch, `ended_at` when the measurement that ended it was recorded.
    """

    number: int
    runbook_id: str
    attempted_at: datetime
    healed_at: datetime
    until: datetime
    ended: WatchEnd | None = None
    ended_at: datetime | None = None


def from_wire(value: object) -> Watch:
    """The watch of a decoded object; raises Malformed."""
    obj = fields.exactly(value, _KEYS)
    return Watch(
        number=fields.integer(obj, "number", 1, HEALS_MAX),
        runbook_id=fields.name(obj, "runbook_id"),
        attempted_at=fields.instant(obj, "attempted_at"),
        healed_at=fields.instant(obj, "healed_at"),
        until=fields.instant(obj, "until"),
        ended=fields.optional(obj, "ended", fields.choice, _ENDS),
        ended_at=fields.optional(obj, "ended_at", fields.instant),
    )


def to_wire(watch: Watch) -> dict[str, Any]:
    return {
        "number": watch.number,
        "runbook_id": watch.runbook_id,
        "attempted_at": clock.wire(watch.attempted_at),
        "healed_at": clock.wire(watch.healed_at),
        "until": clock.wire(watch.until),
        "ended": watch.ended,
        "ended_at": clock.wire(watch.ended_at) if watch.ended_at else None,
    }


_KEYS = frozenset(Watch.__slots__)
_ENDS = {item.value: item for item in WatchEnd}
