"""A heal is watched: it lasts and is stable, or the same incident is open again and nothing healed.

Whatever becomes of clock, process, host and site meanwhile has one outcome.
"""

from datetime import timedelta

import pytest

from tests.integration.agent.bench import BAD_MODE, GOOD_MODE, Bench
from wardline.agent import freezing
from wardline.agent.store import incidents
from wardline.core import ids
from wardline.core.evidence.bundle import IncidentRecord, IncidentState
from wardline.core.evidence.watch import WatchEnd
from wardline.core.incidents.incident import Incident

CHECK = "file_permissions"
PERIOD = timedelta(minutes=15)
OPEN, HEALED, STABLE = IncidentState.OPEN, IncidentState.HEALED, IncidentState.STABLE


@pytest.fixture
def bench(bench: Bench) -> Bench:
    """A drift that was just healed."""
    bench.central.healing = "heal"
    bench.report()
    bench.drift()
    bench.observe(CHECK)
    bench.act()
    assert bench.mode == GOOD_MODE
    return bench


def told(bench: Bench) -> list[IncidentRecord]:
    bench.report()
    assert bench.counts().pending == 0
    assert bench.alarms() == {}
    return bench.central.records(CHECK)


def states(bench: Bench) -> list[IncidentState]:
    return [one.state for one in told(bench)]


def look(bench: Bench, later: timedelta = timedelta(0)) -> list[IncidentState]:
    bench.clock.sleep(later)
    bench.observe(CHECK)
    return states(bench)


def stats(bench: Bench) -> tuple[int, int, int]:
    """Total, L1 and success of the pattern."""
    with bench.agent.ledger.reading() as tx:
        (row,) = tx.rows("SELECT * FROM pattern_stats")
    return row["total_count"], row["l1_count"], row["success_count"]


def watched(bench: Bench) -> Incident | None:
    with bench.agent.ledger.reading() as tx:
        return incidents.watched_of(tx, bench.agent.ledger.site_id, bench.host.id, CHECK)


def test_a_heal_that_passes_at_the_end_of_its_watch_is_stable_and_no_look_before_says_so(
    bench: Bench,
) -> None:
    assert look(bench, PERIOD - timedelta(seconds=5)) == [OPEN, HEALED]
    assert look(bench, timedelta(seconds=6)) == [OPEN, HEALED, STABLE]
    assert look(bench, PERIOD) == [OPEN, HEALED, STABLE], "said once"
    healed, stable = told(bench)[1:]
    assert healed.watch is not None
    assert stable.watch is not None
    assert stable.after is not None
    assert stable.after.measured_at >= stable.watch.until == healed.watch.healed_at + PERIOD
    assert (stable.watch.number, stable.watch.ended) == (1, WatchEnd.STABLE)
    assert stable.closed_at == healed.closed_at, "the drift ended when it was healed"
    assert healed.watch.attempted_at <= healed.watch.healed_at
    assert stats(bench) == (1, 1, 1)
    assert watched(bench) is None


def test_a_drift_after_stable_is_a_new_incident(bench: Bench) -> None:
    look(bench, PERIOD)
    bench.drift()
    look(bench)
    *_, stable, opened = told(bench)
    assert (stable.state, opened.state) == (STABLE, OPEN)
    assert opened.incident_id != stable.incident_id
    assert opened.watch is None


@pytest.mark.parametrize("later", [timedelta(seconds=1), PERIOD, 2 * PERIOD - timedelta(seconds=5)])
def test_a_drift_before_that_opens_the_same_incident_and_takes_the_success_back(
    bench: Bench, later: timedelta
) -> None:
    bench.clock.sleep(later)
    bench.drift()
    assert look(bench) == [OPEN, HEALED, OPEN]
    first, _, again = told(bench)
    assert again.incident_id == first.incident_id
    assert (again.opened_at, again.closed_at) == (first.opened_at, None)
    assert again.before.measured_at > first.before.measured_at
    assert again.watch is not None
    assert (again.watch.number, again.watch.ended) == (1, WatchEnd.RECURRED)
    assert again.watch.runbook_id == "file_permissions.restore"
    assert stats(bench) == (0, 0, 0)
    bench.act()
    assert bench.mode == GOOD_MODE
    assert look(bench, PERIOD)[3:] == [HEALED, STABLE]
    last = told(bench)[-1]
    assert last.watch is not None
    assert (last.watch.number, last.incident_id) == (2, first.incident_id)
    assert stats(bench) == (1, 1, 1)


def test_three_heals_of_one_incident_that_did_not_last_set_the_hold(bench: Bench) -> None:
    for _ in range(2):
        bench.drift()
        look(bench, timedelta(minutes=2))
        bench.act()
        assert bench.mode == GOOD_MODE
    bench.drift()
    look(bench, timedelta(minutes=2))
    bench.act()
    assert bench.mode == BAD_MODE
    assert len({one.incident_id for one in told(bench)}) == 1
    assert states(bench)[-1] is IncidentState.ESCALATED
    assert len(bench.central.holds) == 1
    assert stats(bench) == (1, 0, 0)


def test_an_unknown_result_neither_ends_the_watch_nor_the_heal(bench: Bench) -> None:
    passwd = bench.tree / "etc/passwd"
    content = passwd.read_text()
    passwd.unlink()
    passwd.symlink_to("passwd")
    (unknown,) = bench.observe(CHECK)
    assert unknown.outcome == "unknown"
    assert look(bench, 2 * PERIOD) == [OPEN, HEALED]
    assert watched(bench) is not None
    passwd.unlink()
    passwd.write_text(content)
    passwd.chmod(GOOD_MODE)
    assert look(bench) == [OPEN, HEALED, STABLE]


def test_a_restart_and_a_kill_during_the_watch_change_nothing(bench: Bench) -> None:
    bench.clock.sleep(PERIOD / 2)
    bench.restart()
    assert look(bench) == [OPEN, HEALED]
    # Nothing is closed in order: what was committed is all that a killed one leaves.
    bench.agent = bench.open()
    assert look(bench, PERIOD / 2) == [OPEN, HEALED, STABLE]


def off(bench: Bench, time: timedelta) -> None:
    """The machine is switched off for so long: another boot, whose own clock begins anew."""
    bench.agent.close()
    bench.clock.offset += time
    bench.agent = bench.open()
    bench.agent.ledger._boot_id = "another"


@pytest.mark.parametrize("time", [PERIOD, timedelta(days=7)])
def test_an_appliance_that_was_off_says_stable_once_it_has_measured_a_pass(
    bench: Bench, time: timedelta
) -> None:
    off(bench, time)
    assert states(bench) == [OPEN, HEALED]
    assert look(bench) == [OPEN, HEALED, STABLE]


def test_an_appliance_that_is_back_before_the_end_goes_on_with_the_watch(bench: Bench) -> None:
    off(bench, PERIOD / 3)
    assert look(bench) == [OPEN, HEALED]
    assert look(bench, PERIOD) == [OPEN, HEALED, STABLE]


@pytest.mark.parametrize(
    ("time", "ended"),
    [
        (2 * PERIOD - timedelta(seconds=5), WatchEnd.RECURRED),
        (timedelta(days=7), WatchEnd.UNPROVED),
    ],
)
def test_a_drift_found_long_after_the_end_is_the_same_incident_and_no_false_heal(
    bench: Bench, time: timedelta, ended: WatchEnd
) -> None:
    off(bench, time)
    bench.drift()
    assert look(bench) == [OPEN, HEALED, OPEN]
    again = told(bench)[-1]
    assert again.watch is not None
    assert again.watch.ended is ended
    assert stats(bench) == (0, 0, 0)


@pytest.mark.parametrize("days", [1, 400])
def test_a_clock_that_is_set_forward_shortens_no_watch(bench: Bench, days: int) -> None:
    bench.clock.offset += timedelta(days=days)
    assert look(bench) == [OPEN, HEALED]
    bench.drift()
    assert look(bench) == [OPEN, HEALED, OPEN]
    again = told(bench)[-1]
    assert again.watch is not None
    assert again.watch.ended is WatchEnd.RECURRED


def test_a_clock_that_is_set_forward_leads_to_stable_when_the_time_has_passed(bench: Bench) -> None:
    bench.clock.offset += timedelta(days=1)
    assert look(bench, PERIOD) == [OPEN, HEALED, STABLE]


@pytest.mark.parametrize("days", [1, 400])
def test_a_clock_that_is_set_back_claims_nothing_until_it_has_caught_up(
    bench: Bench, days: int
) -> None:
    bench.clock.offset -= timedelta(days=days)
    assert look(bench, PERIOD) == [OPEN, HEALED]
    bench.clock.offset += timedelta(days=days)
    assert look(bench) == [OPEN, HEALED, STABLE]


def test_a_drift_under_a_clock_that_was_set_back_is_a_recurrence(bench: Bench) -> None:
    bench.clock.offset -= timedelta(days=1)
    bench.drift()
    assert look(bench) == [OPEN, HEALED, OPEN]
    again = told(bench)[-1]
    assert again.watch is not None
    assert again.watch.ended is WatchEnd.RECURRED


def test_a_removed_host_leaves_its_heal_unproved_and_going_on_when_it_is_back(bench: Bench) -> None:
    hosts = bench.settings.hosts
    other = hosts[0].model_copy(update={"id": ids.host(), "name": "other"})
    bench.settings = bench.settings.model_copy(update={"hosts": [other]})
    bench.restart()
    bench.clock.sleep(2 * PERIOD)
    bench.observe()
    bench.act()
    bench.report()
    of_host = [one.state for one in bench.central.records(CHECK)]
    assert of_host == [OPEN, HEALED]
    bench.settings = bench.settings.model_copy(update={"hosts": hosts})
    bench.restart()
    assert look(bench) == [OPEN, HEALED, STABLE]


def test_a_freeze_stops_no_watch_and_no_reopening_and_repairs_nothing(bench: Bench) -> None:
    freezing.freeze(bench.agent.ledger, "Ada", "change of the server room")
    bench.drift()
    look(bench, timedelta(minutes=1))
    bench.act()
    assert bench.mode == BAD_MODE
    assert states(bench)[:3] == [OPEN, HEALED, OPEN]
    freezing.unfreeze(bench.agent.ledger, "Ada", "done")
    bench.act()
    assert bench.mode == GOOD_MODE
    freezing.freeze(bench.agent.ledger, "Ada", "once more")
    assert look(bench, PERIOD)[-2:] == [HEALED, STABLE]


def test_a_watched_check_is_measured_more_often_for_as_long_as_it_is_watched(bench: Bench) -> None:
    """By the observer's own plan: ten looks in a watch, one right at its end, then as before."""
    observer = bench.agent.observer
    planned = [one for _, plan in observer._plan for one in plan]
    due = next(one for one in planned if one.check.manifest.id == CHECK)
    others = {id(one): one.at for one in planned if one is not due}
    due.measured_at, due.at = 1000.0, 1300.0
    observer._hasten()
    assert due.at <= 1090.0
    assert {id(one): one.at for one in planned if one is not due} == others
    bench.clock.sleep(PERIOD)
    due.at = 1300.0
    observer._hasten()
    assert due.at == 1300.0
