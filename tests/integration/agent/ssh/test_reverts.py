"""A host puts itself back when nobody calls it off over a new connection; otherwise it stays."""

import contextlib
import os
import shutil
import stat
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.agent.ssh.conftest import Boxed, Opening
from wardline.agent.hosts.host import (
    CannotRun,
    Failed,
    ReadOnly,
    RevertFired,
    Unreachable,
)
from wardline.agent.hosts.local import LocalHost
from wardline.agent.hosts.revert import FOLDER, Revert, UnitAction, Verb
from wardline.agent.hosts.tree import TreeHost
from wardline.core.errors import Malformed

FILES = ("/etc/ssh/sshd_config", "/etc/new.conf")
REVERT = Revert(
    FILES,
    (UnitAction(Verb.RELOAD, "ssh.service"),),
    after_s=5,
    commands=(("systemctl", "stop", "it's $HOME; a\nb"), ("false",)),
    reloads=(("systemctl", "reload", "web"), ("no-such-program",)),
)
LATER = Revert(FILES, (), after_s=600)
FIRES_S_MAX = 40.0


@pytest.fixture
def host(boxed: Boxed) -> Boxed:
    """With a file to break, and a systemctl that writes down what it is told."""
    (boxed.root / "etc/ssh").mkdir()
    config = boxed.root / "etc/ssh/sshd_config"
    config.write_text("Port 22\n")
    config.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(config, 12, 34)
    systemctl = boxed.root / "usr/bin/systemctl"
    systemctl.write_text('#!/bin/sh\necho "$@" >> /told\n')
    systemctl.chmod(0o755)
    return boxed


def _break(host: Boxed) -> None:
    """What a repair does that cuts the line, without the time that it takes."""
    fresh = host.root / "etc/ssh/fresh"
    fresh.write_text("Port 1\n")
    fresh.chmod(0o600)
    fresh.rename(host.root / "etc/ssh/sshd_config")
    (host.root / "etc/new.conf").write_text("new\n")


def test_a_host_whose_line_is_cut_puts_itself_back(host: Boxed) -> None:
    config = host.root / "etc/ssh/sshd_config"
    before = config.stat()
    armed = host.host.arm_revert(REVERT)
    _break(host)
    folder = host.root / "var/lib/wardline/reverts" / armed.id
    assert (
        stat.S_IMODE(folder.stat().st_mode) == stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
    )
    host.server.stop()
    _until((folder / "outcome").exists)
    after = config.stat()
    assert config.read_text() == "Port 22\n"
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )
    assert not (host.root / "etc/new.conf").exists()
    told = "stop it's $HOME; a\nb\nreload web\nreload -- ssh.service\n"
    assert (host.root / "told").read_text() == told
    log = (folder / "log").read_text()
    assert log.index("ran systemctl stop") < log.index("restored") < log.index("ran systemctl rel")
    assert "could not run false" in log
    assert "could not run no-such-program" in log
    assert (folder / "outcome").read_text() == "1\n"


HOMES = ("plain", "planted", "into", "moved", "linked", "open")


def test_what_users_have_put_there_meanwhile_leads_a_revert_nowhere(host: Boxed) -> None:
    """It runs as root in folders that belong to people, who had a minute to prepare them."""
    homes, etc = host.root / "home", host.root / "etc"
    _settle_in(homes, etc)
    files = tuple(f"/home/{user}/file" for user in ("plain", "planted", "into", "moved"))
    modes = tuple(f"/home/{user}" for user in ("plain/keys", "linked/keys", "moved/keys", "open"))
    number = (homes / "plain/keys").stat().st_ino
    armed = host.host.arm_revert(Revert(files, (), after_s=5, modes=modes))
    _prepare(homes)
    theirs = _pictures(etc)
    folder = host.root / "var/lib/wardline/reverts" / armed.id
    _until((folder / "outcome").exists)
    said = (folder / "log").read_text()
    assert _pictures(etc) == theirs
    for user in ("plain", "planted", "into"):
        file = homes / user / "file"
        assert (file.is_symlink(), file.read_text(), _mode(file)) == (False, "old\n", 0o646)
        assert f"restored /home/{user}/file" in said
    keys = homes / "plain/keys"
    assert (_mode(keys), keys.stat().st_ino, _mode(homes / "open")) == (0o646, number, 0o777)
    for untouched in ("/home/moved/file", "the mode of /home/linked/keys"):
        assert f"could not restore {untouched}" in said
    assert (homes / "elsewhere/file").read_text() == "new\n"
    left = [path for path in homes.rglob(".wardline*") if not path.is_symlink()]
    assert (left, (folder / "outcome").read_text()) == ([], "1\n")


def _settle_in(homes: Path, etc: Path) -> None:
    for user in HOMES:
        (homes / user).mkdir(parents=True)
        (homes / user).chmod(0o777)
        for name in ("file", "keys"):
            (homes / user / name).write_text("old\n")
            (homes / user / name).chmod(0o646)
    (etc / "cron.d").mkdir()
    for name in ("file", "keys"):
        (etc / name).write_text("etc\n")
        (etc / name).chmod(0o600)


def _prepare(homes: Path) -> None:
    """What the repair has changed, and then what the users do before the host goes back."""
    for user in HOMES:
        (homes / user / "file").write_text("new\n")
        for name in ("file", "keys"):
            (homes / user / name).chmod(0o600)
    (homes / "open").chmod(0o700)
    for guess in range(8):
        (homes / f"planted/.wardline-revert-{guess:03}").symlink_to("/etc/passwd")
    for name, target in (("into/file", "/etc/cron.d"), ("linked/keys", "/etc/passwd")):
        (homes / name).unlink()
        (homes / name).symlink_to(target)
    (homes / "moved").rename(homes / "elsewhere")
    (homes / "moved").symlink_to("/etc")


def _pictures(folder: Path) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(folder.rglob("*")):
        was, content = path.lstat(), path.read_bytes() if path.is_file() else b""
        found[str(path)] = (was.st_mode, was.st_uid, was.st_ino, was.st_mtime_ns, content)
    return found


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_host_that_can_be_entered_anew_stays_as_it_was_made(host: Boxed) -> None:
    armed = host.host.arm_revert(replace(REVERT, after_s=12))
    _break(host)
    before = host.server.logins()
    host.host.disarm_revert(armed)
    assert host.server.logins() == before + 1, "not over a new connection"
    assert not list((host.root / "var/lib/wardline/reverts").iterdir())
    # What was called off wakes up once more, and finds nothing to do.
    _until(lambda: not _runs(armed.id))
    assert (host.root / "etc/ssh/sshd_config").read_text() == "Port 1\n"
    assert not (host.root / "told").exists()


def test_an_open_line_does_not_call_it_off_where_no_new_one_comes_about(host: Boxed) -> None:
    armed = host.host.arm_revert(REVERT)
    _break(host)
    assert host.server.process is not None
    # The listener alone ends, as after a repair that leaves sshd unable to start again.
    host.server.process.kill()
    host.server.process.wait()
    assert host.host.run(["true"], 10, 100).exit_code == 0
    with pytest.raises(Unreachable):
        host.host.disarm_revert(armed)
    _until(lambda: (host.root / "etc/ssh/sshd_config").read_text() == "Port 22\n")


def test_who_comes_too_late_is_told_what_was_put_back(host: Boxed) -> None:
    armed = host.host.arm_revert(REVERT)
    _break(host)
    _until(lambda: (host.root / "etc/ssh/sshd_config").read_text() == "Port 22\n")
    with pytest.raises(RevertFired, match=r"restored /etc/ssh/sshd_config; removed /etc/new.conf"):
        host.host.disarm_revert(armed)


def test_what_did_not_change_is_not_written_again(host: Boxed) -> None:
    config = host.root / "etc/ssh/sshd_config"
    before = config.stat()
    armed = host.host.arm_revert(REVERT)
    _until((host.root / "told").exists)
    with pytest.raises(RevertFired, match="unchanged /etc/ssh/sshd_config"):
        host.host.disarm_revert(armed)
    assert config.stat().st_ino == before.st_ino


def test_what_cannot_be_armed_leaves_nothing(host: Boxed, opening: Opening) -> None:
    os.mkfifo(host.root / "etc/pipe")
    for files in (("/etc/ssh",), ("/etc/pipe",)):
        with pytest.raises(Failed, match="only a regular file"):
            host.host.arm_revert(Revert(files, (), 60))
    assert not list((host.root / "var/lib/wardline/reverts").iterdir())
    with pytest.raises(ReadOnly):
        opening(host.server, observed="yes").arm_revert(LATER)


@pytest.mark.parametrize(
    "revert",
    [
        Revert((), (), 60),
        Revert(("etc/file",), (), 60),
        Revert(("/etc/a\x00b",), (), 60),
        Revert(FILES, (), 1),
        Revert(FILES, (UnitAction(Verb.STOP, "x.service; reboot"),), 60),
        Revert(FILES, (), 60, commands=((),)),
        Revert(FILES, (), 60, reloads=(("a", "b\x00c"),)),
    ],
)
def test_what_is_no_revert_is_refused_before_the_host_hears_of_it(revert: Revert) -> None:
    with pytest.raises(Malformed):
        revert.check()


def test_a_folder_of_another_account_is_not_used(host: Boxed) -> None:
    place = host.root / "var/lib/wardline/reverts"
    place.parent.mkdir(parents=True)
    place.symlink_to("/tmp")
    with pytest.raises(Failed, match="belongs to another account"):
        host.host.arm_revert(LATER)


def test_this_machine_puts_itself_back_as_well(tmp_path: Path) -> None:
    file, new = tmp_path / "file", tmp_path / "new"
    file.write_text("old")
    host = LocalHost("h", "h", writable=True)
    revert = Revert((str(file), str(new)), (), after_s=5)
    kept = fires = host.arm_revert(replace(revert, after_s=600))
    try:
        fires = host.arm_revert(revert)
        file.write_text("broken")
        new.write_text("new")
        host.disarm_revert(kept)
        with pytest.raises(Failed, match="there is no revert"):
            host.disarm_revert(kept)
        _until(lambda: file.read_text() == "old" and not new.exists())
        with pytest.raises(RevertFired):
            host.disarm_revert(fires)
    finally:
        # One that was not called off finds nothing to go by any more.
        for place in (Path(FOLDER), Path.home() / ".local/state/wardline/reverts"):
            for one in (kept, fires):
                shutil.rmtree(place / one.id, ignore_errors=True)


def test_nothing_is_armed_on_a_tree(tmp_path: Path) -> None:
    host = TreeHost("h", "h", str(tmp_path))
    assert not host.runs_commands
    with pytest.raises(CannotRun):
        host.arm_revert(LATER)


def _runs(word: str) -> bool:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if word.encode() in path.read_bytes():
                return True
    return False


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + FIRES_S_MAX
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
