"""How long a drift lives once it is looked at, what that costs, how fast one core scans hosts."""

import argparse
import json
import os
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from _appliance import enrolled, machine, until

from tests.integration.agent.bench import Bench
from tests.integration.healing.random_runs import PATIENT, Runs
from tests.unit.agent import host_trees
from wardline.agent import agent
from wardline.agent import settings as settings_file
from wardline.agent.checks import check
from wardline.agent.settings import BreakerSettings, HostSettings, Intervals, Layout
from wardline.core import ids

CHECK, RULE = "file_permissions", "runbook.file_permissions.restore"
DRIFT = Path("/etc/passwd")
HEALS, HEALS_QUICK = 200, 30
RUNS, RUNS_QUICK = 1000, 60
HOSTS = 200
FSYNCS = 20
SCAN_S_MAX = 600.0
SAMPLE_S = 0.2
SEED = 20261126


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the last line")
    parser.add_argument("--quick", action="store_true", help="fewer heals and fewer random runs")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside is not None:
        print(json.dumps(_heals(options.inside, HEALS_QUICK if options.quick else HEALS)))
        return 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        figures = _apart(folder, quick=options.quick)
        figures |= _scan(folder)
        figures |= _random(folder, RUNS_QUICK if options.quick else RUNS)
    print(json.dumps({"bench": "heal", "figures": figures, "machine": machine()}))
    return 0


def _apart(folder: Path, *, quick: bool) -> dict[str, float]:
    """The heals of a local host, in a process that has an /etc of its own to be changed."""
    healthy = host_trees.clinic(folder / "healthy")
    command = ["unshare", "--mount", "--propagation=private"]
    if os.geteuid() != 0:
        command += ["--user", "--map-root-user"]
    command += [sys.executable, __file__, "--inside", str(folder), *["--quick"] * quick]
    script = 'mount --bind "$1" /etc && shift && exec "$@"'
    inside = command.index(sys.executable)
    words: list[str | Path] = [
        *command[:inside],
        "sh",
        "-c",
        script,
        "sh",
        healthy / "etc",
        *command[inside:],
    ]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def _heals(folder: Path, count: int) -> dict[str, float]:
    """Drifts of this machine's own file, each looked at once at the pace of the defaults."""
    assert DRIFT.samefile(folder / "healthy/etc/passwd"), "only an /etc of its own is changed"
    bench = Bench(folder / "local", flap=PATIENT)
    # Nothing but this one repair may run here: it changes /etc alone.
    bench.central.rules = [one for one in bench.central.rules if one["id"] == RULE]
    bench.central.healing = "heal"
    host = HostSettings(id=bench.host.id, name="local", kind="local")
    # The same drift is healed again and again here, which the breaker is there to end.
    changes = {
        "hosts": [host],
        "intervals": Intervals(),
        "breaker": BreakerSettings(attempts=1_000),
    }
    bench.settings = bench.settings.model_copy(update=changes)
    bench.restart()
    running = bench.agent
    working = threading.Thread(target=agent._work, args=(running, bench.said.append))
    working.start()
    until(lambda: _measured(running) == len(check.registry()), "its first cycle")
    taken: list[float] = []
    began_cpu = time.process_time()
    for number in range(1, count + 1):
        DRIFT.chmod(0o666)
        began = time.monotonic()
        _look(running)
        until(lambda number=number: _healed(running) >= number, "a heal")  # type: ignore[misc]
        taken.append(time.monotonic() - began)
        assert DRIFT.stat().st_mode & 0o777 == 0o644
    spent = time.process_time() - began_cpu
    running.bells.stop()
    working.join()
    taken.sort()
    return {
        "detect_to_verified_p50_s": round(statistics.median(taken), 3),
        "detect_to_verified_p95_s": round(taken[int(len(taken) * 0.95)], 3),
        "heals": count,
        "heal_cpu_ms": round(1000 * spent / count, 1),
        "fsync_ms": round(_fsync_ms(folder), 2),
    }


def _look(running: agent.Agent) -> None:
    """The check is due now, as it is every few minutes."""
    for _, plan in running.observer._plan:
        for due in plan:
            if due.check.manifest.id == CHECK:
                due.at = 0.0
    running.bells.observe.ring()


def _measured(running: agent.Agent) -> int:
    with running.ledger.reading() as tx:
        return int(tx.rows("SELECT count(*) AS n FROM results")[0]["n"])


def _healed(running: agent.Agent) -> int:
    with running.ledger.reading() as tx:
        return int(tx.rows("SELECT count(*) AS n FROM heals")[0]["n"])


def _fsync_ms(folder: Path) -> float:
    """What this disk takes for one small file: a heal waits for several."""
    taken = []
    with (folder / "synced").open("wb") as file:
        for _ in range(FSYNCS):
            began = time.monotonic()
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            taken.append(time.monotonic() - began)
    return 1000 * statistics.median(taken)


def _scan(folder: Path) -> dict[str, float]:
    """A real agent on one core, from its start to the last result of the last of its trees."""
    trees = [folder / "trees" / str(number) for number in range(HOSTS)]
    for tree in trees:
        tree.parent.mkdir(exist_ok=True)
        host_trees.copy(folder / "healthy", tree)
    hosts = [
        HostSettings(id=ids.host(), name=f"host-{tree.name}", kind="tree", root=tree)
        for tree in trees
    ]
    wanted = HOSTS * len(check.registry())
    with enrolled(folder / "scan", Intervals()) as appliance:
        layout = Layout(appliance.data)
        many = settings_file.load(layout).model_copy(update={"hosts": hosts})
        layout.settings.write_text(settings_file.to_toml(many))
        began, largest = time.monotonic(), 0
        process = psutil.Process(appliance.start().pid)
        process.cpu_affinity([0])
        while (done := _results(layout.database)) < wanted:
            if time.monotonic() - began > SCAN_S_MAX:
                raise TimeoutError(f"{done} of {wanted} results after {SCAN_S_MAX:g} s")
            largest = max(largest, process.memory_info().rss)
            time.sleep(SAMPLE_S)
        taken, times = time.monotonic() - began, process.cpu_times()
        largest = max(largest, process.memory_info().rss)
    return {
        "tree_hosts": HOSTS,
        "tree_hosts_200_s": round(taken, 1),
        "tree_hosts_200_cpu_s": round(times.user + times.system, 1),
        "tree_hosts_200_rss_mb": round(largest / 1e6, 1),
    }


def _results(database: Path) -> int:
    """How many results the agent has committed; read beside it."""
    try:
        with sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=5) as store:
            return int(store.execute("SELECT count(*) FROM results").fetchone()[0])
    except sqlite3.OperationalError:
        return 0


def _random(folder: Path, count: int) -> dict[str, float]:
    """Runs with a fault at a random step: claims of a heal that an independent look denies."""
    runs = Runs(folder / "runs", folder / "healthy", random.Random(SEED))
    try:
        began = time.process_time()
        runs.run(count)
        spent = time.process_time() - began
    finally:
        runs.close()
    assert runs.problems == [], runs.problems
    return {
        "false_heals": runs.false_heals,
        "runs": runs.made,
        "runs_that_met_their_fault": runs.struck,
        "run_cpu_ms": round(1000 * spent / count, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
