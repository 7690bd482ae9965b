"""What runs use, by their age: rolling, to the instant, whatever is in flight."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from wardline.core.policy import usage
from wardline.core.policy.request import HostUsage, RuleUsage
from wardline.core.policy.usage import DAY, HOUR, WEEK, Tally

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
MOMENT = timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("age", "counts"),
    [
        (-MOMENT, (5, 5, 5, 2)),
        (timedelta(0), (5, 5, 5, 2)),
        (HOUR - MOMENT, (5, 5, 5, 2)),
        (HOUR, (5, 5, 5, 0)),
        (DAY - MOMENT, (5, 5, 5, 0)),
        (DAY, (0, 5, 0, 0)),
        (WEEK - MOMENT, (0, 5, 0, 0)),
        (WEEK, (0, 0, 0, 0)),
    ],
)
def test_a_span_lets_go_at_its_end(age: timedelta, counts: tuple[int, int, int, int]) -> None:
    tally = Tally(NOW - age, runs=2, pct=5, qty=5)
    found = usage.of_rule(RuleUsage(), tally, NOW)
    assert (found.pct_24h, found.pct_7d, found.qty_24h, found.runs_1h) == counts
    assert found.running == 0
    on_host = usage.on_host(HostUsage(), tally, NOW)
    assert on_host == HostUsage(2 if age < DAY else 0, NOW - age)


def test_what_is_in_flight_counts_whatever_its_age() -> None:
    tally = Tally(NOW - 2 * WEEK, in_flight=True, runs=3, pct=Decimal("1.5"), qty=4)
    found = usage.of_rule(RuleUsage(1, 2, 3, 4, 5), tally, NOW)
    assert found == RuleUsage(Decimal("2.5"), Decimal("3.5"), 7, 4, 8)


def test_the_newest_run_is_the_last_one_in_whichever_order_they_come() -> None:
    found = HostUsage()
    for hours in (3, 1, 2):
        found = usage.on_host(found, Tally(NOW - timedelta(hours=hours)), NOW)
    assert found == HostUsage(3, NOW - timedelta(hours=1))


@pytest.mark.parametrize(
    ("value", "used"),
    [
        (3, 3),
        (-3, 3),
        (Decimal("-0.1"), Decimal("0.1")),
        (0.5, Decimal("0.5")),
        (True, 0),
        ("3", 0),
    ],
)
def test_an_amount_is_a_size_and_what_is_no_number_is_none(value: object, used: object) -> None:
    assert usage.amount({usage.PCT: value}, usage.PCT) == used
    assert usage.amount({}, usage.PCT) == 0
