"""A decision, stopped by what stands outside of the rules: inputs, preconditions, breaker, brake.

Each adds its check to the trace, in front of the verdict. A freeze, an observing site and a hold
keep their word; of an observing site, what it would have done is what changes.
"""

from dataclasses import replace

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

# What only an appliance can say, which knows its runbooks and what was tried: no evaluation of
# rules comes to it.
CHECKS = frozenset({Check.PRECONDITIONS, Check.BREAKER, Check.BRAKE})
CODES = frozenset({Code.PRECONDITION, Code.BREAKER, Code.BRAKE})
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


def unresolved(decision: Decision, why: str) -> Decision:
    """The decision on a runbook whose inputs are not known: blocked at the check of inputs, unless
    a check before that one had blocked it already."""
    told = replace(decision, trace=_with(decision, TraceStep(Check.INPUTS, Outcome.FAIL, why)))
    return _blocked(told, Code.UNRESOLVED_INPUT, _BEFORE_INPUTS)


def unmet(decision: Decision, why: str | None) -> Decision:
    """The decision on a runbook of which a precondition does not hold, where `why` says so:
    blocked, whoever asks."""
    if why is None:
        return _passed(decision, Check.PRECONDITIONS, "all hold")
    step = TraceStep(Check.PRECONDITIONS, Outcome.FAIL, why)
    told = replace(decision, trace=_before_verdict(decision, step))
    return _blocked(told, Code.PRECONDITION, _BEFORE_INPUTS)


def braked(decision: Decision, why: str | None) -> Decision:
    """The decision on versions of which one is stopped, where `why` says so: only a person lets it
    run again, so that this goes before whatever else refuses for now."""
    if why is None:
        return _passed(decision, Check.BRAKE, "no version that decides or runs is stopped")
    step = TraceStep(Check.BRAKE, Outcome.FAIL, why)
    told = replace(decision, trace=_before_verdict(decision, step))
    return _blocked(told, Code.BRAKE, frozenset({Code.FREEZE, Code.HOLD}))


def broken(decision: Decision, why: str | None) -> Decision:
    """The decision on a drift whose circuit breaker is open, where `why` says so; whatever refuses
    anyhow keeps its word."""
    if why is None:
        return _passed(decision, Check.BREAKER, "closed")
    step = TraceStep(Check.BREAKER, Outcome.FAIL, why)
    told = replace(decision, trace=_before_verdict(decision, step))
    return told if _refuses(decision) else _blocked(told, Code.BREAKER, frozenset())


def _refuses(decision: Decision) -> bool:
    """Whether it blocks anyhow, or would on a site that did not only observe."""
    if decision.code is Code.OBSERVING:
        return decision.would is None or decision.would.verdict is Verdict.BLOCK
    return decision.verdict is Verdict.BLOCK


def _blocked(decision: Decision, code: Code, unless: frozenset[Code]) -> Decision:
    if decision.code is Code.OBSERVING:
        would = decision.would
        if would is None or would.code in unless:
            return decision
        return replace(decision, would=Would(Verdict.BLOCK, code, would.rule_id))
    if decision.code in unless:
        return decision
    last = TraceStep(Check.VERDICT, Outcome.FAIL, f"{Verdict.BLOCK} ({code})")
    return replace(
        decision,
        verdict=Verdict.BLOCK,
        code=code,
        reason=REASONS[code],
        params={},
        approver_roles=None,
        trace=_with(decision, last),
    )


def _passed(decision: Decision, check: Check, detail: str) -> Decision:
    return replace(
        decision, trace=_before_verdict(decision, TraceStep(check, Outcome.PASS, detail))
    )


def _with(decision: Decision, told: TraceStep) -> tuple[TraceStep, ...]:
    """The trace with another step of the same check."""
    return tuple(told if step.check is told.check else step for step in decision.trace)


def _before_verdict(decision: Decision, told: TraceStep) -> tuple[TraceStep, ...]:
    at = next(
        (place for place, step in enumerate(decision.trace) if step.check is Check.VERDICT),
        len(decision.trace),
    )
    return (*decision.trace[:at], told, *decision.trace[at:])
