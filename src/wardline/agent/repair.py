"""One run of a runbook: reserved with its decision, carried out, measured again, told as it was."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from wardline.agent import bound, judge, measure
from wardline.agent.bell import Bells
from wardline.agent.checks.protocol import Check
from wardline.agent.judge import Case, Judged
from wardline.agent.keeping import Keeper
from wardline.agent.planner.planner import Proposal
from wardline.agent.roster import Member
from wardline.agent.runbooks import runner
from wardline.agent.runbooks.runner import RunReport
from wardline.agent.standing import Standings
from wardline.agent.store import (
    attempts,
    breakers,
    heals,
    incidents,
    orders,
    policies,
    promotions,
    results,
    runs,
    stops,
)
from wardline.agent.store.database import StoreFull, Transaction
from wardline.agent.store.ledger import Ledger
from wardline.agent.store.orders import Code, Ending
from wardline.agent.store.outbox import Draft, Queued
from wardline.agent.store.runs import Run
from wardline.core import deviation, ids
from wardline.core.canonical import Json
from wardline.core.errors import WardlineError
from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import Action, Kind, Result
from wardline.core.incidents import brake, incident
from wardline.core.incidents.brake import Result as Outcome
from wardline.core.incidents.incident import Incident
from wardline.core.incidents.remedy import Remedy
from wardline.core.incidents.states import State
from wardline.core.incidents.watching import Attempt
from wardline.core.orders import Order, Person, RunRunbook

_RESULTS: Mapping[State, str | None] = {State.HEALED: "healed", State.FAILED: "failed"}
_TRIED: Mapping[str | None, Outcome] = {
    "healed": Outcome.HEALED,
    "failed": Outcome.FAILED,
    "interrupted": Outcome.STOPPED,
}
_ENDINGS: Mapping[State, tuple[orders.State, Code, str]] = {
    State.HEALED: (orders.State.SUCCEEDED, Code.HEALED, "the check passes after the run"),
    State.RESOLVED: (
        *(orders.State.SUCCEEDED, Code.NOTHING_TO_CHANGE),
        "the run found nothing to change, and the check passes",
    ),
    State.FAILED: (orders.State.FAILED, Code.NOT_HEALED, "the check does not pass after the run"),
    State.OPEN: (
        *(orders.State.FAILED, Code.UNPROVED),
        "the check passes, but the clock was set back: nothing shows that it passed later",
    ),
}
# What is left of a run, by whether it was undone.
_LEFT: Mapping[bool | None, str] = {
    None: "nothing had been changed",
    True: "everything that it had changed is undone",
    False: "not everything could be undone, see the evidence",
}


@dataclass(frozen=True, slots=True)
class Reserved:
    """A run that counts and whose incident is being repaired; nothing has been changed yet."""

    run: Run
    incident: Incident
    member: Member
    chosen: Judged
    inputs: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class _Over:
    """A run that is over, as it is to be stored; `ending` is its order's where the incident does
    not say that, `is_a_persons` whether nothing may go on without one: it brought something else
    down, nobody could look whether it did, or it left what nothing put back."""

    run: Run
    ended: Incident
    after: Result
    began: bool
    result: str | None
    ending: Ending | None = None
    is_a_persons: bool = False


class Repairs:
    """The only way to a repair on a host, whoever asked for it."""

    def __init__(
        self,
        ledger: Ledger,
        checks: Mapping[str, Check],
        standings: Standings,
        bells: Bells,
        watched_s: float,
        keeper: Keeper,
    ) -> None:
        """`watched_s`: how many seconds a heal is watched."""
        self._keeper = keeper
        self._ledger = ledger
        self._watched = timedelta(seconds=watched_s)
        self._checks = checks
        self._standings = standings
        self._bells = bells

    def measure(self, member: Member, check: str) -> Result:
        return measure.measure(
            self._checks[check], member.host, self._ledger.now, self._ledger.scrubber
        )

    def reserve(
        self, case: Case, one: Remedy, proposal: Proposal | None = None
    ) -> Reserved | Judged | None:
        """Decide once more and take what the run uses, in one write transaction, so that no two
        deciders pass one limit. The decision, where it is no longer to run; None where the
        incident or the policy has moved on.
        """
        self._ledger.require_room()
        with self._ledger.transaction() as tx:
            if not self.is_current(tx, case):
                return None
            case = replace(case, moment=self._ledger.moment(), standing=self._standings.now(tx))
            judged = judge.judge(tx, case, one, proposal)
            if judged.runs is None:
                return judged
            return _taken(tx, case, judged, judged.runs, None)

    def reserve_for(
        self,
        order: Order,
        body: RunRunbook,
        case: Case,
        one: Remedy,
        proposal: Proposal | None = None,
    ) -> Reserved | Ending | None:
        """As `reserve`, for an order, which is running from then on; why not, where it is no
        longer the run that it was given for. None where it is to be looked at again.
        """
        self._ledger.require_room()
        with self._ledger.transaction() as tx:
            now = self._ledger.moment()
            if not self.is_current(tx, case) or now.at >= order.expires_at:
                return None
            if (unborn := orders.unborn(order, now.at)) is not None:
                return unborn
            case = replace(case, moment=now, standing=self._standings.now(tx))
            judged = judge.judge(tx, case, one, proposal)
            refused = bound.refusal(body, case, judged)
            if refused is not None or judged.runs is None:
                return refused
            if not orders.start(tx, order.id, case.at):
                return None
            return _taken(tx, case, judged, judged.runs, order)

    def is_current(self, tx: Transaction, case: Case) -> bool:
        """Whether what was looked at still stands, and nobody has accepted it meanwhile. Without a
        policy nothing runs in any case."""
        in_force = case.policy is None or case.policy.digest == policies.digest(tx)
        if not in_force or incidents.get(tx, case.incident.id) != case.incident:
            return False
        accepted = self._standings.now(tx).deviations
        return deviation.accepting(accepted, case.member.id, case.latest, case.at) is None

    def carry_out(self, reserved: Reserved) -> Incident:
        """Run, measure again with the same check, and seal both with the outcome."""
        if reserved.run.order_id is not None:
            self._bells.report.ring()
        report, began = self._run(reserved)
        host = reserved.member.host
        repairing = self._keeper.keep(reserved.run, reserved.incident, report, host)
        after = self.measure(reserved.member, reserved.incident.check)
        now = self._ledger.now()
        if report.stopped is None:
            attempt = Attempt(reserved.run.started_at, self._watched)
            mark = reserved.chosen.remedy.mark
            ended = incident.ended(repairing, report.ok, report.actions, after, now, attempt, mark)
            over = _Over(
                *(reserved.run, ended, after, began, _RESULTS.get(ended.state)),
                ending=_harmful(report) if report.collateral else None,
                is_a_persons=report.is_a_persons,
            )
        else:
            last = told("frozen", reserved.chosen.runbook.id, report.error or report.stopped)
            is_back = report.undone is not False
            actions = (*report.actions, last)
            ended = incident.stopped(repairing, actions, after, now, is_back=is_back)
            ending = _frozen(report, report.stopped)
            over = _Over(
                *(reserved.run, ended, after, bool(report.actions), "interrupted", ending),
                is_a_persons=report.is_a_persons or not is_back,
            )
        self._finish(over)
        return ended

    def _run(self, reserved: Reserved) -> tuple[RunReport, bool]:
        """The run's report, and whether it began; what refused it before is a failed run too."""
        book = reserved.chosen.runbook
        try:
            host = reserved.member.host
            return runner.run(book, reserved.inputs, host, self._frozen_by), True
        except WardlineError as error:
            refused = told("start", book.id, str(error))
            return RunReport((refused,), ok=False, undone=None, error=refused.error), False

    def _frozen_by(self) -> str | None:
        with self._ledger.reading() as tx:
            return self._standings.now(tx).frozen_by

    def _finish(self, over: _Over) -> None:
        """Everything about a run that is over at once, out of the reserve if need be."""
        try:
            self._store_end(over)
        except StoreFull:
            if not self._ledger.database.drop_ballast():
                raise
            self._store_end(over)
        self._bells.report.ring()
        self._bells.act.ring()

    def _store_end(self, over: _Over) -> None:
        now, run, ended = self._ledger.now(), over.run, over.ended
        with self._ledger.transaction() as tx:
            results.save(tx, ended.host_id, over.after)
            if not over.began:
                runs.release(tx, run.id)
            runs.end(tx, ended.id, now, over.result)
            self.tried(tx, ended, _TRIED.get(over.result, Outcome.NOTHING), began=over.began)
            runs.prune(tx, now)
            heals.prune(tx, now)
            promotions.prune(tx, now)
            told_in = self.record(tx, ended, (over.after,))
            if over.is_a_persons:
                self.record(tx, incident.escalated(ended))
            if ended.watched:
                heals.begin_watch(tx, ended.id, self._ledger.moment())
            if run.order_id is not None:
                orders.end(tx, run.order_id, over.ending or _ending(ended), now, told_in)

    def tried(
        self, tx: Transaction, ended: Incident, outcome: Outcome, *, began: bool = True
    ) -> None:
        """What became of the run of an incident that was under way: for breaker, brake and
        planners. A version that has gone wrong too often is stopped from here on."""
        now = self._ledger.now()
        used = attempts.end(tx, ended.id, now, outcome if began else Outcome.NOTHING)
        if used is not None and began and outcome in brake.WRONG:
            stops.look(tx, used.subjects, ended.id, now)
        attempts.prune(tx, now)

    def record(self, tx: Transaction, moved: Incident, measured: tuple[Result, ...] = ()) -> Queued:
        """The incident's row, its place in the statistics and its bundle, in the caller's
        transaction."""
        incidents.save(tx, moved)
        incidents.count_pattern(tx, moved)
        return self._ledger.seal(
            tx, Draft(Kind.INCIDENT, moved.host_id, measured, (moved.record(),))
        )


def told(step: str, target: str, error: str, *, dry_run: bool = False) -> Action:
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


def _taken(
    tx: Transaction,
    case: Case,
    judged: Judged,
    inputs: Mapping[str, Json],
    order: Order | None,
) -> Reserved:
    wire = judge.wire(case, judged, tx.scrubber)
    if order is not None:
        wire["order"] = _order_wire(order)
    used, run_id = judge.versions(case, judged.runbook, judged.decision), ids.new("run")
    wire["runId"] = run_id
    wire["ruleRevision"] = used.rule and int(used.rule.version)
    repairing = incident.started(case.incident, wire, judged.ref(), judged.level)
    run = Run(
        run_id,
        repairing.id,
        repairing.host_id,
        judged.runbook.id,
        judged.decision.rule_id,
        case.at,
        False,
        judge.counted(judged.decision),
        order.id if order is not None else None,
    )
    incidents.save(tx, repairing)
    runs.reserve(tx, run, wire)
    attempts.begin(tx, run_id, repairing, used, case.at, judged.remedy.chosen)
    breakers.look(tx, case.breaker, repairing, case.interval_s, case.moment)
    return Reserved(run, repairing, case.member, judged, inputs)


def _frozen(report: RunReport, why: str) -> Ending:
    """How the order of a run that a freeze stopped ends."""
    detail = f"stopped between two steps, {_LEFT[report.undone]}: {why}"
    return Ending(orders.State.FAILED, Code.FROZEN, detail)


def _harmful(report: RunReport) -> Ending:
    """How the order of a run ends that brought something else down."""
    detail = f"{report.error}; {_LEFT[report.undone]}"
    return Ending(orders.State.FAILED, Code.COLLATERAL, detail)


def _ending(ended: Incident) -> Ending:
    state, code, detail = _ENDINGS[ended.state]
    errors = [one.error for one in ended.actions if one.error]
    return Ending(state, code, f"{detail}: {errors[-1]}" if errors else detail)


def _order_wire(order: Order) -> dict[str, Any]:
    """On whose word: beside the decision in the evidence of the run."""
    body = order.body
    consent = body.consent if isinstance(body, RunRunbook) else None
    return {
        "id": order.id,
        "by": _person_wire(order.by),
        "reason": order.reason,
        "approvalId": consent and consent.approval_id,
        "approvers": [_person_wire(one) for one in consent.approvers] if consent else [],
    }


def _person_wire(person: Person) -> dict[str, Any]:
    return {"userId": person.user_id, "name": person.name, "roles": list(person.roles)}
