"""`wardline policy serve` as it is started: how soon it answers, and ten thousand rules at once."""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import psutil
from _central import machine

WARDLINE = str(Path(sys.executable).with_name("wardline"))
POLICY = "/api/mcp/policy"
RULES = 10_000
KPIS = 500
STARTS, STARTS_QUICK = 9, 3
BULKS, BULKS_QUICK = 5, 2
SECONDS_MAX = 60.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the last line")
    parser.add_argument("--quick", action="store_true", help="under a minute")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        db = Path(folder) / "policies.db"
        subprocess.run([WARDLINE, "policy", "seed", "--db", str(db)], check=True, stdout=sys.stderr)
        starts = [_start(db) for _ in range(STARTS_QUICK if options.quick else STARTS)]
        bulks = [_bulk(Path(folder)) for _ in range(BULKS_QUICK if options.quick else BULKS)]
    figures = {
        "start_s": statistics.median(starts),
        "start_s_worst": max(starts),
        "bulk_s_10000": statistics.median(spent for spent, _ in bulks),
        "bulk_s_10000_worst": max(spent for spent, _ in bulks),
        "bulk_cpu_s_10000": statistics.median(used for _, used in bulks),
    }
    if not options.json:
        for key, value in figures.items():
            print(f"{key:<28} {value:.3f}")
    print(json.dumps({"bench": "policy_file", "figures": figures, "machine": machine()}))
    return 0


def _start(db: Path) -> float:
    """Seconds from the command to the first list that it answers."""
    began = time.perf_counter()
    with _served(db) as (client, _):
        assert len(client.get("/list").json()["data"]) > 3
        return time.perf_counter() - began


def _bulk(folder: Path) -> tuple[float, float]:
    """Seconds, and processor seconds of the server, of one POST /create of new rules, which are on
    the disk and in force when it is answered."""
    db = folder / f"{time.monotonic_ns()}.db"
    body = json.dumps({"rules": [_rule(number) for number in range(RULES)]}).encode()
    with _served(db) as (client, server):
        used = _used(server)
        began = time.perf_counter()
        answer = client.post("/create", content=body, headers={"content-type": "application/json"})
        spent, used = time.perf_counter() - began, _used(server) - used
        assert answer.json() == {"ok": True, "count": RULES}
        alert = {"id": "a", "kpiId": "kpi.7", "title": "", "message": "", "severity": "warn"}
        decided = client.post("/test", json={"alert": alert}).json()["decision"]
        assert decided["ruleId"] is not None
    return spent, used


def _used(server: psutil.Process) -> float:
    times = server.cpu_times()
    return float(times.user + times.system)


def _rule(number: int) -> dict[str, Any]:
    return {
        "id": f"rule.{number:05}",
        "when": {"kpiId": f"kpi.{number % KPIS}", "severity": ["warn", "crit"]},
        "action": f"action.{number % 7}",
        "params": {"deltaPct": {"warn": 1, "crit": 3}},
        "limits": {"maxDailyPct": 3, "maxWeeklyPct": 7},
        "window": {"days": [1, 2, 3, 4, 5], "start": "08:00", "end": "18:00"},
        "approval": {"required": True, "roles": ["manager", "admin"], "bypassIfSeverity": "crit"},
        "autoExecute": False,
        "autoSuggest": True,
    }


@contextmanager
def _served(db: Path) -> Iterator[tuple[httpx2.Client, psutil.Process]]:
    process = subprocess.Popen(
        [WARDLINE, "policy", "serve", "--db", str(db), "--port", "0"],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        with process.stdout:
            told = process.stdout.readline()
        port = int(told.split("127.0.0.1:")[1].split()[0])
        with httpx2.Client(
            base_url=f"http://127.0.0.1:{port}{POLICY}", timeout=SECONDS_MAX
        ) as client:
            yield client, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(SECONDS_MAX)


if __name__ == "__main__":
    sys.exit(main())
