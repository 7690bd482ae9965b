"""A drift from measurement to the sealed outcome, on a real tree and a real store."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from tests.integration.agent.bench import BAD_MODE, DRIFT, GOOD_MODE, Bench
from wardline.agent.checks import check
from wardline.agent.hosts.host import Stat
from wardline.agent.store import holds
from wardline.core import ids
from wardline.core.evidence.bundle import IncidentOutcome, IncidentState, Outcome, ResolutionLevel

CHECK = "file_permissions"


def _picture(root: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path.relative_to(root)): (path.stat().st_mode, path.read_bytes())
        for path in root.rglob("*")
        if stat.S_ISREG(path.lstat().st_mode)
    }


def test_without_a_policy_nothing_is_changed_and_the_incident_observes(bench: Bench) -> None:
    bench.drift()
    before = _picture(bench.tree)
    bench.observe()
    bench.act()
    assert _picture(bench.tree) == before
    bench.report()
    last = bench.central.records(CHECK)[-1]
    assert last.state is IncidentState.OBSERVING
    assert last.decision is not None
    assert last.decision["code"] == "observing"


def test_an_observing_site_says_what_would_run_with_its_diff_and_changes_nothing(
    bench: Bench,
) -> None:
    bench.check_in()
    bench.drift()
    before = _picture(bench.tree)
    bench.observe()
    bench.act()
    assert _picture(bench.tree) == before
    bench.report()
    opened, judged = bench.central.records(CHECK)
    assert (opened.state, judged.state) == (IncidentState.OPEN, IncidentState.OBSERVING)
    assert judged.decision is not None
    assert judged.decision["would"]["verdict"] == "run"
    assert judged.runbook is not None
    assert judged.runbook.id == "file_permissions.restore"
    assert all(action.dry_run for action in judged.actions)
    assert any(str(DRIFT) in action.target + action.diff for action in judged.actions)


def test_judging_again_without_news_seals_nothing(bench: Bench) -> None:
    bench.check_in()
    bench.drift()
    bench.observe()
    bench.act()
    bench.report()
    sent = len(bench.central.stored)
    bench.central.settings_revision += 1
    bench.check_in()
    bench.act()
    bench.observe()
    bench.report()
    assert len(bench.central.stored) == sent


def test_a_low_risk_drift_is_repaired_measured_again_and_sealed_as_healed(bench: Bench) -> None:
    bench.central.healing = "heal"
    bench.check_in()
    bench.drift()
    bench.observe()
    bench.act()
    assert bench.mode == GOOD_MODE
    bench.report()
    opened, healed = bench.central.records(CHECK)
    assert opened.incident_id == healed.incident_id
    assert healed.state is IncidentState.HEALED
    assert healed.outcome is IncidentOutcome.SUCCESS
    assert healed.resolution_level is ResolutionLevel.L1
    assert healed.before.outcome is Outcome.FAIL
    assert healed.after is not None
    assert healed.after.outcome is Outcome.PASS
    assert healed.closed_at is not None
    assert any(action.changed and not action.dry_run for action in healed.actions)
    assert bench.counts().acknowledged == len(bench.central.stored)


def test_the_switch_from_observe_to_heal_repairs_what_is_open(bench: Bench) -> None:
    bench.check_in()
    bench.drift()
    bench.observe()
    bench.act()
    assert bench.mode == BAD_MODE
    bench.central.healing = "heal"
    bench.central.settings_revision += 1
    bench.check_in()
    bench.act()
    assert bench.mode == GOOD_MODE


def test_an_observed_host_is_never_changed_even_where_the_site_heals(bench: Bench) -> None:
    declared = bench.host.model_copy(update={"observed": True})
    bench.settings = bench.settings.model_copy(update={"hosts": [declared]})
    bench.restart()
    bench.central.healing = "heal"
    bench.check_in()
    bench.drift()
    bench.observe()
    bench.act()
    assert bench.mode == BAD_MODE
    bench.report()
    assert bench.central.records(CHECK)[-1].state is IncidentState.OBSERVING


def test_medium_and_high_risk_wait_for_a_person(bench: Bench) -> None:
    bench.central.healing = "heal"
    bench.check_in()
    (bench.tree / "etc/ssh/sshd_config").write_text("PermitRootLogin yes\n")
    bench.observe("ssh_config")
    before = _picture(bench.tree)
    bench.act()
    assert _picture(bench.tree) == before
    bench.report()
    waiting = bench.central.records("ssh_config")[-1]
    assert waiting.state is IncidentState.WAITING
    assert waiting.decision is not None
    assert waiting.decision["verdict"] == "ask"


def test_a_drift_that_goes_away_by_itself_is_resolved_and_never_counted_as_healed(
    bench: Bench,
) -> None:
    bench.check_in()
    bench.drift()
    bench.observe()
    bench.act()
    (bench.tree / DRIFT).chmod(GOOD_MODE)
    bench.observe()
    bench.report()
    cleared = bench.central.records(CHECK)[-1]
    assert cleared.closed_at is not None
    assert cleared.outcome is None
    assert cleared.state is IncidentState.RESOLVED
    assert cleared.after is not None
    assert cleared.after.outcome is Outcome.PASS


def test_a_second_failure_belongs_to_the_open_incident(bench: Bench) -> None:
    bench.check_in()
    bench.drift()
    bench.observe()
    (bench.tree / "etc/group").chmod(BAD_MODE)
    bench.observe()
    with bench.agent.ledger.reading() as tx:
        assert (
            tx.rows("SELECT count(*) AS n FROM incidents WHERE incident_type = ?", (CHECK,))[0]["n"]
            == 1
        )


def test_a_repair_that_does_not_help_is_failed_then_escalated(bench: Bench) -> None:
    """The tree undoes the repair under the agent's hands: the runbook succeeds, the check fails."""
    bench.central.healing = "heal"
    bench.check_in()
    bench.drift()
    bench.observe()
    member = next(iter(bench.agent.roster))
    real = member.host.chmod

    def rival(path: str, mode: int, found: Stat) -> None:
        real(path, mode, found)
        (bench.tree / DRIFT).chmod(BAD_MODE)

    member.host.chmod = rival  # type: ignore[method-assign]
    bench.act()
    bench.act()
    bench.report()
    states = [record.state for record in bench.central.records(CHECK)]
    assert states == [IncidentState.OPEN, IncidentState.FAILED, IncidentState.ESCALATED]
    last = bench.central.records(CHECK)[-1]
    assert (last.resolution_level, last.outcome) == (
        ResolutionLevel.L3,
        IncidentOutcome.ESCALATED,
    )


def test_three_heals_of_one_drift_set_a_hold_that_survives_a_restart(bench: Bench) -> None:
    bench.central.healing = "heal"
    bench.check_in()
    for _ in range(3):
        bench.drift()
        bench.observe()
        bench.act()
        assert bench.mode == GOOD_MODE
    bench.drift()
    bench.observe()
    bench.restart()
    bench.act()
    assert bench.mode == BAD_MODE
    bench.report()
    last = bench.central.records(CHECK)[-1]
    assert last.state is IncidentState.ESCALATED
    assert last.decision is not None
    assert last.decision["code"] == "hold"
    with bench.agent.ledger.reading() as tx:
        hold = holds.active(tx)[0]
        assert (hold.check, hold.runbook_id) == (CHECK, "file_permissions.restore")
    with bench.agent.ledger.transaction() as tx:
        assert holds.clear(tx, hold.id, "Ada", "found the rival", bench.clock())
        assert not holds.clear(tx, hold.id, "Ada", "again", bench.clock())
        assert holds.active(tx) == []


def test_pattern_statistics_count_by_level_and_success(bench: Bench) -> None:
    bench.central.healing = "heal"
    bench.check_in()
    for _ in range(2):
        bench.drift()
        bench.observe()
        bench.act()
        bench.clock.sleep(timedelta(minutes=15))
        bench.observe()
    with bench.agent.ledger.reading() as tx:
        (row,) = tx.rows("SELECT * FROM pattern_stats WHERE l1_count > 0")
    assert (row["total_count"], row["l1_count"], row["success_count"]) == (2, 2, 2)


def test_a_heartbeat_tells_every_check_once_an_hour(bench: Bench) -> None:
    bench.observe()
    bench.clock.offset += bench.clock.offset.__class__(hours=1, minutes=1)
    bench.observe()
    bench.report()
    beats = [one.bundle for one in bench.central.stored if one.bundle.kind == "heartbeat"]
    assert len(beats) == 1
    assert {result.check for result in beats[0].results} == set(check.registry())
    assert ids.entity(beats[0].host_id or "", "host", "host") == bench.host.id


def _die_in_the_repair(bench: Bench, *, after_the_change: bool) -> None:
    """The process ends in the middle of a run; what it had committed is all that is left."""
    member = next(iter(bench.agent.roster))
    real = member.host.chmod

    def die(path: str, mode: int, found: Stat) -> None:
        if after_the_change:
            real(path, mode, found)
        raise SystemExit

    member.host.chmod = die  # type: ignore[method-assign]
    with pytest.raises(SystemExit):
        bench.act()
    bench.restart()


@pytest.mark.parametrize("after_the_change", [True, False])
def test_an_interrupted_repair_is_measured_again_and_never_booked_as_a_success(
    bench: Bench, after_the_change: bool
) -> None:
    bench.central.healing = "heal"
    bench.check_in()
    bench.drift()
    bench.observe()
    _die_in_the_repair(bench, after_the_change=after_the_change)
    bench.act()
    bench.report()
    told = bench.central.records(CHECK)
    assert told[1].actions[0].step == "interrupted"
    assert told[1].outcome is None
    assert told[1].after is not None
    assert bench.mode == GOOD_MODE
    if after_the_change:
        assert told[1].closed_at is not None
        assert len(told) == 2
    else:
        assert told[1].closed_at is None
        assert told[-1].state is IncidentState.HEALED


def test_a_repair_that_is_interrupted_again_and_again_becomes_a_persons(bench: Bench) -> None:
    bench.central.healing = "heal"
    bench.check_in()
    bench.drift()
    bench.observe()
    for _ in range(3):
        _die_in_the_repair(bench, after_the_change=False)
    bench.act()
    bench.report()
    assert bench.mode == BAD_MODE
    assert bench.central.records(CHECK)[-1].state is IncidentState.ESCALATED


@pytest.mark.parametrize("healing", ["observe", "heal"])
def test_a_drift_that_the_agent_itself_fails_on_is_a_persons_and_stops_no_other(
    bench: Bench, healing: str
) -> None:
    bench.central.healing = healing
    bench.check_in()
    bench.drift()
    bench.observe()
    member = next(iter(bench.agent.roster))
    member.host.lstat = _broken  # type: ignore[method-assign]
    for _ in range(7):
        bench.act()
    bench.report()
    last = bench.central.records(CHECK)[-1]
    assert last.state is IncidentState.ESCALATED
    if healing == "observe":
        # In the middle of a run it counts as interrupted, three times, and keeps that decision.
        assert "ZeroDivisionError" in (last.decision or {})["reason"]
    assert "incident_defect" in bench.alarms()
    assert bench.mode == BAD_MODE


def _broken(path: str) -> Stat:
    raise ZeroDivisionError(path)


def test_a_policy_copy_that_was_altered_on_disk_is_not_obeyed(bench: Bench) -> None:
    bench.central.healing = "heal"
    bench.check_in()
    with bench.agent.ledger.transaction() as tx:
        tx.execute(
            "UPDATE policies SET envelope = replace(envelope, 'payload\":\"e', 'payload\":\"f')"
        )
    bench.restart()
    bench.drift()
    bench.observe()
    bench.act()
    assert bench.mode == BAD_MODE
    assert "policy_refused" in bench.alarms()
