"""Keeps the line to a host over a run: a revert waits on the host until a new connection is made.

It is armed before anything is changed. Who is not let in anew within its time has cut the line, and
the host puts itself back.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from wardline.agent.hosts.host import (
    Host,
    HostError,
    HostKeyChanged,
    LoginRefused,
    RevertFired,
    RevertUnknown,
)
from wardline.agent.hosts.revert import ArmedRevert, Revert

# How long a host waits for the new connection.
REVERT_S = 60
# What of it is kept for making that connection.
KEPT_SHARE = 1 / 3
# What a revert that fired may take before it is given up.
FIRING_S_MAX = 120.0
RETRY_S = 2.0
# Who is refused is not let in by trying more often, and each attempt may count against the account.
REFUSED_S = 15.0


@dataclass(frozen=True, slots=True)
class Pace:
    """The times of a run that are not a step's: when a host puts itself back, and how long what was
    restarted may take until it is up. `now` is monotonic, `wait` sleeps."""

    revert_s: int = REVERT_S
    settle_s: float = 5.0
    now: Callable[[], float] = time.monotonic
    wait: Callable[[float], None] = time.sleep


class LineGuard:
    """One armed revert, until it is called off or has fired."""

    def __init__(self, host: Host, revert: Revert, pace: Pace) -> None:
        """Arms it; raises HostError where it is not armed, and then nothing may be changed."""
        self._host = host
        self._pace = pace
        self._armed_at = pace.now()
        self.revert = revert
        self._armed: ArmedRevert | None = host.arm_revert(revert)

    @property
    def armed(self) -> bool:
        return self._armed is not None

    @property
    def ends(self) -> float:
        """When the changes have to be over, so that there is time for the new connection."""
        return self._armed_at + self.revert.after_s * (1 - KEPT_SHARE)

    def call_off(self) -> None:
        """Over a new connection, as often as there is time for.

        Raises RevertFired where it was too late, another HostError where the host could not be
        reached long after its time either.
        """
        failed = tried = False
        while self._armed is not None:
            try:
                self._host.disarm_revert(self._armed)
            except RevertFired:
                self._armed = None
                raise
            except RevertUnknown:
                # An attempt before this one came through, but for its answer.
                if not tried:
                    raise
            except HostError as error:
                failed = tried = True
                if self._pace.now() > self._fires_at + FIRING_S_MAX:
                    self._armed = None
                    raise
                self._pace.wait(self._rest_s(error))
                continue
            self._armed = None
        if failed:
            # The old connection belongs to a line that was down.
            self._host.close()

    def let_fire(self) -> None:
        """Wait until the host has put itself back; raises RevertFired with its log, as `call_off`
        what else came of it."""
        self._pace.wait(max(0.0, self._fires_at - self._pace.now()))
        self.call_off()

    @property
    def _fires_at(self) -> float:
        return self._armed_at + self.revert.after_s

    def _rest_s(self, error: HostError) -> float:
        if not isinstance(error, LoginRefused | HostKeyChanged):
            return RETRY_S
        left_s = self._fires_at - self._pace.now()
        return left_s + RETRY_S if left_s > 0 else REFUSED_S
