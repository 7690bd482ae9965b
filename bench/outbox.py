"""Puts into the offline queue beside raw SQLite, their fsyncs, what a power cut takes of them."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from _appliance import machine
from _puts import Outbox, Raw, both

from tests.integration.agent.bench import Bench

BENCH = Path(__file__).resolve().parent
SHIM = BENCH.parent / "tests" / "fault" / "agent" / "powercut" / "powercut.c"
TURNS, TURNS_QUICK = 101, 25
ITEMS = 20
GROUP = 10
STRIDE, STRIDE_QUICK = 3, 11
DAY = timedelta(days=1)
CYCLE = timedelta(minutes=5)
DRIFTS_PER_DAY = 3


@dataclass(frozen=True, slots=True)
class Turn:
    """Seconds an item, each way, one after the other: what else the machine does meets all."""

    raw_s: float
    put_s: float
    grouped_s: float
    append_s: float
    append_cpu_s: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the last line")
    parser.add_argument("--quick", action="store_true", help="under a minute")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with both(folder) as (ours, raw):
            count = TURNS_QUICK if options.quick else TURNS
            turns = [_turn(ours, raw) for _ in range(count)]
        fsyncs = _under(_built(BENCH / "_fsyncs.c", folder), "count")
        shim, stride = _built(SHIM, folder), STRIDE_QUICK if options.quick else STRIDE
        full = _under(shim, "cut", "FULL", str(stride), _new(folder / "full"))
        normal = _under(shim, "cut", "NORMAL", str(stride), _new(folder / "normal"))
        per_day = None if options.quick else _bytes_per_day(folder / "day")
    if not options.json:
        print(f"full {full}, normal {normal}")
    figures = {
        "puts_per_s": round(1 / median(one.put_s for one in turns), 1),
        "ratio_to_raw_full": round(median(one.raw_s / one.put_s for one in turns), 3),
        "group10_times": round(median(one.put_s / one.grouped_s for one in turns), 2),
        "appends_per_s": round(1 / median(one.append_s for one in turns), 1),
        "append_cpu_us": round(1e6 * median(one.append_cpu_s for one in turns)),
        **fsyncs,
        "lost_powercut": full["lost"],
        "committed_powercut": full["committed"],
        # The model at work: the same queue with synchronous=NORMAL.
        "lost_powercut_normal": normal["lost"],
        **({} if per_day is None else {"evidence_bytes_host_day": per_day}),
    }
    print(json.dumps({"bench": "outbox", "figures": figures, "machine": machine()}))
    return 0


def _turn(ours: Outbox, raw: Raw) -> Turn:
    # All of them beforehand: who has just sealed twenty waits behind others for the processor.
    bodies, sealed = raw.bodies(ITEMS), ours.sealed(2 * ITEMS)
    raw_s, put_s = raw.put(bodies), ours.put(sealed[:ITEMS], 1)
    grouped_s = ours.put(sealed[ITEMS:], GROUP)
    drafts, used = ours.drafts(ITEMS), time.process_time()
    append_s = ours.append(drafts)
    append_cpu_s = time.process_time() - used
    return Turn(*(one / ITEMS for one in (raw_s, put_s, grouped_s, append_s, append_cpu_s)))


def _built(source: Path, folder: Path) -> Path:
    built = folder / f"{source.stem}.so"
    compiler = shutil.which("cc")
    if compiler is None:
        raise SystemExit("bench: no C compiler (cc); install one (Debian: gcc)")
    options = ("-O1", "-shared", "-fPIC", "-pthread")
    subprocess.run([compiler, *options, "-o", built, source, "-ldl"], check=True)
    return built


def _under(shim: Path, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, BENCH / "_cuts.py", *arguments],
        env={**os.environ, "LD_PRELOAD": str(shim)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _new(folder: Path) -> str:
    folder.mkdir()
    return str(folder)


def _bytes_per_day(folder: Path) -> int:
    """What the queue grows by in one day of one host that drifts a few times and is repaired: real
    checks on a tree, a faked clock."""
    folder.mkdir()
    bench = Bench(folder)
    bench.central.healing = "heal"
    bench.check_in()
    bench.observe()
    before, cycles = _queued_bytes(bench), DAY // CYCLE
    for cycle in range(cycles):
        bench.clock.offset += CYCLE
        if cycle % (cycles // DRIFTS_PER_DAY) == 1:
            bench.drift()
        bench.observe()
        bench.act()
    grown = _queued_bytes(bench) - before
    bench.close()
    return grown


def _queued_bytes(bench: Bench) -> int:
    with bench.agent.ledger.reading() as tx:
        rows = tx.rows("SELECT sum(length(bundle_json)) AS n FROM queued_evidence")
    return int(rows[0]["n"] or 0)


if __name__ == "__main__":
    sys.exit(main())
