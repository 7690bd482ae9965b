"""What the packages of a Debian system could be upgraded to, told from dpkg's and apt's own files.

Sources: deb822(5), dpkg's status file, apt's /var/lib/apt/lists, the Debian repository format.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from wardline.agent.checks import debian_version, unpacking
from wardline.agent.checks.debian_version import Version
from wardline.agent.checks.probe import Probe, Unreadable

STATUS_PATH = "/var/lib/dpkg/status"
LISTS_FOLDER = "/var/lib/apt/lists"
STATUS_BYTES_MAX = 64 * 1024 * 1024
LIST_BYTES_MAX = 256 * 1024 * 1024
RELEASE_BYTES_MAX = 8 * 1024 * 1024
RELEASE_HEAD_BYTES = 16 * 1024
STANZA_BYTES_MAX = 1024 * 1024

_FIELD = re.compile(rb"^(Package|Version|Architecture|Status):(.*)$", re.MULTILINE)
_RELEASE_FIELD = re.compile(r"^(Origin|Label|Suite|Codename|NotAutomatic):(.*)$")

Package = tuple[str, str]
Installed = dict[Package, tuple[Version, str]]
Stanza = dict[bytes, bytes]


@dataclass(frozen=True, slots=True)
class Archive:
    """One suite that apt knows: is it one for security, and are its packages taken unasked?"""

    stem: str
    security: bool
    automatic: bool


@dataclass(slots=True)
class Available:
    """The newest version per package, over all archives and over those for security alone."""

    newest: dict[Package, Version] = field(default_factory=dict)
    security: dict[Package, Version] = field(default_factory=dict)
    texts: dict[Package, str] = field(default_factory=dict)


def installed(probe: Probe) -> Installed:
    """Version and its text by (name, architecture) of every package that is installed."""
    found: Installed = {}
    for stanza in _stanzas(probe.stream(STATUS_PATH, STATUS_BYTES_MAX), STATUS_PATH, _any):
        if stanza.get(b"Status", b"").endswith(b" ok installed"):
            package, text = _identity(stanza, STATUS_PATH)
            found[package] = (_version(text, STATUS_PATH), text)
    return found


def archives(probe: Probe, names: list[str]) -> list[Archive]:
    """The suites of apt's lists, from their Release files."""
    found = []
    for name in names:
        stem = name.removesuffix("_InRelease").removesuffix("_Release")
        if stem != name:
            found.append(_archive(stem, _release(probe, f"{LISTS_FOLDER}/{name}")))
    return sorted(found, key=lambda archive: -len(archive.stem))


def available(probe: Probe, names: list[str], wanted: Installed) -> Available:
    """What the lists `names` offer for the packages in `wanted`."""
    suites = archives(probe, probe.listdir(LISTS_FOLDER))
    interesting = {name.encode() for name, _ in wanted}
    offers = Available()
    for name in names:
        archive = next((one for one in suites if name.startswith(f"{one.stem}_")), None)
        if archive is not None and not archive.automatic:
            continue
        path = f"{LISTS_FOLDER}/{name}"
        pieces = unpacking.plain(probe.stream(path, LIST_BYTES_MAX), path, LIST_BYTES_MAX)
        for stanza in _stanzas(pieces, path, interesting.__contains__):
            _offer(offers, stanza, path, wanted, archive is not None and archive.security)
    return offers


def _offer(
    offers: Available,
    stanza: Stanza,
    path: str,
    wanted: Installed,
    security: bool,
) -> None:
    package, text = _identity(stanza, path)
    if package not in wanted:
        return
    version = _version(text, path)
    if package not in offers.newest or offers.newest[package] < version:
        offers.newest[package] = version
        offers.texts[package] = text
    if security and (package not in offers.security or offers.security[package] < version):
        offers.security[package] = version


def _release(probe: Probe, path: str) -> dict[str, str]:
    """The fields at the head of a Release file; the sums that follow are not read."""
    head = b""
    for piece in probe.stream(path, RELEASE_BYTES_MAX):
        head += piece
        if len(head) >= RELEASE_HEAD_BYTES:
            break
    fields: dict[str, str] = {}
    for line in head[:RELEASE_HEAD_BYTES].decode("utf-8", "replace").split("\n"):
        found = _RELEASE_FIELD.match(line)
        if found:
            fields.setdefault(found[1], found[2].strip())
    return fields


def _archive(stem: str, fields: dict[str, str]) -> Archive:
    """Debian labels its security archive, Ubuntu names its suite."""
    suites = (fields.get("Suite", ""), fields.get("Codename", ""))
    security = "security" in fields.get("Label", "").lower() or any(
        suite.endswith("-security") for suite in suites
    )
    return Archive(stem, security, fields.get("NotAutomatic", "no").lower() != "yes")


def _any(name: bytes) -> bool:
    return True


def _stanzas(
    pieces: Iterator[bytes], path: str, interesting: Callable[[bytes], bool]
) -> Iterator[Stanza]:
    """The paragraphs whose package is interesting, with the fields that matter."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n\n")
        if len(rest) > STANZA_BYTES_MAX:
            raise Unreadable(path, f"a paragraph of more than {STANZA_BYTES_MAX} bytes")
        yield from _interesting(whole, interesting)
    yield from _interesting([rest], interesting)


def _interesting(texts: list[bytes], interesting: Callable[[bytes], bool]) -> Iterator[Stanza]:
    for text in texts:
        # Lists hold tens of thousands of packages: the name is looked at before anything else.
        if text.startswith(b"Package: ") and not interesting(text[9:].split(b"\n", 1)[0].strip()):
            continue
        stanza: Stanza = {}
        for key, value in _FIELD.findall(text):
            stanza.setdefault(key, value.strip())
        if b"Package" in stanza:
            yield stanza


def _identity(stanza: Stanza, path: str) -> tuple[Package, str]:
    try:
        name = stanza[b"Package"].decode("ascii")
        architecture = stanza.get(b"Architecture", b"").decode("ascii")
        return (name, architecture), stanza[b"Version"].decode("ascii")
    except (KeyError, UnicodeDecodeError):
        raise Unreadable(path, "a paragraph without a proper package and version") from None


def _version(text: str, path: str) -> Version:
    try:
        return debian_version.parse(text)
    except ValueError:
        raise Unreadable(path, f"{text[:64]!r} is not a Debian version") from None
