"""File trees for tests: a healthy clinic host, changed in one named way after the other."""

import os
import shutil
from pathlib import Path
from typing import Any

from wardline.agent.hosts.host import CannotRun, Kind, Output, Space
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
        return Space(*self._spaces[path])


def clinic(folder: Path) -> Path:
    """A host on which every check passes."""
    trees.build(folder, "reception-pc")
    return folder


def copy(source: Path, folder: Path) -> Path:
    """The same tree again, links and modes included."""
    return Path(shutil.copytree(source, folder, symlinks=True))


def change(root: Path, case: dict[str, Any]) -> None:
    """Carry out what a case says: remove, files, copies, append, replace, links, make, modes, ages
    (hours since a file was written; less than none is the future)."""
    for path in case.get("remove", []):
        target = root / path
        shutil.rmtree(target) if target.is_dir() else target.unlink()
    for path, text in case.get("files", {}).items():
        _parent(root / path).write_bytes(text.encode("latin-1"))
    for path, source in case.get("copies", {}).items():
        shutil.copyfile(DATA / source, _parent(root / path))
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
        case "long line":
            path.write_bytes(b"# " + b"x" * (MEBIBYTE - 8) + b"\n")
        case "blanks":
            blanks = " " * (MEBIBYTE - 1000)
            status = "Status: install ok installed\nArchitecture: all"
            path.write_text(f"Package: x\n{status}\nVersion: 1{blanks}2\n")
        case "open comments":
            path.write_text("/* \n" * (MEBIBYTE // 4))
        case "open brackets":
            path.write_text("auth [[[[[[[[\\\n" * (MEBIBYTE // 16))
        case "patterns":
            path.write_text("".join(f"a{number}*=1\n" for number in range(100_000)))
        case "quotes":
            path.write_text(("Banner " + '"a" ' * 2000 + "\n") * 100)
        case "digits":
            path.write_text("[[backup]]\nmax_age_hours = " + "9" * 7000 + "\n")
        case "blank lines":
            path.write_text("\n" * MEBIBYTE)
        case "open tags":
            path.write_text("<zone\n" * (64 * 1024 // 6))
        case "audit rules":
            path.write_text("-w /etc/x -p wa -k x\n" * (MEBIBYTE // 21))
        case "statements of nft":
            path.write_text("add rule inet f in tcp dport { 1, 2 } drop\n" * 5001)
        case "many files":
            path.mkdir()
            for number in range(4001):
                (path / f"{number:064x}").touch()
        case _:
            raise ValueError(what)


def _parent(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
