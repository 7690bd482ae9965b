"""Changes of modes and owners on folders that belong to people, who may exchange what is in them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.agent import host_trees
from tests.unit.agent.runbooks.test_runner import DRIFTS
from wardline.agent.hosts.host import Failed
from wardline.agent.hosts.tree import TreeHost
from wardline.agent.runbooks import before_state, restoring, runbook, runner

RESTRICT = runbook.registry()["ssh_keys.restrict"]
SSH = "home/frontdesk/.ssh"
KEYS = f"{SSH}/authorized_keys"
INPUTS: dict[str, Any] = {"paths": [f"/{KEYS}"]}
SHADOW, ROOTS_KEYS = "etc/shadow", "root/.ssh/authorized_keys"
OWNER = 1000

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")


class Exchanging(TreeHost):
    """A tree whose user does something right after the keys were looked at for the n-th time, or
    right before they are changed for the n-th time."""

    def __init__(self, root: Path, exchange: Callable[[Path], None]) -> None:
        super().__init__("host", "host", str(root))
        self.root = root
        self.exchange = exchange
        self.after_look = self.before_change = 0
        self.log: list[str] = []

    def lstat(self, path: str) -> Any:
        found = super().lstat(path)
        self.after_look -= 1
        if self.after_look == 0:
            self.exchange(self.root)
        return found

    def chmod(self, path: str, *arguments: Any) -> None:
        self._change("chmod")
        super().chmod(path, *arguments)

    def chown(self, path: str, *arguments: Any) -> None:
        self._change("chown")
        super().chown(path, *arguments)

    def _change(self, what: str) -> None:
        self.log.append(what)
        self.before_change -= 1
        if self.before_change == 0:
            self.exchange(self.root)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = host_trees.clinic(tmp_path / "host")
    host_trees.change(root, DRIFTS["ssh_keys.restrict"])
    roots = root / ROOTS_KEYS
    roots.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    roots.write_text("ssh-ed25519 AAAA root\n")
    roots.chmod(0o600)
    if os.geteuid() == 0:
        for path in ("home/frontdesk", SSH, KEYS):
            os.chown(root / path, OWNER, OWNER)
    return root


def _link_to_shadow(root: Path) -> None:
    (root / KEYS).unlink()
    (root / KEYS).symlink_to("/etc/shadow")


def _roots_folder(root: Path) -> None:
    """What stands behind the same path is now another regular file: root's own."""
    (root / SSH).rename(root / f"{SSH}.old")
    (root / SSH).symlink_to("/root/.ssh")


def _others(root: Path) -> dict[str, tuple[int, int, int]]:
    paths = (SHADOW, ROOTS_KEYS)
    return {path: _owned(root / path) for path in paths}


def _owned(path: Path) -> tuple[int, int, int]:
    status = path.lstat()
    return status.st_mode & 0o7777, status.st_uid, status.st_gid


EXCHANGES = [_link_to_shadow, _roots_folder]


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("at", range(1, 8))
def test_whatever_a_user_puts_under_the_path_meanwhile_keeps_its_mode_and_owner(
    exchange: Callable[[Path], None], at: int, root: Path
) -> None:
    before = _others(root)
    for moment in ("after_look", "before_change"):
        host = Exchanging(root, exchange)
        setattr(host, moment, at)
        try:
            report = runner.run(RESTRICT, INPUTS, host)
        except Failed:
            report = None
        assert _others(root) == before, moment
        if getattr(host, moment) > 0:
            assert report is not None
            assert report.ok
        for path in (root / SSH, root / f"{SSH}.old", root / KEYS):
            if path.is_symlink():
                path.unlink()
        if (root / f"{SSH}.old").exists():
            (root / f"{SSH}.old").rename(root / SSH)
        (root / KEYS).touch()
        (root / KEYS).chmod(0o666)
        if os.geteuid() == 0:
            os.chown(root / KEYS, OWNER, OWNER)


@as_root
@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("at", range(1, 6))
def test_an_undo_gives_nothing_to_what_a_user_has_put_there(
    exchange: Callable[[Path], None], at: int, root: Path
) -> None:
    before = _others(root)
    for moment in ("after_look", "before_change"):
        host = Exchanging(root, exchange)
        report = runner.run(RESTRICT, INPUTS, host)
        kept = before_state.load(before_state.dump(before_state.taken(report, host)))
        setattr(host, moment, at)
        restoring.restore(kept, host)
        assert _others(root) == before, moment
        if (root / SSH).is_symlink():
            (root / SSH).unlink()
            (root / f"{SSH}.old").rename(root / SSH)
        (root / KEYS).unlink()
        (root / KEYS).touch()
        (root / KEYS).chmod(0o666)
        os.chown(root / KEYS, OWNER, OWNER)


@as_root
def test_a_failed_run_gives_nothing_back_to_what_a_user_has_put_there(root: Path) -> None:
    """The user waits until their own file was narrowed; a later item of the step then fails."""
    before = _others(root)

    class Failing(Exchanging):
        def chmod(self, path: str, *arguments: Any) -> None:
            if path == "/home/frontdesk":
                _roots_folder(self.root)
                raise Failed(path, "No space left on device")
            super().chmod(path, *arguments)

    host = Failing(root, _roots_folder)
    report = runner.run(RESTRICT, {"paths": [f"/{KEYS}", "/home/frontdesk"]}, host)
    assert (report.ok, report.undone) == (False, False)
    assert "left as it is" in str(report.error)
    assert _others(root) == before
    assert _owned(root / f"{SSH}.old/authorized_keys") == (0o644, OWNER, OWNER)


def test_nobody_becomes_owner_of_what_is_theirs_already(root: Path) -> None:
    host = Exchanging(root, lambda _: None)
    assert runner.run(RESTRICT, INPUTS, host).ok
    assert host.log == ["chmod"]


@as_root
def test_an_owner_is_changed_before_the_mode_which_keeps_its_bits(root: Path) -> None:
    os.chown(root / SHADOW, OWNER, OWNER)
    host = Exchanging(root, lambda _: None)
    book = runbook.registry()["file_permissions.restore"]
    report = runner.run(book, {"paths": ["/etc/shadow"]}, host)
    assert (report.ok, host.log) == (True, ["chown", "chmod"])
    assert _owned(root / SHADOW) == (0o640, 0, 42)
    kept = before_state.load(before_state.dump(before_state.taken(report, host)))
    assert restoring.restore(kept, host).ok
    assert _owned(root / SHADOW)[1:] == (OWNER, OWNER)


@as_root
@pytest.mark.parametrize("fails", [1, 2])
def test_a_change_of_owner_and_mode_that_broke_off_in_the_middle_goes_back(
    fails: int, root: Path
) -> None:
    (root / SHADOW).chmod(0o4666)
    os.chown(root / SHADOW, OWNER, OWNER)
    (root / SHADOW).chmod(0o4666)

    class Breaking(TreeHost):
        calls = 0

        def chown(self, path: str, *arguments: Any) -> None:
            super().chown(path, *arguments)
            self._count(path)

        def chmod(self, path: str, *arguments: Any) -> None:
            self._count(path)
            super().chmod(path, *arguments)

        def _count(self, path: str) -> None:
            self.calls += 1
            if self.calls == fails:
                raise Failed(path, "Input/output error")

    book = runbook.registry()["file_permissions.restore"]
    report = runner.run(book, {"paths": ["/etc/shadow"]}, Breaking("h", "h", str(root)))
    assert (report.ok, report.undone) == (False, True)
    assert _owned(root / SHADOW) == (0o4666, OWNER, OWNER)
