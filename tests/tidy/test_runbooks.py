"""Rules about runbooks: cases and a page belong to each, and nothing else."""

from pathlib import PurePosixPath

import pytest

from tests.tidy import reference, runbook_pages, tree
from wardline.agent.runbooks import runbook
from wardline.core import controls

NAMES = sorted(runbook.registry())
RUNBOOKS_MIN = 20
WORDS_MIN = 25


def _page(name: str) -> str:
    path = f"{runbook_pages.FOLDER}/{name}.md"
    text = tree.text(path) if (tree.ROOT / path).is_file() else None
    assert text, f"{path} does not exist: write it, then `make reference`"
    return text


def test_there_are_runbooks_enough() -> None:
    assert len(NAMES) >= RUNBOOKS_MIN


@pytest.mark.parametrize("name", NAMES)
def test_the_page_of_a_runbook_says_what_its_file_says_and_more(name: str) -> None:
    path = f"{runbook_pages.FOLDER}/{name}.md"
    assert _page(name) == reference.runbook_docs()[path], "run `make reference`, read what changed"
    words = runbook_pages.body(_page(name)).split()
    assert len(words) >= WORDS_MIN, "say when it does not run, and what is left afterwards"


@pytest.mark.parametrize("name", NAMES)
def test_a_runbook_is_called_after_its_check_and_names_a_control_of_each_kind(name: str) -> None:
    book = runbook.registry()[name]
    assert name.partition(".")[0] == book.check
    for control in book.controls:
        controls.parse(control, name)
    assert {control.partition(":")[0] for control in book.controls} >= {"hipaa", "nist_800_53"}
    assert len(set(book.controls)) == len(book.controls)


def test_every_page_belongs_to_a_runbook_and_the_index_lists_each() -> None:
    found = {
        PurePosixPath(path).stem
        for path in tree.files()
        if path.startswith(f"{runbook_pages.FOLDER}/")
    }
    assert found - {PurePosixPath(runbook_pages.INDEX).stem} == set(NAMES)
    path = f"{runbook_pages.FOLDER}/{runbook_pages.INDEX}"
    assert tree.text(path) == reference.runbook_docs()[path], "run `make reference`"
