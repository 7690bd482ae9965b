"""Rules about the dashboard's sources that its own linter does not hold."""

import re
from pathlib import PurePosixPath

from tests.tidy import tree

SOURCES = PurePosixPath("dashboard/src")
IMPORTED = re.compile(r"""(?:from|import)\s*\(?\s*["']([^"']+)["']""")
ELSEWHERE = re.compile(r"""["'`]https?://(?!127\.0\.0\.1|localhost|www\.w3\.org/)[\w.-]+""")


def _sources() -> list[str]:
    return [
        name
        for name in tree.files()
        if name.startswith(f"{SOURCES}/") and name.endswith((".ts", ".tsx"))
    ]


def _imports(name: str) -> list[PurePosixPath]:
    """What a source imports of ours, as paths from dashboard/src."""
    found = []
    for target in IMPORTED.findall(tree.text(name) or ""):
        if target.startswith("@/"):
            found.append(PurePosixPath(target[2:]))
        elif target.startswith("."):
            found.append(_resolved(PurePosixPath(name).relative_to(SOURCES).parent, target))
    return found


def _resolved(folder: PurePosixPath, target: str) -> PurePosixPath:
    parts = list(folder.parts)
    for part in PurePosixPath(target).parts:
        if part == "..":
            parts.pop()
        else:
            parts.append(part)
    return PurePosixPath(*parts)


def test_features_do_not_import_each_other_nor_what_stands_above_them() -> None:
    found = []
    for name in _sources():
        own = PurePosixPath(name).relative_to(SOURCES).parts
        for imported in _imports(name):
            other = imported.parts
            sideways = own[0] == other[0] == "features" and own[1] != other[1]
            upwards = own[0] in ("features", "realtime", "ui", "api") and other[0] in (
                "routes",
                "app",
            )
            below = own[0] in ("realtime", "ui", "api") and other[0] == "features"
            if sideways or upwards or below:
                found.append(f"{name} imports {imported}")
    assert not found, tree.report(found, "shared → features → routes")


def test_pages_load_nothing_from_other_hosts() -> None:
    names = [*_sources(), "dashboard/index.html"]
    found = [
        f"{name}: {match.group()}"
        for name in names
        if name in tree.files()
        for match in ELSEWHERE.finditer(tree.text(name) or "")
    ]
    assert not found, tree.report(found)
