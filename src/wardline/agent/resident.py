"""The process that stays: an agent's loops, and nothing of what the other commands need.

`python -m wardline.agent.resident DIRECTORY`; `wardline agent run` becomes it. The command line and
its parser would take 2 MB for as long as the agent runs.
"""

import contextlib
import ctypes
import os
import sys
from pathlib import Path
from typing import NoReturn

from wardline.agent import agent
from wardline.agent.settings import Layout
from wardline.core.errors import WardlineError

EXIT_FAILED = 1
M_ARENA_MAX = -8


def main() -> NoReturn:
    try:
        run(Path(sys.argv[1]))
    except WardlineError as error:
        _say(f"wardline agent: {error}")
        raise SystemExit(EXIT_FAILED) from None


def run(root: Path) -> NoReturn:
    """Until SIGTERM or SIGINT; ends the process. Raises WardlineError before anything runs."""
    _share_one_heap()
    agent.run(Layout(root), _say)
    # A thread that did not end in its time must not hold up the end of the process.
    sys.stdout.flush()
    os._exit(0)


def _share_one_heap() -> None:
    """The threads allocate from one heap instead of one each, which rests half empty: 1 to 2 MB.

    mallopt(3) of glibc; another C library may have none, and does as it does.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_ARENA_MAX, 1)


def _say(line: str) -> None:
    # A log on the disk that is full, a terminal that was closed: the work goes on unheard.
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()


if __name__ == "__main__":
    main()
