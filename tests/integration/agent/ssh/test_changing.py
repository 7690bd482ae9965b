"""Files of a host are changed wholly or not at all, and come out as a local host's would."""

import itertools
import os
import shutil
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.agent.ssh.conftest import Boxed, Opening
from wardline.agent.hosts.host import (
    Failed,
    HardLinked,
    Host,
    HostError,
    Missing,
    ReadOnly,
    WrongKind,
)
from wardline.agent.hosts.tree import TreeHost

CHANGES: dict[str, Callable[[Host], object]] = {
    "replace": lambda host: host.replace_file("/etc/file", b"\x00new\xff"),
    "replace with a mode": lambda host: host.replace_file("/etc/file", b"new", 0o600),
    "replace with nothing": lambda host: host.replace_file("/etc/file", b""),
    "replace through a link": lambda host: host.replace_file("/etc/link", b"new"),
    "a new file": lambda host: host.replace_file("/etc/new", b"new"),
    "a new file with a mode": lambda host: host.replace_file("/etc/new", b"new", 0o640),
    "a new file below nothing": lambda host: host.replace_file("/etc/gone/new", b"new"),
    "replace a folder": lambda host: host.replace_file("/etc/folder", b"new"),
    "replace a pipe": lambda host: host.replace_file("/etc/pipe", b"new"),
    "replace one of two names": lambda host: host.replace_file("/etc/hard", b"new"),
    "chmod": lambda host: _chmod(host, "/etc/file", 0o604),
    "chmod a folder": lambda host: _chmod(host, "/etc/folder", 0o750),
    "chmod a link": lambda host: _chmod(host, "/etc/link", 0o604),
    "chmod one of two names": lambda host: _chmod(host, "/etc/hard", 0o604),
    "chmod nothing": lambda host: _chmod(host, "/etc/gone", 0o604),
    "chmod a pipe": lambda host: _chmod(host, "/etc/pipe", 0o604),
    "chmod another one than was looked at": lambda host: host.chmod(
        "/etc/file", 0o604, host.lstat("/etc/passwd")
    ),
    "chmod what was a folder": lambda host: host.chmod(
        "/etc/file", 0o604, host.lstat("/etc/folder")
    ),
    "chown": lambda host: _chown(host, "/etc/file"),
    "chown a folder": lambda host: _chown(host, "/etc/folder"),
    "chown a link": lambda host: _chown(host, "/etc/link"),
    "chown one of two names": lambda host: _chown(host, "/etc/hard"),
    "chmod where anybody writes": lambda host: _chmod(host, "/etc/open/file", 0o604),
    "chmod a folder where anybody writes": lambda host: _chmod(host, "/etc/open/folder", 0o700),
    "chown where anybody writes": lambda host: _chown(host, "/etc/open/file"),
    "chmod a link where anybody writes": lambda host: _chmod(host, "/etc/open/link", 0o604),
    "chmod another one where anybody writes": lambda host: host.chmod(
        "/etc/open/file", 0o604, host.lstat("/etc/file")
    ),
    "remove": lambda host: host.remove("/etc/file"),
    "remove nothing": lambda host: host.remove("/etc/gone"),
    "remove a folder": lambda host: host.remove("/etc/folder"),
    "link": lambda host: host.link("/etc/fresh", "../usr/lib/x"),
    "link over a file": lambda host: host.link("/etc/file", "x"),
    "remove a link": lambda host: host.remove_link("/etc/link"),
    "remove a file as a link": lambda host: host.remove_link("/etc/file"),
    "make a folder": lambda host: host.make_folder("/etc/fresh"),
    "make a folder over one": lambda host: host.make_folder("/etc/folder"),
    "remove an empty folder": lambda host: host.remove_folder("/etc/folder"),
    "remove a full folder": lambda host: host.remove_folder("/etc/full"),
}
BIG = 4 * 1024 * 1024


def test_every_change_leaves_what_it_leaves_on_a_tree(boxed: Boxed, tmp_path: Path) -> None:
    near_root = tmp_path / "near"
    near = TreeHost("h", "h", str(near_root))
    for name, change in CHANGES.items():
        for root in (boxed.root, near_root):
            shutil.rmtree(root / "etc", ignore_errors=True)
            _fill(root / "etc")
        wanted = _outcome(change, near)
        assert _outcome(change, boxed.host) == wanted, name
        assert _picture(boxed.root / "etc") == _picture(near_root / "etc"), name


def test_owner_and_attributes_stay(boxed: Boxed) -> None:
    file = boxed.root / "etc/file"
    file.write_text("old")
    file.chmod(0o4711)
    if os.geteuid() == 0:
        os.chown(file, 12, 34)
    os.setxattr(file, "user.wardline", b"kept")
    before = file.stat()
    boxed.host.replace_file("/etc/file", b"new")
    after = file.stat()
    assert file.read_bytes() == b"new"
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )
    assert os.getxattr(file, "user.wardline") == b"kept"
    assert after.st_mtime_ns > before.st_mtime_ns


# What a user does right before a program runs that a script of ours has started.
LATE = ("stat", "mkdir", "ln", "chmod")
EXCHANGES = {
    "a link": "mv /home/u/file /home/u/old; ln.real -s /etc/passwd /home/u/file",
    "another file": "mv /home/u/file /home/u/old; ln.real /etc/passwd /home/u/file",
    "a link to its folder": "mv /home/u /home/old; ln.real -s /etc /home/u",
}


def test_what_a_user_exchanges_while_a_mode_is_set_leads_it_nowhere(boxed: Boxed) -> None:
    """The script works in a folder that is not root's alone, and each of its programs is late."""
    home, passwd, tools = (boxed.root / one for one in ("home/u", "etc/passwd", "usr/bin"))
    for name in LATE:
        (tools / name).rename(tools / f"{name}.real")
    for program, exchange in itertools.product(LATE, EXCHANGES):
        shutil.rmtree(boxed.root / "home", ignore_errors=True)
        home.mkdir(parents=True)
        (home / "file").write_text("keys")
        (home / "file").chmod(0o666)
        home.chmod(0o777)
        (boxed.root / "done").touch()
        for name in LATE:
            along = f"[ -e /done ] || {{ echo > /done; {EXCHANGES[exchange]}; }}"
            text = f'{{ {along if name == program else ":"}; }} >&2\nexec {name}.real "$@"\n'
            (tools / name).unlink(missing_ok=True)
            (tools / name).write_text(f"#!/bin/sh\n{text}")
            (tools / name).chmod(0o755)
        before, found = passwd.stat(), boxed.host.lstat("/home/u/file")
        (boxed.root / "done").unlink()
        told = "done"
        try:
            boxed.host.chmod("/home/u/file", 0o600, found)
        except HostError as error:
            told = type(error).__name__
        case = f"{exchange} before {program}: {told}"
        assert (boxed.root / "done").exists(), case
        after = passwd.stat()
        assert (after.st_mode, after.st_uid) == (before.st_mode, before.st_uid), case
        keys = _keys(boxed.root / "home")
        modes = {stat.S_IMODE(path.lstat().st_mode) for path in keys}
        assert modes == ({0o600} if told == "done" else {0o666}), case
        assert told != "done" or program == "chmod" or "folder" in exchange, case
        assert len(keys) == 1, f"{case}: a name of ours was left"


def test_a_mode_is_set_among_names_that_others_may_exchange_and_nothing_is_left(
    boxed: Boxed,
) -> None:
    home = boxed.root / "home/u"
    home.mkdir(parents=True)
    (home / "file").write_text("keys")
    home.chmod(0o2777)
    number = (home / "file").stat().st_ino
    _chmod(boxed.host, "/home/u/file", 0o600)
    after = (home / "file").stat()
    assert (stat.S_IMODE(after.st_mode), after.st_ino, after.st_nlink) == (0o600, number, 1)
    assert _names(home) == ["file"]


def test_an_observed_host_is_never_changed(boxed: Boxed, opening: Opening) -> None:
    _fill(boxed.root / "etc")
    host = opening(boxed.server, observed="yes")
    for name, change in CHANGES.items():
        if name == "chmod nothing":
            continue
        with pytest.raises(ReadOnly):
            change(host)
    assert (boxed.root / "etc/file").read_text() == "old"


def test_a_hard_link_is_told_before_a_repair(boxed: Boxed) -> None:
    _fill(boxed.root / "etc")
    assert (boxed.host.stat("/etc/hard").links, boxed.host.lstat("/etc/file").links) == (2, 1)


def test_a_new_file_is_as_narrow_as_it_is_told(boxed: Boxed) -> None:
    boxed.host.replace_file("/etc/secret", b"secret", 0o600)
    assert stat.S_IMODE((boxed.root / "etc/secret").stat().st_mode) == 0o600


def test_a_line_that_is_cut_while_a_file_is_written_leaves_the_old_or_the_new_one(
    boxed: Boxed,
) -> None:
    folder = boxed.root / "etc/d"
    folder.mkdir()
    old, new = b"a" * BIG, b"b" * BIG
    (folder / "file").write_bytes(old)
    for turn in range(4):
        boxed.host.close()
        boxed.host._line._rest_until = 0.0
        boxed.host.connect()
        cutting = threading.Thread(target=_cut, args=(boxed, folder, turn))
        cutting.start()
        try:
            boxed.host.replace_file("/etc/d/file", new)
        except HostError:
            pass
        finally:
            cutting.join()
        _settle(folder)
        assert (folder / "file").read_bytes() in (old, new)
        (folder / "file").write_bytes(old)


def test_half_a_file_that_arrived_is_thrown_away(boxed: Boxed) -> None:
    """The host takes a part of the new file and waits; then the line is cut."""
    folder, cat = boxed.root / "etc/d", boxed.root / "usr/bin/cat"
    folder.mkdir()
    (folder / "file").write_bytes(b"old")
    cat.rename(cat.with_name("cat.real"))
    cat.write_text(
        "#!/bin/sh\nhead -c 100000\nwhile [ ! -e /go ]; do sleep 0.1; done\nexec cat.real\n"
    )
    cat.chmod(0o755)
    told: list[HostError] = []

    def write() -> None:
        try:
            boxed.host.replace_file("/etc/d/file", b"b" * BIG)
        except HostError as error:
            told.append(error)

    writing = threading.Thread(target=write)
    writing.start()
    _until(lambda: any(path.stat().st_size == 100_000 for path in folder.iterdir()))
    boxed.server.cut()
    (boxed.root / "go").touch()
    writing.join()
    assert len(told) == 1
    _settle(folder)
    assert (folder / "file").read_bytes() == b"old"


def test_a_full_disk_leaves_the_old_file(boxed: Boxed) -> None:
    """The host itself says so; a limit on the size of files stands in for the disk."""
    (boxed.root / "etc/file").write_text("old")
    (boxed.root / "bin/sh.real").write_bytes((boxed.root / "bin/sh").read_bytes())
    (boxed.root / "bin/sh.real").chmod(0o755)
    (boxed.root / "bin/sh").unlink()
    (boxed.root / "bin/sh").write_text('#!/bin/sh.real\nulimit -f 4; exec /bin/sh.real "$@"\n')
    (boxed.root / "bin/sh").chmod(0o755)
    with pytest.raises((Failed, HostError)):
        boxed.host.replace_file("/etc/file", b"n" * 1_000_000)
    assert (boxed.root / "etc/file").read_text() == "old"
    assert _names(boxed.root / "etc") == ["file", "passwd"]


def _cut(boxed: Boxed, folder: Path, turn: int) -> None:
    """Once the new file is being written, and then a little later each time."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and len(_names(folder)) < 2:
        time.sleep(0.0005)
    time.sleep(0.002 * turn)
    boxed.server.cut()


def _settle(folder: Path) -> None:
    """The script on the host notices that its input has ended, and tidies up."""
    _until(lambda: _names(folder) == ["file"])


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _keys(home: Path) -> list[Path]:
    """What the user's own file became, under whatever names it has by now."""
    found = [path for path in home.rglob("*") if path.is_file() and not path.is_symlink()]
    return [path for path in found if path.read_text() == "keys"]


def _chmod(host: Host, path: str, mode: int) -> None:
    host.chmod(path, mode, host.lstat(path))


def _chown(host: Host, path: str) -> None:
    """To another owner where the tests run as root, else to the same one."""
    own = (12, 34) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    host.chown(path, *own, host.lstat(path))


def _fill(etc: Path) -> None:
    etc.mkdir(parents=True, exist_ok=True)
    (etc / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (etc / "file").write_text("old")
    (etc / "file").chmod(0o640)
    (etc / "hard").write_text("old")
    (etc / "other").hardlink_to(etc / "hard")
    (etc / "link").symlink_to("file")
    (etc / "folder").mkdir()
    (etc / "full").mkdir()
    (etc / "full/file").write_text("x")
    os.mkfifo(etc / "pipe")
    (etc / "open/folder").mkdir(parents=True)
    (etc / "open/file").write_text("old")
    (etc / "open/link").symlink_to("file")
    (etc / "open").chmod(0o777)


def _outcome(change: Callable[[Host], object], host: Host) -> str:
    try:
        change(host)
    except (Missing, WrongKind, HardLinked) as error:
        return type(error).__name__
    except HostError:
        return "refused"
    return "done"


def _picture(root: Path) -> dict[str, object]:
    found: dict[str, object] = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        text = ""
        if path.is_symlink():
            text = str(path.readlink())
        elif path.is_file():
            text = path.read_bytes().hex()
        owner = (status.st_uid, status.st_gid)
        found[str(path.relative_to(root))] = (status.st_mode, owner, text)
    return found
