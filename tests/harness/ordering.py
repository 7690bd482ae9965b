"""What a person at the faked Central does: makes rules ask, approves what waits, clears holds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.harness.fake_central import FakeCentral
from wardline.core import ids, orders, protocol
from wardline.core.evidence import bundle
from wardline.core.evidence.signing import SigningKey
from wardline.core.orders import Body, ClearHold, Consent, Order, Person, RunRunbook

MINUTE = timedelta(minutes=1)
ADA = Person(ids.user(), "Ada", ("manager", "admin"))
APPROVAL = {"required": True, "roles": ["manager", "admin"]}


def change_rule(central: FakeCentral, rule_id: str, **changes: Any) -> None:
    """A new revision of the policy with this rule changed; None takes a key away."""
    for rule in central.rules:
        if rule["id"] == rule_id:
            rule.update(changes)
            for name in [name for name, value in changes.items() if value is None]:
                del rule[name]
    central.revision += 1


def run_order(
    central: FakeCentral, record: bundle.IncidentRecord, host_id: str, **changes: Any
) -> Order:
    """An order for the run that this record waits for, as somebody approved it; `changes` are of
    the order or of its body."""
    assert record.decision is not None
    assert record.runbook is not None
    pins, now = record.decision["pins"], datetime.now(UTC)
    run = RunRunbook(
        incident_id=record.incident_id,
        check=record.check,
        runbook_id=record.runbook.id,
        runbook_digest=record.runbook.digest,
        inputs_digest=pins["inputsDigest"],
        rule_id=record.decision["ruleId"],
        rule_revision=pins["ruleRevision"],
        params_digest=pins["paramsDigest"],
        consent=Consent(ids.new("appr"), (ADA,), now - MINUTE, now + 60 * MINUTE),
    )
    body = {name: changes.pop(name) for name in list(changes) if hasattr(run, name)}
    return order(central, replace(run, **body), host_id, **changes)


def with_body(made: Order, **changes: Any) -> Order:
    """The order of a run with another body."""
    assert isinstance(made.body, RunRunbook)
    return replace(made, body=replace(made.body, **changes))


def clear_order(central: FakeCentral, hold: dict[str, Any], **changes: Any) -> Order:
    """An order that ends a hold as it was reported."""
    set_at = datetime.fromisoformat(hold["suppressed_at"])
    body = ClearHold(hold["check"], hold["runbook_id"], set_at)
    return order(central, body, hold["host_id"], reason="found the rival", **changes)


def order(central: FakeCentral, body: Body, host_id: str, **changes: Any) -> Order:
    now = datetime.now(UTC)
    made = Order(
        id=ids.new("order"),
        site_id=central.site,
        appliance_id=central.appliance,
        host_id=host_id,
        issued_at=now - MINUTE,
        expires_at=now + 30 * MINUTE,
        by=ADA,
        reason="looked at the diff",
        body=body,
    )
    return replace(made, **changes)


def sealed(central: FakeCentral, made: Order, key: SigningKey | None = None) -> dict[str, Any]:
    return orders.seal(made, key or central.keys[protocol.KeyPurpose.ORDER]).to_wire()


def issue(central: FakeCentral, made: Order, key: SigningKey | None = None) -> str:
    """Sign it and have it wait to be leased."""
    central.orders.give(made.id, sealed(central, made, key))
    return made.id
