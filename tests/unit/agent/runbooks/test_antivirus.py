"""antivirus.enable_updates on a host that runs services: what it starts, and what it puts back."""

from pathlib import Path

import pytest

from tests.unit.agent import host_trees
from tests.unit.agent.runbooks.test_set_service import Systemd
from wardline.agent.checks import check
from wardline.agent.runbooks import runbook, runner
from wardline.core import clock
from wardline.core.evidence.bundle import Outcome, Result
from wardline.core.incidents import remedy

NAME = "antivirus.enable_updates"
SERVICE = "clamav-freshclam.service"
SCANNER = "clamav-daemon.service"
CONFIG = "etc/clamav/freshclam.conf"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return host_trees.clinic(tmp_path / "host")


def _measure(host: Systemd) -> Result:
    return check.measure(check.registry()["antivirus"], host, clock.system)


def test_a_service_that_ended_over_its_settings_runs_again(root: Path) -> None:
    host_trees.change(root, {"replace": {CONFIG: ["Checks 24", "Checks 0"]}})
    host = Systemd(root, SCANNER)
    found = _measure(host)
    assert found.facts["failing"] == ["updates_checks", "updates_stopped"]
    (one,) = remedy.candidates(runbook.remedies(), "antivirus", found.facts)
    report = runner.run(runbook.registry()[one.runbook], {}, host)
    assert report.ok, report
    assert SERVICE in host.running
    assert _measure(host).outcome is Outcome.PASS


def test_a_service_that_still_runs_with_its_old_settings_is_restarted(root: Path) -> None:
    host_trees.change(root, {"replace": {CONFIG: ["Checks 24", "Checks 0"]}})
    host = Systemd(root, SCANNER, SERVICE)
    assert runner.run(runbook.registry()[NAME], {}, host).ok
    assert host.ran == [f"restart -- {SERVICE}"]
    assert not runner.run(runbook.registry()[NAME], {}, host).changed


def test_a_service_that_does_not_start_leaves_its_settings_as_they_were(root: Path) -> None:
    host_trees.change(root, {"replace": {CONFIG: ["Checks 24", "Checks 0"]}})
    before = (root / CONFIG).read_bytes()
    host = Systemd(root, SCANNER, refuses="enable")
    report = runner.run(runbook.registry()[NAME], {}, host)
    assert not report.ok
    assert (root / CONFIG).read_bytes() == before
    assert SERVICE not in host.running
