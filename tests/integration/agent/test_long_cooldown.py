"""A cooldown of weeks: what the last run of a runbook on a host was is known for as long."""

from datetime import timedelta

import pytest

from tests.harness import ordering
from tests.integration.agent.bench import BAD_MODE, GOOD_MODE, Bench
from tests.integration.agent.switch import decision, drifted, healing, last
from tests.integration.agent.waiting import BOOK, CHECK, RULE
from wardline.agent.store import holds, runs
from wardline.core import ids
from wardline.core.policy import usage

DAY = timedelta(days=1)
DAYS = 40


@pytest.fixture
def cooling(bench: Bench) -> Bench:
    """A host whose repair ran once, under a rule that lets it run every forty days."""
    ordering.change_rule(bench.central, RULE, cooldownMinutes=DAYS * 24 * 60)
    healing(bench)
    drifted(bench)
    assert bench.mode == GOOD_MODE
    bench.clock.sleep(DAY / 48)
    bench.observe(CHECK)
    return bench


@pytest.mark.parametrize("days", [8, 32, DAYS - 1])
def test_a_cooldown_is_kept_however_long_it_is(cooling: Bench, days: int) -> None:
    cooling.clock.sleep(days * DAY)
    cooling.check_in()
    with cooling.agent.ledger.transaction() as tx:
        runs.prune(tx, cooling.clock())
    drifted(cooling)
    assert cooling.mode == BAD_MODE
    assert decision(last(cooling))["code"] == "cooldown"
    cooling.clock.sleep((DAYS - days) * DAY)
    cooling.check_in()
    cooling.observe(CHECK)
    cooling.act()
    assert cooling.mode == GOOD_MODE


def test_of_what_is_too_old_the_last_run_of_each_runbook_and_host_stays_within_a_cooldown(
    cooling: Bench,
) -> None:
    now = cooling.clock()
    with cooling.agent.ledger.transaction() as tx:
        (known,) = runs.since(tx, now - DAY)
        for ago in (50, 60, usage.COOLDOWN.days + 1):
            then = runs.Run(
                *(ids.new("run"), known.incident_id, f"host-{ago % 20}", BOOK, None),
                *(now - ago * DAY, False, {}),
            )
            runs.reserve(tx, then, {})
        # Two of one host, one of another, and one that no cooldown reaches.
        runs.end(tx, known.incident_id, now, "failed")
        tx.execute("UPDATE runs SET host_id = 'host-0' WHERE host_id = 'host-10'")
        runs.prune(tx, now)
        left = [one.started_at for one in runs.since(tx, now - 2 * usage.COOLDOWN)]
    assert [(now - at).days for at in left] == [50, 0]


def test_a_rival_is_held_though_the_cooldown_keeps_the_repairs_far_apart(cooling: Bench) -> None:
    """Each repair held for half an hour; the rest of the forty days the drift stood there."""
    for _ in range(2):
        drifted(cooling)
        assert decision(last(cooling))["code"] == "cooldown"
        cooling.clock.sleep(DAYS * DAY)
        cooling.check_in()
        cooling.observe(CHECK)
        cooling.act()
        assert cooling.mode == GOOD_MODE
        cooling.clock.sleep(DAY / 48)
        cooling.observe(CHECK)
    drifted(cooling)
    assert cooling.mode == BAD_MODE
    assert decision(last(cooling))["code"] == "hold"
    with cooling.agent.ledger.reading() as tx:
        (hold,) = holds.active(tx)
    assert hold.runbook_id == BOOK
