"""Repairs that lock us out of a real sshd: the host comes back by itself, and that is what is told.

The host's `/etc/ssh/sshd_config` is the very file that the server reads, its `systemctl reload` a
SIGHUP to it. Its firewall drops packets by stopping the server and all of its connections.
"""

import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.harness import openssh
from tests.integration.agent.ssh.conftest import Boxed, Opening
from wardline.agent.runbooks import runbook, runner
from wardline.agent.runbooks.line_guard import Pace
from wardline.agent.runbooks.runbook import Runbook
from wardline.agent.runbooks.runner import RunReport

# As long as such a run surely takes, and the half of what a clinic's host waits.
PACE = Pace(revert_s=30)
CONFIG = "etc/ssh/sshd_config"
HEAD = """
id: demo.repair
version: 1
title: A repair
description: It repairs.
risk: medium
check: ssh_config
platforms: [linux]
controls: ["nist_800_53:CM-6"]
steps:
"""
SSHD = """
  - type: set_config_line
    name: option
    file: /etc/ssh/sshd_config
    syntax: sshd
    key: {key}
    line: "{key} {value}"
    placement: first
    reload_with: [systemctl, reload, ssh.service]
"""
FIREWALL = """
  - type: set_config_line
    name: switch
    file: /etc/ufw/ufw.conf
    syntax: equals
    key: ENABLED
    line: ENABLED=yes
  - type: run_command
    name: now
    argv: [ufw, --force, enable]
    undo: [ufw, disable]
    shown_by: ufw_status
    unless: "Status: active"
    timeout_s: 5
"""
SYSTEMCTL = """#!/bin/sh
[ "$1" = reload ] || exit 1
kill -HUP "$(cat /run/sshd.pid)"
"""
UFW = """#!/bin/sh
case "$*" in
"--force enable") touch /filtering; sleep 2 ;;
disable) rm -f /filtering ;;
status) [ -e /filtering ] && echo "Status: active" || echo "Status: inactive" ;;
esac
"""


def _book(step: str) -> Runbook:
    return runbook.load((HEAD + step).encode(), "demo.yaml")


@pytest.fixture
def host(toolbox: Path, tmp_path: Path, opening: Opening) -> Iterator[Boxed]:
    """A tree whose sshd is the one that lets us in."""
    root = openssh.copy(toolbox, tmp_path / "root")
    for program, text in (("systemctl", SYSTEMCTL), ("ufw", UFW)):
        (root / "usr/bin" / program).write_text(text)
        (root / "usr/bin" / program).chmod(0o755)
    openssh.install(root, openssh.SSHD)
    with openssh.serving(tmp_path / "sshd", root=root) as server:
        server.stop()
        for folder in ("etc/ssh", "etc/ufw", "run/sshd", str(tmp_path / "sshd").lstrip("/")):
            (root / folder).mkdir(parents=True, exist_ok=True)
        (root / "etc/os-release").write_text("ID=debian\n")
        (root / "etc/ufw/ufw.conf").write_text("ENABLED=no\n")
        shutil.copy(tmp_path / "sshd/host_key", root / str(tmp_path / "sshd/host_key").lstrip("/"))
        (root / "etc/passwd").write_text(
            "root:x:0:0:root:/root:/bin/sh\nsshd:x:100:65534::/run/sshd:/usr/sbin/nologin\n"
        )
        server.settings = root / CONFIG
        server.start()
        assert server.process is not None
        # A SIGHUP makes it begin anew as the same process.
        (root / "run/sshd.pid").write_text(f"{server.process.pid}\n")
        boxed = Boxed(root, server, opening(server))
        boxed.host.connect()
        yield boxed


def _run(host: Boxed, book: Runbook, pace: Pace) -> tuple[RunReport, float]:
    started = time.monotonic()
    report = runner.run(book, {}, host.host, pace=pace)
    return report, time.monotonic() - started


def _armed(host: Boxed) -> list[str]:
    folder = host.root / "var/lib/wardline/reverts"
    return [one.name for one in folder.iterdir() if not (one / "outcome").exists()]


@pytest.mark.full
def test_an_sshd_that_lets_nobody_in_any_more_comes_back_by_itself(host: Boxed) -> None:
    """In the gate the library's own repair does so: tests/integration/healing/scenarios/60_line."""
    config = host.root / CONFIG
    before, mode = config.read_text(), config.stat().st_mode
    locks_out = _book(SSHD.format(key="AuthorizedKeysFile", value="none"))
    report, spent_s = _run(host, locks_out, PACE)
    assert (report.ok, report.undone, report.changed) == (False, True, False), report.error
    assert f"no new connection within {PACE.revert_s} s" in str(report.error)
    assert "restored /etc/ssh/sshd_config" in str(report.error)
    assert "ran systemctl reload ssh.service" in str(report.error)
    assert spent_s >= PACE.revert_s
    assert (config.read_text(), config.stat().st_mode) == (before, mode)
    assert "AuthorizedKeysFile none" in report.actions[1].diff
    assert _armed(host) == []
    host.host.close()
    host.server.wait()
    assert host.host.run(["true"], 10, 100).exit_code == 0, "it can be entered again"


def test_what_sshd_refuses_never_gets_so_far_and_what_locks_nobody_out_stays(host: Boxed) -> None:
    config = host.root / CONFIG
    before = config.read_text()
    refused, _ = _run(host, _book(SSHD.format(key="MaxAuthTries", value="often")), runner.PACE)
    assert (refused.ok, refused.undone) == (False, None)
    assert config.read_text() == before
    logins = host.server.logins()
    kept, _ = _run(host, _book(SSHD.format(key="MaxAuthTries", value="4")), runner.PACE)
    assert kept.ok, kept.error
    assert config.read_text().startswith("MaxAuthTries 4\n")
    assert host.server.logins() == logins + 1, "called off over a new connection"
    assert [one.type for one in kept.actions][::2] == ["arm_a_revert", "call_off_the_revert"]
    assert _armed(host) == []


@pytest.mark.full
def test_a_firewall_that_drops_our_packets_comes_off_by_itself(host: Boxed) -> None:
    """Those of who is in as well, which a scenario of the gate lets through."""
    with _filtered(host):
        report, spent_s = _run(host, _book(FIREWALL), PACE)
    assert (report.ok, report.undone, report.changed) == (False, True, False), report.error
    assert "ran ufw disable" in str(report.error)
    assert spent_s >= PACE.revert_s
    assert not (host.root / "filtering").exists()
    assert (host.root / "etc/ufw/ufw.conf").read_text() == "ENABLED=no\n"
    assert _armed(host) == []


@contextmanager
def _filtered(host: Boxed) -> Iterator[None]:
    """While its firewall filters, nothing of the server moves, as if no packet came through."""
    over = threading.Event()

    def watch() -> None:
        paused = False
        while not over.is_set():
            filtering = (host.root / "filtering").exists()
            if filtering is not paused:
                host.server.pause_all() if filtering else host.server.resume_all()
                paused = filtering
            over.wait(0.05)
        host.server.resume_all()

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
