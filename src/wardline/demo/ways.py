"""What can befall a file of a host: each is made here, and happens once until it is repaired."""

import os
from collections.abc import Callable
from pathlib import Path

from wardline.core import clock

SYSTEMD = "etc/systemd/system"
WANTED = f"{SYSTEMD}/multi-user.target.wants"
UNITS = "usr/lib/systemd/system"
DAY_S = 86400
# The time of a snapshot after which no other was made: 2020-01-01.
STOPPED_S = 1_577_836_800

# Says whether it changed anything: what is broken stays so.
Way = Callable[[Path], bool]


def mode(path: str, mode: int) -> Way:
    def apply(folder: Path) -> bool:
        if (folder / path).stat().st_mode & 0o7777 == mode:
            return False
        (folder / path).chmod(mode)
        return True

    return apply


def line(path: str, key: str, line: str) -> Way:
    """Another value for a key that the file has."""

    def apply(folder: Path) -> bool:
        rows = (folder / path).read_text().split("\n")
        places = [at for at, row in enumerate(rows) if row.split()[:1] == [key]]
        if not places or rows[places[-1]] == line:
            return False
        rows[places[-1]] = line
        _write(folder / path, "\n".join(rows))
        return True

    return apply


def without(path: str, key: str) -> Way:
    """The file, where there is one, without the lines that begin with `key`."""

    def apply(folder: Path) -> bool:
        if not (folder / path).exists():
            return False
        rows = (folder / path).read_text().split("\n")
        kept = [row for row in rows if row.split()[:1] != [key]]
        if kept == rows:
            return False
        _write(folder / path, "\n".join(kept))
        return True

    return apply


def each(*drifts: Way) -> Way:
    """All of them: a repair may have left its own file beside the one that drifted first."""

    def apply(folder: Path) -> bool:
        changed = [drift(folder) for drift in drifts]
        return any(changed)

    return apply


def stopped(path: str) -> Way:
    """A file that was last written long ago."""

    def apply(folder: Path) -> bool:
        if (folder / path).stat().st_mtime == STOPPED_S:
            return False
        os.utime(folder / path, (STOPPED_S, STOPPED_S))
        return True

    return apply


def text(path: str, text: str) -> Way:
    def apply(folder: Path) -> bool:
        if (folder / path).read_text() == text:
            return False
        _write(folder / path, text)
        return True

    return apply


def disabled(unit: str, wanted: str = WANTED) -> Way:
    def apply(folder: Path) -> bool:
        link = folder / wanted / unit
        if not link.is_symlink():
            return False
        link.unlink()
        return True

    return apply


def replaced(path: str, old: str, new: str) -> Way:
    def apply(folder: Path) -> bool:
        text = (folder / path).read_text()
        if old not in text:
            return False
        _write(folder / path, text.replace(old, new, 1))
        return True

    return apply


def enabled(unit: str, wanted_by: str, text: str | None = None) -> Way:
    """A unit that starts at boot; with `text`, one that the administrator's folder has not yet."""

    def apply(folder: Path) -> bool:
        link = folder / f"etc/systemd/system/{wanted_by}.wants/{unit}"
        if link.is_symlink():
            return False
        link.parent.mkdir(parents=True, exist_ok=True)
        if text is not None:
            (folder / "etc/systemd/system" / unit).write_text(text)
        link.symlink_to(f"/{UNITS}/{unit}" if text is None else f"/etc/systemd/system/{unit}")
        return True

    return apply


def made(path: str, content: str) -> Way:
    """A file that somebody puts there."""

    def apply(folder: Path) -> bool:
        if (folder / path).exists():
            return False
        (folder / path).write_text(content)
        return True

    return apply


def gone(path: str) -> Way:
    """A file that is removed where it is there, as one that a repair has left."""

    def apply(folder: Path) -> bool:
        there = (folder / path).exists()
        (folder / path).unlink(missing_ok=True)
        return there

    return apply


def without_end(name: str) -> Way:
    """A password that was set today and never ends, for an account of shadow(5)."""

    def apply(folder: Path) -> bool:
        rows = (folder / "etc/shadow").read_text().split("\n")
        at = next(at for at, row in enumerate(rows) if row.startswith(f"{name}:"))
        today = int(clock.system().timestamp()) // DAY_S
        wanted = f"{name}:$6$demo$demo:{today}:0:99999:7:::"
        if rows[at] == wanted:
            return False
        rows[at] = wanted
        _write(folder / "etc/shadow", "\n".join(rows))
        return True

    return apply


def _write(path: Path, text: str) -> None:
    """At once or not at all, as an editor does: the agent may be reading."""
    status = path.stat()
    fresh = path.with_name(f".{path.name}.new")
    fresh.write_text(text)
    fresh.chmod(status.st_mode & 0o7777)
    fresh.replace(path)
