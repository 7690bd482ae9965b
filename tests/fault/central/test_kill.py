"""Central's processes killed in the middle of their work: what was answered is still there."""

import contextlib
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.harness.product import Central, wait_for
from wardline.central.supervisor import WEB_PROCESSES_DEFAULT
from wardline.cli.client import Client, Rejected, Unreachable

RECOVERY_SECONDS_MAX = 40.0
ATTEMPTS = 30
KILL_AT = 5
DEATHS_OF_THE_DATABASE = 3
LOGGED_CHARS_MAX = 400
SITE = {"zone": "Europe/Berlin", "opening_hours": []}


@pytest.fixture
def central(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Central]:
    """In a folder of the name that the test asks for, if it does."""
    folder = tmp_path / getattr(request, "param", "")
    folder.mkdir(exist_ok=True)
    made = Central(folder, as_usual=True).start()
    yield made
    made.stop()


def descendants(central: Central) -> list[psutil.Process]:
    assert central.process is not None
    return psutil.Process(central.process.popen.pid).children(recursive=True)


def serving(central: Central, *words: str) -> set[int]:
    """The direct children whose command line has these words, by process id."""
    assert central.process is not None
    found = set()
    for process in psutil.Process(central.process.popen.pid).children():
        with contextlib.suppress(psutil.Error):
            line = process.cmdline()
            named = all(any(word in part for part in line) for word in words)
            if named and process.status() != psutil.STATUS_ZOMBIE:
                found.add(process.pid)
    return found


def add(owner: Client, name: str) -> str:
    return str(owner.post("/sites", {"name": name, **SITE})["id"])


def names(owner: Client) -> set[str]:
    found: set[str] = set()
    cursor: str | None = ""
    while cursor is not None:
        more = {"cursor": cursor} if cursor else {}
        page = owner.get("/fleet", limit=200, **more)
        found |= {site["name"] for site in page["items"]}
        cursor = page["next_cursor"]
    return found


def keep_adding(owner: Client, prefix: str, during: Any) -> set[str]:
    """Adds sites until one fails, killing in the middle; the names that were acknowledged."""
    acknowledged: set[str] = set()
    for number in range(ATTEMPTS):
        if number == KILL_AT:
            during()
        try:
            add(owner, f"{prefix} {number}")
        except (Unreachable, Rejected):
            break
        acknowledged.add(f"{prefix} {number}")
    return acknowledged


def test_web_postgres_and_jobs_come_back_with_all_that_was_acknowledged(central: Central) -> None:
    owner = central.owner()
    acknowledged: set[str] = set()
    for words in (("wardline.central", "web"), ("postgres",), ("wardline.central", "jobs")):
        before = serving(central, *words)
        assert len(before) == (WEB_PROCESSES_DEFAULT if "web" in words else 1)
        victim = min(before)
        acknowledged |= keep_adding(owner, words[-1], psutil.Process(victim).kill)
        wait_for(lambda: answers(owner), f"Central after killing {words[-1]}", RECOVERY_SECONDS_MAX)
        wait_for(
            lambda words=words, before=before, victim=victim: (  # type: ignore[misc]
                len(serving(central, *words) - {victim}) == len(before)
            ),
            f"a new {words[-1]} process",
            RECOVERY_SECONDS_MAX,
        )
        assert before - {victim} <= serving(central, *words), "the others were left alone"
    assert acknowledged
    assert acknowledged <= names(owner)
    owner.close()
    assert central.process is not None
    output = central.process.output()
    assert "The web process ended (signal 9)" in output
    assert "The database ended and is started again" in output
    assert "The jobs process ended (signal 9)" in output


@pytest.mark.parametrize("central", ["deep" * 30], indirect=True)
def test_while_the_database_is_away_callers_are_asked_to_come_again(central: Central) -> None:
    """On a path that is too long for a socket, which then lies elsewhere."""
    owner = central.owner()
    said: list[int] = []
    for _ in range(DEATHS_OF_THE_DATABASE):
        (postmaster,) = serving(central, "postgres")
        psutil.Process(postmaster).kill()
        deadline = time.monotonic() + RECOVERY_SECONDS_MAX
        while True:
            assert time.monotonic() < deadline, said
            try:
                owner.get("/fleet")
            except Rejected as error:
                said.append(error.status)
            else:
                if serving(central, "postgres") - {postmaster}:
                    break
    assert set(said) == {503}
    owner.close()
    log = (central.data / "log" / "web.log").read_text()
    assert "the database is away" in log
    assert len(log) / len(said) < LOGGED_CHARS_MAX, "no stacks of what is expected"


def test_killing_the_supervisor_ends_its_children_and_the_next_start_works(
    central: Central,
) -> None:
    owner = central.owner()
    acknowledged = keep_adding(owner, "before", lambda: None)
    children = descendants(central)
    assert len(children) > 2
    assert central.process is not None
    central.process.kill()
    owner.close()
    gone, alive = psutil.wait_procs(children, timeout=15)
    assert not alive, [process.cmdline() for process in alive]
    assert len(gone) == len(children)
    output_before = central.process.output()
    (central.data / "run" / "central.json").unlink()
    central.start()
    client = Client(central.address["url"])
    client.sign_in("owner@wardline.local", "a long passphrase of ours")
    assert acknowledged <= names(client)
    client.close()
    assert "one-time password" in output_before
    assert "one-time password" not in central.process.output()


def test_ctrl_c_ends_everything_within_seconds(central: Central) -> None:
    children = descendants(central)
    assert central.process is not None
    begun = time.monotonic()
    central.process.popen.send_signal(signal.SIGINT)
    assert central.process.popen.wait(20) == 0
    assert time.monotonic() - begun < 10
    _, alive = psutil.wait_procs(children, timeout=1)
    assert not alive
    assert not (central.data / "run" / "central.json").exists()
    assert not list((central.data / "run").glob(".s.PGSQL*"))


def test_no_secret_stands_in_a_command_line_an_environment_or_an_open_file(
    central: Central,
) -> None:
    secrets = json.loads((central.data / "keys" / "database.json").read_text())
    for process in descendants(central):
        shown = " ".join(process.cmdline()) + json.dumps(process.environ())
        assert not any(secret in shown for secret in secrets.values())
    for name in ("keys/database.json", "keys/server/log.key", "run/central.json", "kind"):
        assert (central.data / name).stat().st_mode & 0o777 == 0o600, name
    for name in ("", "keys", "run", "log", "tls", "postgres"):
        assert (central.data / name).stat().st_mode & 0o777 == 0o700, name
    log = "".join(path.read_text() for path in (central.data / "log").iterdir())
    assert central.login()[1] not in log
    assert not any(secret in log for secret in secrets.values())


def answers(owner: Client) -> bool:
    try:
        return "totals" in owner.get("/fleet")
    except (Unreachable, Rejected):
        return False
