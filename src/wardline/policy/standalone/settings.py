"""What a server on a policy file is told: by the command line, or by its environment."""

import os
import zoneinfo
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from wardline.core.errors import WrongUsage
from wardline.core.policy import window
from wardline.core.policy.request import ActionFacts, Risk
from wardline.core.policy.window import UnknownZone
from wardline.policy.backups import retention
from wardline.policy.backups.retention import Retention

DB_VARIABLE = "POLICY_DB"
BACKUPS_VARIABLE = "POLICY_BACKUP_DIR"
ZONE_VARIABLE = "POLICY_TIMEZONE"
DB_DEFAULT = Path("data/policies.db")
BACKUPS_NAME = "backups"
ZONE_DEFAULT = "UTC"
ACTIONS_MAX = 10_000
ACTIONS_BYTES_MAX = 4 << 20
ORIGINS_MAX = 32


class BadSettings(WrongUsage):
    """What the server was told cannot be, or does not go together."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`backups` None stands for the folder `backups` beside the file. `token_file` None: whoever
    asks from this machine may do everything, and nobody else anything. `origins` are pages besides
    those of this machine. `actions` None: any text is an action."""

    db: Path = DB_DEFAULT
    backups: Path | None = None
    token_file: Path | None = None
    origins: frozenset[str] = frozenset()
    actions: Path | None = None
    zone: str = ZONE_DEFAULT
    retention: Retention = retention.DEFAULT

    def __post_init__(self) -> None:
        try:
            window.zone(self.zone)
        except (UnknownZone, zoneinfo.ZoneInfoNotFoundError):
            raise BadSettings(
                f"--timezone, {ZONE_VARIABLE}: {self.zone}: no such time zone; name one such as"
                " Europe/Berlin"
            ) from None
        if self.retention.keep < 1 or self.retention.days < 1:
            raise BadSettings("--keep-backups and --keep-backup-days: one at least")
        if len(self.origins) > ORIGINS_MAX:
            raise BadSettings(f"--allow-origin: at most {ORIGINS_MAX}")
        for origin in self.origins:
            _check_origin(origin)

    @property
    def folder(self) -> Path:
        """Where backups are."""
        return self.backups or self.db.parent / BACKUPS_NAME


def from_environment() -> Settings:
    """The defaults, with POLICY_DB, POLICY_BACKUP_DIR and POLICY_TIMEZONE where they are set;
    raises BadSettings."""
    return Settings(db=db(None), backups=backups(None), zone=zone(None))


def db(given: Path | None) -> Path:
    """The policy file: as given, by POLICY_DB, or `data/policies.db`."""
    named = os.environ.get(DB_VARIABLE)
    return given or (Path(named) if named else DB_DEFAULT)


def backups(given: Path | None) -> Path | None:
    """The folder of backups: as given, or by POLICY_BACKUP_DIR."""
    named = os.environ.get(BACKUPS_VARIABLE)
    return given or (Path(named) if named else None)


def zone(given: str | None) -> str:
    """The zone of windows that name none: as given, by POLICY_TIMEZONE, or UTC."""
    return given or os.environ.get(ZONE_VARIABLE) or ZONE_DEFAULT


def actions(path: Path | None) -> dict[str, ActionFacts] | None:
    """The actions of a file: a line each, its name and after a space its risk (`low` if none is
    given); empty lines and those after `#` do not count. Raises BadSettings."""
    if path is None:
        return None
    found: dict[str, ActionFacts] = {}
    for number, line in enumerate(_lines(path), start=1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        if len(words) > 2:
            raise BadSettings(f"{path}:{number}: a name, and a risk if you like")
        risk = words[1] if len(words) == 2 else Risk.LOW.value
        if risk not in list(Risk):
            raise BadSettings(f"{path}:{number}: a risk is one of {', '.join(Risk)}")
        found[words[0]] = ActionFacts(Risk(risk))
    if len(found) > ACTIONS_MAX:
        raise BadSettings(f"{path}: at most {ACTIONS_MAX} actions")
    return found


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            text = file.read(ACTIONS_BYTES_MAX + 1)
        if len(text) > ACTIONS_BYTES_MAX:
            raise BadSettings(f"{path}: at most {ACTIONS_BYTES_MAX} bytes")
        return text.decode().splitlines()
    except OSError as error:
        raise BadSettings(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise BadSettings(f"{path}: is not text in UTF-8") from None


def _check_origin(origin: str) -> None:
    if not _is_origin(origin):
        raise BadSettings(
            f"--allow-origin {origin}: an origin is scheme, host and port,"
            " such as https://app.example.org"
        )


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
        whole = f"{parts.scheme}://{parts.netloc}" == text and parts.port != 0
    except ValueError:
        return False
    return whole and parts.scheme in ("http", "https") and bool(parts.hostname) and "@" not in text
