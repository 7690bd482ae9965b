"""What the policy says about an incident now: a decision per remedy, and the best of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from wardline.agent.planner.planner import Proposal
from wardline.agent.roster import Member
from wardline.agent.runbooks import lasting, runbook
from wardline.agent.runbooks.runbook import Runbook
from wardline.agent.scrub.scrubber import Scrubber
from wardline.agent.settings import Flap
from wardline.agent.standing import NOT_FROZEN, Standing
from wardline.agent.store import breakers, heals, holds, policies, runs, stops
from wardline.agent.store.attempts import Versions
from wardline.agent.store.backoff import Moment
from wardline.agent.store.database import Transaction
from wardline.agent.store.policies import Active
from wardline.agent.store.runs import Run
from wardline.core import canonical, clock, ids
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import ResolutionLevel, Result, RunbookRef
from wardline.core.incidents import choice, ladder, remedy, trial
from wardline.core.incidents.breaker import DEFAULT as BREAKER
from wardline.core.incidents.breaker import Breaker
from wardline.core.incidents.incident import Incident
from wardline.core.incidents.remedy import Remedy
from wardline.core.policy import barred, compiled, params, usage
from wardline.core.policy.decision import Code, Decision, Verdict
from wardline.core.policy.request import (
    ActionFacts,
    Alert,
    ApprovalFact,
    Counters,
    HostUsage,
    Initiator,
    Principal,
    Request,
    Risk,
    RuleUsage,
    State,
)
from wardline.core.policy.rule import Policy
from wardline.core.policy.usage import Tally
from wardline.core.stops import Kind, Subject

_NO_RULES = compiled.build(Policy((), 0))
PINNED_INPUTS_BYTES_MAX = 8 * 1024
_PREFERENCE = (Verdict.RUN, Verdict.ASK, Verdict.OFFER, Verdict.BLOCK)


@dataclass(frozen=True, slots=True)
class Judged:
    """A remedy with the decision on it; `inputs` is None where the facts do not give them.

    `flapping`: enough heals of this drift came undone for a hold, and none is set yet. `ticket`:
    this very incident set the hold that keeps it off. `stopped`: a version that decides or runs is.
    `proposal` is the plan that it comes from, None for a remedy of L1.
    """

    remedy: Remedy
    runbook: Runbook
    inputs: Mapping[str, Json] | None
    decision: Decision
    flapping: bool = False
    proposal: Proposal | None = None
    ticket: bool = False
    stopped: bool = False

    @property
    def level(self) -> ResolutionLevel:
        """Of a run by it; what nobody planned is L1's, but for a choice, which a person picked."""
        if self.proposal is not None:
            return ResolutionLevel.L2
        return ResolutionLevel.L3 if self.remedy.is_open else ResolutionLevel.L1

    @property
    def runs(self) -> Mapping[str, Json] | None:
        """The inputs to run with; None where the decision is not to run."""
        return self.inputs if self.decision.verdict is Verdict.RUN else None

    @property
    def is_braked(self) -> bool:
        """Whether that, and nothing else, keeps it from running."""
        would = self.decision.would
        return Code.BRAKE in (self.decision.code, would.code if would else None)

    def ref(self) -> RunbookRef:
        one = self.runbook
        return RunbookRef(one.id, str(one.version), one.digest, one.risk.value)


@dataclass(frozen=True, slots=True)
class Asking:
    """Who wants the repair: the ladder by itself, or a person, with what was consented to."""

    initiator: Initiator = Initiator.SYSTEM
    principal: Principal | None = None
    approval: ApprovalFact | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """An incident with all that a decision on it needs to know."""

    incident: Incident
    member: Member
    latest: Result
    policy: Active | None
    moment: Moment
    interval_s: float
    flap: Flap
    asking: Asking = Asking()
    standing: Standing = NOT_FROZEN
    breaker: Breaker = BREAKER

    @property
    def at(self) -> datetime:
        return self.moment.at

    @property
    def flap_window(self) -> timedelta:
        """How long repairs of this drift may have held in all and be a flap still."""
        return ladder.flap_window(self.flap.heals, self.flap.window_minutes, self.interval_s)

    @property
    def observing(self) -> bool:
        """Until a person lets this site heal, and always on an observed host."""
        healing = self.policy is not None and self.policy.snapshot.healing == "heal"
        return not healing or self.member.declared.observed


def candidates(remedies: tuple[Remedy, ...], case: Case) -> tuple[Remedy, ...]:
    """The remedies for this drift, in the order of L1; those that were promoted come first."""
    every = (*case.standing.promoted, *remedies)
    return remedy.candidates(every, case.latest.check, case.latest.facts)


def best(
    tx: Transaction,
    case: Case,
    remedies: tuple[Remedy, ...],
    proposals: tuple[Proposal, ...] = (),
) -> Judged | None:
    """The first remedy or plan that may run; else the one nearest to it; None without any."""
    judged = [judge(tx, case, one) for one in remedies]
    judged += [judge(tx, case, one.remedy, one) for one in proposals]
    if not judged:
        return None
    return min(judged, key=lambda one: _PREFERENCE.index(_verdict(one.decision)))


def _verdict(decision: Decision) -> Verdict:
    """What it comes to, or would come to if the site did not only observe."""
    if decision.code is Code.OBSERVING and decision.would is not None:
        return decision.would.verdict
    return decision.verdict


def judge(tx: Transaction, case: Case, one: Remedy, proposal: Proposal | None = None) -> Judged:
    """The decision on one remedy or plan, with everything counted that `tx` sees."""
    if proposal is not None and case.asking.initiator is Initiator.SYSTEM:
        case = replace(case, asking=replace(case.asking, initiator=Initiator.PLAN))
    book = runbook.registry()[one.runbook]
    held = holds.on(tx, case.incident, book.id)
    flapping = held is None and _flaps(tx, case, book)
    inputs, missing = _inputs(one, case)
    state = _state(tx, case, book, hold=flapping or held is not None)
    index = _NO_RULES if case.policy is None else case.policy.index
    decision = index.evaluate(_request(case, book), state)
    if missing is not None:
        decision = barred.unresolved(decision, missing)
    decision = barred.unmet(decision, remedy.unmet(book.preconditions, case.latest.facts))
    decision = barred.broken(decision, _broken(tx, case))
    stopped = _stopped(tx, case, versions(case, book, decision))
    decision = barred.braked(decision, stopped)
    ticket = held is not None and held.set_by is None and held.incident_id == case.incident.id
    is_stopped = stopped is not None
    return Judged(one, book, inputs, decision, flapping, proposal, ticket, is_stopped)


def _inputs(one: Remedy, case: Case) -> tuple[dict[str, Json] | None, str | None]:
    """The inputs of a run, or what they lack."""
    try:
        return remedy.inputs(one, case.latest.facts), None
    except remedy.UnresolvedInput as error:
        return None, str(error)


def versions(case: Case, book: Runbook, decision: Decision) -> Versions:
    """What a run goes by: the runbook as it is, and the rule that decides, as it is."""
    rule_id = decision.rule_id or (decision.would.rule_id if decision.would else None)
    revision = _rule_revision(case, rule_id)
    rule = None
    if rule_id is not None and revision is not None:
        rule = Subject(Kind.RULE, rule_id, str(revision))
    return Versions(Subject(Kind.RUNBOOK, book.id, book.digest), rule)


def _stopped(tx: Transaction, case: Case, used: Versions) -> str | None:
    """Which of these versions is stopped, by Central or here, in words."""
    for one in (*case.standing.stops, *stops.in_force(tx)):
        if one.subject.kind is Kind.ALL or one.subject in used.subjects:
            return one.words
    return None


def _broken(tx: Transaction, case: Case) -> str | None:
    """Why repairs of this drift rest, in words; a person may start one all the same."""
    if case.asking.initiator is Initiator.PERSON:
        return None
    until = breakers.open_until(tx, case.incident, case.moment)
    if until is None:
        return None
    tried = f"{case.breaker.attempts} attempts on this drift within {case.breaker.window_minutes}"
    return f"{tried} min or a little more: repairs of it rest until {clock.wire(until)}"


def wire(case: Case, judged: Judged, scrubber: Scrubber) -> dict[str, Any]:
    """The decision as evidence keeps it; what a person may say yes to names exactly what it is."""
    told = trial.with_earned(judged.decision.to_wire(), judged.remedy.earned)
    choice.tell(told, judged.remedy)
    if judged.decision.verdict in (Verdict.ASK, Verdict.OFFER) and judged.inputs is not None:
        told["pins"] = shown_pins(case, judged, scrubber)
    if judged.proposal is not None:
        told["plan"] = judged.proposal.to_wire()
    return told


def shown_pins(case: Case, judged: Judged, scrubber: Scrubber) -> dict[str, Any]:
    """The pins with the inputs, for a person's eyes."""
    return {**pins(case, judged), "inputs": _shown(judged.inputs or {}, scrubber)}


def pins(case: Case, judged: Judged) -> dict[str, Any]:
    """What an order is bound to, beside runbook and rule; digests of the real values."""
    return {
        "ruleRevision": _rule_revision(case, judged.decision.rule_id),
        "paramsDigest": params.digest(judged.decision.params),
        "inputsDigest": canonical.digest(judged.inputs),
    }


def _rule_revision(case: Case, rule_id: str | None) -> int | None:
    rules = case.policy.rules if case.policy else ()
    return next((rule.stamp.revision for rule in rules if rule.id == rule_id), None)


def _shown(inputs: Mapping[str, Json], scrubber: Scrubber) -> Json:
    """The inputs for a person's eyes: scrubbed, and said to be too long where they are."""
    shown = scrubber.value(dict(inputs))
    size = len(canonical.dumps(shown))
    return shown if size <= PINNED_INPUTS_BYTES_MAX else {"left_out_bytes": size}


def _request(case: Case, book: Runbook) -> Request:
    result, snapshot = case.latest, case.policy.snapshot if case.policy else None
    return Request(
        alert=Alert(
            id=case.incident.id,
            kpi_id=result.check,
            title=book.title,
            message=result.summary,
            severity=result.severity,
        ),
        at=case.at,
        zone=snapshot.zone if snapshot else "UTC",
        decision_id=ids.new("dec"),
        action=book.id,
        partner=snapshot.partner_id if snapshot else None,
        site=case.incident.site_id,
        host=case.incident.host_id,
        platform=case.member.host.platform,
        facts=result.facts,
        opening_hours=case.policy.opening_hours if case.policy else (),
        initiator=case.asking.initiator,
        principal=case.asking.principal,
        approval=case.asking.approval,
    )


def _state(tx: Transaction, case: Case, book: Runbook, *, hold: bool) -> State:
    recent = runs.since(tx, case.at - usage.WEEK)
    return State(
        freeze=case.standing.frozen_by is not None,
        observing=case.observing,
        hold=hold,
        locked=any(
            not run.ended and (run.host_id, run.runbook_id) == (case.member.id, book.id)
            for run in recent
        ),
        counters=_counters(recent, case, _cooled_from(tx, case, book)),
        actions=_actions(book),
        confirmed_at=policies.confirmed_at(tx, case.moment),
        frozen_by=case.standing.frozen_by or "",
        share=case.standing.share,
    )


def _flaps(tx: Transaction, case: Case, book: Runbook) -> bool:
    """As many verified heals of this drift as make a hold necessary, since the last was cleared."""
    healed = heals.last(tx, case.incident, book.id, case.flap.heals)
    return ladder.flapping(healed, case.at, case.flap.heals, case.flap_window)


def _actions(asked: Runbook) -> dict[str, ActionFacts]:
    """The runbooks of this appliance: no policy can name an action that is not among them. How long
    a run may take is known of the one that is asked about."""
    known = {
        book.id: ActionFacts(Risk(book.risk.value), book.platforms, noticed=book.noticed)
        for book in runbook.registry().values()
    }
    lasts = lasting.longest(asked)
    return {**known, asked.id: replace(known[asked.id], lasts=lasts)}


def _cooled_from(tx: Transaction, case: Case, book: Runbook) -> dict[str, HostUsage]:
    """When the runbook last ran on this host, however long ago a cooldown may reach."""
    at = runs.last_started(tx, case.member.id, book.id, case.at - usage.COOLDOWN)
    return {} if at is None else {book.id: HostUsage(last_run_at=at)}


def _counters(recent: list[Run], case: Case, by_action: dict[str, HostUsage]) -> Counters:
    by_rule: dict[str, RuleUsage] = {}
    for run in recent:
        tally = Tally(
            run.started_at,
            in_flight=not run.ended,
            pct=_number(run.params.get(usage.PCT)),
            qty=_number(run.params.get(usage.QTY)),
        )
        if run.rule_id is not None:
            used = by_rule.get(run.rule_id, RuleUsage())
            by_rule[run.rule_id] = usage.of_rule(used, tally, case.at)
        if run.host_id == case.member.id:
            there = by_action.get(run.runbook_id, HostUsage())
            by_action[run.runbook_id] = usage.on_host(there, tally, case.at)
    return Counters(by_rule, by_action)


def _number(value: Any) -> Decimal:
    """How much of a limit a run used, whichever its direction; no number counts nothing."""
    return (
        abs(Decimal(value)) if isinstance(value, int | str) and _is_decimal(value) else Decimal(0)
    )


def _is_decimal(value: int | str) -> bool:
    return isinstance(value, int) or value.lstrip("-").replace(".", "", 1).isdigit()


def counted(decision: Decision) -> dict[str, object]:
    """The parameters of a decision that limits sum up, as they are kept with the run."""
    return {
        name: value if isinstance(value, int) else str(value)
        for name, value in decision.params.items()
        if name in (usage.PCT, usage.QTY) and isinstance(value, int | Decimal)
    }
