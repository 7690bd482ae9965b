"""Relays of the test's own between two processes: they count what passes and let a test act there."""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

RECEIVE_BYTES = 1 << 16
LABEL_CHARS = 48
SOCKET_NAME = ".s.PGSQL.5432"
# Frontend messages that ask for a statement's execution, that are sent on at once without one (a
# description, a password, the end), and the answer that ends an execution.
EXECUTIONS = (b"Q", b"S")
OTHERS = (b"H", b"p", b"X")
READY = b"Z"
# What the driver asks for itself, the first time that a connection meets a type.
INTROSPECTION = (
    "SELECT current_setting('jit')",
    "WITH RECURSIVE typeinfo",
    "SELECT set_config('jit'",
)
# What a web process says on the line on which it only listens, whenever that comes back.
LISTENING = ("LISTEN ",)

Act = Callable[[], None]
Pipe = Callable[[bytes], None]


class When(StrEnum):
    """Where in one exchange a relay acts."""

    BEFORE = "before it is passed on"
    HALF = "when half of it is passed on"
    AFTER = "when it is answered, before the answer is passed on"


@dataclass(slots=True)
class Trap:
    """Acts once, in the exchange number `at` (from 0) that passes while it is set, of those whose
    label holds `about`."""

    at: int
    when: When
    act: Act
    about: str = ""
    sprung: threading.Event = field(default_factory=threading.Event)
    label: str = ""

    def spring(self, label: str) -> None:
        self.label = label
        self.act()
        self.sprung.set()


class Link:
    """One connection through a relay: `near` asks, `far` answers."""

    def __init__(self, near: socket.socket, far: socket.socket) -> None:
        self.near, self.far = near, far
        self._ended = threading.Semaphore(0)

    def ask(self, data: bytes) -> None:
        self.far.sendall(data)

    def answer(self, data: bytes) -> None:
        self.near.sendall(data)

    def close(self) -> None:
        for end in (self.near, self.far):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def pump(self, source: socket.socket, pipe: Pipe) -> None:
        """One direction until either end closes; a killed end is what a relay is for."""
        try:
            with contextlib.suppress(OSError):
                while data := source.recv(RECEIVE_BYTES):
                    pipe(data)
        finally:
            self.close()
            self._ended.release()

    def bury(self) -> None:
        """Waits for both directions to end, then gives the sockets back."""
        for _ in range(2):
            self._ended.acquire()
        self.near.close()
        self.far.close()


class Relay:
    """Accepts on `listener` and dials the other side for each connection, in threads of its own."""

    def __init__(self, listener: socket.socket, dial: Callable[[], socket.socket]) -> None:
        self._listener, self._dial = listener, dial
        self._links: list[Link] = []
        self._lock = threading.Lock()
        self.labels: list[str] = []
        self.trap: Trap | None = None
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def watch(self, trap: Trap | None = None) -> None:
        """Counts from nothing again, with this trap or none."""
        with self._lock:
            self.labels, self.trap = [], trap

    def count(self, label: str) -> Trap | None:
        """One more exchange; the trap that is set for it."""
        with self._lock:
            trap = self.trap
            found = None
            if trap is not None and trap.about in label:
                passed = sum(trap.about in one for one in self.labels)
                found = trap if passed == trap.at else None
            self.labels.append(label)
            return found

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        for link in self._links:
            link.close()
            link.bury()

    def link(self, near: socket.socket, far: socket.socket) -> Link:
        return Link(near, far)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                far = self._dial()
            except OSError:
                near.close()
                continue
            link = self.link(near, far)
            self._links.append(link)
            for source, pipe in ((near, link.ask), (far, link.answer)):
                threading.Thread(target=link.pump, args=(source, pipe), daemon=True).start()


class DatabaseRelay(Relay):
    """Between a client and PostgreSQL on unix sockets; an exchange is the execution of a statement,
    and its label is how the statement begins."""

    def __init__(self, folder: Path, server: Path) -> None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(folder / SOCKET_NAME))
        listener.listen()
        self._server = server
        super().__init__(listener, self._connect)

    def link(self, near: socket.socket, far: socket.socket) -> Link:
        return _DatabaseLink(self, near, far)

    def _connect(self) -> socket.socket:
        far = socket.socket(socket.AF_UNIX)
        try:
            far.connect(str(self._server / SOCKET_NAME))
        except OSError:
            # The server is down just now, as it is meant to be; nobody else holds this end.
            far.close()
            raise
        return far


class _DatabaseLink(Link):
    """Reads the frontend's messages as protocol 3 frames them: a type, a length, the rest."""

    def __init__(self, relay: DatabaseRelay, near: socket.socket, far: socket.socket) -> None:
        super().__init__(near, far)
        self._relay = relay
        self._asked, self._answered = b"", b""
        self._began = False
        self._group, self._label = b"", ""
        self._statements: dict[bytes, str] = {}
        self._held: Trap | None = None

    def ask(self, data: bytes) -> None:
        self._asked += data
        if not self._began:
            self._begin()
        self._asked, messages = _split(self._asked) if self._began else (self._asked, [])
        for message in messages:
            self._group += message
            self._label = self._named(message) or self._label
            if message[:1] in EXECUTIONS:
                self._exchange()
            elif message[:1] in OTHERS:
                self._send()

    def answer(self, data: bytes) -> None:
        if self._held is None:
            return self.near.sendall(data)
        self._answered, messages = _split(self._answered + data)
        if any(message[:1] == READY for message in messages):
            self._held.spring(self._label)
            self.close()
        return None

    def _begin(self) -> None:
        """The first message has no type."""
        if len(self._asked) >= 4 and len(self._asked) >= (size := _size(self._asked, 0)):
            self.far.sendall(self._asked[:size])
            self._asked, self._began = self._asked[size:], True

    def _exchange(self) -> None:
        if self._label.startswith(INTROSPECTION + LISTENING):
            return self._send()
        trap = self._relay.count(self._label)
        if trap is None:
            return self._send()
        if trap.when is When.AFTER:
            self._held = trap
            return self._send()
        if trap.when is When.HALF:
            self.far.sendall(self._group[: len(self._group) // 2])
        trap.spring(self._label)
        return self.close()

    def _send(self) -> None:
        group, self._group = self._group, b""
        self.far.sendall(group)

    def _named(self, message: bytes) -> str | None:
        """The statement that a Query, Parse or Bind is about."""
        if message[:1] == b"Q":
            return _short(message[5:-1])
        if message[:1] == b"P":
            name, sql = message[5:].split(b"\0", 2)[:2]
            self._statements[name] = _short(sql)
            return self._statements[name]
        if message[:1] == b"B":
            return self._statements.get(message[5:].split(b"\0", 2)[1])
        return None


class HttpRelay(Relay):
    """Between an HTTP client and a server; an exchange is what comes back in one piece. A trap acts
    before that piece is passed on, or when half of it is."""

    def __init__(self, port: int) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(listener.getsockname()[1])
        super().__init__(listener, lambda: socket.create_connection(("127.0.0.1", port)))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def link(self, near: socket.socket, far: socket.socket) -> Link:
        return _HttpLink(self, near, far)


class _HttpLink(Link):
    def __init__(self, relay: HttpRelay, near: socket.socket, far: socket.socket) -> None:
        super().__init__(near, far)
        self._relay = relay
        self._line = ""

    def ask(self, data: bytes) -> None:
        if data.startswith((b"POST ", b"GET ")):
            self._line = data.split(b" HTTP/", 1)[0].decode()
            trap = self._relay.count(f"ask {self._line}")
            if trap is not None:
                trap.spring(self._line)
                return self.close()
        return super().ask(data)

    def answer(self, data: bytes) -> None:
        trap = self._relay.count(f"answer {self._line}")
        if trap is None:
            return super().answer(data)
        if trap.when is When.HALF:
            self.near.sendall(data[: len(data) // 2])
        trap.spring(self._line)
        return self.close()


def _size(data: bytes, at: int) -> int:
    return int(struct.unpack_from("!I", data, at)[0])


def _split(data: bytes) -> tuple[bytes, list[bytes]]:
    """What is not a whole message yet, and the whole messages before it."""
    messages = list(_messages(data))
    return data[sum(map(len, messages)) :], messages


def _messages(data: bytes) -> Iterator[bytes]:
    at = 0
    while len(data) - at >= 5 and len(data) - at > (size := _size(data, at + 1)):
        yield data[at : at + 1 + size]
        at += 1 + size


def _short(sql: bytes) -> str:
    return " ".join(sql.decode().split())[:LABEL_CHARS]
