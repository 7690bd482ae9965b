"""A host that is a file tree under a directory of this machine: a mounted image, a copy, a demo."""

import os
from collections.abc import Sequence

from wardline.agent.hosts import platforms
from wardline.agent.hosts.host import CannotRun, Kind, Output, Space
from wardline.agent.hosts.queries import Query
from wardline.agent.hosts.revert import ArmedRevert, Revert
from wardline.agent.hosts.rooted import RootedFiles


class TreeHost(RootedFiles):
    """A tree at `root`; `/` of every path and link is that directory.

    Owners and groups are judged only where the directory itself belongs to uid 0. A tree that an
    ordinary user unpacked belongs to that user throughout, which says nothing about the host.
    """

    kind = Kind.TREE
    runs_commands = False

    def __init__(self, id: str, name: str, root: str, *, writable: bool = True) -> None:
        root = os.path.realpath(root)
        super().__init__(
            root,
            dotdot_escapes=True,
            owners_known=os.path.isdir(root) and os.stat(root).st_uid == 0,
            writable=writable,
        )
        self.id = id
        self.name = name

    @property
    def platform(self) -> str:
        """Read anew each time: a tree may be mounted, or filled, after the agent has started."""
        return platforms.of_files(self)

    def space(self, path: str) -> Space:
        raise CannotRun(path, "a file tree has no file system of its own")

    def ask(self, query: Query) -> Output:
        raise CannotRun(query.argv[0], "a file tree runs no commands")

    def run(self, argv: Sequence[str], timeout_s: float, output_bytes_max: int) -> Output:
        raise CannotRun(argv[0], "a file tree runs no commands")

    def arm_revert(self, revert: Revert) -> ArmedRevert:
        raise CannotRun(self.name, "no change can cut a file tree off, and nothing runs on it")

    def disarm_revert(self, armed: ArmedRevert) -> None:
        raise CannotRun(self.name, "nothing is armed on a file tree")
