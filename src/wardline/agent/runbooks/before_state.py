"""What a run that ended well leaves to undo it by: each change with its undo, as bytes and back.

The bytes are JSON, schema `before_state/1`, and hold whole files: they are for a sealed file of the
appliance alone. They name programs that will be run, so they are only read from where nobody but
the appliance can have written them.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from wardline.agent.hosts import queries
from wardline.agent.hosts.host import Host
from wardline.agent.runbooks import states
from wardline.agent.runbooks.commands import AnswerEffect, FileEffect, RunUndo
from wardline.agent.runbooks.folder_operation import RemoveFolder
from wardline.agent.runbooks.mode_operation import RestoreMode
from wardline.agent.runbooks.operations import RestoreFile, Undo
from wardline.agent.runbooks.runner import RunReport
from wardline.agent.runbooks.states import FileState, ModeState, State, UnitChoice
from wardline.agent.runbooks.unit_operation import Restart, RestoreUnit, UnitFound
from wardline.core.errors import Malformed
from wardline.core.evidence import fields

SCHEMA = "before_state/1"
CHANGES_MAX = 512
WORDS_MAX = 64
WORD_CHARS_MAX = 8192
TIMEOUT_S_MAX = 600

T = TypeVar("T", FileState, ModeState, UnitChoice)


@dataclass(frozen=True, slots=True)
class Changed:
    """One change: the step that made it, its undo, and how the run left its target."""

    step: str
    undo: Undo
    after: State


@dataclass(frozen=True, slots=True)
class BeforeState:
    """All changes of a run, in their order; one for each target, however often it was changed."""

    changes: tuple[Changed, ...]


def taken(report: RunReport, host: Host) -> BeforeState:
    """Of a run that has just ended well; raises HostError where the host does not answer.

    What the run wrote is what it left, whatever has become of it since: an edit in between is
    somebody else's, and found as such when the run is undone.
    """
    written = {undo.target: undo.after for _, undo in report.undos if isinstance(undo, RestoreFile)}
    changes = []
    for place, undo in report.undos:
        after = undo.look(host)
        if isinstance(after, FileState) and after.content != written[undo.target]:
            after = replace(after, content=written[undo.target])
        changes.append(Changed(report.actions[place].step, undo, after))
    return BeforeState(_one_each(changes))


def _one_each(changes: Sequence[Changed]) -> tuple[Changed, ...]:
    """One undo for each target: between two of them it would stand as nobody knows it."""
    found: dict[object, list[Changed]] = {}
    for one in changes:
        found.setdefault(_key(one.undo), []).append(one)
    return tuple(_joined(each) for each in found.values())


def _key(undo: Undo) -> tuple[object, ...]:
    """What was changed: a path, be it by its content or its mode; a unit; an effect, for two rules
    of a firewall are seen in the same answer."""
    match undo:
        case RestoreFile() | RestoreMode():
            return "path", undo.target
        case RunUndo(effect=AnswerEffect() as effect):
            return "answer", effect
        case _:
            return type(undo), undo.target


def _joined(changes: Sequence[Changed]) -> Changed:
    """From before the first change of a target to after its last one."""
    first, last = changes[0], changes[-1]
    files = [one for one in changes if isinstance(one.undo, RestoreFile)]
    undos = [one.undo for one in files if isinstance(one.undo, RestoreFile)]
    if not files:
        return replace(first, undo=_until(first.undo, last.undo), after=last.after)
    if len(changes) == 1:
        return first
    proofs = [undo.check_with for undo in undos if undo.check_with is not None]
    undo = RestoreFile(
        path=undos[0].path,
        before=_as_first(undos[0].before, first.undo),
        after=undos[-1].after,
        check_with=proofs[-1] if proofs else None,
        reloads=tuple(dict.fromkeys(argv for undo in undos for argv in undo.reloads)),
    )
    return Changed(first.step, undo, files[-1].after)


def _until(first: Undo, last: Undo) -> Undo:
    """The first undo of a target, which knows a mode by how the last change left it."""
    if isinstance(first, RestoreMode) and isinstance(last, RestoreMode):
        return replace(first, after=last.after)
    return first


def _as_first(written: FileState, first: Undo) -> FileState:
    """How a file stood before its first change, where that was one of its mode."""
    if not isinstance(first, RestoreMode) or written.status is None:
        return written
    was = first.was
    owner = (written.status.uid, written.status.gid) if was.uid is None else (was.uid, was.gid)
    return replace(
        written, status=replace(written.status, mode=was.mode, uid=owner[0], gid=owner[1])
    )


def dump(before: BeforeState) -> bytes:
    """The bytes that `load` reads back. A name on a host may hold bytes that are no characters:
    plain JSON keeps them, the canonical form does not."""
    changes = [
        {
            "step": one.step,
            "undo": _undo_wire(one.undo),
            "after": states.to_wire(one.after),
        }
        for one in before.changes
    ]
    return json.dumps({"schema": SCHEMA, "changes": changes}).encode()


def load(data: bytes) -> BeforeState:
    """Raises Malformed naming the first field that is wrong."""
    try:
        value = json.loads(data)
    except ValueError:
        raise Malformed("", "not JSON") from None
    obj = fields.exactly(value, frozenset({"schema", "changes"}))
    fields.one_of(obj, "schema", (SCHEMA,))
    return BeforeState(fields.parts(obj, "changes", CHANGES_MAX, _changed))


def _changed(value: object) -> Changed:
    obj = fields.exactly(value, frozenset({"step", "undo", "after"}))
    return Changed(
        step=_word(obj["step"]),
        undo=fields.part(obj, "undo", _undo),
        after=fields.part(obj, "after", states.from_wire),
    )


def _undo_wire(undo: Undo) -> dict[str, Any]:
    match undo:
        case RestoreFile():
            return {
                "kind": "file",
                "target": undo.path,
                "before": states.to_wire(undo.before),
                "after": states.content_to_wire(undo.after),
                "check_with": undo.check_with,
                "reloads": undo.reloads,
            }
        case RemoveFolder():
            return {"kind": "folder", "target": undo.path}
        case RestoreMode():
            return {
                "kind": "mode",
                "target": undo.target,
                "before": states.to_wire(undo.before),
                "after": states.to_wire(undo.after),
            }
        case RunUndo():
            return {
                "kind": "command",
                "effect": _effect_wire(undo.effect),
                "argv": undo.argv,
                "before": undo.before,
                "timeout_s": undo.timeout_s,
            }
        case RestoreUnit():
            return {
                "kind": "unit",
                "target": undo.unit,
                "before": states.to_wire(undo.was),
                "state": undo.before.state,
                "missing": undo.missing,
                "timeout_s": undo.timeout_s,
            }
        case Restart():
            return {"kind": "restart", "target": undo.unit, "timeout_s": undo.timeout_s}
    raise Malformed("undo", f"{type(undo).__name__} has no form in which it could be kept")


def _effect_wire(effect: FileEffect | AnswerEffect) -> dict[str, str]:
    if isinstance(effect, FileEffect):
        return {"kind": "file", "shown_by": effect.path, "wanted": effect.wanted}
    return {"kind": "answer", "shown_by": effect.query.id, "wanted": effect.wanted}


def _undo(value: object) -> Undo:
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in _UNDOS:
        raise Malformed("kind", "not a kind of undo")
    keys, read = _UNDOS[kind]
    return read(fields.exactly(value, keys | {"kind"}))


def _file(obj: fields.Object) -> Undo:
    return RestoreFile(
        path=fields.part(obj, "target", _word),
        before=_state(obj, FileState),
        after=fields.part(obj, "after", states.content_from_wire),
        check_with=fields.optional(obj, "check_with", fields.part, _words),
        reloads=fields.parts(obj, "reloads", WORDS_MAX, _words),
    )


def _mode(obj: fields.Object) -> Undo:
    before, after = _state(obj, ModeState), _state(obj, ModeState, "after")
    return RestoreMode(fields.part(obj, "target", _word), before, after)


def _folder(obj: fields.Object) -> Undo:
    return RemoveFolder(fields.part(obj, "target", _word))


def _command(obj: fields.Object) -> Undo:
    return RunUndo(
        argv=fields.part(obj, "argv", _words),
        effect=fields.part(obj, "effect", _effect),
        before=fields.text(obj, "before", states.TEXT_BYTES_MAX),
        timeout_s=_timeout_s(obj),
    )


def _unit(obj: fields.Object) -> Undo:
    before, unit = _state(obj, UnitChoice), _unit_name(obj)
    return RestoreUnit(
        unit=unit,
        before=UnitFound(
            installed=before.installed,
            enabled=before.enabled,
            masked=before.masked,
            running=before.running,
            state=fields.part(obj, "state", _word),
            links=dict(before.links),
        ),
        missing=fields.part(obj, "missing", _words),
        timeout_s=_timeout_s(obj),
    )


def _restart(obj: fields.Object) -> Undo:
    return Restart(_unit_name(obj), _timeout_s(obj))


def _effect(value: object) -> FileEffect | AnswerEffect:
    obj = fields.exactly(value, frozenset({"kind", "shown_by", "wanted"}))
    wanted = fields.text(obj, "wanted", states.TEXT_BYTES_MAX)
    if fields.one_of(obj, "kind", ("file", "answer")) == "file":
        return FileEffect(fields.part(obj, "shown_by", _word), wanted)
    return AnswerEffect(fields.choice(obj, "shown_by", _SHOWN), wanted)


def _state(obj: fields.Object, wanted: type[T], key: str = "before") -> T:
    found = fields.part(obj, key, states.from_wire)
    if not isinstance(found, wanted):
        raise Malformed(key, f"not a {wanted.__name__}")
    return found


def _unit_name(obj: fields.Object) -> str:
    unit = fields.part(obj, "target", _word)
    queries.check_unit(unit)
    return unit


def _timeout_s(obj: fields.Object) -> int:
    return fields.integer(obj, "timeout_s", 1, TIMEOUT_S_MAX)


def _words(value: object) -> tuple[str, ...]:
    return fields.parts({"words": value}, "words", WORDS_MAX, _word)


def _word(value: object) -> str:
    """Any text of a bounded length: what a host names may be no proper characters."""
    if not isinstance(value, str) or len(value) > WORD_CHARS_MAX:
        raise Malformed("", f"not a text of up to {WORD_CHARS_MAX} characters")
    return value


_SHOWN = {query.id: query for query in (queries.UFW_STATUS, queries.UFW_ADDED)}
_UNDOS: Mapping[str, tuple[frozenset[str], Callable[[fields.Object], Undo]]] = {
    "file": (frozenset({"target", "before", "after", "check_with", "reloads"}), _file),
    "folder": (frozenset({"target"}), _folder),
    "mode": (frozenset({"target", "before", "after"}), _mode),
    "command": (frozenset({"effect", "argv", "before", "timeout_s"}), _command),
    "unit": (frozenset({"target", "before", "state", "missing", "timeout_s"}), _unit),
    "restart": (frozenset({"target", "timeout_s"}), _restart),
}
