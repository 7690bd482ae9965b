"""The acting loop: what may be repaired is repaired, measured again, and told as it was."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from wardline.agent import choices, judge, mandated, obey, repair, rival, waits
from wardline.agent.accepting import Acceptances
from wardline.agent.bell import Bells
from wardline.agent.checks.protocol import Check
from wardline.agent.judge import Case, Judged
from wardline.agent.keeping import Keeper
from wardline.agent.levels import Levels
from wardline.agent.obey import OrderTaker
from wardline.agent.planner.planner import Planner
from wardline.agent.planner.retrieval import Retrieval
from wardline.agent.repair import Repairs, Reserved
from wardline.agent.roster import Member, Roster
from wardline.agent.runbooks import runbook, runner
from wardline.agent.settings import Flap, Intervals
from wardline.agent.standing import Standing, Standings
from wardline.agent.store import (
    alarms,
    facts,
    heals,
    holds,
    incidents,
    orders,
    policies,
    results,
    runs,
)
from wardline.agent.store.alarms import Code
from wardline.agent.store.backoff import Moment
from wardline.agent.store.before_states import BeforeStates
from wardline.agent.store.database import StoreDamaged, StoreFull, StoreUnusable, Transaction
from wardline.agent.store.ledger import Ledger
from wardline.agent.store.mandates import Recipient
from wardline.agent.store.policies import Active, PolicyRefused
from wardline.agent.tickets import Tickets
from wardline.agent.undoing import Undoing
from wardline.core import deviation
from wardline.core.errors import WardlineError
from wardline.core.evidence.bundle import Action, Outcome
from wardline.core.evidence.bundle import Result as Measured
from wardline.core.evidence.signing import VerifyKey
from wardline.core.incidents import incident, states
from wardline.core.incidents.brake import Result
from wardline.core.incidents.breaker import DEFAULT as BREAKER
from wardline.core.incidents.breaker import Breaker
from wardline.core.incidents.incident import Incident
from wardline.core.incidents.remedy import Remedy
from wardline.core.incidents.states import State
from wardline.core.policy.decision import Code as DecisionCode
from wardline.core.policy.decision import Verdict

IDLE_S_MAX = 5.0
REST_WHEN_FULL_S = 10.0
REASON_CHARS_MAX = 500


@dataclass(frozen=True, slots=True)
class _Turn:
    """One look at an incident: the policy in force, what may be done at all, and the time."""

    policy: Active | None
    standing: Standing
    moment: Moment

    @property
    def at(self) -> datetime:
        return self.moment.at

    @property
    def digest(self) -> str:
        """Names what a judgement was made under: another one asks for another judgement."""
        policy = self.policy.digest if self.policy else ""
        return f"{policy} {self.standing.digest}"


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
        order_key: VerifyKey,
        bells: Bells,
        watched_s: float,
        files: BeforeStates,
        remedies: tuple[Remedy, ...] | None = None,
        *,
        breaker: Breaker = BREAKER,
        planners: Sequence[Planner] = (Retrieval(),),
    ) -> None:
        self._ledger = ledger
        self._roster = roster
        self._checks = checks
        self._intervals = intervals
        self._flap = flap
        self._policy_key = policy_key
        self._bells = bells
        self._levels = Levels(runbook.remedies() if remedies is None else remedies, planners)
        self._breaker = breaker
        self._standings = Standings(Recipient(policy_key, ledger.site_id, ledger.appliance_id))
        self._keeper = Keeper(ledger, files)
        self._repairs = Repairs(ledger, checks, self._standings, bells, watched_s, self._keeper)
        self._undoing = Undoing(ledger, roster, checks, files, bells)
        self._acceptances = Acceptances(ledger, bells)
        self._orders = OrderTaker(
            *(ledger, roster, checks, intervals, flap, breaker, self._levels, self._repairs),
            *(self._standings, order_key, bells, self._undoing),
        )
        self._tickets = Tickets(ledger, roster, checks, self._levels, self._repairs)
        self._policy: Active | None = None
        self._policy_digest: str | None = None

    def run(self) -> None:
        """Until the bells say stop."""
        self._keeper.sweep()
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
        self._undoing.settle()
        self._settle_interrupted()
        self._keeper.tidy(self._ledger.now())
        self._undoing.turn()
        turn = _Turn(self._current_policy(), self._standing(), self._ledger.moment())
        self._orders.turn(turn.policy)
        self._acceptances.turn(turn.standing)
        self._look_at_tickets(turn)
        with self._ledger.reading() as tx:
            found = incidents.open_ones(tx, *states.TO_JUDGE)
            due = [one for one in found if self._is_due(tx, one, turn)]
        for one in due:
            if self._bells.stopping:
                return
            self._attend(one.id, replace(turn, moment=self._ledger.moment()))

    def _attend(self, incident_id: str, turn: _Turn) -> None:
        """Follow one incident. What the agent itself fails on there stops no other repair: it is
        alarmed, and that drift is a person's from then on."""
        try:
            self._follow(incident_id, turn)
        except (StoreFull, StoreDamaged, StoreUnusable):
            raise
        except Exception as error:  # noqa: BLE001 (told as an alarm and in the evidence)
            self._hand_over(incident_id, f"{type(error).__name__}: {error}")

    def _hand_over(self, incident_id: str, why: str) -> None:
        with self._ledger.transaction() as tx:
            now = self._ledger.now()
            alarms.sound(tx, Code.INCIDENT_DEFECT, incident_id, why, now)
            known = incidents.get(tx, incident_id)
            # One that was left in the middle of a run is settled as any interrupted one.
            if known is not None and known.closed_at is None and known.state in states.TO_JUDGE:
                reason = f"the agent itself failed on this drift: {why}"
                told = {
                    "type": "deny",
                    "verdict": Verdict.BLOCK.value,
                    "code": DecisionCode.ERROR.value,
                    "reason": tx.scrubber.short(reason, REASON_CHARS_MAX),
                }
                self._repairs.record(tx, incident.escalated(known, told))
        self._bells.report.ring()

    def _is_due(self, tx: Transaction, one: Incident, turn: _Turn) -> bool:
        """New, failed, under another policy, or so long ago that a window may have opened."""
        if deviation.is_accepted(one.decision):
            return False
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
            case, chosen, exhausted, open_to_a_person = self._decide(incident_id, member, turn)
            if case is None:
                return
            if chosen is not None and chosen.runs is not None and exhausted is None:
                self._repair(case, chosen, turn)
            elif _is_persons(case, chosen, exhausted):
                self._escalate(case, chosen, open_to_a_person, turn)
            else:
                self._wait(case, chosen, turn)

    def _decide(
        self, incident_id: str, member: Member, turn: _Turn
    ) -> tuple[Case | None, Judged | None, str | None, tuple[Judged, ...]]:
        """The case as it is now, the remedy or plan that is nearest to running, why it is a
        person's turn if it is, and what they may choose then."""
        with self._ledger.reading() as tx:
            known = incidents.get(tx, incident_id)
            if known is None or known.closed_at is not None or known.state not in states.TO_JUDGE:
                return None, None, None, ()
            latest = results.latest(tx, known.host_id, known.check) or known.before
            if latest.outcome is not Outcome.FAIL:
                return None, None, None, ()
            case = self._case(tx, known, member, latest, turn)
            offered = self._levels.offered(tx, case)
            open_to_a_person = choices.judged(tx, case, offered.choices, offered.exhausted)
            chosen = offered.best(tx, case) or choices.kept_off(open_to_a_person)
            return case, chosen, offered.exhausted, open_to_a_person

    def _case(
        self, tx: Transaction, known: Incident, member: Member, latest: Measured, turn: _Turn
    ) -> Case:
        interval_s = self._intervals.of(known.check, self._checks[known.check].manifest.interval_s)
        return Case(
            *(known, member, latest, turn.policy, turn.moment, interval_s, self._flap),
            standing=self._standings.now(tx),
            breaker=self._breaker,
        )

    def _look_at_tickets(self, turn: _Turn) -> None:
        self._tickets.turn(
            turn.digest,
            turn.at,
            lambda tx, one: self._is_due(tx, one, turn),
            lambda tx, one, member, latest: self._case(tx, one, member, latest, turn),
        )

    def _wait(self, case: Case, chosen: Judged | None, turn: _Turn) -> None:
        """Nothing runs now; sealed when that, or what would run, is news."""
        moved = incident.judged(
            case.incident,
            waits.state(case, chosen.decision if chosen else None),
            judge.wire(case, chosen, self._ledger.scrubber) if chosen else None,
            chosen.ref() if chosen else None,
            self._dry_run(case, chosen),
        )
        # Of what will be stored, so that what was scrubbed out can never be news again.
        news = waits.news(self._ledger.scrubber.incident(moved))
        with self._ledger.transaction() as tx:
            if not self._repairs.is_current(tx, case):
                return
            if incidents.judgement(tx, moved.id).digest != news:
                self._repairs.record(tx, moved)
            incidents.set_judgement(tx, moved.id, news, turn.digest, turn.at)
        self._bells.report.ring()

    def _dry_run(self, case: Case, chosen: Judged | None) -> tuple[Action, ...]:
        """What the run would change, as far as the host answers."""
        if chosen is None or chosen.inputs is None:
            return ()
        try:
            return runner.dry_run(chosen.runbook, chosen.inputs, case.member.host)
        except WardlineError as error:
            return (repair.told("dry run", chosen.runbook.id, str(error), dry_run=True),)

    def _repair(self, case: Case, chosen: Judged, turn: _Turn) -> None:
        """As decided, unless the decision is another once it is to be reserved."""
        reserved = self._repairs.reserve(case, chosen.remedy, chosen.proposal)
        if isinstance(reserved, Reserved):
            self._repairs.carry_out(reserved)
        elif reserved is not None:
            self._wait(case, reserved, turn)

    def _escalate(
        self, case: Case, chosen: Judged | None, open_to_them: tuple[Judged, ...], turn: _Turn
    ) -> None:
        """L3: a person's, with what they may choose. What flaps is held from then on, and this is
        the one ticket of it."""
        wire = choices.wire(case, open_to_them, self._ledger.scrubber)
        if wire is None and chosen is not None:
            wire = judge.wire(case, chosen, self._ledger.scrubber)
        moved = incident.escalated(case.incident, wire)
        culprit = self._rival(case, chosen) if chosen is not None and chosen.flapping else None
        with self._ledger.transaction() as tx:
            if not self._repairs.is_current(tx, case):
                return
            if chosen is not None and chosen.flapping:
                minutes = math.ceil(case.flap_window / timedelta(minutes=1))
                reason = (
                    f"healed {case.flap.heals} times and drifted again: the repairs held for no"
                    f" more than {minutes} min in all"
                )
                if culprit is not None:
                    reason = f"{reason}. The likely rival: {culprit}"
                if not holds.suppress(tx, moved, chosen.runbook.id, self._ledger.now(), reason):
                    return
            self._repairs.record(tx, moved)
            incidents.set_judgement(tx, moved.id, None, turn.digest, turn.at)
        self._bells.report.ring()

    def _rival(self, case: Case, chosen: Judged) -> str | None:
        """Who changed again what the repair would change, since it last had. What this cannot find
        out, whyever, keeps no hold from being set."""
        try:
            return self._looked_up(case, chosen)
        except (StoreFull, StoreDamaged, StoreUnusable):
            raise
        except Exception as error:  # noqa: BLE001 (told in the reason of the hold)
            return f"not known, for looking failed ({type(error).__name__}: {error})"

    def _looked_up(self, case: Case, chosen: Judged) -> str | None:
        with self._ledger.reading() as tx:
            healed = heals.last(tx, case.incident, chosen.runbook.id, 1)
        if not healed:
            return None
        targets = [one.target for one in self._dry_run(case, chosen) if one.changed]
        return rival.named(case.member.host, targets, healed[0].at)

    def _settle_interrupted(self) -> None:
        """Runs that a dead agent began: measured again, and told as what they are."""
        with self._ledger.reading() as tx:
            unsettled = incidents.open_ones(tx, State.REPAIRING)
        for one in unsettled:
            member = self._roster.get(one.host_id)
            if member is None or one.check not in self._checks:
                continue
            with member.busy:
                after = self._repairs.measure(member, one.check)
                moved = incident.interrupted(one, after, self._ledger.now())
                with self._ledger.transaction() as tx:
                    results.save(tx, moved.host_id, after)
                    runs.end(tx, moved.id, self._ledger.now(), "interrupted")
                    self._repairs.tried(tx, moved, Result.INTERRUPTED)
                    told_in = self._repairs.record(tx, moved, (after,))
                    orders.end_of(tx, moved.id, obey.interrupted(), self._ledger.now(), told_in)
                    incidents.set_judgement(tx, moved.id, None, None, self._ledger.now())
            self._bells.report.ring()
        self._orders.settle()

    def _standing(self) -> Standing:
        """What may be done now; a mandate that is not to be believed is alarmed and asked for."""
        with self._ledger.reading() as tx:
            standing = self._standings.now(tx)
        if standing.problem is not None:
            with self._ledger.transaction() as tx:
                now = self._ledger.now()
                alarms.sound(tx, Code.MANDATE_REFUSED, mandated.SUBJECT, standing.problem, now)
                facts.drop(tx, facts.Name.ETAG)
        return standing

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


def _is_persons(case: Case, chosen: Judged | None, exhausted: str | None) -> bool:
    """L1 has nothing left, or its repair does not last. What an active hold stops only waits: the
    incident that set it is the ticket."""
    if chosen is not None and chosen.decision.code is DecisionCode.HOLD:
        return chosen.flapping or chosen.ticket
    return exhausted is not None and not case.observing
