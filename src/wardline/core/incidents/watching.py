"""The watch over a heal: how long, how often it is looked at, when it is over, and what ended it.

A heal is proved by time alone, and a clock may be set: within one boot the clock that nobody sets
says how much of the watch is left; after a reboot the wall clock does. A heal is never stable
before the wall clock has reached the end as well, for that is what evidence can show.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wardline.core.evidence.bundle import Outcome, Result
from wardline.core.evidence.watch import Watch, WatchEnd

PERIOD_S = 900.0
PERIOD_S_MAX = 86_400.0
# A rival is seen after a tenth of the watch, and a heal costs ten measurements more, no matter how
# dear the check is: at most 50 s of processor time for the dearest of today.
LOOKS = 10
LOOKS_LEAST = 2
PACE_S_LEAST = 1.0


@dataclass(frozen=True, slots=True)
class Attempt:
    """A run that is to be proved: when it began, and how long a heal of it is watched."""

    at: datetime
    period: timedelta


def pace_s(period_s: float, interval_s: float) -> float:
    """The most seconds between two measurements of a watched check: never rarer than its own
    interval, and not splayed, for heals are not all of one moment."""
    return min(interval_s, max(period_s / LOOKS, PACE_S_LEAST))


def reachable(period_s: float, interval_s: float) -> bool:
    """Whether a recurrence can be seen within the watch: LOOKS_LEAST measurements fall into it."""
    return LOOKS_LEAST * pace_s(period_s, interval_s) <= period_s


def begun(number: int, runbook_id: str, attempt: Attempt, healed_at: datetime) -> Watch:
    return Watch(
        number=number,
        runbook_id=runbook_id,
        attempted_at=attempt.at,
        healed_at=healed_at,
        until=healed_at + attempt.period,
    )


def left(healed_at: datetime, until: datetime, at: datetime, passed: timedelta | None) -> timedelta:
    """How much of a watch is left, negative when it is over; `passed` is the time since the heal
    by the clock that nobody sets, None when the machine was started anew since."""
    return until - at if passed is None else until - healed_at - passed


def end(watch: Watch, measured: Result, left: timedelta) -> WatchEnd | None:
    """What this measurement makes of the watch; None while it goes on, which an unknown result
    never changes.

    A failure that is first seen more than another period after the end proves nothing: the
    appliance was off, or could not measure.
    """
    if measured.outcome is Outcome.FAIL:
        late = -left > watch.until - watch.healed_at
        return WatchEnd.UNPROVED if late else WatchEnd.RECURRED
    over = left <= timedelta(0) and measured.measured_at >= watch.until
    return WatchEnd.STABLE if over and measured.outcome is Outcome.PASS else None


def ended(watch: Watch, how: WatchEnd, at: datetime) -> Watch:
    return replace(watch, ended=how, ended_at=at)
