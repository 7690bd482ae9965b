"""The repairs of services on a host that runs: the order of their commands, and the way back."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.agent import host_trees
from tests.unit.agent.live_host import Machine
from wardline.agent.checks import check
from wardline.agent.hosts.tree import TreeHost
from wardline.agent.runbooks import runbook, runner
from wardline.agent.runbooks.runbook import InputInvalid, Risk
from wardline.core import clock
from wardline.core.evidence.bundle import Outcome
from wardline.core.incidents import remedy

WANTS = "etc/systemd/system/multi-user.target.wants"
RULES = "etc/audit/rules.d/zz-wardline.rules"
FIREWALL = runbook.registry()["firewall.enable"]
AUDIT = runbook.registry()["audit_logging.enable"]
TIME = runbook.registry()["time_sync.enable"]
SETTINGS = {"settings": ["write_logs", "local_events", "log_format", "max_log_file_action"]}
CHRONY: dict[str, Any] = {"chrony": ["pool"], "timesyncd": [], "units": ["chrony.service"]}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A clinic's host whose firewall, auditd and chrony have drifted."""
    root = host_trees.clinic(tmp_path / "host")
    host_trees.change(
        root,
        {
            "replace": {
                "etc/ufw/ufw.conf": ["ENABLED=yes", "ENABLED=no"],
                "etc/audit/auditd.conf": ["write_logs = yes", "write_logs = no"],
                "etc/chrony/chrony.conf": ["pool 2.debian.pool.ntp.org iburst", "#"],
            },
            "remove": [f"{WANTS}/auditd.service"],
        },
    )
    return root


def _content(root: Path) -> dict[str, str]:
    found = {}
    for path in sorted((root / "etc").rglob("*")):
        name = str(path.relative_to(root))
        found[name] = str(path.readlink()) if path.is_symlink() else ""
        if path.is_file() and not path.is_symlink():
            found[name] = path.read_bytes().hex()
    return found


def test_ssh_is_allowed_before_the_firewall_is_switched_on(root: Path) -> None:
    # As Debian installs it: the unit has run at boot, and found the switch off.
    host = Machine(root, "ufw.service")
    inputs = {"ssh_ports": ["22", "2222"]}
    previewed = runner.dry_run(FIREWALL, inputs, host)
    assert (host.ran, host.allowed, host.filtering) == ([], [], False)
    report = runner.run(FIREWALL, inputs, host)
    assert report.ok, report.error
    assert host.ran == ["ufw allow 22/tcp", "ufw allow 2222/tcp", "ufw --force enable"]
    assert (host.allowed, host.filtering) == (["22/tcp", "2222/tcp"], True)
    assert "+ufw allow 22/tcp" in previewed[0].diff
    assert "+Status: active" in previewed[-1].diff
    assert not runner.run(FIREWALL, inputs, host).changed


@pytest.mark.parametrize("fails", ["ufw allow 2222/tcp", "ufw --force enable"])
def test_a_firewall_that_cannot_be_switched_on_is_left_as_it_was(root: Path, fails: str) -> None:
    host, before = Machine(root, "ufw.service", fails=fails), _content(root)
    host.allowed = ["80/tcp"]
    report = runner.run(FIREWALL, {"ssh_ports": ["22", "2222"]}, host)
    assert (report.ok, report.undone, report.changed) == (False, True, False)
    assert (host.allowed, host.filtering) == (["80/tcp"], False)
    assert _content(root) == before
    assert "ufw --force enable" not in host.ran[: host.ran.index(fails)]


def test_an_ssh_port_that_the_runbook_does_not_know_is_refused(root: Path) -> None:
    host = Machine(root, "ufw.service")
    for port in ("4711", "22/tcp", "--force"):
        with pytest.raises(InputInvalid, match="does not repair"):
            runner.run(FIREWALL, {"ssh_ports": [port]}, host)
    assert host.ran == []


def test_a_firewall_is_offered_and_never_automatic() -> None:
    assert FIREWALL.risk is Risk.HIGH
    assert (AUDIT.risk, TIME.risk) == (Risk.MEDIUM, Risk.LOW)


def test_audit_rules_are_loaded_before_auditd_starts(root: Path) -> None:
    host = Machine(root)
    report = runner.run(AUDIT, SETTINGS, host)
    assert report.ok, report.error
    assert host.ran == [
        "augenrules --load",
        "kill --signal=HUP auditd.service",
        "enable --now -- auditd.service",
    ]
    assert "-w /etc/sudoers.d -p wa -k wardline\n" in host.loaded[-1]
    assert report.actions[-1].diff.endswith("auditd.service: stopped → running\n")
    assert not runner.run(AUDIT, SETTINGS, host).changed


def test_rules_are_unloaded_when_auditd_does_not_start(root: Path) -> None:
    host = Machine(root, fails="systemctl enable --now -- auditd.service")
    before = _content(root)
    report = runner.run(AUDIT, SETTINGS, host)
    assert (report.ok, report.undone) == (False, True)
    assert _content(root) == before
    assert not any("wardline" in text for text in host.loaded)
    assert host.ran[-1] == "augenrules --load"


def test_a_kernel_that_takes_no_rules_keeps_the_old_ones(root: Path) -> None:
    host, before = Machine(root, fails="augenrules --load"), _content(root)
    report = runner.run(AUDIT, SETTINGS, host)
    assert not report.ok
    assert report.undone is False, "what is loaded could not be loaded again, and that is said"
    assert _content(root) == before


def test_chrony_gets_a_source_and_reads_it(root: Path) -> None:
    host = Machine(root, "chrony.service")
    report = runner.run(TIME, CHRONY, host)
    assert report.ok, report.error
    assert host.ran == ["restart -- chrony.service"]
    assert "+pool 2.debian.pool.ntp.org iburst" in report.actions[0].diff
    assert not runner.run(TIME, CHRONY, host).changed


def test_a_chrony_that_does_not_come_back_gets_its_old_file_and_another_try(root: Path) -> None:
    host = Machine(root, "chrony.service", fails="systemctl restart -- chrony.service")
    before = _content(root)
    report = runner.run(TIME, CHRONY, host)
    assert not report.ok
    assert _content(root) == before
    assert host.ran == ["systemctl restart -- chrony.service"] * 2


def test_timesyncd_gets_servers_in_the_section_that_counts(root: Path) -> None:
    (root / "etc/systemd/timesyncd.conf").write_text("[Time]\n#NTP=\nFallbackNTP=\n")
    unit = root / "usr/lib/systemd/system/systemd-timesyncd.service"
    unit.write_text("[Install]\nWantedBy=sysinit.target\n")
    host = Machine(root)
    inputs: dict[str, Any] = {
        "chrony": [],
        "timesyncd": ["NTP"],
        "units": ["systemd-timesyncd.service"],
    }
    report = runner.run(TIME, inputs, host)
    assert report.ok, report.error
    lines = (root / "etc/systemd/timesyncd.conf").read_text().split("\n")
    assert lines[-2].startswith("NTP=0.debian.pool.ntp.org ")
    assert host.running >= {"systemd-timesyncd.service"}


OPENNTPD = "usr/lib/systemd/system/openntpd.service"


@pytest.mark.parametrize(
    ("check_id", "changes", "runbooks"),
    [
        ("firewall", {}, ["firewall.enable"]),
        ("firewall", {"files": {"etc/ufw/user.rules": "*filter\nCOMMIT\n"}}, []),
        ("firewall", {"files": {"etc/ssh/sshd_config": "Port 2222\n"}}, []),
        ("firewall", {"files": {"usr/lib/systemd/system/nftables.service": "[Unit]\n"}}, []),
        ("audit_logging", {}, ["audit_logging.enable"]),
        ("audit_logging", {"append": {"etc/audit/rules.d/50-clinic.rules": "-a never,task\n"}}, []),
        ("audit_logging", {"append": {"etc/audit/rules.d/50-clinic.rules": "-e 0\n"}}, []),
        ("audit_logging", {"remove": ["usr/lib/systemd/system/auditd.service"]}, []),
        ("time_sync", {}, ["time_sync.enable"]),
        ("time_sync", {"remove": [f"{WANTS}/chrony.service"]}, ["time_sync.enable"]),
        ("time_sync", {"remove": [f"{WANTS}/chrony.service"], "files": {OPENNTPD: "[Unit]\n"}}, []),
    ],
)
def test_what_a_runbook_cannot_put_right_or_would_lock_out_is_left_to_a_person(
    check_id: str, changes: dict[str, Any], runbooks: list[str], root: Path
) -> None:
    host_trees.change(root, changes)
    host = TreeHost("host", "host", str(root))
    result = check.measure(check.registry()[check_id], host, clock.system)
    assert result.outcome == Outcome.FAIL, result.summary
    found = remedy.candidates(runbook.remedies(), check_id, result.facts)
    assert [one.runbook for one in found] == runbooks
