"""Runs on a host that runs: each step in its time, nothing brought down, the line kept."""

from pathlib import Path

import pytest

from tests.unit.agent.runbooks import served
from tests.unit.agent.runbooks.served import CHRONY, CONFIG, ENTER, OLD, TELNET, TIME, Served
from wardline.agent.hosts.host import (
    Failed,
    HostError,
    RevertFired,
    TimedOut,
    Unreachable,
)
from wardline.agent.runbooks import runbook, runner


@pytest.fixture
def host(tmp_path: Path) -> Served:
    return served.at(tmp_path / "host")


def _types(report: runner.RunReport) -> list[str]:
    return [action.type for action in report.actions]


def test_a_revert_waits_before_the_first_change_and_a_new_connection_calls_it_off(
    host: Served,
) -> None:
    states = []
    host.let_in = lambda: states.append((host.root / CONFIG).read_text())  # type: ignore[func-returns-value]
    report = served.run(host)
    assert (report.ok, len(host.reverts), len(host.called_off)) == (True, 1, 1)
    assert _types(report) == ["arm_a_revert", "set_config_line", "call_off_the_revert"]
    assert "file /etc/ssh/sshd_config" in report.actions[0].output
    assert host.log == ["sshd -t", "systemctl try-reload-or-restart", ENTER]
    assert "MaxAuthTries 4" in states[0]
    assert host.reverts[0].after_s == 60


def test_a_run_that_cuts_the_line_waits_for_the_host_and_finds_it_as_it_was(host: Served) -> None:
    def comes_back() -> HostError:
        if host.clock < 60:
            return Unreachable("root@host", "connection refused")
        (host.root / CONFIG).write_text(OLD)
        return RevertFired("host", "the revert has put the host back: restored sshd_config")

    host.let_in = comes_back
    report = served.run(host)
    assert (report.ok, report.undone, report.changed) == (False, True, False)
    assert "no new connection within 60 s" in str(report.error)
    assert "restored sshd_config" in str(report.error)
    assert 60 <= host.clock < 64
    assert (host.root / CONFIG).read_text() == OLD


def test_a_host_that_never_comes_back_is_said_to_be_lost(host: Served) -> None:
    host.let_in = lambda: Unreachable("root@host", "connection refused")
    report = served.run(host)
    assert "also not after the host's 60 s" in str(report.error)
    assert host.clock > 120


def test_what_cannot_be_undone_keeps_its_revert(host: Served) -> None:
    host.along["try-reload"] = lambda: (_ for _ in ()).throw(Failed("systemctl", "dead"))
    host.let_in = lambda: (
        RevertFired("host", "the revert has put the host back") if host.clock >= 60 else None
    )
    report = served.run(host)
    assert (report.ok, report.undone) == (False, False)
    assert host.log.count(ENTER) == 1
    assert host.clock >= 60, "called off though something was left by hand"


def test_a_host_that_did_not_say_whether_anything_would_cut_the_line_is_not_changed(
    host: Served,
) -> None:
    real, asked = host.read, [0]

    def read(path: str, bytes_max: int) -> bytes:
        asked[0] += path == f"/{CONFIG}"
        if asked[0] == 1:
            raise TimedOut(path, "no answer from the host within 10.0 s")
        return real(path, bytes_max)

    host.read = read  # type: ignore[method-assign]
    with pytest.raises(TimedOut):
        served.run(host)
    assert ((host.root / CONFIG).read_text(), host.reverts) == (OLD, [])


def test_what_would_cut_the_line_only_by_now_is_not_done_unguarded(host: Served) -> None:
    """Nothing was to be changed when the host could still be armed."""
    (host.root / CONFIG).write_text("MaxAuthTries 4\n")
    real, looked = host.read, [0]

    def read(path: str, bytes_max: int) -> bytes:
        content = real(path, bytes_max)
        looked[0] += path == f"/{CONFIG}"
        if looked[0] == 1:
            (host.root / CONFIG).write_text(OLD)
        return content

    host.read = read  # type: ignore[method-assign]
    report = served.run(host)
    assert (report.ok, report.undone, host.reverts) == (False, None, [])
    assert "could cut the line" in str(report.error)
    assert (host.root / CONFIG).read_text() == OLD


def test_a_step_ends_with_its_time_and_is_undone(host: Served) -> None:
    host.takes_s = 25.0
    before = (host.root / "etc/chrony/chrony.conf").read_text()
    report = served.run(host, TIME, **CHRONY)
    assert report.ok
    host.takes_s = 61.0
    (host.root / "etc/chrony/chrony.conf").write_text(before)
    report = served.run(host, TIME, **CHRONY)
    assert "chronyd: took longer than 30 s" in str(report.error)
    assert (host.root / "etc/chrony/chrony.conf").read_text() == before


def test_the_items_of_a_step_share_its_time(host: Served) -> None:
    for unit in ("telnet.socket", "vsftpd.service", "rsync.service"):
        (host.root / "usr/lib/systemd/system" / unit).write_text("[Install]\nWantedBy=x.target\n")
        host.running.add(unit)
    host.takes_s = 25.0
    units = ["telnet.socket", "vsftpd.service", "rsync.service"]
    report = served.run(host, TELNET, units=units)
    assert "took longer than 10 s" in str(report.error)
    assert (report.undone, host.running >= set(units)) == (True, True)


def test_no_step_goes_on_into_the_time_of_the_new_connection(host: Served) -> None:
    host.takes_s = 21.0
    report = served.run(host)
    assert not report.ok
    assert "systemctl: took longer than 19 s" in str(report.error)
    assert (report.undone, host.log[-1]) == (True, ENTER)


def test_what_a_runbook_is_there_to_stop_is_not_brought_down(host: Served) -> None:
    (host.root / "usr/lib/systemd/system/telnet.socket").write_text("[Install]\nWantedBy=x.target")
    host.running.add("telnet.socket")
    report = served.run(host, TELNET, units=["telnet.socket"])
    assert (report.ok, report.collateral) == (True, ())


def test_a_harmful_change_is_undone_before_its_revert_is_called_off(host: Served) -> None:
    host.along["try-reload"] = lambda: host.running.discard("nginx.service")
    states = []
    host.let_in = lambda: states.append((host.root / CONFIG).read_text())  # type: ignore[func-returns-value]
    report = served.run(host)
    assert report.collateral == ("nginx.service",)
    assert states == [OLD]
    assert (host.root / CONFIG).read_text() == OLD


def test_a_run_that_needs_a_reboot_says_so_and_leaves_it_to_a_person(host: Served) -> None:
    text = """
id: demo.repair
version: 1
title: A repair
description: It repairs.
risk: low
check: file_permissions
platforms: [linux]
controls: ["nist_800_53:CM-6"]
requires_reboot: true
steps:
  - {type: install_file, name: a, file: /etc/motd, content: "x", mode: "0644"}
"""
    book = runbook.load(text.encode(), "demo.yaml")
    assert (book.requires_reboot, book.disruptive) == (True, False)
    report = runner.run(book, {}, host)
    assert (report.ok, report.actions[-1].type) == (True, "reboot")
    assert _types(runner.run(book, {}, host)) == ["install_file"]
