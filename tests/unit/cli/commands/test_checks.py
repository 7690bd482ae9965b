"""`wardline checks`: the list, an explanation, a measurement by hand, and the start of a new check."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.tidy import tree
from tests.unit.agent import host_trees
from wardline.agent import settings
from wardline.agent.checks import check
from wardline.agent.settings import Settings
from wardline.cli import check_author, check_templates
from wardline.cli.check_author import CheckExists, NotACheckout
from wardline.cli.commands import checks
from wardline.core import ids
from wardline.core.errors import NotFound, WrongUsage

RUNNER = CliRunner()
NEW = "fan_speed"
COPIED = ("src/wardline/", "tests/", "docs/", "pyproject.toml", "CHANGELOG.md")


def test_the_list_names_every_check() -> None:
    told = json.loads(RUNNER.invoke(checks.app, ["list", "--json"]).stdout)
    assert [one["id"] for one in told] == sorted(check.registry())
    shown = RUNNER.invoke(checks.app, ["list"]).stdout
    assert all(name in shown for name in check.registry())


def test_an_explanation_says_what_the_manifest_says() -> None:
    told = json.loads(RUNNER.invoke(checks.app, ["explain", "sudo_config", "--json"]).stdout)
    manifest = check.registry()["sudo_config"].manifest
    assert (told["evidence"], tuple(told["controls"])) == (manifest.evidence, manifest.controls)
    shown = " ".join(RUNNER.invoke(checks.app, ["explain", "sudo_config"]).stdout.split())
    assert manifest.title in shown
    assert manifest.remediation in shown


def test_a_check_that_there_is_not_is_named() -> None:
    result = RUNNER.invoke(checks.app, ["explain", "sudo"])
    assert isinstance(result.exception, NotFound)
    assert "there is no check sudo; `wardline checks list`" in str(result.exception)


def test_a_run_measures_a_tree_and_ends_with_what_it_found(tmp_path: Path) -> None:
    root = host_trees.clinic(tmp_path / "host")
    done = RUNNER.invoke(checks.app, ["run", "--tree", str(root), "--json"])
    told = json.loads(done.stdout)
    assert [one["check"] for one in told] == sorted(check.registry())
    assert {one["outcome"] for one in told} == {"pass", "not_applicable"}
    assert done.exit_code == 0
    (root / "etc/sudoers").write_text("ALL ALL=NOPASSWD: ALL\n")
    done = RUNNER.invoke(checks.app, ["run", "sudo_config", "--tree", str(root), "--json"])
    (one,) = json.loads(done.stdout)
    assert (one["outcome"], done.exit_code) == ("fail", checks.EXIT_FOUND)
    assert "everybody" in one["facts"]["failing"]


def test_a_run_measures_a_host_of_the_appliance_by_its_name(tmp_path: Path) -> None:
    root = host_trees.clinic(tmp_path / "host")
    (tmp_path / "agent.toml").write_text(_agent_toml(root))
    asked = ["run", "time_sync", "--data", str(tmp_path), "--json", "--host"]
    done = RUNNER.invoke(checks.app, [*asked, "records"])
    (one,) = json.loads(done.stdout)
    assert (one["outcome"], done.exit_code) == ("pass", 0)
    done = RUNNER.invoke(checks.app, [*asked, "pacs"])
    (one,) = json.loads(done.stdout)
    assert (one["outcome"], done.exit_code) == ("unknown", checks.EXIT_FOUND)
    assert one["summary"] == "no checks for this platform yet (windows/11)"
    done = RUNNER.invoke(checks.app, [*asked, "other"])
    assert isinstance(done.exception, NotFound)
    assert "it has records, pacs" in str(done.exception)


def _agent_toml(root: Path) -> str:
    key = "A" * 43 + "="
    keys = dict.fromkeys(("uplink_key", "log_key", "policy_key", "order_key"), key)
    central = {"url": "https://central.example", "installation_id": "x", "log_origin": "x", **keys}
    hosts = [
        {"id": ids.host(), "name": "records", "kind": "tree", "root": root},
        {"id": ids.host(), "name": "pacs", "kind": "declared", "platform": "windows/11"},
    ]
    whole = {
        "central": central,
        "site": {"id": ids.site(), "name": "x"},
        "appliance": {"id": ids.appliance()},
        "hosts": hosts,
    }
    return settings.to_toml(Settings.model_validate(whole))


def test_a_run_changes_nothing(tmp_path: Path) -> None:
    root = host_trees.clinic(tmp_path / "host")
    before = {path: path.lstat().st_mtime_ns for path in root.rglob("*")}
    RUNNER.invoke(checks.app, ["run", "--tree", str(root)])
    assert {path: path.lstat().st_mtime_ns for path in root.rglob("*")} == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--tree", "/nothing/here"], "is no directory"),
        (["--tree", "/", "--host", "x"], "give one of them"),
    ],
)
def test_a_host_that_is_none_is_refused(arguments: list[str], says: str) -> None:
    result = RUNNER.invoke(checks.app, ["run", *arguments])
    assert isinstance(result.exception, WrongUsage)
    assert says in str(result.exception)


@pytest.mark.parametrize("name", ["Fan", "a-b", "../x", "class", "x" * 41, "", "a__b"])
def test_a_name_that_no_module_can_have_is_refused(name: str) -> None:
    with pytest.raises(WrongUsage):
        check_author.write(tree.ROOT, name)


def test_a_new_check_overwrites_nothing_and_needs_a_checkout(tmp_path: Path) -> None:
    with pytest.raises(CheckExists):
        check_author.write(tree.ROOT, "sudo_config")
    with pytest.raises(NotACheckout):
        check_author.write(tmp_path, NEW)


def test_a_new_check_is_red_where_its_author_must_write_and_nowhere_else(tmp_path: Path) -> None:
    root = _checkout(tmp_path)
    wrote = check_author.write(root, NEW)
    assert all((root / path).is_file() for path in wrote)
    assert (
        _run(root, "-m", "ruff", "format", "--check", "src/wardline/agent/checks").returncode == 0
    )
    assert _run(root, "-m", "ruff", "check", "src/wardline/agent/checks").returncode == 0

    judged = (
        *("tests/tidy/test_checks.py", "tests/unit/agent/test_catalogue.py"),
        *("tests/unit/agent/checks/test_measure.py", "tests/unit/agent/checks/test_cases.py"),
        *("tests/unit/demo/test_trees.py", "tests/tidy/test_reference.py"),
    )
    # Of the many cases, those of the new check and of one that was there before.
    chosen = f"{NEW} or not test_cases.py or removable_media or same_digest"
    done = _run(root, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-k", chosen, *judged)
    failed = set(re.findall(r"^FAILED \S+::(\S+?\[[^\]]*\]|\S+)", done.stdout, re.MULTILINE))
    assert failed == {
        f"test_a_check_has_module_cases_and_page_and_each_is_written[{NEW}]",
        f"test_a_manifest_says_what_it_must[{NEW}]",
        f"test_the_page_of_a_check_says_what_the_manifest_says_and_more[{NEW}]",
        f"test_every_new_host_passes_the_check[{NEW}]",
        "test_every_check_has_a_drift_or_nothing_to_look_at",
        *(f"test_check_finds_what_the_case_says[{NEW}: {name}]" for name in _case_names()),
    }, done.stdout[-4000:]


def _case_names() -> list[str]:
    return re.findall(r'name: "(.*)"', check_templates.cases(NEW))


def _checkout(folder: Path) -> Path:
    """What of this checkout a check is written into and judged by."""
    for name in tree.files():
        if name.startswith(COPIED):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(tree.ROOT / name, path)
    return folder


def _run(root: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root / "src")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
