"""Breaks a setting of the demo's hosts every few seconds, as updates, haste and habit do."""

import random
import signal
import sys
import threading
from pathlib import Path

from wardline.demo import trees

PAUSE_SECONDS = (6.0, 10.0)


def main() -> None:
    """Runs until SIGTERM or SIGINT; the argument is the folder of the hosts."""
    hosts = Path(sys.argv[1])
    draw = random.Random()
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    while not ended.wait(draw.uniform(*PAUSE_SECONDS)):
        name = draw.choice(trees.NAMES)
        sys.stdout.write(f"{name}: {trees.break_setting(hosts / name, draw)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
