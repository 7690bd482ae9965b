"""The time sources that NTP daemons are configured with: chrony, ntpsec, ntp and openntpd.

Source: chrony.conf(5), ntp.conf(5), ntpd.conf(5) of OpenNTPD.
"""

import re
from collections.abc import Iterator

from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.hosts.host import Missing

CHRONY_PATHS = ("/etc/chrony/chrony.conf", "/etc/chrony.conf")
NTPSEC_PATHS = ("/etc/ntpsec/ntp.conf", "/etc/ntp.conf")
NTP_PATHS = ("/etc/ntp.conf",)
OPENNTPD_PATHS = ("/etc/openntpd/ntpd.conf", "/etc/ntpd.conf")
FILES_MAX = 64
DEPTH_MAX = 8
_REMOTE = frozenset({"server", "pool", "peer"})
_CHRONY = _REMOTE | {"refclock"}
_OPENNTPD = frozenset({"server", "servers", "sensor"})
# 127.127.t.u is a clock driver of ntp; type 1 is the host's own clock, which corrects nothing.
_ITSELF = re.compile(r"localhost|::1|127\.(?!127\.)[0-9.]+|127\.127\.1\.[0-9]+")


def chrony(probe: Probe) -> list[str]:
    """The sources of chrony.conf and of what it includes."""
    reading = _Chrony(probe)
    reading.file(_first(probe, CHRONY_PATHS), 0)
    return reading.sources


def ntpsec(probe: Probe) -> list[str]:
    return _of_ntp(probe, _first(probe, NTPSEC_PATHS), 0)


def ntp(probe: Probe) -> list[str]:
    return _of_ntp(probe, _first(probe, NTP_PATHS), 0)


def openntpd(probe: Probe) -> list[str]:
    return [
        fields[1]
        for fields in _fields(probe, _first(probe, OPENNTPD_PATHS), "#")
        if fields[0] in _OPENNTPD and _is_source(fields)
    ]


class _Chrony:
    """Follows include, confdir and sourcedir; the last reads files of sources alone."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._files = 0
        self.sources: list[str] = []

    def file(self, path: str, depth: int) -> None:
        self._files += 1
        if depth > DEPTH_MAX or self._files > FILES_MAX:
            raise Unreadable(path, "too many files include each other, probably in a circle")
        for fields in _fields(self._probe, path, "!;#%"):
            word = fields[0].lower()
            if word in _CHRONY and _is_source(fields):
                self.sources.append(fields[1])
            for found in self._included(word, fields[1:]):
                self.file(found, depth + 1)

    def _included(self, word: str, operands: list[str]) -> list[str]:
        if word == "include":
            return [path for one in operands[:1] for path in self._probe.glob(one)]
        ends = {"confdir": ".conf", "sourcedir": ".sources"}.get(word)
        if ends is None:
            return []
        by_name: dict[str, str] = {}
        for folder in operands:
            for name in self._probe.listdir_if_there(folder):
                if name.endswith(ends):
                    by_name.setdefault(name, f"{folder}/{name}")
        return [by_name[name] for name in sorted(by_name)]


def _of_ntp(probe: Probe, path: str, depth: int) -> list[str]:
    if depth > DEPTH_MAX:
        raise Unreadable(path, "too many files include each other, probably in a circle")
    sources = []
    for fields in _fields(probe, path, "#"):
        if fields[0] in _REMOTE and _is_source(fields):
            sources.append(next(one for one in fields[1:] if one not in ("-4", "-6")))
        elif fields[0] == "includefile" and len(fields) > 1:
            sources += _of_ntp(probe, fields[1], depth + 1)
    return sources


def _is_source(fields: list[str]) -> bool:
    named = [one for one in fields[1:] if one not in ("-4", "-6")]
    return bool(named) and not _ITSELF.fullmatch(named[0])


def _fields(probe: Probe, path: str, marks: str) -> Iterator[list[str]]:
    for _, line in probe.lines(path):
        fields = line.split()
        if fields and fields[0][0] not in marks:
            yield fields


def _first(probe: Probe, paths: tuple[str, ...]) -> str:
    found = next((path for path in paths if probe.exists(path)), None)
    if found is None:
        raise Missing(paths[0])
    return found
