"""Runs a runbook on a host: dry first if asked, atomic per file, undone in reverse on failure.

Each step has its time. What was up before has to be up afterwards, and where a step can cut the
line, the host goes back by itself unless a new connection is let in.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from wardline.agent.hosts.host import Host, HostError, ReadOnly, RevertFired
from wardline.agent.hosts.timed import TimedHost
from wardline.agent.runbooks import collateral, cutting, plan, telling
from wardline.agent.runbooks.collateral import Meant, Noted
from wardline.agent.runbooks.line_guard import LineGuard, Pace
from wardline.agent.runbooks.operations import Change, Operation, Undo
from wardline.agent.runbooks.plan import Planned
from wardline.agent.runbooks.runbook import Runbook
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Action

PACE = Pace()
LOOK_AGAIN_S = 0.5


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run did. It says nothing of healing: that is a later measurement's word.

    `undone` is None where there was nothing to undo, True where everything was put back and
    found back, False where something is left by hand; `error` then says what. `stopped` is why it
    ended between two steps though nothing had failed. `collateral` names what was up before the
    run and down after it. `unseen` is a run that did all it was to do, of which nobody could look
    whether it brought something down: what it changed stands. `undos` put back what a run has
    changed and left so, each with the place of its action, in the order of the changes.
    """

    actions: tuple[Action, ...]
    ok: bool
    undone: bool | None
    error: str | None
    stopped: str | None = None
    collateral: tuple[str, ...] = ()
    unseen: bool = False
    undos: tuple[tuple[int, Undo], ...] = ()

    @property
    def changed(self) -> bool:
        """Whether the host is other than before the run."""
        return any(action.changed and not action.undone for action in self.actions)

    @property
    def is_a_persons(self) -> bool:
        """Whether no machine may go on: the next repair would meet the same surprise."""
        return bool(self.collateral) or self.unseen


def dry_run(runbook: Runbook, inputs: Mapping[str, Json], host: Host) -> tuple[Action, ...]:
    """What a run would change, as unified diffs; reads only, so it works on observed hosts too.

    Raises InputInvalid for inputs that the runbook does not accept, and HostError where the
    host does not answer.
    """
    actions: list[Action] = []
    for planned in plan.make(runbook, inputs, host):
        operation, started = planned.operation, time.monotonic()
        change = _NOTHING_BEFORE if _is_idle(operation, actions) else operation.preview(host)
        actions.append(telling.done(operation, change, started, dry_run=True))
    return tuple(actions)


def _never() -> str | None:
    return None


def run(
    runbook: Runbook,
    inputs: Mapping[str, Json],
    host: Host,
    stop: Callable[[], str | None] = _never,
    pace: Pace | None = None,
) -> RunReport:
    """Carry a runbook out; after a failure everything it changed is undone in reverse.

    So it is when `stop`, asked before each step, says why the run must not go on, when something
    that was up is down afterwards, and when no new connection is let in.

    Raises InputInvalid for inputs that the runbook does not accept, ReadOnly on an observed
    host, and HostError where the host does not answer or takes no revert, all before anything has
    changed; every later failure is in the report.
    """
    if not host.writable:
        raise ReadOnly(host.name)
    return _Run(runbook, host, stop, PACE if pace is None else pace).carry_out(
        plan.make(runbook, inputs, host)
    )


class _Run:
    """One run as it goes on: what was done, and what undoes it."""

    def __init__(
        self, runbook: Runbook, host: Host, stop: Callable[[], str | None], pace: Pace
    ) -> None:
        self._runbook = runbook
        self._host = host
        self._stop = stop
        self._pace = pace
        self._actions: list[Action] = []
        self._undos: list[tuple[int, Undo]] = []
        self._timeouts: dict[int, int] = {}
        self._guard: LineGuard | None = None
        self._meant = Meant()

    def carry_out(self, planned: tuple[Planned, ...]) -> RunReport:
        before = collateral.note(self._host)
        self._arm(planned)
        ends: dict[int, float] = {}
        for one in planned:
            if (why := self._stop()) is not None:
                return self._back(before, why, stopped=why)
            end = ends.setdefault(one.step, self._pace.now() + one.timeout_s)
            if (failed := self._step(one, end)) is not None:
                return self._back(before, failed)
        return self._ended(before)

    def _arm(self, planned: tuple[Planned, ...]) -> None:
        started = time.monotonic()
        revert = cutting.revert(planned, self._host, self._pace.revert_s)
        if revert is not None:
            self._guard = LineGuard(self._host, revert, self._pace)
            self._actions.append(telling.armed(self._host.name, revert, started))

    def _step(self, planned: Planned, ends: float) -> str | None:
        """Do one operation; why it failed."""
        operation, place, started = planned.operation, len(self._actions), time.monotonic()
        self._timeouts[place] = planned.timeout_s
        undos: list[Undo] = []
        try:
            host = self._until(ends, planned.timeout_s)
            if _is_idle(operation, self._actions):
                change = _NOTHING_BEFORE
            else:
                if self._guard is None:
                    cutting.check_unguarded(planned, host)
                apply = self._stopping if planned.stops else _apply
                change = apply(operation, host, undos)
        except HostError as error:
            self._actions.append(telling.failed(operation, error, started, changed=bool(undos)))
            return str(error)
        else:
            self._actions.append(telling.done(operation, change, started, dry_run=False))
            return None
        finally:
            self._undos += [(place, undo) for undo in undos]

    def _stopping(self, operation: Operation, host: Host, undos: list[Undo]) -> Change:
        """Stop a unit, and remember what belonged to it."""
        before = collateral.note(host)
        change = operation.apply(host, undos)
        if change.changed:
            after = collateral.note(host)
            self._meant |= collateral.stopped(before, after, operation.target)
        return change

    def _until(self, ends: float, timeout_s: int) -> Host:
        """The host for as long as the step has, and as its revert leaves."""
        guard = self._guard
        if guard is not None and guard.ends < ends:
            why = f"{guard.revert.after_s} s until the host goes back leave no time for this"
            return TimedHost(self._host, guard.ends, why, self._pace.now)
        why = f"the step's {timeout_s} s are used up"
        return TimedHost(self._host, ends, why, self._pace.now)

    def _ended(self, before: Noted) -> RunReport:
        """Every step was done: look what it brought down, and have a new connection made."""
        lost = self._looked(before)
        if isinstance(lost, tuple) and lost:
            return self._harmed(before, lost)
        if self._guard is not None:
            if (failed := self._call_off(self._guard)) is not None:
                self._host.close()
                return self._back(before, failed)
            if isinstance(lost, HostError):
                # The old line may be down, and this one not.
                self._host.close()
                lost = self._looked(before)
        if isinstance(lost, tuple) and lost:
            return self._harmed(before, lost)
        if self._runbook.requires_reboot and any(action.changed for action in self._actions):
            self._actions.append(telling.reboot(self._host.name))
        if isinstance(lost, HostError) and self._undos:
            return self._unseen(lost)
        return RunReport(tuple(self._actions), True, None, None, undos=tuple(self._undos))

    def _looked(self, before: Noted) -> tuple[str, ...] | HostError:
        """What is down, or why the host does not say it."""
        try:
            return self._lost(before)
        except HostError as error:
            return error

    def _lost(self, before: Noted) -> tuple[str, ...]:
        """What is down, once what was restarted has had time to come up, and the host to answer."""
        until = self._pace.now() + self._pace.settle_s
        while True:
            try:
                after = collateral.note(self._host)
            except HostError:
                if self._pace.now() >= until:
                    raise
            else:
                lost = collateral.lost(before, after, self._meant, self._runbook)
                if not lost or self._pace.now() >= until:
                    return lost
            self._pace.wait(LOOK_AGAIN_S)

    def _unseen(self, why: HostError) -> RunReport:
        """Nothing says that it did harm, so it stands; nothing says that it did none (ADR 11)."""
        error = f"whether all is up that was up before the run is not known: {why}"
        told = telling.told("look again", self._host.name, error)
        self._actions.append(told)
        return RunReport(
            *(tuple(self._actions), False, None, told.error),
            unseen=True,
            undos=tuple(self._undos),
        )

    def _harmed(self, before: Noted, lost: tuple[str, ...]) -> RunReport:
        error = f"up before the run and down after it: {collateral.told(lost)}"
        self._actions.append(telling.told("collateral", self._host.name, error))
        return self._back(before, error, lost=lost)

    def _call_off(self, guard: LineGuard) -> str | None:
        """Call the revert off over a new connection; why that did not come about."""
        started, revert = time.monotonic(), guard.revert
        try:
            guard.call_off()
        except RevertFired as error:
            failed = f"no new connection within {revert.after_s} s: {error}"
        except HostError as error:
            failed = f"no new connection, also not after the host's {revert.after_s} s: {error}"
        else:
            self._actions.append(telling.called_off(self._host.name, started))
            return None
        self._actions.append(telling.told("call off the revert", self._host.name, failed, started))
        return failed

    def _back(
        self,
        before: Noted,
        error: str,
        stopped: str | None = None,
        lost: tuple[str, ...] = (),
    ) -> RunReport:
        """Undo in reverse; where that is not enough the host's own revert has the last word."""
        left = self._undo_all()
        if self._guard is not None and self._guard.armed:
            told = self._let_fire(self._guard) if left else self._call_off(self._guard)
            if told is not None:
                error = error if told in error else f"{error}; {told}"
                # What was open belongs to a line that was down.
                self._host.close()
                left = self._undo_all()
        if self._undos:
            down, not_known = self._still_down(before)
            lost, left = lost or down, left + not_known
        undone: bool | None = not left
        if not self._undos and not left:
            undone = None
        if left:
            error = f"{error}; left by hand: {'; '.join(left)}"
        return RunReport(tuple(self._actions), False, undone, error, stopped, lost)

    def _let_fire(self, guard: LineGuard) -> str:
        """Leave it to the host to go back; what it said."""
        started = time.monotonic()
        try:
            guard.let_fire()
            told = "the host's own revert was called off after its time"
        except HostError as error:
            told = str(error)
        self._actions.append(telling.told("revert", self._host.name, told, started))
        return told

    def _undo_all(self) -> list[str]:
        """Everything once, and what is left. One that fails does not keep the others from being
        tried; what is back already stays."""
        left: list[str] = []
        backwards = self._undos[::-1]
        # A stable sort: what waits for the rest comes last, everything else stays in reverse.
        for place, undo in sorted(backwards, key=lambda one: one[1].deferred):
            timeout_s = self._timeouts[place]
            why = f"the {timeout_s} s for undoing this are used up"
            host = TimedHost(self._host, self._pace.now() + timeout_s, why, self._pace.now)
            try:
                undo.apply(host)
                self._actions[place] = replace(self._actions[place], undone=True)
            except HostError as problem:
                self._actions[place] = replace(self._actions[place], undone=False)
                left.append(str(problem))
        return left

    def _still_down(self, before: Noted) -> tuple[tuple[str, ...], list[str]]:
        """What the undo has not brought back, as names and as what is left by hand."""
        self._meant = Meant()
        down = self._looked(before)
        if isinstance(down, HostError):
            return (), [f"whether everything is up again is not known: {down}"]
        return down, [f"still down: {collateral.told(down)}"] if down else []


def _apply(operation: Operation, host: Host, undos: list[Undo]) -> Change:
    return operation.apply(host, undos)


_NOTHING_BEFORE = Change(False, output="left out: no step before it changed anything")


def _is_idle(operation: Operation, actions: list[Action]) -> bool:
    return operation.needs_change and not any(action.changed for action in actions)
