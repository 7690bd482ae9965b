"""The answer: verdict, code, reason and trace, and the shape that it has on the wire."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Protocol

from wardline.core.canonical import Json
from wardline.core.policy import exact


class Type(StrEnum):
    """The two answers of the contract."""

    ALLOW = "allow"
    DENY = "deny"


class Verdict(StrEnum):
    """What follows from a decision."""

    RUN = "run"
    ASK = "ask"
    OFFER = "offer"
    BLOCK = "block"


class Code(StrEnum):
    """Why, in one word that programs may rely on; the first three belong to `allow`."""

    ALLOWED = "allowed"
    APPROVAL_NEEDED = "approval_needed"
    START_NEEDED = "start_needed"
    FREEZE = "freeze"
    OBSERVING = "observing"
    HOLD = "hold"
    NO_MATCH = "no_match"
    DENIED = "denied"
    UNKNOWN_ACTION = "unknown_action"
    NOT_ADMISSIBLE = "not_admissible"
    UNRESOLVED_INPUT = "unresolved_input"
    PRECONDITION = "precondition"
    OUTSIDE_WINDOW = "outside_window"
    LOCKED = "locked"
    COOLDOWN = "cooldown"
    LIMIT_EXCEEDED = "limit_exceeded"
    NOT_OFFERED = "not_offered"
    BREAKER = "breaker"
    BRAKE = "brake"
    ERROR = "error"


REASONS: Mapping[Code, str] = {
    Code.FREEZE: "Frozen",
    Code.OBSERVING: "Observing only",
    Code.HOLD: "On hold",
    Code.NO_MATCH: "No matching rule",
    Code.DENIED: "Denied by a rule",
    Code.UNKNOWN_ACTION: "Unknown action",
    Code.NOT_ADMISSIBLE: "Not admissible on this platform",
    Code.UNRESOLVED_INPUT: "Unresolved input",
    Code.PRECONDITION: "Not as the runbook needs it",
    Code.OUTSIDE_WINDOW: "Outside window",
    Code.LOCKED: "Already running",
    Code.COOLDOWN: "Cooling down",
    Code.LIMIT_EXCEEDED: "Limit exceeded",
    Code.NOT_OFFERED: "Not offered",
    Code.BREAKER: "Tried too often",
    Code.BRAKE: "Stopped after failures",
    Code.ERROR: "Evaluation error",
}


class Check(StrEnum):
    """The checks of a decision, in the order in which they are made and traced; preconditions,
    breaker and brake are an appliance's own, which knows its runbooks and what was tried."""

    FREEZE = "freeze"
    OBSERVING = "observing"
    HOLD = "hold"
    MATCH = "match"
    ACTION = "action"
    INPUTS = "inputs"
    WINDOW = "window"
    LOCK = "lock"
    COOLDOWN = "cooldown"
    LIMITS = "limits"
    APPROVAL = "approval"
    PRECONDITIONS = "preconditions"
    BREAKER = "breaker"
    BRAKE = "brake"
    VERDICT = "verdict"
    LOG_ONLY = "log_only"


class Outcome(StrEnum):
    """How a check came out; `fail` and `error` refuse, `skipped` had no rule to look at."""

    PASS = "pass"  # noqa: S105 (an outcome, no secret)
    FAIL = "fail"
    ASK = "ask"
    SKIPPED = "skipped"
    NOTE = "note"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One check, how it came out and why, in words for a person."""

    check: Check
    outcome: Outcome
    detail: str

    def to_wire(self) -> dict[str, Json]:
        return {"check": self.check.value, "outcome": self.outcome.value, "detail": self.detail}


@dataclass(frozen=True, slots=True)
class Would:
    """What an observing site would have done."""

    verdict: Verdict
    code: Code
    rule_id: str | None

    def to_wire(self) -> dict[str, Json]:
        return {"verdict": self.verdict.value, "code": self.code.value, "ruleId": self.rule_id}


class _Based:
    """What the fields that nobody has set yet are worked out from: the source that leads
    `_basis`, asked with what follows there."""

    __slots__ = ("_basis",)

    _basis: "Basis"


@dataclass(frozen=True, slots=True)
class Decision(_Based):
    """One decision; `params` are the resolved ones and stand only in an allow.

    `policy_age_s` is the age in seconds of the rules it was made from, None in the store itself.
    The trace, and whatever else is not the outcome, may be worked out when it is first read, from
    the request and state that the decision was made on: these must not change afterwards.
    """

    verdict: Verdict
    code: Code
    reason: str
    action: str | None
    rule_id: str | None
    params: Mapping[str, Json]
    approver_roles: tuple[str, ...] | None
    trace: tuple[TraceStep, ...]
    policy_revision: int
    policy_epoch: int
    policy_age_s: int | None
    decision_id: str
    would: Would | None = None

    @property
    def type(self) -> Type:
        return Type.DENY if self.verdict is Verdict.BLOCK else Type.ALLOW

    @property
    def execute(self) -> bool:
        return self.verdict is Verdict.RUN

    @property
    def needs_approval(self) -> bool:
        return self.verdict is Verdict.ASK

    def to_wire(self) -> dict[str, Json]:
        """The contract's keys and the added ones, in the canonical profile: `exact.plain` turns
        its decimals into JSON numbers for a public answer."""
        head = self._deny_wire() if self.type is Type.DENY else self._allow_wire()
        return {
            **head,
            "ruleId": self.rule_id,
            "action": self.action,
            "verdict": self.verdict.value,
            "code": self.code.value,
            "trace": [step.to_wire() for step in self.trace],
            "policyRevision": self.policy_revision,
            "policyEpoch": self.policy_epoch,
            "policyAgeSeconds": self.policy_age_s,
            "decisionId": self.decision_id,
        }

    def _allow_wire(self) -> dict[str, Json]:
        return {
            "type": self.type.value,
            "execute": self.execute,
            "needsApproval": self.needs_approval,
            "approverRoles": None if self.approver_roles is None else list(self.approver_roles),
            "resolvedParams": exact.tagged(self.params),
        }

    def _deny_wire(self) -> dict[str, Json]:
        wire: dict[str, Json] = {"type": self.type.value, "reason": self.reason}
        return wire if self.would is None else {**wire, "would": self.would.to_wire()}


class Source(Protocol):
    """Whoever knows the rest of a decision from the basis that it was made on."""

    def trace(self, decided: Decision, basis: Any, /) -> tuple[TraceStep, ...]:
        """The trace of the decision, whose outcome is known."""

    def whole(self, basis: Any, /) -> Decision:
        """The same decision with all of its fields."""


# A source, and what it needs to know again: the request, the state, and three things of its own.
Basis = tuple[Source, Any, Any, Any, Any, Any]

_OUTCOME = ("verdict", "code", "rule_id")
_FIELDS = tuple(field.name for field in fields(Decision))
# Classes of the same layout whose slots take plain assignments, at well under half of what the
# constructor of a frozen dataclass costs; what they make is frozen before anybody sees it.
_Unfrozen: Any = type("_Unfrozen", (_Based,), {"__slots__": Decision.__slots__})
_UnfrozenStep: Any = type("_UnfrozenStep", (), {"__slots__": TraceStep.__slots__})


def outcome(verdict: Verdict, code: Code, rule_id: str | None, basis: Basis) -> Decision:
    """A decision whose outcome is known; the source that leads `basis` works out the rest from
    what follows there, when it is read."""
    made = _Unfrozen()
    made.verdict = verdict
    made.code = code
    made.rule_id = rule_id
    made.trace = None
    made._basis = basis
    made.__class__ = Decision
    decided: Decision = made
    return decided


def basis_of(decision: Decision) -> "Basis | None":
    """What the rest of a decision whose outcome alone was made is worked out from; None where
    every field of it was given."""
    return getattr(decision, "_basis", None)


def step(check: Check, outcome: Outcome, detail: str) -> TraceStep:
    """A step of a trace, as its constructor makes it, faster."""
    made = _UnfrozenStep()
    made.check = check
    made.outcome = outcome
    made.detail = detail
    made.__class__ = TraceStep
    told: TraceStep = made
    return told


def _read_trace(decision: Any) -> tuple[TraceStep, ...]:
    trace = decision._trace
    if trace is None:
        basis = decision._basis
        trace = basis[0].trace(decision, basis)
        _set_trace(decision, trace)
    told: tuple[TraceStep, ...] = trace
    return told


def _read_later(slot: Any) -> property:
    """A field that, read before it is set, has all of them worked out."""

    def read(decision: Decision) -> object:
        try:
            return slot.__get__(decision)
        except AttributeError:
            _complete(decision)
            return slot.__get__(decision)

    return property(read, slot.__set__)


def _complete(decision: Decision) -> None:
    basis = decision._basis
    whole = basis[0].whole(basis)
    for name in _OUTCOME:
        assert getattr(decision, name) == getattr(whole, name), "index and checks must agree"
    for name in _FIELDS:
        object.__setattr__(decision, name, getattr(whole, name))


# Properties and no `__getattr__`: a class that has one reads every slot at five times the cost.
_trace_slot = Decision.__dict__["trace"]
_set_trace = _trace_slot.__set__
setattr(Decision, "_trace", _trace_slot)  # noqa: B010 (the dataclass has no such field)
setattr(Decision, "trace", property(_read_trace, _set_trace))  # noqa: B010
for _name in _FIELDS:
    if _name not in (*_OUTCOME, "trace"):
        setattr(Decision, _name, _read_later(Decision.__dict__[_name]))
