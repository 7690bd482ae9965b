"""For how many days logrotate keeps each log, as its own files say.

Source: logrotate.conf(5). What stands outside of blocks holds for the blocks after it; `include`
reads a file or a folder; scripts end with `endscript`.
"""

import fnmatch
import re
from dataclasses import dataclass, replace

from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.hosts.host import FileKind, Missing

PATH = "/etc/logrotate.conf"
DEPTH_MAX = 4
FILES_MAX = 256
BLOCKS_MAX = 1000
DAYS = {"hourly": 0, "daily": 1, "weekly": 7, "monthly": 30, "yearly": 365}
_SCRIPTS = ("prerotate", "postrotate", "firstaction", "lastaction", "preremove")
# What logrotate passes over in a folder: its own default of tabooext.
_TABOO = re.compile(
    r".*(?:\.rpm(?:save|orig|new)|\.dpkg-(?:old|dist|new|tmp|bak)|\.cfsaved|\.disabled"
    r"|\.swp|\.bak|\.orig|,v|~)"
)


@dataclass(frozen=True, slots=True)
class Kept:
    """How often a log is turned over, how many old ones stay, and the most days of one."""

    period_days: int = 7
    count: int = 0
    age_days_max: int | None = None

    @property
    def days(self) -> int:
        """Days of history at least, where the log is turned over by time alone."""
        history = self.period_days * self.count
        return history if self.age_days_max is None else min(history, self.age_days_max)


@dataclass(frozen=True, slots=True)
class Block:
    """The names (globs) that one block is for."""

    patterns: tuple[str, ...]
    kept: Kept
    path: str

    def covers(self, log: str) -> bool:
        return any(fnmatch.fnmatchcase(log, pattern) for pattern in self.patterns)


def read(probe: Probe) -> list[Block]:
    """Every block of the main file and of what it includes; Missing where there is no main file."""
    reading = _Reading(probe)
    reading.file(PATH, Kept(), 0)
    return reading.blocks


class _Reading:
    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._files = 0
        self.blocks: list[Block] = []

    def file(self, path: str, kept: Kept, depth: int) -> Kept:
        """Read one file; what it leaves to hold for what comes after it."""
        self._files += 1
        if depth > DEPTH_MAX or self._files > FILES_MAX:
            raise Unreadable(path, "too many files include each other, probably in a circle")
        outer, names, inside, script = kept, list[str](), False, False
        for number, line in self._probe.lines(path):
            text = line.strip()
            if script:
                script = text != "endscript"
                continue
            if not text or text.startswith("#"):
                continue
            words = text.split()
            if words[0] in _SCRIPTS:
                script = True
            elif words[0] == "include" and not inside and len(words) == 2:
                outer = self._include(words[1], outer, depth)
            elif text.startswith("}"):
                if not inside:
                    raise Unreadable(path, "a block ends that never began", number)
                self._add(names, kept, path)
                names, inside = [], False
            elif not inside and (text[0] in "/\"'" or names):
                begins = text.endswith("{")
                names += [word.strip("\"'") for word in text.rstrip("{").split()][:256]
                if begins:
                    kept, inside = outer, True
            elif inside:
                kept = _setting(kept, words)
            else:
                outer = _setting(outer, words)
        if inside or script:
            raise Unreadable(path, "a block or a script does not end")
        return outer

    def _add(self, names: list[str], kept: Kept, path: str) -> None:
        self.blocks.append(Block(tuple(names), kept, path))
        if len(self.blocks) > BLOCKS_MAX:
            raise Unreadable(path, f"more than {BLOCKS_MAX} blocks")

    def _include(self, target: str, kept: Kept, depth: int) -> Kept:
        if not target.startswith("/"):
            raise Unreadable(PATH, "includes what is no absolute path")
        try:
            kind = self._probe.stat(target).kind
        except Missing:
            return kept
        if kind is not FileKind.DIRECTORY:
            return self.file(target, kept, depth + 1)
        for name in self._probe.listdir(target):
            path = f"{target.rstrip('/')}/{name}"
            if not _TABOO.fullmatch(name) and self._probe.stat(path).kind is FileKind.FILE:
                # In a folder, what one file leaves does not hold for the next.
                self.file(path, kept, depth + 1)
        return kept


def _setting(kept: Kept, words: list[str]) -> Kept:
    if words[0] in DAYS:
        return replace(kept, period_days=DAYS[words[0]])
    if words[0] in ("rotate", "maxage") and len(words) > 1 and re.fullmatch(r"-?\d{1,6}", words[1]):
        number = int(words[1])
        if words[0] == "maxage":
            return replace(kept, age_days_max=number)
        # -1 keeps them all.
        return replace(kept, count=number if number >= 0 else 10**6)
    return kept
