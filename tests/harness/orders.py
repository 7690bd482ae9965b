"""Orders for tests: incidents that ask and offer, and signed orders in bulk by the owner's hand."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from tests.harness.appliance import incident
from wardline.core import canonical, clock, ids, orders
from wardline.core.evidence.bundle import Action, IncidentRecord, IncidentState, RunbookRef
from wardline.core.evidence.signing import SigningKey
from wardline.core.orders import ClearHold, Order, Person, RunRunbook

RUNBOOK = RunbookRef("ssh_config.harden", "1", "cd" * 32, "medium")
INPUTS = {"options": {"permitrootlogin": "no"}}
PARAMS_DIGEST = canonical.digest({})
DIFF = "--- /etc/ssh/sshd_config\n+++ /etc/ssh/sshd_config\n-PermitRootLogin yes\n+no\n"
PERSON = Person("user_01m7yqa8rfrfh4jtzm13pve510", "Ada", ("admin",))

_ADD = (
    "INSERT INTO orders (id, site_id, partner_id, appliance_id, host_id, kind, incident_type,"
    " runbook_id, incident_id, hold_id, envelope, requested_by, reason, created_at, expires_at)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)"
)


def pins(**changes: Any) -> dict[str, Any]:
    """What the appliance pins a decision to."""
    plain = {
        "ruleRevision": 1,
        "paramsDigest": PARAMS_DIGEST,
        "inputsDigest": canonical.digest(INPUTS),
        "inputs": INPUTS,
    }
    return {**plain, **changes}


def decision(verdict: str = "ask", **changes: Any) -> dict[str, Any]:
    """A decision that waits for a person, as it stands in an incident."""
    plain = {
        "type": "allow",
        "execute": False,
        "needsApproval": verdict == "ask",
        "approverRoles": ["manager", "admin"] if verdict == "ask" else None,
        "resolvedParams": {},
        "ruleId": "runbook.ssh_config.harden",
        "action": RUNBOOK.id,
        "verdict": verdict,
        "code": "approval_needed" if verdict == "ask" else "start_needed",
        "trace": [],
        "policyRevision": 1,
        "policyEpoch": 1,
        "policyAgeSeconds": 3,
        "decisionId": ids.new("dec"),
        "pins": pins(),
    }
    return {**plain, **changes}


def waiting(verdict: str = "ask", **changes: Any) -> IncidentRecord:
    """An incident that waits for a consent, or for somebody to start it."""
    action = Action(
        "set", "set_config_line", "/etc/ssh/sshd_config", True, True, None, 1, diff=DIFF
    )
    plain = incident(
        state=IncidentState.WAITING, decision=decision(verdict), runbook=RUNBOOK, actions=(action,)
    )
    return replace(plain, **changes)


@dataclass(frozen=True, slots=True)
class Place:
    """Whose orders they are."""

    partner_id: str
    site_id: str
    appliance_id: str
    host_id: str


async def issue_in_bulk(
    owner: Any,
    place: Place,
    key: SigningKey,
    bodies: Sequence[RunRunbook | ClearHold],
    *,
    at: datetime | None = None,
    lifetime: timedelta = timedelta(hours=1),
    by: Person = PERSON,
) -> list[str]:
    """Signed pending orders, one per body, past every check that Central makes when it issues one;
    their identifiers in that order."""
    issued_at = clock.from_milliseconds(clock.milliseconds(at or clock.system()))
    made = [
        Order(
            id=ids.new("order"),
            site_id=place.site_id,
            appliance_id=place.appliance_id,
            host_id=place.host_id,
            issued_at=issued_at,
            expires_at=issued_at + lifetime,
            by=by,
            reason="in bulk",
            body=body,
        )
        for body in bodies
    ]
    await owner.executemany(_ADD, [_row(place, order, key) for order in made])
    return [order.id for order in made]


def run(incident_id: str | None = None, **changes: Any) -> RunRunbook:
    """A run that a person started, of an incident that need not be there."""
    plain = RunRunbook(
        incident_id=incident_id or ids.incident(),
        check="ssh_config",
        runbook_id=RUNBOOK.id,
        runbook_digest=RUNBOOK.digest,
        inputs_digest=canonical.digest(INPUTS),
        rule_id="runbook.ssh_config.harden",
        rule_revision=1,
        params_digest=PARAMS_DIGEST,
        consent=None,
    )
    return replace(plain, **changes)


def _row(place: Place, order: Order, key: SigningKey) -> tuple[object, ...]:
    body = order.body
    return (
        *(order.id, order.site_id, place.partner_id, order.appliance_id, order.host_id),
        *(order.kind.value, body.check, body.runbook_id),
        body.incident_id if isinstance(body, RunRunbook) else None,
        ids.new("hold") if isinstance(body, ClearHold) else None,
        orders.seal(order, key).to_json(),
        *(order.by.user_id, order.reason, order.issued_at, order.expires_at),
    )
