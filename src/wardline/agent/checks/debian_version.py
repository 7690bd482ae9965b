"""The order of Debian package versions.

Source: Debian Policy, section 5.6.12 (Version): epoch, then upstream version, then revision.
"""

import re
from dataclasses import dataclass
from functools import total_ordering
from itertools import zip_longest

_FORM = re.compile(r"(?:([0-9]{1,9}):)?([A-Za-z0-9][A-Za-z0-9.+~:-]*?)(?:-([A-Za-z0-9.+~]+))?")
_PARTS = re.compile(r"([^0-9]*)([0-9]*)")
VERSION_CHARS_MAX = 256


@total_ordering
@dataclass(frozen=True, slots=True, eq=False)
class Version:
    """A version in its three parts; the text is not kept, since `1.0` and `1.0-0` are equal."""

    epoch: int
    upstream: str
    revision: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and _order(self, other) == 0

    def __lt__(self, other: "Version") -> bool:
        return _order(self, other) < 0

    def __hash__(self) -> int:
        # Equal versions may be written differently, with zeros: only the epoch is surely equal.
        return hash(self.epoch)


def parse(text: str) -> Version:
    """The version; ValueError where the text is none."""
    found = _FORM.fullmatch(text) if len(text) <= VERSION_CHARS_MAX else None
    if found is None or (found[1] is None and ":" in found[2]):
        raise ValueError("not a Debian version")
    return Version(int(found[1] or 0), found[2], found[3] or "")


def _order(one: Version, other: Version) -> int:
    if one.epoch != other.epoch:
        return 1 if one.epoch > other.epoch else -1
    return _compare(one.upstream, other.upstream) or _compare(one.revision, other.revision)


def _compare(one: str, other: str) -> int:
    """Text and number in turn: text by _rank, where the end sorts before all but `~`."""
    pairs = zip_longest(_PARTS.findall(one), _PARTS.findall(other), fillvalue=("", ""))
    for (text, number), (other_text, other_number) in pairs:
        for char, other_char in zip_longest(text, other_text, fillvalue=""):
            difference = _rank(char) - _rank(other_char)
            if difference:
                return difference
        difference = int(number or 0) - int(other_number or 0)
        if difference:
            return difference
    return 0


def _rank(char: str) -> int:
    """`~` before the end, the end before letters, letters before everything else."""
    if char == "~":
        return -1
    if not char:
        return 0
    return ord(char) if char.isalpha() else ord(char) + 256
