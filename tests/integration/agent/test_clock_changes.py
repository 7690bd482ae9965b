"""The appliance's clock is set while it works: evidence goes on, in order, and claims no more."""

from datetime import timedelta

import pytest

from tests.integration.agent.bench import GOOD_MODE, Bench
from wardline.core.evidence import bundle

CHECK = "file_permissions"


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """One that heals and has reported that all was well."""
    bench.central.healing = "heal"
    bench.report()
    bench.observe()
    bench.report()
    return bench


def drift_and_repair(bench: Bench, days_between: int = 0) -> None:
    bench.drift()
    bench.observe(CHECK)
    bench.clock.offset += timedelta(days=days_between)
    bench.until(lambda: bench.mode == GOOD_MODE)
    bench.observe(CHECK)
    bench.report()


def closed(bench: Bench) -> list[str]:
    """The incidents that were told as closed."""
    records = bench.central.records(CHECK)
    return sorted({record.incident_id for record in records if record.closed_at is not None})


def check_stream(bench: Bench) -> None:
    """Everything arrived, each once, in one chain."""
    assert bench.counts().pending == 0
    assert bench.alarms() == {}
    prev = bundle.NO_PREV
    for seq, one in enumerate(bench.central.stored, 1):
        assert (one.bundle.seq, one.bundle.prev) == (seq, prev)
        prev = bundle.chain_hash(bundle.PAYLOAD_TYPE, one.envelope.payload)


@pytest.mark.parametrize("days", [1, 400])
def test_a_clock_that_is_set_forward_during_a_repair_hides_no_heal(bench: Bench, days: int) -> None:
    drift_and_repair(bench, days)
    assert len(closed(bench)) == 1
    check_stream(bench)


@pytest.mark.parametrize("days", [1, 400])
def test_a_clock_that_is_set_back_during_a_repair_claims_nothing_until_it_has_caught_up(
    bench: Bench, days: int
) -> None:
    drift_and_repair(bench, -days)
    assert closed(bench) == [], "nothing shows which measurement came first"
    check_stream(bench)
    bench.clock.offset = timedelta(0)
    bench.observe(CHECK)
    bench.report()
    assert len(closed(bench)) == 1
    check_stream(bench)


@pytest.mark.parametrize("days", [-400, -1, 1, 400])
def test_drifts_after_a_change_of_the_clock_are_healed_as_before(bench: Bench, days: int) -> None:
    bench.clock.offset = timedelta(days=days)
    drift_and_repair(bench)
    assert len(closed(bench)) == 1
    check_stream(bench)
