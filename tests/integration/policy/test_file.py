"""What lies on the disk: which files are served, what a commit means, who sees it."""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.harness import product
from tests.harness.policy_contract import PREFIX, RULE, Served, done, listed
from tests.integration.policy.conftest import Serve
from wardline.core.errors import WardlineError
from wardline.core.policy import parse
from wardline.formats import policy_file as files
from wardline.policy import seed
from wardline.policy.file.book import Book
from wardline.policy.file.database import Database, FileUnusable
from wardline.policy.file.schema import NotAPolicyFile
from wardline.policy.file.store import FileStore, Terms
from wardline.policy.store import ANY

RULES = 1_000


def _many(revision: int, count: int = RULES) -> dict[str, Any]:
    return {"rules": [RULE | {"id": f"r{number}", "priority": revision} for number in range(count)]}


async def test_what_was_written_is_there_after_a_restart(serve: Serve) -> None:
    async with serve() as first:
        await done(first.manager, "/create?reason=because", RULE)
        before = await listed(first.reader)
    async with serve() as second:
        assert await listed(second.reader) == before
        await done(second.manager, "/update", RULE | {"priority": 1})


async def test_every_write_is_a_revision_with_author_time_and_reason(
    served: Served, policy_file: Path
) -> None:
    await done(served.manager, "/create?reason=first", RULE)
    await done(served.admin, "/update", RULE | {"priority": 1})
    await done(served.manager, "/delete?reason=last", {"id": "sysctl"})
    with closing(sqlite3.connect(policy_file)) as connection:
        revisions = connection.execute("SELECT revision, author, reason FROM revisions").fetchall()
        versions = connection.execute(
            "SELECT revision, body IS NULL FROM rule_versions ORDER BY revision"
        ).fetchall()
        assert revisions == [(1, "manager", "first"), (2, "admin", None), (3, "manager", "last")]
        assert versions == [(1, 0), (2, 0), (3, 1)]
        for table, column in (("rule_versions", "body"), ("revisions", "reason")):
            with pytest.raises(sqlite3.IntegrityError):
                connection.execute(f"UPDATE {table} SET {column} = 'other'")


async def test_a_backup_is_a_file_that_serves_and_goes_back(serve: Serve, tmp_path: Path) -> None:
    async with serve() as first:
        await done(first.manager, "/create", {"rules": [RULE, RULE | {"id": "other"}]})
        before = await listed(first.reader)
        made = (await first.admin.get("/backup")).json()["file"]
    copy = tmp_path / "elsewhere" / "policies.db"
    copy.parent.mkdir()
    shutil.copy(made, copy)
    assert files.read(copy, tmp_path).contents.revision == 1
    async with serve(db=copy) as second:
        assert await listed(second.reader) == before
        await done(second.manager, "/delete", {"id": "other"})
        again = (await second.admin.get("/backup")).json()["file"]
    assert [rule.id for rule in files.read(Path(again), tmp_path).contents.rules] == ["sysctl"]


@pytest.mark.parametrize(
    "content, wanted",
    [
        (b"this is no database, and long enough to be looked at" * 100, NotAPolicyFile),
        (b"SQLite format 3\x00" + b"\xff" * 4096, WardlineError),
    ],
    ids=["text", "header"],
)
async def test_what_is_no_database_is_not_served(
    tmp_path: Path, content: bytes, wanted: type[WardlineError]
) -> None:
    path = tmp_path / "policies.db"
    path.write_bytes(content)
    with pytest.raises(wanted, match=r"policies\.db"):
        Book(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "spoil, wanted",
    [
        ("PRAGMA user_version = 99", NotAPolicyFile),
        ("PRAGMA application_id = 1", NotAPolicyFile),
        ("DROP TABLE revisions", NotAPolicyFile),
        ("DELETE FROM meta", NotAPolicyFile),
        ("UPDATE rules SET body = '{}'", FileUnusable),
        ("UPDATE rules SET body = replace(body, 'auto', 'otto')", FileUnusable),
    ],
)
async def test_a_spoilt_policy_file_is_not_served(
    tmp_path: Path, spoil: str, wanted: type[WardlineError]
) -> None:
    path = tmp_path / "policies.db"
    book = Book(path)
    await FileStore(book, Terms(), "somebody").save(parse.rule(RULE))
    await book.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(spoil)
    with pytest.raises(wanted):
        Book(path)


async def test_a_command_says_why_it_does_not_serve_a_file(tmp_path: Path) -> None:
    path = tmp_path / "policies.db"
    path.write_text("no database " * 100)
    arguments = ("policy", "serve", "--db", path, "--port", "0")
    refused = await asyncio.to_thread(product.run, *arguments, expect=1)
    assert "is not a SQLite database" in refused.stderr
    assert "Traceback" not in refused.stderr


async def test_the_first_rules_are_planted_once_and_left_alone(tmp_path: Path) -> None:
    book = Book(tmp_path / "policies.db")
    store = FileStore(book, Terms(), "seed")
    try:
        first = await seed.plant(store)
        assert (len(first.added), first.kept) == (len(await store.rules()), 0)
        changed = parse.rule(RULE | {"id": "pricing.auto.adjust"})
        await store.save(changed, ANY)
        second = await seed.plant(store)
        assert (second.added, second.kept) == ((), len(first.added))
        (rule,) = [each for each in await store.rules() if each["id"] == "pricing.auto.adjust"]
        assert rule["action"] == RULE["action"]
    finally:
        await book.close()


async def test_11_a_large_write_leaves_the_event_loop_free(serve: Serve) -> None:
    """The server runs in this loop: a task that only sleeps says how long it was kept waiting."""
    gaps = [0.0]

    async def beat() -> None:
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.005)
            gaps.append(time.monotonic() - before - 0.005)

    async with serve() as served:
        await done(served.manager, "/create", _many(0))
        # SQLite's own lock, held by another program: who waits for it must be a thread.
        path = await _path_of(served)
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            beating = asyncio.create_task(beat())
            write = asyncio.create_task(served.manager.post("/create", json=RULE))
            answers = [(await served.reader.get("/list")).status_code for _ in range(3)]
            await asyncio.sleep(1.0)
            assert not write.done()
            other.execute("ROLLBACK")
            assert (await write).status_code == 200
            beating.cancel()
    assert answers == [200, 200, 200]
    assert sorted(gaps)[len(gaps) // 2] < 0.05
    assert max(gaps) < 0.9


async def test_05_a_reader_sees_one_whole_revision_while_others_write(
    served: Served, beside: Served
) -> None:
    """Each bulk replaces all rules; a list that mixes two of them would be half of each."""
    await done(served.manager, "/create", _many(0, 200))
    seen: list[set[int]] = []
    writing = True

    async def read(client: httpx2.AsyncClient) -> None:
        while writing:
            rules = await listed(client)
            assert len(rules) == 200
            seen.append({rule.get("priority", 0) for rule in rules})

    readers = [asyncio.create_task(read(each.reader)) for each in (served, beside, served, beside)]
    for revision in range(1, 21):
        await done(served.manager, "/create", _many(revision, 200))
    writing = False
    await asyncio.gather(*readers)
    assert len(seen) >= 20
    assert {len(each) for each in seen} == {1}


async def test_a_process_that_is_killed_loses_nothing_that_it_answered(tmp_path: Path) -> None:
    path = tmp_path / "policies.db"
    answered = await asyncio.to_thread(_write_until_killed, path)
    book = Book(path)
    try:
        held = {rule["id"] for rule in await FileStore(book, Terms(), "x").rules()}
    finally:
        await book.close()
    assert answered <= held
    assert len(held - answered) <= 1
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def _write_until_killed(path: Path) -> set[str]:
    process, port = start(path)
    answered: set[str] = set()
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}{PREFIX}") as client:
        for number in range(60):
            name = f"r{number}"
            if client.post("/create", json=RULE | {"id": name}).status_code == 200:
                answered.add(name)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    return answered


def start(path: Path, *options: str) -> tuple[subprocess.Popen[str], int]:
    """`wardline policy serve` on a port of its own, once it answers."""
    process = subprocess.Popen(
        [product.WARDLINE, "policy", "serve", "--db", str(path), "--port", "0", *options],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout:
        told = process.stdout.readline()
    assert "Policy manager at http://127.0.0.1:" in told
    return process, int(told.split("127.0.0.1:")[1].split()[0])


async def _path_of(served: Served) -> Path:
    file = (await served.admin.get("/backup")).json()["file"]
    return Path(file).parent.parent / "policies.db"


def test_nothing_of_centrals_is_loaded_by_the_command(tmp_path: Path) -> None:
    """`wardline[policy]` brings no PostgreSQL, no SQLAlchemy, no passwords, no dashboard."""
    loads = (
        "import json, sys; from wardline.cli.commands import policy;"
        " from wardline.policy.standalone import app, settings;"
        " from pathlib import Path;"
        f" app.create(settings.Settings(db=Path({str(tmp_path / 'p.db')!r})));"
        " print(json.dumps(sorted({name.partition('.')[0] for name in sys.modules}"
        " | {name for name in sys.modules if name.startswith('wardline.')})))"
    )
    python = str(Path(product.WARDLINE).with_name("python"))
    done = subprocess.run([python, "-c", loads], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout))
    heavy = {"sqlalchemy", "asyncpg", "argon2", "cryptography", "zstandard", "pgserver", "nacl"}
    assert "fastapi" in loaded
    assert loaded & heavy == set()
    ours = {name for name in loaded if name.startswith(("wardline.central", "wardline.agent"))}
    assert ours == set()


def test_it_ends_when_it_is_told_to(tmp_path: Path) -> None:
    process, port = start(tmp_path / "policies.db")
    assert httpx2.get(f"http://127.0.0.1:{port}{PREFIX}/list").json() == {"ok": True, "data": []}
    process.send_signal(signal.SIGINT)
    assert process.wait(20) in (0, 130)
    assert not (tmp_path / "policies.db-wal").exists()


async def test_nobody_takes_up_what_a_writer_is_about_to(tmp_path: Path) -> None:
    """What it commits can be seen before it is told; who then read all of it held it up."""
    seen: list[tuple[bool, bool]] = []
    database, lock = Database(tmp_path / "policies.db"), threading.Lock()
    try:
        await database.write(
            lambda connection: lock.locked() and connection.in_transaction,
            lambda held: seen.append((held, lock.locked())),
            lock,
        )
        assert seen == [(True, True)]
        assert not lock.locked()
        with pytest.raises(ZeroDivisionError):
            await database.write(lambda _: 1 // 0, lock=lock)
        assert not lock.locked()
    finally:
        await database.close()


async def test_a_file_whose_rows_counted_themselves_counts_once(
    serve: Serve, policy_file: Path
) -> None:
    async with serve() as first:
        await done(first.manager, "/create", _many(1, 600))
    with closing(sqlite3.connect(policy_file)) as connection:
        connection.execute(
            "CREATE TRIGGER revisions_are_counted AFTER INSERT ON rule_versions BEGIN"
            " UPDATE revision_counts SET added = added + 1; END"
        )
        connection.commit()
    async with serve() as second:
        mixed = _many(2, 700)["rules"][400:]
        await done(second.manager, "/create", {"rules": [*mixed, _many(1)["rules"][0]]})
        await done(second.manager, "/delete", {"id": "r1"})
    with closing(sqlite3.connect(policy_file)) as connection:
        counts = connection.execute("SELECT * FROM revision_counts ORDER BY revision").fetchall()
        kept = connection.execute(
            "SELECT count(*) FROM rules JOIN rule_versions v ON v.rule_id = id"
            " AND v.revision = rules.revision AND v.body = rules.body"
        ).fetchone()
    assert counts == [(1, 600, 0, 0), (2, 100, 200, 0), (3, 0, 0, 1)]
    assert kept == (699,)
