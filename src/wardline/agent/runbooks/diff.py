"""Unified diffs of what a run changes: as quick as the file is long, within what evidence takes."""

import difflib
import re
from collections.abc import Iterator

from wardline.core.evidence.bundle import DIFF_BYTES_MAX

# None: a neighbouring line is no part of the change, and may be anything.
CONTEXT_LINES = 0
# Beyond this many differing lines the search for what stayed costs more than it shows.
COMPARED_LINES_MAX = 500

_HUNK = re.compile(r"@@ -(\d+)((?:,\d+)?) \+(\d+)((?:,\d+)?) @@")


def of_bytes(path: str, before: bytes | None, after: bytes | None) -> str:
    """The diff of a file's content; empty where nothing changes."""
    if after is None or before == after:
        return ""
    old = (before or b"").decode("utf-8", "backslashreplace")
    return of_texts(path, old, after.decode("utf-8", "backslashreplace"))


def of_texts(path: str, before: str, after: str) -> str:
    """The diff of two texts, cut at the end where it is longer than evidence takes."""
    lines = _unified(path, before.splitlines(), after.splitlines())
    return fit("".join(f"{line}\n" for line in lines), DIFF_BYTES_MAX, from_end=False)


def fit(text: str, bytes_max: int, *, from_end: bool) -> str:
    """Whole lines of `text` within `bytes_max` bytes; what is cut is said."""
    text = text.replace("\x00", "\\x00")
    data = text.encode()
    if len(data) <= bytes_max:
        return text
    mark = "[cut]\n"
    room = bytes_max - len(mark) - 1
    if from_end:
        return mark + data[-room:].decode("utf-8", "ignore").partition("\n")[2]
    return data[:room].decode("utf-8", "ignore").rpartition("\n")[0] + "\n" + mark


def _unified(path: str, old: list[str], new: list[str]) -> Iterator[str]:
    """What both begin and end with is set aside first; it is nearly all of a config file."""
    start = _common(old, new, 0)
    end = _common(old[::-1], new[::-1], start)
    first = max(0, start - CONTEXT_LINES)
    last = max(0, end - CONTEXT_LINES)
    old, new = old[first : len(old) - last], new[first : len(new) - last]
    if max(len(old), len(new)) > COMPARED_LINES_MAX:
        yield from (f"--- {path}", f"+++ {path}")
        yield f"@@ -{first + 1},{len(old)} +{first + 1},{len(new)} @@"
        yield from (f"-{line}" for line in old)
        yield from (f"+{line}" for line in new)
        return
    for line in difflib.unified_diff(old, new, path, path, lineterm="", n=CONTEXT_LINES):
        yield _HUNK.sub(lambda found: _moved(found, first), line) if line[:2] == "@@" else line


def _common(old: list[str], new: list[str], taken: int) -> int:
    """How many lines both begin with, `taken` lines at the other end being taken already."""
    most = min(len(old), len(new)) - taken
    return next((at for at in range(most) if old[at] != new[at]), max(0, most))


def _moved(hunk: re.Match[str], lines: int) -> str:
    return f"@@ -{int(hunk[1]) + lines}{hunk[2]} +{int(hunk[3]) + lines}{hunk[4]} @@"
