"""The evidence bundle: what an appliance measured and did, as one signed link of its stream.

A stream is (appliance, epoch): `seq` counts its bundles from 1, `prev` is the `chain_hash` of the
one before (64 zeros at seq 1). Schemas `evidence.bundle/1` and `/2`, which alone tells of a watched
heal, are listed in docs/evidence-format.md. Times hold to the millisecond. What the `note` of a
`gap` or an `epoch` bundle holds stands in notes.py, what an incident may claim in claims.py.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any

from wardline.core import canonical, clock, controls, frozen
from wardline.core.errors import Malformed
from wardline.core.evidence import claims, fields, notes, origin, signing, watch
from wardline.core.evidence.origin import Agent, Clock
from wardline.core.evidence.watch import Watch
from wardline.core.severity import Severity

PAYLOAD_TYPE = "application/vnd.wardline.evidence.bundle+json;version=1"
SCHEMAS = ("evidence.bundle/1", "evidence.bundle/2")
NO_PREV = "0" * 64

PAYLOAD_BYTES_MAX = 256 * 1024
RESULTS_MAX = 512
INCIDENTS_MAX = 64
ACTIONS_MAX = 64
CONTROLS_MAX = 256
CONTROLS_CACHED_MAX = 4096
TITLE_BYTES_MAX = 512
SUMMARY_BYTES_MAX = 2048
TARGET_BYTES_MAX = 4096
ERROR_BYTES_MAX = 4096
OUTPUT_BYTES_MAX = 4096
DIFF_BYTES_MAX = 16 * 1024
DURATION_MS_MAX = 24 * 3600 * 1000


class Kind(StrEnum):
    CYCLE = "cycle"
    HEARTBEAT = "heartbeat"
    INCIDENT = "incident"
    GAP = "gap"
    EPOCH = "epoch"


class Outcome(StrEnum):
    """What a check found; `unknown` could not be measured and never counts as pass."""

    PASS = "pass"  # noqa: S105 - an outcome, not a password
    FAIL = "fail"
    UNKNOWN = "unknown"
    NOT_APPLICABLE = "not_applicable"


class IncidentState(StrEnum):
    """`healed`: repaired, measured again, and watched since; `stable`: that lasted. `resolved`: the
    check passes again without a repair of ours, so nobody is credited."""

    OPEN = "open"
    RESOLVED = "resolved"
    HEALED = "healed"
    STABLE = "stable"
    FAILED = "failed"
    ESCALATED = "escalated"
    OBSERVING = "observing"
    WAITING = "waiting"


class ResolutionLevel(StrEnum):
    L1 = "L1"
    L2 = "L2"
    L3 = "L3"


class IncidentOutcome(StrEnum):
    SUCCESS = "success"
    FAILED = "failed"
    ESCALATED = "escalated"


@dataclass(frozen=True, slots=True)
class Result:
    """One measurement. `facts_digest` is `canonical.digest(facts)` of the facts as measured (a
    heartbeat may leave `facts` empty)."""

    check: str
    outcome: Outcome
    severity: Severity
    summary: str
    facts: Mapping[str, Any]
    facts_digest: str
    measured_at: datetime
    duration_ms: int
    controls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """One step of a runbook as it ran, or as it would have run. `output` and `diff` are scrubbed
    tails within OUTPUT_BYTES_MAX and DIFF_BYTES_MAX of UTF-8."""

    step: str
    type: str
    target: str
    dry_run: bool
    changed: bool
    exit_code: int | None
    duration_ms: int
    output: str = ""
    diff: str = ""
    error: str | None = None
    undone: bool = False


@dataclass(frozen=True, slots=True)
class RunbookRef:
    """The runbook that ran or would have run, bound by its digest."""

    id: str
    version: str
    digest: str
    risk: str


@dataclass(frozen=True, slots=True)
class IncidentRecord:
    """An incident as it stood when the bundle was made; `decision` is `Decision.to_wire()`, `watch`
    that of its last heal."""

    incident_id: str
    check: str
    severity: Severity
    pattern_signature: str
    opened_at: datetime
    state: IncidentState
    resolution_level: ResolutionLevel | None
    outcome: IncidentOutcome | None
    before: Result
    after: Result | None
    decision: Mapping[str, Any] | None
    runbook: RunbookRef | None
    actions: tuple[Action, ...]
    closed_at: datetime | None
    watch: Watch | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    kind: Kind
    site_id: str
    appliance_id: str
    host_id: str | None
    epoch: int
    seq: int
    prev: str
    captured_at: datetime
    clock: Clock
    agent: Agent
    results: tuple[Result, ...] = ()
    incidents: tuple[IncidentRecord, ...] = ()
    controls: tuple[str, ...] = ()
    note: Mapping[str, Any] | None = None


# Every bundle has these, and Central reads hundreds a second.
_make_result = frozen.maker(Result)
_make_bundle = frozen.maker(Bundle)


def seal(bundle: Bundle, key: signing.SigningKey) -> signing.Envelope:
    """The signed envelope; raises Malformed for a bundle that no reader would accept."""
    payload = payload_bytes(bundle)
    parse(payload)
    return signing.sign(key, PAYLOAD_TYPE, payload)


def payload_bytes(bundle: Bundle) -> bytes:
    """The canonical payload."""
    return canonical.dumps(to_wire(bundle))


def chain_hash(payload_type: str, payload: bytes) -> str:
    """Hex SHA-256 of the signed encoding: `prev` of the next bundle in the stream."""
    return hashlib.sha256(signing.pae(payload_type, payload)).hexdigest()


def parse(payload: bytes) -> Bundle:
    """The bundle of canonical bytes; raises Malformed naming the first field that is wrong."""
    return from_wire(canonical.loads(payload, bytes_max=PAYLOAD_BYTES_MAX))


def from_wire(value: object) -> Bundle:
    """The bundle of a decoded payload."""
    obj = fields.exactly(value, _BUNDLE_KEYS)
    first = fields.one_of(obj, "schema", SCHEMAS) == SCHEMAS[0]
    bundle = _make_bundle(
        kind=fields.choice(obj, "kind", _KINDS),
        site_id=fields.entity(obj, "site_id", "site"),
        appliance_id=fields.entity(obj, "appliance_id", "appl"),
        host_id=fields.optional(obj, "host_id", fields.entity, "host"),
        epoch=fields.integer(obj, "epoch", 1),
        seq=fields.integer(obj, "seq", 1),
        prev=fields.hex64(obj, "prev"),
        captured_at=fields.instant(obj, "captured_at"),
        clock=fields.part(obj, "clock", origin.clock_from_wire),
        agent=fields.part(obj, "agent", origin.agent_from_wire),
        results=fields.parts(obj, "results", RESULTS_MAX, result_from_wire),
        incidents=fields.parts(
            obj, "incidents", INCIDENTS_MAX, unwatched_from_wire if first else incident_from_wire
        ),
        controls=fields.parts(obj, "controls", CONTROLS_MAX, _control),
        note=fields.optional(obj, "note", fields.mapping),
    )
    if (bundle.host_id is None) != (bundle.kind in _WITHOUT_HOST):
        raise Malformed("host_id", f"null for gap and epoch alone; the kind is {bundle.kind}")
    # A gap record may stand for everything since the beginning; it continues what came before.
    begins = bundle.seq == 1 or (bundle.kind is Kind.GAP and bundle.prev == NO_PREV)
    if (bundle.prev == NO_PREV) != begins:
        raise Malformed("prev", f"64 zeros at seq 1 alone; this is seq {bundle.seq}")
    if bundle.host_id is None or (bundle.seq == 1 and bundle.epoch > 1):
        notes.check(bundle.kind, bundle.epoch, bundle.seq, bundle.note)
    return bundle


def result_from_wire(value: object) -> Result:
    """The result of a decoded object; raises Malformed."""
    obj = fields.exactly(value, _RESULT_KEYS)
    return _make_result(
        check=fields.name(obj, "check"),
        outcome=fields.choice(obj, "outcome", _OUTCOMES),
        severity=fields.choice(obj, "severity", _SEVERITIES),
        summary=fields.text(obj, "summary", SUMMARY_BYTES_MAX),
        facts=fields.mapping(obj, "facts"),
        facts_digest=_facts_digest(obj),
        measured_at=fields.instant(obj, "measured_at"),
        duration_ms=fields.integer(obj, "duration_ms", 0, DURATION_MS_MAX),
        controls=fields.parts(obj, "controls", CONTROLS_MAX, _control),
    )


def incident_from_wire(value: object) -> IncidentRecord:
    """The incident record of a decoded object of schema 2; raises Malformed."""
    obj = fields.exactly(value, _INCIDENT_KEYS)
    return _incident(obj, fields.optional(obj, "watch", fields.part, watch.from_wire))


def unwatched_from_wire(value: object) -> IncidentRecord:
    """As `incident_from_wire`, of schema 1, which knows no watch."""
    return _incident(fields.exactly(value, _INCIDENT_KEYS - {"watch"}), None)


def _incident(obj: fields.Object, watched: Watch | None) -> IncidentRecord:
    record = IncidentRecord(
        incident_id=fields.entity(obj, "incident_id", "inc"),
        check=fields.name(obj, "check"),
        severity=fields.choice(obj, "severity", _SEVERITIES),
        pattern_signature=fields.text(obj, "pattern_signature", origin.WORD_BYTES_MAX, 1),
        opened_at=fields.instant(obj, "opened_at"),
        state=fields.choice(obj, "state", _STATES),
        resolution_level=fields.optional(obj, "resolution_level", fields.choice, _LEVELS),
        outcome=fields.optional(obj, "outcome", fields.choice, _INCIDENT_OUTCOMES),
        before=fields.part(obj, "before", result_from_wire),
        after=fields.optional(obj, "after", fields.part, result_from_wire),
        decision=fields.optional(obj, "decision", fields.mapping),
        runbook=fields.optional(obj, "runbook", fields.part, runbook_from_wire),
        actions=fields.parts(obj, "actions", ACTIONS_MAX, action_from_wire),
        closed_at=fields.optional(obj, "closed_at", fields.instant),
        watch=watched,
    )
    claims.check(record)
    return record


def action_from_wire(value: object) -> Action:
    """The action of a decoded object; raises Malformed."""
    obj = fields.exactly(value, _ACTION_KEYS)
    return Action(
        step=fields.text(obj, "step", TITLE_BYTES_MAX, 1),
        type=fields.text(obj, "type", origin.WORD_BYTES_MAX, 1),
        target=fields.text(obj, "target", TARGET_BYTES_MAX),
        dry_run=fields.boolean(obj, "dry_run"),
        changed=fields.boolean(obj, "changed"),
        exit_code=fields.optional(obj, "exit_code", fields.integer, -(2**31), 2**32 - 1),
        duration_ms=fields.integer(obj, "duration_ms", 0, DURATION_MS_MAX),
        output=fields.text(obj, "output", OUTPUT_BYTES_MAX),
        diff=fields.text(obj, "diff", DIFF_BYTES_MAX),
        error=fields.optional(obj, "error", fields.text, ERROR_BYTES_MAX),
        undone=fields.boolean(obj, "undone"),
    )


def to_wire(bundle: Bundle) -> dict[str, Any]:
    """The payload as a JSON value, in the first schema that holds it."""
    first = all(one.watch is None for one in bundle.incidents)
    told = unwatched_to_wire if first else incident_to_wire
    return {
        **{key: getattr(bundle, key) for key in _BUNDLE_KEYS if key != "schema"},
        "schema": SCHEMAS[not first],
        "captured_at": clock.wire(bundle.captured_at),
        "clock": origin.clock_to_wire(bundle.clock),
        "agent": {"version": bundle.agent.version},
        "results": [result_to_wire(item) for item in bundle.results],
        "incidents": [told(item) for item in bundle.incidents],
    }


def result_to_wire(result: Result) -> dict[str, Any]:
    return {
        **{key: getattr(result, key) for key in _RESULT_KEYS},
        "measured_at": clock.wire(result.measured_at),
    }


def incident_to_wire(record: IncidentRecord) -> dict[str, Any]:
    """In schema 2."""
    watched = None if record.watch is None else watch.to_wire(record.watch)
    return {**unwatched_to_wire(record), "watch": watched}


def unwatched_to_wire(record: IncidentRecord) -> dict[str, Any]:
    """In schema 1, which leaves a watch out."""
    after, runbook, closed_at = record.after, record.runbook, record.closed_at
    return {
        **{key: getattr(record, key) for key in _INCIDENT_KEYS - {"watch"}},
        "opened_at": clock.wire(record.opened_at),
        "before": result_to_wire(record.before),
        "after": None if after is None else result_to_wire(after),
        "runbook": None if runbook is None else runbook_to_wire(runbook),
        "actions": [action_to_wire(item) for item in record.actions],
        "closed_at": None if closed_at is None else clock.wire(closed_at),
    }


def runbook_to_wire(runbook: RunbookRef) -> dict[str, Any]:
    return {key: getattr(runbook, key) for key in _RUNBOOK_KEYS}


def action_to_wire(action: Action) -> dict[str, Any]:
    return {key: getattr(action, key) for key in _ACTION_KEYS}


def runbook_from_wire(value: object) -> RunbookRef:
    """Raises Malformed naming the first field that is wrong."""
    obj = fields.exactly(value, _RUNBOOK_KEYS)
    return RunbookRef(
        id=fields.name(obj, "id"),
        version=fields.text(obj, "version", origin.WORD_BYTES_MAX, 1),
        digest=fields.hex64(obj, "digest"),
        risk=fields.one_of(obj, "risk", _RISKS),
    )


def _facts_digest(obj: fields.Object) -> str:
    """A heartbeat may leave the facts out and give their digest alone."""
    given, facts = fields.hex64(obj, "facts_digest"), obj["facts"]
    if facts and canonical.digest_of_loaded(facts) != given:
        raise Malformed("facts_digest", "not the digest of the facts beside it")
    return given


def _control(value: object) -> str:
    if type(value) is not str:
        raise Malformed("", "not a text")
    return _known_control(value)


@lru_cache(CONTROLS_CACHED_MAX)
def _known_control(value: str) -> str:
    controls.parse(value, "")
    return value


_KINDS = {item.value: item for item in Kind}
_OUTCOMES = {item.value: item for item in Outcome}
_STATES = {item.value: item for item in IncidentState}
_LEVELS = {item.value: item for item in ResolutionLevel}
_INCIDENT_OUTCOMES = {item.value: item for item in IncidentOutcome}
_SEVERITIES = {
    item.value: item for item in (Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)
}
_RISKS = ("low", "medium", "high")
_WITHOUT_HOST = (Kind.GAP, Kind.EPOCH)
_RUNBOOK_KEYS = frozenset(RunbookRef.__slots__)
_RESULT_KEYS = frozenset(Result.__slots__)
_ACTION_KEYS = frozenset(Action.__slots__)
_INCIDENT_KEYS = frozenset(IncidentRecord.__slots__)
_BUNDLE_KEYS = frozenset(Bundle.__slots__) | {"schema"}
