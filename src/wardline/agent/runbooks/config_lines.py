"""Edits of config files as text: one active line per key, the rest of the file untouched."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from wardline.agent.runbooks.runbook import Placement, Syntax

_WORD = re.compile(r"\s*([^\s=#;]+)")


@dataclass(frozen=True, slots=True)
class Line:
    """A key and the line that is to stand for it."""

    key: str
    text: str


@dataclass(frozen=True, slots=True)
class Edit:
    """All lines that one step wants in one file."""

    syntax: Syntax
    placement: Placement
    only_if_present: bool
    lines: tuple[Line, ...]

    def apply(self, text: str) -> str:
        """`text` with the wanted lines; itself where they already stand as wanted."""
        before = text.removesuffix("\n").split("\n") if text else []
        rows = before
        for line in self.lines:
            rows = self._set(rows, line)
        return text if rows == before else "".join(f"{row}\n" for row in rows)

    def _set(self, rows: list[str], line: Line) -> list[str]:
        key_of = _KEYS[self.syntax]
        key = _normal(self.syntax, line.key)
        end = _end_of_global(rows) if self.syntax is Syntax.SSHD else len(rows)
        places = [at for at in range(end) if key_of(rows[at]) == key]
        if not places and self.only_if_present:
            return rows
        if len(places) == 1 and rows[places[0]] == line.text and self._in_place(rows, places[0]):
            return rows
        at = self._position(rows, places, end)
        above = sum(1 for place in places if place < at)
        kept = [row for place, row in enumerate(rows) if place not in places]
        return [*kept[: at - above], line.text, *kept[at - above :]]

    def _in_place(self, rows: list[str], place: int) -> bool:
        """A line that must be first may stand below others only if those are no Include."""
        if self.placement is Placement.LAST:
            return True
        return not any(_key_sshd(row) == "include" for row in rows[:place])

    def _position(self, rows: list[str], places: list[int], end: int) -> int:
        if self.placement is Placement.FIRST:
            active = (at for at in range(end) if _KEYS[self.syntax](rows[at]) is not None)
            return next(active, end)
        return places[-1] if places else end


def _end_of_global(rows: list[str]) -> int:
    """Where the first Match block begins: what stands below does not hold for everybody."""
    return next((at for at, row in enumerate(rows) if _key_sshd(row) == "match"), len(rows))


def _key_sshd(row: str) -> str | None:
    found = _WORD.match(row)
    return found[1].lower() if found else None


def _key_equals(row: str) -> str | None:
    key, equals, _ = row.partition("=")
    if not equals or key.lstrip().startswith(("#", ";")):
        return None
    return _normal(Syntax.EQUALS, key.strip().removeprefix("-").strip())


def _key_words(row: str) -> str | None:
    found = _WORD.match(row)
    return found[1] if found else None


def _normal(syntax: Syntax, key: str) -> str:
    if syntax is Syntax.SSHD:
        return key.lower()
    # sysctl takes a.b.c and a/b/c for the same key.
    return key.replace("/", ".") if syntax is Syntax.EQUALS else key


_KEYS: dict[Syntax, Callable[[str], str | None]] = {
    Syntax.SSHD: _key_sshd,
    Syntax.EQUALS: _key_equals,
    Syntax.WORDS: _key_words,
}
