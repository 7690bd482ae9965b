"""A run that is told to stop: not before its present step is over, and with all of it undone."""

from pathlib import Path

import pytest

from tests.unit.agent import host_trees
from tests.unit.agent.runbooks.test_runner import DRIFTS, _inputs, _snapshot
from wardline.agent.hosts.tree import TreeHost
from wardline.agent.runbooks import runbook, runner

STEPS_MAX = 60


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return host_trees.clinic(tmp_path_factory.mktemp("healthy") / "host")


class Stop:
    """Says why from the asking after so many steps on."""

    def __init__(self, after: int) -> None:
        self.after, self.asked = after, 0

    def __call__(self) -> str | None:
        self.asked += 1
        return "frozen by Mia" if self.asked > self.after else None


@pytest.mark.parametrize("name", sorted(DRIFTS))
def test_a_run_that_is_stopped_between_any_two_steps_leaves_the_host_as_it_was(
    name: str, healthy: Path, tmp_path: Path
) -> None:
    for done in range(STEPS_MAX):
        root = host_trees.copy(healthy, tmp_path / f"host-{done}")
        host_trees.change(root, DRIFTS[name])
        host = TreeHost("host", "host", str(root))
        inputs, before = _inputs(name, host), _snapshot(root)
        stop = Stop(done)
        report = runner.run(runbook.registry()[name], inputs, host, stop)
        if report.ok:
            assert done > 0
            assert (stop.asked, report.stopped) == (done, None)
            return
        assert _snapshot(root) == before
        assert stop.asked == done + 1
        assert len(report.actions) == done
        assert report.stopped == "frozen by Mia"
        assert report.undone is not False
        assert not report.changed
    pytest.fail("the run never came to its end")


def test_what_could_not_be_undone_is_said(healthy: Path, tmp_path: Path) -> None:
    root = host_trees.copy(healthy, tmp_path / "host")
    name = "file_permissions.restore"
    (root / "etc/passwd").chmod(0o666)
    (root / "etc/group").chmod(0o666)
    host = TreeHost("host", "host", str(root))
    inputs = _inputs(name, host)
    stop = Stop(1)

    def vanish() -> str | None:
        why = stop()
        if why is not None:
            (root / "etc/group").unlink()
            (root / "etc/passwd").unlink()
        return why

    report = runner.run(runbook.registry()[name], inputs, host, vanish)
    assert report.stopped == "frozen by Mia"
    assert report.undone is False
    assert "left by hand" in (report.error or "")
