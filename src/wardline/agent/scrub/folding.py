"""A plain view of text in which look-alikes and invisible characters hide nothing.

Fullwidth and other compatibility digits and letters become ASCII, every dash `-`, every space a
space; what shows nothing (zero width, soft hyphen, combining marks, direction marks) is left out.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

_CACHED_MAX: Final = 2048
# Letters of other scripts that look like those of ours in numbers and ids are no concern: an id
# written with them is not one that a machine would take.
_SPACES = frozenset({"Zs"})
_DASHES = frozenset({"Pd"})
_UNSEEN = frozenset({"Cf", "Mn", "Me"})
_MINUS = "\u2212\u2043\u02d7"
_UNSEEN_TOO = "\u115f\u1160\u3164\uffa0\u00ad"
_NON_ASCII = re.compile(r"[^\x00-\x7f]")
_FOLDED: dict[str, str] = {}


class Folded:
    """`text` as it looks; `span` gives the place in the original of a place in `text`."""

    __slots__ = ("_places", "text")

    def __init__(self, text: str, places: Sequence[int] | None) -> None:
        self.text = text
        self._places = places

    def span(self, start: int, end: int) -> tuple[int, int]:
        """From the first character to behind the last, what is unseen inside included."""
        if self._places is None:
            return start, end
        return self._places[start], self._places[end - 1] + 1


def fold(raw: str) -> Folded:
    """Linear in `raw`; ASCII is its own view."""
    if raw.isascii():
        return Folded(raw, None)
    text = _NON_ASCII.sub(_fold, raw)
    if len(text) == len(raw) and not _moves(raw):
        return Folded(text, None)
    places: list[int] = []
    for at, char in enumerate(raw):
        places.extend([at] * (1 if char.isascii() else len(_folded(char))))
    return Folded(text, places)


def _moves(raw: str) -> bool:
    return any(len(_folded(found[0])) != 1 for found in _NON_ASCII.finditer(raw))


def _fold(found: re.Match[str]) -> str:
    return _folded(found[0])


def _folded(char: str) -> str:
    known = _FOLDED.get(char)
    if known is None:
        if len(_FOLDED) >= _CACHED_MAX:
            _FOLDED.clear()
        known = _FOLDED[char] = _plain(char)
    return known


def _plain(char: str) -> str:
    category = unicodedata.category(char)
    if category in _UNSEEN or char in _UNSEEN_TOO:
        return ""
    if category in _SPACES:
        return " "
    if category in _DASHES or char in _MINUS:
        return "-"
    decimal = unicodedata.decimal(char, None)
    if decimal is not None:
        return str(decimal)
    plain = unicodedata.normalize("NFKD", char)
    kept = "".join(one for one in plain if unicodedata.category(one) not in _UNSEEN)
    return kept if kept and kept.isascii() and len(kept) <= 4 else char
