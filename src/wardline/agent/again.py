"""What a person asks to have looked at once more: a check, or the repair of an incident."""

from collections.abc import Mapping
from typing import Any

from wardline.agent import following
from wardline.agent.bell import Bells
from wardline.agent.checks.protocol import Check
from wardline.agent.repair import Repairs
from wardline.agent.roster import Member, Roster
from wardline.agent.standing import Standings
from wardline.agent.store import holds, incidents, orders, results
from wardline.agent.store.database import Transaction
from wardline.agent.store.ledger import Ledger
from wardline.agent.store.orders import Code, Ending
from wardline.agent.store.outbox import Draft, Queued
from wardline.core import clock, deviation
from wardline.core.evidence.bundle import IncidentRecord, Kind, Outcome, Result
from wardline.core.incidents import incident, states
from wardline.core.incidents.incident import Incident
from wardline.core.incidents.states import State
from wardline.core.orders import CheckAgain, Order, TryAgain

_DONE, _FAILED = orders.State.SUCCEEDED, orders.State.FAILED


class Again:
    """Carries out orders that change nothing on a host; what runs after them, policy decides."""

    def __init__(
        self,
        ledger: Ledger,
        roster: Roster,
        checks: Mapping[str, Check],
        repairs: Repairs,
        standings: Standings,
        bells: Bells,
    ) -> None:
        self._ledger = ledger
        self._roster = roster
        self._checks = checks
        self._repairs = repairs
        self._standings = standings
        self._bells = bells

    def check(self, order: Order, body: CheckAgain) -> None:
        """Measure now, and follow what is found; sealed even where it says nothing new, for
        somebody waits for the answer."""
        member = self._member(order, body.check)
        if member is None:
            return
        with member.busy:
            fresh = self._repairs.measure(member, body.check)
            told = f"{fresh.outcome.value}: {fresh.summary}"
            with self._ledger.transaction() as tx:
                told_in = self._take(tx, member, fresh)
                ending = Ending(_DONE, Code.MEASURED, told)
                orders.end(tx, order.id, ending, self._ledger.now(), told_in)
        self._bells.act.ring()

    def repair(self, order: Order, body: TryAgain) -> None:
        """Measure; where the drift is there still, forget what failed for it and have it judged
        anew. What a hold keeps off, or somebody has accepted, stays so."""
        member = self._member(order, body.check)
        if member is None:
            return
        with member.busy:
            with self._ledger.reading() as tx:
                known = incidents.get(tx, body.incident_id)
                refused = _refused(tx, known, order, body)
            if refused is not None or known is None:
                self._end(order.id, refused or _not_here())
                return
            fresh = self._repairs.measure(member, body.check)
            with self._ledger.transaction() as tx:
                self._store(tx, order, body, member, fresh)
        self._bells.act.ring()

    def _store(
        self, tx: Transaction, order: Order, body: TryAgain, member: Member, fresh: Result
    ) -> None:
        """As the incident is by now, for measuring takes its time."""
        now, known = self._ledger.now(), incidents.get(tx, body.incident_id)
        refused = _refused(tx, known, order, body)
        if refused is not None or known is None:
            told_in = self._take(tx, member, fresh)
            orders.end(tx, order.id, refused or _not_here(), now, told_in)
            return
        if fresh.outcome is not Outcome.FAIL:
            told_in = self._take(tx, member, fresh)
            orders.end(tx, order.id, _without_a_run(fresh), now, told_in)
            return
        accepted = self._standings.now(tx).accepts(member.id, fresh, now)
        if accepted is not None:
            told_in = self._take(tx, member, fresh)
            orders.end(tx, order.id, Ending(_FAILED, deviation.ACCEPTED, accepted), now, told_in)
            return
        results.save(tx, member.id, fresh)
        moved = incident.tried_anew(known, {**(known.decision or {}), "again": _wire(order)})
        told_in = self._repairs.record(tx, moved, (fresh,))
        incidents.set_judgement(tx, moved.id, None, None, now)
        why = "every remedy may be tried again; the policy decides what runs"
        orders.end(tx, order.id, Ending(_DONE, Code.TRYING, why), now, told_in)

    def _take(self, tx: Transaction, member: Member, fresh: Result) -> Queued:
        """A measurement like any other, but one that is sealed in any case."""
        moved: list[IncidentRecord] = following.follow(tx, self._ledger, member.id, fresh)
        results.save(tx, member.id, fresh)
        return self._ledger.seal(tx, Draft(Kind.CYCLE, member.id, (fresh,), tuple(moved)))

    def _member(self, order: Order, check: str) -> Member | None:
        """The host of an order; None ends the order, for nothing here makes this check of it."""
        member = self._roster.get(order.host_id)
        if member is None or check not in self._checks:
            why = "agent.toml no longer names this host, or nothing here makes this check"
            self._end(order.id, Ending(_FAILED, Code.UNKNOWN_HOST, why))
            return None
        return member

    def _end(self, order_id: str, ending: Ending) -> None:
        with self._ledger.transaction() as tx:
            orders.end(tx, order_id, ending, self._ledger.now())


def _refused(
    tx: Transaction, known: Incident | None, order: Order, body: TryAgain
) -> Ending | None:
    if known is None or (known.host_id, known.check) != (order.host_id, body.check):
        return _not_here()
    if known.closed_at is not None or known.state not in (*states.TO_JUDGE, State.ESCALATED):
        return Ending(_FAILED, Code.NOT_OPEN, f"the incident is {known.state}")
    held = holds.active_of(tx, known.site_id, known.host_id, known.check)
    if held:
        why = f"{held[0].runbook_id} is on hold there ({held[0].reason}): clear the hold first"
        return Ending(_FAILED, Code.HELD, why)
    return None


def _not_here() -> Ending:
    why = "there is no such incident of this host and check here"
    return Ending(_FAILED, Code.NOT_OPEN, why)


def _without_a_run(fresh: Result) -> Ending:
    if fresh.outcome is Outcome.UNKNOWN:
        return Ending(_FAILED, Code.UNMEASURED, f"it could not be measured: {fresh.summary}")
    why = f"nothing is left to repair: {fresh.summary or fresh.outcome.value}"
    return Ending(_DONE, Code.ALREADY_PASSES, why)


def _wire(order: Order) -> dict[str, Any]:
    """On whose word: beside the decision in the evidence."""
    return {
        "orderId": order.id,
        "by": order.by.user_id,
        "name": order.by.name,
        "reason": order.reason,
        "at": clock.wire(order.issued_at),
    }
