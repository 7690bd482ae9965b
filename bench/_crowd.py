"""Listeners of the policy socket by the hundred, in one process that spends little on a frame."""

import base64
import json
import os
import select
import socket
import time
from array import array
from dataclasses import dataclass, field
from typing import NamedTuple

PATH = "/api/mcp/policy"
READ_BYTES = 1 << 16
TEXT, PING, PONG = 0x1, 0x9, 0xA
FIN, MASKED = 0x80, 0x80


class Frame(NamedTuple):
    """A server's frame: not masked, and `whole` as it came."""

    opcode: int
    payload: bytes
    whole: bytes


@dataclass(frozen=True, slots=True)
class Event:
    """Each frame of it, when it was encoded and when the write that it tells of was sent, in ns."""

    whole: bytes
    seq: int
    at: int
    sent: int


@dataclass(slots=True)
class Listener:
    """One socket: how many events it has heard, and a frame's beginning whose end is to come."""

    socket: socket.socket
    heard: int = 0
    rest: bytes = b""


@dataclass(slots=True)
class Heard:
    """In ms for each event and listener: since it was encoded, since its write was sent. `full` is
    how many have all; `used` the processor time of reading, in seconds."""

    fanned: "array[float]" = field(default_factory=lambda: array("d"))
    whole: "array[float]" = field(default_factory=lambda: array("d"))
    full: int = 0
    used: float = 0.0


class Crowd:
    """Whoever hears an event first parses it and checks that its `seq` follows; to all others it
    must come byte for byte the same, and in the same place."""

    def __init__(self, port: int, count: int, events_max: int) -> None:
        self.heard = Heard()
        self._events: list[Event] = []
        self._events_max = events_max
        self._listeners: dict[int, Listener] = {}
        self._ready = select.epoll()
        seqs = set()
        for _ in range(count):
            one = Listener(connect(port))
            seqs.add(json.loads(_first(one).payload)["seq"])
            one.socket.setblocking(False)
            self._listeners[one.socket.fileno()] = one
            self._ready.register(one.socket, select.EPOLLIN)
        (self._seq,) = seqs

    def read(self, quiet_seconds_max: float) -> None:
        """Until everybody has all events, or nothing comes any more."""
        began, last = time.process_time(), time.monotonic()
        while self.heard.full < len(self._listeners):
            ready = self._ready.poll(1.0)
            if ready:
                last = time.monotonic()
            elif time.monotonic() - last > quiet_seconds_max:
                break
            for descriptor, _ in ready:
                self._take(self._listeners[descriptor])
        self.heard.used = time.process_time() - began

    def _take(self, one: Listener) -> None:
        data = one.socket.recv(READ_BYTES)
        now = time.monotonic_ns()
        if not data:
            self._ready.unregister(one.socket)
        if one.rest:
            data = one.rest + data
        at = 0
        while at < len(data):
            event = self._events[one.heard] if one.heard < len(self._events) else None
            if event is None or not data.startswith(event.whole, at):
                frame = _frame(data, at)
                if frame is None:
                    break
                if frame.opcode == PING:
                    at += len(frame.whole)
                    one.socket.send(_pong(frame))
                    continue
                assert event is None, f"another frame than others got: {frame.payload[:100]!r}"
                event = self._new(frame)
            at += len(event.whole)
            one.heard += 1
            self.heard.full += one.heard == self._events_max
            self.heard.fanned.append((now - event.at) / 1e6)
            self.heard.whole.append((now - event.sent) / 1e6)
        one.rest = data[at:]

    def _new(self, frame: Frame) -> Event:
        assert frame.opcode == TEXT, frame.opcode
        said = json.loads(frame.payload)
        event = Event(frame.whole, said["seq"], said["at"], int(said["id"]))
        last = self._events[-1].seq if self._events else self._seq
        assert event.seq == last + 1, f"{event.seq} after {last}"
        self._events.append(event)
        return event


def connect(port: int, buffer_bytes: int | None = None) -> socket.socket:
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


def _first(one: Listener) -> Frame:
    """The hello: whoever has heard it hears all that changes from now on."""
    while (frame := _frame(one.rest, 0)) is None:
        one.rest += one.socket.recv(READ_BYTES)
    one.rest = one.rest[len(frame.whole) :]
    return frame


def _frame(data: bytes, at: int) -> Frame | None:
    """The frame that begins there, if all of it has come."""
    if len(data) - at < 4:
        return None
    assert data[at] & 0xF0 == FIN, "in fragments, or compressed"
    size, begin = data[at + 1], at + 2
    assert size <= 126, "masked, or a long one"
    if size == 126:
        size, begin = int.from_bytes(data[at + 2 : at + 4], "big"), at + 4
    end = begin + size
    if len(data) < end:
        return None
    return Frame(data[at] & 0x0F, data[begin:end], data[at:end])


def _pong(ping: Frame) -> bytes:
    """With a mask that changes nothing."""
    return bytes([FIN | PONG, MASKED | len(ping.payload)]) + bytes(4) + ping.payload
