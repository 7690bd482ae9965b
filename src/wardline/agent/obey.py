"""What an order makes this appliance do: once, after its own policy has had its say."""

from collections.abc import Mapping

from wardline.agent import bound, clearing
from wardline.agent.again import Again
from wardline.agent.bell import Bells
from wardline.agent.checks.protocol import Check
from wardline.agent.judge import Case
from wardline.agent.levels import Levels
from wardline.agent.repair import Repairs, Reserved
from wardline.agent.roster import Member, Roster
from wardline.agent.runbooks import runbook
from wardline.agent.settings import Flap, Intervals
from wardline.agent.standing import Standing, Standings
from wardline.agent.store import alarms, holds, incidents, orders, picks, results
from wardline.agent.store.ledger import Ledger
from wardline.agent.store.orders import Code, Ending
from wardline.agent.store.outbox import Draft
from wardline.agent.store.policies import Active
from wardline.agent.undoing import Undoing
from wardline.core import canonical, deviation
from wardline.core.errors import Malformed
from wardline.core.evidence.bundle import Kind, Outcome, Result
from wardline.core.evidence.signing import BadSignature, VerifyKey
from wardline.core.incidents import choice, incident, ladder, remedy, states
from wardline.core.incidents.breaker import Breaker
from wardline.core.incidents.incident import Incident
from wardline.core.incidents.remedy import Remedy, UnresolvedInput
from wardline.core.incidents.states import State
from wardline.core.orders import (
    CheckAgain,
    ClearHold,
    Order,
    RunRunbook,
    SetHold,
    TryAgain,
    UndoRun,
)
from wardline.core.policy.decision import Code as DecisionCode

_DONE, _FAILED = orders.State.SUCCEEDED, orders.State.FAILED


class OrderTaker:
    """Carries received orders out, one after the other, oldest first."""

    def __init__(
        self,
        ledger: Ledger,
        roster: Roster,
        checks: Mapping[str, Check],
        intervals: Intervals,
        flap: Flap,
        breaker: Breaker,
        levels: Levels,
        repairs: Repairs,
        standings: Standings,
        order_key: VerifyKey,
        bells: Bells,
        undoing: Undoing,
    ) -> None:
        self._ledger = ledger
        self._roster = roster
        self._checks = checks
        self._intervals = intervals
        self._flap = flap
        self._breaker = breaker
        self._levels = levels
        self._repairs = repairs
        self._standings = standings
        self._order_key = order_key
        self._bells = bells
        self._again = Again(ledger, roster, checks, repairs, standings, bells)
        self._undoing = undoing

    def turn(self, policy: Active | None) -> None:
        """Everything that waits, until somebody wants to stop."""
        with self._ledger.reading() as tx:
            waiting = orders.waiting(tx)
        for order_id, stored in waiting:
            if self._bells.stopping:
                return
            self._ledger.require_room()
            try:
                self._obey(orders.opened(order_id, stored, self._order_key), policy)
            except (BadSignature, Malformed) as error:
                self._disbelieve(order_id, str(error))
            self._bells.report.ring()
        self._obey_picks(policy)

    def _obey_picks(self, policy: Active | None) -> None:
        """What people at the appliance itself picked of the choices of a ticket."""
        with self._ledger.reading() as tx:
            picked = picks.waiting(tx)
        for order_id in picked:
            if self._bells.stopping:
                return
            self._ledger.require_room()
            try:
                with self._ledger.reading() as tx:
                    places = (self._ledger.site_id, self._ledger.appliance_id)
                    order = picks.opened(tx, order_id, *places)
                self._obey(order, policy)
            except Malformed as error:
                self._disbelieve(order_id, str(error))
            self._bells.report.ring()

    def settle(self) -> None:
        """Orders whose run a dead agent left behind, and that no incident tells of any more."""
        with self._ledger.reading() as tx:
            left = orders.running(tx)
        for one in left:
            self._end(one, interrupted())
            self._bells.report.ring()

    def _disbelieve(self, order_id: str, why: str) -> None:
        """The stored copy is not what Central signed: somebody wrote to this store."""
        with self._ledger.transaction() as tx:
            now = self._ledger.now()
            orders.end(tx, order_id, Ending(_FAILED, Code.BAD_SIGNATURE, why), now)
            alarms.sound(tx, alarms.Code.ORDER_REFUSED, order_id, f"stored copy: {why}", now)

    def _obey(self, order: Order, policy: Active | None) -> None:
        with self._ledger.transaction() as tx:
            attempts = orders.attempt(tx, order.id)
        if attempts == 0:
            return
        now = self._ledger.now()
        if (unborn := orders.unborn(order, now)) is not None:
            self._end(order.id, unborn)
        elif now >= order.expires_at:
            why = "it came to its turn after it had expired"
            self._end(order.id, Ending(orders.State.EXPIRED, Code.EXPIRED, why))
        elif attempts > orders.ATTEMPTS_MAX:
            why = f"it was begun {orders.ATTEMPTS_MAX} times and never came to a run"
            self._end(order.id, Ending(_FAILED, Code.GIVEN_UP, why))
        else:
            self._carry_out(order, policy)

    def _carry_out(self, order: Order, policy: Active | None) -> None:
        """A freeze stops repairs; what a person looks at, holds, ends or has undone is none."""
        match order.body:
            case ClearHold():
                self._clear_hold(order, order.body)
            case SetHold():
                self._set_hold(order, order.body)
            case CheckAgain():
                self._again.check(order, order.body)
            case TryAgain():
                self._again.repair(order, order.body)
            case UndoRun():
                self._undoing.obey(order, order.body)
            case RunRunbook():
                if (frozen_by := self._standing().frozen_by) is None:
                    self._run_runbook(order, order.body, policy)
                else:
                    self._end(order.id, Ending(_FAILED, DecisionCode.FREEZE.value, frozen_by))

    def _standing(self) -> Standing:
        with self._ledger.reading() as tx:
            return self._standings.now(tx)

    def _clear_hold(self, order: Order, body: ClearHold) -> None:
        with self._ledger.transaction() as tx:
            found = holds.named(tx, order.host_id, body.check, body.runbook_id, body.suppressed_at)
            told_in = None
            if found is None:
                ending = Ending(_FAILED, Code.NO_SUCH_HOLD, "no hold was set here at that time")
            elif found.cleared_at is not None:
                why = f"{found.cleared_by} had cleared it before"
                ending = Ending(_DONE, Code.ALREADY_CLEARED, why)
            else:
                by, reason = order.by.user_id, order.reason
                told_in = clearing.clear_in(tx, self._ledger, found, by, reason)
                ending = Ending(_DONE, Code.CLEARED, "the hold is over; the drift is judged anew")
            orders.end(tx, order.id, ending, self._ledger.now(), told_in)

    def _set_hold(self, order: Order, body: SetHold) -> None:
        if not clearing.is_repair(body.runbook_id, body.check):
            why = f"{body.runbook_id} is no repair of {body.check} on this appliance"
            self._end(order.id, Ending(_FAILED, Code.NOTHING_TO_HOLD, why))
            return
        drift = (self._ledger.site_id, order.host_id, body.check)
        with self._ledger.transaction() as tx:
            by, reason = order.by.user_id, order.reason
            hold, told_in = clearing.set_in(tx, self._ledger, drift, body.runbook_id, by, reason)
            ending = Ending(_DONE, Code.HOLD_SET, "nothing repairs it until the hold is cleared")
            if hold is None:
                why = "it was on hold before; that hold stands"
                ending = Ending(_DONE, Code.ALREADY_HELD, why)
            orders.end(tx, order.id, ending, self._ledger.now(), told_in)

    def _run_runbook(self, order: Order, body: RunRunbook, policy: Active | None) -> None:
        member = self._roster.get(order.host_id)
        if member is None or body.check not in self._checks:
            why = "agent.toml no longer names this host, or nothing here makes this check"
            self._end(order.id, Ending(_FAILED, Code.UNKNOWN_HOST, why))
            return
        with member.busy:
            with self._ledger.reading() as tx:
                known = incidents.get(tx, body.incident_id)
            if known is None or not _is_meant(known, order, body):
                self._end(order.id, self._not_open(order, body, known))
                return
            fresh = self._repairs.measure(member, body.check)
            if fresh.outcome is Outcome.FAIL:
                self._keep(member, fresh)
                accepted = self._standing().accepts(member.id, fresh, self._ledger.now())
                if accepted is None:
                    self._repair(order, body, self._case(order, body, member, known, fresh, policy))
                else:
                    self._end(order.id, Ending(_FAILED, deviation.ACCEPTED, accepted))
            elif fresh.outcome is Outcome.UNKNOWN:
                self._keep(member, fresh)
                why = f"it could not be measured: {fresh.summary}"
                self._end(order.id, Ending(_FAILED, Code.UNMEASURED, why))
            else:
                self._pass_over(order, known, fresh)

    def _not_open(self, order: Order, body: RunRunbook, known: Incident | None) -> Ending:
        """Whoever saw first that the drift is gone, the order was not in vain."""
        if known is None:
            why = "there is no such incident here; the drift, if it is still there, is told anew"
            return Ending(_FAILED, Code.NOT_OPEN, why)
        with self._ledger.reading() as tx:
            latest = results.latest(tx, order.host_id, body.check)
        same = (known.host_id, known.check) == (order.host_id, body.check)
        passes = latest is not None and latest.outcome is Outcome.PASS
        if same and known.closed_at is not None and passes:
            why = f"nothing was run: the incident was {known.state} before, and the check passes"
            return Ending(_DONE, Code.ALREADY_PASSES, why)
        return Ending(_FAILED, Code.NOT_OPEN, _where(known))

    def _case(
        self,
        order: Order,
        body: RunRunbook,
        member: Member,
        known: Incident,
        fresh: Result,
        policy: Active | None,
    ) -> Case:
        interval_s = self._intervals.of(body.check, self._checks[body.check].manifest.interval_s)
        moment = self._ledger.moment()
        asking = bound.asking(order, body, moment.at)
        return Case(
            *(known, member, fresh, policy, moment, interval_s, self._flap, asking),
            self._standing(),
            self._breaker,
        )

    def _repair(self, order: Order, body: RunRunbook, case: Case) -> None:
        with self._ledger.reading() as tx:
            offered = self._levels.offered(tx, case)
        plans = [one for one in offered.proposals if one.remedy.runbook == body.runbook_id]
        known = (*(one.remedy for one in plans), *offered.remedies, *offered.choices)
        one = _meant(known, body, case)
        plan = next((each for each in plans if each.remedy == one), None)
        if one is None:
            changed = f"no longer as it was: what is measured now, {_no_answer(body, case)}"
            self._refuse(order, case, Ending(_FAILED, Code.CHANGED, changed))
            return
        reserved = self._repairs.reserve_for(order, body, case, one, plan)
        if isinstance(reserved, Reserved):
            self._repairs.carry_out(reserved)
        elif reserved is not None:
            self._refuse(order, case, reserved)

    def _refuse(self, order: Order, case: Case, ending: Ending) -> None:
        """What was picked is not what may run: the ticket's choices are looked at anew at once."""
        with self._ledger.transaction() as tx:
            now = self._ledger.now()
            orders.end(tx, order.id, ending, now)
            if case.incident.state is State.ESCALATED:
                incidents.set_judgement(tx, case.incident.id, None, None, now)

    def _pass_over(self, order: Order, known: Incident, fresh: Result) -> None:
        """The drift is gone by itself: nobody's doing, and nothing is left to run for."""
        why = f"nothing was run: {fresh.summary or fresh.outcome.value}"
        ending, now = Ending(_DONE, Code.ALREADY_PASSES, why), self._ledger.now()
        with self._ledger.transaction() as tx:
            results.save(tx, known.host_id, fresh)
            told_in, still = None, incidents.get(tx, known.id)
            if still is not None and _is_open(still) and incident.can_close(still, fresh, now):
                told_in = self._repairs.record(tx, incident.resolved(still, fresh, now), (fresh,))
            orders.end(tx, order.id, ending, now, told_in)

    def _keep(self, member: Member, fresh: Result) -> None:
        """What was measured for an order is a measurement like any other."""
        with self._ledger.transaction() as tx:
            if results.is_news(tx, member.id, fresh):
                self._ledger.seal(tx, Draft(Kind.CYCLE, member.id, (fresh,)))
            results.save(tx, member.id, fresh)

    def _end(self, order_id: str, ending: Ending) -> None:
        with self._ledger.transaction() as tx:
            orders.end(tx, order_id, ending, self._ledger.now())


def interrupted() -> Ending:
    """What is said of a run that the agent did not live to see the end of."""
    why = "the agent was stopped during the run: which of its steps ran is not known"
    return Ending(_FAILED, Code.INTERRUPTED, why)


def _meant(known: tuple[Remedy, ...], body: RunRunbook, case: Case) -> Remedy | None:
    """The remedy of this runbook whose inputs are those of the order; else the first one of it that
    is no choice, of which is said what changed."""
    of_it = [one for one in known if one.runbook == body.runbook_id]
    for one in of_it:
        if _inputs_digest(one, case) == body.inputs_digest:
            return one
    return next((one for one in of_it if one.choice is None), None)


def _inputs_digest(one: Remedy, case: Case) -> str | None:
    try:
        return canonical.digest(remedy.inputs(one, case.latest.facts))
    except UnresolvedInput:
        return None


def _no_answer(body: RunRunbook, case: Case) -> str:
    """Why this runbook is none of those that may repair what was measured."""
    book = runbook.registry().get(body.runbook_id)
    if book is None or book.check != body.check:
        return f"{body.runbook_id}: it is no answer to it"
    if (unmet := remedy.unmet(book.preconditions, case.latest.facts)) is not None:
        return f"{body.runbook_id} must not run: {unmet}"
    if any(ladder.is_tried(one, case.incident) for one in runbook.remedies_of(book)):
        return f"{body.runbook_id}: it ran for this incident and did not help"
    return f"{body.runbook_id}: it is no answer to it"


def _is_meant(known: Incident, order: Order, body: RunRunbook) -> bool:
    same = (known.host_id, known.check) == (order.host_id, body.check)
    return same and _is_open(known)


def _is_open(known: Incident) -> bool:
    """Whether something may run for it: nothing for a ticket, but where that has choices."""
    if known.state is State.ESCALATED:
        return choice.are_told(known.decision)
    return known.closed_at is None and known.state in states.TO_JUDGE


def _where(known: Incident) -> str:
    return f"the incident on {known.host_id}, {known.check}, is {known.state}"
