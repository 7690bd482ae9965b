"""A host in memory, so that thousands of hostile file contents can be tried in a second."""

import fnmatch
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

from wardline.agent.hosts.host import (
    CannotRun,
    FileKind,
    Kind,
    Missing,
    Output,
    Space,
    Stat,
    TooLarge,
    WrongKind,
)
from wardline.agent.hosts.queries import Query


class MemoryHost:
    """Files by path; every folder on the way to one exists."""

    id = name = "memory"
    platform = "linux/debian"

    def __init__(
        self,
        files: dict[str, bytes],
        kind: Kind = Kind.TREE,
        answers: dict[str, bytes] | None = None,
        space: Space | None = None,
    ) -> None:
        self.files = files
        self._paths = {path for one in files for path in _above(one)}
        self.kind = kind
        self.answers = answers or {}
        self.every_space = space

    def prepare(self) -> bool:
        return True

    def measuring(self, check: str, timeout_s: float) -> AbstractContextManager[None]:
        return nullcontext()

    def read(self, path: str, bytes_max: int) -> bytes:
        if self.stat(path).kind is not FileKind.FILE:
            raise WrongKind(path, FileKind.DIRECTORY, FileKind.FILE)
        if len(self.files[path]) > bytes_max:
            raise TooLarge(path, bytes_max)
        return self.files[path]

    def stream(self, path: str, bytes_max: int) -> Iterator[bytes]:
        content = self.read(path, bytes_max)
        # In small pieces, so that what a parser looks for falls across their borders.
        for at in range(0, len(content), 7):
            yield content[at : at + 7]

    def stat(self, path: str) -> Stat:
        if path in self.files:
            return Stat(FileKind.FILE, 0o600, 0, 0, len(self.files[path]), 4_000_000_000)
        if path in self._paths or path == "/":
            return Stat(FileKind.DIRECTORY, 0o700, 0, 0, 0, 4_000_000_000)
        raise Missing(path)

    lstat = stat

    def readlink(self, path: str) -> str:
        raise WrongKind(path, self.stat(path).kind, FileKind.LINK)

    def listdir(self, path: str) -> list[str]:
        self.stat(path)
        below = [one[len(path) + 1 :] for one in self.files if one.startswith(f"{path}/")]
        return sorted({one.partition("/")[0] for one in below})

    def glob(self, pattern: str) -> list[str]:
        wanted = pattern.split("/")
        fitting = fnmatch.filter(self._paths, pattern)
        return sorted(path for path in fitting if _fits(path.split("/"), wanted))

    def exists(self, path: str) -> bool:
        try:
            self.stat(path)
        except Missing:
            return False
        return True

    def ask(self, query: Query) -> Output:
        if query.id not in self.answers:
            raise CannotRun(query.argv[0], "there is no such program")
        return Output(0, self.answers[query.id], b"", truncated=False, duration_ms=1)

    def space(self, path: str) -> Space:
        if self.every_space is None:
            raise CannotRun(path, "a host in memory has no file system")
        return self.every_space


def _above(path: str) -> list[str]:
    """The path and the folders that it lies in."""
    parts = path.split("/")
    return ["/".join(parts[:length]) for length in range(2, len(parts) + 1)]


def _fits(parts: list[str], wanted: list[str]) -> bool:
    return len(parts) == len(wanted) and all(
        fnmatch.fnmatchcase(part, one) for part, one in zip(parts, wanted, strict=True)
    )
