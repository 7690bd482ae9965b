"""Undoes runs for persons: the host as it was, the check measured again, a hold, and it is told.

A freeze does not stop it: that ends repairs, and what it finds half done it has undone itself. No
policy decides it either, for it is a named person's word and leads back to where the host was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wardline.agent import measure
from wardline.agent.bell import Bells
from wardline.agent.checks.protocol import Check
from wardline.agent.roster import Member, Roster
from wardline.agent.runbooks import before_state, restoring
from wardline.agent.runbooks.before_state import BeforeState
from wardline.agent.runbooks.restoring import Restored
from wardline.agent.store import heals, holds, incidents, orders, results, stops, undos
from wardline.agent.store.before_states import BeforeStateLost, BeforeStates
from wardline.agent.store.database import StoreFull, Transaction
from wardline.agent.store.keys import KeyUnusable
from wardline.agent.store.ledger import Ledger
from wardline.agent.store.orders import Code, Ending
from wardline.agent.store.outbox import Draft, Queued
from wardline.agent.store.undos import Kept, State, Wish
from wardline.core import clock, ids
from wardline.core.errors import Conflict, Malformed
from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import Action, Kind, Outcome, Result
from wardline.core.incidents import fitting, incident, undo, undo_notes
from wardline.core.incidents.incident import Incident
from wardline.core.incidents.states import State as IncidentState
from wardline.core.orders import Order, UndoRun
from wardline.core.policy.decision import Code as DecisionCode
from wardline.core.policy.decision import Verdict

_GONE = (Outcome.PASS, Outcome.NOT_APPLICABLE)
_INTERRUPTED = "the agent was stopped in the middle of the undo: which of it was done is not known"
_ORDER_ENDS: Mapping[State, tuple[orders.State, Code]] = {
    State.UNDONE: (orders.State.SUCCEEDED, Code.UNDONE),
    State.LEFT: (orders.State.FAILED, Code.LEFT_BY_HAND),
    State.REFUSED: (orders.State.FAILED, Code.UNDO_REFUSED),
    State.INTERRUPTED: (orders.State.FAILED, Code.INTERRUPTED),
}


class CannotUndo(Conflict):
    """Nothing was changed; the message says why."""

    code = "cannot_undo"


@dataclass(frozen=True, slots=True)
class _Over:
    """An undo that is over, as it is to be stored; `after` is None where nothing was changed."""

    wish: Wish
    kept: Kept
    state: State
    detail: str
    actions: tuple[Action, ...]
    after: Result | None


class Undoing:
    """The only way in which a run that ended well is undone, whoever asks for it."""

    def __init__(
        self,
        ledger: Ledger,
        roster: Roster,
        checks: Mapping[str, Check],
        files: BeforeStates,
        bells: Bells,
    ) -> None:
        self._ledger = ledger
        self._roster = roster
        self._checks = checks
        self._files = files
        self._bells = bells

    def turn(self) -> None:
        """What people at the appliance have asked for since, until somebody wants to stop."""
        with self._ledger.reading() as tx:
            wanted = [one.wish for one in undos.live(tx, State.WANTED) if one.wish.order_id is None]
        for wish in wanted:
            if self._bells.stopping:
                return
            if wish.at <= self._ledger.now() <= wish.at + undos.WANTED:
                self.carry_out(wish)
            else:
                self._expire(wish)

    def settle(self) -> None:
        """Undos that a dead agent left in the middle: measured, told, and free to be tried again.

        An order whose undo had not begun is taken up once more, with another wish.
        """
        with self._ledger.reading() as tx:
            left = undos.live(tx, State.RUNNING)
            unbegun = [one for one in undos.live(tx, State.WANTED) if one.wish.order_id]
        for one in unbegun:
            self._expire(one.wish)
        for one in left:
            with self._ledger.reading() as tx:
                kept = undos.get(tx, one.wish.run_id)
            assert kept is not None, "a wish is for a run that is kept"
            member = self._roster.get(kept.host_id)
            if member is None or kept.check not in self._checks:
                continue
            with member.busy:
                after = self._measure(member, kept)
                told = (_told(kept, _INTERRUPTED),)
                self._finish(_Over(one.wish, kept, State.INTERRUPTED, _INTERRUPTED, told, after))

    def obey(self, order: Order, body: UndoRun) -> None:
        """As an order of a person's wants it, and the order's end."""
        by = order.by
        wish = Wish(
            *(ids.new("undo"), body.run_id, by.user_id, by.name, order.reason, order.id),
            self._ledger.now(),
        )
        with self._ledger.transaction() as tx:
            kept = undos.get(tx, body.run_id)
            if kept is None or not _is_meant(kept, order, body):
                why = "no run of this incident, check and runbook is kept here under that name"
                _end_order(tx, wish, Ending(orders.State.FAILED, Code.NO_SUCH_RUN, why), wish.at)
                return
            if kept.undone_at is not None:
                why = f"it was undone at {clock.wire(kept.undone_at)} before"
                ending = Ending(orders.State.SUCCEEDED, Code.ALREADY_UNDONE, why)
                _end_order(tx, wish, ending, wish.at)
                return
            undos.want(tx, wish)
        self.carry_out(wish)

    def carry_out(self, wish: Wish) -> None:
        """Undo, measure, hold and tell; what becomes of it stands in the wish's row."""
        with self._ledger.reading() as tx:
            kept = undos.get(tx, wish.run_id)
        assert kept is not None, "a wish is for a run that is kept"
        member = self._roster.get(kept.host_id)
        if member is None or kept.check not in self._checks:
            why = "agent.toml no longer names its host, or nothing here makes its check"
            self._finish(_refused(wish, kept, why))
            return
        with member.busy:
            if not self._begin(wish):
                return
            try:
                before = self._open(kept)
            except CannotUndo as error:
                self._finish(_refused(wish, kept, str(error)))
                return
            self._finish(self._restored(wish, kept, member, before))

    def _begin(self, wish: Wish) -> bool:
        """Stored before anything is changed, so that a crash is seen."""
        with self._ledger.transaction() as tx:
            if not undos.start(tx, wish.id):
                return False
            if wish.order_id is not None:
                orders.start(tx, wish.order_id, self._ledger.now())
        self._bells.report.ring()
        return True

    def _open(self, kept: Kept) -> BeforeState:
        with self._ledger.reading() as tx:
            told_in = _drift(tx, self._ledger.site_id, kept)
        if kept.undone_at is not None:
            raise CannotUndo("it is undone already")
        if kept.gone is not None:
            raise CannotUndo(f"what it changed is no longer kept: {kept.gone}")
        if told_in.state is IncidentState.REPAIRING:
            raise CannotUndo("its drift is being repaired in this moment")
        try:
            return before_state.load(self._files.open(kept.host_id, kept.run_id))
        except (BeforeStateLost, KeyUnusable, Malformed) as error:
            raise CannotUndo(f"what it changed is lost: {error}") from None

    def _restored(self, wish: Wish, kept: Kept, member: Member, before: BeforeState) -> _Over:
        restored: Restored = restoring.restore(before, member.host)
        if restored.refused is not None:
            actions = restored.actions or (_told(kept, restored.refused, dry_run=True),)
            return _Over(wish, kept, State.REFUSED, restored.refused, actions, None)
        after = self._measure(member, kept)
        state = State.UNDONE if restored.ok else State.LEFT
        how = f"everything is as it was before the run; {kept.check}: {after.outcome}"
        if restored.left is not None:
            how = f"left by hand: {restored.left}"
        actions = restored.actions or (_told(kept, None),)
        return _Over(wish, kept, state, how, actions, after)

    def _measure(self, member: Member, kept: Kept) -> Result:
        return measure.measure(
            self._checks[kept.check], member.host, self._ledger.now, self._ledger.scrubber
        )

    def _expire(self, wish: Wish) -> None:
        with self._ledger.transaction() as tx:
            why = "nobody took it up in time: nothing was changed"
            undos.end(tx, wish.id, State.EXPIRED, why, (), self._ledger.now())

    def _finish(self, over: _Over) -> None:
        """Everything about an undo that is over at once, out of the reserve if need be."""
        try:
            self._store_end(over)
        except StoreFull:
            if not self._ledger.database.drop_ballast():
                raise
            self._store_end(over)
        self._bells.report.ring()
        self._bells.act.ring()

    def _store_end(self, over: _Over) -> None:
        now, kept = self._ledger.now(), over.kept
        with self._ledger.transaction() as tx:
            told_in = self._tell(tx, over, now)
            if over.state is State.UNDONE:
                undos.set_undone(tx, kept.run_id, now)
            if over.state.value in undo.COUNTED:
                heals.undone(tx, kept.run_id, now)
                stops.undone(tx, kept.run_id, kept.incident_id, now)
            actions = fitting.within(over.actions)
            undos.end(tx, over.wish.id, over.state, over.detail, actions, now)
            state, code = _ORDER_ENDS[over.state]
            _end_order(tx, over.wish, Ending(state, code, over.detail), now, told_in)

    def _tell(self, tx: Transaction, over: _Over, now: datetime) -> Queued | None:
        """What has become of the drift, in its incident; a hold, where something was changed."""
        known = _drift(tx, self._ledger.site_id, over.kept)
        if known.state is IncidentState.REPAIRING:
            return None
        told = _wire(over, now)
        if over.after is None:
            if undo.of_own_run(known.decision) is not None:
                # What was put back before stays told.
                return None
            decision = {**(known.decision or {}), "undo": told}
            moved = undo_notes.refused(known, decision, over.actions)
            return self._record(tx, moved, ())
        decision = _decision(over, told, tx)
        moved = incident.undone(known, decision, over.actions, over.after, now)
        is_over = over.state is State.UNDONE and over.after.outcome in _GONE
        if is_over and incident.can_close(moved, over.after, now):
            moved = incident.resolved(moved, over.after, now)
        else:
            moved = incident.escalated(moved, decision)
        results.save(tx, moved.host_id, over.after)
        by, why = over.wish.by, decision["reason"]
        holds.suppress(tx, moved, over.kept.runbook_id, now, why, by)
        return self._record(tx, moved, (over.after,), _elsewhere(tx, moved, over.kept, told))

    def _record(
        self,
        tx: Transaction,
        moved: Incident,
        measured: tuple[Result, ...],
        besides: tuple[Incident, ...] = (),
    ) -> Queued:
        told = (moved, *besides)
        for one in told:
            incidents.save(tx, one)
            incidents.count_pattern(tx, one)
        records = tuple(one.record() for one in told)
        return self._ledger.seal(tx, Draft(Kind.INCIDENT, moved.host_id, measured, records))


def _drift(tx: Transaction, site_id: str, kept: Kept) -> Incident:
    """Where an undo is told: the drift's incident that is open or watched now, else the run's own,
    closed as it is."""
    drift = (site_id, kept.host_id, kept.check)
    found = (
        incidents.open_of(tx, *drift)
        or incidents.watched_of(tx, *drift)
        or incidents.get(tx, kept.incident_id)
    )
    assert found is not None, "an incident is never deleted"
    return found


def _elsewhere(
    tx: Transaction, moved: Incident, kept: Kept, told: dict[str, Any]
) -> tuple[Incident, ...]:
    """The run's own incident, where the undo is told in a later one of its drift."""
    if moved.id == kept.incident_id:
        return ()
    own = incidents.get(tx, kept.incident_id)
    assert own is not None, "an incident is never deleted"
    return (undo_notes.elsewhere(own, told),)


def _is_meant(kept: Kept, order: Order, body: UndoRun) -> bool:
    return (kept.host_id, kept.incident_id, kept.check, kept.runbook_id) == (
        *(order.host_id, body.incident_id, body.check, body.runbook_id),
    )


def _refused(wish: Wish, kept: Kept, why: str) -> _Over:
    why = f"nothing was changed: {why}"
    return _Over(wish, kept, State.REFUSED, why, (_told(kept, why, dry_run=True),), None)


def _told(kept: Kept, error: str | None, *, dry_run: bool = False) -> Action:
    """An action that only says something of the whole undo."""
    return Action(
        step="undo",
        type=incident.UNDO,
        target=kept.runbook_id,
        dry_run=dry_run,
        changed=False,
        exit_code=None,
        duration_ms=0,
        output="" if error else "everything was as it was before the run already\n",
        error=error and error.encode()[: bundle.ERROR_BYTES_MAX].decode(errors="ignore"),
    )


def _decision(over: _Over, told: dict[str, Any], tx: Transaction) -> dict[str, Any]:
    """Why nothing repairs it any more, in the words of a decision."""
    wish, kept = over.wish, over.kept
    reason = f"{wish.name} had {kept.runbook_id} undone: {wish.reason}"
    return {
        "type": "deny",
        "verdict": Verdict.BLOCK.value,
        "code": DecisionCode.HOLD.value,
        "reason": tx.scrubber.short(reason, holds.REASON_CHARS_MAX),
        "undo": told,
    }


def _wire(over: _Over, now: datetime) -> dict[str, Any]:
    """Who had what undone, and what came of it: beside the decision in evidence."""
    wish, kept = over.wish, over.kept
    return {
        "run": kept.run_id,
        "incident": kept.incident_id,
        "runbook": kept.runbook_id,
        "at": clock.wire(now),
        "by": wish.by,
        "name": wish.name,
        "reason": wish.reason,
        "order": wish.order_id,
        "state": over.state.value,
        "detail": over.detail,
    }


def _end_order(
    tx: Transaction, wish: Wish, ending: Ending, at: datetime, told_in: Queued | None = None
) -> None:
    if wish.order_id is not None:
        orders.end(tx, wish.order_id, ending, at, told_in)
