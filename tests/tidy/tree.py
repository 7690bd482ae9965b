"""The files of the repository as the tidy rules see them: listed, read and parsed once."""

import ast
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TEXT_BYTES_MAX = 2 * 2**20
_NOT_OURS = {"node_modules", "__pycache__", "static", "data", "wardline-data", "dist", "results"}


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file: its path from the root, its text, its syntax tree and every node of it."""

    path: str
    text: str
    tree: ast.Module
    nodes: tuple[ast.AST, ...]

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Every function and method, nested ones too."""
        for node in self.nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield node

    def at(self, node: ast.AST) -> str:
        """`path:line` of a node, as editors understand it."""
        return f"{self.path}:{getattr(node, 'lineno', 1)}"


@cache
def files() -> tuple[str, ...]:
    """Every file that is or would be committed, as a path from the root, sorted."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if done.returncode == 0:
        names = done.stdout.decode().split("\0")
    else:  # an unpacked archive has no git: take what is not plainly made by a build
        names = [str(path.relative_to(ROOT)) for path in _walk(ROOT)]
    return tuple(sorted(name for name in names if name and (ROOT / name).is_file()))


@cache
def modules(*prefixes: str) -> tuple[Module, ...]:
    """The Python files whose path starts with one of `prefixes` (all without any)."""
    chosen = (name for name in files() if name.endswith(".py") and name.startswith(prefixes or ""))
    return tuple(_parse(name) for name in chosen)


@cache
def text(name: str) -> str | None:
    """The text of a file; None for binary and very large ones."""
    content = (ROOT / name).read_bytes()
    if len(content) > TEXT_BYTES_MAX or b"\0" in content:
        return None
    return content.decode("utf-8", errors="replace")


def called(node: ast.Call) -> str:
    """The dotted name of what a call calls, or "" when it is not a name."""
    parts: list[str] = []
    target = node.func
    while isinstance(target, ast.Attribute):
        parts.append(target.attr)
        target = target.value
    if isinstance(target, ast.Name):
        parts.append(target.id)
    elif not parts:
        return ""
    return ".".join(reversed(parts))


def report(found: Iterable[str], advice: str = "") -> str:
    """What a failing rule prints: every place on a line of its own, then what to do."""
    return "\n".join(["", *(f"  {place}" for place in found), advice])


@cache
def _parse(name: str) -> Module:
    source = (ROOT / name).read_text(encoding="utf-8")
    parsed = ast.parse(source, filename=name)
    return Module(name, source, parsed, tuple(ast.walk(parsed)))


def _walk(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.is_dir() and path.name not in _NOT_OURS and path.name not in (".venv", ".git"):
            yield from _walk(path)
        elif path.is_file():
            yield path
