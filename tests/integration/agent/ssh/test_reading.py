"""What a host over SSH says of its files: the same as on the spot, whatever lies there."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.harness.openssh import Server
from tests.integration.agent.ssh.conftest import Boxed, Opening
from wardline.agent.checks import check
from wardline.agent.hosts.host import (
    CannotRun,
    Failed,
    FileKind,
    HostError,
    Kind,
    Missing,
    TimedOut,
    TooLarge,
    WrongKind,
)
from wardline.agent.hosts.local import LocalHost
from wardline.agent.hosts.queries import Query
from wardline.agent.hosts.tree import TreeHost
from wardline.core import clock

SLOW = ("too_expensive", "host")
STRANGE = [
    "plain",
    "two words",
    "-rf",
    "a'b\"c$HOME`id`\\",
    "new\nline",
    b"\xff\xfe.raw".decode("utf-8", "surrogateescape"),
]


def test_every_check_finds_over_ssh_what_it_finds_on_the_spot(
    machine: Server, opening: Opening
) -> None:
    far, near = opening(machine), LocalHost("host", "host")
    compared = set()
    for again in range(2):
        for name, one in check.registry().items():
            before = check.measure(one, near, clock.system)
            found = check.measure(one, far, clock.system)
            after = check.measure(one, near, clock.system)
            slow = any(one.facts.get("reason_code") in SLOW for one in (before, found, after))
            if slow or before.facts_digest != after.facts_digest:
                # A machine under load, or one that changes meanwhile, proves nothing here.
                continue
            compared.add(name)
            assert found.facts_digest == before.facts_digest, (again, name, found.summary)
    assert len(compared) > len(check.registry()) / 2
    assert (far.kind, far.platform) == (Kind.SSH, near.platform)


@pytest.mark.parametrize("name", STRANGE)
def test_names_of_any_bytes_are_read_listed_and_matched(boxed: Boxed, name: str) -> None:
    (boxed.root / "etc/d").mkdir()
    (boxed.root / "etc/d" / name).write_bytes(b"\x00\xffdata\n")
    path = f"/etc/d/{name}"
    assert boxed.host.read(path, 100) == b"\x00\xffdata\n"
    assert boxed.host.listdir("/etc/d") == [name]
    assert boxed.host.glob("/etc/d/*") == [path]
    assert boxed.host.stat(path).kind is FileKind.FILE
    boxed.host.replace_file(path, b"new")
    assert (boxed.root / "etc/d" / name).read_bytes() == b"new"
    assert [path.name for path in (boxed.root / "etc/d").iterdir()] == [name]


@pytest.mark.parametrize("size", [0, 1, 32767, 32768, 32769, 700_000])
def test_files_of_every_size_come_whole(boxed: Boxed, size: int) -> None:
    content = os.urandom(size)
    (boxed.root / "etc/file").write_bytes(content)
    assert boxed.host.read("/etc/file", size) == content
    assert b"".join(boxed.host.stream("/etc/file", size)) == content
    if size:
        with pytest.raises(TooLarge):
            boxed.host.read("/etc/file", size - 1)


def test_links_pipes_sockets_and_folders_are_told_apart_and_never_opened(boxed: Boxed) -> None:
    etc = boxed.root / "etc"
    (etc / "file").write_text("x")
    (etc / "folder").mkdir()
    (etc / "link").symlink_to("file")
    (etc / "dangling").symlink_to("nothing")
    (etc / "circle").symlink_to("circle")
    os.mkfifo(etc / "pipe")
    near, far = TreeHost("h", "h", str(boxed.root)), boxed.host
    for name in ("file", "folder", "link", "dangling", "circle", "pipe", "gone", "file/below"):
        for ask in ("stat", "lstat", "readlink", "listdir", "exists"):
            one, other = (_told(host, ask, f"/etc/{name}") for host in (near, far))
            assert other == one, (name, ask)
    for name in ("pipe", "folder"):
        with pytest.raises(WrongKind):
            far.read(f"/etc/{name}", 100)


def test_an_endless_device_is_not_read(machine: Server, opening: Opening) -> None:
    with pytest.raises(WrongKind):
        opening(machine).read("/dev/zero", 100)


def test_the_kernels_files_without_a_size_are_read_to_their_end(
    machine: Server, opening: Opening
) -> None:
    assert opening(machine).read("/proc/version", 4096) == Path("/proc/version").read_bytes()


def test_space_is_that_of_the_file_system(machine: Server, opening: Opening) -> None:
    found, status = opening(machine).space("/"), os.statvfs("/")
    assert found.total_bytes == status.f_blocks * status.f_frsize
    assert found.inodes == status.f_files


def test_programs_are_asked_without_a_shell_and_say_it_exactly(
    machine: Server, opening: Opening
) -> None:
    host = opening(machine)
    words = ["printf", "%s|", "a b", "$HOME", "'", "\\", "", "new\nline"]
    assert host.run(words, 10, 1000).stdout == b"a b|$HOME|'|\\||new\nline|"
    binary = host.run(["head", "-c", "1000", "/dev/urandom"], 10, 300)
    assert (len(binary.stdout), binary.truncated, binary.exit_code) == (300, True, 0)
    failed = host.run(["ls", "/nothing-here"], 10, 1000)
    assert failed.exit_code == 2
    assert b"No such file" in failed.stderr
    environment = host.run(["env"], 10, 1000).stdout.splitlines()
    assert sorted(line.split(b"=")[0] for line in environment) == [b"LANG", b"LC_ALL", b"PATH"]
    with pytest.raises(CannotRun, match="no such program"):
        host.ask(Query("none", ("wardline-no-such-program",)))


def test_an_account_with_sudo_reads_and_changes_as_root(
    machine: Server, opening: Opening, tmp_path: Path
) -> None:
    allowed = subprocess.run(["sudo", "-n", "true"], capture_output=True, text=True)
    assert allowed.returncode == 0, f"sudo -n has to work for this account: {allowed.stderr}"
    host = opening(machine, sudo=True)
    assert host.run(["id", "-u"], 10, 100).stdout == b"0\n"
    assert host.read("/etc/shadow", 1_000_000).startswith(b"root:")
    file = tmp_path / "file"
    file.write_text("old")
    content = os.urandom(300_000)
    host.replace_file(str(file), content)
    assert host.read(str(file), 300_000) == content


def test_a_program_that_takes_too_long_is_ended_on_the_host(
    machine: Server, opening: Opening
) -> None:
    host = opening(machine)
    with pytest.raises(TimedOut):
        host.run(["sleep", "987.25"], 1, 100)
    assert not _runs("987.25")
    assert host.run(["true"], 10, 100).exit_code == 0


def test_endless_output_is_cut_off(machine: Server, opening: Opening) -> None:
    host = opening(machine)
    with pytest.raises((Failed, TimedOut)):
        host.run(["yes", "987.5"], 20, 1000)
    assert host.run(["true"], 10, 100).exit_code == 0
    assert not _runs("987.5")


def test_everything_goes_over_one_connection(boxed: Boxed) -> None:
    boxed.host.connect()
    for number in range(5):
        boxed.host.exists(f"/etc/{number}")
        boxed.host.run(["true"], 10, 100)
    assert boxed.server.logins() == 1


def test_what_a_measurement_learned_is_asked_anew_by_the_next_one(boxed: Boxed) -> None:
    file = boxed.root / "etc/file"
    for text in ("one", "two", "three"):
        file.write_text(text)
        with boxed.host.measuring("check", 10):
            assert boxed.host.read("/etc/file", 100) == text.encode()
            assert boxed.host.exists("/etc/file")
    file.unlink()
    with boxed.host.measuring("check", 10), pytest.raises(Missing):
        boxed.host.read("/etc/file", 100)


def _told(host: TreeHost | object, ask: str, path: str) -> object:
    try:
        told = getattr(host, ask)(path)
    except HostError as error:
        return type(error).__name__
    return (told.kind, told.mode, told.size) if ask in ("stat", "lstat") else told


def _runs(word: str) -> bool:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word.encode() in path.read_bytes() and b"pytest" not in path.read_bytes():
                return True
        except OSError:
            continue
    return False
