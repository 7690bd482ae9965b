"""Undo of what several steps of a run have changed: one for each target, and never half of it."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.agent import host_trees
from tests.unit.agent.runbooks.test_restoring import Remote
from tests.unit.agent.runbooks.test_runner import _snapshot
from wardline.agent.hosts.tree import TreeHost
from wardline.agent.runbooks import before_state, restoring, runbook, runner

REPEATED = """
id: demo.repair
version: 1
title: A repair
description: It repairs.
risk: low
check: file_permissions
platforms: [linux]
controls: ["nist_800_53:CM-6"]
steps:
  - {type: set_mode, name: a, file: /etc/motd, mode: "0600", owner: root, group: root}
  - {type: set_config_line, name: b, file: /etc/motd, syntax: equals, key: one, line: one=1}
  - {type: set_config_line, name: c, file: /etc/issue, syntax: equals, key: one, line: one=1}
  - {type: set_mode, name: d, file: /etc/motd, mode: "0640", owner: root, group: root}
  - {type: set_config_line, name: e, file: /etc/motd, syntax: equals, key: two, line: two=2}
"""

NARROWED = (
    REPEATED.partition("steps:")[0]
    + """steps:
  - {type: set_mode, name: a, file: /etc/motd, mode: "0640", owner: root, group: root}
  - {type: set_mode, name: b, file: /etc/motd, mode: "0600", owner: root, group: root}
"""
)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return host_trees.clinic(tmp_path / "host")


def test_what_several_steps_changed_has_one_undo_and_never_stands_between_two(root: Path) -> None:
    (root / "etc/motd").write_text("welcome\n")
    (root / "etc/motd").chmod(0o666)
    host, before = TreeHost("host", "host", str(root)), _snapshot(root)
    report = runner.run(runbook.load(REPEATED.encode(), "demo.yaml"), {}, host)
    assert report.ok, report.error
    kept = before_state.load(before_state.dump(before_state.taken(report, host)))
    assert [one.undo.target for one in kept.changes] == ["/etc/motd", "/etc/issue"]
    replaced = host.replace_file

    def killed(path: str, *rest: Any) -> None:
        replaced(path, *rest)
        raise KeyboardInterrupt

    for _ in range(2):
        host.replace_file = killed  # type: ignore[method-assign, assignment]
        with pytest.raises(KeyboardInterrupt):
            restoring.restore(kept, host)
    host.replace_file = replaced  # type: ignore[method-assign]
    assert restoring.restore(kept, host).ok
    assert _snapshot(root) == before


def test_a_mode_that_two_steps_changed_goes_back_to_what_it_was_before_both(root: Path) -> None:
    (root / "etc/motd").write_text("welcome\n")
    (root / "etc/motd").chmod(0o666)
    host, before = TreeHost("host", "host", str(root)), _snapshot(root)
    report = runner.run(runbook.load(NARROWED.encode(), "demo.yaml"), {}, host)
    assert [one.changed for one in report.actions] == [True, True], report.error
    kept = before_state.load(before_state.dump(before_state.taken(report, host)))
    assert len(kept.changes) == 1
    restored = restoring.restore(kept, host)
    assert restored.ok, restored.left
    assert _snapshot(root) == before


def test_a_mode_that_could_lock_the_agent_out_is_armed_when_its_repair_is_undone(
    root: Path,
) -> None:
    """sshd takes no key of a file that others may write to."""
    (root / "etc/motd").write_text("welcome\n")
    (root / "etc/motd").chmod(0o666)
    host = Remote(root)
    report = runner.run(runbook.load(NARROWED.encode(), "demo.yaml"), {}, host)
    kept = before_state.taken(report, host)
    assert restoring.restore(kept, host).ok
    (armed,) = host.armed
    assert (armed.files, armed.modes) == ((), ("/etc/motd",))
    assert host.disarmed == ["one"]
