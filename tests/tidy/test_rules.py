"""The rules themselves: each pattern finds what it is for and leaves ordinary text alone."""

import ast
import re

import pytest

from tests.tidy import test_files, test_modules


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (test_modules.SQL, "SELECT id FROM sites"),
        (test_modules.SQL, "\n  insert into sites (id) values ($1)"),
        (test_modules.SQL, "UPDATE sites SET name = :name"),
        (test_modules.SQL, "WITH found AS (SELECT 1) SELECT * FROM found"),
        (test_modules.SQL, "select enqueue($1, $2)"),
        (test_modules.SQL, "SET LOCAL app.partner = 'x'"),
        (test_files.UNFINISHED, "# TODO: the rest"),
        (test_files.UNFINISHED, "raise NotImplementedError"),
        (test_files.REGISTRY, '"resolved": "https://registry.npmjs.org/react"'),
        (test_files.REGISTRY, "--index-url https://example.org"),
        (test_files.WORKPLACE, "cd /work/main"),
        (test_files.PERSONAL, "open('/home/ann/x')"),
        (test_files.HISTORY, "# see issue 12"),
        (test_modules.EXCUSED, "except Exception:  # noqa: BLE001 (a defect of one check)"),
    ],
)
def test_a_rule_finds_what_it_is_for(pattern: re.Pattern[str], text: str) -> None:
    assert pattern.search(text)


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (test_modules.SQL, "Select a site first"),
        (test_modules.SQL, "update the agent"),
        (test_modules.SQL, "with this, go on"),
        (test_files.UNFINISHED, "a list of things to do"),
        (test_files.REGISTRY, "the package index"),
        (test_files.WORKPLACE, "see docs/work/flow.md and homework/"),
        (test_files.PERSONAL, "${HOME}/x and ~/home/y"),
        (test_files.HISTORY, "one issue per host"),
        (test_modules.EXCUSED, "except Exception:  # noqa: BLE001"),
    ],
)
def test_a_rule_leaves_ordinary_text_alone(pattern: re.Pattern[str], text: str) -> None:
    assert not pattern.search(text)


@pytest.mark.parametrize(
    ("source", "judges"),
    [
        ("def test_x():\n    run()", False),
        ("def test_x():\n    assert run()", True),
        ("def test_x():\n    with pytest.raises(E):\n        run()", True),
    ],
)
def test_a_test_without_an_assertion_is_seen(source: str, judges: bool) -> None:
    function = ast.parse(source).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert test_modules._judges(function) is judges


@pytest.mark.parametrize(
    ("source", "broad"),
    [("except:", True), ("except (OSError, Exception):", True), ("except OSError:", False)],
)
def test_a_broad_except_is_seen(source: str, broad: bool) -> None:
    tried = ast.parse(f"try:\n    run()\n{source}\n    pass").body[0]
    assert isinstance(tried, ast.Try)
    assert test_modules._is_broad(tried.handlers[0].type) is broad
