"""The PAM modules that a service goes through, read from the host's files.

Source: pam.conf(5), pam.d(5). `@include`, `include` and `substack` are followed; a backslash at
the end joins lines; a bracketed control or argument may hold blanks.
"""

import re
from dataclasses import dataclass

from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.hosts.host import Missing

FOLDER = "/etc/pam.d"
DEPTH_MAX = 8
FILES_MAX = 64

_FIELD = re.compile(r"\[[^\[\]]*\]|\S+")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


@dataclass(frozen=True, slots=True)
class Module:
    """One line of a stack: the module's file name, its arguments, and where it stands."""

    name: str
    arguments: tuple[str, ...]
    path: str

    def value(self, key: str) -> str | None:
        """The text after `key=`; the last one counts, None where there is none."""
        found = [text for text in self.arguments if text.startswith(f"{key}=")]
        return found[-1].partition("=")[2] if found else None


def read(probe: Probe, services: tuple[str, ...], kind: str) -> tuple[Module, ...]:
    """The `kind` modules (auth, password) of the first of `services` that the host has."""
    for service in services:
        if probe.exists(f"{FOLDER}/{service}"):
            reading = _Reading(probe, kind)
            reading.file(service, 0)
            return tuple(reading.modules)
    raise Missing(f"{FOLDER}/{services[0]}")


class _Reading:
    def __init__(self, probe: Probe, kind: str) -> None:
        self._probe = probe
        self._kind = kind
        self._files = 0
        self.modules: list[Module] = []

    def file(self, service: str, depth: int) -> None:
        path = f"{FOLDER}/{service}"
        if not _NAME.fullmatch(service) or service in (".", ".."):
            raise Unreadable(FOLDER, "a stack includes a name that is no service")
        self._files += 1
        if depth > DEPTH_MAX or self._files > FILES_MAX:
            raise Unreadable(path, "too many stacks include each other, probably in a circle")
        text = self._probe.text(path).replace("\\\n", " ")
        for line in text.split("\n"):
            self._probe.tick()
            self._line(line.partition("#")[0], path, depth)

    def _line(self, line: str, path: str, depth: int) -> None:
        fields = _FIELD.findall(line)
        if not fields:
            return
        if fields[0] == "@include":
            if len(fields) != 2:
                raise Unreadable(path, "@include without exactly one name")
            self.file(fields[1], depth + 1)
            return
        if fields[0].removeprefix("-").lower() != self._kind:
            return
        if len(fields) < 3:
            raise Unreadable(path, f"a {self._kind} line without control or module")
        if fields[1].lower() in ("include", "substack"):
            self.file(fields[2], depth + 1)
            return
        name = fields[2].rpartition("/")[2]
        arguments = tuple(one.removeprefix("[").removesuffix("]") for one in fields[3:])
        self.modules.append(Module(name, arguments, path))
