"""How a check looks at a host: reads only, every one counted against the check's budget."""

import time
from collections.abc import Iterator
from datetime import datetime

from wardline.agent.hosts.host import Kind, Missing, Reader, Space, Stat
from wardline.agent.hosts.queries import Query
from wardline.core.errors import WardlineError

TEXT_BYTES_MAX = 1024 * 1024
LINE_CHARS_MAX = 8 * 1024
TICKS_PER_LOOK = 256
ERROR_CHARS_MAX = 200


class TooExpensive(WardlineError):
    """The budget of a check was used up before it had its answer."""

    code = "too_expensive"


class Unreadable(WardlineError):
    """A file of the host that cannot be understood; the message names path and reason."""

    code = "unreadable"

    def __init__(self, path: str, why: str, line: int | None = None) -> None:
        place = path if line is None else f"{path}, line {line}"
        super().__init__(f"{place}: {why}")
        self.path = path
        self.why = why


class NoAnswer(WardlineError):
    """A program of the host that was asked ended with an error, or said more than is read."""

    code = "no_answer"


class Budget:
    """Elapsed time and the CPU time of this thread, from the moment it is made."""

    def __init__(self, cpu_ms_max: int, timeout_s: float) -> None:
        self._cpu_end = time.thread_time() + cpu_ms_max / 1000
        self._end = time.monotonic() + timeout_s
        self._cpu_ms_max = cpu_ms_max
        self._timeout_s = timeout_s

    def look(self) -> None:
        """Raise TooExpensive once either limit is passed."""
        if time.thread_time() > self._cpu_end:
            raise TooExpensive(f"too expensive here: more than {self._cpu_ms_max} ms of CPU")
        if time.monotonic() > self._end:
            raise TooExpensive(f"too expensive here: took longer than {self._timeout_s:g} s")


class Probe:
    """The reading side of a host under a budget; text is checked before a parser sees it."""

    def __init__(self, host: Reader, budget: Budget, now: datetime) -> None:
        self._host = host
        self._budget = budget
        self._ticks = 0
        self.now = now

    @property
    def kind(self) -> Kind:
        return self._host.kind

    @property
    def platform(self) -> str:
        return self._host.platform

    def look(self) -> None:
        """To be called between steps that take long by themselves: TooExpensive past the budget."""
        self._budget.look()

    def tick(self) -> None:
        """To be called in every loop over what a host holds."""
        self._ticks += 1
        if self._ticks % TICKS_PER_LOOK == 0:
            self._budget.look()

    def text(self, path: str, bytes_max: int = TEXT_BYTES_MAX) -> str:
        """A text file: UTF-8, no NUL, no line of more than 8 Ki characters; else Unreadable."""
        self._budget.look()
        data = self._host.read(path, bytes_max)
        if b"\x00" in data:
            raise Unreadable(path, "holds NUL bytes, so it is not text")
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise Unreadable(path, f"is not UTF-8 (at byte {error.start})") from None
        for number, line in enumerate(text.split("\n"), 1):
            if len(line) > LINE_CHARS_MAX:
                raise Unreadable(path, f"longer than {LINE_CHARS_MAX} characters", number)
        self._budget.look()
        return text

    def lines(self, path: str, bytes_max: int = TEXT_BYTES_MAX) -> Iterator[tuple[int, str]]:
        """Number and text of each line of `text`, without its end."""
        for number, line in enumerate(self.text(path, bytes_max).split("\n"), 1):
            self.tick()
            yield number, line.rstrip("\r")

    def text_if_there(self, path: str) -> str | None:
        """As `text`, None where the file does not exist."""
        try:
            return self.text(path)
        except Missing:
            return None

    def stream(self, path: str, bytes_max: int) -> Iterator[bytes]:
        for piece in self._host.stream(path, bytes_max):
            self._budget.look()
            yield piece

    def stat(self, path: str) -> Stat:
        self._budget.look()
        return self._host.stat(path)

    def lstat(self, path: str) -> Stat:
        self._budget.look()
        return self._host.lstat(path)

    def readlink(self, path: str) -> str:
        self._budget.look()
        return self._host.readlink(path)

    def stat_if_there(self, path: str) -> Stat | None:
        try:
            return self.stat(path)
        except Missing:
            return None

    def listdir(self, path: str) -> list[str]:
        self._budget.look()
        return self._host.listdir(path)

    def listdir_if_there(self, path: str) -> list[str]:
        try:
            return self.listdir(path)
        except Missing:
            return []

    def glob(self, pattern: str) -> list[str]:
        self._budget.look()
        return self._host.glob(pattern)

    def exists(self, path: str) -> bool:
        self._budget.look()
        return self._host.exists(path)

    def space(self, path: str) -> Space:
        self._budget.look()
        return self._host.space(path)

    def ask(self, query: Query) -> str:
        """What the host's program says; NoAnswer where it fails, CannotRun where there is none."""
        self._budget.look()
        output = self._host.ask(query)
        self._budget.look()
        program = query.argv[0]
        if output.exit_code != 0:
            lines = output.stderr.decode("utf-8", "backslashreplace").splitlines()
            said = "; ".join(filter(None, map(str.strip, lines)))[-ERROR_CHARS_MAX:]
            raise NoAnswer(f"{program}: ended with exit code {output.exit_code}: {said}")
        if output.truncated:
            raise NoAnswer(f"{program}: said more than {query.bytes_max} bytes")
        return output.stdout.decode("utf-8", "backslashreplace")
