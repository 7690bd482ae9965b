"""A host that is declared and not reached yet, such as one of Windows: every question is refused.

It stands on the roster, so that it is on every list and its checks are unknown with a reason,
instead of being missing.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

from wardline.agent.hosts.host import CannotRun, Kind, Output, ReadOnly, Space, Stat
from wardline.agent.hosts.queries import Query
from wardline.agent.hosts.revert import ArmedRevert, Revert

WHY = "this host is declared only: nothing reaches it yet"


class DeclaredHost:
    """A name and a platform; reads raise CannotRun, changes ReadOnly."""

    kind = Kind.DECLARED
    writable = False
    runs_commands = False

    def __init__(self, id: str, name: str, platform: str) -> None:
        self.id = id
        self.name = name
        self.platform = platform

    def prepare(self) -> bool:
        return True

    def measuring(self, check: str, timeout_s: float) -> AbstractContextManager[None]:
        return nullcontext()

    def read(self, path: str, bytes_max: int) -> bytes:
        raise CannotRun(path, WHY)

    def stream(self, path: str, bytes_max: int) -> Iterator[bytes]:
        raise CannotRun(path, WHY)

    def stat(self, path: str) -> Stat:
        raise CannotRun(path, WHY)

    def lstat(self, path: str) -> Stat:
        raise CannotRun(path, WHY)

    def readlink(self, path: str) -> str:
        raise CannotRun(path, WHY)

    def listdir(self, path: str) -> list[str]:
        raise CannotRun(path, WHY)

    def glob(self, pattern: str) -> list[str]:
        raise CannotRun(pattern, WHY)

    def exists(self, path: str) -> bool:
        raise CannotRun(path, WHY)

    def space(self, path: str) -> Space:
        raise CannotRun(path, WHY)

    def ask(self, query: Query) -> Output:
        raise CannotRun(query.argv[0], WHY)

    def run(self, argv: Sequence[str], timeout_s: float, output_bytes_max: int) -> Output:
        raise CannotRun(argv[0], WHY)

    def replace_file(
        self,
        path: str,
        content: bytes,
        mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
    ) -> None:
        raise ReadOnly(path)

    def chmod(self, path: str, mode: int, found: Stat) -> None:
        raise ReadOnly(path)

    def chown(self, path: str, uid: int, gid: int, found: Stat) -> None:
        raise ReadOnly(path)

    def remove(self, path: str) -> None:
        raise ReadOnly(path)

    def link(self, path: str, target: str) -> None:
        raise ReadOnly(path)

    def remove_link(self, path: str) -> None:
        raise ReadOnly(path)

    def make_folder(self, path: str) -> None:
        raise ReadOnly(path)

    def remove_folder(self, path: str) -> None:
        raise ReadOnly(path)

    def arm_revert(self, revert: Revert) -> ArmedRevert:
        raise CannotRun(self.name, WHY)

    def disarm_revert(self, armed: ArmedRevert) -> None:
        raise CannotRun(self.name, WHY)

    def close(self) -> None:
        return
