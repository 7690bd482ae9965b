"""The gate: which checks `make check`, `make quick`, `make test` and `make soak` run, in which order, how long.

Static checks need no order among themselves: they run side by side, and all of them report. Tests
follow only when they are clean, as one pytest run, so that its last line counts everything. It has
a process per core and one more; each takes one file after the other, cheap suites first.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
# mypy is the longest of them and uses one core; the others share what is left.
PARALLEL_MAX = max(2, os.cpu_count() or 2)
# A file stays together, so that what it starts is started once; the order stays that of the suites.
# One more than there are cores: the dear ones wait for processes and browsers most of their time.
SIDE_BY_SIDE = ("-n", str(PARALLEL_MAX + 1), "--dist", "loadfile", "--no-loadscope-reorder")
DASHBOARD_SCRIPTS = ("typecheck", "lint", "test")


@dataclass(frozen=True, slots=True)
class Stage:
    """One static check: its name and the command that fails when it does not hold."""

    name: str
    command: tuple[str, ...]


TYPES = Stage("types", (str(BIN / "mypy"),))
FORMAT = Stage("format", (str(BIN / "ruff"), "format", "--check", "."))
LINT = Stage("lint", (str(BIN / "ruff"), "check", "."))
IMPORTS = Stage("imports", (str(BIN / "lint-imports"),))
DEPENDENCIES = Stage("packages", (str(BIN / "deptry"), "src"))
TIDY = Stage("tidy", (sys.executable, "-m", "pytest", "-q", "--no-header", "tests/tidy"))

STATIC = {
    "quick": (TYPES, FORMAT, LINT),
    "check": (TYPES, FORMAT, LINT, IMPORTS, DEPENDENCIES, TIDY),
    "test": (TYPES, FORMAT, LINT, IMPORTS, DEPENDENCIES),
    "soak": (),
}
SUITES = {
    "quick": ("tests/tidy", "tests/unit"),
    "check": (),
    "test": ("tests",),
    "soak": ("tests",),
}
LONG_FORM = {"soak": ("--full",)}


def main(name: str, arguments: list[str]) -> int:
    """Run one gate; `arguments` go to pytest. The exit code is that of the first failure."""
    os.chdir(ROOT)
    started = time.monotonic()
    stages = STATIC[name] + (_dashboard() if name == "test" else ())
    with ThreadPoolExecutor(PARALLEL_MAX) as pool:
        codes = list(pool.map(_carry_out, stages))
    spent = time.monotonic() - started
    failed = [stage.name for stage, code in zip(stages, codes, strict=True) if code != 0]
    if failed:
        _say(f"{name}: {', '.join(failed)} failed after {spent:.1f} s")
        return 1
    _say(f"{name}: {len(stages)} static checks passed in {spent:.1f} s")
    if not SUITES[name]:
        return 0
    paths = [path for path in SUITES[name] if (ROOT / path).is_dir()]
    return _pytest(paths, [*LONG_FORM.get(name, ()), *arguments])


def _carry_out(stage: Stage) -> int:
    started = time.monotonic()
    with tempfile.TemporaryFile() as output:
        code = subprocess.run(
            stage.command, stdout=output, stderr=subprocess.STDOUT, check=False
        ).returncode
        output.seek(0)
        text = output.read().decode(errors="replace").strip()
    verdict = "ok" if code == 0 else f"FAILED ({' '.join(stage.command)})"
    said = f"{stage.name:<10} {time.monotonic() - started:5.1f} s  {verdict}"
    _say(said if code == 0 else f"{said}\n{text}")
    return code


def _dashboard() -> tuple[Stage, ...]:
    package = ROOT / "dashboard" / "package.json"
    if not package.is_file():
        _say("dashboard          there are no sources of it here: nothing to check")
        return ()
    scripts = json.loads(package.read_text())["scripts"]
    missing = [script for script in DASHBOARD_SCRIPTS if script not in scripts]
    if missing:
        sys.exit(f"dashboard/package.json lacks the scripts {', '.join(missing)}: add them")
    # One stage: the scripts share node_modules and would only take turns on the same cores.
    command = (sys.executable, str(ROOT / "hatch_build.py"), *DASHBOARD_SCRIPTS)
    return (Stage("dashboard", command),)


def _pytest(paths: list[str], arguments: list[str]) -> int:
    sys.stdout.flush()
    command = [sys.executable, "-m", "pytest", *SIDE_BY_SIDE, *paths, *arguments]
    return subprocess.run(command, check=False).returncode


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in STATIC:
        sys.exit(f"usage: gate.py {'|'.join(STATIC)} [argument of pytest …]")
    sys.exit(main(sys.argv[1], sys.argv[2:]))
