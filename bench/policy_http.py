"""The policy manager over HTTP: decisions in batches, saves that are analysed, and a replay."""

import argparse
import json
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import _bulk
import _decides
import _echo
import _fanout
import _replays
import httpx2
import uvicorn
from _central import add_site, machine, running
from _policies import MONDAY, Draw

from wardline.core.policy import analyse, compiled, exact, parse, unlock
from wardline.core.policy.analysis.estate import Estate
from wardline.core.policy.decision import Verdict
from wardline.core.policy.rule import Policy, Rule, Scope
from wardline.policy.standalone import app
from wardline.policy.standalone.settings import Settings

SEED = 20261126
RULES = 10_000
SITES = 100
SAVES, SAVES_QUICK = 60, 15
ROUNDS, ROUNDS_QUICK = 5, 2
UNLOCKS = 200
START_SECONDS_MAX = 10.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the last line")
    parser.add_argument("--quick", action="store_true", help="under a minute")
    options = parser.parse_args()
    say = (lambda text: None) if options.json else print
    draw = Draw(SEED)
    policy = draw.policy(RULES)
    figures = {
        **_saves(policy, SAVES_QUICK if options.quick else SAVES),
        **_whole(policy, ROUNDS_QUICK if options.quick else ROUNDS),
        **_unlock(draw, policy),
        **_in_central(quick=options.quick),
        **_fanout.figures(quick=options.quick),
        **_replays.figures(draw, policy, _timed),
        **_decides.figures(quick=options.quick, say=say),
    }
    if not options.json:
        for key, value in figures.items():
            print(f"{key:<32} {value:g}")
    print(json.dumps({"bench": "policy_http", "figures": figures, "machine": machine()}))
    return 0


def _in_central(*, quick: bool) -> dict[str, float]:
    with running() as central:
        sites = [add_site(central, f"clinic {number}") for number in range(SITES)]
        bulk = _bulk.figures(central, sites, quick=quick)
        return {**bulk, **_echo.figures(central, sites, quick=quick)}


def _saves(policy: Policy, count: int) -> dict[str, float]:
    """A rule of the set, changed, over HTTP: of one policy file with all of the rules in it."""
    with tempfile.TemporaryDirectory() as folder, _served(Path(folder)) as client:
        # Alone, the manager knows no partners.
        own = [replace(rule, scope=Scope(site=rule.scope.site)) for rule in policy.rules]
        bodies = [exact.plain(parse.to_wire(rule)) for rule in own]
        _done(client, "/create", {"rules": bodies})
        spent, found = [], 0
        for number in range(count):
            body = bodies[number * len(bodies) // count] | {"priority": 10 + number}
            began = time.perf_counter()
            told = _done(client, "/update", body)
            spent.append((time.perf_counter() - began) * 1000)
            found += "findings" in told
    assert found, "a set of this size has something to find"
    return {
        "save_with_findings_10000_ms": round(statistics.median(spent), 1),
        "save_with_findings_10000_max_ms": round(max(spent), 1),
    }


def _whole(policy: Policy, rounds: int) -> dict[str, float]:
    spent = [_timed(lambda: analyse.whole(policy.rules, Estate(), MONDAY)) for _ in range(rounds)]
    return {"analyse_10000_ms": round(statistics.median(spent) * 1000, 1)}


def _unlock(draw: Draw, policy: Policy) -> dict[str, float]:
    """What would unlock a decision, of decisions that are no run."""
    index, state = compiled.build(policy), draw.state()
    spent: list[float] = []
    while len(spent) < UNLOCKS:
        request = draw.aimed(policy)
        decision = index.evaluate(request, state)
        if decision.verdict is Verdict.RUN:
            continue
        rules = _near(policy, request.alert.kpi_id, request.site)
        spent.append(_timed(partial(unlock.unlocks, rules, request, state, decision)))
    return {"unlock_p50_us": round(statistics.median(spent) * 1e6, 1)}


def _near(policy: Policy, kpi_id: str, site: str | None) -> list[Rule]:
    """What a store gives: the rules of the kpi that are for the site."""
    return [
        rule
        for rule in policy.rules
        if rule.when.kpi_id == kpi_id and rule.scope.site in (None, site)
    ]


def _timed(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began


@contextmanager
def _served(folder: Path) -> Iterator[httpx2.Client]:
    """A server on a new policy file, on a free port of this machine."""
    bound = socket.create_server(("127.0.0.1", 0))
    made = app.create(Settings(db=folder / "policies.db"))
    server = uvicorn.Server(uvicorn.Config(made, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run, args=([bound],))
    thread.start()
    try:
        ends = time.monotonic() + START_SECONDS_MAX
        while not server.started and time.monotonic() < ends:
            time.sleep(0.01)
        address = f"http://127.0.0.1:{bound.getsockname()[1]}/api/mcp/policy"
        with httpx2.Client(base_url=address, timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()


def _done(client: httpx2.Client, path: str, body: object) -> dict[str, object]:
    answer = client.post(path, json=body)
    answer.raise_for_status()
    told: dict[str, object] = answer.json()
    return told


if __name__ == "__main__":
    sys.exit(main())
