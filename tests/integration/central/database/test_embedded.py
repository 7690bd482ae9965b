"""The embedded server: private, one per directory, and clear words where it cannot start."""

import asyncio
import fcntl
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.integration.central.conftest import Cluster
from wardline.central.database import embedded, sockets
from wardline.central.database.embedded import Server, StartFailed
from wardline.central.database.engine import APP_ROLE
from wardline.central.settings import DataUnusable

PASSWORD = "owner-password"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "postgres"


@pytest.fixture
def server(home: Path) -> Iterator[Server]:
    started = begin(home)
    yield started
    started.stop()


def begin(home: Path, place: Path | None = None) -> Server:
    return embedded.start(home, home.parent / "postgres.log", PASSWORD, sync=False, sockets=place)


def ask(dsn: str, sql: str = "SELECT 1") -> object:
    async def answer() -> object:
        connection = await asyncpg.connect(dsn)
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(answer())


def owner(server: Server) -> str:
    return server.dsn(embedded.OWNER, PASSWORD, "postgres")


def test_nobody_else_on_the_machine_can_reach_it(server: Server, home: Path) -> None:
    assert ask(owner(server), "SHOW listen_addresses") == ""
    for path in (home, server.sockets):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    with pytest.raises(asyncpg.InvalidPasswordError):
        ask(server.dsn(embedded.OWNER, "wrong", "postgres"))


def test_a_role_cannot_log_in_with_anothers_password(cluster: Cluster) -> None:
    for password in (cluster.passwords.jobs, cluster.passwords.owner, ""):
        with pytest.raises(asyncpg.PostgresError):
            ask(cluster.server.dsn(APP_ROLE, password, "postgres"))


def test_it_never_runs_as_root(server: Server) -> None:
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    capabilities = next(line for line in status.splitlines() if line.startswith("CapEff"))
    assert int(capabilities.split()[1], 16) == 0


def test_what_was_written_is_there_after_a_restart(home: Path) -> None:
    first = begin(home)
    ask(owner(first), "CREATE DATABASE kept")
    first.stop()
    assert not first.alive()
    second = begin(home)
    try:
        assert ask(owner(second), "SELECT true FROM pg_database WHERE datname = 'kept'")
    finally:
        second.stop()


def test_a_killed_server_starts_again(home: Path) -> None:
    first = begin(home)
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    assert (home / "postmaster.pid").exists()
    second = begin(home)
    try:
        assert ask(owner(second)) == 1
    finally:
        second.stop()


def deep(tmp_path: Path) -> Path:
    """A home whose own socket would have too long a path."""
    made = tmp_path / ("deep" * 30)
    made.mkdir()
    return made / "postgres"


def test_a_server_on_a_deep_path_comes_back_where_its_callers_look(tmp_path: Path) -> None:
    home = deep(tmp_path)
    first = begin(home)
    assert home.parent not in first.sockets.parents
    dsn = owner(first)
    first.stop()
    assert not first.sockets.exists()
    second = begin(home, first.sockets)
    try:
        assert ask(dsn) == 1
        assert stat.S_IMODE(second.sockets.stat().st_mode) == 0o700
    finally:
        second.stop()


def test_a_socket_directory_that_others_may_enter_is_not_taken_again(tmp_path: Path) -> None:
    home = deep(tmp_path)
    first = begin(home)
    first.stop()
    first.sockets.mkdir(mode=0o700)
    try:
        first.sockets.chmod(0o755)
        with pytest.raises(DataUnusable, match="no longer a private directory"):
            begin(home, first.sockets)
    finally:
        first.sockets.rmdir()


def test_a_lock_file_of_a_process_that_is_not_postgres_is_stale(home: Path) -> None:
    begin(home).stop()
    (home / "postmaster.pid").write_text(f"{os.getpid()}\n{home}\n")
    second = begin(home)
    try:
        assert ask(owner(second)) == 1
    finally:
        second.stop()


def test_a_second_start_on_the_same_directory_is_refused(
    server: Server, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "PREDECESSOR_SECONDS_MAX", 0.2)
    with pytest.raises(StartFailed, match=f"still running .process {server.process.pid}"):
        begin(home)
    assert ask(owner(server)) == 1


def test_a_server_that_somebody_else_started_there_is_respected(home: Path) -> None:
    first = begin(home)
    lock = home.with_name("postgres.lock")
    lock.unlink()
    try:
        with pytest.raises(StartFailed, match="which Wardline did not start"):
            begin(home)
        assert ask(owner(first)) == 1
    finally:
        first.stop()


def test_the_lock_lives_as_long_as_the_server(server: Server, home: Path) -> None:
    with home.with_name("postgres.lock").open("r+") as lock:
        with pytest.raises(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        server.stop()
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_directory_of_another_major_is_refused_untouched(home: Path) -> None:
    begin(home).stop()
    (home / "PG_VERSION").write_text("14\n")
    before = sorted(path.name for path in home.iterdir())
    with pytest.raises(DataUnusable, match=r"made by PostgreSQL 14, and this Wardline brings \d+"):
        begin(home)
    assert sorted(path.name for path in home.iterdir()) == before


def test_a_directory_with_other_files_is_refused_untouched(home: Path) -> None:
    home.mkdir()
    (home / "letters.txt").write_text("mine")
    with pytest.raises(DataUnusable, match="neither empty nor a PostgreSQL data directory"):
        begin(home)
    assert (home / "letters.txt").read_text() == "mine"


def test_a_file_in_its_place_is_refused(home: Path) -> None:
    home.write_text("a file")
    with pytest.raises((DataUnusable, StartFailed, NotADirectoryError)) as caught:
        begin(home)
    assert isinstance(caught.value, DataUnusable | StartFailed), "not an error with words"


def test_a_full_disk_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = shutil._ntuple_diskusage(1 << 30, 1 << 30, 1 << 20)  # type: ignore[attr-defined]
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    with pytest.raises(StartFailed, match="only 1 MiB are free"):
        begin(home)


def test_an_unfinished_first_start_begins_again(home: Path) -> None:
    unfinished = home.with_name("postgres.new")
    unfinished.mkdir()
    (unfinished / "PG_VERSION").write_text("18")
    begin(home).stop()
    assert not unfinished.exists()


def test_a_path_too_long_for_a_socket_still_works(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    started = begin(deep / "postgres")
    try:
        assert ask(owner(started)) == 1
        assert stat.S_IMODE(started.sockets.stat().st_mode) == 0o700
    finally:
        started.stop()
    assert not started.sockets.exists()


def test_it_ends_with_the_process_that_started_it(home: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\n"
        "from wardline.central.database import embedded\n"
        f"server = embedded.start(Path({str(home)!r}), Path({str(home) + '.log'!r}), 'x')\n"
        "print(server.process.pid, flush=True)\ntime.sleep(60)\n"
    )
    starter = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    postgres = int(starter.stdout.readline())
    starter.kill()
    starter.wait()
    starter.stdout.close()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{postgres}").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not Path(f"/proc/{postgres}").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to nobody")
def test_root_without_user_namespaces_runs_it_as_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shared = Path("/tmp") / f"wardline-test-{os.getpid()}"
    shared.mkdir(mode=0o711)
    shared.chmod(0o711)
    monkeypatch.setattr(embedded, "_identity", lambda directory: "nobody")
    try:
        started = begin(shared / "postgres")
        try:
            assert ask(owner(started)) == 1
            assert Path(f"/proc/{started.process.pid}").stat().st_uid == sockets.NOBODY
        finally:
            started.stop()
        assert begin_again_as_nobody(shared) == 1
    finally:
        shutil.rmtree(shared)


def begin_again_as_nobody(shared: Path) -> object:
    again = begin(shared / "postgres")
    try:
        return ask(owner(again))
    finally:
        again.stop()
