"""Processes that are watched: restarted when they die, ended in order; apart from what they do."""

import contextlib
import os
import select
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wardline.central.settings import PRIVATE_UMASK, append_private
from wardline.core.errors import WardlineError

STOP_SECONDS_MAX = 4.0
BACKOFF_SECONDS_FIRST = 0.5
BACKOFF_SECONDS_MAX = 30.0
# A child that lived this long is believed in again.
HEALTHY_SECONDS_MIN = 30.0
READY_SECONDS_MAX = 30.0
LOG_TAIL_BYTES = 2_000

Report = Callable[[str], None]


class ChildFailed(WardlineError):
    """A process ended before it was ready."""


@dataclass(slots=True)
class Child:
    """One process: `start` begins it anew each time; `settings` goes to it through a pipe.

    One with `settings` None is given nothing and never says that it is ready.
    """

    name: str
    argv: Sequence[str]
    settings: bytes | None
    log: Path
    inherit: tuple[int, ...] = ()
    process: "subprocess.Popen[bytes] | None" = None
    started_at: float = 0.0
    backoff: float = BACKOFF_SECONDS_FIRST
    due_at: float | None = None
    _ready: int | None = field(default=None, repr=False)

    def start(self) -> None:
        """Begins the process; it reads its settings from one pipe and says ready on another."""
        self._close_ready()
        if self.settings is None:
            self._begin((), ())
            return
        given, giving = os.pipe()
        ready, readying = os.pipe()
        try:
            os.write(giving, self.settings)
            os.close(giving)
            self._begin((str(os.getpid()), str(given), str(readying)), (given, readying))
        finally:
            os.close(given)
            os.close(readying)
        self._ready = ready

    def wait_until_ready(self) -> None:
        """Raises ChildFailed with the end of its log where it does not get there."""
        if self.settings is None:
            return
        assert self._ready is not None
        readable, _, _ = select.select([self._ready], [], [], READY_SECONDS_MAX)
        said = os.read(self._ready, 1) if readable else b""
        self._close_ready()
        if not said:
            raise ChildFailed(
                f"the {self.name} process did not start; the end of {self.log}:\n{self._tail()}"
            )

    def ended(self) -> int | None:
        """Its exit status, negative for a signal; None while it runs."""
        return self.process.poll() if self.process is not None else None

    def terminate(self) -> None:
        if self.process is not None and self.ended() is None:
            self.process.terminate()

    def finish(self, deadline: float) -> None:
        """Waits until `deadline` (monotonic seconds), then kills."""
        if self.process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(0.0, deadline - time.monotonic()))
        if self.ended() is None:
            self.process.kill()
            self.process.wait()
        self._close_ready()

    def _begin(self, told: Sequence[str], inherit: tuple[int, ...]) -> None:
        with append_private(self.log) as log:
            self.process = subprocess.Popen(
                [*self.argv, *told],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=_environment(),
                pass_fds=(*inherit, *self.inherit),
                umask=PRIVATE_UMASK,
                # Ctrl-C at the terminal is for the supervisor, who ends things in order.
                start_new_session=True,
            )
        self.started_at = time.monotonic()
        self.due_at = None

    def _close_ready(self) -> None:
        if self._ready is not None:
            os.close(self._ready)
            self._ready = None

    def _tail(self) -> str:
        return self.log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace").strip()


@dataclass(slots=True)
class Group:
    """Children in the order in which they end."""

    children: list[Child] = field(default_factory=list)

    def start(self) -> None:
        """Begins all at once, then waits for each."""
        for child in self.children:
            child.start()
        for child in self.children:
            child.wait_until_ready()

    def tend(self, report: Report) -> None:
        """Restarts what died, later each time; one quick round, called again and again."""
        for child in self.children:
            _tend(child, report)

    def stop(self) -> None:
        """Asks all to end at once, kills what takes longer than STOP_SECONDS_MAX."""
        for child in self.children:
            child.terminate()
        deadline = time.monotonic() + STOP_SECONDS_MAX
        for child in self.children:
            child.finish(deadline)


def _tend(child: Child, report: Report) -> None:
    now = time.monotonic()
    status = child.ended()
    if status is None:
        return
    if child.due_at is None:
        if now - child.started_at >= HEALTHY_SECONDS_MIN:
            child.backoff = BACKOFF_SECONDS_FIRST
        child.due_at = now + child.backoff
        report(
            f"The {child.name} process ended ({_said(status)}) and starts again in"
            f" {child.backoff:.1f} s; its log: {child.log}"
        )
        child.backoff = min(child.backoff * 2, BACKOFF_SECONDS_MAX)
    elif now >= child.due_at:
        child.start()
        report(f"The {child.name} process runs again")


def _said(status: int) -> str:
    return f"signal {-status}" if status < 0 else f"exit status {status}"


def _environment() -> dict[str, str]:
    """Ours without the owner's address: a serving process never holds that login."""
    return {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
