"""What a runbook is, and the loader of its YAML: typed inputs, typed steps, remedies, a digest."""

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import resources
from types import MappingProxyType
from typing import Annotated, Any, ClassVar, Literal

import yaml
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from wardline.agent.hosts import queries
from wardline.agent.runbooks import proofs
from wardline.agent.runbooks.config_lines import Placement, Syntax
from wardline.agent.runbooks.edit_steps import STEP_TIMEOUT_S, EditAccounts, EditStep, Timeout
from wardline.core import canonical, ids
from wardline.core.errors import Malformed, WardlineError
from wardline.core.incidents import remedy
from wardline.core.incidents.remedy import Condition, Remedy

RUNBOOK_BYTES_MAX = 64 * 1024
ITEMS_MAX = 64

_STRICT = ConfigDict(extra="forbid", strict=False)
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)?)\}")

Argv = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], Field(min_length=1)]
Reason = Annotated[str, Field(min_length=1, max_length=300)]
Mode = Annotated[str, Field(pattern=r"^0[0-7]{3}$")]
HostPath = Annotated[str, Field(pattern=r"^(/|\{item[.}])")]
# A port as `tcp/514`.
Port = Annotated[str, Field(pattern=r"^(tcp|udp)/[1-9][0-9]{0,4}$")]


class Shown(StrEnum):
    """The questions of hosts.queries that show the effect of a command, by their ids."""

    UFW_STATUS = queries.UFW_STATUS.id
    UFW_ADDED = queries.UFW_ADDED.id


class RunbookInvalid(WardlineError):
    """A runbook file that cannot be used; the message names the file, the place and the reason."""

    code = "runbook_invalid"


class InputInvalid(WardlineError):
    """A run was asked for with inputs that the runbook does not accept."""

    status = 422
    code = "input_invalid"


class Risk(StrEnum):
    """Low runs unasked, medium asks, high is offered and never automatic."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class InputType(StrEnum):
    """`choices`: keys of a table. `paths`: paths, each matched by a glob that is a table's key."""

    CHOICES = "choices"
    PATHS = "paths"


class UnitState(StrEnum):
    """Enabled units start at boot and run now, disabled ones do neither."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    RESTARTED = "restarted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input: a list of items, each of which the named table must know."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    type: InputType
    table: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetConfigLine:
    """Exactly one active line per key, in the part of the file that `syntax` says counts.

    With `for_each`, one line per item, all in one change of the file. `only_if_present` touches
    keys that stand in the file and leaves the file alone otherwise. `section` is of that syntax,
    `mode` for a file of ours alone. Undo: the file as it was. `check_with` judges the new content
    before it is switched in, where proofs.py knows no program that reads the file; `unproven` says
    why nothing can. `cuts_line` adds to what cutting.py knows.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    type: Literal["set_config_line"]
    name: str
    file: HostPath
    syntax: Syntax
    key: str
    line: str
    for_each: str | None = None
    placement: Placement = Placement.LAST
    only_if_present: bool = False
    section: str | None = None
    mode: Mode | None = None
    check_with: Argv | None = None
    unproven: Reason | None = None
    reload_with: Argv | None = None
    timeout_s: Timeout = STEP_TIMEOUT_S
    cuts_line: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallFile:
    """A file with exactly this content. Undo: the file as it was, or its absence.

    `check_with`, `unproven` and `cuts_line` as for a line.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    type: Literal["install_file"]
    name: str
    file: HostPath
    content: str
    mode: Mode
    check_with: Argv | None = None
    unproven: Reason | None = None
    reload_with: Argv | None = None
    timeout_s: Timeout = STEP_TIMEOUT_S
    cuts_line: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMode:
    """Mode, owner and group of a path; owner only where the host's owners can be judged."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    type: Literal["set_mode"]
    name: str
    file: HostPath
    mode: str
    owner: str
    group: str
    for_each: str | None = None
    timeout_s: Timeout = STEP_TIMEOUT_S
    cuts_line: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCommand:
    """A program, without a shell; left out on hosts that run none.

    Its effect is seen in `capture`, a file whose content before the run is `{before}` in `undo`,
    or in what the host answers to the question `shown_by`. When the file equals `unless`, or a
    line of the answer does, the command is not needed.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    type: Literal["run_command"]
    name: str
    argv: Argv
    undo: Argv
    unless: str
    capture: HostPath | None = None
    shown_by: Shown | None = None
    for_each: str | None = None
    timeout_s: Timeout = STEP_TIMEOUT_S
    cuts_line: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetService:
    """A unit of systemd in the wanted state; its name is the runbook's own.

    A masked unit is never enabled, and nothing is ever unmasked. `restarted` is for a running
    unit of a live host after an earlier step has changed something. Undo: enabled, with its very
    links, and running as it was; after a restart, another one once the files are back.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    type: Literal["set_service"]
    name: str
    unit: str
    state: UnitState
    for_each: str | None = None
    only_if_installed: bool = False
    timeout_s: Timeout = STEP_TIMEOUT_S
    cuts_line: bool = False


Step = Annotated[
    SetConfigLine | InstallFile | SetMode | RunCommand | SetService | EditStep,
    Field(discriminator="type"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyText:
    """A remedy as the runbook's file has it. `conditions` choose among several, and so the inputs;
    those of a single one bind L1, and no plan. One with a `choice`, in words, is for a person."""

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    order: Annotated[int, Field(ge=0, le=1000)]
    conditions: tuple[Condition, ...] = ()
    inputs: Mapping[str, Any] = field(default_factory=dict)
    choice: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,120}$")] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Runbook:
    """A repair: what it takes, what it does step by step, and what it answers.

    `tables` hold the wanted values. A run may only choose among their keys: no value that is
    written to a host comes from a host or from an order.

    `preconditions`, of the facts of the failed check, make a run safe and sensible: where one of
    them does not hold, nobody and nothing starts it.

    `disruptive`: people at work notice it, so nothing starts it by itself but a rule that says
    when. `requires_reboot`: what it changes counts from the next start of the host on, which it
    leaves to a person. What was up before a run has to be up after it, but for the units that it
    disables, the ports that it `closes`, and, where it `narrows_listening`, those that are left to
    loopback.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT
    id: str
    version: Annotated[int, Field(ge=1)]
    title: str
    description: str
    risk: Risk
    check: str
    platforms: Annotated[tuple[str, ...], Field(min_length=1)]
    controls: tuple[str, ...]
    inputs: Mapping[str, Input] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, Mapping[str, str]]] = field(default_factory=dict)
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    preconditions: tuple[Condition, ...] = ()
    remedies: tuple[RemedyText, ...] = ()
    disruptive: bool = False
    requires_reboot: bool = False
    narrows_listening: bool = False
    closes: tuple[Port, ...] = ()
    digest: str = ""

    @property
    def noticed(self) -> bool:
        """Whether people at work see it happen, or have to restart the host."""
        return self.disruptive or self.requires_reboot


_RUNBOOK = TypeAdapter(Runbook)


@functools.cache
def registry() -> Mapping[str, Runbook]:
    """The built-in runbooks by id."""
    folder = resources.files(__package__)
    files = sorted(one.name for one in folder.iterdir() if one.name.endswith(".yaml"))
    loaded = [load((folder / name).read_bytes(), name) for name in files]
    return MappingProxyType({runbook.id: runbook for runbook in loaded})


def remedies() -> tuple[Remedy, ...]:
    """The built-in remedies of all runbooks, in the order in which they are to be tried."""
    found = (one for runbook in registry().values() for one in remedies_of(runbook))
    return tuple(sorted(found, key=lambda one: (one.check, one.order, one.runbook)))


def remedies_of(runbook: Runbook) -> tuple[Remedy, ...]:
    """As its file has them."""
    check, book, needs = runbook.check, runbook.id, runbook.preconditions
    return tuple(
        Remedy(check, one.conditions, book, one.inputs, one.order, None, None, needs, one.choice)
        for one in runbook.remedies
    )


def load(data: bytes, name: str) -> Runbook:
    """The runbook in a YAML file; raises RunbookInvalid naming file, place and reason.

    Its digest is the hex SHA-256 of the file's content as canonical JSON, so comments and
    layout do not count, and everything that is executed does.
    """
    if len(data) > RUNBOOK_BYTES_MAX:
        raise RunbookInvalid(f"{name}: more than {RUNBOOK_BYTES_MAX} bytes")
    try:
        content = yaml.safe_load(data)
        if "digest" in content:
            raise Malformed("digest", "is made from the content and has no place in it")
        runbook = _RUNBOOK.validate_python({**content, "digest": canonical.digest(content)})
        _check(runbook)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise RunbookInvalid(f"{name}: {place}: {first['msg']}") from None
    except (yaml.YAMLError, Malformed, TypeError) as error:
        raise RunbookInvalid(f"{name}: {error}") from None
    return runbook


def _check(runbook: Runbook) -> None:
    """Every name that a runbook uses is one that it has."""
    ids.name(runbook.id, "id")
    for name, one in runbook.inputs.items():
        if one.table not in runbook.tables:
            raise Malformed(f"inputs.{name}.table", f"there is no table {one.table!r}")
    for table_name, table in runbook.tables.items():
        if len({frozenset(row) for row in table.values()}) != 1:
            raise Malformed(f"tables.{table_name}", "its rows do not have the same columns")
    for index, step in enumerate(runbook.steps):
        _check_step(runbook, step, f"steps[{index}]")
    for index, condition in enumerate(runbook.preconditions):
        remedy.check_condition(condition, f"preconditions[{index}]")
    for index, text in enumerate(runbook.remedies):
        _check_remedy(runbook, text, f"remedies[{index}]")
    remedy.check_choices(remedies_of(runbook))


def _check_step(runbook: Runbook, step: Step, where: str) -> None:
    for_each = None if isinstance(step, InstallFile | EditAccounts) else step.for_each
    known = {"staged"}
    if for_each is not None:
        if for_each not in runbook.inputs:
            raise Malformed(f"{where}.for_each", f"there is no input {for_each!r}")
        table = runbook.tables[runbook.inputs[for_each].table]
        known |= {"item"} | {f"item.{column}" for row in table.values() for column in row}
    if isinstance(step, RunCommand):
        if (step.capture is None) is (step.shown_by is None):
            raise Malformed(where, "takes capture or shown_by, one of the two")
        known |= {"before"} if step.capture else set()
    for text in _texts(step):
        for placeholder in _PLACEHOLDER.findall(text):
            if placeholder not in known:
                raise Malformed(where, f"unknown placeholder {{{placeholder}}}")
    if isinstance(step, SetConfigLine | InstallFile):
        proofs.check(step.file, step.check_with, step.unproven, where)
    if isinstance(step, SetConfigLine) and (step.section is None) is (
        step.syntax is Syntax.SECTION
    ):
        raise Malformed(f"{where}.section", "belongs to the syntax `section`, and to it alone")
    if isinstance(step, SetService):
        _check_units(runbook, step, f"{where}.unit")


def _check_units(runbook: Runbook, step: SetService, where: str) -> None:
    """Every unit that the step can come to is a proper name, whatever is chosen."""
    rows: list[Mapping[str, str]] = [{}]
    if step.for_each is not None:
        one = runbook.inputs[step.for_each]
        if one.type is InputType.PATHS and "{item}" in step.unit:
            raise Malformed(where, "a unit is named by a table, never by a path of the host")
        rows = [row_values(item, row) for item, row in runbook.tables[one.table].items()]
    for values in rows:
        try:
            queries.unit_state(fill(step.unit, values))
        except Malformed as error:
            raise Malformed(where, str(error)) from None


def _texts(step: Step) -> Iterator[str]:
    match step:
        case SetConfigLine():
            yield from (step.file, step.key, step.line)
            yield from step.check_with or ()
        case InstallFile():
            yield from step.check_with or ()
        case SetMode():
            yield from (step.file, step.mode, step.owner, step.group)
        case RunCommand():
            yield from (*step.argv, *step.undo, step.capture or "", step.unless)
        case SetService():
            yield step.unit
        case _:
            return


def _check_remedy(runbook: Runbook, text: RemedyText, where: str) -> None:
    if set(text.inputs) != set(runbook.inputs):
        raise Malformed(f"{where}.inputs", "must name exactly the runbook's inputs")
    for index, condition in enumerate(text.conditions):
        remedy.check_condition(condition, f"{where}.conditions[{index}]")


def row_values(item: str, row: Mapping[str, str]) -> Mapping[str, str]:
    """What the placeholders of a step stand for, for one chosen row of a table."""
    return {"item": item, **{f"item.{column}": text for column, text in row.items()}}


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with its placeholders replaced; the names were checked when the runbook was loaded."""
    return _PLACEHOLDER.sub(lambda one: values[one[1]], text)
