"""Orders: the wire form, what is refused, and the steps between their states."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from wardline.core import canonical, ids, orders
from wardline.core.errors import Conflict, Malformed
from wardline.core.evidence import signing
from wardline.core.evidence.signing import BadSignature, SigningKey
from wardline.core.orders import (
    ClearHold,
    Consent,
    Kind,
    Order,
    Person,
    RunRunbook,
    Status,
    UndoRun,
)

AT = datetime(2026, 11, 21, 9, 0, 0, 123000, tzinfo=UTC)
PERSON = Person(ids.user(), "Ada", ("manager",))
RUN = RunRunbook(
    incident_id=ids.incident(),
    check="ssh_config",
    runbook_id="ssh_config.harden",
    runbook_digest="a" * 64,
    inputs_digest="b" * 64,
    rule_id="runbook.ssh_config.harden",
    rule_revision=3,
    params_digest="c" * 64,
    consent=Consent(ids.new("appr"), (PERSON,), AT, AT + timedelta(hours=1)),
)
CLEAR = ClearHold("kernel_sysctl", "kernel_sysctl.apply", AT - timedelta(hours=1))
UNDO = UndoRun(ids.new("run"), ids.incident(), "kernel_sysctl", "kernel_sysctl.apply")


def order(body: orders.Body = RUN) -> Order:
    return Order(
        id=ids.new("order"),
        site_id=ids.site(),
        appliance_id=ids.appliance(),
        host_id=ids.host(),
        issued_at=AT,
        expires_at=AT + timedelta(hours=1),
        by=PERSON,
        reason="looked at the diff",
        body=body,
    )


@pytest.mark.parametrize("body", [RUN, replace(RUN, consent=None, rule_revision=None), CLEAR, UNDO])
def test_an_order_comes_back_as_it_was_sealed(body: orders.Body) -> None:
    key = SigningKey.generate()
    made = order(body)
    assert orders.opened(orders.seal(made, key), key.verify_key) == made
    assert made.kind is {id(CLEAR): Kind.CLEAR_HOLD, id(UNDO): Kind.UNDO_RUN}.get(
        id(body), Kind.RUN_RUNBOOK
    )


def test_another_key_and_another_payload_type_are_refused() -> None:
    key = SigningKey.generate()
    sealed = orders.seal(order(), key)
    with pytest.raises(BadSignature):
        orders.opened(sealed, SigningKey.generate().verify_key)
    other = signing.sign(key, "application/vnd.wardline.policy+json", sealed.payload)
    with pytest.raises(BadSignature):
        orders.opened(other, key.verify_key)


def _drop(key: str) -> Callable[[dict[str, Any]], object]:
    return lambda wire: wire.pop(key)


def _set(value: object, *path: str) -> Callable[[dict[str, Any]], object]:
    def change(wire: dict[str, Any]) -> None:
        for part in path[:-1]:
            wire = wire[part]
        wire[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("where", "change"),
    [
        ("nonsense", _set(1, "nonsense")),
        ("reason", _drop("reason")),
        ("schema", _set("order/2", "schema")),
        ("kind", _set("run_shell", "kind")),
        ("body.command", _set("rm -rf /", "body", "command")),
        ("body.runbook_id", _set("../../etc/passwd", "body", "runbook_id")),
        ("body.consent.approvers", _set([], "body", "consent", "approvers")),
        ("body.inputs_digest", _set("B" * 64, "body", "inputs_digest")),
        ("expires_at", _set("2026-11-21T09:00:00.123Z", "expires_at")),
        ("expires_at", _set("2026-11-23T09:00:00.123Z", "expires_at")),
        ("reason", _set("x" * 4001, "reason")),
        ("host_id", _set("host_1", "host_id")),
        ("by.roles[0]", _set([""], "by", "roles")),
    ],
)
def test_what_is_not_an_order_is_refused_with_its_place(
    where: str, change: Callable[[dict[str, Any]], object]
) -> None:
    wire = orders.to_wire(order())
    change(wire)
    with pytest.raises(Malformed) as refused:
        orders.parse(canonical.dumps(wire))
    assert refused.value.where == where


def test_the_states_lead_to_an_end_and_no_further() -> None:
    reachable = {Status.PENDING}
    while True:
        more = {then for now in reachable for then in Status if orders.can_move(now, then)}
        if more <= reachable:
            break
        reachable |= more
    assert reachable == set(Status)
    final = {now for now in Status if not any(orders.can_move(now, then) for then in Status)}
    assert final == orders.FINAL - {Status.LOST}
    assert {then for then in Status if orders.can_move(Status.LOST, then)} <= final


def test_a_second_completion_is_no_step() -> None:
    assert orders.moved("order_1", Status.RUNNING, Status.SUCCEEDED) is Status.SUCCEEDED
    for now in orders.FINAL - {Status.LOST}:
        for then in Status:
            with pytest.raises(Conflict, match="order_1"):
                orders.moved("order_1", now, then)
