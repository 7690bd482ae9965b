"""The answer: verdict, code, reason and trace, and the shape that it has on the wire."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol

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
    OUTSIDE_WINDOW = "outside_window"
    LOCKED = "locked"
    COOLDOWN = "cooldown"
    LIMIT_EXCEEDED = "limit_exceeded"
    NOT_OFFERED = "not_offered"
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
    Code.OUTSIDE_WINDOW: "Outside window",
    Code.LOCKED: "Already running",
    Code.COOLDOWN: "Cooling down",
    Code.LIMIT_EXCEEDED: "Limit exceeded",
    Code.NOT_OFFERED: "Not offered",
    Code.ERROR: "Evaluation error",
}


class Check(StrEnum):
    """The checks of a decision, in the order in which they are made and traced."""

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


class _ReadLater:
    """Fields that nobody has set yet are worked out when one of them is read: by the source that
    leads `_basis`, from what follows there."""

    __slots__ = ("_basis",)

    _basis: "tuple[Source, Any, Any, Any, Any]"

    if not TYPE_CHECKING:  # whoever type-checks sees the fields alone

        def __getattr__(self, name: str) -> object:
            if name == "trace":
                basis = self._basis
                trace = basis[0].trace(self, basis)
                _set_trace(self, trace)
                return trace
            if name not in _FIELDS:
                raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")
            basis = self._basis
            whole = basis[0].whole(basis)
            assert _same_outcome(self, whole), "the index and the checks must agree"
            for field in _FIELDS:
                object.__setattr__(self, field, getattr(whole, field))
            return object.__getattribute__(self, name)


@dataclass(frozen=True, slots=True)
class Decision(_ReadLater):
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


def _same_outcome(one: Decision, other: Decision) -> bool:
    mine = (one.verdict, one.code, one.rule_id)
    return mine == (other.verdict, other.code, other.rule_id)


class Source(Protocol):
    """Whoever knows the rest of a decision from the basis that it was made on."""

    def trace(self, decided: Decision, basis: Any, /) -> tuple[TraceStep, ...]:
        """The trace of the decision, whose outcome is known."""

    def whole(self, basis: Any, /) -> Decision:
        """The same decision with all of its fields."""


_FIELDS = frozenset(field.name for field in fields(Decision))
_new = object.__new__
_set_verdict = Decision.__dict__["verdict"].__set__
_set_code = Decision.__dict__["code"].__set__
_set_rule_id = Decision.__dict__["rule_id"].__set__
_set_trace = Decision.__dict__["trace"].__set__
_set_basis = _ReadLater.__dict__["_basis"].__set__


def outcome(
    verdict: Verdict,
    code: Code,
    rule_id: str | None,
    basis: tuple[Source, Any, Any, Any, Any],
) -> Decision:
    """A decision whose outcome is known; the source that leads `basis` works out the rest from
    what follows there, when it is read."""
    made = _new(Decision)
    _set_verdict(made, verdict)
    _set_code(made, code)
    _set_rule_id(made, rule_id)
    _set_basis(made, basis)
    return made
