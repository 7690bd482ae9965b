"""A host that may be used until a given time: what a step, or the rest of a run, may take."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager

from wardline.agent.hosts.host import Host, Kind, Output, Space, Stat, TimedOut
from wardline.agent.hosts.queries import Query
from wardline.agent.hosts.revert import ArmedRevert, Revert


class TimedHost:
    """`host` until `ends` by `now`: then nothing more is asked or changed, and TimedOut says `why`.

    A program gets no more time than is left. Whatever else is under way ends in its own time.
    """

    def __init__(
        self, host: Host, ends: float, why: str, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._host = host
        self._ends = ends
        self._why = why
        self._now = now

    @property
    def id(self) -> str:
        return self._host.id

    @property
    def name(self) -> str:
        return self._host.name

    @property
    def kind(self) -> Kind:
        return self._host.kind

    @property
    def platform(self) -> str:
        return self._host.platform

    @property
    def writable(self) -> bool:
        return self._host.writable

    @property
    def runs_commands(self) -> bool:
        return self._host.runs_commands

    def prepare(self) -> bool:
        return self._host.prepare()

    def measuring(self, check: str, timeout_s: float) -> AbstractContextManager[None]:
        return self._host.measuring(check, min(timeout_s, self._left_s(check)))

    def read(self, path: str, bytes_max: int) -> bytes:
        return self._in_time(path).read(path, bytes_max)

    def stream(self, path: str, bytes_max: int) -> Iterator[bytes]:
        return self._in_time(path).stream(path, bytes_max)

    def stat(self, path: str) -> Stat:
        return self._in_time(path).stat(path)

    def lstat(self, path: str) -> Stat:
        return self._in_time(path).lstat(path)

    def readlink(self, path: str) -> str:
        return self._in_time(path).readlink(path)

    def listdir(self, path: str) -> list[str]:
        return self._in_time(path).listdir(path)

    def glob(self, pattern: str) -> list[str]:
        return self._in_time(pattern).glob(pattern)

    def exists(self, path: str) -> bool:
        return self._in_time(path).exists(path)

    def space(self, path: str) -> Space:
        return self._in_time(path).space(path)

    def ask(self, query: Query) -> Output:
        return self._in_time(query.argv[0]).ask(query)

    def run(self, argv: Sequence[str], timeout_s: float, output_bytes_max: int) -> Output:
        return self._host.run(argv, min(timeout_s, self._left_s(argv[0])), output_bytes_max)

    def replace_file(
        self,
        path: str,
        content: bytes,
        mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
    ) -> None:
        self._in_time(path).replace_file(path, content, mode, uid, gid)

    def chmod(self, path: str, mode: int, found: Stat) -> None:
        self._in_time(path).chmod(path, mode, found)

    def chown(self, path: str, uid: int, gid: int, found: Stat) -> None:
        self._in_time(path).chown(path, uid, gid, found)

    def remove(self, path: str) -> None:
        self._in_time(path).remove(path)

    def link(self, path: str, target: str) -> None:
        self._in_time(path).link(path, target)

    def remove_link(self, path: str) -> None:
        self._in_time(path).remove_link(path)

    def make_folder(self, path: str) -> None:
        self._in_time(path).make_folder(path)

    def remove_folder(self, path: str) -> None:
        self._in_time(path).remove_folder(path)

    def arm_revert(self, revert: Revert) -> ArmedRevert:
        return self._in_time(self.name).arm_revert(revert)

    def disarm_revert(self, armed: ArmedRevert) -> None:
        self._in_time(self.name).disarm_revert(armed)

    def close(self) -> None:
        self._host.close()

    def _in_time(self, path: str) -> Host:
        self._left_s(path)
        return self._host

    def _left_s(self, path: str) -> float:
        left_s = self._ends - self._now()
        if left_s <= 0:
            raise TimedOut(path, self._why)
        return left_s
