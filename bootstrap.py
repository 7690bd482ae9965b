#!/usr/bin/env python3
"""Prepares a checkout and runs its commands; needs Python with pip, nothing else.

`python3 bootstrap.py COMMAND [ARGUMENT…]`. Everything it makes stays in the checkout: .bootstrap
holds uv, .venv the packages that requirements.lock pins by hash. A stamp in .venv says what it was
made from; while the stamp fits, nothing is touched and no network is needed.
"""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager

PYTHON_MIN = (3, 11)
PYTHON_NAMES = ("python3.13", "python3.12", "python3.11")

# This stands before anything that an old Python cannot run, so that it can say what is wrong.
if sys.version_info[:2] < PYTHON_MIN:
    for found in filter(None, map(shutil.which, PYTHON_NAMES)):
        if subprocess.call([found, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            os.execv(found, [found, *sys.argv])
    sys.exit(
        "bootstrap: Python %s at %s is too old: Wardline needs 3.11 or newer.\n"
        "  next: install python3.11 or newer, then `make PYTHON=/path/to/python3 run`"
        % (platform.python_version(), sys.executable)
    )
try:
    import fcntl
except ImportError:
    sys.exit("bootstrap: this system is not supported: use Linux (on Windows, WSL 2)")

from collections.abc import Iterator, Sequence  # noqa: E402
from pathlib import Path  # noqa: E402

ROOT = Path(__file__).resolve().parent
TOOLS = ROOT / ".bootstrap"
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMP = VENV / ".wardline.json"
LOCK = ROOT / "requirements.lock"
STAMPED = ("requirements.lock", "pyproject.toml", "hatch_build.py")
DISK_FREE_MIB_MIN = 1536
STILL_RUNNING_SECONDS = 15
OUTPUT_TAIL_LINES = 25
EXIT_INTERRUPTED = 130
CLEANED = (
    ".venv",
    ".mypy_cache",
    ".ruff_cache",
    ".pytest_cache",
    ".hypothesis",
    ".import_linter_cache",
    "dist",
    "dashboard/node_modules",
    "dashboard/.built",
    "src/wardline/central/static",
    ".bootstrap",
)

# What the output of pip, uv or the system says, and what the reader can do about it.
HINTS = (
    (
        r"No space left on device|os error 28",
        "the disk is full: free 2 GB where the checkout and the home folder are, run this again",
    ),
    (
        r"(?i)hash mismatch|do(es)? not match the hashes|hashes? .*mismatch",
        "a download is not the file that requirements.lock names: a proxy or mirror altered it;"
        " clear the caches (`rm -rf .bootstrap ~/.cache/uv`) or use another index",
    ),
    (
        r"(?i)certificate|UnknownIssuer|CERTIFICATE_VERIFY",
        "the TLS certificate was not accepted: behind a proxy that inspects TLS, put its CA into"
        " the system's store or set SSL_CERT_FILE to it",
    ),
    (
        r"(?i)from versions: none|dns error|name resolution|failed to connect|"
        r"connection (refused|reset|error)|network is unreachable|"
        r"error sending request|connect timeout|timed out|Max retries",
        "the package index cannot be reached: the first start needs the network; behind a proxy"
        " set HTTPS_PROXY, with a mirror set PIP_INDEX_URL; then run this again",
    ),
    (
        r"(?i)no module named '?pip",
        "this Python has no pip: install it (Debian and Ubuntu: apt-get install python3-pip)",
    ),
    (
        r"(?i)no wheels with a matching|no (compatible|matching) (tag|distribution|wheel)",
        "a package has no build for this platform or Python: Linux (glibc) on x86-64 and"
        " arm64 with Python 3.11 to 3.13 are supported; `make PYTHON=python3.11 setup` picks one",
    ),
    (
        r"(?i)permission denied|Read-only file system",
        "a folder cannot be written: own the checkout and your home folder, or copy it elsewhere",
    ),
)


class Failed(Exception):
    """A step of the preparation failed; the message says what, where and what next."""


def setup(with_dashboard: bool = False) -> None:
    """Bring .venv up to date with requirements.lock, and the built dashboard if it is wanted."""
    wanted = _wanted()
    if _stamp() != wanted or not os.access(PYTHON, os.X_OK):
        with _alone():
            if _stamp() != wanted or not os.access(PYTHON, os.X_OK):
                _install(wanted)
    if with_dashboard:
        with _alone():
            _run("dashboard", [str(PYTHON), str(ROOT / "hatch_build.py")], shown=True)


def _install(wanted: dict[str, str]) -> None:
    started = time.monotonic()
    present = _stamp()
    if not present:
        _check_disk()
    uv = _uv()
    STAMP.unlink(missing_ok=True)
    # Without a whole stamp of this place and Python, what stands in .venv cannot be trusted: it
    # was interrupted, moved here, or made by another Python. uv's cache makes a new one cheap.
    if any(present.get(key) != wanted[key] for key in ("python", "root")):
        _say("making .venv with Python " + platform.python_version())
        if VENV.exists():
            shutil.rmtree(VENV)
        _run("venv", [uv, "venv", "--quiet", "--no-project", "--python", sys.executable, str(VENV)])
    _say("installing the packages of requirements.lock into .venv")
    pip = [uv, "pip", "--quiet"]
    into = ["--python", str(PYTHON), "--compile-bytecode"]
    _run("packages", [*pip, "sync", *into, "--require-hashes", str(LOCK)])
    itself = ["--no-deps", "--no-build-isolation", "--editable", str(ROOT)]
    _run("wardline", [*pip, "install", *into, *itself])
    part = STAMP.with_suffix(".part")
    part.write_text(json.dumps(wanted))
    part.replace(STAMP)
    _say("ready after %.0f s" % (time.monotonic() - started))


def lock(options: Sequence[str]) -> None:
    """Resolve pyproject.toml into requirements.lock, for every platform, with hashes.

    Pins that still fit stay; `--upgrade` among the options takes the newest of everything.
    """
    with _alone():
        uv = _uv()
    command = [uv, "pip", "compile", "--universal", "--python-version", "3.11", "--quiet"]
    command += ["--generate-hashes", "--all-extras", "--no-header"]
    command += ["--group", "dev", "--group", "fuzz", "--group", "bench"]
    _run("lock", [*command, *options, "pyproject.toml", "-o", LOCK.name])
    _say("requirements.lock is written; `make setup` installs it")


def clean() -> None:
    """Remove what setup, build and tests made; data directories stay."""
    with _alone():
        for name in CLEANED:
            path = ROOT / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    _say("clean")


def _uv() -> str:
    """The path of the uv that requirements.lock pins, installed by pip on first use."""
    requirement = _requirement("uv")
    version = requirement.split("==")[1].split()[0]
    home = TOOLS / ("uv-" + version)
    if not (home / "bin" / "uv").is_file():
        _say("installing uv %s into .bootstrap" % version)
        part = TOOLS / "uv.part"
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        listed = TOOLS / "uv.txt"
        listed.write_text(requirement)
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--require-hashes"]
        command += ["--disable-pip-version-check", "--only-binary", ":all:"]
        _run("uv", [*command, "--no-deps", "--target", str(part), "-r", str(listed)])
        shutil.rmtree(home, ignore_errors=True)
        part.rename(home)
    return str(home / "bin" / "uv")


def _requirement(name: str) -> str:
    """The lines of one package in requirements.lock: its version and its hashes."""
    text = LOCK.read_text()
    match = re.search(rf"^{re.escape(name)}==.*?(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    if match is None:
        raise Failed(f"requirements.lock names no {name}\n  next: restore the file from git")
    return match.group()


def _wanted() -> dict[str, str]:
    digest = hashlib.sha256()
    for name in STAMPED:
        try:
            digest.update((ROOT / name).read_bytes())
        except FileNotFoundError:
            raise Failed(f"{name} is missing in {ROOT}\n  next: restore it from git") from None
    # Scripts in .venv carry the absolute path of the checkout: a moved one is made again.
    return {"python": platform.python_version(), "root": str(ROOT), "files": digest.hexdigest()}


def _stamp() -> dict[str, str]:
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if isinstance(stamp, dict) else {}


def _check_disk() -> None:
    free = shutil.disk_usage(ROOT).free // 2**20
    if free < DISK_FREE_MIB_MIN:
        raise Failed(
            f"{ROOT} has {free} MiB free, the packages need {DISK_FREE_MIB_MIN} MiB\n"
            "  next: free some space there, then run this again"
        )


@contextmanager
def _alone() -> Iterator[None]:
    """One preparation of a checkout at a time.

    The lock goes with the processes that hold it: the steps inherit it, so that a start after a
    kill waits for an installer that outlived its bootstrap.
    """
    TOOLS.mkdir(exist_ok=True)
    with (TOOLS / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("another process prepares this checkout; waiting for it")
            fcntl.flock(handle, fcntl.LOCK_EX)
        os.set_inheritable(handle.fileno(), True)
        yield


def _run(what: str, command: Sequence[str], shown: bool = False) -> None:
    """Run one step; on failure raise Failed with the end of its output and what to do next."""
    environment = _environment()
    if shown:
        if subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode != 0:
            raise Failed(f"{what} failed; its own message stands above")
        return
    output = TOOLS / "output"
    TOOLS.mkdir(exist_ok=True)
    with output.open("wb") as sink:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdout=sink,
            stderr=subprocess.STDOUT,
            close_fds=False,
        )
        _wait(what, process)
    if process.returncode != 0:
        text = output.read_text(errors="replace")
        tail = "\n".join("  | " + line for line in text.splitlines()[-OUTPUT_TAIL_LINES:])
        following = [hint for pattern, hint in HINTS if re.search(pattern, text)]
        following.append("read the message above, then run this again: it resumes where it stopped")
        raise Failed(f"{what}: {Path(command[0]).name} failed\n{tail}\n  next: {following[0]}")


def _wait(what: str, process: "subprocess.Popen[bytes]") -> None:
    started = time.monotonic()
    try:
        while True:
            try:
                process.wait(timeout=STILL_RUNNING_SECONDS)
                return
            except subprocess.TimeoutExpired:
                _say("  still at %s after %.0f s" % (what, time.monotonic() - started))
    except BaseException:
        process.terminate()
        process.wait()
        raise


def _environment() -> dict[str, str]:
    """The environment of pip and uv: the system's certificates, pip's index, no foreign paths."""
    foreign = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PIP_USER", "PIP_TARGET", "PIP_PREFIX")
    environment = {key: value for key, value in os.environ.items() if key not in foreign}
    environment.update(UV_SYSTEM_CERTS="1", UV_PYTHON_DOWNLOADS="never")
    if not {"UV_DEFAULT_INDEX", "UV_INDEX_URL"} & environment.keys():
        index = environment.get("PIP_INDEX_URL")
        if index:
            environment["UV_DEFAULT_INDEX"] = index
    if not os.access(Path.home(), os.W_OK):
        environment.setdefault("UV_CACHE_DIR", str(TOOLS / "cache"))
    return environment


def _say(text: str) -> None:
    print("bootstrap: " + text, file=sys.stderr, flush=True)


def _become(*command: str) -> None:
    """Replace this process, so that signals and exit codes are the command's own.

    Where the machine forbids compiled modules to be kept, each of the hundreds of processes that
    the tests start would compile all of them anew: 0.6 s of processor time for Central's alone.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["PATH"] = str(VENV / "bin") + os.pathsep + os.environ.get("PATH", "")
    sys.stdout.flush()
    os.execv(command[0], command)


def main(arguments: Sequence[str]) -> None:
    """Carry out one command of the Makefile."""
    command, rest = (arguments[0], arguments[1:]) if arguments else ("", ())
    python = str(PYTHON)
    if command == "lock":
        lock(rest)
    elif command == "clean":
        clean()
    elif command in ("setup", "dashboard"):
        setup(with_dashboard=True)
        _say("ready: .venv/bin/wardline --help")
    elif command == "run":
        setup(with_dashboard=True)
        _become(str(VENV / "bin" / "wardline"), "up", "--demo", *rest)
    elif command in ("test", "check", "quick", "soak"):
        setup(with_dashboard=command in ("test", "soak"))
        _become(python, str(ROOT / "tests" / "gate.py"), command, *rest)
    elif command == "reference":
        setup()
        _become(python, "-m", "tests.tidy.reference")
    elif command == "bench":
        setup()
        _become(python, str(ROOT / "bench"), *rest)
    else:
        sys.exit(
            "usage: python3 bootstrap.py setup|run|test|check|quick|bench|dashboard|lock|clean"
        )


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        _say("interrupted; the next start carries on from here")
        sys.exit(EXIT_INTERRUPTED)
    except (Failed, OSError) as failure:
        sys.exit("bootstrap: " + str(failure))
