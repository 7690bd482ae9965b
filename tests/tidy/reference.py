"""docs/reference written from the code: error codes, commands, settings (`make reference`)."""

import ast
import importlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer
from pydantic import BaseModel

from tests.tidy import runbook_pages, tree
from wardline.agent import settings as agent_settings
from wardline.agent.checks import check
from wardline.agent.runbooks import runbook
from wardline.cli import check_pages
from wardline.cli import main as cli

NAMED = re.compile(r"(WARDLINE|POLICY)_[A-Z_]+")
FOLDER = tree.ROOT / "docs" / "reference"
NOTE = "Written from the code by `make reference`; edit the code, not this page."

# Every environment variable that the product reads; a test compares the names with the source.
ENVIRONMENT = {
    "DATABASE_URL": "PostgreSQL to use instead of the embedded one; its user owns the schema",
    "POLICY_BACKUP_DIR": "folder of a policy file's backups, where `--backup-dir` is not given",
    "POLICY_DB": "the policy file, where `--db` is not given",
    "POLICY_TIMEZONE": "zone of windows that name none, where `--timezone` is not given",
    "WARDLINE_AGENT_DATA": "the agent's data directory, where `--data` is not given",
    "WARDLINE_DATA": "Central's data directory, where `--data` is not given",
    "WARDLINE_TOKEN": "the token that `wardline policy … --url` shows",
    "WARDLINE_PASSWORD": "the password of whom `wardline holds clear --as` names; else it asks",
}


@dataclass(frozen=True, slots=True)
class ErrorClass:
    """One class of ours that can be raised, as its source declares it."""

    name: str
    bases: tuple[str, ...]
    code: str | None
    status: int | None
    meaning: str


def pages() -> dict[str, str]:
    """The text of every generated page, by file name."""
    return {
        "commands.md": commands_page(),
        "error-codes.md": error_page(),
        "settings.md": settings_page(),
    }


def check_docs() -> dict[str, str]:
    """The pages of the checks that are there, each with the head of its manifest, and their index."""
    manifests = [one.manifest for one in check.registry().values()]
    found = {f"{check_pages.FOLDER}/{check_pages.INDEX}": check_pages.index(manifests)}
    for manifest in manifests:
        path = f"{check_pages.FOLDER}/{manifest.id}.md"
        if (tree.ROOT / path).is_file():
            books = [one.id for one in runbook.registry().values() if one.check == manifest.id]
            page = (tree.ROOT / path).read_text()
            found[path] = check_pages.with_head(manifest, page, books)
    return found


def runbook_docs() -> dict[str, str]:
    """The pages of the runbooks that are there, each with the head of its file, and their index."""
    books = runbook.registry().values()
    found = {f"{runbook_pages.FOLDER}/{runbook_pages.INDEX}": runbook_pages.index(books)}
    for book in books:
        path = f"{runbook_pages.FOLDER}/{book.id}.md"
        if (tree.ROOT / path).is_file():
            found[path] = runbook_pages.with_head(book, (tree.ROOT / path).read_text())
    return found


def error_page() -> str:
    """One row per error code: its HTTP status and what the classes that carry it say."""
    found_classes = list(_error_classes())
    classes = {found.name: found for found in found_classes}
    rows: dict[str, tuple[int, list[str]]] = {}
    for found in found_classes:
        if found.code is not None:
            status = _inherited_status(found, classes)
            rows.setdefault(found.code, (status, []))[1].append(found.meaning)
    lines = [
        f"| `{code}` | {status} | {' '.join(dict.fromkeys(meanings))} |"
        for code, (status, meanings) in sorted(rows.items())
    ]
    head = "Errors are problem details (RFC 9457); `code` is stable, the text is for people."
    return _page("Error codes", head, ["| code | status | meaning |", "|-|-|-|", *lines])


def commands_page() -> str:
    """Every command with its arguments and options."""
    lines: list[str] = []
    for name, command in cli.COMMANDS.items():
        if (tree.ROOT / "src" / (command.module.replace(".", "/") + ".py")).is_file():
            app = typer.main.get_command(importlib.import_module(command.module).app)
            lines += _command(f"wardline {name}", app)
    head = (
        "`wardline COMMAND --help` says the same. Exit codes of every command: 0 as asked, 1 refused"
        f" or failed with the reason on stderr, {cli.EXIT_USAGE} called wrongly,"
        f" {cli.EXIT_INTERRUPTED} interrupted before it was done; a command's own stand with it."
    )
    return _page("Commands", head, lines)


def settings_page() -> str:
    """Environment variables, and the keys of agent.toml."""
    lines = ["## Environment", "", "| variable | meaning |", "|-|-|"]
    lines += [f"| `{name}` | {meaning} |" for name, meaning in ENVIRONMENT.items()]
    lines += ["", "## agent.toml", ""]
    lines += ["Written by `wardline agent enrol` into the agent's data directory.", ""]
    lines += ["| key | values | default |", "|-|-|-|", *_keys(agent_settings.Settings, "")]
    head = (
        "Central takes its settings from the options of `wardline up`; see [commands](commands.md)."
    )
    return _page("Settings", head, lines)


def environment_names() -> set[str]:
    """The variables that the source names."""
    found = set()
    for module in tree.modules("src/"):
        for node in module.nodes:
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                name = node.value
                if name == "DATABASE_URL" or NAMED.fullmatch(name):
                    found.add(name)
    return found


def _error_classes() -> Iterator[ErrorClass]:
    for module in tree.modules("src/"):
        for node in module.nodes:
            if not isinstance(node, ast.ClassDef):
                continue
            given = {
                target.id: value.value
                for target, value in _assignments(node)
                if isinstance(value, ast.Constant)
            }
            code, status = given.get("code"), given.get("status")
            yield ErrorClass(
                name=node.name,
                bases=tuple(base.id for base in node.bases if isinstance(base, ast.Name)),
                code=code if isinstance(code, str) and node.bases else None,
                status=status if isinstance(status, int) else None,
                meaning=" ".join((ast.get_docstring(node) or "").split("\n\n")[0].split()),
            )


def _assignments(node: ast.ClassDef) -> Iterator[tuple[ast.Name, ast.expr | None]]:
    for statement in node.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            yield statement.target, statement.value
        elif isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            yield statement.targets[0], statement.value


def _inherited_status(found: ErrorClass, classes: dict[str, ErrorClass]) -> int:
    if found.status is not None:
        return found.status
    statuses = (
        _inherited_status(classes[base], classes) for base in found.bases if base in classes
    )
    return next(statuses, 500)


def _command(path: str, command: Any) -> list[str]:
    lines = [f"## {path}", "", " ".join((command.help or "").split()), ""]
    rows = [_parameter(parameter) for parameter in command.params if parameter.name != "help"]
    if rows:
        lines += ["| parameter | meaning |", "|-|-|", *rows, ""]
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        lines += _command(f"{path} {name}", inner)
    return lines


def _parameter(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        shown = parameter.name.upper()
    else:
        shown = ", ".join([*parameter.opts, *parameter.secondary_opts])
    meaning = getattr(parameter, "help", None) or ""
    return f"| `{shown}` | {meaning.replace('|', '/')} |"


def _keys(model: type[BaseModel], prefix: str) -> Iterator[str]:
    schema = model.model_json_schema()
    yield from _properties(schema, schema.get("$defs", {}), prefix)


def _properties(schema: dict[str, Any], parts: dict[str, Any], prefix: str) -> Iterator[str]:
    for name, field in schema["properties"].items():
        many = field.get("type") == "array"
        reference = (field.get("items", {}) if many else field).get("$ref") or next(
            (one["$ref"] for one in field.get("anyOf", ()) if "$ref" in one), None
        )
        if reference is not None:
            inner = parts[reference.rsplit("/", 1)[-1]]
            yield from _properties(inner, parts, f"{prefix}{name}{'[]' if many else ''}.")
            continue
        default = field.get("default")
        shown = "required" if name in schema.get("required", ()) else f"`{default}`"
        yield f"| `{prefix}{name}` | {_values(field)} | {shown} |"


def _values(field: dict[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(f"`{value}`" for value in field["enum"])
    if "anyOf" in field:
        return _values(next(one for one in field["anyOf"] if one.get("type") != "null"))
    if "additionalProperties" in field:
        return "table of " + _values(field["additionalProperties"])
    kind = str(field.get("format") or field.get("type"))
    least, most = field.get("minimum"), field.get("maximum")
    return f"{kind} from {least:.15g} to {most:.15g}" if least is not None and most else kind


def _page(title: str, head: str, lines: list[str]) -> str:
    return "\n".join([f"# {title}", "", head, "", NOTE, "", *lines]).rstrip() + "\n"


def main() -> int:
    """Write the pages; exit code 0."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, content in pages().items():
        (FOLDER / name).write_text(content)
    for path, content in {**check_docs(), **runbook_docs()}.items():
        (tree.ROOT / path).write_text(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
