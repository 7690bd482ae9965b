"""What goes wrong on a host at one operation of a repair: the disk, the line, a rival, a death.

The host itself is real; a trouble stands before one call of it. A full or read-only disk of a tree
strikes in the middle of the real writing, that of a host over SSH in the shell that writes there.
"""

import errno
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from wardline.agent.hosts.host import Failed, Host, NotPermitted, Output
from wardline.agent.hosts.rooted import RootedFiles

WRITES = ("replace_file",)
CHANGES = (
    *("replace_file", "chmod", "chown", "remove", "link", "remove_link"),
    *("make_folder", "remove_folder", "run"),
)
WATCHED = frozenset({*CHANGES, "read", "stat", "lstat", "ask", "disarm_revert"})
ERRNO = {"full_disk": errno.ENOSPC, "read_only": errno.EROFS}
_LIMITED = '#!/bin/sh.real\nulimit -f 0; exec /bin/sh.real "$@"\n'


class Died(SystemExit):
    """The agent's process ends at this very place; what it had committed is all that is left."""


@dataclass(slots=True)
class Trouble:
    """From the `nth` call of `call` for `times` calls (0: for good) something goes wrong.

    `raises`: full_disk, read_only, refused, failed, died, died_after, of which the last alone
    carries the call out; `loses`: it is said to be done, and is not. `before` and `after` happen
    around the call. With a `path` only calls for that count; a trouble of `change` counts every
    operation that changes the host.
    """

    call: str = "replace_file"
    path: str | None = None
    nth: int = 1
    times: int = 1
    raises: str | None = None
    loses: bool = False
    before: Callable[[], None] | None = None
    after: Callable[[], None] | None = None
    counted: int = 0
    struck: int = 0

    def strikes(self, name: str, first: object) -> bool:
        """Whether this call, which is counted, is one of those."""
        if name != self.call and not (self.call == "change" and name in CHANGES):
            return False
        if self.path is not None and first != self.path:
            return False
        self.counted += 1
        late = self.times and self.counted >= self.nth + self.times
        if self.counted < self.nth or late:
            return False
        self.struck += 1
        return True


class Troubled:
    """A host to whose operations the troubles happen; everything else of it stays as it is."""

    def __init__(self, host: Host, root: Path, troubles: list[Trouble]) -> None:
        self._host = host
        self._root = root
        self._troubles = troubles

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._host, name)
        return partial(self._call, name, found) if name in WATCHED else found

    def _call(self, name: str, real: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        striking = [one for one in self._troubles if one.strikes(name, arguments[0])]
        if not striking:
            return real(*arguments, **named)
        (trouble,) = striking
        if trouble.before:
            trouble.before()
        call: Callable[[], Any] = partial(real, *arguments, **named)
        answer = Output(0, b"", b"", truncated=False, duration_ms=1) if name == "run" else None
        if not trouble.loses:
            answer = self._carry_out(trouble, name, str(arguments[0]), call)
        if trouble.after:
            trouble.after()
        return answer

    def _carry_out(self, trouble: Trouble, name: str, path: str, call: Callable[[], Any]) -> Any:
        match trouble.raises:
            case None:
                return call()
            case "died":
                raise Died
            case "died_after":
                call()
                raise Died
            case "refused":
                raise NotPermitted(path)
            case kind if kind in ERRNO and name in WRITES:
                with _spoilt(self._host, self._root, kind):
                    call()
                raise AssertionError(f"{path}: was written in spite of {kind}")
            case kind:
                raise Failed(path, os.strerror(ERRNO.get(kind, errno.EIO)))


@contextmanager
def _spoilt(host: Host, root: Path, kind: str) -> Iterator[None]:
    """Half of what is to be written is, then the disk says no."""
    if not isinstance(host, RootedFiles):
        yield from _limited(root)
        return
    real = host._write

    def write(folder: int, temporary: str, content: bytes) -> None:
        if kind == "full_disk":
            real(folder, temporary, content[: len(content) // 2])
        raise OSError(ERRNO[kind], os.strerror(ERRNO[kind]))

    host._write = write  # type: ignore[method-assign]
    try:
        yield
    finally:
        host._write = real  # type: ignore[method-assign]


def _limited(root: Path) -> Iterator[None]:
    """A shell that may not make a file longer, in place of the host's own."""
    shell, real = root / "bin/sh", root / "bin/sh.real"
    shell.rename(real)
    shell.write_text(_LIMITED)
    shell.chmod(0o755)
    try:
        yield
    finally:
        real.rename(shell)
