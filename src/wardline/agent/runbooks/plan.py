"""From a runbook and its inputs to the operations on one host; every input is checked first."""

import fnmatch
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from wardline.agent.hosts import accounts, queries
from wardline.agent.hosts.host import Failed, Host, covers
from wardline.agent.runbooks import proofs, shadow_edit
from wardline.agent.runbooks import runbook as runbooks
from wardline.agent.runbooks.commands import AnswerEffect, Command, FileEffect
from wardline.agent.runbooks.config_lines import Edit, Line
from wardline.agent.runbooks.edit_steps import EditAccounts, KeepLogs, MakeFolder, TakeWrite
from wardline.agent.runbooks.folder_operation import MakeMissingFolder
from wardline.agent.runbooks.mode_operation import ChangeMode
from wardline.agent.runbooks.operations import Operation, TextEdit, WriteFile
from wardline.agent.runbooks.rotation_edit import RotationEdit
from wardline.agent.runbooks.runbook import (
    ITEMS_MAX,
    Input,
    InputInvalid,
    InputType,
    InstallFile,
    Runbook,
    RunCommand,
    SetConfigLine,
    SetMode,
    SetService,
    Shown,
    UnitState,
)
from wardline.agent.runbooks.shadow_edit import ShadowEdit
from wardline.agent.runbooks.unit_operation import SetUnit
from wardline.core.canonical import Json

Values = Mapping[str, str]
Chosen = Mapping[str, tuple[Values, ...]]


@dataclass(frozen=True, slots=True)
class Planned:
    """An operation and what its step says about it; all of one step share its time."""

    operation: Operation
    step: int
    timeout_s: int
    cuts_line: bool
    stops: bool


def make(runbook: Runbook, inputs: Mapping[str, Json], host: Host) -> tuple[Planned, ...]:
    """The operations in their order; raises InputInvalid, HostError where owners are not known."""
    if not covers(runbook.platforms, host.platform):
        raise InputInvalid(f"{runbook.id}: not made for {host.platform}")
    if set(inputs) != set(runbook.inputs):
        wanted = ", ".join(sorted(runbook.inputs)) or "none"
        raise InputInvalid(f"{runbook.id}: takes exactly these inputs: {wanted}")
    chosen = {name: _choose(runbook, name, inputs[name]) for name in runbook.inputs}
    return tuple(
        Planned(operation, number, step.timeout_s, step.cuts_line, _stops(step))
        for number, step in enumerate(runbook.steps)
        for operation in _operations(step, chosen, host)
    )


def _stops(step: runbooks.Step) -> bool:
    return isinstance(step, SetService) and step.state is UnitState.DISABLED


def _choose(runbook: Runbook, name: str, value: Json) -> tuple[Values, ...]:
    """The rows of the table that an input chooses, each with its `item`."""
    one = runbook.inputs[name]
    if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
        raise InputInvalid(f"{runbook.id}: input {name} is not a list of texts")
    if len(value) > ITEMS_MAX or len(set(value)) != len(value):
        raise InputInvalid(f"{runbook.id}: input {name} repeats items or has over {ITEMS_MAX}")
    return tuple(_row(runbook, name, one, item) for item in value)


def _row(runbook: Runbook, name: str, one: Input, item: str) -> Values:
    table = runbook.tables[one.table]
    row = table.get(item)
    if row is None and one.type is InputType.PATHS:
        row = next((table[glob] for glob in table if _fits(item, glob)), None)
    if row is None:
        raise InputInvalid(f"{runbook.id}: input {name} has an item that it does not repair")
    return runbooks.row_values(item, row)


def _fits(path: str, glob: str) -> bool:
    parts, wanted = path.split("/"), glob.split("/")
    plain = not {"..", "."}.intersection(parts) and "\x00" not in path
    return (
        plain
        and len(parts) == len(wanted)
        and all(fnmatch.fnmatchcase(*pair) for pair in zip(parts, wanted, strict=True))
    )


def _operations(step: runbooks.Step, chosen: Chosen, host: Host) -> Iterator[Operation]:
    match step:
        case SetConfigLine():
            yield from _config_lines(step, chosen)
        case InstallFile():
            content = step.content.encode()
            yield _file(step, content, int(step.mode, 8))
        case SetMode():
            yield from (_mode(step, row, host) for row in _rows(step.for_each, chosen))
        case RunCommand():
            yield from (_command(step, row) for row in _rows(step.for_each, chosen))
        case SetService():
            yield from (_unit(step, row) for row in _rows(step.for_each, chosen))
        case MakeFolder():
            if _rows(step.for_each, chosen):
                yield MakeMissingFolder(step.name, step.type, step.folder)
        case TakeWrite():
            yield from (_take_write(step, row["item"], host) for row in chosen[step.for_each])
        case KeepLogs():
            edit = RotationEdit(step.logs, step.days)
            for row in chosen[step.for_each]:
                yield _edited(step.name, step.type, row["item"], edit)
        case EditAccounts():
            yield _edited(step.name, step.type, shadow_edit.PATH, ShadowEdit(step.rule))


def _edited(name: str, type_: str, path: str, edit: TextEdit) -> WriteFile:
    proof = proofs.of(path) or proofs.Proof()
    return WriteFile(name, type_, path, edit, None, proof.staged, None, proof.whole)


def _take_write(step: TakeWrite, path: str, host: Host) -> Operation:
    """Owner and group are those that it has now, and whoever comes later gets nothing."""
    found = host.lstat(path)
    return ChangeMode(step.name, step.type, path, None, found.uid, found.gid)


def _rows(for_each: str | None, chosen: Chosen) -> tuple[Values, ...]:
    return ({},) if for_each is None else chosen[for_each]


def _config_lines(step: SetConfigLine, chosen: Chosen) -> Iterator[Operation]:
    rows = _rows(step.for_each, chosen)
    if rows:
        lines = tuple(
            Line(runbooks.fill(step.key, row), runbooks.fill(step.line, row)) for row in rows
        )
        edit = Edit(step.syntax, step.placement, step.only_if_present, lines, step.section or "")
        yield _file(step, edit, None if step.mode is None else int(step.mode, 8))


def _file(
    step: SetConfigLine | InstallFile, wanted: TextEdit | bytes, mode: int | None
) -> WriteFile:
    proof = proofs.of(step.file) or proofs.Proof()
    return WriteFile(
        step.name,
        step.type,
        step.file,
        wanted,
        mode,
        step.check_with or proof.staged,
        step.reload_with,
        proof.whole,
    )


def _mode(step: SetMode, row: Values, host: Host) -> Operation:
    path = runbooks.fill(step.file, row)
    mode = int(runbooks.fill(step.mode, row), 8)
    if host.lstat(path).uid is None:
        return ChangeMode(step.name, step.type, path, mode, None, None)
    uid = accounts.users(host).get(runbooks.fill(step.owner, row))
    gid = accounts.groups(host).get(runbooks.fill(step.group, row))
    if uid is None or gid is None:
        raise Failed(path, f"this host has no account {step.owner} or no group for it")
    return ChangeMode(step.name, step.type, path, mode, uid, gid)


def _command(step: RunCommand, row: Values) -> Operation:
    file = None if step.capture is None else runbooks.fill(step.capture, row)
    return Command(
        step.name,
        step.type,
        _effect(step, file, runbooks.fill(step.unless, row)),
        tuple(runbooks.fill(word, row) for word in step.argv),
        tuple(runbooks.fill(word, {**row, "before": "{before}"}) for word in step.undo),
        step.timeout_s,
    )


def _effect(step: RunCommand, file: str | None, wanted: str) -> FileEffect | AnswerEffect:
    if step.shown_by is Shown.UFW_STATUS:
        return AnswerEffect(queries.UFW_STATUS, wanted)
    if step.shown_by is Shown.UFW_ADDED:
        return AnswerEffect(queries.UFW_ADDED, wanted)
    assert file is not None
    return FileEffect(file, wanted)


def _unit(step: SetService, row: Values) -> Operation:
    return SetUnit(
        step.name,
        step.type,
        runbooks.fill(step.unit, row),
        step.state,
        step.only_if_installed,
        step.timeout_s,
    )
