"""The rules by which people become root, read as sudo itself reads its files.

Source: sudoers(5). Includes are followed, names in an @includedir that end in `~` or hold a `.` are
passed over, a backslash at the end joins lines. Aliases are kept as their names.
"""

import re
from dataclasses import dataclass, field

from wardline.agent.checks.probe import Probe, Unreadable

PATH = "/etc/sudoers"
DEPTH_MAX = 16
FILES_MAX = 128
RULES_MAX = 5000

_INCLUDE = re.compile(r"[@#](include|includedir)\s+(\S.*)")
_ALIAS = re.compile(r"(User|Runas|Host|Cmnd|Cmd)_Alias\s")
_DEFAULTS = re.compile(r"Defaults(?P<scope>[@:!>]\s*\S+)?(?:\s+|$)(?P<words>.*)")
# A word; quotes and escaped blanks keep it together.
_FIELD = re.compile(r'(?:"[^"]*"|\\.|[^\s\\"])+')
_COMMENT = re.compile(r"(?:^|(?<=\s))#(?!\d)[^\n]*")
# What stands before a command: who it is run as, options, tags.
_RUNAS = re.compile(r"\s*\([^()]*\)\s*")
_OPTION = re.compile(
    r"\s*(?:ROLE|TYPE|APPARMOR_PROFILE|(?:LIMIT)?PRIVS|TIMEOUT|CWD|CHROOT|NOT(?:BEFORE|AFTER))"
    r"=\S+\s*"
)
_TAG = re.compile(r"\s*(NO)?(PASSWD|EXEC|FOLLOW|LOG_INPUT|LOG_OUTPUT|MAIL|SETENV|INTERCEPT)\s*:\s*")


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may run what without a password: `commands` are those that NOPASSWD stands before."""

    who: str
    unasked: tuple[str, ...]
    everything: bool
    where: str


@dataclass(slots=True)
class Sudoers:
    """`settings` are the words of every Defaults line, in their order; `scoped` those of the lines
    that are for some users, hosts or commands; `folders` what an @includedir names."""

    settings: list[str] = field(default_factory=list)
    scoped: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)


def read(probe: Probe) -> Sudoers:
    """Every rule of the main file and of what it includes; Unreadable where sudo would refuse."""
    reading = _Reading(probe)
    reading.file(PATH, 0)
    return reading.found


class _Reading:
    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._files = 0
        self.found = Sudoers()

    def file(self, path: str, depth: int) -> None:
        self._files += 1
        if depth > DEPTH_MAX or self._files > FILES_MAX:
            raise Unreadable(path, "too many files include each other, probably in a circle")
        lines, number = self._probe.text(path).split("\n"), 0
        while number < len(lines):
            self._probe.tick()
            first, text = number + 1, lines[number]
            while text.endswith("\\") and number + 1 < len(lines):
                number += 1
                self._probe.tick()
                text = f"{text[:-1]} {lines[number].lstrip()}"
                if len(text) > 64 * 1024:
                    raise Unreadable(path, "a rule over too many lines", first)
            number += 1
            self._line(text.strip(), path, first, depth)

    def _line(self, text: str, path: str, number: int, depth: int) -> None:
        included = _INCLUDE.fullmatch(text)
        if included is not None:
            self._include(included[1], included[2].strip().strip('"'), path, number, depth)
            return
        text = _COMMENT.sub("", text).strip()
        if not text or _ALIAS.match(text):
            return
        defaults = _DEFAULTS.fullmatch(text)
        if defaults is not None:
            words = [one.strip() for one in defaults["words"].split(",") if one.strip()]
            self.found.settings += words
            self.found.scoped += words if defaults["scope"] else []
        else:
            self.found.rules.append(_rule(text, path, number))
        if len(self.found.rules) > RULES_MAX:
            raise Unreadable(path, f"more than {RULES_MAX} rules", number)

    def _include(self, kind: str, target: str, path: str, number: int, depth: int) -> None:
        if "%" in target:
            raise Unreadable(path, "includes a path that depends on the host's name", number)
        absolute = target if target.startswith("/") else f"{PATH.rpartition('/')[0]}/{target}"
        if kind == "include":
            self.file(absolute, depth + 1)
            return
        self.found.folders.append(absolute.rstrip("/"))
        for name in self._probe.listdir_if_there(absolute.rstrip("/")):
            if "." not in name and not name.endswith("~"):
                self.file(f"{absolute.rstrip('/')}/{name}", depth + 1)


def _rule(text: str, path: str, number: int) -> Rule:
    """`users hosts = commands`; users may be apart by a comma and blanks."""
    who, equals, commands = text.partition("=")
    fields = _FIELD.findall(",".join(part.strip() for part in who.split(",")))
    if not equals or len(fields) < 2 or not commands.strip():
        raise Unreadable(path, "is neither a setting nor a rule of sudoers", number)
    unasked, everything, free = [], False, False
    for command in re.split(r"(?<!\\),", commands):
        rest, free = _without_tags(command, free)
        everything = everything or rest == "ALL"
        if free and rest:
            unasked.append(rest)
    return Rule(" ".join(fields[:-1]), tuple(unasked), everything, f"{path}:{number}")


def _without_tags(command: str, free: bool) -> tuple[str, bool]:
    """The command alone, and whether no password is asked for: a tag holds for those after it."""
    rest = command
    while True:
        found = _RUNAS.match(rest) or _OPTION.match(rest) or _TAG.match(rest)
        if found is None or not found[0]:
            return rest.strip(), free
        if found.re is _TAG and found[2] == "PASSWD":
            free = found[1] is not None
        rest = rest[found.end() :]
