"""Events on their way to 500 sockets of the standalone manager, one of which nobody reads."""

import json
import multiprocessing
import socket
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http import HTTPStatus
from http.client import HTTPConnection
from multiprocessing.connection import Connection
from pathlib import Path

import httpx2
import psutil
import uvicorn
from _crowd import PATH, Crowd, Heard, connect
from fastapi import WebSocket

from wardline.policy import collector, connections, problems
from wardline.policy.live.frames import POLICY_CHANNEL, Channel
from wardline.policy.live.log import Change
from wardline.policy.standalone import app, hub
from wardline.policy.standalone.settings import Settings

CLIENTS = 500
EVENTS_PER_S = 50
SECONDS, SECONDS_QUICK = 60, 10
FRAME_BYTES = 4_096
SETTLE_SECONDS = 15.0
# A client that reads nothing keeps little in its kernel, so that the server notices.
STALLED_BUFFER_BYTES = 4_096
SETTLED_SECONDS = 1.0
TRY_AGAIN = 1013
CLOSED = "/closed"


def figures(*, quick: bool) -> dict[str, float]:
    """A frame says when it was encoded, and its event when the write that it tells of was sent."""
    seconds = SECONDS_QUICK if quick else SECONDS
    with tempfile.TemporaryDirectory() as folder, _served(Path(folder)) as (port, server):
        stalled = connect(port, STALLED_BUFFER_BYTES)
        with _reading(port, seconds * EVENTS_PER_S) as pipe:
            used, began = _used(server), time.perf_counter()
            _publish(port, seconds)
            spent = time.perf_counter() - began
            heard: Heard = pipe.recv()
            used = _used(server) - used
        # Until the server has noticed, nobody reads here.
        time.sleep(hub.LIMITS.send_seconds_max + SETTLED_SECONDS)
        ended = httpx2.get(f"http://127.0.0.1:{port}{CLOSED}").json()
        stalled.close()
    fanned, whole = sorted(heard.fanned), sorted(heard.whole)
    return {
        "fanout_500_p99_ms": round(fanned[len(fanned) * 99 // 100], 1),
        "fanout_500_p50_ms": round(statistics.median(fanned), 1),
        "fanout_500_max_ms": round(fanned[-1], 1),
        "fanout_500_from_request_p99_ms": round(whole[len(whole) * 99 // 100], 1),
        "fanout_500_events_per_s": round(seconds * EVENTS_PER_S / spent, 1),
        "fanout_500_missed": float(CLIENTS - 1 - heard.full),
        "fanout_500_closed_1013": float(ended.count(TRY_AGAIN)),
        "fanout_500_closed_otherwise": float(len(ended) - ended.count(TRY_AGAIN)),
        "fanout_500_cpu_us_per_frame": round(used * 1e6 / len(fanned), 1),
        "fanout_500_reader_cpu_us_per_frame": round(heard.used * 1e6 / len(fanned), 1),
    }


def _padded(change: Change) -> str | None:
    """The event as it is told, with the time and as much white space as makes it FRAME_BYTES."""
    frame = POLICY_CHANNEL.event(change)
    if frame is None:
        return None
    return f'{frame[:-1]},"at":{time.monotonic_ns()}}}'.ljust(FRAME_BYTES)


def _serve(pipe: Connection, db: Path) -> None:
    setattr(hub, "POLICY_CHANNEL", Channel(POLICY_CHANNEL.service, _padded))  # noqa: B010
    bound = socket.create_server(("127.0.0.1", 0), backlog=1024)
    made = app.create(Settings(db=db))
    closed: list[int] = []
    close = problems.close_socket

    async def noted(websocket: WebSocket, code: int, reason: str = "") -> None:
        closed.append(code)
        await close(websocket, code, reason)

    problems.close_socket = noted
    made.add_api_route(CLOSED, lambda: closed, methods=["GET"])
    collector.spare()
    config = uvicorn.Config(
        made, log_level="error", access_log=False, **connections.serving(connections.Crowd())
    )
    pipe.send(bound.getsockname()[1])
    uvicorn.Server(config).run([bound])


@contextmanager
def _served(folder: Path) -> Iterator[tuple[int, psutil.Process]]:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_serve, args=(there, folder / "policies.db"))
    process.start()
    try:
        yield here.recv(), psutil.Process(process.pid)
    finally:
        process.terminate()
        process.join()


@contextmanager
def _reading(port: int, events: int) -> Iterator[Connection]:
    """All sockets but one, in a process of their own; their Heard comes when they have all."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    process = context.Process(target=_read, args=(there, port, events))
    process.start()
    try:
        assert here.recv() == "open"
        yield here
    finally:
        process.join(SETTLE_SECONDS)
        process.kill()


def _read(pipe: Connection, port: int, events: int) -> None:
    crowd = Crowd(port, CLIENTS - 1, events)
    pipe.send("open")
    crowd.read(SETTLE_SECONDS)
    pipe.send(crowd.heard)


def _publish(port: int, seconds: int) -> None:
    """One rule after another, EVENTS_PER_S of them, each about a kpi of its own."""
    due = time.perf_counter()
    with closing(HTTPConnection("127.0.0.1", port, timeout=60)) as server:
        for _ in range(seconds * EVENTS_PER_S):
            due += 1 / EVENTS_PER_S
            time.sleep(max(0.0, due - time.perf_counter()))
            told = str(time.monotonic_ns())
            rule = {
                "id": told,
                "when": {"kpiId": f"kpi_{told}", "severity": ["warn"]},
                "action": "bench",
            }
            headers = {"content-type": "application/json"}
            server.request("POST", f"{PATH}/create", json.dumps(rule), headers)
            answer = server.getresponse()
            assert answer.status == HTTPStatus.OK, answer.read()
            answer.read()


def _used(server: psutil.Process) -> float:
    times = server.cpu_times()
    return float(times.user + times.system)
