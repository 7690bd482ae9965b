"""A drift whose repair waits for a person, and an order on its way to the appliance and back."""

from typing import Any

from tests.harness import ordering
from tests.integration.agent.bench import Bench
from wardline.core.evidence.bundle import IncidentState
from wardline.core.orders import Order

CHECK = "file_permissions"
BOOK = "file_permissions.restore"
RULE = f"runbook.{BOOK}"


def waiting(bench: Bench, **rule: Any) -> Order:
    """A drift whose repair waits for a person, and the order that approves it."""
    changes = {"approval": ordering.APPROVAL, "autoExecute": False, **rule}
    bench.central.healing = "heal"
    ordering.change_rule(bench.central, RULE, **changes)
    bench.check_in()
    bench.drift()
    bench.observe(CHECK)
    bench.act()
    bench.report()
    record = bench.central.records(CHECK)[-1]
    assert record.state is IncidentState.WAITING
    return ordering.run_order(bench.central, record, bench.host.id)


def carried_out(bench: Bench) -> None:
    bench.report()
    bench.act()
    bench.report()


def given(bench: Bench, order: Order) -> tuple[str, str]:
    """Issue it, let the appliance work, and read what it reported last."""
    ordering.issue(bench.central, order)
    carried_out(bench)
    return bench.central.orders.last(order.id)


def detail(bench: Bench, order: Order) -> str:
    return str(bench.central.orders.reports[order.id][-1]["detail"])
