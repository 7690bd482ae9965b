"""`wardline agent` that writes down for which order it changed a host, and may die in its store.

Usage: counting_agent.py N EFFECTS ARGUMENT...; it kills itself before the N-th step on what orders,
runs and evidence are stored in (a large N: never). EFFECTS gets one line per change of a host: the
order that is running, or `none`.
"""

import os
import sqlite3
import sys
from pathlib import Path

import dying_agent

from wardline.agent import resident
from wardline.agent.hosts.host import Stat
from wardline.agent.hosts.rooted import RootedFiles

EFFECTS = Path(sys.argv[2])
STORE = Path(sys.argv[sys.argv.index("--data") + 1]) / "agent.db"
_chmod = RootedFiles.chmod


def _counted(host: RootedFiles, path: str, mode: int, found: Stat) -> None:
    """Changed first: what is written down has happened, and the file is on the disk by then."""
    _chmod(host, path, mode, found)
    reader = sqlite3.connect(STORE)
    running = reader.execute("SELECT id FROM orders WHERE state = 'running'").fetchall()
    reader.close()
    descriptor = os.open(EFFECTS, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, f"{' '.join(row[0] for row in running) or 'none'}\n".encode())
    os.close(descriptor)


if __name__ == "__main__":
    RootedFiles.chmod = _counted  # type: ignore[method-assign]
    dying_agent.TABLES = (*dying_agent.TABLES, "orders", "runs", "incidents")
    sqlite3.connect = dying_agent.traced  # type: ignore[assignment]
    resident.run(Path(sys.argv[-1]))
