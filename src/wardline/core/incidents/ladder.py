"""The ladder L1 → L2 → L3: which remedy is next, when a person must, when healing is held."""

from collections.abc import Sequence
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


def flapping(healed_at: Sequence[datetime], now: datetime, heals: int, window: timedelta) -> bool:
    """Whether a drift that is there again was healed `heals` times within the window."""
    return sum(now - window <= at <= now for at in healed_at) >= heals


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
