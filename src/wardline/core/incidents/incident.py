"""One drift of a host and the only ways in which it moves on, as a value that never changes.

Every change goes through `_moved`, which knows the table of states.py.

A drift that goes away without a repair of ours is *resolved*: the incident gets `closed_at` and
the passing result as `after`, keeps the level it had, and has no outcome, for that would be ours.
Healed means that a run of ours changed something, and that the same check, measured after that,
passed. From then on it is watched: passing at or after the end of the watch makes it stable, for
good; failing before that opens the same incident again.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from wardline.core.errors import Conflict
from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import (
    Action,
    IncidentOutcome,
    IncidentRecord,
    IncidentState,
    ResolutionLevel,
    Result,
    RunbookRef,
)
from wardline.core.evidence.watch import Watch, WatchEnd
from wardline.core.incidents import fitting, signature, undo, watching
from wardline.core.incidents.states import CLOSED, TO_JUDGE, TRANSITIONS, State
from wardline.core.incidents.watching import Attempt
from wardline.core.severity import Severity

# The type of an action that puts back what a run had changed.
UNDO = "undo"


@dataclass(frozen=True, slots=True)
class Incident:
    """An incident as the appliance keeps it; `tried` are the remedies that ran and did not help, by
    their marks, `watch` is that of its last heal."""

    id: str
    site_id: str
    host_id: str
    check: str
    severity: Severity
    pattern_signature: str
    opened_at: datetime
    before: Result
    state: State = State.OPEN
    level: ResolutionLevel | None = None
    outcome: IncidentOutcome | None = None
    after: Result | None = None
    decision: Mapping[str, Any] | None = None
    runbook: RunbookRef | None = None
    actions: tuple[Action, ...] = ()
    closed_at: datetime | None = None
    tried: tuple[str, ...] = ()
    interruptions: int = 0
    watch: Watch | None = None

    @property
    def watched(self) -> bool:
        """Healed, and neither stable nor drifted again."""
        return self.state is State.HEALED and self.watch is not None

    def record(self) -> IncidentRecord:
        """What the next bundle says of it; raises Conflict in the middle of a repair."""
        if self.state is State.REPAIRING:
            raise Conflict(f"incident {self.id} is being repaired: there is nothing to seal yet")
        return IncidentRecord(
            incident_id=self.id,
            check=self.check,
            severity=self.severity,
            pattern_signature=self.pattern_signature,
            opened_at=self.opened_at,
            state=IncidentState(self.state.value),
            resolution_level=self.level,
            outcome=self.outcome,
            before=self.before,
            after=self.after,
            decision=self.decision,
            runbook=self.runbook,
            actions=fitting.within(self.actions),
            closed_at=self.closed_at,
            watch=self.watch,
        )


def opened(incident_id: str, site_id: str, host_id: str, failed: Result, at: datetime) -> Incident:
    """The incident of a check that failed."""
    pattern = signature.signature(failed.check, signature.failing(failed.facts))
    return Incident(
        id=incident_id,
        site_id=site_id,
        host_id=host_id,
        check=failed.check,
        severity=failed.severity,
        pattern_signature=pattern,
        opened_at=at,
        before=failed,
    )


def judged(
    incident: Incident,
    state: State,
    decision: Mapping[str, Any] | None,
    runbook: RunbookRef | None,
    dry_run: tuple[Action, ...],
) -> Incident:
    """Nothing runs now: `state` says what is waited for, `dry_run` what would run."""
    _expect(incident, *TO_JUDGE)
    if state not in (State.OPEN, State.OBSERVING, State.WAITING):
        raise Conflict(f"incident {incident.id}: {state} is not a state of waiting")
    return _moved(
        incident,
        state,
        level=None,
        outcome=None,
        decision=decision,
        runbook=runbook,
        actions=dry_run,
    )


def started(
    incident: Incident,
    decision: Mapping[str, Any],
    runbook: RunbookRef,
    level: ResolutionLevel = ResolutionLevel.L1,
) -> Incident:
    """A run is about to begin; stored before its first step, so that a crash is seen. One that is a
    person's begins by a choice of theirs."""
    _expect(incident, *TO_JUDGE, State.ESCALATED)
    return _moved(
        incident,
        State.REPAIRING,
        level=level,
        outcome=None,
        decision=decision,
        runbook=runbook,
        actions=(),
        after=None,
    )


def ended(
    incident: Incident,
    ok: bool,
    actions: tuple[Action, ...],
    after: Result,
    at: datetime,
    attempt: Attempt,
    mark: str | None = None,
) -> Incident:
    """The run is over and the same check has measured again: healed, and watched from now on, only
    if that passed.

    A run that ended well, found nothing to change and left a passing check did not heal: the drift
    went away before it, so it is resolved. `mark` is the remedy's; without one it was the
    runbook with whatever inputs there are.
    """
    _expect(incident, State.REPAIRING)
    passes = ok and after.outcome is bundle.Outcome.PASS
    if passes and not can_close(incident, after, at):
        return _unclaimed(incident, actions, after, None)
    if passes and not any(one.changed and not (one.dry_run or one.undone) for one in actions):
        return _unclaimed(incident, actions, after, at)
    assert incident.runbook is not None, "a run has a runbook"
    if passes:
        number = incident.watch.number + 1 if incident.watch else 1
        return _moved(
            incident,
            State.HEALED,
            outcome=IncidentOutcome.SUCCESS,
            actions=actions,
            after=after,
            closed_at=at,
            watch=watching.begun(number, incident.runbook.id, attempt, at),
        )
    tried = (*incident.tried, mark or incident.runbook.id)
    return _moved(
        incident,
        State.FAILED,
        outcome=IncidentOutcome.FAILED,
        actions=actions,
        after=after,
        tried=tried,
    )


def stopped(
    incident: Incident,
    actions: tuple[Action, ...],
    after: Result,
    at: datetime,
    *,
    is_back: bool = True,
) -> Incident:
    """The run was stopped between two steps and what it had done was undone, all of it where
    `is_back`; `after` is what stands there now.

    Its runbook was not tried out, so that it may run again. Passing now closes the incident
    without a claim, but where a change of it could not be put back: then, and otherwise, it is
    open again.
    """
    _expect(incident, State.REPAIRING)
    closes = is_back and after.outcome is bundle.Outcome.PASS and can_close(incident, after, at)
    return _unclaimed(incident, actions, after, at if closes else None)


def interrupted(incident: Incident, after: Result, at: datetime) -> Incident:
    """The agent was stopped in the middle of a run; `after` is what stands there now.

    Passing now closes it without a claim: what the run did was lost with the agent, so it is not
    booked as a success. Otherwise it is open again.
    """
    _expect(incident, State.REPAIRING)
    told = Action(
        step="interrupted",
        type="interrupted",
        target=incident.runbook.id if incident.runbook else "",
        dry_run=False,
        changed=False,
        exit_code=None,
        duration_ms=0,
        error="the agent was stopped during this run, or could not record it: which of its steps"
        " ran is not known",
    )
    closes = after.outcome is bundle.Outcome.PASS and can_close(incident, after, at)
    moved = _unclaimed(incident, (told,), after, at if closes else None)
    return replace(moved, interruptions=incident.interruptions + 1)


def escalated(incident: Incident, decision: Mapping[str, Any] | None = None) -> Incident:
    """It is a person's now."""
    _expect(incident, *TO_JUDGE)
    return _moved(
        incident,
        State.ESCALATED,
        level=ResolutionLevel.L3,
        outcome=IncidentOutcome.ESCALATED,
        decision=decision or incident.decision,
    )


def hold_cleared(incident: Incident, decision: Mapping[str, Any]) -> Incident:
    """A person has cleared a hold on its repair; `decision` says who and why.

    What the hold had made a person's is open again, to be judged anew; what was waiting goes on
    waiting for that, and what is closed stays so.
    """
    if incident.state is State.ESCALATED:
        return reopened(incident, decision)
    if incident.state is State.REPAIRING:
        raise Conflict(f"incident {incident.id} is being repaired: nothing holds it")
    return replace(incident, decision=decision)


def reopened(incident: Incident, decision: Mapping[str, Any]) -> Incident:
    """No longer a person's: what stood in the way of its repair is gone."""
    _expect(incident, State.ESCALATED)
    return _moved(incident, State.OPEN, level=None, outcome=None, decision=decision)


def accepted(incident: Incident, decision: Mapping[str, Any]) -> Incident:
    """A person has accepted the state that failed, until a date: open, nothing runs, and it is no
    longer a person's ticket. `decision` says who and why."""
    if incident.state is State.ESCALATED:
        incident = reopened(incident, decision)
    return judged(incident, State.OPEN, decision, None, ())


def tried_anew(incident: Incident, decision: Mapping[str, Any]) -> Incident:
    """A person wants every remedy tried once more; `decision` says who and why. What had become a
    person's is open again, to be judged anew."""
    _expect(incident, *TO_JUDGE, State.ESCALATED)
    if incident.state is State.ESCALATED:
        incident = reopened(incident, decision)
    return replace(incident, decision=decision, tried=(), interruptions=0)


def resolved(incident: Incident, passed: Result, at: datetime) -> Incident:
    """The check passes again and no run of ours is why; the level stays as it was."""
    _expect(incident, *TO_JUDGE, State.ESCALATED)
    return _moved(incident, State.RESOLVED, outcome=None, after=passed, closed_at=at)


def watched(
    incident: Incident, measured: Result, at: datetime, passed: timedelta | None
) -> Incident | None:
    """What a measurement during the watch makes of a healed incident; None where it goes on.

    `passed` is the time since the heal by the clock that nobody sets, None after a reboot.
    """
    if not incident.watched or incident.watch is None:
        raise Conflict(f"incident {incident.id} is {incident.state}, and nothing watches it")
    watch = incident.watch
    left = watching.left(watch.healed_at, watch.until, at, passed)
    how = watching.end(watch, measured, left)
    if how is None:
        return None
    watch = watching.ended(watch, how, at)
    if how is WatchEnd.STABLE:
        return _moved(incident, State.STABLE, after=measured, watch=watch)
    return _moved(
        incident,
        State.OPEN,
        level=None,
        outcome=None,
        before=measured,
        after=None,
        decision=None,
        runbook=None,
        actions=(),
        closed_at=None,
        watch=watch,
    )


def undone(
    incident: Incident,
    decision: Mapping[str, Any],
    actions: tuple[Action, ...],
    measured: Result,
    at: datetime,
) -> Incident:
    """A person has had a run undone that had repaired this drift; `measured` is what stands there
    now, `decision` says who and why, and which run.

    It is open, whatever it was, for what follows from that: a person's, or resolved where the check
    passes all the same. A heal by that run has ended as undone. One by another run, or by one of
    which nobody knows what was put back, has ended too, for it stands on other ground now: neither
    proved nor disproved.
    """
    if incident.state is State.REPAIRING:
        raise Conflict(f"incident {incident.id} is being repaired: nothing of it is undone now")
    watch = incident.watch
    if watch is not None and incident.state in (State.HEALED, State.STABLE):
        found = undo.told(decision)
        own = found is not None and found.run_id == undo.run_of(incident.decision)
        watch = watching.ended(watch, WatchEnd.UNDONE if own else WatchEnd.UNPROVED, at)
    return _moved(
        incident,
        State.OPEN,
        level=None,
        outcome=None,
        before=measured if measured.outcome is bundle.Outcome.FAIL else incident.before,
        after=measured,
        decision=decision,
        actions=actions,
        closed_at=None,
        watch=watch,
    )


def can_close(incident: Incident, after: Result, at: datetime) -> bool:
    """Whether `after` can be told as the later measurement: not while a clock that was set back
    has not caught up, for then nothing would show which of the two came first."""
    return after.measured_at >= incident.before.measured_at and at >= incident.opened_at


def _unclaimed(
    incident: Incident, actions: tuple[Action, ...], after: Result, closed_at: datetime | None
) -> Incident:
    """Resolved at `closed_at`, or open again, without a word about whose doing it was."""
    return _moved(
        incident,
        State.OPEN if closed_at is None else State.RESOLVED,
        level=None,
        outcome=None,
        actions=actions,
        after=after,
        closed_at=closed_at,
    )


def _moved(incident: Incident, to: State, **changes: Any) -> Incident:
    """The one way into another state; raises Conflict where the table has none."""
    if to not in TRANSITIONS[incident.state]:
        raise Conflict(f"incident {incident.id} is {incident.state}: it can never become {to}")
    moved = replace(incident, state=to, **changes)
    assert (moved.closed_at is not None) == (to in CLOSED), "closed exactly when the drift is gone"
    return moved


def _expect(incident: Incident, *states: State) -> None:
    if incident.state not in states or incident.closed_at is not None:
        where = "closed" if incident.closed_at else incident.state
        raise Conflict(f"incident {incident.id} is {where}: expected {', '.join(states)}")
