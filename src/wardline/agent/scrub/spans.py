"""Places in a text: of what was found, of marks, of lines; and where a text may be cut."""

import bisect
import re
from collections.abc import Iterable

from wardline.agent.scrub.marks import Kind

Place = tuple[int, int]
Span = tuple[int, int, Kind, str]

# How far a rule looks beyond its own line.
LINES_ABOUT = 2
_WORD = re.compile(r"\w")


def word_at_end(text: str) -> int:
    """How long the word is that a cut may have halved; all of a text without any blank."""
    return len(text) - max(text.rfind(" "), text.rfind("\n"), text.rfind("\t")) - 1


def lines_about(text: str, places: list[Place]) -> Iterable[Place]:
    """The lines with these places and LINES_ABOUT beside them, those that touch as one."""
    begun: Place | None = None
    for first, last in places:
        start, end = first, last
        for _ in range(LINES_ABOUT + 1):
            start = max(0, text.rfind("\n", 0, max(0, start)))
            end = text.find("\n", min(end + 1, len(text)))
            end = len(text) if end < 0 else end
        if begun is not None and start <= begun[1]:
            begun = (begun[0], max(begun[1], end))
            continue
        if begun is not None:
            yield begun
        begun = (start, end)
    if begun is not None:
        yield begun


def outside(marks: list[tuple[int, int]], span: Span, text: str) -> Iterable[Span]:
    """What was found, less the marks of an earlier pass; a piece without a letter is none."""
    start, end, kind, _ = span
    at = bisect.bisect_right(marks, (start, start)) - 1
    at = at if at >= 0 and marks[at][1] > start else at + 1
    if at >= len(marks) or marks[at][0] >= end:
        yield span
        return
    while start < end:
        first, last = marks[at] if at < len(marks) else (end, end)
        first = min(first, end)
        if first > start and _WORD.search(text, start, first):
            yield start, first, kind, text[start:first]
        start, at = max(start, last), at + 1


def apart(found: list[Span], text: str) -> list[Span]:
    """In order and apart: those that overlap are one, of the kind that was found first."""
    ranked = sorted(enumerate(found), key=lambda one: (one[1][0], one[1][1], one[0]))
    apart: list[tuple[int, Span]] = []
    for rank, span in ranked:
        if not apart or span[0] >= apart[-1][1][1]:
            apart.append((rank, span))
            continue
        before_rank, before = apart[-1]
        start, end = before[0], max(before[1], span[1])
        first = min((before_rank, before), (rank, span), key=lambda one: one[0])
        is_whole = (first[1][0], first[1][1]) == (start, end)
        value = first[1][3] if is_whole else text[start:end]
        apart[-1] = (first[0], (start, end, first[1][2], value))
    return [span for _, span in apart]
