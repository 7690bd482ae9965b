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
FILES_MAX = 128
UNITS_MAX = 16
COMMANDS_MAX = 128
WORDS_MAX = 64
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
    """`commands` in their order, then `files` as they are when it is armed, absent ones included,
    and mode and owner of the files and folders in `modes`, then `reloads` and `units`. Commands and
    reloads are programs with their words, without a shell; one that fails keeps nothing else from
    being done."""

    files: tuple[str, ...]
    units: tuple[UnitAction, ...]
    after_s: int
    commands: tuple[tuple[str, ...], ...] = ()
    reloads: tuple[tuple[str, ...], ...] = ()
    modes: tuple[str, ...] = ()

    def check(self) -> None:
        """Raise Malformed for what no host would take."""
        if not AFTER_S_MIN <= self.after_s <= AFTER_S_MAX:
            raise Malformed("revert.after_s", f"is between {AFTER_S_MIN} and {AFTER_S_MAX}")
        if len(self.files) + len(self.modes) > FILES_MAX or len(self.units) > UNITS_MAX:
            raise Malformed("revert", f"has at most {FILES_MAX} files and {UNITS_MAX} units")
        if len(self.commands) + len(self.reloads) > COMMANDS_MAX:
            raise Malformed("revert", f"has at most {COMMANDS_MAX} commands")
        if not (self.files or self.modes or self.units or self.commands or self.reloads):
            raise Malformed("revert", "would do nothing")
        for path in (*self.files, *self.modes):
            if not path.startswith("/") or path.endswith("/") or "\x00" in path:
                raise Malformed(
                    "revert.files", "and modes are absolute paths without a / at the end"
                )
        for argv in (*self.commands, *self.reloads):
            if not 0 < len(argv) <= WORDS_MAX or not argv[0] or "\x00" in "".join(argv):
                raise Malformed("revert.commands", "are programs with their words")
        for action in self.units:
            queries.check_unit(action.unit)


@dataclass(frozen=True, slots=True)
class ArmedRevert:
    """One that runs on a host, by the name it has there."""

    id: str
    revert: Revert
