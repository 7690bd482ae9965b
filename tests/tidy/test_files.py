"""Rules about files: names, sizes, numbering, and words that must not be in them."""

import re
from collections.abc import Iterable
from pathlib import PurePosixPath

import pytest

from tests.tidy import tree

PYTHON_LINES_MAX = 400
TYPESCRIPT_LINES_MAX = 250
README_LINES_MAX = 120
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "models", "misc"}
# The rules themselves name what they forbid.
NOT_JUDGED = "tests/tidy/"
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
HISTORY = re.compile(r"(?i)\b(see|for|per|fixes|closes) (issue|ticket) #?\d+")
REGISTRY = re.compile(
    r"registry\.(npmjs|yarnpkg)\.|pypi\.org/simple|files\.pythonhosted\.org|--(extra-)?index-url"
)
WORKPLACE = re.compile(r"(?<![\w.~$}-])/(work|opt/wheels|opt/pypi)/")
PERSONAL = re.compile(r"(?<![\w.~$}-])/(root|home)/")
# A path under /root or /home may be one on a host that is checked.
ABOUT_HOSTS = ("src/wardline/agent/", "src/wardline/demo/", "tests/", "docs/reference/")
GENERATED = re.compile(r"(^|/)generated/|\.gen\.|\.d\.ts$|routeTree")
DATA = (".json", ".csv", ".jsonl", ".lock", ".xml")


def _named(*suffixes: str) -> list[str]:
    return [name for name in tree.files() if name.endswith(suffixes)]


def _lines(name: str) -> int:
    return len((tree.text(name) or "").splitlines())


def _matching(pattern: re.Pattern[str], names: Iterable[str]) -> list[str]:
    found = []
    for name in names:
        if name.startswith(NOT_JUDGED):
            continue
        for number, line in enumerate((tree.text(name) or "").splitlines(), start=1):
            if pattern.search(line):
                found.append(f"{name}:{number}: {line.strip()[:100]}")
    return found


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    parts = {name: PurePosixPath(name.lower()) for name in _named(".py", ".ts", ".tsx", ".sql")}
    found = [name for name, path in parts.items() if BANNED_NAMES & {path.stem, *path.parent.parts}]
    assert not found, tree.report(found, "name the thing instead")


@pytest.mark.parametrize(
    ("suffixes", "lines_max"),
    [((".py",), PYTHON_LINES_MAX), ((".ts", ".tsx"), TYPESCRIPT_LINES_MAX)],
    ids=["python", "typescript"],
)
def test_no_file_is_too_long_to_read(suffixes: tuple[str, ...], lines_max: int) -> None:
    names = [name for name in _named(*suffixes) if not GENERATED.search(name)]
    found = [f"{name}: {_lines(name)}" for name in names if _lines(name) > lines_max]
    assert not found, tree.report(found, f"more than {lines_max} lines: split it by what it owns")


def test_readme_is_short() -> None:
    assert 0 < _lines("README.md") < README_LINES_MAX


def test_nothing_is_left_unfinished() -> None:
    names = [name for name in tree.files() if not name.endswith(DATA)]
    found = _matching(UNFINISHED, names)
    assert not found, tree.report(found, "finish it or leave it out")


def test_source_tells_no_history() -> None:
    found = _matching(HISTORY, _named(".py", ".ts", ".tsx", ".sql", ".md"))
    assert not found, tree.report(found)


def test_no_registry_address_is_recorded() -> None:
    found = _matching(REGISTRY, tree.files())
    assert not found, tree.report(found, "packages come from the reader's own index")


def test_no_path_of_somebodys_machine_is_recorded() -> None:
    names = [name for name in tree.files() if not name.endswith(DATA)]
    found = _matching(WORKPLACE, names)
    found += _matching(PERSONAL, [name for name in names if not name.startswith(ABOUT_HOSTS)])
    assert not found, tree.report(found)


@pytest.mark.parametrize(
    ("folder", "pattern"),
    [
        ("src/wardline/central/migrations", r"(\d{3})_[a-z0-9_]+\.sql"),
        ("src/wardline/agent/store/schema", r"(\d{3})_[a-z0-9_]+\.sql"),
        ("docs/decisions", r"(\d{4})-[a-z0-9-]+\.md"),
    ],
)
def test_numbered_files_have_no_gap_and_no_duplicate(folder: str, pattern: str) -> None:
    names = [
        PurePosixPath(name).name
        for name in tree.files()
        if PurePosixPath(name).parent == PurePosixPath(folder)
        and PurePosixPath(name).name not in ("README.md", "schema.sql", "__init__.py")
    ]
    numbers = []
    for name in names:
        match = re.fullmatch(pattern, name)
        assert match, f"{folder}/{name} is not named {pattern}"
        numbers.append(int(match.group(1)))
    assert sorted(numbers) == list(range(1, len(numbers) + 1))


def test_links_between_documents_lead_somewhere() -> None:
    broken = []
    for name in _named(".md"):
        folder = PurePosixPath(name).parent
        for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", tree.text(name) or ""):
            if "://" not in target and not target.startswith("mailto:"):
                if not (tree.ROOT / folder / target).exists():
                    broken.append(f"{name} → {target}")
    assert not broken, tree.report(broken)
