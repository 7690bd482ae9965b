"""What stands under the target of a change at one moment, told apart, shown and kept."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wardline.agent.hosts.host import FileKind, Stat
from wardline.agent.runbooks import diff, views
from wardline.agent.runbooks.views import View
from wardline.core.errors import Malformed
from wardline.core.evidence import fields

TEXT_BYTES_MAX = 64 * 1024
LINKS_MAX = 256
LINK_CHARS_MAX = 4096
MODE_MAX = 0o7777
ID_MAX = 2**32 - 1


@dataclass(frozen=True, slots=True, eq=False)
class FileState:
    """A file as it was found; both are None where there is none. `view` is what may be shown."""

    content: bytes | None
    status: Stat | None
    view: View = View.WHOLE

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FileState) and self._compared == other._compared

    def __hash__(self) -> int:
        return hash(self._compared)

    @property
    def _compared(self) -> object:
        found = self.status
        return self.content, None if found is None else (found.mode, found.uid, found.gid)


@dataclass(frozen=True, slots=True)
class ModeState:
    """Mode, owner and group of a path; the owners are None where they say nothing of the host."""

    mode: int
    uid: int | None
    gid: int | None

    def __str__(self) -> str:
        return f"{self.mode:04o}" if self.uid is None else f"{self.mode:04o} {self.uid}:{self.gid}"


@dataclass(frozen=True, slots=True)
class UnitChoice:
    """What somebody decided about a unit of systemd, and whether it runs: None on a tree, where
    nothing does."""

    installed: bool
    enabled: bool
    masked: bool
    running: bool | None
    links: tuple[tuple[str, str], ...]


# Of a file, of a mode, of a unit, of what a command sets; of a restart there is nothing to see.
State = FileState | ModeState | UnitChoice | str | None


def is_between(found: State, was: State, after: State) -> bool:
    """Whether every part of what is found is as it was or as it was left: then nobody else has been
    there, though an undo may have been cut off between two parts."""
    if found in (was, after):
        return True
    parts = [_parts(one) for one in (found, was, after)]
    return len({len(one) for one in parts}) == 1 and all(
        here in (before, left) for here, before, left in zip(*parts, strict=True)
    )


def difference(target: str, old: State, new: State) -> str:
    """What leads from one state of a target to another, as a diff; empty where nothing does."""
    if old == new:
        return ""
    if isinstance(old, FileState) and isinstance(new, FileState):
        return _of_files(target, old, new)
    if isinstance(old, str) and isinstance(new, str):
        return diff.of_texts(target, old, new)
    return f"--- {target}\n+++ {target}\n{_lines('-', old)}{_lines('+', new)}"


def to_wire(state: State) -> dict[str, Any]:
    """The state as a JSON value; contents of files as base64."""
    match state:
        case FileState(content=content, status=status, view=view):
            told = None if content is None else content_to_wire(content)
            owned = None if status is None else _mode_wire(status.mode, status.uid, status.gid)
            return {"kind": "file", "content": told, "owned": owned, "view": view.value}
        case ModeState(mode=mode, uid=uid, gid=gid):
            return {"kind": "mode", "owned": _mode_wire(mode, uid, gid)}
        case UnitChoice():
            return {
                "kind": "unit",
                "installed": state.installed,
                "enabled": state.enabled,
                "masked": state.masked,
                "running": state.running,
                "links": dict(state.links),
            }
        case str():
            return {"kind": "text", "text": state}
        case None:
            return {"kind": "nothing"}


def from_wire(value: object) -> State:
    """The state of a decoded object; raises Malformed."""
    kind = value.get("kind") if isinstance(value, Mapping) else None
    if not isinstance(kind, str) or kind not in _KEYS:
        raise Malformed("kind", "not a kind of state")
    obj = fields.exactly(value, _KEYS[kind])
    match kind:
        case "file":
            return _file(obj)
        case "mode":
            return _mode(fields.mapping(obj, "owned"))
        case "unit":
            links = fields.mapping(obj, "links")
            if len(links) > LINKS_MAX:
                raise Malformed("links", f"more than {LINKS_MAX}")
            return UnitChoice(
                installed=fields.boolean(obj, "installed"),
                enabled=fields.boolean(obj, "enabled"),
                masked=fields.boolean(obj, "masked"),
                running=fields.optional(obj, "running", fields.boolean),
                links=tuple(sorted((path, _link(target)) for path, target in links.items())),
            )
        case "text":
            return fields.text(obj, "text", TEXT_BYTES_MAX)
        case _:
            return None


def content_to_wire(content: bytes) -> str:
    return base64.b64encode(content).decode()


def content_from_wire(value: object) -> bytes:
    """Raises Malformed."""
    try:
        return base64.b64decode(value if isinstance(value, str) else "!", validate=True)
    except binascii.Error:
        raise Malformed("", "not base64") from None


def _parts(state: State) -> tuple[object, ...]:
    """What is set by a program of its own each; a file is switched in whole."""
    match state:
        case UnitChoice():
            chosen = (state.installed, state.enabled, state.masked, state.links)
            return chosen, state.running
        case ModeState():
            return state.mode, (state.uid, state.gid)
        case _:
            return (state,)


def _of_files(target: str, old: FileState, new: FileState) -> str:
    view = views.narrower(old.view, new.view)
    shown = diff.of_texts(target, _text(view, old.content), _text(view, new.content))
    if new.content is None or old.content is None:
        return f"{shown}{_lines('-', old)}{_lines('+', new)}"
    if old.content != new.content or old.status is None or new.status is None:
        return shown
    modes = [ModeState(one.mode, one.uid, one.gid) for one in (old.status, new.status)]
    return difference(target, *modes)


def _lines(sign: str, state: State) -> str:
    match state:
        case FileState(content=content):
            words = ["(no such file)"] if content is None else []
        case UnitChoice():
            on = "enabled" if state.enabled else "disabled"
            words = [on if state.installed else "(no such unit)"]
            words += ["masked"] if state.masked else []
            words += _RUNNING[state.running]
            words += [f"{path} -> {target}" for path, target in state.links]
        case _:
            words = [str(state)]
    return "".join(f"{sign}{word}\n" for word in words)


def _text(view: View, content: bytes | None) -> str:
    return views.shown(view, (content or b"").decode("utf-8", "backslashreplace"))


def _file(obj: fields.Object) -> FileState:
    content = None if obj["content"] is None else fields.part(obj, "content", content_from_wire)
    if (content is None) != (obj["owned"] is None):
        raise Malformed("owned", "null exactly where there is no file")
    view = fields.choice(obj, "view", _VIEWS)
    if content is None:
        return FileState(None, None, view)
    owned = _mode(fields.mapping(obj, "owned"))
    status = Stat(FileKind.FILE, owned.mode, owned.uid, owned.gid, len(content), 0)
    return FileState(content, status, view)


def _mode(value: Mapping[str, Any]) -> ModeState:
    obj = fields.exactly(value, _OWNED)
    return ModeState(
        fields.integer(obj, "mode", 0, MODE_MAX),
        fields.optional(obj, "uid", fields.integer, 0, ID_MAX),
        fields.optional(obj, "gid", fields.integer, 0, ID_MAX),
    )


def _mode_wire(mode: int, uid: int | None, gid: int | None) -> dict[str, int | None]:
    return {"mode": mode, "uid": uid, "gid": gid}


def _link(value: object) -> str:
    """Its length in characters: a name on a host may hold bytes that are none."""
    if not isinstance(value, str) or len(value) > LINK_CHARS_MAX:
        raise Malformed("links", f"not texts of up to {LINK_CHARS_MAX} characters")
    return value


_RUNNING: Mapping[bool | None, list[str]] = {None: [], True: ["running"], False: ["stopped"]}
_VIEWS = {view.value: view for view in View}
_OWNED = frozenset({"mode", "uid", "gid"})
_KEYS = {
    "file": frozenset({"kind", "content", "owned", "view"}),
    "mode": frozenset({"kind", "owned"}),
    "unit": frozenset({"kind", "installed", "enabled", "masked", "running", "links"}),
    "text": frozenset({"kind", "text"}),
    "nothing": frozenset({"kind"}),
}
