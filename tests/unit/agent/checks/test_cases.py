"""Every check on the trees of its cases: cases/<check>.yaml says what to change and what to find."""

import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.agent import host_trees
from wardline.agent.checks import check
from wardline.agent.hosts.tree import TreeHost
from wardline.agent.scrub.scrubber import Scrubber
from wardline.core import canonical, clock
from wardline.core.evidence.bundle import Outcome

# Far below the budgets: a file that makes a parser slow is a defect even where the budget ends it.
CPU_S_MAX = 1.5
FOLDER = Path(__file__).with_name("cases")
CASES = [
    pytest.param(path.stem, case, id=f"{path.stem}: {case['name']}")
    for path in sorted(FOLDER.glob("*.yaml"))
    for case in yaml.safe_load(path.read_text())
]
KINDS = {"pass", "fail", "unknown", "not_applicable", "hostile"}


@pytest.fixture(scope="session")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return host_trees.clinic(tmp_path_factory.mktemp("healthy") / "host")


@pytest.mark.parametrize(("name", "case"), CASES)
def test_check_finds_what_the_case_says(
    name: str, case: dict[str, Any], healthy: Path, tmp_path: Path
) -> None:
    root = tmp_path / "host"
    if case.get("tree") == "empty":
        root.mkdir()
    else:
        host_trees.copy(healthy, root)
    host_trees.change(root, case)
    host = (
        host_trees.RecordedHost(str(root), case)
        if case.get("live")
        else TreeHost("host", "host", str(root), writable=False)
    )

    now = clock.parse(case["now"]) if "now" in case else None
    started = time.thread_time()
    result = check.measure(check.registry()[name], host, (lambda: now) if now else clock.system)
    assert time.thread_time() - started < CPU_S_MAX

    expected = case["expect"]
    assert (result.outcome, result.summary) == (expected["outcome"], result.summary)
    assert result.facts.get("reason_code") != "defect", result.summary
    assert expected.get("says", "") in result.summary
    if "failing" in expected:
        assert result.facts["failing"] == expected["failing"]
    if "severity" in expected:
        assert result.severity == expected["severity"]
    for fact, value in expected.get("facts", {}).items():
        assert _fact(result.facts, fact) == value
    assert result.facts_digest == canonical.digest(result.facts)
    if case["kind"] != "hostile":
        # What names the pattern of an incident is no secret, and must not look like one.
        scrubbed = Scrubber.ephemeral().result(result)
        assert scrubbed.facts.get("failing") == result.facts.get("failing")


def _fact(facts: Any, path: str) -> Any:
    for part in path.split("/"):
        facts = facts[int(part)] if isinstance(facts, list) else facts[part]
    return facts


@pytest.mark.parametrize("name", sorted(check.registry()))
def test_every_check_has_a_case_of_each_kind(name: str) -> None:
    cases = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    named = {case["name"] for case in cases}
    assert len(named) == len(cases), "two cases have one name"
    assert {case["kind"] for case in cases} == KINDS - _impossible(name)


def _impossible(name: str) -> set[str]:
    """A host always has files, a kernel, packages, units, accounts, a network, something to lose and
    people whose doings are recorded: their checks are never without an object."""
    without = {"file_permissions", "kernel_sysctl", "patching"}
    without |= {"antivirus", "empty_passwords", "uid0_accounts"}
    without |= {"audit_logging", "backup", "firewall", "prohibited_services"}
    without |= {"backup_restore", "core_dumps", "file_integrity", "mandatory_access_control"}
    without |= {"os_support", "package_sources", "remote_access"}
    return {Outcome.NOT_APPLICABLE.value} if name in without else set()


def test_measuring_the_same_host_twice_gives_the_same_digest(healthy: Path) -> None:
    host = TreeHost("host", "host", str(healthy))
    for one in check.registry().values():
        first, second = (check.measure(one, host, clock.system) for _ in range(2))
        assert first.facts_digest == second.facts_digest
