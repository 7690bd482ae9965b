"""Commands whose effect a question shows: run where it is missing, undone, and never believed."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.unit.agent.live_host import Running
from wardline.agent.hosts import queries
from wardline.agent.hosts.host import CannotRun, Failed, Output
from wardline.agent.hosts.queries import Query
from wardline.agent.hosts.tree import TreeHost
from wardline.agent.runbooks import runbook, runner
from wardline.agent.runbooks.runbook import RunbookInvalid

TEXT = """
id: demo.allow
version: 1
title: A repair
description: It repairs.
risk: high
check: file_permissions
platforms: [linux]
controls: ["nist_800_53:SC-7"]
inputs:
  ports: {type: choices, table: ports, description: The ports.}
tables:
  ports:
    "22": {name: ssh}
    "2222": {name: ssh}
steps:
  - type: run_command
    name: allow
    for_each: ports
    argv: [ufw, allow, "{item}/tcp"]
    undo: [ufw, delete, allow, "{item}/tcp"]
    shown_by: ufw_added
    unless: "ufw allow {item}/tcp"
"""
BOOK = runbook.load(TEXT.encode(), "demo.yaml")


class Ufw(Running):
    """A host whose ufw keeps its added rules; `does` is False where it only says that it did."""

    def __init__(self, root: Path, *added: str, does: bool = True) -> None:
        super().__init__(root)
        self.added = list(added)
        self.does = does
        self.ran: list[str] = []
        self.code = 0

    def ask(self, query: Query) -> Output:
        if query is queries.UNITS_UP:
            raise CannotRun(query.argv[0], "there is no such program")
        lines = ["Added user rules:", *(f"ufw {rule}" for rule in self.added), ""]
        return Output(self.code, "\n".join(lines).encode(), b"not root\n", False, 1)

    def run(self, argv: Sequence[str], timeout_s: float, output_bytes_max: int) -> Output:
        self.ran.append(" ".join(argv))
        if argv[1] == "delete":
            self.added.remove(" ".join(argv[2:]))
        elif self.does:
            self.added.append(" ".join(argv[1:]))
        return Output(0, b"Rules updated\n", b"", False, 1)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text("ID=debian\n")
    return tmp_path


def test_a_command_runs_where_its_effect_is_not_shown_yet(root: Path) -> None:
    host = Ufw(root, "allow 2222/tcp")
    inputs = {"ports": ["22", "2222"]}
    previewed = runner.dry_run(BOOK, inputs, host)
    assert host.ran == []
    report = runner.run(BOOK, inputs, host)
    assert host.ran == ["ufw allow 22/tcp"]
    armed, *done, called_off = report.actions
    assert [one.diff for one in previewed] == [one.diff for one in done]
    assert "+ufw allow 22/tcp" in done[0].diff
    assert done[0].target == "ufw show added"
    assert (armed.type, called_off.type) == ("arm_a_revert", "call_off_the_revert")
    assert not runner.run(BOOK, inputs, host).changed


def test_an_effect_that_is_not_shown_afterwards_is_a_failure(root: Path) -> None:
    host = Ufw(root, does=False)
    report = runner.run(BOOK, {"ports": ["22"]}, host)
    assert "did not take the value" in str(report.error)
    assert (report.undone, host.added) == (True, [])


def test_a_later_failure_takes_the_rules_back_that_were_added(root: Path) -> None:
    class Full(Ufw):
        def run(self, argv: Sequence[str], timeout_s: float, output_bytes_max: int) -> Output:
            if argv[-1] == "2222/tcp":
                return Output(1, b"", b"No space left on device\n", False, 1)
            return super().run(argv, timeout_s, output_bytes_max)

    host = Full(root, "allow 80/tcp")
    report = runner.run(BOOK, {"ports": ["22", "2222"]}, host)
    assert (report.ok, report.undone) == (False, True)
    assert host.added == ["allow 80/tcp"]


def test_a_question_that_is_not_answered_changes_nothing(root: Path) -> None:
    host = Ufw(root)
    host.code = 1
    for start in (runner.dry_run, runner.run):
        with pytest.raises(Failed, match="ended with exit code 1"):
            start(BOOK, {"ports": ["22"]}, host)
    assert (host.ran, host.reverts) == ([], [])


def test_a_tree_leaves_the_command_out(root: Path) -> None:
    report = runner.run(BOOK, {"ports": ["22"]}, TreeHost("h", "h", str(root)))
    assert (report.ok, report.changed) == (True, False)
    assert report.actions[0].output == "left out: this host runs no commands"


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("shown_by: ufw_added", "shown_by: nft_rules", "steps.0"),
        ("shown_by: ufw_added", "timeout_s: 5", "capture or shown_by"),
        ("shown_by: ufw_added", "shown_by: ufw_added\n    capture: /etc/x", "capture or shown_by"),
        ("undo: [ufw, delete", 'undo: [ufw, "{before}"', "unknown placeholder {before}"),
    ],
)
def test_an_effect_is_shown_in_one_way_by_a_known_question(old: str, new: str, says: str) -> None:
    assert old in TEXT
    with pytest.raises(RunbookInvalid) as caught:
        runbook.load(TEXT.replace(old, new).encode(), "demo.yaml")
    assert says in str(caught.value)
