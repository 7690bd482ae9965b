"""`wardline agent` as a program that kills itself before its n-th step on stored evidence.

Usage: dying_agent.py N ARGUMENT...; a step is a writing statement on the outbox, the stream or the
witnessed log, or the statement after one, which is how its transaction ends or goes on.
"""

import os
import signal
import sqlite3
import sys
from itertools import count
from pathlib import Path
from typing import Any

from wardline.agent import resident

WRITING = ("INSERT", "UPDATE", "DELETE", "CREATE")
TABLES = ("queued_evidence", "stream", "witness")
HEAD_CHARS = 60


class Dying(sqlite3.Connection):
    """Traced by SQLite itself, which calls before each statement runs."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._steps = count()
        self._after = False
        self.set_trace_callback(self._look)

    def _look(self, statement: str) -> None:
        head = statement[:HEAD_CHARS]
        about = head.startswith(WRITING) and any(name in head for name in TABLES)
        if (about or self._after) and next(self._steps) == _last:
            os.kill(os.getpid(), signal.SIGKILL)
        self._after = about


def traced(*arguments: Any, **named: Any) -> sqlite3.Connection:
    return _connect(*arguments, factory=Dying, **named)


_last = int(sys.argv[1])
_connect = sqlite3.connect

if __name__ == "__main__":
    sqlite3.connect = traced  # type: ignore[assignment]
    resident.run(Path(sys.argv[-1]))
