"""What the agent may ask of a host: to be read, and by the runner alone, to be changed.

Paths are absolute POSIX paths on the host. A read never blocks on a FIFO, never opens a device,
and never returns more than the caller allowed; whatever cannot be answered is a HostError.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from wardline.agent.hosts.queries import Query
from wardline.agent.hosts.revert import ArmedRevert, Revert
from wardline.core.errors import WardlineError

ENTRIES_MAX = 20_000
PIECE_BYTES = 256 * 1024


class Kind(StrEnum):
    """How the agent reaches a host."""

    LOCAL = "local"
    TREE = "tree"
    SSH = "ssh"
    DECLARED = "declared"


class FileKind(StrEnum):
    """What stands under a path."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    FIFO = "fifo"
    SOCKET = "socket"
    DEVICE = "device"


@dataclass(frozen=True, slots=True)
class Stat:
    """Facts of one file; `uid` and `gid` are None where ownership says nothing about the host.

    `links` is 1 in a measurement over SSH, whose SFTP does not tell it; outside of one it is true.
    `inode` is the device and the number by which the very file is known, where `lstat` was asked
    outside of a measurement.
    """

    kind: FileKind
    mode: int
    uid: int | None
    gid: int | None
    size: int
    modified_s: int
    links: int = 1
    inode: tuple[int, int] | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Output:
    """What a command left: `stdout` and `stderr` are cut at the limit and then `truncated`."""

    exit_code: int
    stdout: bytes
    stderr: bytes
    truncated: bool
    duration_ms: int


@dataclass(frozen=True, slots=True)
class Space:
    """A file system as statvfs(3) tells it: bytes and inodes; `free` is what root's reserve leaves
    to others. A file system without a table of inodes has `inodes` 0."""

    total_bytes: int
    free_bytes: int
    inodes: int
    free_inodes: int


class HostError(WardlineError):
    """The host did not answer a question about `path`; `why` says why, in a few words.

    A name on a host may hold any bytes: what of it is no character is spelled out in the message,
    which goes into evidence, and stays as it is in `path`.
    """

    code = "host"

    def __init__(self, path: str, why: str) -> None:
        super().__init__(f"{path}: {why}".encode("utf-8", "backslashreplace").decode())
        self.path = path
        self.why = why


class Missing(HostError):
    """Nothing stands under the path."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "does not exist")


class NotPermitted(HostError):
    """The agent's own account may not do this."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "the agent has no permission")


class WrongKind(HostError):
    """A FIFO, a device, a directory or a file where another kind of file was expected."""

    def __init__(self, path: str, found: FileKind, wanted: FileKind) -> None:
        super().__init__(path, f"is a {found}, not a {wanted}")
        self.found = found


class HardLinked(HostError):
    """A regular file with other names, which may lie outside the host: not changed."""

    def __init__(self, path: str, links: int) -> None:
        super().__init__(
            path, f"has {links} names (hard links): changing it could change a file elsewhere"
        )


class TooLarge(HostError):
    """Longer than the caller is willing to read."""

    def __init__(self, path: str, limit: int, unit: str = "bytes") -> None:
        super().__init__(path, f"holds more than {limit} {unit}")


class PathEscapes(HostError):
    """A path or a link that leads out of the tree that is the host."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "leads out of the tree")


class TooManyLinks(HostError):
    """Symbolic links that lead in a circle, or too many of them."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "too many symbolic links, probably a circle")


class CannotRun(HostError):
    """Commands cannot be run on this host, or this one could not be started."""


class TimedOut(HostError):
    """A command ran longer than it was given and was ended."""


class ReadOnly(HostError):
    """The host is observed only: nothing on it may be changed."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "this host is only observed and is never changed")


class Unreachable(HostError):
    """The line to the host is down; `path` says which, `why` what happened and what is next."""

    code = "unreachable"


class HostKeyChanged(Unreachable):
    """Who answers shows another host key than the pinned one: nothing was sent to it."""

    code = "host_key_changed"


class LoginRefused(Unreachable):
    """The host is reached, and lets the agent's account not in, or not become root."""

    code = "login_refused"


class RevertFired(HostError):
    """A revert that was to be disarmed has put the host back already; `why` ends with its log."""

    code = "revert_fired"


class Failed(HostError):
    """The operating system refused; `why` holds its words."""


class Exchanged(Failed):
    """Something else stands under the path than what was looked at: not changed."""

    def __init__(self, path: str) -> None:
        super().__init__(path, "was exchanged by somebody in this moment; nothing was done")


class RevertUnknown(Failed):
    """There is no such revert: it was called off, or never armed."""


class Reader(Protocol):
    """The side of a host that checks may use."""

    @property
    def id(self) -> str: ...

    @property
    def name(self) -> str: ...

    @property
    def kind(self) -> Kind: ...

    @property
    def platform(self) -> str:
        """`linux/<ID of os-release>`, `linux/unknown`, or another system's own word."""
        ...

    def prepare(self) -> bool:
        """Begin whatever it takes to reach the host; False as long as that is under way.

        True where nothing has to be reached, and where reaching it failed: questions say why.
        """
        ...

    def measuring(self, check: str, timeout_s: float) -> AbstractContextManager[None]:
        """One measurement: its questions together may take `timeout_s`, and a host that is far away
        may ask beforehand what the same check asked last time. Answers live no longer than it."""
        ...

    def read(self, path: str, bytes_max: int) -> bytes:
        """The whole content of a regular file; TooLarge beyond `bytes_max`."""
        ...

    def stream(self, path: str, bytes_max: int) -> Iterator[bytes]:
        """The content in pieces of at most 256 KiB; TooLarge once `bytes_max` is passed."""
        ...

    def stat(self, path: str) -> Stat:
        """What the path leads to, links followed."""
        ...

    def lstat(self, path: str) -> Stat:
        """What stands under the path itself, a link included."""
        ...

    def readlink(self, path: str) -> str:
        """What a link says; PathEscapes where that climbs out of a tree, WrongKind for no link."""
        ...

    def listdir(self, path: str) -> list[str]:
        """The names in a directory, sorted by their bytes; TooLarge beyond ENTRIES_MAX."""
        ...

    def glob(self, pattern: str) -> list[str]:
        """Existing paths that match, sorted; `*`, `?`, `[…]` as the shell has them, no `**`."""
        ...

    def exists(self, path: str) -> bool:
        """Whether something stands there, links followed; a link into nothing does not exist."""
        ...

    def space(self, path: str) -> Space:
        """The file system that a directory lies on; CannotRun on a tree, which has none."""
        ...

    def ask(self, query: Query) -> Output:
        """Put one of the closed list of questions; CannotRun on a tree or without the program."""
        ...


class Host(Reader, Protocol):
    """A whole host: what the runner gets, and nobody else."""

    @property
    def writable(self) -> bool:
        """False on an observed host: every operation below raises ReadOnly there."""
        ...

    @property
    def runs_commands(self) -> bool:
        """Whether `run` can work at all here."""
        ...

    def run(self, argv: Sequence[str], timeout_s: float, output_bytes_max: int) -> Output:
        """Run a program without a shell; CannotRun on a tree or where it cannot be started."""
        ...

    def replace_file(
        self,
        path: str,
        content: bytes,
        mode: int | None = None,
        uid: int | None = None,
        gid: int | None = None,
    ) -> None:
        """Put `content` in place at once or not at all: temporary file, fsync, rename, fsync.

        Links are followed and kept. What is None stays as the old file had it; a new file gets
        0644 and the agent's own account. HardLinked for a file that has other names.
        """
        ...

    def chmod(self, path: str, mode: int, found: Stat) -> None:
        """Set the mode of the very file or folder that `lstat` has `found`, and of nothing else.

        A link is never followed (WrongKind); Exchanged where something else stands there by now,
        HardLinked for a file that has other names. So it is with chown.
        """
        ...

    def chown(self, path: str, uid: int, gid: int, found: Stat) -> None: ...

    def remove(self, path: str) -> None:
        """Remove a regular file (links are followed)."""
        ...

    def link(self, path: str, target: str) -> None:
        """Make a link where nothing stands; a target that climbs out of a tree is PathEscapes."""
        ...

    def remove_link(self, path: str) -> None:
        """Remove a link itself; WrongKind for anything else."""
        ...

    def make_folder(self, path: str) -> None:
        """Make one folder, 0755, in a folder that exists."""
        ...

    def remove_folder(self, path: str) -> None:
        """Remove an empty folder; Failed for one that is not empty."""
        ...

    def arm_revert(self, revert: Revert) -> ArmedRevert:
        """From now on the host puts itself back after `revert.after_s`, without the agent.

        What the files and their absence are now is kept on the host. CannotRun on a tree, which no
        change can cut off: ask `runs_commands`.
        """
        ...

    def disarm_revert(self, armed: ArmedRevert) -> None:
        """Call it off, over a connection that was opened for this; RevertFired if it was too late.

        Where the host cannot be reached anew this raises Unreachable, and the host goes back.
        """
        ...

    def close(self) -> None:
        """Let go of the line to the host; it is opened again when somebody asks."""
        ...


def covers(platforms: Sequence[str], platform: str) -> bool:
    """Whether a list of platform prefixes covers `platform`; `linux` covers `linux/debian`."""
    return any(platform == one or platform.startswith(f"{one}/") for one in platforms)
