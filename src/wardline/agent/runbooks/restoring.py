"""Puts a host back as it was before a run that had ended well: wholly looked at, then changed.

Nothing is changed while anything that the run had changed is other than the run left it: somebody
else has been there, and what they did is shown instead. What is back already is left alone, so that
an undo that was interrupted can be done again.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from wardline.agent.hosts import revert
from wardline.agent.hosts.host import Host, HostError, Kind, ReadOnly
from wardline.agent.hosts.revert import Revert
from wardline.agent.runbooks import operations, states
from wardline.agent.runbooks.before_state import BeforeState, Changed
from wardline.agent.runbooks.commands import RunUndo
from wardline.agent.runbooks.line_guard import LineGuard, Pace
from wardline.agent.runbooks.mode_operation import RestoreMode
from wardline.agent.runbooks.operations import CommandFailed, RestoreFile
from wardline.agent.runbooks.unit_operation import Restart, RestoreUnit
from wardline.core.errors import Malformed
from wardline.core.evidence.bundle import ERROR_BYTES_MAX, Action
from wardline.core.incidents import incident

# A host over SSH that nobody reaches so long after the undo may have ended puts itself back.
REVERT_AFTER_S = 60
EDITED = "is not as the run left it: somebody has edited it since"


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of it. `refused` is why nothing was changed at all; `left` what is to be done by
    hand; both None: everything is as it was before the run, and was found so."""

    actions: tuple[Action, ...]
    refused: str | None = None
    left: str | None = None

    @property
    def ok(self) -> bool:
        return self.refused is None and self.left is None


def preview(before: BeforeState) -> tuple[Action, ...]:
    """What an undo would change on a host that is as the run left it; asks nobody."""
    return tuple(
        _action(one, states.difference(one.undo.target, one.after, one.undo.was), dry_run=True)
        for one in _backwards(before.changes)
    )


def restore(before: BeforeState, host: Host) -> Restored:
    """Everything back as it was, in reverse; what fails keeps nothing else from being tried."""
    try:
        if not host.writable:
            raise ReadOnly(host.name)
        todo = _todo(before, host)
        edited = tuple(_edited(todo, host))
        if edited:
            names = ", ".join(sorted({one.target for one in edited}))
            return Restored(edited, refused=f"{names}: {EDITED}; nothing was changed")
        _prove(todo, host)
        guard = _guarded(todo, host)
    except (HostError, Malformed) as error:
        return Restored((), refused=f"nothing was changed: {error}")
    actions, left = _put_back(todo, host)
    if guard is not None:
        try:
            guard.call_off()
        except HostError as error:
            left.append(f"what was put back may have gone again: {error}")
    left += _unproved(todo, host)
    return Restored(tuple(actions), left="; ".join(dict.fromkeys(left)) or None)


def _todo(before: BeforeState, host: Host) -> tuple[Changed, ...]:
    """Without what is back already."""
    stopped = {one.undo.target for one in before.changes if _stops(one)}
    return tuple(
        one
        for one in before.changes
        if not _is_back(one, host)
        and not (isinstance(one.undo, Restart) and one.undo.target in stopped)
    )


def _stops(one: Changed) -> bool:
    """A unit that did not run before the run is not started again when its files are back."""
    return isinstance(one.undo, RestoreUnit) and one.undo.before.running is False


def _is_back(one: Changed, host: Host) -> bool:
    return one.after is not None and one.undo.look(host) == one.undo.was


def _edited(todo: tuple[Changed, ...], host: Host) -> Iterator[Action]:
    for one in todo:
        found = one.undo.look(host)
        if not states.is_between(found, one.undo.was, one.after):
            shown = states.difference(one.undo.target, one.after, found)
            yield _action(one, shown, dry_run=True, changed=False, error=EDITED)


def _prove(todo: tuple[Changed, ...], host: Host) -> None:
    """What is to be put back is shown to its own program first: it may never have liked it."""
    for one in todo:
        undo = one.undo
        if isinstance(undo, RestoreFile) and undo.before.content is not None:
            operations.prove(host, undo.path, undo.before.content, undo.check_with)


def _put_back(todo: tuple[Changed, ...], host: Host) -> tuple[list[Action], list[str]]:
    actions: list[Action] = []
    left: list[str] = []
    for one in _backwards(todo):
        started = time.monotonic()
        try:
            found = one.undo.look(host)
            one.undo.apply(host)
            shown = states.difference(one.undo.target, found, one.undo.look(host))
            changed = bool(shown) or one.after is None
            actions.append(_action(one, shown, changed=changed, started=started))
        except HostError as error:
            left.append(str(error))
            output = error.output if isinstance(error, CommandFailed) else ""
            actions.append(_action(one, "", output=output, error=str(error), started=started))
    return actions, left


def _unproved(todo: tuple[Changed, ...], host: Host) -> list[str]:
    """The last look: a later step may have disturbed an earlier one."""
    left = []
    for one in todo:
        try:
            if one.undo.look(host) != one.undo.was:
                left.append(f"{one.undo.target}: is not as it was before")
        except HostError as error:
            left.append(f"{one.undo.target}: nothing shows that it is back: {error.why}")
    return left


def _guarded(todo: tuple[Changed, ...], host: Host) -> LineGuard | None:
    """Only a line can be cut, and only what is on the host can put it back then: as the run had
    left it."""
    if host.kind is not Kind.SSH:
        return None
    undos = [one.undo for one in todo]
    files = dict.fromkeys(undo.path for undo in undos if isinstance(undo, RestoreFile))
    modes = dict.fromkeys(undo.target for undo in undos if isinstance(undo, RestoreMode))
    reloads = dict.fromkeys(_reloads(todo))
    if not files and not modes and not reloads:
        return None
    spent_s = sum(_timeout_s(one) for one in todo)
    after_s = min(REVERT_AFTER_S + spent_s, revert.AFTER_S_MAX)
    armed = Revert(tuple(files), (), after_s, reloads=tuple(reloads), modes=tuple(modes))
    return LineGuard(host, armed, Pace(revert_s=after_s))


def _reloads(todo: tuple[Changed, ...]) -> Iterator[tuple[str, ...]]:
    """What has services take up the files again, and be as the run had left them."""
    for one in todo:
        match one.undo:
            case RestoreFile(reloads=reloads):
                yield from reloads
            case RestoreUnit(unit=unit):
                assert isinstance(one.after, states.UnitChoice), "a unit has the state of one"
                on, runs = one.after.enabled, one.after.running
                yield ("systemctl", "enable" if on else "disable", "--", unit)
                yield ("systemctl", "start" if runs else "stop", "--", unit)
            case Restart(unit=unit):
                yield ("systemctl", "restart", "--", unit)
            case _:
                pass


def _timeout_s(one: Changed) -> int:
    match one.undo:
        case RestoreFile(reloads=reloads):
            return len(reloads) * operations.HELPER_TIMEOUT_S
        case (
            RunUndo(timeout_s=seconds) | RestoreUnit(timeout_s=seconds) | Restart(timeout_s=seconds)
        ):
            return seconds
        case _:
            return 0


def _backwards(changes: tuple[Changed, ...]) -> list[Changed]:
    """In reverse, and what waits for the rest comes last."""
    backwards = changes[::-1]
    return sorted(backwards, key=lambda one: one.undo.deferred)


def _action(
    one: Changed,
    shown: str,
    *,
    dry_run: bool = False,
    changed: bool | None = None,
    output: str = "",
    error: str | None = None,
    started: float | None = None,
) -> Action:
    spent_s = 0.0 if started is None else time.monotonic() - started
    return Action(
        step=one.step,
        type=incident.UNDO,
        target=one.undo.target,
        dry_run=dry_run,
        changed=bool(shown) if changed is None else changed,
        exit_code=None,
        duration_ms=round(spent_s * 1000),
        output=output,
        diff=shown,
        error=None if error is None else error.encode()[:ERROR_BYTES_MAX].decode(errors="ignore"),
    )
