"""The circuit breaker: after so many attempts on one drift within a while, repairs of it rest.

An attempt is a run, whatever came of it. Unlike a hold the breaker closes by itself; unlike the
brake it is about one check of one host and says nothing of a runbook.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from wardline.core.incidents import ladder

ATTEMPTS = 5
WINDOW_MINUTES = 60
OPEN_MINUTES = 30


@dataclass(frozen=True, slots=True)
class Breaker:
    """How many attempts within how long open it, and for how long."""

    attempts: int = ATTEMPTS
    window_minutes: int = WINDOW_MINUTES
    open_minutes: int = OPEN_MINUTES

    @property
    def open(self) -> timedelta:
        return timedelta(minutes=self.open_minutes)

    def window(self, interval_s: float) -> timedelta:
        """The window for a check measured every `interval_s` seconds, wide enough for so many
        attempts by construction, as that of a flap is."""
        return ladder.flap_window(self.attempts, self.window_minutes, interval_s)

    def reachable(self, interval_s: float) -> bool:
        """Whether so many attempts can ever fall into a window that is not longer than a week."""
        return ladder.reachable(self.attempts, self.window_minutes, interval_s)

    def opens(self, started: Sequence[datetime], now: datetime, interval_s: float) -> bool:
        """Whether the attempts that were started since it last opened open it now."""
        window = self.window(interval_s)
        return sum(now - window <= at <= now for at in started) >= self.attempts


DEFAULT = Breaker()


def left(
    opened_at: datetime, until: datetime, now: datetime, passed: timedelta | None
) -> timedelta:
    """How long it stays open, never longer than it was opened for; not positive once it is closed.

    `passed` is the time since it opened by the clock that nobody sets, None after a reboot.
    """
    whole = until - opened_at
    return min(until - now, whole) if passed is None else whole - passed
