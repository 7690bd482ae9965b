"""The steps that a few repairs need: folders, what others may write, rotation of logs, accounts."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import ConfigDict, Field

STEP_TIMEOUT_S = 60
STEP_TIMEOUT_S_MAX = 600

_STRICT = ConfigDict(extra="forbid", strict=False)

# What a step may take on a host, with everything that it does there and all its items.
Timeout = Annotated[int, Field(ge=1, le=STEP_TIMEOUT_S_MAX)]
FixedPath = Annotated[str, Field(pattern=r"^/[A-Za-z0-9_./-]+$")]


class AccountRule(StrEnum):
    """What is done to the lines of shadow(5); which lines it is done to is in `shadow_edit`."""

    LOCK_OPEN = "lock_open"
    LIMIT_AGE = "limit_age"


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeFolder:
    """A folder, 0755, in one that exists. Undo: it is removed again if nothing else is in it.

    With `for_each`, only where something was chosen.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    type: Literal["make_folder"]
    name: str
    folder: FixedPath
    for_each: str | None = None
    timeout_s: Timeout = STEP_TIMEOUT_S
    cuts_line: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeWrite:
    """Write permission is taken from group and others; whatever else the mode says stays.

    Nothing is ever given, so that a path which somebody exchanges meanwhile gains nothing.
    Undo: the mode as it was.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    type: Literal["take_write"]
    name: str
    for_each: str
    timeout_s: Timeout = STEP_TIMEOUT_S
    cuts_line: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepLogs:
    """The blocks of a file of logrotate's that are for one of `logs` keep at least `days` days.

    `for_each` chooses the files. Undo: the file as it was.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    type: Literal["keep_logs"]
    name: str
    for_each: str
    logs: Annotated[tuple[FixedPath, ...], Field(min_length=1)]
    days: Annotated[int, Field(ge=1, le=3650)]
    timeout_s: Timeout = STEP_TIMEOUT_S
    cuts_line: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EditAccounts:
    """One rule for every line of /etc/shadow that it is about; no name comes from outside.

    Its diff shows what a password field is, never what stands in it. Undo: the file as it was.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    type: Literal["edit_accounts"]
    name: str
    rule: AccountRule
    timeout_s: Timeout = STEP_TIMEOUT_S
    cuts_line: bool = False


EditStep = MakeFolder | TakeWrite | KeepLogs | EditAccounts
