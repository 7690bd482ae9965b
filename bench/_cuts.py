"""Runs under a shim: fsyncs of the queue's puts, or what power cuts take of what it had committed.

Usage: _cuts.py count | cut FULL|NORMAL STRIDE FOLDER; prints JSON.
"""

import ctypes
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from _puts import Outbox

from wardline.agent.store import database

PUTS = 100
CUT_PUTS = 12
DROP, TEAR = 1, 2
EXIT_CUT = 86


def main() -> None:
    shim = ctypes.CDLL(os.environ["LD_PRELOAD"])
    if sys.argv[1] == "count":
        print(json.dumps(_count(shim)))
        return
    if sys.argv[2] == "NORMAL":
        database.PRAGMAS = {**database.PRAGMAS, "synchronous": 1}
    print(json.dumps(_cut(shim, int(sys.argv[3]), Path(sys.argv[4]))))


def _count(shim: ctypes.CDLL) -> dict[str, float]:
    shim.fsyncs.restype = ctypes.c_long
    with tempfile.TemporaryDirectory() as name:
        queue = Outbox(Path(name))
        items = queue.sealed(PUTS)
        before = shim.fsyncs()
        queue.put(items, 1)
        return {"fsyncs_per_put": (shim.fsyncs() - before) / PUTS}


def _cut(shim: ctypes.CDLL, stride: int, folder: Path) -> dict[str, int]:
    """Puts that were committed before each cut, and how many of them the disk does not have."""
    total = _life(shim, folder / "whole", DROP, 0)
    committed = lost = cuts = 0
    for mode in (DROP, TEAR):
        for at in range(1, total + 1, stride):
            life = folder / f"{mode}-{at}"
            _life(shim, life, mode, at)
            told = life / "told"
            acknowledged = int(told.read_text()) if told.exists() else 0
            kept = _kept(life / "disk")
            committed, lost, cuts = committed + acknowledged, lost + acknowledged - kept, cuts + 1
            shutil.rmtree(life)
    return {"committed": committed, "lost": lost, "cuts": cuts}


def _life(shim: ctypes.CDLL, folder: Path, mode: int, at: int) -> int:
    """So many puts in a child that is cut at a file operation; how many of those there are."""
    home, disk = folder / "home", folder / "disk"
    home.mkdir(parents=True)
    Outbox(home).database.close()
    shutil.copytree(home, disk)
    child = os.fork()
    if child == 0:
        code = 1
        try:
            where = (str(home).encode(), str(disk).encode())
            shim.powercut_arm(*where, mode, ctypes.c_long(at), ctypes.c_uint64(at + 1))
            queue = Outbox(home)
            drafts = queue.drafts(CUT_PUTS)
            for number, draft in enumerate(drafts, 1):
                queue.append([draft])
                (folder / "told").write_text(str(number))
            (folder / "events").write_text(str(shim.powercut_events()))
            code = 0
        finally:
            os._exit(code)
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if ended != (EXIT_CUT if at else 0):
        raise RuntimeError(f"the life that was to be cut at {at} ended with {ended}")
    return 0 if at else int((folder / "events").read_text())


def _kept(disk: Path) -> int:
    """What a new agent finds, once SQLite has recovered the file."""
    queue = Outbox(disk)
    try:
        with queue.database.reading() as tx:
            return len(tx.rows("SELECT id FROM queued_evidence"))
    finally:
        queue.database.close()


if __name__ == "__main__":
    main()
