"""A host that may be used for a while: after that it is neither asked nor changed."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.unit.agent.live_host import Running
from wardline.agent.hosts import queries
from wardline.agent.hosts.host import FileKind, Host, Output, Stat, TimedOut
from wardline.agent.hosts.revert import ArmedRevert, Revert
from wardline.agent.hosts.timed import TimedHost

REVERT = Revert(("/a",), (), 60)
FOUND = Stat(FileKind.FILE, 0o644, None, None, 3, 0)
USES: dict[str, Callable[[Host], object]] = {
    "read": lambda host: host.read("/a", 10),
    "stream": lambda host: host.stream("/a", 10),
    "stat": lambda host: host.stat("/a"),
    "lstat": lambda host: host.lstat("/a"),
    "readlink": lambda host: host.readlink("/link"),
    "listdir": lambda host: host.listdir("/"),
    "glob": lambda host: host.glob("/*"),
    "exists": lambda host: host.exists("/a"),
    "run": lambda host: host.run(["true"], 30, 10),
    "replace_file": lambda host: host.replace_file("/a", b"new"),
    "chmod": lambda host: host.chmod("/a", 0o600, FOUND),
    "chown": lambda host: host.chown("/a", 0, 0, FOUND),
    "link": lambda host: host.link("/other", "/a"),
    "remove_link": lambda host: host.remove_link("/link"),
    "make_folder": lambda host: host.make_folder("/folder"),
    "remove_folder": lambda host: host.remove_folder("/empty"),
    "remove": lambda host: host.remove("/a"),
    "arm_revert": lambda host: host.arm_revert(REVERT),
    "disarm_revert": lambda host: host.disarm_revert(ArmedRevert("0" * 16, REVERT)),
    "measuring": lambda host: host.measuring("a", 5),
    "ask": lambda host: host.ask(queries.TIME_STATUS),
    "space": lambda host: host.space("/a"),
}
# A tree has no answer to these; that it was asked is what counts.
UNANSWERED = {"ask", "space"}


class Timing(Running):
    given_s = 0.0

    def run(self, argv: Sequence[str], timeout_s: float, output_bytes_max: int) -> Output:
        self.given_s = timeout_s
        return Output(0, b"", b"", False, 1)

    def chmod(self, path: str, mode: int, found: Stat) -> None:
        return None

    def chown(self, path: str, uid: int, gid: int, found: Stat) -> None:
        return None


def test_everything_a_host_can_do_is_bounded(tmp_path: Path) -> None:
    plain = {"id", "name", "kind", "platform", "writable", "runs_commands", "prepare", "close"}
    names = {name for name in dir(TimedHost) if not name.startswith("_")}
    assert names == plain | set(USES)
    for name, use in USES.items():
        root = tmp_path / name
        (root / "empty").mkdir(parents=True)
        (root / "a").write_text("old")
        (root / "link").symlink_to("/a")
        host, clock = Timing(root), [0.0]
        timed = TimedHost(host, 10.0, "the step's 10 s are used up", lambda at=clock: at[0])
        before = sorted(path.name for path in root.iterdir())
        clock[0] = 10.0
        with pytest.raises(TimedOut, match="10 s are used up"):
            use(timed)
        assert sorted(path.name for path in root.iterdir()) == before
        assert (root / "a").read_text() == "old"
        clock[0] = 7.5
        if name not in UNANSWERED:
            use(timed)
        assert host.given_s in (0.0, 2.5)
