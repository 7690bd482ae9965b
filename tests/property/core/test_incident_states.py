"""Any sequence of measurements, runs, kills and times moves an incident only as its table allows."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.unit.core.incidents.drift import AT, BOOK, failed, result
from wardline.core import clock, ids
from wardline.core.errors import Conflict
from wardline.core.evidence import claims
from wardline.core.evidence.bundle import Action, Outcome, Result
from wardline.core.evidence.watch import WatchEnd
from wardline.core.incidents import incident, undo_notes
from wardline.core.incidents.incident import Incident
from wardline.core.incidents.states import CLOSED, TO_JUDGE, TRANSITIONS, State
from wardline.core.incidents.watching import Attempt

EXAMPLES, STEPS_EACH = 150, 60
PERIOD = timedelta(minutes=15)
RAN = Action("mode", "set_mode", "/etc/passwd", False, True, None, 3)
STEPS = st.timedeltas(timedelta(0), timedelta(minutes=20))
JUMPS = st.timedeltas(-timedelta(days=2), timedelta(days=2))
OUTCOMES = st.sampled_from(list(Outcome))


@dataclass
class Time:
    """The wall clock, and the one that nobody sets; None after a reboot until the next heal."""

    wall: timedelta = timedelta(0)
    since_heal: timedelta | None = None


class Machine(RuleBasedStateMachine):
    """One drift as the agent leads it: every event that can come, in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.begin()

    def begin(self) -> None:
        self.time = Time()
        self.one: Incident = incident.opened("inc_x", "site_x", "host_x", failed(), AT)
        self.told: list[Incident] = [self.one]
        self.begun = self.time.wall
        self.run_id = ids.new("run")
        # True time since the last heal: nothing the agent knows, but what a watch is about.
        self.truly = timedelta(0)
        self.failed_since_heal = False

    @property
    def now(self) -> datetime:
        return AT + self.time.wall

    def move(self, to: Incident) -> None:
        before = self.one.state
        assert to.state is before or to.state in TRANSITIONS[before], (before, to.state)
        assert to.id == self.one.id
        assert to.opened_at == self.one.opened_at
        self.one = to
        self.told.append(to)

    def measured(self, outcome: Outcome) -> Result:
        return replace(result(outcome), measured_at=self.now)

    @rule(step=STEPS)
    def time_passes(self, step: timedelta) -> None:
        self.time.wall += step
        self.truly += step
        if self.time.since_heal is not None:
            self.time.since_heal += step

    @rule(jump=JUMPS)
    def the_clock_is_set(self, jump: timedelta) -> None:
        self.time.wall += jump

    @rule(off=STEPS)
    def the_machine_is_switched_off_and_on(self, off: timedelta) -> None:
        self.time.wall += off
        self.truly += off
        self.time.since_heal = None
        if self.one.state is State.REPAIRING:
            self.move(incident.interrupted(self.one, self.measured(Outcome.FAIL), self.now))

    @precondition(lambda self: self.one.state in (State.OPEN, State.WAITING, State.FAILED))
    @rule(wait=st.booleans())
    def it_is_judged(self, wait: bool) -> None:
        state = State.WAITING if wait else State.OPEN
        self.move(incident.judged(self.one, state, {"verdict": "ask"}, BOOK, ()))

    @precondition(lambda self: self.one.state in (State.OPEN, State.WAITING, State.FAILED))
    @rule()
    def a_run_begins(self) -> None:
        self.begun = self.time.wall
        self.run_id = ids.new("run")
        self.move(incident.started(self.one, {"verdict": "run", "runId": self.run_id}, BOOK))

    @precondition(lambda self: self.one.state is State.REPAIRING)
    @rule(ok=st.booleans(), outcome=OUTCOMES, changed=st.booleans(), killed=st.booleans())
    def the_run_ends(self, ok: bool, outcome: Outcome, changed: bool, killed: bool) -> None:
        after = self.measured(outcome)
        if killed:
            self.move(incident.interrupted(self.one, after, self.now))
            return
        actions = (replace(RAN, changed=changed),)
        attempt = Attempt(AT + self.begun, PERIOD)
        self.move(incident.ended(self.one, ok, actions, after, self.now, attempt))
        if self.one.state is State.HEALED:
            assert ok
            assert outcome is Outcome.PASS
            assert changed
            self.time.since_heal, self.truly = timedelta(0), timedelta(0)
            self.failed_since_heal = False

    @precondition(lambda self: self.one.watched)
    @rule(outcome=OUTCOMES)
    def it_is_measured_while_watched(self, outcome: Outcome) -> None:
        found = self.measured(outcome)
        self.failed_since_heal |= outcome is Outcome.FAIL
        moved = incident.watched(self.one, found, self.now, self.time.since_heal)
        watch = self.one.watch
        assert watch is not None
        if outcome is Outcome.FAIL:
            assert moved is not None, "no failure passes unseen"
            assert moved.state is State.OPEN
        elif moved is not None:
            assert moved.state is State.STABLE
            assert outcome is Outcome.PASS
            assert found.measured_at >= watch.until
            assert not self.failed_since_heal
            if self.time.since_heal is not None:
                assert self.truly >= PERIOD, "a clock that is set shortens no watch"
        if moved is not None:
            self.move(moved)

    @precondition(lambda self: self.one.state in (State.OPEN, State.WAITING, State.FAILED))
    @rule()
    def it_becomes_a_persons(self) -> None:
        self.move(incident.escalated(self.one, {"verdict": "block"}))

    @precondition(lambda self: self.one.state is not State.REPAIRING)
    @rule(
        outcome=OUTCOMES,
        own=st.booleans(),
        state=st.sampled_from(["undone", "left", "interrupted"]),
    )
    def a_person_has_a_run_undone(self, outcome: Outcome, own: bool, state: str) -> None:
        before, found = self.one, self.measured(outcome)
        undo = replace(RAN, type="undo")
        refused = undo_notes.refused(
            before, {**(before.decision or {}), "undo": {}}, (replace(undo, dry_run=True),)
        )
        assert (refused.state, refused.watch) == (before.state, before.watch)
        claims.check(refused.record())
        run_id = self.run_id if own else ids.new("run")
        told = {"run": run_id, "at": clock.wire(self.now), "state": state}
        decision = {"verdict": "block", "undo": told}
        self.move(incident.undone(before, decision, (undo,), found, self.now))
        if before.state in (State.HEALED, State.STABLE) and before.watch is not None:
            assert self.one.watch is not None
            is_its = own and state != "interrupted"
            assert self.one.watch.ended is (WatchEnd.UNDONE if is_its else WatchEnd.UNPROVED)
        else:
            assert self.one.watch == before.watch

    @precondition(lambda self: self.one.state is State.ESCALATED)
    @rule()
    def its_hold_is_cleared(self) -> None:
        self.move(incident.hold_cleared(self.one, {"verdict": "block", "hold": {}}))

    @precondition(lambda self: self.one.state in (*TO_JUDGE, State.ESCALATED))
    @rule()
    def a_person_accepts_what_fails(self) -> None:
        self.move(incident.accepted(self.one, {"verdict": "block", "code": "accepted"}))
        assert (self.one.state, self.one.level, self.one.runbook) == (State.OPEN, None, None)

    @precondition(lambda self: self.one.state in (State.OPEN, State.WAITING, State.ESCALATED))
    @rule()
    def the_drift_goes_away(self) -> None:
        passed = self.measured(Outcome.PASS)
        if incident.can_close(self.one, passed, self.now):
            self.move(incident.resolved(self.one, passed, self.now))

    @precondition(lambda self: self.one.state in (State.STABLE, State.RESOLVED))
    @rule()
    def what_is_over_stays_so_and_the_next_drift_is_another(self) -> None:
        for event in (
            lambda: incident.started(self.one, {}, BOOK),
            lambda: incident.escalated(self.one),
            lambda: incident.accepted(self.one, {}),
            lambda: incident.watched(self.one, self.measured(Outcome.FAIL), self.now, None),
        ):
            try:
                event()
            except Conflict:
                continue
            raise AssertionError("a final state moved")
        self.begin()

    @invariant()
    def every_record_is_one_that_a_reader_accepts(self) -> None:
        one = self.one
        if one.state is not State.REPAIRING:
            claims.check(one.record())
        assert (one.closed_at is not None) == (one.state in CLOSED)
        if one.state is State.STABLE:
            assert one.watch is not None
            assert one.after is not None
            assert one.watch.ended is WatchEnd.STABLE
            assert one.after.outcome is Outcome.PASS
            assert one.after.measured_at >= one.watch.until
        if one.state not in CLOSED and one.watch is not None:
            assert one.watch.ended in (WatchEnd.RECURRED, WatchEnd.UNPROVED, WatchEnd.UNDONE)
        heals = [a.watch.number for a in self.told if a.state is State.HEALED and a.watch]
        assert heals == sorted(set(heals)), "each heal is a new one"


TestIncident = Machine.TestCase
TestIncident.settings = settings(
    max_examples=EXAMPLES, stateful_step_count=STEPS_EACH, deadline=None
)
