"""The ladder L1 → L2 → L3: which remedy is next, when a person must, when healing is held."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wardline.core.incidents.incident import Incident
from wardline.core.incidents.remedy import Remedy

FLAP_HEALS = 3
FLAP_WINDOW_MINUTES = 120
FLAP_WINDOW_MINUTES_MAX = 7 * 24 * 60
# Measurements are splayed by so much of their interval, and a repair may take so long.
SPLAY_SHARE = 0.1
FLAP_RUN_S = 10.0
INTERRUPTIONS_MAX = 3


def flap_window(heals: int, window_minutes: int, interval_s: float) -> timedelta:
    """The window in which `heals` heals must fall, for a check measured every `interval_s`.

    Wide enough by construction: a slow check gets the time in which so many heals can happen,
    each measured as late as it may be and repaired as slowly.
    """
    needed = timedelta(seconds=heals * (interval_s * (1 + SPLAY_SHARE) + FLAP_RUN_S))
    return max(timedelta(minutes=window_minutes), needed)


def reachable(heals: int, window_minutes: int, interval_s: float) -> bool:
    """Whether the hold can ever be set within the longest window that is still a flap."""
    window = flap_window(heals, window_minutes, interval_s)
    return window <= timedelta(minutes=FLAP_WINDOW_MINUTES_MAX)


@dataclass(frozen=True, slots=True)
class Healed:
    """A verified heal of a drift; `back` is when that was found failing again, None where nothing
    says when."""

    at: datetime
    back: datetime | None = None


def flapping(healed: Sequence[Healed], now: datetime, heals: int, window: timedelta) -> bool:
    """Whether the last `heals` heals of a drift that is there again held for `window` in all.

    What counts is the time for which each repair held, not the time between two of them: that may
    be a cooldown's or a limit's, and no rule's pace makes a hold unreachable.
    """
    counted = sorted((one for one in healed if one.at <= now), key=lambda one: one.at)[-heals:]
    if len(counted) < heals:
        return False
    ends = [*(one.at for one in counted[1:]), now]
    nothing = timedelta()
    # A clock that was set meanwhile may have it come back before it was healed.
    held = (
        max(nothing, min(end, one.back or end) - one.at)
        for one, end in zip(counted, ends, strict=True)
    )
    return sum(held, nothing) <= window


def untried(candidates: tuple[Remedy, ...], incident: Incident) -> tuple[Remedy, ...]:
    """The remedies of L1 that have not failed for this incident, in order."""
    return tuple(one for one in candidates if not is_tried(one, incident))


def is_tried(one: Remedy, incident: Incident) -> bool:
    """Whether it ran for this incident and did not help: with these inputs, or its runbook with
    whatever inputs there are."""
    return one.mark in incident.tried or one.runbook in incident.tried


def exhausted(
    candidates: tuple[Remedy, ...],
    incident: Incident,
    *,
    is_planned: bool,
    braked: tuple[Remedy, ...] = (),
) -> str | None:
    """Why it is a person's turn (L3), or None while L1 still has something to try, or else L2 has
    a plan, which is what `is_planned` says. What the brake stopped (`braked`) is nothing to try:
    only a person lets it run again."""
    if incident.interruptions >= INTERRUPTIONS_MAX:
        return f"its repair was interrupted {incident.interruptions} times"
    left = untried(candidates, incident)
    if is_planned or any(one not in braked for one in left):
        return None
    if left:
        return "what would repair it is stopped after failures, until a person releases it"
    if not candidates:
        return "no remedy answers this check, and no plan is sure enough"
    return "every remedy ran and none helped, and no plan is sure enough"
