"""A file tree as a host: what it answers, what it refuses, and that nothing leaves its root."""

import os
import socket
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from wardline.agent.hosts.host import (
    CannotRun,
    Exchanged,
    Failed,
    FileKind,
    HardLinked,
    HostError,
    Missing,
    PathEscapes,
    ReadOnly,
    TooLarge,
    TooManyLinks,
    WrongKind,
)
from wardline.agent.hosts.tree import TreeHost

SECRET = "outside"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_text(SECRET)
    root = tmp_path / "host"
    (root / "etc/deep").mkdir(parents=True)
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\n")
    return root


@pytest.fixture
def host(root: Path) -> TreeHost:
    return TreeHost("host", "host", str(root))


@pytest.mark.parametrize(
    ("target", "error"),
    [
        ("../secret", PathEscapes),
        ("../../../../../../etc/passwd", PathEscapes),
        ("etc/../../secret", PathEscapes),
        ("/secret", Missing),
        ("link", TooManyLinks),
        ("/proc/self/root/etc/passwd", Missing),
    ],
)
def test_a_link_never_leads_out(
    root: Path, host: TreeHost, target: str, error: type[HostError]
) -> None:
    (root / "link").symlink_to(target)
    for ask in (
        lambda: host.read("/link", 100),
        lambda: host.stat("/link"),
        lambda: host.replace_file("/link/x", b""),
        lambda: host.lstat("/link/x"),
    ):
        with pytest.raises((error, Missing), match="/link"):
            ask()
    assert (root.parent / "secret").read_text() == SECRET


def test_a_folder_that_is_a_link_out_of_the_tree_is_not_entered(root: Path, host: TreeHost) -> None:
    (root / "out").symlink_to("..")
    with pytest.raises(PathEscapes):
        host.read("/out/secret", 100)
    with pytest.raises(PathEscapes):
        host.replace_file("/out/secret", b"changed")
    with pytest.raises(PathEscapes):
        host.glob("/out/*")
    assert (root.parent / "secret").read_text() == SECRET


def test_a_file_with_a_second_name_is_read_and_never_changed(root: Path, host: TreeHost) -> None:
    """The other name may lie anywhere on the disk, and it is the same file."""
    outside = root.parent / "secret"
    os.link(outside, root / "etc/hard")
    (root / "etc/link").symlink_to("hard")
    before = outside.stat()
    for path in ("/etc/hard", "/etc/link"):
        found = host.stat(path)
        assert found.links == 2
        changes = [partial(host.replace_file, path, b"changed")]
        if path == "/etc/hard":
            changes.append(partial(host.chmod, path, 0o777, found))
            changes.append(partial(host.chown, path, os.getuid(), os.getgid(), found))
        for change in changes:
            with pytest.raises(HardLinked, match=f"{path}: has 2 names"):
                change()
    after = outside.stat()
    assert (after.st_mode, after.st_uid, after.st_ctime_ns) == (
        before.st_mode,
        before.st_uid,
        before.st_ctime_ns,
    )
    assert outside.read_text() == host.read("/etc/hard", 100).decode() == SECRET
    host.chmod("/etc/deep", 0o700, host.lstat("/etc/deep"))
    assert host.stat("/etc/deep").mode == 0o700, "a directory has more links than one by nature"


def test_mode_and_owner_are_those_of_the_very_file_that_was_looked_at(
    root: Path, host: TreeHost
) -> None:
    passwd = root / "etc/passwd"
    found = host.lstat("/etc/passwd")
    (root / "etc/link").symlink_to("passwd")
    with pytest.raises(WrongKind):
        host.chmod("/etc/link", 0o777, found)
    (root / "etc/other").write_text("other")
    (root / "etc/other").rename(passwd)
    for change in (
        lambda: host.chmod("/etc/passwd", 0o777, found),
        lambda: host.chown("/etc/passwd", os.getuid(), os.getgid(), found),
        lambda: host.chmod("/etc/deep", 0o777, found),
    ):
        with pytest.raises(Exchanged, match="was exchanged"):
            change()
    host.chmod("/etc/passwd", 0o604, host.lstat("/etc/passwd"))
    assert host.lstat("/etc/passwd").mode == 0o604


def test_an_absolute_link_is_followed_inside_the_root(root: Path, host: TreeHost) -> None:
    (root / "etc/deep/link").symlink_to("/etc/passwd")
    assert host.read("/etc/deep/link", 100).startswith(b"root:")
    assert host.stat("/etc/deep/link").kind is FileKind.FILE
    assert host.lstat("/etc/deep/link").kind is FileKind.LINK


def test_two_links_that_show_each_other_are_a_circle(root: Path, host: TreeHost) -> None:
    (root / "a").symlink_to("b")
    (root / "b").symlink_to("a")
    with pytest.raises(TooManyLinks, match="/a"):
        host.read("/a", 100)


def test_what_is_no_file_is_never_opened(root: Path, host: TreeHost) -> None:
    os.mkfifo(root / "fifo")
    with socket.socket(socket.AF_UNIX) as listening:
        before = Path.cwd()
        os.chdir(root)
        try:
            listening.bind("socket")
        finally:
            os.chdir(before)
        for path in ("/fifo", "/socket", "/etc"):
            with pytest.raises(WrongKind, match=path):
                host.read(path, 100)


def test_a_read_is_capped_before_and_while_it_reads(root: Path, host: TreeHost) -> None:
    with (root / "huge").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(TooLarge, match="/huge"):
        host.read("/huge", 1 << 20)
    assert host.read("/etc/passwd", 26) == (root / "etc/passwd").read_bytes()
    with pytest.raises(TooLarge):
        host.read("/etc/passwd", 25)


@pytest.mark.parametrize("path", ["etc/passwd", "/etc/\x00passwd", "/" + "x" * 5000, ""])
def test_a_path_that_is_none_is_refused(host: TreeHost, path: str) -> None:
    with pytest.raises(Failed):
        host.read(path, 100)


def test_a_name_of_any_bytes_is_listed(root: Path, host: TreeHost) -> None:
    Path(os.fsdecode(os.fsencode(root) + b"/etc/\xff")).write_text("")
    assert "\udcff" in host.listdir("/etc")
    assert host.exists("/etc/\udcff")


def test_glob_matches_as_the_shell_does(root: Path, host: TreeHost) -> None:
    for name in ("b.conf", "a.conf", ".hidden.conf", "c.txt"):
        (root / "etc/deep" / name).write_text("")
    (root / "etc/deep/dead.conf").symlink_to("nowhere")
    assert host.glob("/etc/*/*.conf") == ["/etc/deep/a.conf", "/etc/deep/b.conf"]
    assert host.glob("/etc/deep/[!a].conf") == ["/etc/deep/b.conf"]
    assert host.glob("/etc/passwd/*") == []
    assert host.glob("/nowhere/*") == []


def test_a_file_is_replaced_at_once_with_mode_link_and_attributes_kept(
    root: Path, host: TreeHost
) -> None:
    target = root / "etc/passwd"
    target.chmod(0o604)
    try:
        os.setxattr(target, "user.origin", b"kept")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    (root / "link").symlink_to("etc/passwd")
    host.replace_file("/link", b"new\n")
    assert (root / "link").is_symlink()
    assert target.read_bytes() == b"new\n"
    assert target.stat().st_mode & 0o7777 == 0o604
    assert os.getxattr(target, "user.origin") == b"kept"
    assert sorted(one.name for one in (root / "etc").iterdir()) == ["deep", "passwd"]


def test_a_new_file_takes_the_wanted_mode_whatever_the_umask(root: Path, host: TreeHost) -> None:
    before = os.umask(0o077)
    try:
        host.replace_file("/etc/new", b"x", 0o644)
    finally:
        os.umask(before)
    assert (root / "etc/new").stat().st_mode & 0o7777 == 0o644
    host.remove("/etc/new")
    assert not host.exists("/etc/new")


def test_a_failed_replacement_leaves_the_old_file_and_nothing_else(
    root: Path, host: TreeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(Failed, match="/etc/passwd: No space left on device"):
        host.replace_file("/etc/passwd", b"new")
    assert (root / "etc/passwd").read_text().startswith("root:")
    assert sorted(one.name for one in (root / "etc").iterdir()) == ["deep", "passwd"]


def test_a_link_is_made_read_and_removed_without_being_followed(root: Path, host: TreeHost) -> None:
    host.make_folder("/etc/wants")
    host.link("/etc/wants/unit", "/etc/passwd")
    host.link("/etc/wants/near", "../passwd")
    assert host.readlink("/etc/wants/unit") == "/etc/passwd"
    assert host.read("/etc/wants/near", 100) == host.read("/etc/passwd", 100)
    with pytest.raises(Failed, match="/etc/wants/unit: File exists"):
        host.link("/etc/wants/unit", "/etc/group")
    with pytest.raises(Failed, match="/etc/wants: Directory not empty"):
        host.remove_folder("/etc/wants")
    host.remove_link("/etc/wants/unit")
    host.remove_link("/etc/wants/near")
    host.remove_folder("/etc/wants")
    assert (root / "etc/passwd").read_text().startswith("root:")
    assert sorted(one.name for one in (root / "etc").iterdir()) == ["deep", "passwd"]


@pytest.mark.parametrize("umask", [0, 0o077])
def test_a_new_folder_can_be_entered_by_everybody_whatever_the_umask(
    root: Path, host: TreeHost, umask: int
) -> None:
    before = os.umask(umask)
    try:
        host.make_folder("/etc/new")
    finally:
        os.umask(before)
    assert host.stat("/etc/new").mode == 0o755


@pytest.mark.parametrize("target", ["../../secret", "/../secret", "../etc/../../secret"])
def test_no_link_is_made_or_told_that_climbs_out_of_the_tree(
    root: Path, host: TreeHost, target: str
) -> None:
    with pytest.raises(PathEscapes, match="/etc/link"):
        host.link("/etc/link", target)
    (root / "etc/link").symlink_to(target)
    with pytest.raises(PathEscapes, match="/etc/link"):
        host.readlink("/etc/link")


@pytest.mark.parametrize("target", ["", "a\x00b", "x" * 5000])
def test_a_link_to_what_is_no_path_is_refused(host: TreeHost, target: str) -> None:
    with pytest.raises(Failed, match="/etc/link: is to be a link to what is no path"):
        host.link("/etc/link", target)


def test_what_is_no_link_is_not_removed_as_one_nor_read_as_one(root: Path, host: TreeHost) -> None:
    for path in ("/etc/passwd", "/etc/deep"):
        with pytest.raises(WrongKind, match=path):
            host.remove_link(path)
        with pytest.raises(WrongKind, match=path):
            host.readlink(path)
    with pytest.raises(Missing):
        host.remove_link("/etc/nothing")
    (root / "etc/folder").symlink_to("deep")
    with pytest.raises(Missing):
        host.remove_folder("/etc/folder")
    assert (root / "etc/deep").is_dir()


def test_no_link_or_folder_is_made_through_a_link_out_of_the_tree(
    root: Path, host: TreeHost
) -> None:
    (root / "out").symlink_to("..")
    for change in (
        lambda: host.link("/out/link", "/etc/passwd"),
        lambda: host.make_folder("/out/folder"),
        lambda: host.remove_folder("/out/host"),
        lambda: host.remove_link("/out/secret"),
    ):
        with pytest.raises(PathEscapes):
            change()
    assert sorted(one.name for one in root.parent.iterdir()) == ["host", "secret"]


WRITER = """
import sys
from wardline.agent.hosts.tree import TreeHost
host = TreeHost("host", "host", sys.argv[1])
print("ready", flush=True)
while True:
    for letter in (b"a", b"b"):
        host.replace_file("/etc/passwd", letter * 3_000_000)
"""


def test_a_writer_that_is_killed_leaves_the_whole_old_or_the_whole_new_file(
    root: Path, host: TreeHost
) -> None:
    wholes = {letter * 3_000_000 for letter in (b"a", b"b")}
    host.replace_file("/etc/passwd", b"a" * 3_000_000)
    for number in range(6):
        with subprocess.Popen(
            [sys.executable, "-c", WRITER, str(root)], stdout=subprocess.PIPE
        ) as writer:
            assert writer.stdout is not None
            assert writer.stdout.readline() == b"ready\n"
            time.sleep(0.01 * number)
            writer.kill()
        assert host.read("/etc/passwd", 4_000_000) in wholes


def test_an_observed_tree_is_never_changed(root: Path) -> None:
    host = TreeHost("host", "host", str(root), writable=False)
    for change in (
        lambda: host.replace_file("/etc/passwd", b""),
        lambda: host.chmod("/etc/passwd", 0, host.lstat("/etc/passwd")),
        lambda: host.chown("/etc/passwd", 1, 1, host.lstat("/etc/passwd")),
        lambda: host.remove("/etc/passwd"),
        lambda: host.link("/etc/link", "/etc/passwd"),
        lambda: host.remove_link("/etc/link"),
        lambda: host.make_folder("/etc/new"),
        lambda: host.remove_folder("/etc/deep"),
    ):
        with pytest.raises(ReadOnly):
            change()


def test_a_tree_runs_no_commands(host: TreeHost) -> None:
    with pytest.raises(CannotRun):
        host.run(["true"], 1, 100)


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ('NAME="x"\nID=debian\n', "linux/debian"),
        ('ID="ubuntu"\n', "linux/ubuntu"),
        ("ID=\x1b[31m\n", "linux/unknown"),
        ("VERSION_ID=12\n", "linux/unknown"),
    ],
)
def test_the_platform_comes_from_os_release(root: Path, text: str, platform: str) -> None:
    (root / "etc/os-release").write_text(text)
    assert TreeHost("host", "host", str(root)).platform == platform


def test_a_tree_without_any_sign_of_a_system_is_unknown(tmp_path: Path) -> None:
    assert TreeHost("host", "host", str(tmp_path)).platform == "unknown"


def test_owners_are_judged_only_where_root_owns_the_tree(root: Path) -> None:
    owner = TreeHost("host", "host", str(root)).stat("/etc/passwd").uid
    assert owner == (0 if root.stat().st_uid == 0 else None)
    if os.geteuid() == 0:
        os.chown(root, 1000, 1000)
        assert TreeHost("host", "host", str(root)).stat("/etc/passwd").uid is None
