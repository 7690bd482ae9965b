"""Verified, logged bundles per second through HTTP, over 100 sites and into one."""

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import asyncpg
import httpx2
import orjson
import psutil
from _bundles import Stream
from _central import Central, add_site, enrol, machine, running
from _sender import Sent, Work, serve

from wardline.core.evidence import bundle, signing
from wardline.core.evidence.signing import Envelope, VerifyKey

SENDERS = 4
SITES = 100
BATCH = 100
ROUNDS = 3
# Before its ceiling is measured a round's last work is over: checkpoints, snapshots, dirty pages.
REST_SECONDS = 0.5
REST_CORES_MAX = 0.1
REST_SECONDS_MAX = 10.0

_BARE_TABLE = """
CREATE TABLE IF NOT EXISTS bare (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, kid TEXT NOT NULL, payload BYTEA NOT NULL,
  signature BYTEA NOT NULL)
"""
_BARE_INSERT = """
INSERT INTO bare (kid, payload, signature)
SELECT * FROM unnest($1::text[], $2::bytea[], $3::bytea[])
"""


@dataclass(frozen=True, slots=True)
class Scenario:
    """Who sends how many batches in each round."""

    name: str
    streams: list[list[Stream]]
    batches: int


@dataclass(frozen=True, slots=True)
class Round:
    """Figures of one scenario in one round."""

    per_s: float
    ceiling_per_s: float
    ceiling_us: float
    latencies: list[float]
    payload_bytes: float
    web_us: float
    database_us: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="only the last line")
    parser.add_argument("--quick", action="store_true", help="under a minute")
    options = parser.parse_args()
    with running() as central, tempfile.TemporaryDirectory() as folder:
        scenarios = _scenarios(central, quick=options.quick)
        rounds = _measure(central, scenarios, Path(folder), loud=not options.json)
    print(json.dumps({"bench": "ingest", "figures": _figures(rounds), "machine": machine()}))
    return 0


def _scenarios(central: Central, *, quick: bool) -> list[Scenario]:
    """The hot site has as many appliances as there are senders: a stream has one sender."""
    with httpx2.Client(trust_env=False, timeout=30) as http:
        sites = [add_site(central, f"Clinic {number}") for number in range(SITES + 1)]
        streams = [enrol(central, site, http) for site in sites[:SITES]]
        hot = [enrol(central, sites[SITES], http) for _ in range(SENDERS)]
    return [
        Scenario("100_sites", [streams[n::SENDERS] for n in range(SENDERS)], 1 if quick else 3),
        Scenario("1_site", [[stream] for stream in hot], 10 if quick else 30),
    ]


def _measure(
    central: Central, scenarios: list[Scenario], folder: Path, *, loud: bool
) -> dict[str, list[Round]]:
    spawned = multiprocessing.get_context("spawn")
    plan = [(number, scenario) for number in range(ROUNDS) for scenario in scenarios]
    pipes: list[Connection] = []
    senders = []
    for sender in range(SENDERS):
        ours, theirs = spawned.Pipe()
        works = [
            Work(scenario.streams[sender], scenario.batches, BATCH, _copy(folder, place, sender))
            for place, (_, scenario) in enumerate(plan)
        ]
        process = spawned.Process(target=serve, args=(theirs, central.port, works), daemon=True)
        process.start()
        pipes.append(ours)
        senders.append(process)
    rounds: dict[str, list[Round]] = {scenario.name: [] for scenario in scenarios}
    for place, (number, scenario) in enumerate(plan):
        sent, web_s, database_s = _one_round(pipes)
        copies = [_copy(folder, place, sender) for sender in range(SENDERS)]
        _await_rest()
        ceiling = asyncio.run(_ceiling(central.dsn, copies))
        rounds[scenario.name].append(_judged(sent, ceiling, web_s, database_s))
        if loud:
            found = rounds[scenario.name][-1]
            print(
                f"round {number + 1} {scenario.name}: {found.per_s:,.0f}/s, ceiling"
                f" {found.ceiling_per_s:,.0f}/s, {found.payload_bytes:,.0f} bytes a payload,"
                f" CPU a bundle: web {found.web_us:.0f} us, database {found.database_us:.0f} us,"
                f" ceiling {found.ceiling_us:.0f} us",
                file=sys.stderr,
            )
    for process in senders:
        process.join(10)
    return rounds


def _one_round(pipes: list[Connection]) -> tuple[list[Sent], float, float]:
    """What was sent, and the processor seconds of the web processes and of PostgreSQL for it."""
    for pipe in pipes:
        pipe.send("prepare")
    for pipe in pipes:
        pipe.recv()
    web, database = _processor_seconds()
    for pipe in pipes:
        pipe.send("go")
    sent = [pipe.recv() for pipe in pipes]
    web_after, database_after = _processor_seconds()
    return sent, web_after - web, database_after - database


def _await_rest() -> None:
    """Returns when Central does next to nothing any more: what it still does after many sites
    would slow their ceiling down, and so flatter the ratio."""
    due = time.monotonic() + REST_SECONDS_MAX
    worked = _worked()
    while time.monotonic() < due:
        time.sleep(REST_SECONDS)
        before, worked = worked, _worked()
        if worked - before <= REST_SECONDS * REST_CORES_MAX:
            return


def _worked() -> float:
    """Processor seconds of everything under this process."""
    seconds = 0.0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            seconds += times.user + times.system
    return seconds


def _processor_seconds() -> tuple[float, float]:
    """Of the web processes and of all PostgreSQL processes under this one, so far."""
    web = database = 0.0
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            if "wardline.central web" in " ".join(process.cmdline()):
                web += times.user + times.system
            elif process.name() == "postgres":
                database += times.user + times.system
    return web, database


def _judged(
    sent: list[Sent], ceiling: tuple[float, float], web_s: float, database_s: float
) -> Round:
    bundles = sum(one.bundles for one in sent)
    seconds = max(one.ended for one in sent) - min(one.began for one in sent)
    return Round(
        per_s=bundles / seconds,
        ceiling_per_s=ceiling[0],
        ceiling_us=ceiling[1],
        latencies=[latency for one in sent for latency in one.latencies],
        payload_bytes=sum(one.payload_bytes for one in sent) / bundles,
        web_us=web_s / bundles * 1e6,
        database_us=database_s / bundles * 1e6,
    )


async def _ceiling(dsn: str, copies: list[Path]) -> tuple[float, float]:
    """The same envelopes, verified with the same library and inserted bare: one loop, no HTTP.
    How many a second, and the processor time of one in us, its part of the database included."""
    batches = [_read(line) for copy in copies for line in copy.read_bytes().splitlines()]
    raw = await asyncpg.connect(dsn)
    try:
        await raw.execute(_BARE_TABLE)
        backend = psutil.Process(await raw.fetchval("SELECT pg_backend_pid()"))
        worked_before = time.process_time() + sum(backend.cpu_times()[:2])
        began = time.monotonic()
        for public, envelopes in batches:
            key = VerifyKey(public)
            for envelope in envelopes:
                encoded = signing.pae(bundle.PAYLOAD_TYPE, envelope.payload)
                assert key.verify(encoded, envelope.sig)
            await raw.execute(
                _BARE_INSERT,
                [envelope.keyid for envelope in envelopes],
                [envelope.payload for envelope in envelopes],
                [envelope.sig for envelope in envelopes],
            )
        seconds = time.monotonic() - began
        worked = time.process_time() + sum(backend.cpu_times()[:2]) - worked_before
        await raw.execute("TRUNCATE bare")
    finally:
        await raw.close()
    bundles = sum(len(envelopes) for _, envelopes in batches)
    return bundles / seconds, worked / bundles * 1e6


def _read(line: bytes) -> tuple[bytes, list[Envelope]]:
    public, _, wires = line.partition(b" ")
    return bytes.fromhex(public.decode()), [
        Envelope.from_wire(wire) for wire in orjson.loads(wires)
    ]


def _figures(rounds: dict[str, list[Round]]) -> dict[str, float]:
    many, one = rounds["100_sites"], rounds["1_site"]
    latencies = sorted(latency for found in many for latency in found.latencies)
    figures: dict[str, Any] = {
        "bundles_per_s_1_site": statistics.median(found.per_s for found in one),
        "bundles_per_s_100_sites": statistics.median(found.per_s for found in many),
        "ratio_to_ceiling_1_site": statistics.median(
            found.per_s / found.ceiling_per_s for found in one
        ),
        "ratio_to_ceiling_100_sites": statistics.median(
            found.per_s / found.ceiling_per_s for found in many
        ),
        "hot_site_ratio": statistics.median(
            hot.per_s / cool.per_s for hot, cool in zip(one, many, strict=True)
        ),
        "p99_ms": latencies[int(len(latencies) * 0.99)] * 1000,
        "web_cpu_us": statistics.median(found.web_us for found in many),
        "database_cpu_us": statistics.median(found.database_us for found in many),
        "ceiling_cpu_us": statistics.median(found.ceiling_us for found in one + many),
        "payload_bytes": statistics.mean(found.payload_bytes for found in many),
    }
    return {key: round(value, 3) for key, value in figures.items()}


def _copy(folder: Path, place: int, sender: int) -> Path:
    return folder / f"{place}-{sender}"


if __name__ == "__main__":
    sys.exit(main())
