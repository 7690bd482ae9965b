"""What a host's files are at one moment, and how some of them are put back from a copy."""

import hashlib
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

# What of a host a repair may change; programs and their state are not looked at.
# What a host keeps of a revert that it was armed with is not one of them.
REVERTS = "var/lib/wardline/reverts"
SEEN = ("etc", "home", "opt", "srv", "usr/lib/systemd", "var", "proc/sys")
Picture = dict[str, tuple[object, ...]]


def take(root: Path) -> Picture:
    """Mode, owner and content of everything that a repair could touch, by path."""
    found: Picture = {}
    for top in SEEN:
        for path in (root / top).rglob("*"):
            if path.is_relative_to(root / REVERTS):
                continue
            status = path.lstat()
            content = str(path.readlink()) if path.is_symlink() else ""
            if not content and path.is_file():
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            owner = (status.st_uid, status.st_gid)
            found[str(path.relative_to(root))] = (status.st_mode, owner, content)
    return found


def differing(one: Picture, other: Picture) -> list[str]:
    return sorted(path for path in {*one, *other} if one.get(path) != other.get(path))


def put(source: Path, root: Path, paths: Iterable[str]) -> None:
    """Make these paths below `root` what they are below `source`, absence included."""
    for path in sorted(paths, reverse=True):
        target = root / path
        if target.is_symlink() or target.is_file():
            target.unlink()
        elif target.is_dir() and not (source / path).exists():
            target.rmdir()
    for path in sorted(paths):
        if (source / path).is_symlink() or (source / path).exists():
            _copy(source / path, root / path)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir() and not source.is_symlink():
        target.mkdir(exist_ok=True)
    else:
        shutil.copyfile(source, target, follow_symlinks=False)
    if not source.is_symlink():
        status = source.stat()
        if os.geteuid() == 0:
            os.chown(target, status.st_uid, status.st_gid)
        shutil.copystat(source, target)
