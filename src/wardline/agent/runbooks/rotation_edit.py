"""Edits of logrotate's files as text: the blocks that are for a log keep enough days of it.

Source: logrotate.conf(5). Only lines that say how often, how many and how old are touched, and only
in blocks that name one of the logs; scripts and comments are carried through.
"""

import fnmatch
import math
import re
from dataclasses import dataclass

from wardline.agent.runbooks.views import View

# Days between two turns; what turns more often than daily is made daily.
PERIODS = {"daily": 1, "weekly": 7, "monthly": 30, "yearly": 365}
_TOO_OFTEN = "hourly"
_SCRIPTS = ("prerotate", "postrotate", "firstaction", "lastaction", "preremove")
_NUMBER = re.compile(r"-?\d{1,6}")
_INDENT = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class RotationEdit:
    """The blocks for any of `logs` keep at least `days`; a file that is not there stays so."""

    logs: tuple[str, ...]
    days: int

    only_if_present = True
    view = View.WHOLE

    def apply(self, text: str) -> str:
        """`text` with the blocks changed that keep too little."""
        lines = text.split("\n")
        for first, last in reversed(_blocks(lines, self.logs)):
            lines[first:last] = self._kept(lines[first:last])
        return "\n".join(lines)

    def _kept(self, inside: list[str]) -> list[str]:
        """The lines of one block, between its braces."""
        kept, added = list(inside), list[str]()
        settings = _settings(inside)
        indent = next((_leading(inside[at]) for at in settings), "\t")
        turns = [at for at, words in settings.items() if words[0] in (*PERIODS, _TOO_OFTEN)]
        period = settings[turns[-1]][0] if turns else "weekly"
        if not turns:
            added.append(f"{indent}{period}")
        elif period == _TOO_OFTEN:
            period = "daily"
            kept[turns[-1]] = f"{_leading(inside[turns[-1]])}{period}"
        least = math.ceil(self.days / PERIODS[period])
        counts = [at for at, words in settings.items() if words[0] == "rotate"]
        for at in counts:
            count = _number(settings[at])
            if count is None or 0 <= count < least:
                kept[at] = f"{_leading(inside[at])}rotate {least}"
        if not counts:
            added.append(f"{indent}rotate {least}")
        for at in (at for at, words in settings.items() if words[0] == "maxage"):
            age = _number(settings[at])
            if age is None or age < self.days:
                kept[at] = f"{_leading(inside[at])}maxage {self.days}"
        return [*added, *kept]


def _blocks(lines: list[str], logs: tuple[str, ...]) -> list[tuple[int, int]]:
    """The blocks that name one of the logs: their first line inside, and the line of their `}`."""
    found, names, begin, script = list[tuple[int, int]](), list[str](), -1, False
    for at, line in enumerate(lines):
        text = line.strip()
        if script:
            script = text != "endscript"
        elif not text or text.startswith("#"):
            continue
        elif text.split()[0] in _SCRIPTS:
            script = True
        elif text.startswith("}"):
            if begin >= 0 and _covers(names, logs):
                found.append((begin, at))
            names, begin = [], -1
        elif begin < 0 and (text[0] in "/\"'" or names):
            names += [word.strip("\"'") for word in text.rstrip("{").split()]
            if text.endswith("{"):
                begin = at + 1
    return found


def _covers(names: list[str], logs: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(log, name) for name in names for log in logs)


def _settings(inside: list[str]) -> dict[int, list[str]]:
    """The words of each line that sets something, by its place: a script's own words do not."""
    found, script = dict[int, list[str]](), False
    for at, line in enumerate(inside):
        words = line.split()
        if script:
            script = words != ["endscript"]
        elif words and words[0] in _SCRIPTS:
            script = True
        elif words and not words[0].startswith("#"):
            found[at] = words
    return found


def _number(words: list[str]) -> int | None:
    """A negative count keeps all of them."""
    return int(words[1]) if len(words) > 1 and _NUMBER.fullmatch(words[1]) else None


def _leading(line: str) -> str:
    found = _INDENT.match(line)
    return found[0] if found else ""
