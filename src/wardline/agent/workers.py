"""Threads for hosts that answer over a line: a few at once, one per host, none delays another."""

import threading
import time
from collections.abc import Callable

WORKERS_MAX = 8
JOIN_LOOK_S = 0.02


class Workers:
    """Work by host. What went wrong in one is raised by `check`, in the thread that asks."""

    def __init__(self, done: Callable[[], None], most: int = WORKERS_MAX) -> None:
        self._done = done
        self._most = most
        self._lock = threading.Lock()
        self._busy: set[str] = set()
        self._failure: Exception | None = None

    def can_start(self, host_id: str) -> bool:
        """Whether there is a thread left, and nothing under way for this host."""
        with self._lock:
            return host_id not in self._busy and len(self._busy) < self._most

    def is_busy(self, host_id: str) -> bool:
        with self._lock:
            return host_id in self._busy

    def start(self, host_id: str, work: Callable[[], None]) -> None:
        """Do it beside; `done` is called when it has ended, however it ended."""
        with self._lock:
            assert host_id not in self._busy
            self._busy.add(host_id)
        threading.Thread(
            target=self._run, args=(host_id, work), name=f"host {host_id}", daemon=True
        ).start()

    def check(self) -> None:
        """Raise the error that work ended with since the last call, if any did."""
        with self._lock:
            failure, self._failure = self._failure, None
        if failure is not None:
            raise failure

    def join(self, timeout_s: float) -> None:
        """Wait for what is under way, no longer than this."""
        deadline = time.monotonic() + timeout_s
        while self._busy and time.monotonic() < deadline:
            time.sleep(JOIN_LOOK_S)

    def _run(self, host_id: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 (raised again by `check`)
            with self._lock:
                self._failure = error
        finally:
            with self._lock:
                self._busy.discard(host_id)
            self._done()
