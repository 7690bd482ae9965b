"""Which orders the appliance takes: hostile, late, repeated and forgotten ones change nothing."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.harness import ordering
from tests.integration.agent.bench import BAD_MODE, Bench
from tests.integration.agent.waiting import CHECK, carried_out, given, waiting
from wardline.agent import courier
from wardline.agent.store import facts, orders
from wardline.core import ids
from wardline.core.evidence.signing import SigningKey
from wardline.core.orders import Order


def _other(**changes: Any) -> Callable[[Bench, Order], dict[str, Any]]:
    return lambda bench, order: ordering.sealed(bench.central, replace(order, **changes))


def _wrong_key(bench: Bench, order: Order) -> dict[str, Any]:
    return ordering.sealed(bench.central, order, SigningKey.generate())


def _tampered(bench: Bench, order: Order) -> dict[str, Any]:
    """Another order's payload under this one's signature."""
    wire = ordering.sealed(bench.central, order)
    other = ordering.sealed(bench.central, replace(order, reason="another"))
    return {**wire, "payload": other["payload"]}


def _old(bench: Bench, order: Order) -> dict[str, Any]:
    then = bench.clock() - timedelta(hours=5)
    old = replace(order, issued_at=then, expires_at=then + timedelta(hours=1))
    return ordering.sealed(bench.central, old)


def _unborn(bench: Bench, order: Order) -> dict[str, Any]:
    then = bench.clock() + timedelta(minutes=11)
    return ordering.sealed(
        bench.central, replace(order, issued_at=then, expires_at=then + timedelta(hours=1))
    )


@pytest.mark.parametrize(
    ("hostile", "told"),
    [
        (_wrong_key, ("failed", "bad_signature")),
        (_tampered, ("failed", "bad_signature")),
        (_other(appliance_id=ids.appliance()), ("failed", "other_appliance")),
        (_other(site_id=ids.site()), ("failed", "other_site")),
        (_other(host_id=ids.host()), ("failed", "unknown_host")),
        (_old, ("expired", "expired")),
        (_unborn, ("failed", "not_yet_issued")),
    ],
)
def test_what_does_not_verify_changes_nothing_sounds_and_is_told(
    bench: Bench, hostile: Callable[[Bench, Order], dict[str, Any]], told: tuple[str, str]
) -> None:
    order = waiting(bench)
    bench.central.orders.give(order.id, hostile(bench, order))
    carried_out(bench)
    assert bench.central.orders.last(order.id) == told
    assert ("order_refused" in bench.alarms()) == (told[0] == "failed")
    assert bench.mode == BAD_MODE


@pytest.mark.parametrize(
    "change",
    [{"payload": "bm8gb3JkZXI="}, {"payload": "%%%"}, {"payloadType": "application/x"}],
)
def test_garbage_sounds_and_stops_nothing(bench: Bench, change: dict[str, Any]) -> None:
    order = waiting(bench)
    wire = {**ordering.sealed(bench.central, order), **change}
    bench.central.orders.throw(wire)
    assert given(bench, order) == ("succeeded", "healed")
    assert "order_refused" in bench.alarms() or change.get("payloadType")


def test_an_order_that_did_not_verify_never_uses_up_the_id_of_one_that_does(bench: Bench) -> None:
    order = waiting(bench)
    bench.central.orders.throw(_wrong_key(bench, order))
    bench.report()
    assert "order_refused" in bench.alarms()
    assert given(bench, order) == ("succeeded", "healed")
    assert "order_refused" not in bench.alarms()


def test_a_second_order_under_one_id_is_refused_and_the_first_one_stands(bench: Bench) -> None:
    order = waiting(bench)
    bench.central.orders.throw(ordering.sealed(bench.central, order))
    other = replace(order, reason="another")
    bench.central.orders.give(order.id, ordering.sealed(bench.central, other))
    carried_out(bench)
    assert bench.central.orders.last(order.id) == ("succeeded", "healed")
    assert "another order under this id" in bench.alarms()["order_refused"].detail


def test_an_order_whose_stored_copy_was_altered_is_not_obeyed(bench: Bench) -> None:
    order = waiting(bench)
    ordering.issue(bench.central, order)
    bench.report()
    with bench.agent.ledger.transaction() as tx:
        tx.execute(
            "UPDATE orders SET envelope = replace(envelope, 'payload\":\"e', 'payload\":\"f')"
        )
    carried_out(bench)
    assert bench.mode == BAD_MODE
    assert bench.central.orders.last(order.id)[0] == "failed"
    assert "stored copy" in bench.alarms()["order_refused"].detail


@pytest.mark.parametrize(
    "stored",
    [
        "'no envelope'",
        "'[]'",
        "''",
        "NULL",
        "x'00ff'",
        "CAST(x'ff' AS TEXT)",
        "substr(envelope, 2)",
        "' ' || envelope",
        "replace(envelope, 'payload\":\"', 'payload\":\"%')",
        "(SELECT o.envelope FROM orders o WHERE o.id != orders.id)",
    ],
)
def test_an_order_with_garbage_for_a_stored_copy_stops_no_other(bench: Bench, stored: str) -> None:
    """Garbage, no text at all, another form of it, or another order's copy."""
    order = waiting(bench)
    second = replace(order, id=ids.new("order"))
    for one in (order, second):
        ordering.issue(bench.central, one)
    bench.report()
    with bench.agent.ledger.transaction() as tx:
        tx.execute(f"UPDATE orders SET envelope = {stored} WHERE id = ?", (order.id,))
    carried_out(bench)
    assert bench.central.orders.last(order.id) == ("failed", "bad_signature")
    assert bench.central.orders.last(second.id) == ("succeeded", "healed")
    assert "stored copy" in bench.alarms()["order_refused"].detail


def test_an_order_whose_stored_copy_is_garbage_is_no_new_one_when_it_comes_again(
    bench: Bench,
) -> None:
    order = waiting(bench)
    ordering.issue(bench.central, order)
    bench.report()
    with bench.agent.ledger.transaction() as tx:
        tx.execute("UPDATE orders SET envelope = 'no envelope'")
    carried_out(bench)
    bench.central.orders.throw(ordering.sealed(bench.central, order))
    carried_out(bench)
    assert bench.mode == BAD_MODE
    assert bench.central.orders.last(order.id) == ("failed", "bad_signature")
    assert "another order under this id" in bench.alarms()["order_refused"].detail


def test_pruning_makes_no_replay_possible_whatever_the_clock_says(bench: Bench) -> None:
    order = waiting(bench)
    assert given(bench, order) == ("succeeded", "healed")
    bench.clock.offset += timedelta(days=orders.KEPT_DAYS, hours=1)
    with bench.agent.ledger.transaction() as tx:
        assert orders.prune(tx, bench.clock()) == 1
        assert orders.known(tx, order.id) is None
        assert facts.get(tx, facts.Name.ORDERS_FORGOTTEN) is not None
    bench.clock.offset -= timedelta(days=orders.KEPT_DAYS, hours=1)
    bench.drift()
    bench.observe(CHECK)
    bench.central.orders.throw(ordering.sealed(bench.central, order))
    carried_out(bench)
    assert bench.mode == BAD_MODE
    assert bench.central.orders.last(order.id) == ("expired", "expired")


def test_orders_never_take_the_room_of_evidence(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = waiting(bench)
    monkeypatch.setattr(orders, "KEPT_BYTES_MAX", 40_000)
    flood = [replace(order, id=ids.new("order"), reason="x" * 4_000) for _ in range(60)]
    for one in flood:
        ordering.issue(bench.central, ordering.with_body(one, incident_id=ids.incident()))
    carried_out(bench)
    with bench.agent.ledger.reading() as tx:
        kept = orders.bytes_kept(tx)
    # One lease at a time is taken whole.
    assert 40_000 <= kept < 40_000 + 20 * 10_000
    assert bench.alarms()["order_refused"].subject == courier.TOO_MANY
    bench.clock.offset += timedelta(days=orders.KEPT_DAYS, hours=2)
    with bench.agent.ledger.transaction() as tx:
        orders.prune(tx, bench.clock())
    bench.central.orders.status.clear()
    ordering.issue(bench.central, replace(order, id=ids.new("order")))
    bench.report()
    assert "order_refused" not in bench.alarms()
