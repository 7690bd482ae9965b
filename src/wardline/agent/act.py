"""The acting loop: what may be repaired is repaired, measured again, and told as it was."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wardline.agent import judge, measure
from wardline.agent.bell import Bells
from wardline.agent.checks.protocol import Check
from wardline.agent.judge import Case, Judged
from wardline.agent.roster import Member, Roster
from wardline.agent.runbooks import runbook, runner
from wardline.agent.runbooks.runner import RunReport
from wardline.agent.settings import Flap, Intervals
from wardline.agent.store import alarms, incidents, policies, results, scrub
from wardline.agent.store.alarms import Code
from wardline.agent.store.backoff import Moment
from wardline.agent.store.database import StoreFull, Transaction
from wardline.agent.store.incidents import Run
from wardline.agent.store.ledger import Ledger
from wardline.agent.store.outbox import Draft
from wardline.agent.store.policies import Active, PolicyRefused
from wardline.core import canonical, ids
from wardline.core.canonical import Json
from wardline.core.errors import WardlineError
from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import Action, Kind, Outcome, ResolutionLevel, Result
from wardline.core.evidence.signing import VerifyKey
from wardline.core.incidents import incident, ladder
from wardline.core.incidents.incident import Incident, State
from wardline.core.incidents.remedy import Remedy
from wardline.core.policy.decision import Code as DecisionCode
from wardline.core.policy.decision import Decision, Verdict

IDLE_S_MAX = 5.0
REST_WHEN_FULL_S = 10.0

_TO_JUDGE = (State.OPEN, State.OBSERVING, State.WAITING, State.FAILED)


@dataclass(frozen=True, slots=True)
class _Turn:
    """One look at an incident: the policy in force, and the time."""

    policy: Active | None
    moment: Moment

    @property
    def at(self) -> datetime:
        return self.moment.at

    @property
    def digest(self) -> str:
        return self.policy.digest if self.policy else ""


class Healer:
    """Follows every open incident up the ladder; one run at a time."""

    def __init__(
        self,
        ledger: Ledger,
        roster: Roster,
        checks: Mapping[str, Check],
        intervals: Intervals,
        flap: Flap,
        policy_key: VerifyKey,
        bells: Bells,
        remedies: tuple[Remedy, ...] | None = None,
    ) -> None:
        self._ledger = ledger
        self._roster = roster
        self._checks = checks
        self._intervals = intervals
        self._flap = flap
        self._policy_key = policy_key
        self._bells = bells
        self._remedies = runbook.remedies() if remedies is None else remedies
        self._policy: Active | None = None
        self._policy_digest: str | None = None

    def run(self) -> None:
        """Until the bells say stop."""
        while not self._bells.stopping:
            try:
                self.turn()
                wait_s = min(IDLE_S_MAX, self._intervals.reevaluate_s)
            except StoreFull:
                # The observing loop says it; nothing is repaired that could not be told.
                wait_s = REST_WHEN_FULL_S
            self._bells.act.wait(wait_s)

    def turn(self) -> None:
        """Look at every open incident whose time has come."""
        self._settle_interrupted()
        turn = _Turn(self._current_policy(), self._ledger.moment())
        with self._ledger.reading() as tx:
            found = incidents.open_ones(tx, *_TO_JUDGE)
            due = [one for one in found if self._is_due(tx, one, turn)]
        for one in due:
            if self._bells.stopping:
                return
            self._follow(one.id, replace(turn, moment=self._ledger.moment()))

    def _is_due(self, tx: Transaction, one: Incident, turn: _Turn) -> bool:
        """New, failed, under another policy, or so long ago that a window may have opened."""
        last = incidents.judgement(tx, one.id)
        if one.state is State.FAILED or last.at is None or last.policy != turn.digest:
            return True
        age = turn.at - last.at
        return not timedelta(0) <= age < timedelta(seconds=self._intervals.reevaluate_s)

    def _follow(self, incident_id: str, turn: _Turn) -> None:
        """Decide about one incident and do what the decision says."""
        with self._ledger.reading() as tx:
            known = incidents.get(tx, incident_id)
        member = self._roster.get(known.host_id) if known else None
        if known is None or member is None or known.check not in self._checks:
            return
        with member.busy:
            case, chosen = self._decide(incident_id, member, turn)
            if case is None:
                return
            exhausted = ladder.exhausted(judge.candidates(self._remedies, case), case.incident)
            if chosen is not None and chosen.runs is not None and exhausted is None:
                self._repair(case, chosen, chosen.runs)
            elif _is_held(chosen) or (exhausted is not None and not case.observing):
                self._escalate(case, chosen)
            else:
                self._wait(case, chosen, turn)

    def _decide(
        self, incident_id: str, member: Member, turn: _Turn
    ) -> tuple[Case | None, Judged | None]:
        """The case as it is now, and the remedy that is nearest to running."""
        with self._ledger.reading() as tx:
            known = incidents.get(tx, incident_id)
            if known is None or known.closed_at is not None or known.state not in _TO_JUDGE:
                return None, None
            latest = results.latest(tx, known.host_id, known.check) or known.before
            if latest.outcome is not Outcome.FAIL:
                return None, None
            interval_s = self._intervals.of(
                known.check, self._checks[known.check].manifest.interval_s
            )
            case = Case(known, member, latest, turn.policy, turn.moment, interval_s, self._flap)
            untried = ladder.untried(judge.candidates(self._remedies, case), known)
            return case, judge.best(tx, case, untried)

    def _wait(self, case: Case, chosen: Judged | None, turn: _Turn) -> None:
        """Nothing runs now; sealed when that, or what would run, is news."""
        decision = chosen.decision if chosen else None
        moved = incident.judged(
            case.incident,
            _waiting_state(case, decision),
            decision.to_wire() if decision else None,
            chosen.ref() if chosen else None,
            self._dry_run(case, chosen),
        )
        # Of what will be stored, so that what was scrubbed out can never be news again.
        news = _material(scrub.incident(moved))
        with self._ledger.transaction() as tx:
            if incidents.judgement(tx, moved.id).digest != news:
                self._record(tx, moved)
            incidents.set_judgement(tx, moved.id, news, turn.digest, turn.at)
        self._bells.report.ring()

    def _dry_run(self, case: Case, chosen: Judged | None) -> tuple[Action, ...]:
        """What the run would change, as far as the host answers."""
        if chosen is None or chosen.inputs is None:
            return ()
        try:
            return runner.dry_run(chosen.runbook, chosen.inputs, case.member.host)
        except WardlineError as error:
            return (_told("dry run", chosen.runbook.id, str(error), dry_run=True),)

    def _repair(self, case: Case, chosen: Judged, inputs: Mapping[str, Json]) -> None:
        """Run, measure again with the same check, and seal both with the outcome."""
        self._ledger.require_room()
        wire = chosen.decision.to_wire()
        repairing = incident.started(case.incident, wire, chosen.ref())
        run = Run(
            ids.new("run"),
            repairing.id,
            repairing.host_id,
            chosen.runbook.id,
            chosen.decision.rule_id,
            self._ledger.now(),
            False,
            judge.counted(chosen.decision),
        )
        with self._ledger.transaction() as tx:
            incidents.save(tx, repairing)
            incidents.start_run(tx, run, wire)
        report = _run(case.member, chosen, inputs)
        after = self._measure(case.member, repairing.check)
        ended = incident.ended(repairing, report.ok, report.actions, after, self._ledger.now())
        self._finish(ended, after)

    def _finish(self, ended: Incident, after: Result) -> None:
        """Everything about a run that is over at once, out of the reserve if need be."""
        try:
            self._store_end(ended, after)
        except StoreFull:
            if not self._ledger.database.drop_ballast():
                raise
            self._store_end(ended, after)
        self._bells.report.ring()
        self._bells.act.ring()

    def _store_end(self, ended: Incident, after: Result) -> None:
        healed, moot = ended.state is State.HEALED, ended.outcome is None
        result = None if moot else "healed" if healed else "failed"
        with self._ledger.transaction() as tx:
            results.save(tx, ended.host_id, after)
            incidents.end_runs(tx, ended.id, self._ledger.now(), result)
            if not moot:
                pattern = ended.pattern_signature
                incidents.count_pattern(tx, pattern, ResolutionLevel.L1, success=healed)
            incidents.prune_runs(tx, self._ledger.now())
            self._record(tx, ended, (after,))

    def _escalate(self, case: Case, chosen: Judged | None) -> None:
        """L3: a person's; what flaps is held until a person clears it."""
        decision = chosen.decision if chosen else None
        moved = incident.escalated(case.incident, decision.to_wire() if decision else None)
        with self._ledger.transaction() as tx:
            if chosen is not None and _is_held(chosen):
                reason = (
                    f"healed {self._flap.heals} times within"
                    f" {self._flap.window_minutes} minutes and drifted again"
                )
                incidents.set_hold(tx, moved, chosen.runbook.id, self._ledger.now(), reason)
            incidents.count_pattern(tx, moved.pattern_signature, ResolutionLevel.L3, success=False)
            self._record(tx, moved)
        self._bells.report.ring()

    def _settle_interrupted(self) -> None:
        """Runs that a dead agent began: measured again, and told as what they are."""
        with self._ledger.reading() as tx:
            unsettled = incidents.open_ones(tx, State.REPAIRING)
        for one in unsettled:
            member = self._roster.get(one.host_id)
            if member is None or one.check not in self._checks:
                continue
            with member.busy:
                after = self._measure(member, one.check)
                moved = incident.interrupted(one, after, self._ledger.now())
                with self._ledger.transaction() as tx:
                    results.save(tx, moved.host_id, after)
                    incidents.end_runs(tx, moved.id, self._ledger.now(), "interrupted")
                    self._record(tx, moved, (after,))
                    incidents.set_judgement(tx, moved.id, None, None, self._ledger.now())
            self._bells.report.ring()

    def _record(self, tx: Transaction, moved: Incident, measured: tuple[Result, ...] = ()) -> None:
        """The incident's row and its bundle, in the caller's transaction."""
        incidents.save(tx, moved)
        self._ledger.seal(tx, Draft(Kind.INCIDENT, moved.host_id, measured, (moved.record(),)))

    def _measure(self, member: Member, check: str) -> Result:
        return measure.measure(self._checks[check], member.host, self._ledger.now)

    def _current_policy(self) -> Active | None:
        """The snapshot in force, parsed once per digest."""
        with self._ledger.reading() as tx:
            digest = policies.digest(tx)
        if digest != self._policy_digest:
            self._policy, self._policy_digest = self._load_policy(), digest
        return self._policy

    def _load_policy(self) -> Active | None:
        """None, which observes and repairs nothing, where the stored copy is not to be believed."""
        with self._ledger.transaction() as tx:
            try:
                return policies.load(tx, self._policy_key, self._ledger.site_id)
            except PolicyRefused as error:
                now = self._ledger.now()
                alarms.sound(tx, Code.POLICY_REFUSED, "stored copy", str(error), now)
                return None


def _is_held(chosen: Judged | None) -> bool:
    return chosen is not None and chosen.decision.code is DecisionCode.HOLD


def _run(member: Member, chosen: Judged, inputs: Mapping[str, Json]) -> RunReport:
    """The run's report; what refused it before it began is a failed run too."""
    try:
        return runner.run(chosen.runbook, inputs, member.host)
    except WardlineError as error:
        told = _told("start", chosen.runbook.id, str(error))
        return RunReport((told,), ok=False, undone=None, error=told.error)


def _told(step: str, target: str, error: str, *, dry_run: bool = False) -> Action:
    """An action that did nothing but say why."""
    return Action(
        step=step,
        type=step.replace(" ", "_"),
        target=target,
        dry_run=dry_run,
        changed=False,
        exit_code=None,
        duration_ms=0,
        error=error.encode()[: bundle.ERROR_BYTES_MAX].decode(errors="ignore"),
    )


def _waiting_state(case: Case, decision: Decision | None) -> State:
    if case.observing:
        return State.OBSERVING
    if decision is not None and decision.verdict in (Verdict.ASK, Verdict.OFFER):
        return State.WAITING
    return State.OPEN


def _material(moved: Incident) -> str:
    """The digest of what a reader would call news: not ids, ages, times and durations."""
    decision = moved.decision or {}
    return canonical.digest(
        {
            "state": moved.state.value,
            "verdict": decision.get("verdict"),
            "code": decision.get("code"),
            "rule": decision.get("ruleId"),
            "would": decision.get("would"),
            "runbook": moved.runbook and moved.runbook.digest,
            "actions": [
                {**bundle.action_to_wire(action), "duration_ms": 0} for action in moved.actions
            ],
        }
    )
