"""Real decisions through HTTP: batches of 1,000 against 10,000 rules of a Central as it is sold."""

import asyncio
import http.client
import itertools
import multiprocessing
import statistics
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from random import Random
from typing import Any

import asyncpg
import orjson
import psutil
from _central import Central, add_site, running

from wardline.core.incidents import catalogue

RULES = 10_000
RULES_PER_CALL = 2_000
SITES = 100
BATCH = 1_000
# Twice as many as web processes: while one's transaction is committed, the other's is decided.
SENDERS = 4
SECONDS, SECONDS_QUICK = 6.0, 2.0
ROUNDS = 3
WORDS = ("low", "medium", "high", "critical")
PATH = "/api/v1/policies/decide"
# In the names of hosts, in place of the number of the call: what runs locks its host.
CALL = b"call-000000"


@dataclass(frozen=True, slots=True)
class Round:
    """Decisions a second, and the processor time of each in µs: of the web processes, of the jobs
    process, of PostgreSQL, and of the senders."""

    per_s: float
    web_us: float
    jobs_us: float
    database_us: float
    sender_us: float


def figures(*, quick: bool, say: Any) -> dict[str, float]:
    """`batch_decisions_per_s`: as they are answered unless a caller says otherwise, traces
    included; nothing is counted for these. `batch_untraced_per_s`: the same without their traces.
    `batch_reserving_per_s`: each is of a rule with limits and names a host on which nothing has
    run, so that each is counted and reserved."""
    found: dict[str, float] = {}
    with running() as central:
        sites = [add_site(central, f"clinic {number}") for number in range(SITES)]
        asyncio.run(_heal(central))
        _save(central, sites)
        cookie = _cookie(central)
        for name, hosts, query in (
            ("batch_decisions", False, ""),
            ("batch_untraced", False, "?trace=false"),
            ("batch_reserving", True, ""),
        ):
            bodies = [_bodies(sites, number, hosts=hosts) for number in range(SENDERS)]
            rounds = []
            for number in range(ROUNDS):
                seconds = SECONDS_QUICK if quick else SECONDS
                rounds.append(_round(central, cookie, PATH + query, bodies, seconds))
                say(f"{name} {number}: {rounds[-1]}")
            for field in Round.__slots__:
                middle = statistics.median(getattr(each, field) for each in rounds)
                found[f"{name}_{field}"] = round(middle, 1)
    return found


async def _heal(central: Central) -> None:
    raw = await asyncpg.connect(central.dsn)
    await raw.execute("UPDATE sites SET healing = 'heal'")
    await raw.close()


def _save(central: Central, sites: list[str]) -> None:
    """Every runbook has one rule for the whole partner and five for each site, which differ in
    window and priority; the rules about the one half of the kpis are limited."""
    books = sorted(catalogue.runbooks().values(), key=lambda each: each.id)
    rules = []
    places = [None, *sites] * (RULES // (len(books) * len(sites)) + 1)
    for number, (site, book) in enumerate(itertools.product(places, books)):
        if number == RULES:
            break
        limited = number // len(books) // (len(sites) + 1) % 2 == 1
        rule: dict[str, Any] = {
            "id": f"rule-{number}",
            "when": {"kpiId": _kpi(book, limited=limited), "severity": list(WORDS)},
            "action": book.id,
            "autoExecute": number % 3 > 0,
            "priority": number % 7,
        }
        if site is not None:
            rule["scope"] = {"site": site}
        if limited:
            rule["limits"] = {"maxRunsPerSitePerHour": 1_000_000}
        if number % 4 == 1:
            rule["window"] = {"days": [0, 1, 2, 3, 4, 5, 6], "start": "00:00", "end": "22:00"}
        rules.append(rule)
    for start in range(0, RULES, RULES_PER_CALL):
        central.owner.policy("create", {"rules": rules[start : start + RULES_PER_CALL]})


def _kpi(book: Any, *, limited: bool) -> str:
    """Rules with limits are about other kpis, so that each figure says what it measures."""
    return f"{book.check}_limited" if limited else str(book.check)


def _bodies(sites: list[str], sender: int, *, hosts: bool) -> list[bytes]:
    draw, books = Random(sender), list(catalogue.runbooks().values())
    made = []
    for number in range(8):
        requests = []
        for place in range(BATCH):
            book = draw.choice(books)
            request: dict[str, Any] = {
                "alert": {
                    "id": f"alert-{sender}-{number}-{place}",
                    "kpiId": _kpi(book, limited=hosts),
                    "title": f"{book.check} has drifted",
                    "message": "measured twice within ten minutes",
                    "severity": draw.choice(WORDS),
                    "facts": {"count": place, "path": "/etc/some/where"},
                },
                "action": book.id,
                "site": draw.choice(sites),
            }
            if hosts:
                request["host"] = f"host-{sender}-{CALL.decode()}-{place}"
                request["initiator"] = "person"
            requests.append(request)
        made.append(orjson.dumps({"requests": requests}))
    return made


def _cookie(central: Central) -> str:
    cookies = central.owner._http.cookies.jar
    return "; ".join(f"{each.name}={each.value}" for each in cookies)


def _round(
    central: Central, cookie: str, path: str, bodies: list[list[bytes]], seconds: float
) -> Round:
    context = multiprocessing.get_context("spawn")
    pipes, senders = [], []
    for own in bodies:
        here, there = context.Pipe()
        sender = context.Process(
            target=_send, args=(there, (central.port, path, cookie), own, seconds)
        )
        sender.start()
        pipes.append(here)
        senders.append(sender)
    for pipe in pipes:
        assert pipe.recv() == "ready"
    before = _spent()
    for pipe in pipes:
        pipe.send("go")
    told = [pipe.recv() for pipe in pipes]
    after = _spent()
    for sender in senders:
        sender.join()
    count = sum(each[0] for each in told)
    per_us = 1e6 / count
    return Round(
        sum(each[0] / each[1] for each in told),
        (after["web"] - before["web"]) * per_us,
        (after["jobs"] - before["jobs"]) * per_us,
        (after["postgres"] - before["postgres"]) * per_us,
        sum(each[2] for each in told) * per_us,
    )


def _send(
    pipe: Connection, where: tuple[int, str, str], bodies: list[bytes], seconds: float
) -> None:
    """Sends one body after the other for so long: decisions, seconds, processor seconds."""
    port, path, cookie = where
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"content-type": "application/json", "cookie": cookie, "x-wardline": "1"}

    def ask(body: bytes) -> bytes:
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        assert answer.status == 200, data[:500]
        return data

    calls = itertools.count(1)
    for body in bodies:
        assert len(orjson.loads(ask(_called(body, next(calls))))["decisions"]) == BATCH
    pipe.send("ready")
    pipe.recv()
    worked, began, count = time.process_time(), time.monotonic(), 0
    while time.monotonic() - began < seconds:
        ask(_called(bodies[count % len(bodies)], next(calls)))
        count += 1
    took = time.monotonic() - began
    pipe.send((count * BATCH, took, time.process_time() - worked))


def _called(body: bytes, number: int) -> bytes:
    """The body with hosts on which no call before has run anything."""
    return body.replace(CALL, b"call-%06d" % number)


def _spent() -> dict[str, float]:
    """Processor seconds so far: of Central's web processes, its jobs process, and PostgreSQL."""
    found = dict.fromkeys(("web", "jobs", "postgres"), 0.0)
    for process in psutil.Process().children(recursive=True):
        try:
            spent, line = sum(process.cpu_times()[:2]), process.cmdline()
        except psutil.NoSuchProcess:
            continue
        if line and line[0].startswith("postgres"):
            found["postgres"] += spent
        elif any("wardline.central" in word for word in line):
            found["jobs" if "jobs" in line else "web"] += spent
    return found
