"""Puts a new check into a checkout of Wardline: module, registry, cases, page, catalogue."""

import keyword
import os
import re
import subprocess
import sys
from bisect import insort
from dataclasses import replace
from pathlib import Path

from wardline.agent.checks import check
from wardline.agent.checks.protocol import Manifest
from wardline.cli import check_pages, check_templates
from wardline.cli.check_pages import UNWRITTEN
from wardline.core.errors import Conflict, WrongUsage
from wardline.core.severity import Severity

CHECKS = "src/wardline/agent/checks"
REGISTRY = f"{CHECKS}/check.py"
CASES = "tests/unit/agent/checks/cases"
CATALOGUE = "tests.unit.agent.write_catalogue"
CATALOGUE_SECONDS_MAX = 120
_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
NAME_CHARS_MAX = 40
_IMPORTED = re.compile(r"from wardline\.agent\.checks import \(\n((?:    [a-z0-9_]+,\n)+)\)")
_LISTED = re.compile(r"        for check in \(\n((?:            [a-z0-9_]+\.CHECK,\n)+)        \)")


class NotACheckout(WrongUsage):
    """A check is written into the source of Wardline, and the folder does not hold it."""

    code = "not_a_checkout"


class CheckExists(Conflict):
    """There is a check, or another module of the checks, with that name already."""

    code = "check_exists"


def write(root: Path, name: str) -> list[Path]:
    """Every file that was written or changed, as paths from `root`; nothing is overwritten."""
    if not _NAME.fullmatch(name) or len(name) > NAME_CHARS_MAX or keyword.iskeyword(name):
        raise WrongUsage(f"{name}: a check is named in a-z, 0-9 and _, such as disk_space")
    if not (root / REGISTRY).is_file() or not (root / CASES).is_dir():
        raise NotACheckout(f"{root}: holds no {REGISTRY}; run it in a checkout, or name one")
    files = {
        f"{CHECKS}/{name}.py": check_templates.module(name),
        f"{CASES}/{name}.yaml": check_templates.cases(name),
        f"{check_pages.FOLDER}/{name}.md": check_pages.head(_manifest(name)) + check_templates.PAGE,
    }
    taken = [path for path in files if (root / path).exists()]
    if taken:
        raise CheckExists(f"{taken[0]}: exists already")
    registry = _registered((root / REGISTRY).read_text(), name)
    index = check_pages.index([*_manifests(), _manifest(name)])
    files |= {REGISTRY: registry, f"{check_pages.FOLDER}/{check_pages.INDEX}": index}
    for path, content in files.items():
        (root / path).write_text(content)
    _write_catalogue(root)
    return [Path(path) for path in files]


def _manifests() -> list[Manifest]:
    return [one.manifest for one in check.registry().values()]


def _manifest(name: str) -> Manifest:
    """The manifest that the template holds, so that the page's head is right from the beginning."""
    some = next(iter(check.registry().values())).manifest
    return replace(
        some,
        id=name,
        title=UNWRITTEN,
        platforms=("linux",),
        controls=(),
        interval_s=300,
        cpu_ms_max=500,
        timeout_s=5,
        severity=Severity.MEDIUM,
        evidence=UNWRITTEN,
        remediation=UNWRITTEN,
    )


def _registered(text: str, name: str) -> str:
    """check.py with the module imported and its check listed, both in the alphabet's order."""
    for pattern, indent, entry in ((_IMPORTED, 4, name), (_LISTED, 12, f"{name}.CHECK")):
        found = pattern.search(text)
        if found is None:
            raise NotACheckout(f"{REGISTRY}: its list of checks is not where it was")
        names = [line.strip().rstrip(",") for line in found[1].splitlines()]
        insort(names, entry)
        lines = "".join(f"{' ' * indent}{one},\n" for one in names)
        text = text[: found.start(1)] + lines + text[found.end(1) :]
    return text


def _write_catalogue(root: Path) -> None:
    """By the checkout's own module: it knows the new check, which this process does not."""
    command = (sys.executable, "-m", CATALOGUE)
    done = subprocess.run(
        command,
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root.absolute() / "src")},
        capture_output=True,
        text=True,
        timeout=CATALOGUE_SECONDS_MAX,
        check=False,
    )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()[-1:] or ["it ended without a word"]
        raise NotACheckout(f"the catalogue was not written: {said[0]}")
