"""File trees for tests: a healthy clinic host, changed in one named way after the other."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.unit.agent import certificates
from wardline.agent.hosts.host import CannotRun, Failed, Kind, Output, Space
from wardline.agent.hosts.queries import Query
from wardline.agent.hosts.tree import TreeHost
from wardline.core import clock
from wardline.demo import trees

DATA = Path(__file__).parents[2] / "data"
MEBIBYTE = 1024 * 1024


class RecordedHost(TreeHost):
    """A tree that answers as a live host does, for what was recorded: files under its /proc,
    `answers` of its programs (query id to what it wrote, or to `data`, the file that holds it),
    `spaces` of its file systems."""

    kind = Kind.LOCAL

    def __init__(self, root: str, case: dict[str, Any]) -> None:
        super().__init__("host", "host", root, writable=False)
        self._answers: dict[str, Any] = case.get("answers", {})
        self._spaces: dict[str, list[int]] = case.get("spaces", {})

    def ask(self, query: Query) -> Output:
        answer = self._answers.get(query.id)
        if answer is None:
            raise CannotRun(query.argv[0], "there is no such program")
        if isinstance(answer, str):
            answer = {"stdout": answer}
        if "data" in answer:
            stdout = (DATA / answer["data"]).read_bytes()
        else:
            stdout = answer.get("stdout", "").encode("latin-1")
        stderr = answer.get("stderr", "").encode("latin-1")
        return Output(answer.get("exit_code", 0), stdout, stderr, len(stdout) > query.bytes_max, 1)

    def space(self, path: str) -> Space:
        if path not in self._spaces:
            raise Failed(path, "Permission denied")
        return Space(*self._spaces[path])


def clinic(folder: Path) -> Path:
    """A host on which every check passes."""
    trees.build(folder, "reception-pc")
    return folder


def copy(source: Path, folder: Path) -> Path:
    """The same tree again, links and modes included."""
    return Path(shutil.copytree(source, folder, symlinks=True))


def change(root: Path, case: dict[str, Any]) -> None:
    """Carry out what a case says: remove, files, copies, certificates, append, replace, links,
    make, modes, ages (hours since a file was written; less than none is the future)."""
    for path in case.get("remove", []):
        target = root / path
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    for path, text in case.get("files", {}).items():
        _parent(root / path).write_bytes(text.encode("latin-1"))
    for path, source in case.get("copies", {}).items():
        shutil.copyfile(DATA / source, _parent(root / path))
    for path, specs in case.get("certificates", {}).items():
        _parent(root / path).write_text("".join(certificates.pem(**spec) for spec in specs))
    for path, text in case.get("append", {}).items():
        with (root / path).open("a") as file:
            file.write(text)
    for path, (old, new) in case.get("replace", {}).items():
        before = (root / path).read_text()
        assert old in before, f"the case wants to replace what is not there: {old}"
        (root / path).write_text(before.replace(old, new, 1))
    for path, target in case.get("links", {}).items():
        _parent(root / path).unlink(missing_ok=True)
        (root / path).symlink_to(target)
    for path, what in case.get("make", {}).items():
        make(root / path, what)
    for path, mode in case.get("modes", {}).items():
        (root / path).chmod(int(mode, 8))
    for path, hours in case.get("ages", {}).items():
        written = clock.system().timestamp() - hours * 3600
        os.utime(root / path, (written, written))


def make(path: Path, what: str) -> None:
    """Put something hostile in place of a file."""
    shutil.rmtree(path) if path.is_dir() else _parent(path).unlink(missing_ok=True)
    match what:
        case "fifo":
            os.mkfifo(path)
        case "directory":
            path.mkdir()
        case "50 MiB":
            with path.open("wb") as file:
                file.truncate(50 * MEBIBYTE)
        case "binary":
            path.write_bytes(bytes(range(256)) * 64)
        case "bad UTF-8":
            path.write_bytes(b"# caf\xe9 \xff\xfe\n")
        case "many files":
            path.mkdir()
            for number in range(4001):
                (path / f"{number:064x}").touch()
        case _:
            path.write_text(HOSTILE_TEXTS[what]())


def _repeated(text: str, times: int) -> Callable[[], str]:
    """Made when it is asked for: a megabyte of each would stay in memory otherwise."""
    return lambda: text * times


def _numbered(text: str, numbers: int) -> Callable[[], str]:
    return lambda: "".join(text.format(n) for n in range(numbers))


_BLANKS = "Package: x\nStatus: install ok installed\nArchitecture: all\nVersion: 1{}2\n"
_SHARE = "/dev/d{0} /s/{0} ext4 rw 0 0\nx /s/{0}/x nfs rw 0 0\n"
_SOCKET = "  0: 0200A8C0:0016 0900A8C0:C350 01 0:0 02:000A0000 0 0 0 1004 2 0 20 4 0 10 -1\n"
HOSTILE_TEXTS: dict[str, Callable[[], str]] = {
    "long line": lambda: "# " + "x" * (MEBIBYTE - 8) + "\n",
    "blanks": lambda: _BLANKS.format(" " * (MEBIBYTE - 1000)),
    "blank lines": _repeated("\n", MEBIBYTE),
    "open comments": _repeated("/* \n", MEBIBYTE // 4),
    "open brackets": _repeated("auth [[[[[[[[\\\n", MEBIBYTE // 16),
    "open tags": _repeated("<zone\n", 64 * 1024 // 6),
    "patterns": _numbered("a{0}*=1\n", 100_000),
    "accounts": _numbered("a{0}:x:{0}:0:::\n", 40_000),
    "colons": _repeated(":" * 8000 + "\n", 120),
    "mounts": _numbered("/dev/d{0} /m/{0} ext4 rw 0 0\n", 30_000),
    "shares": lambda: "x /s nfs rw 0 0\n" + _numbered(_SHARE, 18_000)(),
    "line ends": _repeated("\n", MEBIBYTE - 1),
    "sockets": lambda: "  sl  local_address\n" + _SOCKET * 200_000,
    "certificates": _repeated("  ssl_certificate " * 400 + "\n", 140),
    "quotes": _repeated("Banner " + '"a" ' * 2000 + "\n", 100),
    "digits": lambda: "[[backup]]\nmax_age_hours = " + "9" * 7000 + "\n",
    "sources of apt": _repeated("deb http://deb.debian.org/debian x main\n", 1001),
    "shares of samba": _numbered("[s{0}]\npath = /srv\n", 4000),
    "audit rules": _repeated("-w /etc/x -p wa -k x\n", MEBIBYTE // 21),
    "statements of nft": _repeated("add rule inet f in tcp dport { 1, 2 } drop\n", 5001),
}


def _parent(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
