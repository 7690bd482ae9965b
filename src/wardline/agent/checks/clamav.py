"""ClamAV on a host: how old its definitions are, and whether freshclam is going to renew them.

Sources: freshclam.conf(5); the units of Debian's clamav-freshclam. A database begins with 512 bytes
`ClamAV-VDB:16 Apr 2020 07-58 -0400:25784:2267600:63:…`, of which the first field is the time at
which the definitions were made; the time of the file says only when it was copied.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from wardline.agent.checks import systemd_units
from wardline.agent.checks.probe import Probe, Unreadable
from wardline.agent.checks.systemd_units import Unit
from wardline.agent.hosts.host import HostError, Missing

PROGRAMS = ("/usr/sbin/clamd", "/usr/bin/clamscan", "/usr/bin/clamdscan", "/usr/bin/freshclam")
CONFIGURATIONS = ("/etc/clamav/freshclam.conf", "/etc/freshclam.conf")
FOLDER = "/var/lib/clamav"
# The two forms of the daily definitions: as they were fetched, and as freshclam patched them.
DATABASES = ("daily.cld", "daily.cvd")
SERVICE = "clamav-freshclam.service"
TIMER = "clamav-freshclam-once.timer"
CRON = "/etc/cron.d/clamav-freshclam"

HEADER_BYTES = 512
# Only the header is read, whatever the size; a database that is larger than this is none.
DATABASE_BYTES_MAX = 4 * 1024**3
CHECKS_MAX = 50
CHECKS_DEFAULT = 12
# A clock may be a little off; definitions of next week are made up.
AHEAD_MAX = timedelta(days=1)

_HEADER = re.compile(
    rb"ClamAV-VDB:(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d)-(\d\d) ([+-])(\d\d)(\d\d):\d"
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True)
class Definitions:
    """Whole days since the newest daily definitions were made; None where that is not known."""

    days: int | None = None
    missing: bool = False
    unknown: str = ""

    def band(self, days_max: int) -> str:
        """A word that stays the same while the definitions are kept up to date."""
        if self.missing:
            return "missing"
        if self.days is None:
            return "unknown"
        return "old" if self.days > days_max else "current"


@dataclass(frozen=True, slots=True)
class Updater:
    """What renews the definitions in `folder`, and what keeps it from doing so.

    `startable` says that freshclam's service is there and nobody masked it. Where the
    configuration cannot be read, `unknown` says why and `folder` is empty.
    """

    name: str
    folder: str
    configuration: str
    failing: tuple[str, ...]
    startable: bool
    unknown: str = ""


@dataclass(frozen=True, slots=True)
class _Settings:
    folder: str = FOLDER
    checks: str = str(CHECKS_DEFAULT)
    # freshclam refuses to work as long as the line `Example` stands in its configuration.
    example: bool = False


def is_installed(probe: Probe) -> bool:
    """Whether a program or a configuration of ClamAV is there."""
    return any(probe.exists(path) for path in (*PROGRAMS, *CONFIGURATIONS))


def definitions(probe: Probe, folder: str) -> Definitions:
    """The age of the newest of the daily databases in `folder`."""
    try:
        made = [_made(probe, f"{folder}/{name}") for name in DATABASES]
    except (HostError, Unreadable) as error:
        return Definitions(unknown=str(error))
    newest = max((one for one in made if one is not None), default=None)
    if newest is None:
        return Definitions(missing=True)
    if newest > probe.now + AHEAD_MAX:
        return Definitions(unknown=f"{folder}: the definitions were made in the future")
    return Definitions(days=max(0, (probe.now - newest).days))


def updater(probe: Probe) -> Updater:
    """Which unit or line of cron runs freshclam, and whether its configuration lets it."""
    service = systemd_units.look(probe, SERVICE)
    name, failing = _starter(probe, service)
    path = next((one for one in CONFIGURATIONS if probe.exists(one)), "")
    startable = service.installed and not service.masked
    if not path:
        return Updater(name, FOLDER, path, (*failing, "updates_configuration"), startable)
    try:
        settings = _settings(probe, path)
    except (HostError, Unreadable) as error:
        return Updater(name, "", path, failing, startable, str(error))
    if settings.example:
        failing = (*failing, "updates_configuration")
    elif name in (SERVICE, "") and not _is_count(settings.checks):
        # Only the service asks how often: what a timer or cron starts looks once.
        failing = (*failing, "updates_checks")
    return Updater(name, settings.folder, path, failing, startable)


def _starter(probe: Probe, service: Unit) -> tuple[str, tuple[str, ...]]:
    """What starts freshclam, and what is wrong with that.

    With a file of cron the service stays off: its unit says so.
    """
    if probe.exists(CRON):
        return CRON, ()
    for unit in (service, systemd_units.look(probe, TIMER)):
        if _is_enabled(unit):
            return unit.name, ("updates_stopped",) if unit.active is False else ()
    return "", ("updates_off",)


def _is_enabled(unit: Unit) -> bool:
    return unit.installed and unit.enabled and not unit.masked


def _is_count(text: str) -> bool:
    """freshclam.conf(5), Checks: how often a day; freshclam ends with an error on anything else."""
    return text.isascii() and text.isdecimal() and len(text) < 4 and 1 <= int(text) <= CHECKS_MAX


def _settings(probe: Probe, path: str) -> _Settings:
    folder, checks, example = FOLDER, str(CHECKS_DEFAULT), False
    for number, line in probe.lines(path):
        key, *after = line.split(None, 1) or [""]
        rest = after[0].strip() if after else ""
        example = example or key == "Example"
        if key == "Checks":
            checks = rest
        if key == "DatabaseDirectory":
            folder = _unquoted(rest)
            if not folder.startswith("/"):
                raise Unreadable(path, "DatabaseDirectory is not an absolute path", number)
    return _Settings(folder.rstrip("/") or "/", checks, example)


def _unquoted(text: str) -> str:
    return text[1:].partition('"')[0] if text.startswith('"') else text


def _made(probe: Probe, path: str) -> datetime | None:
    """When a database was made, None where there is none."""
    head = b""
    try:
        for piece in probe.stream(path, DATABASE_BYTES_MAX):
            head += piece
            if len(head) >= HEADER_BYTES:
                break
    except Missing:
        return None
    found = _HEADER.match(head[:HEADER_BYTES])
    if found is None:
        raise Unreadable(path, "does not begin as ClamAV's definitions do")
    try:
        return _time(found)
    except (ValueError, OverflowError):
        raise Unreadable(path, "says that it was made at a time that does not exist") from None


def _time(found: re.Match[bytes]) -> datetime:
    """The time of a header in UTC; ValueError or OverflowError where there is no such time."""
    day, month, year, hour, minute, sign, hours, minutes = (one.decode() for one in found.groups())
    offset = timedelta(hours=int(hours), minutes=int(minutes)) * (-1 if sign == "-" else 1)
    zone = timezone(offset)
    moment = datetime(
        int(year), _MONTHS.index(month) + 1, int(day), int(hour), int(minute), tzinfo=zone
    )
    return moment.astimezone(UTC)
