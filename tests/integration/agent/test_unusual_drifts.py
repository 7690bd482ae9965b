"""Drifts that no ordinary repair ends: set-back clocks, hard links, lost facts, stale rules."""

import json
import os
from dataclasses import replace
from datetime import timedelta

import pytest

from tests.integration.agent.bench import BAD_MODE, DRIFT, GOOD_MODE, URL, Bench
from wardline.agent import doctor
from wardline.agent.levels import Levels
from wardline.agent.runbooks import runbook
from wardline.agent.settings import HostSettings
from wardline.agent.store import facts, incidents
from wardline.agent.uplink import Address
from wardline.core import ids
from wardline.core.evidence.bundle import IncidentState

CHECK = "file_permissions"


def test_a_check_that_cannot_measure_any_more_resolves_nothing(bench: Bench) -> None:
    bench.check_in()
    bench.drift()
    bench.observe(CHECK)
    (bench.tree / "etc/os-release").unlink()
    bench.observe(CHECK)
    bench.report()
    assert bench.central.records(CHECK)[-1].closed_at is None


def test_a_clock_that_was_set_back_closes_nothing_and_stops_nothing(bench: Bench) -> None:
    bench.check_in()
    bench.drift()
    bench.observe(CHECK)
    (bench.tree / DRIFT).chmod(GOOD_MODE)
    bench.clock.offset = timedelta(hours=-1)
    bench.observe(CHECK)
    bench.act()
    bench.report()
    assert bench.central.records(CHECK)[-1].closed_at is None
    bench.clock.offset = timedelta(0)
    bench.observe(CHECK)
    bench.report()
    assert bench.central.records(CHECK)[-1].state is IncidentState.RESOLVED


def test_a_drift_that_went_away_before_its_repair_is_not_ours(bench: Bench) -> None:
    bench.central.healing = "heal"
    bench.check_in()
    bench.drift()
    bench.observe(CHECK)
    (bench.tree / DRIFT).chmod(GOOD_MODE)
    bench.act()
    bench.report()
    last = bench.central.records(CHECK)[-1]
    assert (last.state, last.outcome) == (IncidentState.RESOLVED, None)
    with bench.agent.ledger.reading() as tx:
        assert tx.rows("SELECT * FROM pattern_stats") == []
        runs = tx.rows("SELECT ended_at, result FROM runs")
    assert [(row["ended_at"] is None, row["result"]) for row in runs] == [(False, None)]


def test_a_hard_link_out_of_the_host_is_named_and_left_alone(bench: Bench) -> None:
    bench.check_in()
    outside = bench.folder / "outside"
    bench.drift()
    os.link(bench.tree / DRIFT, outside)
    bench.observe(CHECK)
    bench.act()
    bench.central.healing = "heal"
    bench.central.settings_revision += 1
    bench.check_in()
    bench.act()
    bench.act()
    bench.report()
    told = bench.central.records(CHECK)
    states = [record.state for record in told]
    assert states == [
        IncidentState.OPEN,
        IncidentState.OBSERVING,
        IncidentState.FAILED,
        IncidentState.ESCALATED,
    ]
    for record in told[1:3]:
        assert "/etc/passwd: has 2 names (hard links)" in (record.actions[-1].error or "")
    assert outside.stat().st_mode & 0o777 == BAD_MODE


def test_a_remedy_without_its_inputs_is_blocked_and_never_a_failed_run(bench: Bench) -> None:
    remedies = tuple(
        replace(one, inputs={"paths": "{facts.nowhere}"}) if one.check == CHECK else one
        for one in runbook.remedies()
    )
    bench.agent.healer._levels = Levels(remedies, ())
    bench.check_in()
    bench.drift()
    bench.observe(CHECK)
    bench.act()
    bench.central.healing = "heal"
    bench.central.settings_revision += 1
    bench.check_in()
    bench.act()
    bench.report()
    observing, blocked = bench.central.records(CHECK)[1:]
    assert observing.decision is not None
    assert observing.decision["would"]["code"] == "unresolved_input"
    assert observing.decision["would"]["verdict"] == "block"
    assert blocked.state is IncidentState.OPEN
    assert blocked.decision is not None
    assert (blocked.decision["verdict"], blocked.decision["code"]) == ("block", "unresolved_input")
    steps = {step["check"]: step for step in blocked.decision["trace"]}
    assert steps["inputs"]["outcome"] == "fail"
    assert "nowhere" in steps["inputs"]["detail"]
    assert steps["verdict"] == {
        "check": "verdict",
        "outcome": "fail",
        "detail": "block (unresolved_input)",
    }
    with bench.agent.ledger.reading() as tx:
        assert tx.rows("SELECT * FROM runs") == []


def _asked(bench: Bench) -> str:
    """The verdict on a new drift, under rules that must not be older than an hour."""
    (bench.tree / DRIFT).chmod(GOOD_MODE)
    bench.observe(CHECK)
    bench.drift()
    bench.observe(CHECK)
    bench.act()
    with bench.agent.ledger.reading() as tx:
        row = tx.rows("SELECT raw_data FROM incidents ORDER BY rowid")[-1]
    return str(json.loads(row["raw_data"])["decision"]["verdict"])


def test_rules_of_an_unknown_or_a_great_age_ask_and_a_clock_set_back_hides_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.central.healing = "heal"
    for rule in bench.central.rules:
        rule["maxStaleMinutes"] = 60
    bench.check_in()
    assert _asked(bench) == "run"
    began = bench.agent.ledger.moment()
    late = replace(
        began, at=began.at - timedelta(minutes=5), monotonic_ms=began.monotonic_ms + 61 * 60_000
    )
    monkeypatch.setattr(bench.agent.ledger, "moment", lambda: late)
    assert _asked(bench) == "ask", "an hour has passed, whatever the wall clock says"
    monkeypatch.undo()
    assert _asked(bench) == "run"
    with bench.agent.ledger.transaction() as tx:
        facts.drop(tx, facts.Name.POLICY_CONFIRMED)
    assert _asked(bench) == "ask", "nobody knows how old they are"


@pytest.mark.parametrize(
    "hours, verdict, code",
    [
        ("inside", "run", "allowed"),
        ("outside", "block", "outside_window"),
    ],
)
def test_a_rule_is_bound_to_the_opening_hours_of_the_site(
    bench: Bench, hours: str, verdict: str, code: str
) -> None:
    bench.central.healing = "heal"
    bench.central.opening_hours = [{"days": list(range(7)), "start": "00:00", "end": "23:59"}]
    for rule in bench.central.rules:
        rule["openingHours"] = hours
    bench.check_in()
    bench.drift()
    bench.observe(CHECK)
    bench.act()
    with bench.agent.ledger.reading() as tx:
        (row,) = tx.rows("SELECT raw_data FROM incidents")
    decision = json.loads(row["raw_data"])["decision"]
    assert (decision["verdict"], decision["code"]) == (verdict, code)


def test_doctor_says_which_open_incidents_belong_to_a_host_that_is_gone(bench: Bench) -> None:
    bench.drift()
    bench.observe(CHECK)
    other = HostSettings(id=ids.host(), name="new", kind="tree", root=bench.tree)
    bench.settings = bench.settings.model_copy(update={"hosts": [other]})
    bench.restart()
    bench.observe(CHECK)
    bench.act()
    with bench.agent.ledger.reading() as tx:
        assert incidents.count_by_host(tx) == {bench.host.id: 1, other.id: 1}
    lines = doctor.examine(
        bench.layout, bench.settings, lambda *_: bench.connect(Address(URL), None)
    )
    told = [line.value for line in lines if line.name == bench.host.id]
    assert told == [
        "1 open on a host that agent.toml no longer names: nothing measures them any more"
    ]
