"""Every runbook on the hosts of its cases: cases/<runbook>.yaml says what drifts and what comes."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.agent import host_trees
from tests.unit.agent.runbooks import books
from tests.unit.agent.runbooks.books import Programs
from tests.unit.agent.runbooks.test_runner import _snapshot
from wardline.agent.checks import check
from wardline.agent.hosts.host import HostError
from wardline.agent.hosts.tree import TreeHost
from wardline.agent.runbooks import runbook, runner
from wardline.agent.runbooks.runbook import InputInvalid
from wardline.agent.runbooks.runner import RunReport
from wardline.agent.scrub.scrubber import Scrubber
from wardline.core.evidence.bundle import Outcome, Result
from wardline.core.incidents import remedy
from wardline.core.incidents.remedy import Remedy

NAMES = sorted(runbook.registry())
CASES = [
    pytest.param(name, case, id=f"{name}: {case['name']}")
    for name in NAMES
    for case in books.cases(name)
]
# They answer whatever their check finds.
ANSWER_ALL = {"kernel_sysctl.apply", "log_retention.keep", "file_permissions.restore"}


@pytest.fixture(scope="session")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return host_trees.clinic(tmp_path_factory.mktemp("healthy") / "host")


@pytest.mark.parametrize(("name", "case"), CASES)
def test_a_runbook_does_what_its_case_says(
    name: str, case: dict[str, Any], healthy: Path, tmp_path: Path
) -> None:
    root = host_trees.copy(healthy, tmp_path / "host")
    host_trees.change(root, case)
    host = Programs(root, case) if case.get("live") else TreeHost("host", "host", str(root))
    host.kind = books.kind(case)
    match case["kind"]:
        case "repaired":
            _is_repaired(name, case, host, root)
        case "left":
            assert name not in [one.runbook for one in _answers(name, case, host)]
        case "failed":
            _fails(name, case, host, root)
        case "refused":
            _is_refused(name, case, host, root)


def _is_repaired(name: str, case: dict[str, Any], host: TreeHost, root: Path) -> None:
    answer = _answer(name, case, host)
    assert answer.runbook == name
    inputs = remedy.inputs(answer, _measured(name, case, host).facts)
    assert inputs == case.get("inputs", inputs)
    before = _snapshot(root)
    previewed = runner.dry_run(runbook.registry()[name], inputs, host)
    assert _snapshot(root) == before
    report = runner.run(runbook.registry()[name], inputs, host)
    assert (report.ok, report.undone, report.error) == (True, None, None)
    assert report.changed
    done = [one for one in report.actions if one.type not in books.OF_THE_RUN]
    assert [one.diff for one in done] == [one.diff for one in previewed]
    assert _measured(name, case, host).outcome is Outcome.PASS
    _check_after(case, report, root)
    if isinstance(host, Programs):
        assert host.ran == case.get("ran", [])
        assert bool(host.reverts) is case.get("guarded", False)
        assert [one.revert for one in host.called_off] == host.reverts
    after = _snapshot(root)
    assert not runner.run(runbook.registry()[name], inputs, host).changed
    assert _snapshot(root) == after


def _check_after(case: dict[str, Any], report: RunReport, root: Path) -> None:
    """Modes, texts that a file holds and diffs show; and what nothing that is told may show."""
    for path, wanted in case.get("after", {}).items():
        if wanted.isdecimal() and len(wanted) == 4:
            assert f"{(root / path).stat().st_mode & 0o7777:04o}" == wanted, path
        else:
            assert wanted in (root / path).read_text(), path
    for step, lines in case.get("diffs", {}).items():
        (diff,) = [one.diff for one in report.actions if one.step == step]
        assert all(line in diff.split("\n") for line in lines.split("\n") if line), diff
    told = "\n".join(f"{one.diff}{one.output}{one.error}" for one in report.actions)
    assert not [secret for secret in case.get("hides", []) if secret in told]


def _fails(name: str, case: dict[str, Any], host: TreeHost, root: Path) -> None:
    answer = _answer(name, case, host)
    inputs = remedy.inputs(answer, _measured(name, case, host).facts)
    before = _snapshot(root)
    report = runner.run(runbook.registry()[name], inputs, host)
    assert (report.ok, report.undone) == (False, case["undone"]), report.error
    assert case.get("says", "") in str(report.error)
    assert _snapshot(root) == before
    if isinstance(host, Programs):
        assert host.ran == case["ran"]
    assert _measured(name, case, host).outcome is Outcome.FAIL


def _is_refused(name: str, case: dict[str, Any], host: TreeHost, root: Path) -> None:
    before = _snapshot(root)
    try:
        report = runner.run(runbook.registry()[name], case["inputs"], host)
    except (InputInvalid, HostError) as error:
        said = str(error)
    else:
        assert not report.ok
        said = str(report.error)
    assert case["says"] in said
    assert _snapshot(root) == before


def _answer(name: str, case: dict[str, Any], host: TreeHost) -> Remedy:
    """The one that answers, or the choice that a person picks among `choices`, all there are."""
    if "choice" not in case:
        (answer,) = _answers(name, case, host)
        return answer
    assert _answers(name, case, host) == (), "a machine would have picked"
    facts = _scrubbed(name, case, host).facts
    found = remedy.choices(runbook.remedies(), runbook.registry()[name].check, facts)
    assert [one.choice for one in found] == case["choices"]
    return next(one for one in found if one.choice == case["choice"])


def _answers(name: str, case: dict[str, Any], host: TreeHost) -> tuple[Remedy, ...]:
    result = _scrubbed(name, case, host)
    return remedy.candidates(runbook.remedies(), result.check, result.facts)


def _scrubbed(name: str, case: dict[str, Any], host: TreeHost) -> Result:
    """A remedy is chosen by facts that went through the scrubber, as they lie in the store."""
    result = _measured(name, case, host)
    assert result.outcome is Outcome.FAIL, result.summary
    return Scrubber.ephemeral().result(result)


def _measured(name: str, case: dict[str, Any], host: TreeHost) -> Result:
    one = check.registry()[runbook.registry()[name].check]
    return check.measure(one, host, books.now_of(case))


@pytest.mark.parametrize("name", NAMES)
def test_every_runbook_has_a_case_that_it_repairs_and_one_that_it_leaves(name: str) -> None:
    cases = books.cases(name)
    assert len({case["name"] for case in cases}) == len(cases), "two cases have one name"
    kinds = {case["kind"] for case in cases}
    assert kinds <= books.KINDS
    assert "repaired" in kinds
    assert ("left" in kinds) is (name not in ANSWER_ALL)


@pytest.mark.parametrize("name", NAMES)
def test_every_choice_of_a_runbook_has_a_case_that_it_repairs(name: str) -> None:
    known = {one.choice for one in runbook.registry()[name].remedies if one.choice}
    picked = {case["choice"] for case in books.cases(name) if "choice" in case}
    assert picked == known


def test_every_file_of_cases_belongs_to_a_runbook() -> None:
    assert {path.stem for path in books.FOLDER.glob("*.yaml")} == set(NAMES)
