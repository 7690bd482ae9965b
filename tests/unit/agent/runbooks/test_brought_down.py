"""What was up before a run and is not after it, however the run ended, and what nobody can say."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.agent.runbooks import served
from tests.unit.agent.runbooks.served import CHRONY, CONFIG, OLD, TIME, Served
from wardline.agent.hosts import queries
from wardline.agent.hosts.host import Failed, HostError, Output, TimedOut, Unreachable
from wardline.agent.hosts.queries import Query
from wardline.agent.runbooks import runbook, runner

TWICE = """
id: demo.repair
version: 1
title: A repair
description: It repairs.
risk: low
check: file_permissions
platforms: [linux]
controls: ["nist_800_53:CM-6"]
steps:
  - {type: install_file, name: a, file: /etc/motd, content: "x", mode: "0644",
     reload_with: [systemctl, restart, --, chrony.service]}
  - {type: install_file, name: b, file: /etc/issue, content: "x", mode: "0644"}
"""


@pytest.fixture
def host(tmp_path: Path) -> Served:
    return served.at(tmp_path / "host")


def test_what_a_run_brings_down_is_undone_and_named(host: Served) -> None:
    host.along["restart -- chrony"] = lambda: (
        host.running.discard("nginx.service")
        if "\npool 2" in (host.root / "etc/chrony/chrony.conf").read_text()
        else host.running.add("nginx.service")
    )
    report = served.run(host, TIME, **CHRONY)
    assert (report.ok, report.undone, report.collateral) == (False, True, ("nginx.service",))
    assert report.actions[-1].type == "collateral"
    assert "up before the run and down after it: nginx.service" in str(report.error)
    assert "\npool 2" not in (host.root / "etc/chrony/chrony.conf").read_text()


def test_what_stays_down_after_the_undo_is_left_by_hand(host: Served) -> None:
    host.along["restart -- chrony"] = lambda: host.running.discard("nginx.service")
    report = served.run(host, TIME, **CHRONY)
    assert (report.undone, report.collateral) == (False, ("nginx.service",))
    assert "left by hand: still down: nginx.service" in str(report.error)


def test_what_is_only_slow_to_come_up_again_is_not_brought_down(host: Served) -> None:
    host.along["restart -- chrony"] = lambda: host.running.discard("nginx.service")
    slow = host.wait

    def wait(seconds: float) -> None:
        slow(seconds)
        if host.clock > 3:
            host.running.add("nginx.service")

    host.wait = wait  # type: ignore[method-assign]
    assert served.run(host, TIME, **CHRONY).ok


def _unsaid(host: Served, fails: Callable[[int], bool], error: HostError) -> list[int]:
    """The units are not told for as long as it `fails`, by the number of the time asked."""
    real, asked = host.ask, list[int]()

    def ask(query: Query) -> Output:
        if query is not queries.UNITS_UP:
            return real(query)
        asked.append(len(asked))
        if fails(asked[-1]):
            raise error
        return real(query)

    host.ask = ask  # type: ignore[method-assign]
    return asked


SILENT = TimedOut("systemctl", "took longer than 15 s, ended")


def test_a_host_that_does_not_say_what_is_up_is_not_repaired(host: Served) -> None:
    before = (host.root / "etc/chrony/chrony.conf").read_text()
    _unsaid(host, lambda _: True, SILENT)
    with pytest.raises(TimedOut):
        served.run(host, TIME, **CHRONY)
    assert (host.root / "etc/chrony/chrony.conf").read_text() == before


def test_what_could_not_be_looked_at_for_a_moment_is_looked_at_again(host: Served) -> None:
    asked = _unsaid(host, lambda time: 1 <= time <= 3, SILENT)
    report = served.run(host, TIME, **CHRONY)
    assert (report.ok, report.unseen, len(asked)) == (True, False, 5)
    assert host.clock < 5


def test_what_cannot_be_looked_at_afterwards_is_neither_up_nor_down(host: Served) -> None:
    """The repair stands, for nothing says that it did harm, and a person is told to look."""
    _unsaid(host, lambda time: time > 0, SILENT)
    report = served.run(host, TIME, **CHRONY)
    assert (report.ok, report.undone, report.unseen) == (False, None, True)
    assert (report.collateral, report.changed, report.is_a_persons) == ((), True, True)
    assert "\npool 2" in (host.root / "etc/chrony/chrony.conf").read_text()
    assert len(report.undos) > 0, "a person can undo it"
    assert "not known: systemctl: took longer than 15 s" in str(report.error)
    assert (report.actions[-1].type, report.actions[-1].error) == ("look_again", report.error)
    assert 5 <= host.clock < 7


def test_what_has_changed_nothing_has_brought_nothing_down(host: Served) -> None:
    assert served.run(host, TIME, **CHRONY).ok
    _unsaid(host, lambda time: time > 0, SILENT)
    report = served.run(host, TIME, **CHRONY)
    assert (report.ok, report.unseen, report.is_a_persons) == (True, False, False)


def test_a_new_line_is_asked_once_more_what_is_up(host: Served) -> None:
    """The revert is called off over it: what was not known before it may be known then."""
    gone: list[bool] = []
    host.along["try-reload"] = lambda: gone.append(True)
    host.let_in = gone.clear
    _unsaid(host, lambda _: bool(gone), Unreachable("root@host", "the connection broke"))
    report = served.run(host)
    assert (report.ok, report.unseen, len(host.called_off)) == (True, False, 1)
    (host.root / CONFIG).write_text(OLD)
    host.let_in = lambda: None
    report = served.run(host)
    assert (report.ok, report.undone, report.unseen) == (False, None, True)
    assert (len(host.called_off), "MaxAuthTries 4" in (host.root / CONFIG).read_text()) == (2, True)


def test_whatever_a_run_failed_for_what_it_brought_down_is_named(host: Served) -> None:
    """A step that failed takes its service along, and the undo does not start it again."""

    def fail() -> None:
        host.running.discard("nginx.service")
        raise Failed("systemctl", "ended with exit code 1")

    host.along["restart -- chrony"] = lambda: fail() if "nginx.service" in host.running else None
    report = served.run(host, TIME, **CHRONY)
    assert (report.ok, report.undone, report.collateral) == (False, False, ("nginx.service",))
    assert "systemctl: ended with exit code 1" in str(report.error)
    assert "left by hand: still down: nginx.service" in str(report.error)
    assert report.is_a_persons


def test_a_failed_run_whose_undo_brought_everything_up_again_is_no_more_than_that(
    host: Served,
) -> None:
    def fail() -> None:
        if "nginx.service" in host.running:
            host.running.discard("nginx.service")
            raise Failed("systemctl", "ended with exit code 1")
        host.running.add("nginx.service")

    host.along["restart -- chrony"] = fail
    report = served.run(host, TIME, **CHRONY)
    assert (report.ok, report.undone, report.collateral) == (False, True, ())
    assert not report.is_a_persons


def test_a_stopped_run_that_brought_something_down_says_so(host: Served) -> None:
    host.along["restart -- chrony"] = lambda: host.running.discard("nginx.service")
    asked: list[int] = []

    def stop() -> str | None:
        asked.append(1)
        return "frozen by it" if "nginx.service" not in host.running else None

    book = runbook.load(TWICE.encode(), "demo.yaml")
    report = runner.run(book, {}, host, stop, host.pace)
    assert (report.stopped, report.undone, report.collateral) == (
        "frozen by it",
        False,
        ("nginx.service",),
    )
