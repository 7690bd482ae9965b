"""Rules over HTTP: ten thousand in one request, and one more where ten thousand are."""

import contextlib
import itertools
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import orjson
import psutil
from _central import Central

from wardline.core.incidents import catalogue

RULES = 10_000
KPIS = 30
BULKS, BULKS_QUICK = 5, 2
SAVES, SAVES_QUICK = 60, 15
SECONDS_MAX = 120.0
WORDS = ("low", "medium", "high", "critical")
JSON = {"content-type": "application/json"}


def figures(central: Central, sites: list[str], *, quick: bool) -> dict[str, float]:
    """Of a Central as it is sold: its rules are of sites and for the whole partner, about 30 kpis
    and all of its runbooks. Afterwards they are there."""
    with caller(central) as client:
        bulks = [_bulk(central, client, turn) for turn in range(BULKS_QUICK if quick else BULKS)]
        body = rules(0, sites)
        _done(client, "/create", {"rules": body})
        saves = _saves(client, body, SAVES_QUICK if quick else SAVES)
    return {
        "bulk_create_10000_s": round(statistics.median(each for each, _, _ in bulks), 3),
        "bulk_create_10000_web_cpu_s": round(statistics.median(each for _, each, _ in bulks), 3),
        "bulk_create_10000_db_cpu_s": round(statistics.median(each for _, _, each in bulks), 3),
        "save_with_analysis_10000_ms": round(statistics.median(saves), 1),
        "save_with_analysis_10000_max_ms": round(max(saves), 1),
    }


@contextmanager
def caller(central: Central) -> Iterator[httpx2.Client]:
    """The owner, at the policy's endpoints."""
    jar = central.owner._http.cookies.jar
    headers = {"X-Wardline": "1", "cookie": "; ".join(f"{each.name}={each.value}" for each in jar)}
    base = f"{central.url}/api/mcp/policy"
    with httpx2.Client(base_url=base, headers=headers, timeout=SECONDS_MAX) as client:
        yield client


def rules(turn: int, sites: list[str]) -> list[dict[str, Any]]:
    """RULES rules with ids of their own; two in five with a window, one in five with limits, one
    in twenty with a condition, one in twenty denies."""
    books = sorted(each.id for each in catalogue.runbooks().values())
    places = itertools.cycle([None, *sites])
    return [_rule(turn, number, next(places), books) for number in range(RULES)]


def _rule(turn: int, number: int, site: str | None, books: list[str]) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": f"rule-{turn}-{number:05}",
        "when": {"kpiId": f"kpi_{number * 7 % KPIS}", "severity": list(WORDS[number % 3 :])},
        "action": books[number // KPIS % len(books)],
        "autoExecute": number % 3 > 0,
        "priority": number % 7,
        "params": {"deltaPct": {"warn": 1, "crit": 3}},
    }
    if site is not None:
        rule["scope"] = {"site": site}
    if number % 5 < 2:
        rule["window"] = {"days": [1, 2, 3, 4, 5], "start": "08:00", "end": "18:00"}
    if number % 5 == 2:
        rule["limits"] = {"maxDailyPct": 3, "maxRunsPerSitePerHour": 10}
    if number % 20 == 3:
        rule["when"]["condition"] = f"facts.used_pct >= {number % 100}"
    if number % 20 == 7:
        rule["effect"] = "deny"
    return rule


def _bulk(central: Central, client: httpx2.Client, turn: int) -> tuple[float, float, float]:
    """Seconds of a request that makes RULES rules, and processor seconds of the web processes and
    of PostgreSQL; then the rules are as before."""
    before = client.post("/backup").json()["file"]
    content = orjson.dumps({"rules": rules(turn, [])})
    began, web, database = time.perf_counter(), *used(central)
    answer = client.post("/create", content=content, headers=JSON)
    spent = time.perf_counter() - began
    now = used(central)
    assert answer.json() == {"ok": True, "count": RULES}, answer.text
    assert len(client.get("/list").json()["data"]) >= RULES
    _done(client, "/restore", {"file": before})
    return spent, now[0] - web, now[1] - database


def _saves(client: httpx2.Client, held: list[dict[str, Any]], count: int) -> list[float]:
    """Milliseconds of one rule's update each, the answers of some of which have findings."""
    spent, found = [], 0
    for number in range(count):
        body = held[number * len(held) // count] | {"priority": 10 + number}
        began = time.perf_counter()
        told = _done(client, "/update", body)
        spent.append((time.perf_counter() - began) * 1000)
        found += "findings" in told
    assert found, "a set of this size has something to find"
    return spent


def used(central: Central) -> tuple[float, float]:
    """Processor seconds so far of the web processes, and of PostgreSQL."""
    web, database = 0.0, 0.0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            times, line = process.cpu_times(), " ".join(process.cmdline())
            if "postgres" in line:
                database += times.user + times.system
            else:
                web += times.user + times.system
    return web, database


def _done(client: httpx2.Client, path: str, body: object) -> dict[str, Any]:
    answer = client.post(path, content=orjson.dumps(body), headers=JSON)
    assert answer.is_success, answer.text
    told: dict[str, Any] = answer.json()
    return told
