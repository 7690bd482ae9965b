"""Runs a runbook on a host: dry first if asked, atomic per file, undone in reverse on failure."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from wardline.agent.hosts.host import Host, HostError, ReadOnly
from wardline.agent.runbooks import plan
from wardline.agent.runbooks.operations import Change, CommandFailed, Operation, Undo
from wardline.agent.runbooks.runbook import Runbook
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import ERROR_BYTES_MAX, Action


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did. It says nothing of healing: that is a later measurement's word.

    `undone` is None where there was nothing to undo, True where everything was put back and
    found back, False where something is left by hand; `error` then says what. `stopped` is why it
    ended between two steps though nothing had failed. `undos` put back what a run that ended well
    has changed, each with the place of its action, in the order of the changes.
    """

    actions: tuple[Action, ...]
    ok: bool
    undone: bool | None
    error: str | None
    stopped: str | None = None
    undos: tuple[tuple[int, Undo], ...] = ()

    @property
    def changed(self) -> bool:
        """Whether the host is other than before the run."""
        return any(action.changed and not action.undone for action in self.actions)


def dry_run(runbook: Runbook, inputs: Mapping[str, Json], host: Host) -> tuple[Action, ...]:
    """What a run would change, as unified diffs; reads only, so it works on observed hosts too.

    Raises InputInvalid for inputs that the runbook does not accept, and HostError where the
    host does not answer.
    """
    actions: list[Action] = []
    for operation in plan.make(runbook, inputs, host):
        started = time.monotonic()
        change = _NOTHING_BEFORE if _is_idle(operation, actions) else operation.preview(host)
        actions.append(_action(operation, change, started, dry_run=True))
    return tuple(actions)


def _never() -> str | None:
    return None


def run(
    runbook: Runbook,
    inputs: Mapping[str, Json],
    host: Host,
    stop: Callable[[], str | None] = _never,
) -> RunReport:
    """Carry a runbook out; after a failure everything it changed is undone in reverse.

    So it is when `stop`, asked before each step, says why the run must not go on.

    Raises InputInvalid for inputs that the runbook does not accept, ReadOnly on an observed
    host, and HostError where the host does not answer, all before anything has changed; every
    later failure is in the report.
    """
    if not host.writable:
        raise ReadOnly(host.name)
    actions: list[Action] = []
    undos: list[tuple[int, Undo]] = []
    for operation in plan.make(runbook, inputs, host):
        if (why := stop()) is not None:
            return replace(_undo_all(host, actions, undos, why), stopped=why)
        started = time.monotonic()
        armed: list[Undo] = []
        try:
            change = (
                _NOTHING_BEFORE if _is_idle(operation, actions) else operation.apply(host, armed)
            )
        except HostError as error:
            undos += [(len(actions), undo) for undo in armed]
            actions.append(_failed(operation, error, started, changed=bool(armed)))
            return _undo_all(host, actions, undos, str(error))
        undos += [(len(actions), undo) for undo in armed]
        actions.append(_action(operation, change, started, dry_run=False))
    return RunReport(tuple(actions), ok=True, undone=None, error=None, undos=tuple(undos))


_NOTHING_BEFORE = Change(False, output="left out: no step before it changed anything")


def _is_idle(operation: Operation, actions: list[Action]) -> bool:
    return operation.needs_change and not any(action.changed for action in actions)


def _undo_all(
    host: Host, actions: list[Action], undos: list[tuple[int, Undo]], error: str
) -> RunReport:
    """Undo in reverse. One that fails does not keep the others from being tried."""
    left: list[str] = []
    backwards = undos[::-1]
    # A stable sort: what waits for the rest comes last, everything else stays in reverse.
    for index, undo in sorted(backwards, key=lambda one: one[1].deferred):
        try:
            undo.apply(host)
            actions[index] = replace(actions[index], undone=True)
        except HostError as problem:
            left.append(str(problem))
    if not undos:
        return RunReport(tuple(actions), ok=False, undone=None, error=error)
    if left:
        error = f"{error}; left by hand: {'; '.join(left)}"
    return RunReport(tuple(actions), ok=False, undone=not left, error=error)


def _action(operation: Operation, change: Change, started: float, *, dry_run: bool) -> Action:
    return Action(
        step=operation.step,
        type=operation.type,
        target=operation.target,
        dry_run=dry_run,
        changed=change.changed,
        exit_code=change.exit_code,
        duration_ms=_milliseconds_since(started),
        output=change.output,
        diff=change.diff,
    )


def _failed(operation: Operation, error: HostError, started: float, *, changed: bool) -> Action:
    return Action(
        step=operation.step,
        type=operation.type,
        target=operation.target,
        dry_run=False,
        changed=changed,
        exit_code=error.exit_code if isinstance(error, CommandFailed) else None,
        duration_ms=_milliseconds_since(started),
        output=error.output if isinstance(error, CommandFailed) else "",
        error=str(error).encode()[:ERROR_BYTES_MAX].decode("utf-8", "ignore"),
    )


def _milliseconds_since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
