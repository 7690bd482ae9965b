"""The way every check is measured: budgets, defects, platforms, and facts fit for evidence."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from wardline.agent import enrol, roster
from wardline.agent.checks import check, ssh_config
from wardline.agent.checks.check import Finding, Manifest
from wardline.agent.checks.probe import Probe
from wardline.agent.hosts.tree import TreeHost
from wardline.agent.scrub.scrubber import Scrubber
from wardline.agent.settings import HostSettings
from wardline.core import canonical, clock, ids
from wardline.core.evidence.bundle import Outcome, Result

MANIFEST = replace(ssh_config.CHECK.manifest, cpu_ms_max=50, timeout_s=0.3)


@dataclass(frozen=True)
class Stub:
    """A check that does what it is told."""

    does: Callable[[Probe], Finding]
    manifest: Manifest = MANIFEST

    def measure(self, probe: Probe) -> Finding:
        return self.does(probe)


@pytest.fixture
def host(tmp_path: Path) -> TreeHost:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/os-release").write_text("ID=debian\n")
    return TreeHost("host", "host", str(tmp_path))


def _measure(host: TreeHost, does: Callable[[Probe], Finding]) -> Result:
    return check.measure(Stub(does), host, clock.system)


def test_a_check_that_burns_cpu_is_too_expensive(host: TreeHost) -> None:
    def spin(probe: Probe) -> Finding:
        while True:
            probe.tick()

    started = time.monotonic()
    result = _measure(host, spin)
    assert (result.outcome, result.facts["reason_code"]) == (Outcome.UNKNOWN, "too_expensive")
    assert "50 ms of CPU" in result.summary
    assert time.monotonic() - started < 5


def test_a_check_that_waits_is_too_expensive(host: TreeHost) -> None:
    def wait(probe: Probe) -> Finding:
        while True:
            time.sleep(0.05)
            probe.exists("/etc")

    assert "took longer than 0.3 s" in _measure(host, wait).summary


def test_a_defect_of_a_check_is_unknown_and_says_so(host: TreeHost) -> None:
    def divide(probe: Probe) -> Finding:
        return Finding(Outcome.PASS, str(1 // len(probe.listdir("/etc/nothing"))))

    def fail(_: Probe) -> Finding:
        raise ZeroDivisionError

    assert _measure(host, divide).summary == "/etc/nothing: does not exist"
    result = _measure(host, fail)
    assert (result.outcome, result.facts["reason_code"]) == (Outcome.UNKNOWN, "defect")
    assert "ZeroDivisionError in ssh_config" in result.summary


@pytest.mark.parametrize("text", ["a\x00b", "\x1b[31mred", "\udcff", "x" * 10_000, "zeile\nzwei"])
def test_text_of_a_host_is_made_fit_for_evidence(host: TreeHost, text: str) -> None:
    def tell(_: Probe) -> Finding:
        facts: Mapping[str, object] = {"failing": [text], "deep": [{"text": text}]}
        return Finding(Outcome.FAIL, text, facts)

    result = _measure(host, tell)
    canonical.dumps(dict(result.facts))
    assert result.summary.isprintable()
    assert len(result.summary) <= check.SUMMARY_CHARS_MAX
    assert result.facts["failing"][0] == result.facts["deep"][0]["text"]


def test_another_platform_has_no_checks_yet() -> None:
    declared = HostSettings(
        id=ids.host(), name="pacs", kind="declared", platform="windows/server-2022"
    )
    for one in check.registry().values():
        result = check.measure(one, roster.open_host(declared), clock.system)
        assert result.outcome == Outcome.UNKNOWN
        assert result.summary == "no checks for this platform yet (windows/server-2022)"
        assert result.facts["reason_code"] == "platform"
    told = enrol.report(declared, roster.open_host(declared), Scrubber.ephemeral())
    assert (told.kind, told.platform) == ("declared", "windows/server-2022")


def test_a_declared_host_of_a_platform_with_checks_is_unknown_because_nothing_reaches_it() -> None:
    declared = HostSettings(id=ids.host(), name="far", kind="declared", platform="linux/debian")
    for one in check.registry().values():
        result = check.measure(one, roster.open_host(declared), clock.system)
        assert result.outcome == Outcome.UNKNOWN
        assert "declared only: nothing reaches it yet" in result.summary


def test_a_tree_that_is_gone_is_unknown_with_that_reason(tmp_path: Path) -> None:
    gone = TreeHost("host", "host", str(tmp_path / "gone"))
    for one in check.registry().values():
        assert check.measure(one, gone, clock.system).summary == "/: does not exist"
