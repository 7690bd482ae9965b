"""An order: one signed, expiring, single-use instruction to one appliance, and its states.

The payload is canonical JSON, schema `order/1`, in a DSSE envelope by Central's order key. Nothing
in it is executable: a runbook is named by id and digest, its inputs by their digest alone, and the
appliance evaluates its own policy again before it does anything. Times hold to the millisecond.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from wardline.core import canonical, clock
from wardline.core.errors import Conflict, Malformed
from wardline.core.evidence import fields, signing
from wardline.core.evidence.signing import Envelope, SigningKey, VerifyKey

PAYLOAD_TYPE = "application/vnd.wardline.order+json;version=1"
SCHEMA = "order/1"
PAYLOAD_BYTES_MAX = 16 * 1024
LIFETIME_MAX = timedelta(hours=24)
# An appliance whose clock runs behind Central's by more than this refuses what looks unborn.
SKEW_MAX = timedelta(minutes=10)
PEOPLE_MAX = 16
ROLES_MAX = 16
WORD_BYTES_MAX = 128
NAME_BYTES_MAX = 255
# A thousand characters of any script.
REASON_BYTES_MAX = 4000


class Kind(StrEnum):
    """What an order asks for."""

    RUN_RUNBOOK = "run_runbook"
    CLEAR_HOLD = "clear_hold"
    UNDO_RUN = "undo_run"


class Status(StrEnum):
    """Where an order stands at Central.

    `lost`: it was handed out and nothing came back in time; a report that comes later still says
    what happened. `expired`: it was never handed out in time, or the appliance found it too old.
    """

    PENDING = "pending"
    LEASED = "leased"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    EXPIRED = "expired"
    LOST = "lost"
    CANCELLED = "cancelled"


_STEPS: Mapping[Status, frozenset[Status]] = MappingProxyType(
    {
        Status.PENDING: frozenset({Status.LEASED, Status.EXPIRED, Status.CANCELLED}),
        # A lease that ran out gives the order back, while it may still be carried out.
        Status.LEASED: frozenset(
            {
                Status.PENDING,
                Status.RUNNING,
                Status.SUCCEEDED,
                Status.FAILED,
                Status.EXPIRED,
                Status.LOST,
            }
        ),
        Status.RUNNING: frozenset({Status.SUCCEEDED, Status.FAILED, Status.LOST}),
        Status.LOST: frozenset({Status.SUCCEEDED, Status.FAILED, Status.EXPIRED}),
        Status.SUCCEEDED: frozenset(),
        Status.FAILED: frozenset(),
        Status.EXPIRED: frozenset(),
        Status.CANCELLED: frozenset(),
    }
)
FINAL = frozenset({Status.SUCCEEDED, Status.FAILED, Status.EXPIRED, Status.LOST, Status.CANCELLED})


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody whose word counts, with the roles of the policy contract that they held then."""

    user_id: str
    name: str
    roles: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Consent:
    """An approval as it was given, for exactly the run that the order names."""

    approval_id: str
    approvers: tuple[Person, ...]
    granted_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RunRunbook:
    """Run this runbook for this incident, if it is still the run that a person looked at.

    `params_digest` is `core.policy.params.digest` of the rule's resolved parameters,
    `inputs_digest` is `canonical.digest` of the runbook's inputs. Without `consent` a person
    starts what the policy offers.
    """

    incident_id: str
    check: str
    runbook_id: str
    runbook_digest: str
    inputs_digest: str
    rule_id: str
    rule_revision: int | None
    params_digest: str
    consent: Consent | None


@dataclass(frozen=True, slots=True)
class ClearHold:
    """End the flap suppression of this drift and runbook that was set at this time."""

    check: str
    runbook_id: str
    suppressed_at: datetime


@dataclass(frozen=True, slots=True)
class UndoRun:
    """Put back what this run changed, if nobody has been there since; then hold its runbook."""

    run_id: str
    incident_id: str
    check: str
    runbook_id: str


Body = RunRunbook | ClearHold | UndoRun


@dataclass(frozen=True, slots=True)
class Order:
    """`by` is who gave it; `reason` their words. Valid while issued_at ≤ now < expires_at."""

    id: str
    site_id: str
    appliance_id: str
    host_id: str
    issued_at: datetime
    expires_at: datetime
    by: Person
    reason: str
    body: Body

    @property
    def kind(self) -> Kind:
        return _KIND_OF[type(self.body)]

    def is_unborn(self, now: datetime) -> bool:
        """Whether it was issued later than a clock that shows `now` can account for."""
        return now < self.issued_at - SKEW_MAX


def moved(order_id: str, now: Status, then: Status) -> Status:
    """`then`, where that step exists; raises Conflict naming both."""
    if then not in _STEPS[now]:
        raise Conflict(f"order {order_id} is {now}: it cannot become {then}")
    return then


def can_move(now: Status, then: Status) -> bool:
    """Whether the state machine has this step."""
    return then in _STEPS[now]


def seal(order: Order, key: SigningKey) -> Envelope:
    """The signed envelope; raises Malformed for an order that no appliance would accept."""
    payload = canonical.dumps(to_wire(order))
    parse(payload)
    return signing.sign(key, PAYLOAD_TYPE, payload)


def opened(envelope: Envelope, key: VerifyKey) -> Order:
    """The order in an envelope whose signature holds; raises BadSignature or Malformed."""
    return parse(signing.open_envelope(envelope, key, PAYLOAD_TYPE))


def parse(payload: bytes) -> Order:
    """The order of canonical bytes; raises Malformed naming the first field that is wrong."""
    obj = fields.exactly(canonical.loads(payload, bytes_max=PAYLOAD_BYTES_MAX), _ORDER_KEYS)
    fields.one_of(obj, "schema", (SCHEMA,))
    kind = fields.choice(obj, "kind", _KINDS)
    order = Order(
        id=fields.entity(obj, "id", "order"),
        site_id=fields.entity(obj, "site_id", "site"),
        appliance_id=fields.entity(obj, "appliance_id", "appl"),
        host_id=fields.entity(obj, "host_id", "host"),
        issued_at=fields.instant(obj, "issued_at"),
        expires_at=fields.instant(obj, "expires_at"),
        by=fields.part(obj, "by", _person),
        reason=fields.text(obj, "reason", REASON_BYTES_MAX),
        body=fields.part(obj, "body", _BODIES[kind]),
    )
    if not order.issued_at < order.expires_at <= order.issued_at + LIFETIME_MAX:
        raise Malformed("expires_at", f"not within {LIFETIME_MAX} after issued_at")
    return order


def to_wire(order: Order) -> dict[str, Any]:
    """The payload before it is made canonical."""
    return {
        "schema": SCHEMA,
        "kind": order.kind.value,
        "id": order.id,
        "site_id": order.site_id,
        "appliance_id": order.appliance_id,
        "host_id": order.host_id,
        "issued_at": clock.wire(order.issued_at),
        "expires_at": clock.wire(order.expires_at),
        "by": _person_wire(order.by),
        "reason": order.reason,
        "body": _body_wire(order.body),
    }


def _body_wire(body: Body) -> dict[str, Any]:
    match body:
        case RunRunbook():
            return _run_wire(body)
        case ClearHold():
            return _clear_wire(body)
        case UndoRun():
            return {key: getattr(body, key) for key in UndoRun.__slots__}


def _run_wire(body: RunRunbook) -> dict[str, Any]:
    consent = body.consent
    return {
        "incident_id": body.incident_id,
        "check": body.check,
        "runbook_id": body.runbook_id,
        "runbook_digest": body.runbook_digest,
        "inputs_digest": body.inputs_digest,
        "rule_id": body.rule_id,
        "rule_revision": body.rule_revision,
        "params_digest": body.params_digest,
        "consent": None
        if consent is None
        else {
            "approval_id": consent.approval_id,
            "approvers": [_person_wire(one) for one in consent.approvers],
            "granted_at": clock.wire(consent.granted_at),
            "expires_at": clock.wire(consent.expires_at),
        },
    }


def _clear_wire(body: ClearHold) -> dict[str, Any]:
    return {
        "check": body.check,
        "runbook_id": body.runbook_id,
        "suppressed_at": clock.wire(body.suppressed_at),
    }


def _person_wire(person: Person) -> dict[str, Any]:
    return {"user_id": person.user_id, "name": person.name, "roles": list(person.roles)}


def _person(value: object) -> Person:
    obj = fields.exactly(value, _PERSON_KEYS)
    return Person(
        user_id=fields.entity(obj, "user_id", "user"),
        name=fields.text(obj, "name", NAME_BYTES_MAX),
        roles=fields.parts(obj, "roles", ROLES_MAX, _role),
    )


def _role(value: object) -> str:
    if type(value) is not str or not 0 < len(value.encode()) <= WORD_BYTES_MAX:
        raise Malformed("", f"not a text of 1 to {WORD_BYTES_MAX} bytes")
    return value


def _run(value: object) -> RunRunbook:
    obj = fields.exactly(value, _RUN_KEYS)
    return RunRunbook(
        incident_id=fields.entity(obj, "incident_id", "inc"),
        check=fields.name(obj, "check"),
        runbook_id=fields.name(obj, "runbook_id"),
        runbook_digest=fields.hex64(obj, "runbook_digest"),
        inputs_digest=fields.hex64(obj, "inputs_digest"),
        rule_id=fields.text(obj, "rule_id", WORD_BYTES_MAX, 1),
        rule_revision=fields.optional(obj, "rule_revision", fields.integer, 0),
        params_digest=fields.hex64(obj, "params_digest"),
        consent=fields.part(obj, "consent", _consent),
    )


def _consent(value: object) -> Consent | None:
    if value is None:
        return None
    obj = fields.exactly(value, _CONSENT_KEYS)
    consent = Consent(
        approval_id=fields.entity(obj, "approval_id", "appr"),
        approvers=fields.parts(obj, "approvers", PEOPLE_MAX, _person),
        granted_at=fields.instant(obj, "granted_at"),
        expires_at=fields.instant(obj, "expires_at"),
    )
    if not consent.approvers:
        raise Malformed("approvers", "nobody gave this consent")
    return consent


def _clear(value: object) -> ClearHold:
    obj = fields.exactly(value, _CLEAR_KEYS)
    return ClearHold(
        check=fields.name(obj, "check"),
        runbook_id=fields.name(obj, "runbook_id"),
        suppressed_at=fields.instant(obj, "suppressed_at"),
    )


def _undo(value: object) -> UndoRun:
    obj = fields.exactly(value, _UNDO_KEYS)
    return UndoRun(
        run_id=fields.entity(obj, "run_id", "run"),
        incident_id=fields.entity(obj, "incident_id", "inc"),
        check=fields.name(obj, "check"),
        runbook_id=fields.name(obj, "runbook_id"),
    )


_KINDS = {kind.value: kind for kind in Kind}
_KIND_OF: Mapping[type[Body], Kind] = {
    RunRunbook: Kind.RUN_RUNBOOK,
    ClearHold: Kind.CLEAR_HOLD,
    UndoRun: Kind.UNDO_RUN,
}
_BODIES: Mapping[Kind, Callable[[object], Body]] = {
    Kind.RUN_RUNBOOK: _run,
    Kind.CLEAR_HOLD: _clear,
    Kind.UNDO_RUN: _undo,
}
_ORDER_KEYS = frozenset(
    {
        *("schema", "kind", "id", "site_id", "appliance_id", "host_id"),
        *("issued_at", "expires_at", "by", "reason", "body"),
    }
)
_PERSON_KEYS = frozenset({"user_id", "name", "roles"})
_RUN_KEYS = frozenset(
    {
        *("incident_id", "check", "runbook_id", "runbook_digest", "inputs_digest"),
        *("rule_id", "rule_revision", "params_digest", "consent"),
    }
)
_CONSENT_KEYS = frozenset({"approval_id", "approvers", "granted_at", "expires_at"})
_CLEAR_KEYS = frozenset({"check", "runbook_id", "suppressed_at"})
_UNDO_KEYS = frozenset(UndoRun.__slots__)
