"""The effective options of an SSH server, read as sshd itself reads its configuration.

Source: sshd_config(5), OpenSSH 9.2. The first value of an option counts; Match blocks override it
for the connections they fit; an Include inside a Match block stands under that block's condition,
and a Match block ends with the included file it stands in.
"""

import re
from dataclasses import dataclass, field

from wardline.agent.checks.probe import Probe, Unreadable

CONFIG_PATH = "/etc/ssh/sshd_config"
CONFIG_FOLDER = "/etc/ssh"
INCLUDE_DEPTH_MAX = 16
FILES_MAX = 256
WORDS_MAX = 256

# Blank-separated words; a quoted word may hold blanks, and a backslash keeps the next character.
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\.)*)\'|((?:[^\s"\'\\#]|\\.|(?<=\S)#)+)')
_KEYWORD = re.compile(r"\s*([A-Za-z][A-Za-z0-9]*)(?:\s*=\s*|\s+|$)")
_LISTENING = ("port", "listenaddress")
_BLANK = re.compile(r"\s*")


@dataclass(frozen=True, slots=True)
class Option:
    """The words of one option and where they stand."""

    words: tuple[str, ...]
    path: str
    line: int

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}"

    @property
    def text(self) -> str:
        return " ".join(self.words)


@dataclass(frozen=True, slots=True)
class MatchedOption:
    """An option inside a Match block; `criteria` are the words after Match."""

    keyword: str
    option: Option
    criteria: str


@dataclass(slots=True)
class Options:
    """Keywords in lower case: what holds by default, and what Match blocks would change.

    `listening` holds every Port and ListenAddress: of these all count, not the first alone.
    """

    default: dict[str, Option] = field(default_factory=dict)
    listening: list[Option] = field(default_factory=list)
    matched: list[MatchedOption] = field(default_factory=list)


def read(probe: Probe) -> Options:
    """The options of the host's main configuration file and of everything it includes."""
    reading = _Reading(probe)
    reading.file(CONFIG_PATH, None, 0)
    return reading.options


class _Reading:
    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._files = 0
        self.options = Options()

    def file(self, path: str, criteria: str | None, depth: int) -> None:
        """Read one file; `criteria` is the Match condition it stands under, None for all."""
        self._files += 1
        if depth > INCLUDE_DEPTH_MAX or self._files > FILES_MAX:
            raise Unreadable(path, "too many files include each other, probably in a circle")
        outer = criteria
        for number, line in self._probe.lines(path):
            parsed = _split(line, path, number)
            if parsed is None:
                continue
            keyword, words = parsed
            if keyword == "match":
                criteria = _condition(outer, words)
            elif keyword == "include":
                self._include(words, criteria, depth)
            else:
                self._set(keyword, Option(words, path, number), criteria)

    def _include(self, patterns: tuple[str, ...], criteria: str | None, depth: int) -> None:
        for pattern in patterns:
            absolute = pattern if pattern.startswith("/") else f"{CONFIG_FOLDER}/{pattern}"
            for path in self._probe.glob(absolute):
                self.file(path, criteria, depth + 1)

    def _set(self, keyword: str, option: Option, criteria: str | None) -> None:
        if keyword in _LISTENING:
            self.options.listening.append(option)
        if criteria is None:
            self.options.default.setdefault(keyword, option)
        else:
            self.options.matched.append(MatchedOption(keyword, option, criteria))


def _condition(outer: str | None, words: tuple[str, ...]) -> str | None:
    """`Match all` stands for every connection; inside an included file the outer one stays."""
    inner = None if len(words) == 1 and words[0].lower() == "all" else " ".join(words)
    if outer is None or inner is None:
        return inner if outer is None else outer
    return f"{outer} and {inner}"


def _split(line: str, path: str, number: int) -> tuple[str, tuple[str, ...]] | None:
    """Keyword and words of a line, None for a blank one or a comment."""
    text = line.strip()
    if not text or text.startswith("#"):
        return None
    head = _KEYWORD.match(text)
    if head is None:
        raise Unreadable(path, "does not begin with a keyword", number)
    words = _words(text[head.end() :], path, number)
    if not words:
        raise Unreadable(path, f"{head[1]} has no value", number)
    return head[1].lower(), words


def _words(text: str, path: str, number: int) -> tuple[str, ...]:
    words: list[str] = []
    at = _skip(text, 0)
    while at < len(text) and text[at] != "#":
        found = _WORD.match(text, at)
        if found is None:
            raise Unreadable(path, "has a stray quote or backslash", number)
        plain = next(part for part in found.groups() if part is not None)
        words.append(re.sub(r"\\(.)", r"\1", plain))
        if len(words) > WORDS_MAX:
            raise Unreadable(path, f"has more than {WORDS_MAX} words", number)
        at = _skip(text, found.end())
    return tuple(words)


def _skip(text: str, at: int) -> int:
    found = _BLANK.match(text, at)
    return found.end() if found else at
