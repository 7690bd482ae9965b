"""What an agent costs its machine: memory and processor at rest, one cycle, its start."""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil
from _appliance import Appliance, enrolled, machine, until

from wardline.agent import measure
from wardline.agent.checks import check
from wardline.agent.hosts.host import Host
from wardline.agent.hosts.local import LocalHost
from wardline.agent.hosts.tree import TreeHost
from wardline.agent.scrub.scrubber import Scrubber
from wardline.agent.settings import Intervals
from wardline.core import clock

IDLE_S, IDLE_QUICK_S = 600.0, 60.0
SETTLED_S = 5.0
SAMPLE_S = 1.0
STARTS = 3
CYCLES = 5
# Between cycles: after the first of each check the next one is far away. Check-ins go on.
BETWEEN = Intervals(scale=24, heartbeat_s=86400)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the last line")
    parser.add_argument("--quick", action="store_true", help="a minute of rest instead of ten")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        with enrolled(Path(name), BETWEEN) as appliance:
            starts = [_start_s(appliance) for _ in range(STARTS)]
            rss_mb, cpu_pct = _rest(appliance, IDLE_QUICK_S if options.quick else IDLE_S)
        cycles = {host.name: _cycle_s(host) for host in _hosts(Path(name))}
    if not options.json:
        print(f"starts {starts}, cycles {cycles}")
    figures = {
        "idle_rss_mb": round(rss_mb, 1),
        "idle_cpu_pct": round(cpu_pct, 3),
        "cycle_s": round(max(cycles.values()), 3),
        "cycle_checks": len(check.registry()),
        "start_s": round(statistics.median(starts), 2),
    }
    print(json.dumps({"bench": "agent", "figures": figures, "machine": machine()}))
    return 0


def _start_s(appliance: Appliance) -> float:
    """From the process to its first check-in; ended again as a service ends it."""
    seen, began = len(appliance.central.requests), time.monotonic()
    process = appliance.start()
    until(lambda: len(appliance.central.requests) > seen, "its first check-in")
    taken = time.monotonic() - began
    process.terminate()
    process.wait()
    return taken


def _rest(appliance: Appliance, seconds: float) -> tuple[float, float]:
    """The largest resident set, and the share of one core, once every check has been made."""
    stored = len(appliance.central.stored)
    process = psutil.Process(appliance.start().pid)
    until(lambda: len(appliance.central.stored) > stored or stored > 1, "its first evidence")
    time.sleep(SETTLED_S)
    began, used, largest = time.monotonic(), _cpu_s(process), 0
    while time.monotonic() - began < seconds:
        time.sleep(SAMPLE_S)
        largest = max(largest, process.memory_info().rss)
    taken = time.monotonic() - began
    return largest / 1e6, 100 * (_cpu_s(process) - used) / taken


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _hosts(folder: Path) -> list[Host]:
    tree = TreeHost("host_tree", "tree", str(folder / "host"))
    return [tree, LocalHost("host_local", "local")]


def _cycle_s(host: Host) -> float:
    """All checks of one host, one after the other, as the observing loop makes them."""
    taken, scrubber = [], Scrubber.ephemeral()
    for _ in range(CYCLES):
        began = time.monotonic()
        for one in check.registry().values():
            measure.measure(one, host, clock.system, scrubber)
        taken.append(time.monotonic() - began)
    return statistics.median(taken)


if __name__ == "__main__":
    sys.exit(main())
