"""A dead man's revert: what a host is to put back by itself unless somebody calls it off in time.

It is armed before a change that may cut the line, and called off over a new connection after it: a
host that cannot be reached any more has nobody to call it off.
"""

from dataclasses import dataclass
from enum import StrEnum

from wardline.agent.hosts import queries
from wardline.core.errors import Malformed

AFTER_S_MIN = 5
AFTER_S_MAX = 3600
FILES_MAX = 32
UNITS_MAX = 16
# Where a host keeps what is armed and the log of what fired; another account's lies in its home.
FOLDER = "/var/lib/wardline/reverts"


class Verb(StrEnum):
    """What is done to a unit after the files are back: verbs of systemctl(1)."""

    RELOAD = "reload"
    RESTART = "restart"
    RELOAD_OR_RESTART = "reload-or-restart"
    START = "start"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class UnitAction:
    """One unit and what is done to it."""

    verb: Verb
    unit: str


@dataclass(frozen=True, slots=True)
class Revert:
    """`files` as they are when it is armed, absent ones included; `units` in order, after them."""

    files: tuple[str, ...]
    units: tuple[UnitAction, ...]
    after_s: int

    def check(self) -> None:
        """Raise Malformed for what no host would take."""
        if not AFTER_S_MIN <= self.after_s <= AFTER_S_MAX:
            raise Malformed("revert.after_s", f"is between {AFTER_S_MIN} and {AFTER_S_MAX}")
        if len(self.files) > FILES_MAX or len(self.units) > UNITS_MAX:
            raise Malformed("revert", f"has at most {FILES_MAX} files and {UNITS_MAX} units")
        if not self.files and not self.units:
            raise Malformed("revert", "would do nothing")
        for path in self.files:
            if not path.startswith("/") or path.endswith("/") or "\x00" in path:
                raise Malformed("revert.files", "are absolute paths of files")
        for action in self.units:
            queries.check_unit(action.unit)


@dataclass(frozen=True, slots=True)
class ArmedRevert:
    """One that runs on a host, by the name it has there."""

    id: str
    revert: Revert
