"""Orders and this machine's clock: set back while one waits, or a little behind Central's."""

from datetime import timedelta

import pytest

from tests.harness import ordering
from tests.integration.agent.bench import BAD_MODE, Bench
from tests.integration.agent.waiting import given, waiting
from wardline.core import ids
from wardline.core.orders import Consent


@pytest.mark.parametrize("approval", [ordering.APPROVAL, None])
def test_an_order_that_waited_is_not_carried_out_before_it_was_issued(
    bench: Bench, approval: dict[str, object] | None
) -> None:
    order = waiting(bench, approval=approval)
    if approval is None:
        order = ordering.with_body(order, consent=None)
    ordering.issue(bench.central, order)
    bench.report()
    bench.restart()
    bench.clock.offset -= timedelta(days=365)
    bench.act()
    bench.clock.offset += timedelta(days=365)
    bench.report()
    assert bench.mode == BAD_MODE
    assert bench.central.orders.last(order.id) == ("failed", "not_yet_issued")


def test_a_hold_is_not_cleared_by_an_order_from_the_future(bench: Bench) -> None:
    order = waiting(bench)
    hold = {
        "check": "file_permissions",
        "runbook_id": "file_permissions.restore",
        "suppressed_at": "2026-01-05T10:00:00.123Z",
        "host_id": bench.host.id,
    }
    clear = ordering.clear_order(bench.central, hold)
    ordering.issue(bench.central, clear)
    bench.report()
    bench.clock.offset -= timedelta(days=1)
    bench.act()
    bench.report()
    assert bench.central.orders.last(clear.id) == ("failed", "not_yet_issued")
    assert order.id not in bench.central.orders.reports


@pytest.mark.parametrize(
    ("behind_s", "told"), [(60, ("succeeded", "healed")), (700, ("failed", "approval_needed"))]
)
def test_a_consent_holds_on_an_appliance_whose_clock_is_a_little_behind(
    bench: Bench, behind_s: int, told: tuple[str, str]
) -> None:
    order = waiting(bench)
    at = bench.clock() + timedelta(seconds=behind_s)
    given_then = Consent(ids.new("appr"), (ordering.ADA,), at, at + timedelta(minutes=30))
    assert given(bench, ordering.with_body(order, consent=given_then)) == told
