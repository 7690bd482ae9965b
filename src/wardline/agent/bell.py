"""How one loop tells another that there is something in the store, and how all are told to stop."""

import signal
import threading

# What tells an agent's process to end.
ENDING = frozenset({signal.SIGTERM, signal.SIGINT})


class Bell:
    """Rung by whoever changed the store; the loop it belongs to wakes and looks."""

    def __init__(self) -> None:
        self._rung = threading.Event()

    def ring(self) -> None:
        self._rung.set()

    def wait(self, timeout_s: float) -> None:
        """Until it rings or the time is over; either way it is silent again."""
        self._rung.wait(timeout_s)
        self._rung.clear()


class Bells:
    """The bells of the three loops, and the flag that ends them."""

    def __init__(self) -> None:
        self.observe = Bell()
        self.act = Bell()
        self.report = Bell()
        self._stopping = threading.Event()

    @property
    def stopping(self) -> bool:
        return self._stopping.is_set()

    def stop(self) -> None:
        """End every loop as soon as it may."""
        self._stopping.set()
        for bell in (self.observe, self.act, self.report):
            bell.ring()
