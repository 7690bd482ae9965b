"""The run that an appliance's decision names, read strictly: what orders and consents are bound to.

A decision is the appliance's word, and nothing of its inside was checked when its bundle was taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wardline.core import canonical
from wardline.core.errors import Malformed
from wardline.core.evidence import fields
from wardline.core.orders import ROLES_MAX, WORD_BYTES_MAX, Consent, RunRunbook
from wardline.core.policy.decision import Verdict

INPUTS_BYTES_MAX = 32 * 1024

_PIN_KEYS = frozenset({"ruleRevision", "paramsDigest", "inputsDigest", "inputs"})
_DECISION_KEYS = ("verdict", "action", "ruleId", "approverRoles", "pins")


@dataclass(frozen=True, slots=True)
class Standing:
    """An incident as it stands, of an appliance; the mappings are parts of its newest record."""

    site_id: str
    incident_id: str
    appliance_id: str
    host_id: str
    check: str
    severity: str
    state: str
    decision: Mapping[str, Any] | None
    runbook: Mapping[str, Any] | None
    measured: Mapping[str, Any]
    actions: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Run:
    """Exactly one run: nothing of it may differ when it happens."""

    runbook_id: str
    runbook_digest: str
    inputs_digest: str
    rule_id: str
    rule_revision: int | None
    params_digest: str

    def order(self, incident_id: str, check: str, consent: Consent | None) -> RunRunbook:
        """What an order for this run says."""
        return RunRunbook(
            incident_id=incident_id,
            check=check,
            runbook_id=self.runbook_id,
            runbook_digest=self.runbook_digest,
            inputs_digest=self.inputs_digest,
            rule_id=self.rule_id,
            rule_revision=self.rule_revision,
            params_digest=self.params_digest,
            consent=consent,
        )


@dataclass(frozen=True, slots=True)
class Wanted:
    """A run that waits for a person; `roles` are those that may consent, None for anybody who may
    at all. `inputs` are for the eyes of that person: scrubbed, or left out where they are long."""

    of: Standing
    run: Run
    runbook_version: str
    risk: str
    inputs: Mapping[str, Any]
    roles: tuple[str, ...] | None


def verdict(standing: Standing) -> str | None:
    """What the decision says, where it says it in a word."""
    said = (standing.decision or {}).get("verdict")
    return said if isinstance(said, str) else None


def read(standing: Standing, expected: Verdict) -> Wanted:
    """The run of a decision with this verdict; raises Malformed at the first field that is wrong,
    in words that repeat nothing of it."""
    if standing.runbook is None:
        raise Malformed("runbook", "missing beside a decision that waits for a person")
    decision = standing.decision
    if decision is None:
        raise Malformed("decision", "missing")
    obj: fields.Object = {key: decision.get(key) for key in _DECISION_KEYS}
    fields.one_of(obj, "verdict", (expected.value,))
    if obj["action"] != standing.runbook["id"]:
        raise Malformed("decision.action", "not the runbook that the incident names")
    pins = fields.part(obj, "pins", _pins)
    return Wanted(
        of=standing,
        run=Run(
            runbook_id=standing.runbook["id"],
            runbook_digest=standing.runbook["digest"],
            inputs_digest=fields.hex64(pins, "inputsDigest"),
            rule_id=fields.text(obj, "ruleId", WORD_BYTES_MAX, 1),
            rule_revision=fields.optional(pins, "ruleRevision", fields.integer, 0),
            params_digest=fields.hex64(pins, "paramsDigest"),
        ),
        runbook_version=standing.runbook["version"],
        risk=standing.runbook["risk"],
        inputs=pins["inputs"],
        roles=_roles(obj),
    )


def _pins(value: object) -> fields.Object:
    obj = fields.exactly(value, _PIN_KEYS)
    inputs = canonical.dumps(fields.mapping(obj, "inputs"))
    if len(inputs) > INPUTS_BYTES_MAX:
        raise Malformed("inputs", f"{len(inputs)} bytes, at most {INPUTS_BYTES_MAX} are accepted")
    return obj


def _roles(obj: fields.Object) -> tuple[str, ...] | None:
    if obj["approverRoles"] is None:
        return None
    return fields.parts(obj, "approverRoles", ROLES_MAX, _role)


def _role(value: object) -> str:
    return fields.text({"role": value}, "role", WORD_BYTES_MAX, 1)
