"""A server on a policy file is killed, or its disk is full, while it backs up and restores."""

import contextlib
import json
import shutil
import sqlite3
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.harness.product import Process
from wardline.core import clock
from wardline.formats import policy_file
from wardline.formats.policy_copy import Fault, PolicyFileRefused
from wardline.policy.backups import retention
from wardline.policy.backups.folder import Folder

RULES = 20
KILLS, KILLS_FULL = 3, 30
START_SECONDS_MAX = 60.0
REQUEST_SECONDS_MAX = 60.0
DISK_BYTES = 1 << 20
INSUFFICIENT_STORAGE = 507
RULE = {"when": {"kpiId": "margin", "severity": ["warn"]}, "action": "pricing.adjust"}


class Server:
    """`wardline policy serve` on a file of its own, which may be killed and started again."""

    def __init__(self, root: Path, backups: Path | None = None) -> None:
        self.db = root / "policies.db"
        self.backups = backups or root / "backups"
        self.folder = Folder(self.backups, str(self.backups), clock.system)
        self._log = root / "log"

    def start(self) -> "Server":
        place = ["--db", self.db, "--backup-dir", self.backups, "--port", "0"]
        self.process = Process(self._log, "policy", "serve", *place)
        until = time.monotonic() + START_SECONDS_MAX
        while " at http://" not in (told := self.process.output()):
            assert self.process.popen.poll() is None, told
            assert time.monotonic() < until, told
            time.sleep(0.02)
        self.url = told.split(" at ")[1].split(" on ")[0] + "/api/mcp/policy"
        return self

    def ask(self, path: str, body: object = None) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(
            self.url + path, data, {"content-type": "application/json"} if data else {}
        )
        try:
            with urllib.request.urlopen(asked, timeout=REQUEST_SECONDS_MAX) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, json.load(refused)

    def put(self, colour: str) -> None:
        """Rules of this colour."""
        rules = [
            RULE | {"id": f"rule.{number}", "params": {"set": colour}} for number in range(RULES)
        ]
        assert self.ask("/create", {"rules": rules})[0] == 200

    def colours(self) -> list[str]:
        """Of every rule in force."""
        return [rule["params"]["set"] for rule in self.ask("/list")[1]["data"]]

    def restored(self) -> list[str]:
        """Which backups were put in force, by what the file itself says."""
        with closing(sqlite3.connect(self.db)) as connection:
            rows = connection.execute(
                "SELECT payload FROM changes WHERE kind = 'policy.restored' ORDER BY seq"
            ).fetchall()
        return [json.loads(payload)["from"] for (payload,) in rows]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path).start()
    yield made
    made.process.kill()


@pytest.mark.parametrize("kills", [KILLS, pytest.param(KILLS_FULL, marks=pytest.mark.full)])
def test_a_server_that_is_killed_amid_restores_comes_back_whole(
    server: Server, seed: int, kills: int
) -> None:
    """Defect 6: a left-over `-wal` undid a restore."""
    files = {}
    for colour in ("red", "blue"):
        server.put(colour)
        files[server.ask("/backup")[1]["file"]] = colour
    known = 0
    for kill in range(kills):
        answered: list[str] = []

        def restore(told: list[str] = answered) -> None:
            with contextlib.suppress(OSError, ValueError):
                for number in range(1000):
                    status, answer = server.ask("/restore", {"file": list(files)[number % 2]})
                    assert status == 200, answer
                    told.append(answer["restoredFrom"])

        restoring = threading.Thread(target=restore)
        restoring.start()
        while not answered:
            assert restoring.is_alive()
            time.sleep(0.005)
        time.sleep((seed % 89 + kill * 37) % 101 / 300)
        server.process.kill()
        restoring.join()
        assert server.db.with_name(f"{server.db.name}-wal").exists(), "it was killed amid writes"

        server.start()
        now = server.restored()
        assert now[known : known + len(answered)] == answered, "what was answered holds"
        assert len(now) - known - len(answered) in (0, 1), "at most one went through unanswered"
        known = len(now)
        assert server.colours() == [files[now[-1]]] * RULES
        for each in server.folder.entries():
            assert each.note is not None, each.name.text
            assert server.folder.read(each.name).seal.sha256 == each.note.sha256
    server.folder.retain(retention.DEFAULT)
    left = {path.name for path in server.backups.iterdir()} - {".lock"}
    kept = server.folder.entries()
    assert left == {part for one in kept for part in (one.name.text, one.name.note)}


def test_a_backup_holds_what_was_committed_and_a_copy_of_the_file_is_refused(
    server: Server,
) -> None:
    """Defect 6: a file copy under WAL lost committed rows."""
    server.put("red")
    copied = server.db.read_bytes()
    file = server.ask("/backup")[1]["file"]
    name = server.folder.find(file)
    held = server.folder.read(name)
    assert len(held.contents.rules) == RULES
    placed = server.backups / "policies-2025-10-09T11-30-45-123456.db"
    placed.write_bytes(copied)
    assert rules_in(placed) < RULES
    with pytest.raises(PolicyFileRefused) as caught:
        policy_file.read(placed, server.backups)
    assert caught.value.fault is Fault.RUNNING
    status, answer = server.ask("/restore", {"file": f"{server.backups}/{placed.name}"})
    assert status == 400, answer
    assert server.colours() == ["red"] * RULES


def rules_in(copied: Path) -> int:
    """How many rules stand in a database without its log."""
    with closing(sqlite3.connect(f"file:{copied}?immutable=1", uri=True)) as connection:
        tables = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = 'rules'").fetchall()
        if not tables:
            return 0
        (found,) = connection.execute("SELECT count(*) FROM rules").fetchone()
        return int(found)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own, for the backups alone."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", folder], capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk_changes_nothing_and_is_told(tmp_path: Path, disk: Path) -> None:
    server = Server(tmp_path, disk / "backups").start()
    try:
        server.put("red")
        file = server.ask("/backup")[1]["file"]
        server.put("blue")
        ballast = disk / "ballast"
        with ballast.open("ab", buffering=0) as filling, contextlib.suppress(OSError):
            while filling.write(bytes(4096)):
                pass
        assert shutil.disk_usage(disk).free == 0
        for path, body in [("/backup", None), ("/restore", {"file": file})]:
            status, answer = server.ask(path, body)
            assert (status, answer["code"]) == (INSUFFICIENT_STORAGE, "policy_file_unwritable")
        assert server.colours() == ["blue"] * RULES
        assert server.ask("/backups")[1]["files"] == [file]
        ballast.unlink()
        status, answer = server.ask("/restore", {"file": file})
        assert status == 200, answer
        assert server.colours() == ["red"] * RULES
        assert {each.suffix for each in server.backups.iterdir()} == {"", ".db", ".json"}
    finally:
        server.process.kill()
