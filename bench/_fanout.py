"""Events on their way to 500 sockets of the standalone manager, one of which nobody reads."""

import base64
import json
import multiprocessing
import os
import selectors
import socket
import statistics
import tempfile
import time
from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx2
import psutil
import uvicorn
from fastapi import WebSocket

from wardline.policy import collector, connections, problems
from wardline.policy.connections import Crowd
from wardline.policy.live.frames import POLICY_CHANNEL, Channel
from wardline.policy.live.log import Change
from wardline.policy.standalone import app, hub
from wardline.policy.standalone.settings import Settings

CLIENTS = 500
READERS = 2
EVENTS_PER_S = 50
SECONDS, SECONDS_QUICK = 60, 10
FRAME_BYTES = 4_096
SETTLE_SECONDS = 15.0
# A client that reads nothing keeps little in its kernel, so that the server notices.
STALLED_BUFFER_BYTES = 4_096
SETTLED_SECONDS = 1.0
TRY_AGAIN = 1013
PATH, CLOSED = "/api/mcp/policy", "/closed"
PING, PONG = 9, 0x8A


def figures(*, quick: bool) -> dict[str, float]:
    """A frame says when it was encoded, and its event when the write that it tells of was sent."""
    seconds = SECONDS_QUICK if quick else SECONDS
    with tempfile.TemporaryDirectory() as folder, _served(Path(folder)) as (port, server):
        stalled = _open(port, STALLED_BUFFER_BYTES)
        pipes, readers = _readers(port, seconds * EVENTS_PER_S)
        used, began = _used(server), time.perf_counter()
        _publish(port, seconds)
        spent = time.perf_counter() - began
        told = [pipe.recv() for pipe in pipes]
        used = _used(server) - used
        for reader in readers:
            reader.join()
        # Until the server has noticed, nobody reads here.
        time.sleep(hub.LIMITS.send_seconds_max + SETTLED_SECONDS)
        closed = httpx2.get(f"http://127.0.0.1:{port}{CLOSED}").json()
        stalled.close()
    fanned = sorted(one for each in told for one in each["fanned"])
    whole = sorted(one for each in told for one in each["whole"])
    full = sum(each["full"] for each in told)
    return {
        "fanout_500_p99_ms": round(fanned[len(fanned) * 99 // 100], 1),
        "fanout_500_p50_ms": round(statistics.median(fanned), 1),
        "fanout_500_from_request_p99_ms": round(whole[len(whole) * 99 // 100], 1),
        "fanout_500_events_per_s": round(seconds * EVENTS_PER_S / spent, 1),
        "fanout_500_missed": float(CLIENTS - 1 - full),
        "fanout_500_closed_1013": float(closed.count(TRY_AGAIN)),
        "fanout_500_closed_otherwise": float(len(closed) - closed.count(TRY_AGAIN)),
        "fanout_500_cpu_us_per_frame": round(used * 1e6 / max(1, len(fanned)), 1),
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
        made, log_level="error", access_log=False, **connections.serving(Crowd())
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


def _readers(port: int, events: int) -> tuple[list[Connection], list[Any]]:
    context = multiprocessing.get_context("spawn")
    pipes, readers = [], []
    for number in range(READERS):
        here, there = context.Pipe()
        share = (CLIENTS - 1) // READERS + (number < (CLIENTS - 1) % READERS)
        reader = context.Process(target=_read, args=(there, port, share, events))
        reader.start()
        pipes.append(here)
        readers.append(reader)
    for pipe in pipes:
        assert pipe.recv() == "open"
    return pipes, readers


def _read(pipe: Connection, port: int, share: int, events: int) -> None:
    """Reads `share` sockets until each has all events, or nothing comes any more."""
    ready = selectors.DefaultSelector()
    for _ in range(share):
        one = _open(port)
        ready.register(one, selectors.EVENT_READ, [0, bytearray()])
        # Whoever has heard the first frame hears all that changes from now on.
        while b'"hello"' not in one.recv(1 << 16, socket.MSG_PEEK):
            time.sleep(0.001)
        one.setblocking(False)
    pipe.send("open")
    fanned, whole = array("d"), array("d")
    left = share
    last = time.monotonic()
    while left and time.monotonic() - last < SETTLE_SECONDS:
        for key, _ in ready.select(1.0):
            more = key.fileobj.recv(1 << 18)  # type: ignore[union-attr]
            held = key.data[1]
            held += more
            for opcode, frame in _frames(held):
                if opcode == PING:
                    mask = bytes(4)
                    key.fileobj.send(bytes([PONG, 0x80 + len(frame)]) + mask + frame)  # type: ignore[union-attr]
                elif b'"at":' in frame:
                    event, now = json.loads(frame), time.monotonic_ns()
                    fanned.append((now - event["at"]) / 1e6)
                    whole.append((now - int(event["id"])) / 1e6)
                    key.data[0] += 1
                    last = time.monotonic()
                    left -= key.data[0] == events
            if not more:
                ready.unregister(key.fileobj)
    pipe.send({"fanned": fanned, "whole": whole, "full": share - left})


def _frames(held: bytearray) -> Iterator[tuple[int, bytes]]:
    """Takes the whole frames out of what came; a server's frames are not masked."""
    start = 0
    while len(held) - start >= 4:
        opcode = held[start] & 0x0F
        length, body = held[start + 1], start + 2
        if length == 126:
            length, body = int.from_bytes(held[start + 2 : start + 4], "big"), start + 4
        if len(held) < body + length:
            break
        yield opcode, bytes(held[body : body + length])
        start = body + length
    del held[:start]


def _open(port: int, buffer_bytes: int | None = None) -> socket.socket:
    """A socket that listens, past its handshake."""
    one = socket.socket()
    if buffer_bytes is not None:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
    one.connect(("127.0.0.1", port))
    key = base64.b64encode(os.urandom(16)).decode()
    one.sendall(
        f"GET {PATH}/ws HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nupgrade: websocket\r\n"
        f"connection: upgrade\r\nsec-websocket-key: {key}\r\n"
        "sec-websocket-version: 13\r\n\r\n".encode()
    )
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += one.recv(1)
    assert b" 101 " in head, head
    return one


def _publish(port: int, seconds: int) -> None:
    """One rule after another, EVENTS_PER_S of them, each about a kpi of its own."""
    due = time.perf_counter()
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}{PATH}", timeout=60) as client:
        for _ in range(seconds * EVENTS_PER_S):
            due += 1 / EVENTS_PER_S
            time.sleep(max(0.0, due - time.perf_counter()))
            told = str(time.monotonic_ns())
            rule = {
                "id": told,
                "when": {"kpiId": f"kpi_{told}", "severity": ["warn"]},
                "action": "bench",
            }
            assert client.post("/create", json=rule).is_success


def _used(server: psutil.Process) -> float:
    times = server.cpu_times()
    return float(times.user + times.system)
