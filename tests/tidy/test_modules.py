"""Rules about Python modules: how they open, how long functions are, what they may call."""

import ast
import re

import pytest

from tests.tidy import tree

FUNCTION_LINES_MAX = 50
CLOCKS = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"}
CLOCKS |= {"datetime.datetime.now", "datetime.datetime.utcnow", "datetime.date.today"}
CLOCKS |= {"time.time_ns", "time.localtime", "time.gmtime"}
OWN_THE_CLOCK = {"src/wardline/core/clock.py", "src/wardline/core/ids.py"}
# The table of commands, and what speaks SSH, which an agent without such hosts does not load.
LATE_IMPORTS = {"src/wardline/cli/main.py", "src/wardline/agent/roster.py"}
BROAD = {"Exception", "BaseException"}
# Where any failure becomes a recorded outcome, the line says why.
EXCUSED = re.compile(r"# noqa: BLE001 \(\w.{10,}\)")
SQL = re.compile(
    r"^\s*(select\s.+\sfrom\s|select\s+[\w.]+\(|insert\s+into\s|update\s+[\w.{}]+\s+(as\s+\w+\s+)?set\s"
    r"|delete\s+from\s|(create|alter|drop)\s+(table|index|role|schema|trigger)\s|truncate\s"
    r"|with\s+(recursive\s+)?\w+\s+as\s+\(|set\s+local\s)",
    re.IGNORECASE | re.DOTALL,
)
SQL_STANDS_IN = re.compile(
    r"^src/wardline/(central/(\w+/repository(\.py|/)|database/|jobs/|reports/queries\.py)"
    r"|agent/store/|formats/policy_(file|schema)\.py|policy/file/(counting|history|rows|schema)\.py)"
)
# The only files that end a transaction: everything else rides in one that somebody passed in.
COMMITS_IN = {"src/wardline/central/database/session.py", "src/wardline/agent/store/database.py"}
# asyncpg commits at the end of `transaction()`: in Central that is the database's business.
OPENS_NONE = re.compile(r"^src/wardline/central/(?!database/|jobs/)")

# What raises where something is not so: pytest's, and Playwright's expectations and waits.
JUDGING = re.compile(r"(raises|fail|warns|assert\w*|expect|to_be_\w+|to_have_\w+|wait_for\w*)$")

SOURCE = tree.modules("src/")


def test_there_is_source_to_check() -> None:
    assert len(SOURCE) > 10


def test_every_module_opens_with_one_line_that_says_what_it_owns() -> None:
    found = []
    for module in tree.modules():
        opening = (ast.get_docstring(module.tree) or "").split("\n\n")[0]
        if not opening or "\n" in opening or not opening.endswith((".", "?", "`", ")")):
            found.append(module.path)
    assert not found, tree.report(found)


def test_no_function_is_too_long_to_see_at_once() -> None:
    found = []
    for module in tree.modules():
        for function in module.functions():
            lines = (function.end_lineno or function.lineno) - function.lineno + 1
            if lines > FUNCTION_LINES_MAX:
                found.append(f"{module.at(function)} {function.name}: {lines} lines")
    assert not found, tree.report(found)


def test_only_the_named_places_import_by_name() -> None:
    found = []
    for module in SOURCE:
        for node in module.nodes:
            late = isinstance(node, ast.Call) and tree.called(node).endswith(
                ("import_module", "__import__")
            )
            if late and module.path not in LATE_IMPORTS:
                found.append(module.at(node))
    assert not found, tree.report(found)


def test_nothing_swallows_every_exception() -> None:
    found = []
    for module in tree.modules("src/", "bench/", "hatch_build.py", "bootstrap.py"):
        lines = module.text.splitlines()
        for node in module.nodes:
            if not isinstance(node, ast.ExceptHandler) or not _is_broad(node.type):
                continue
            raises = any(isinstance(inner, ast.Raise) for inner in ast.walk(node))
            if not raises and not EXCUSED.search(lines[node.lineno - 1]):
                found.append(module.at(node))
    assert not found, tree.report(
        found, "name the errors, raise again, or `# noqa: BLE001 (the reason)`"
    )


def _is_broad(caught: ast.expr | None) -> bool:
    if caught is None:
        return True
    names = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(isinstance(name, ast.Name) and name.id in BROAD for name in names)


def test_time_comes_from_the_clock() -> None:
    found = []
    for module in SOURCE:
        if module.path in OWN_THE_CLOCK:
            continue
        for node in module.nodes:
            if isinstance(node, ast.Call) and tree.called(node) in CLOCKS:
                found.append(f"{module.at(node)} {tree.called(node)}()")
    assert not found, tree.report(found, "take the time from core.clock, passed in")


def test_sql_stands_in_repositories_only() -> None:
    found = []
    for module in SOURCE:
        if SQL_STANDS_IN.match(module.path):
            continue
        for node in module.nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if SQL.match(node.value):
                    found.append(f"{module.at(node)} {node.value.strip()[:40]!r}")
    assert not found, tree.report(found)


def test_commit_stands_in_one_place() -> None:
    found = []
    for module in tree.modules("src/wardline/central/", "src/wardline/agent/"):
        for node in module.nodes:
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            commits = node.func.attr == "commit" and module.path not in COMMITS_IN
            opens = node.func.attr == "transaction" and OPENS_NONE.match(module.path)
            if commits or opens:
                found.append(f"{module.at(node)} {tree.called(node)}()")
    assert not found, tree.report(found)


def test_a_repository_is_imported_by_its_own_domain_below_the_endpoints_only() -> None:
    found = []
    for module in SOURCE:
        for node in module.nodes:
            for imported in _imported(node):
                match = re.match(r"wardline\.central\.(\w+)\.repository\b", imported)
                if match and not _may_import(module.path, match.group(1)):
                    found.append(f"{module.at(node)} imports {imported}")
    assert not found, tree.report(found)


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def _may_import(path: str, domain: str) -> bool:
    own = path.startswith(f"src/wardline/central/{domain}/")
    return own and not path.endswith("/endpoints.py")


@pytest.mark.parametrize("suite", ["unit", "property", "integration", "fault", "browser"])
def test_every_test_can_fail(suite: str) -> None:
    found = []
    for module in tree.modules(f"tests/{suite}/"):
        judges = {function.name for function in module.functions() if _judges(function)}
        for function in module.functions():
            if function.name.startswith("test_") and function.name not in judges:
                if not judges & _calls(function):
                    found.append(f"{module.at(function)} {function.name}")
    assert not found, tree.report(found, "a test without an assertion cannot fail")


def _judges(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it asserts by itself, or calls what raises where something is not so."""
    if any(isinstance(node, ast.Assert) for node in ast.walk(function)):
        return True
    return any(JUDGING.match(name) for name in _calls(function))


def _calls(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    nodes = (node for node in ast.walk(function) if isinstance(node, ast.Call))
    return {tree.called(node).rsplit(".", 1)[-1] for node in nodes}
