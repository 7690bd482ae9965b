"""What the policy says about an incident now: a decision per remedy, and the best of them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from wardline.agent.roster import Member
from wardline.agent.runbooks import runbook
from wardline.agent.runbooks.runbook import Runbook
from wardline.agent.scrub.scrubber import Scrubber
from wardline.agent.settings import Flap
from wardline.agent.standing import NOT_FROZEN, Standing
from wardline.agent.store import heals, holds, policies, runs
from wardline.agent.store.backoff import Moment
from wardline.agent.store.database import Transaction
from wardline.agent.store.policies import Active
from wardline.agent.store.runs import Run
from wardline.core import canonical, ids
from wardline.core.canonical import Json
from wardline.core.evidence.bundle import Result, RunbookRef
from wardline.core.incidents import ladder, remedy
from wardline.core.incidents.incident import Incident
from wardline.core.incidents.remedy import Remedy
from wardline.core.policy import compiled, params, usage
from wardline.core.policy.decision import (
    REASONS,
    Check,
    Code,
    Decision,
    Outcome,
    TraceStep,
    Verdict,
    Would,
)
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

_NO_RULES = compiled.build(Policy((), 0))
PINNED_INPUTS_BYTES_MAX = 8 * 1024
_PREFERENCE = (Verdict.RUN, Verdict.ASK, Verdict.OFFER, Verdict.BLOCK)
# What refuses before the inputs are looked at.
_BEFORE_INPUTS = frozenset(
    {
        Code.FREEZE,
        Code.HOLD,
        Code.NO_MATCH,
        Code.DENIED,
        Code.UNKNOWN_ACTION,
        Code.NOT_ADMISSIBLE,
        Code.ERROR,
    }
)


@dataclass(frozen=True, slots=True)
class Judged:
    """A remedy with the decision on it; `inputs` is None where the facts do not give them.

    `flapping`: enough heals of this drift came undone for a hold, and none is set yet.
    """

    remedy: Remedy
    runbook: Runbook
    inputs: Mapping[str, Json] | None
    decision: Decision
    flapping: bool = False

    @property
    def runs(self) -> Mapping[str, Json] | None:
        """The inputs to run with; None where the decision is not to run."""
        return self.inputs if self.decision.verdict is Verdict.RUN else None

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

    @property
    def at(self) -> datetime:
        return self.moment.at

    @property
    def observing(self) -> bool:
        """Until a person lets this site heal, and always on an observed host."""
        healing = self.policy is not None and self.policy.snapshot.healing == "heal"
        return not healing or self.member.declared.observed


def candidates(remedies: tuple[Remedy, ...], case: Case) -> tuple[Remedy, ...]:
    """The remedies for this drift, in the order of L1."""
    return remedy.candidates(remedies, case.latest.check, case.latest.facts)


def best(tx: Transaction, case: Case, remedies: tuple[Remedy, ...]) -> Judged | None:
    """The first remedy that may run; else the one that is nearest to it; None without any."""
    judged = [judge(tx, case, one) for one in remedies]
    if not judged:
        return None
    return min(judged, key=lambda one: _PREFERENCE.index(_verdict(one.decision)))


def _verdict(decision: Decision) -> Verdict:
    """What it comes to, or would come to if the site did not only observe."""
    if decision.code is Code.OBSERVING and decision.would is not None:
        return decision.would.verdict
    return decision.verdict


def judge(tx: Transaction, case: Case, one: Remedy) -> Judged:
    """The decision on one remedy, with everything counted that `tx` sees."""
    book = runbook.registry()[one.runbook]
    held = holds.is_held(tx, case.incident, book.id)
    flapping = not held and _flaps(tx, case, book)
    state = _state(tx, case, book, hold=held or flapping)
    index = _NO_RULES if case.policy is None else case.policy.index
    decision = index.evaluate(_request(case, book), state)
    try:
        inputs = remedy.inputs(one, case.latest.facts)
    except remedy.UnresolvedInput as error:
        return Judged(one, book, None, unresolved(decision, str(error)), flapping)
    return Judged(one, book, inputs, decision, flapping)


def wire(case: Case, judged: Judged, scrubber: Scrubber) -> dict[str, Any]:
    """The decision as evidence keeps it; what a person may say yes to names exactly what it is."""
    told = judged.decision.to_wire()
    if judged.decision.verdict in (Verdict.ASK, Verdict.OFFER) and judged.inputs is not None:
        told["pins"] = {**pins(case, judged), "inputs": _shown(judged.inputs, scrubber)}
    return told


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


def unresolved(decision: Decision, why: str) -> Decision:
    """The decision on a runbook whose inputs are not known: blocked at the check of inputs, unless
    a check before that one had blocked it already."""
    if decision.code is Code.OBSERVING and decision.would is not None:
        would = decision.would
        if would.code not in _BEFORE_INPUTS:
            would = Would(Verdict.BLOCK, Code.UNRESOLVED_INPUT, would.rule_id)
        return replace(decision, trace=_with_inputs(decision, why, None), would=would)
    if decision.code in _BEFORE_INPUTS:
        return replace(decision, trace=_with_inputs(decision, why, None))
    code = Code.UNRESOLVED_INPUT
    return replace(
        decision,
        verdict=Verdict.BLOCK,
        code=code,
        reason=REASONS[code],
        params={},
        approver_roles=None,
        trace=_with_inputs(decision, why, f"{Verdict.BLOCK} ({code})"),
    )


def _with_inputs(decision: Decision, why: str, verdict: str | None) -> tuple[TraceStep, ...]:
    """The trace with the inputs' check failed, and with another last word where that decides."""
    told = {Check.INPUTS: TraceStep(Check.INPUTS, Outcome.FAIL, why)}
    if verdict is not None:
        told[Check.VERDICT] = TraceStep(Check.VERDICT, Outcome.FAIL, verdict)
    return tuple(told.get(step.check, step) for step in decision.trace)


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
        counters=_counters(recent, case),
        actions=_actions(),
        confirmed_at=policies.confirmed_at(tx, case.moment),
        frozen_by=case.standing.frozen_by or "",
        share=case.standing.share,
    )


def _flaps(tx: Transaction, case: Case, book: Runbook) -> bool:
    """As many verified heals of this drift as make a hold necessary, since the last was cleared."""
    window = ladder.flap_window(case.flap.heals, case.flap.window_minutes, case.interval_s)
    healed_at = heals.times(tx, case.incident, book.id, case.at - window)
    return ladder.flapping(healed_at, case.at, case.flap.heals, window)


def _actions() -> dict[str, ActionFacts]:
    """The runbooks of this appliance: no policy can name an action that is not among them."""
    return {
        book.id: ActionFacts(Risk(book.risk.value), book.platforms, noticed=book.noticed)
        for book in runbook.registry().values()
    }


def _counters(recent: list[Run], case: Case) -> Counters:
    by_rule: dict[str, RuleUsage] = {}
    by_action: dict[str, HostUsage] = {}
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
