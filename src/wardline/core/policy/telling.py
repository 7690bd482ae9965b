"""Decisions as JSON, many at once: what `Decision.to_wire` gives, at a fraction of its cost.

Most decisions of an index know their outcome and the rule that it came of; everything else that
the contract tells of them is read off these, and only where it is not are all checks made again.
"""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import orjson

from wardline.core.canonical import Json
from wardline.core.policy import decision as deciding
from wardline.core.policy import exact, params
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.decision import REASONS, Code, Decision, TraceStep, Verdict
from wardline.core.policy.request import Request, State
from wardline.core.policy.slices import Plan

TRACES_KEPT_MAX = 8192
STEPS_KEPT_MAX = 16_384

_BLOCK, _ASK, _ERROR = Verdict.BLOCK, Verdict.ASK, Code.ERROR
_steps: dict[int, tuple[TraceStep, bytes]] = {}
# Traces are made of steps that they share, so that most have been written before. The steps are
# kept beside, so that no other ever has their identity.
_written: dict[tuple[int, ...], tuple[tuple[TraceStep, ...], orjson.Fragment]] = {}


def dumps(value: object) -> bytes:
    """The JSON of an answer that holds what `public` made."""
    return orjson.dumps(value, default=_number)


def public(decision: Decision, *, traced: bool = True) -> dict[str, Any]:
    """The public form of a decision, for `dumps`; most of its cost is the trace."""
    told = _quick(decision)
    if told is None:
        whole: dict[str, Any] = exact.plain(decision.to_wire())
        if not traced:
            del whole["trace"]
        return whole
    if traced:
        told["trace"] = _trace(decision.trace)
    return told


def resolved(decision: Decision) -> Mapping[str, Json]:
    """`decision.params`, quickly."""
    found = deciding.basis_of(decision)
    if found is None or decision.verdict is _BLOCK:
        return decision.params
    _, request, _, plan, _, _ = found
    return _params(plan, request)


def _quick(decision: Decision) -> dict[str, Any] | None:
    """All but the trace; None where only all checks say it."""
    verdict, code = decision.verdict, decision.code
    basis = deciding.basis_of(decision)
    if basis is None or code is _ERROR:
        return None
    index: Compiled
    request: Request
    state: State
    plan: Plan | None
    index, request, state, plan, _, _ = basis  # type: ignore[assignment]
    confirmed = state.confirmed_at
    age = 0 if confirmed is request.at else _age(request, state)
    rest = {
        "ruleId": decision.rule_id,
        "action": request.action,
        "verdict": verdict,
        "code": code,
        "policyRevision": index.revision,
        "policyEpoch": index.epoch,
        "policyAgeSeconds": age,
        "decisionId": request.decision_id,
    }
    if verdict is _BLOCK:
        return {"type": "deny", "reason": REASONS[code], **rest}
    return {
        "type": "allow",
        "execute": verdict is Verdict.RUN,
        "needsApproval": verdict is _ASK,
        "approverRoles": _roles(plan) if verdict is _ASK else None,
        "resolvedParams": _params(plan, request),
        **rest,
    }


def _params(plan: Plan | None, request: Request) -> Mapping[str, Json]:
    assert plan is not None, "what is allowed was allowed by a rule"
    if plan.constants is None:
        return params.resolve(plan.rule, request)
    return plan.constants[request.alert.severity]


def _roles(plan: Plan | None) -> list[str] | None:
    """Whose consent the rule wants; an index that had to ask another rule too knows no plan."""
    approval = None if plan is None else plan.rule.approval
    return None if approval is None or approval.roles is None else list(approval.roles)


def _age(request: Request, state: State) -> int | None:
    if state.confirmed_at is None:
        return None
    return max(0, (request.at - state.confirmed_at) // timedelta(seconds=1))


def _trace(trace: tuple[TraceStep, ...]) -> orjson.Fragment:
    key = tuple(map(id, trace))
    held = _written.get(key)
    if held is not None:
        return held[1]
    made = orjson.Fragment(b"[" + b",".join([_step(step) for step in trace]) + b"]")
    if len(_written) >= TRACES_KEPT_MAX:
        _written.clear()
    _written[key] = trace, made
    return made


def _step(step: TraceStep) -> bytes:
    held = _steps.get(id(step))
    if held is not None:
        return held[1]
    told = {"check": step.check, "outcome": step.outcome, "detail": step.detail}
    made = orjson.dumps(told)
    if len(_steps) >= STEPS_KEPT_MAX:
        _steps.clear()
    _steps[id(step)] = step, made
    return made


def _number(value: object) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"a {type(value).__name__} has no place in an answer")
