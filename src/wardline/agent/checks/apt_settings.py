"""The settings that apt would take from its configuration files.

Source: apt.conf(5): `A::B "x";` and `A { B "x"; };`, names without regard to case, `//`, `#` and
`/* */` comments; the files of apt.conf.d in the order of their names, then apt.conf; the last
value of a name wins.
"""

import re
from collections.abc import Iterator

from wardline.agent.checks.probe import Probe, Unreadable

FOLDER = "/etc/apt/apt.conf.d"
MAIN_FILE = "/etc/apt/apt.conf"
DEPTH_MAX = 32

_FILE = re.compile(r"[A-Za-z0-9_-]+(\.conf)?|[A-Za-z0-9_.-]+\.conf")
_TOKEN = re.compile(
    r"(?P<skip>\s+|//[^\n]*|\#(?!clear|include)[^\n]*|/\*[\s\S]*?\*/)"
    r'|(?P<open>/\*)|(?P<text>"[^"\n]*")|(?P<mark>[{};])|(?P<word>[^\s{};"]+)'
)


def read(probe: Probe) -> dict[str, str]:
    """Values by name in lower case, `apt::periodic::unattended-upgrade` for one."""
    values: dict[str, str] = {}
    names = [name for name in probe.listdir_if_there(FOLDER) if _FILE.fullmatch(name)]
    for path in (*(f"{FOLDER}/{name}" for name in names), MAIN_FILE):
        text = probe.text_if_there(path)
        if text is not None:
            _read_text(probe, values, text, path)
    return values


def _read_text(probe: Probe, values: dict[str, str], text: str, path: str) -> None:
    scopes: list[str] = []
    words: list[str] = []
    for piece in _pieces(probe, text, path):
        if piece == "{":
            scopes.append(words[0] if words else "")
            words = []
            if len(scopes) > DEPTH_MAX:
                raise Unreadable(path, f"blocks within blocks, more than {DEPTH_MAX}")
        elif piece in ("}", ";"):
            _put(values, scopes, words)
            words = []
            if piece == "}":
                if not scopes:
                    raise Unreadable(path, "a block ends that never began")
                scopes.pop()
        else:
            words.append(piece)
    if scopes:
        raise Unreadable(path, "a block does not end")


def _put(values: dict[str, str], scopes: list[str], words: list[str]) -> None:
    if len(words) == 2 and words[1].startswith('"'):
        values["::".join([*scopes, words[0]]).lower()] = words[1].strip('"')
    if len(words) == 2 and words[0].lower() == "#clear":
        cleared = "::".join([*scopes, words[1]]).lower()
        for name in [one for one in values if one == cleared or one.startswith(f"{cleared}::")]:
            del values[name]


def _pieces(probe: Probe, text: str, path: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        probe.tick()
        found = _TOKEN.match(text, at)
        if found is None or found["open"] is not None:
            raise Unreadable(path, "is not in apt's syntax", text.count("\n", 0, at) + 1)
        at = found.end()
        if found["skip"] is None:
            yield found[0]
