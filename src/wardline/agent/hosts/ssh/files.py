"""What a host's files say, question by question; inside a measurement mostly asked beforehand.

A check asks one thing after the other, and each would cost a trip over the line. So a measurement
begins by asking at once all that the same check asked last time on a host of this platform; what is
new is asked as it comes. An answer is given once per measurement and forgotten after it.
"""

import asyncio
import os
import posixpath
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from wardline.agent.hosts.host import (
    FileKind,
    HostError,
    Missing,
    Stat,
    TooLarge,
    TooManyLinks,
    WrongKind,
)
from wardline.agent.hosts.queries import Query
from wardline.agent.hosts.ssh.sftp import Entry, Sftp

QUESTIONS_MAX = 1024
AT_ONCE_MAX = 32
# What of files a measurement keeps, and the largest file that is fetched before it is asked for.
KEPT_BYTES_MAX = 8 * 1024 * 1024
# As many as Linux follows (path_resolution(7)).
LINKS_MAX = 40

# Numbers of processes are never the same again.
_PASSING = re.compile(r"/proc/\d+(/|$)")


class Question(NamedTuple):
    """One thing to be known; `limit` belongs to `read`, `query` to `ask`."""

    kind: str
    path: str
    limit: int = 0
    query: Query | None = None


Answer = Callable[[Question], Awaitable[Any]]


async def answer(sftp: Sftp, question: Question) -> Any:
    """Ask the host; raises the HostErrors of Reader, with the path as it was asked."""
    path = os.fsencode(question.path)
    try:
        match question.kind:
            case "stat":
                return await _stat(sftp, path)
            case "lstat":
                return await sftp.lstat(path)
            case "readlink":
                return os.fsdecode(await _target(sftp, question.path))
            case "listdir":
                return await _entries(sftp, question.path)
            case "space":
                return await sftp.space(path)
            case "read":
                return await _content(sftp, question.path, question.limit)
    except HostError as error:
        error.path = question.path
        raise
    raise AssertionError(question.kind)


class Measurement:
    """The questions of one measurement and their answers; lives on the loop."""

    def __init__(self, ask: Answer, expected: tuple[Question, ...]) -> None:
        self._ask = ask
        self._expected = expected
        self._answers: dict[Question, asyncio.Task[Any]] = {}
        self._asked: dict[Question, None] = {}
        self._folders: dict[str, Mapping[str, Stat | None]] = {}
        self._kept_bytes = 0
        self._at_once = asyncio.Semaphore(AT_ONCE_MAX)

    def start(self) -> None:
        """Ask what is expected to be asked."""
        for question in self._expected:
            self._answers[question] = asyncio.create_task(self._beforehand(question))

    async def answer(self, question: Question) -> Any:
        """The answer, or the HostError that the host gives instead of one."""
        found = self._of_folder(question)
        if found is None:
            self._asked[question] = None
            if question not in self._answers:
                self._answers[question] = asyncio.create_task(self._kept(question))
            found = await self._answers[question]
        if isinstance(found, Exception):
            raise found
        return found

    async def end(self) -> tuple[Question, ...]:
        """What was asked, to be expected next time; what is still under way is given up."""
        under_way = [one for one in self._answers.values() if not one.done()]
        for one in under_way:
            one.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        lasting = [one for one in self._asked if not _PASSING.match(one.path)]
        return tuple(lasting[:QUESTIONS_MAX])

    async def _beforehand(self, question: Question) -> Any:
        async with self._at_once:
            return await self._kept(question)

    async def _kept(self, question: Question) -> Any:
        try:
            found = await self._ask(question)
        except HostError as error:
            return error
        if question.kind == "listdir":
            self._folders[question.path] = {os.fsdecode(one.name): one.stat for one in found}
        if question.kind == "read":
            self._kept_bytes += len(found)
            if self._kept_bytes > KEPT_BYTES_MAX:
                # Given to who waits for it now; asked for again by the next one.
                self._answers.pop(question, None)
                self._kept_bytes -= len(found)
        return found

    def _of_folder(self, question: Question) -> Any:
        """What the listing of its folder says already, None where it does not."""
        folder, _, name = question.path.rpartition("/")
        listed = self._folders.get(folder or "/")
        if listed is None or name in ("", ".", "..") or question.kind not in _TOLD_BY_FOLDER:
            return None
        if name not in listed:
            return Missing(question.path)
        found = listed[name]
        if question.kind == "lstat" or (
            question.kind == "stat" and found is not None and found.kind is not FileKind.LINK
        ):
            return found
        return None


_TOLD_BY_FOLDER = frozenset({"stat", "lstat", "read", "readlink"})


def names(entries: list[Entry]) -> list[str]:
    """Names of a folder, sorted by their bytes."""
    return [os.fsdecode(name) for name in sorted(one.name for one in entries)]


async def _stat(sftp: Sftp, path: bytes) -> Stat:
    """Links followed. A server says of a circle of them that the file does not exist, which would
    let a check pass over a file that is there: where something is missing, the links are looked at
    one by one. Raises TooManyLinks."""
    try:
        return await sftp.stat(path)
    except Missing:
        found = await sftp.lstat(path)
        for _ in range(LINKS_MAX):
            if found.kind is not FileKind.LINK:
                raise
            path = posixpath.join(posixpath.dirname(path), await sftp.readlink(path))
            found = await sftp.lstat(path)
        raise TooManyLinks(os.fsdecode(path)) from None


async def _entries(sftp: Sftp, path: str) -> list[Entry]:
    found = await _stat(sftp, os.fsencode(path))
    if found.kind is not FileKind.DIRECTORY:
        raise WrongKind(path, found.kind, FileKind.DIRECTORY)
    return await sftp.listdir(os.fsencode(path))


async def _content(sftp: Sftp, path: str, bytes_max: int) -> bytes:
    """Looked at before it is opened: opening a pipe or a device can already do something."""
    found = await _stat(sftp, os.fsencode(path))
    if found.kind is not FileKind.FILE:
        raise WrongKind(path, found.kind, FileKind.FILE)
    if found.size > bytes_max:
        raise TooLarge(path, bytes_max)
    return await sftp.read(os.fsencode(path), found.size, bytes_max)


async def _target(sftp: Sftp, path: str) -> bytes:
    found = await sftp.lstat(os.fsencode(path))
    if found.kind is not FileKind.LINK:
        raise WrongKind(path, found.kind, FileKind.LINK)
    return await sftp.readlink(os.fsencode(path))
