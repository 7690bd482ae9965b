"""A client process of the ingest benchmark: makes its bundles beforehand, then only sends."""

import gzip
import http.client
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from _bundles import Stream

from wardline.core import protocol

GZIP_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Work:
    """What one process sends in one round: so many batches of each of its streams, in turn."""

    streams: list[Stream]
    batches: int
    batch: int
    copy: Path


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request as it goes out, and which of the streams' connections it takes."""

    place: int
    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Sent:
    """What came of it; times are of the monotonic clock, in seconds."""

    began: float
    ended: float
    bundles: int
    payload_bytes: int
    latencies: list[float]


def serve(pipe: Connection, port: int, works: list[Work]) -> None:
    """Prepares each work when it is asked for, sends it at the next word, answers with Sent."""
    for work in works:
        pipe.recv()
        prepared, payload_bytes = _prepare(work)
        pipe.send("ready")
        pipe.recv()
        pipe.send(_send(port, prepared, work, payload_bytes))


def _prepare(work: Work) -> tuple[list[Prepared], int]:
    """Requests in the order of sending; the envelopes stay behind in `copy` for the ceiling."""
    requests: list[Prepared] = []
    payload_bytes = 0
    with work.copy.open("wb") as copy:
        for _ in range(work.batches):
            for place, stream in enumerate(work.streams):
                envelopes = [stream.next() for _ in range(work.batch)]
                payload_bytes += sum(len(envelope.payload) for envelope in envelopes)
                wires = b",".join(envelope.to_json() for envelope in envelopes)
                copy.write(stream.key.public.hex().encode() + b" [" + wires + b"]\n")
                body = b'{"v":1,"witnessed_size":0,"cosignatures":[],"envelopes":[' + wires + b"]}"
                headers = {
                    "Authorization": f"Bearer {stream.credential}",
                    "Content-Type": "application/json",
                    "Content-Encoding": "gzip",
                }
                requests.append(Prepared(place, gzip.compress(body, GZIP_LEVEL), headers))
    return requests, payload_bytes


def _send(port: int, requests: list[Prepared], work: Work, payload_bytes: int) -> Sent:
    """One request after the other; each appliance has a connection of its own and keeps it."""
    connections = [http.client.HTTPConnection("127.0.0.1", port, timeout=60) for _ in work.streams]
    latencies: list[float] = []
    began = time.monotonic()
    for prepared in requests:
        at = time.monotonic()
        connection = connections[prepared.place]
        connection.request("POST", f"{protocol.PREFIX}/evidence", prepared.body, prepared.headers)
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"Central answered {answer.status}: {said[:300]!r}")
        latencies.append(time.monotonic() - at)
    ended = time.monotonic()
    for connection in connections:
        connection.close()
    return Sent(began, ended, len(requests) * work.batch, payload_bytes, latencies)
