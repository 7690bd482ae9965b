"""POST /test beside an echo: the same body, caller, store and answer, which is only remembered."""

import asyncio
import contextlib
import multiprocessing
import socket
import statistics
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from random import Random
from typing import Annotated, Any, NamedTuple

import asyncpg
import orjson
import psutil
import uvicorn
from _bulk import KPIS, WORDS
from _central import Central
from fastapi import APIRouter, FastAPI, Request

from wardline.central.database import engine
from wardline.central.identity import access
from wardline.central.policies import endpoints as policies
from wardline.central.policies.shelf import Shelf
from wardline.central.settings import Transport
from wardline.central.web import body, headers, problems
from wardline.central.web.load import Load
from wardline.cli.client import local_address
from wardline.core import clock
from wardline.core.canonical import Json
from wardline.core.policy import exact, parse
from wardline.policy import collector, connections
from wardline.policy import endpoints as contract
from wardline.policy.connections import Crowd
from wardline.policy.problems import Route
from wardline.policy.store import PolicyStore

ALERTS = 300
LANES = 4
SLICE_SECONDS = 0.5
ROUNDS, ROUNDS_QUICK = 40, 12
TEST, ECHO = f"{contract.PREFIX}/test", "/echo"
SEED = 20261126


class Slice(NamedTuple):
    """Requests a second, and the server's processor time of each in µs."""

    per_s: float
    server_us: float


def figures(central: Central, sites: list[str], *, quick: bool) -> dict[str, float]:
    """In Central, whose rules are there, with its own app in a process of its own."""
    bodies = _alerts(sites)
    asyncio.run(heal(central))
    token = local_address(central.data).token
    with _served(central.app_dsn) as (port, server):
        verdicts = _warmed(_Lane(port, token), bodies)
        lanes = [_Lane(port, token) for _ in range(LANES)]
        turns = []
        for _ in range(ROUNDS_QUICK if quick else ROUNDS):
            turns.append([_slice(lanes, path, bodies, server) for path in (ECHO, TEST)])
    found = {
        "test_ratio_to_echo": statistics.median(t.per_s / e.per_s for e, t in turns),
        "test_cpu_ratio_to_echo": statistics.median(e.server_us / t.server_us for e, t in turns),
        "test_per_s": statistics.median(t.per_s for _, t in turns),
        "test_server_us": statistics.median(t.server_us for _, t in turns),
        "echo_server_us": statistics.median(e.server_us for e, _ in turns),
        "test_blocked_share": verdicts.count("block") / len(verdicts),
        "test_run_share": verdicts.count("run") / len(verdicts),
    }
    return {name: round(value, 3) for name, value in found.items()}


async def heal(central: Central) -> None:
    """Lets every site heal: in one that observes, all that is asked is blocked."""
    raw = await asyncpg.connect(central.dsn)
    await raw.execute("UPDATE sites SET healing = 'heal'")
    await raw.close()


def echo_router(reader: Any) -> APIRouter:
    """Answers what the real endpoint answered to the same alert."""
    router = APIRouter(route_class=Route)
    known: dict[str, dict[str, Json]] = {}

    @router.post(ECHO)
    async def echo(request: Request, store: Annotated[PolicyStore, reader]) -> dict[str, Json]:
        asked = parse.simulation(await contract.body(request))
        answer = known.get(asked.alert.id)
        if answer is None:
            simulated = await store.simulate(asked)
            answer = {"ok": True, "decision": exact.plain(simulated.decision.to_wire())}
            if not simulated.decision.execute:
                answer["unlock"] = [unlock.to_wire() for unlock in simulated.unlocks()]
            known[asked.alert.id] = answer
        return answer

    return router


def _alerts(sites: list[str]) -> list[bytes]:
    draw = Random(SEED)
    return [
        orjson.dumps(
            {
                "alert": {
                    "id": f"alert-{number}",
                    "kpiId": f"kpi_{draw.randrange(KPIS)}",
                    "title": "Disk nearly full",
                    "message": "used_pct is above its threshold",
                    "severity": draw.choice(WORDS),
                    "siteId": draw.choice(sites),
                    "facts": {"used_pct": draw.randrange(100)},
                },
                "roles": ["manager"],
            }
        )
        for number in range(ALERTS)
    ]


class _Lane:
    """One connection, on which one request after the other is sent and read cheaply."""

    def __init__(self, port: int, token: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._head = (
            " HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\nx-wardline: 1\r\n"
            f"authorization: Bearer {token}\r\ncontent-length: "
        )

    def send(self, path: str, content: bytes) -> None:
        head = f"POST {path}{self._head}{len(content)}\r\n\r\n"
        self._socket.sendall(head.encode() + content)

    def read(self) -> bytes:
        found = b""
        while (end := found.find(b"\r\n\r\n")) < 0:
            found += self._more()
        head = found[:end].lower()
        assert head.startswith(b"http/1.1 200"), found
        length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0])
        while len(found) < end + 4 + length:
            found += self._more()
        return found[end + 4 :]

    def _more(self) -> bytes:
        more = self._socket.recv(1 << 16)
        assert more, "the server closed the connection"
        return more


def _warmed(lane: _Lane, bodies: list[bytes]) -> list[str]:
    """Asks both about everything, and gives the verdicts; the answers must be the same."""
    verdicts = []
    for content in bodies:
        answers = []
        for path in (TEST, ECHO):
            lane.send(path, content)
            answers.append(orjson.loads(lane.read()))
        for answer in answers:
            answer["decision"].pop("decisionId")
        verdicts.append(answers[0]["decision"]["verdict"])
    return verdicts


def _slice(lanes: list[_Lane], path: str, bodies: list[bytes], server: psutil.Process) -> Slice:
    count, used = 0, server.cpu_times()
    began = time.perf_counter()
    while (spent := time.perf_counter() - began) < SLICE_SECONDS:
        for lane in lanes:
            lane.send(path, bodies[count % len(bodies)])
            count += 1
        for lane in lanes:
            lane.read()
    now = server.cpu_times()
    cpu = now.user + now.system - used.user - used.system
    return Slice(count / spent, cpu * 1e6 / count)


@contextlib.contextmanager
def _served(app_dsn: str) -> Iterator[tuple[int, psutil.Process]]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, app_dsn))
    process.start()
    try:
        port = here.recv()
        yield port, psutil.Process(process.pid)
    finally:
        process.terminate()
        process.join()


def _serve(pipe: Connection, app_dsn: str) -> None:
    bound = socket.create_server(("127.0.0.1", 0), backlog=64)
    made = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    made.state.engine = engine.create(app_dsn)
    made.state.now = clock.system
    made.state.policy_shelf = Shelf()
    made.include_router(policies.router)
    made.include_router(echo_router(policies.ACCESS.reader))
    problems.install(made)
    made.add_middleware(
        body.BodyGate,
        load=Load(),
        admit=lambda scope: access.admit(Request(scope)),
        public=frozenset(),
    )
    made.add_middleware(headers.HeaderGate, transport=Transport.LOOPBACK)
    collector.spare()
    config = uvicorn.Config(
        made, log_level="error", access_log=False, **connections.serving(Crowd())
    )
    pipe.send(bound.getsockname()[1])
    uvicorn.Server(config).run([bound])
