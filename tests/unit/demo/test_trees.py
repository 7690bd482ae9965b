"""The demo's hosts: healthy when built, and every way they drift is found and can be repaired."""

import random
import shutil
from pathlib import Path

import pytest

from wardline.agent.checks import check
from wardline.agent.hosts.tree import TreeHost
from wardline.agent.runbooks import runbook, runner
from wardline.core import clock
from wardline.core.evidence.bundle import Outcome, Result
from wardline.core.incidents import remedy
from wardline.demo import trees


def _failed(host: TreeHost) -> list[Result]:
    found = [check.measure(one, host, clock.system) for one in check.registry().values()]
    assert all(one.outcome in (Outcome.PASS, Outcome.FAIL) for one in found), found
    return [one for one in found if one.outcome is Outcome.FAIL]


@pytest.mark.parametrize("name", trees.NAMES)
def test_a_new_host_passes_every_check(name: str, tmp_path: Path) -> None:
    trees.build(tmp_path / name, name)
    host = TreeHost(name, name, str(tmp_path / name))
    assert host.platform == "linux/debian"
    assert _failed(host) == []


def test_every_drift_is_found_by_one_check_and_repaired_by_its_remedy(tmp_path: Path) -> None:
    trees.build(tmp_path, "imaging-ws")
    host = TreeHost("host", "host", str(tmp_path))
    repaired, left_to_people = set(), set()
    for drift in trees.BREAKS:
        assert drift.apply(tmp_path)
        assert not drift.apply(tmp_path)
        (result,) = _failed(host)
        assert result.check == drift.check
        candidates = remedy.candidates(runbook.remedies(), result.check, result.facts)
        if not candidates:
            left_to_people.add(result.check)
            shutil.rmtree(tmp_path)
            trees.build(tmp_path, "imaging-ws")
            continue
        (one,) = candidates
        inputs = remedy.inputs(one, result.facts)
        report = runner.run(runbook.registry()[one.runbook], inputs, host)
        assert report.ok, report
        assert _failed(host) == [], drift.says
        repaired.add(one.runbook)
    assert repaired == set(runbook.registry())
    assert left_to_people == set(check.registry()) - {one.check for one in runbook.remedies()}


def test_a_host_that_nobody_repairs_runs_out_of_settings_to_break(tmp_path: Path) -> None:
    trees.build(tmp_path, "imaging-ws")
    draw = random.Random(7)
    said = [trees.break_setting(tmp_path, draw) for _ in range(len(trees.BREAKS) + 1)]
    assert said[-1] == "nothing is left to break"
    broken = said[: said.index("nothing is left to break")]
    assert len(set(broken)) == len(broken)
    assert len(_failed(TreeHost("host", "host", str(tmp_path)))) == len(check.registry())


def test_old_lists_are_unknown_until_they_are_refreshed(tmp_path: Path) -> None:
    trees.build(tmp_path, "imaging-ws")
    later = clock.parse("2030-01-01T00:00:00.000Z")
    host = TreeHost("host", "host", str(tmp_path))
    patching = check.registry()["patching"]
    assert check.measure(patching, host, lambda: later).outcome is Outcome.UNKNOWN
    trees.refresh(tmp_path)
    assert check.measure(patching, host, clock.system).outcome is Outcome.PASS


def test_a_backup_that_stopped_is_not_made_up_by_a_refresh(tmp_path: Path) -> None:
    trees.build(tmp_path, "imaging-ws")
    host = TreeHost("host", "host", str(tmp_path))
    backup = check.registry()["backup"]
    trees.break_setting(tmp_path, random.Random(7), "backup")
    trees.refresh(tmp_path)
    result = check.measure(backup, host, clock.system)
    assert result.facts["failing"] == ["records:too_old"]
