"""Edits of config files as text: one active line per key, the rest of the file untouched."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from wardline.agent.runbooks.views import View

_WORD = re.compile(r"\s*([^\s=#;]+)")
_HEADER = re.compile(r"\s*\[([^\]]*)\]\s*")
_DEFAULTS = re.compile(r"\s*Defaults\s+!?([a-z_]+)\s*(?:[-+]?=.*)?")


class Placement(StrEnum):
    """Where a line goes: before the first setting of a file, or after the last."""

    FIRST = "first"
    LAST = "last"


class Syntax(StrEnum):
    """How the key of a config line is found."""

    SSHD = "sshd"
    EQUALS = "equals"
    WORDS = "words"
    # `key = value` within one [section], which is made where the file has none.
    SECTION = "section"
    # `Defaults key` and `Defaults key=value` of sudoers(5), those for everybody alone.
    SUDOERS = "sudoers"


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
    section: str = ""

    view = View.WHOLE

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
        if self.syntax is Syntax.SECTION and not self.only_if_present:
            rows = _with_section(rows, self.section)
        begin, end = self._part(rows)
        places = [at for at in range(begin, end) if key_of(rows[at]) == key]
        if not places and self.only_if_present:
            return rows
        if len(places) == 1 and rows[places[0]] == line.text and self._in_place(rows, places[0]):
            return rows
        at = self._position(rows, places, begin, end)
        above = sum(1 for place in places if place < at)
        kept = [row for place, row in enumerate(rows) if place not in places]
        return [*kept[: at - above], line.text, *kept[at - above :]]

    def _part(self, rows: list[str]) -> tuple[int, int]:
        """Where the part begins and ends in which the lines have their effect."""
        match self.syntax:
            case Syntax.SSHD:
                return 0, _end_of_global(rows)
            case Syntax.SECTION:
                return _bounds(rows, self.section)
            case _:
                return 0, len(rows)

    def _in_place(self, rows: list[str], place: int) -> bool:
        """A line that must be first may stand below others only if those are no Include."""
        if self.placement is Placement.LAST:
            return True
        return not any(_key_sshd(row) == "include" for row in rows[:place])

    def _position(self, rows: list[str], places: list[int], begin: int, end: int) -> int:
        if self.placement is Placement.FIRST:
            active = (at for at in range(begin, end) if _KEYS[self.syntax](rows[at]) is not None)
            return next(active, end)
        return places[-1] if places else end


def _end_of_global(rows: list[str]) -> int:
    """Where the first Match block begins: what stands below does not hold for everybody."""
    return next((at for at, row in enumerate(rows) if _key_sshd(row) == "match"), len(rows))


def _with_section(rows: list[str], section: str) -> list[str]:
    if any(_section_of(row) == section.lower() for row in rows):
        return rows
    return [*rows, f"[{section}]"]


def _bounds(rows: list[str], section: str) -> tuple[int, int]:
    """The lines of the last section of that name, without the empty ones that end it; none where
    there is no such section."""
    headers = [at for at, row in enumerate(rows) if _section_of(row) == section.lower()]
    if not headers:
        return len(rows), len(rows)
    begin = headers[-1] + 1
    after = (at for at in range(begin, len(rows)) if _section_of(rows[at]) is not None)
    end = next(after, len(rows))
    while end > begin and not rows[end - 1].strip():
        end -= 1
    return begin, end


def _section_of(row: str) -> str | None:
    found = _HEADER.fullmatch(row)
    return found[1].strip().lower() if found else None


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


def _key_section(row: str) -> str | None:
    key, equals, _ = row.partition("=")
    if not equals or key.lstrip().startswith(("#", ";")):
        return None
    return _normal(Syntax.SECTION, key)


def _key_sudoers(row: str) -> str | None:
    found = _DEFAULTS.fullmatch(row)
    return found[1] if found else None


def _normal(syntax: Syntax, key: str) -> str:
    if syntax is Syntax.SSHD:
        return key.lower()
    # smb.conf(5): neither case nor blanks of a name count.
    if syntax is Syntax.SECTION:
        return "".join(key.split()).lower()
    # sysctl takes a.b.c and a/b/c for the same key.
    return key.replace("/", ".") if syntax is Syntax.EQUALS else key


_KEYS: dict[Syntax, Callable[[str], str | None]] = {
    Syntax.SSHD: _key_sshd,
    Syntax.EQUALS: _key_equals,
    Syntax.WORDS: _key_words,
    Syntax.SECTION: _key_section,
    Syntax.SUDOERS: _key_sudoers,
}
