"""Rules about checks: a module, a manifest, cases and a page belong to each, and nothing else."""

from pathlib import PurePosixPath

import pytest
import yaml

from tests.tidy import reference, tree
from wardline.agent.checks import check
from wardline.cli import check_author, check_pages
from wardline.core import controls
from wardline.core.incidents import ladder

NAMES = sorted(check.registry())
KINDS = {"pass", "fail", "unknown", "hostile"}
WORDS_MIN = 25
CHARS_MIN = 20
# A cycle of every check on a host has two seconds, and a check that waits holds the others up.
CPU_MS_MAX = 5000
TIMEOUT_S_MAX = 60


def _texts(name: str) -> dict[str, str]:
    paths = (
        f"{check_author.CHECKS}/{name}.py",
        f"{check_author.CASES}/{name}.yaml",
        f"{check_pages.FOLDER}/{name}.md",
    )
    there = {path: tree.text(path) if (tree.ROOT / path).is_file() else None for path in paths}
    return {path: text or "" for path, text in there.items()}


def test_there_are_checks_enough() -> None:
    assert len(NAMES) >= 30


@pytest.mark.parametrize("name", NAMES)
def test_a_check_has_module_cases_and_page_and_each_is_written(name: str) -> None:
    for path, text in _texts(name).items():
        assert text, f"{path} does not exist"
        assert check_pages.UNWRITTEN not in text.lower(), f"{path}: something is to be written"


@pytest.mark.parametrize("name", NAMES)
def test_a_manifest_says_what_it_must(name: str) -> None:
    manifest = check.registry()[name].manifest
    assert manifest.id == name
    assert manifest.title
    assert manifest.platforms
    assert manifest.controls, "it names no control"
    for control in manifest.controls:
        controls.parse(control, name)
    assert len(set(manifest.controls)) == len(manifest.controls)
    assert {control.partition(":")[0] for control in manifest.controls} >= {"hipaa", "nist_800_53"}
    assert min(len(manifest.evidence), len(manifest.remediation)) >= CHARS_MIN
    assert 0 < manifest.cpu_ms_max <= CPU_MS_MAX
    assert 0 < manifest.timeout_s <= TIMEOUT_S_MAX
    assert ladder.reachable(ladder.FLAP_HEALS, ladder.FLAP_WINDOW_MINUTES, manifest.interval_s), (
        "a hold could never be reached"
    )


@pytest.mark.parametrize("name", NAMES)
def test_the_cases_of_a_check_are_of_every_kind(name: str) -> None:
    cases = yaml.safe_load(_texts(name)[f"{check_author.CASES}/{name}.yaml"])
    assert {case["kind"] for case in cases} >= KINDS


@pytest.mark.parametrize("name", NAMES)
def test_the_page_of_a_check_says_what_the_manifest_says_and_more(name: str) -> None:
    path = f"{check_pages.FOLDER}/{name}.md"
    page = _texts(name)[path]
    assert page == reference.check_docs()[path], "run `make reference` and read what changed"
    assert len(check_pages.body(page).split()) >= WORDS_MIN, "say what it looks at and cannot see"


def test_every_page_and_every_file_of_cases_belongs_to_a_check() -> None:
    for folder, ending in ((check_pages.FOLDER, ".md"), (check_author.CASES, ".yaml")):
        found = {
            PurePosixPath(path).stem
            for path in tree.files()
            if path.startswith(f"{folder}/") and path.endswith(ending)
        }
        assert found - {PurePosixPath(check_pages.INDEX).stem} == set(NAMES)


def test_the_index_lists_every_check() -> None:
    path = f"{check_pages.FOLDER}/{check_pages.INDEX}"
    assert tree.text(path) == reference.check_docs()[path], "run `make reference`"
