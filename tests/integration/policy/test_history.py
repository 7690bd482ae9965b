"""The history of a policy file: where it begins, who went back, and what an old rule may not do."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.harness.policy_contract import RULE, Served, done, listed
from tests.harness.policy_history import authored, back, get, read
from tests.integration.policy.conftest import Serve
from wardline.core import clock
from wardline.core.policy import parse
from wardline.core.policy.rule import Rule
from wardline.formats import policy_file
from wardline.formats.policy_file import Making
from wardline.policy.file.book import Book
from wardline.policy.file.restoring import FileRules
from wardline.policy.file.revisions import FileHistory
from wardline.policy.file.store import FileStore, Terms
from wardline.policy.revisions.store import PolicyChanged, Seen

WRITERS = 50


def _rule(rule_id: str, priority: int = 0) -> Rule:
    return parse.rule(RULE | {"id": rule_id, "priority": priority})


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A backup of a policy in revision 5, whose rules stem from 1, 3 and 5."""

    async def made() -> None:
        book = Book(tmp_path / "origin.db")
        store = FileStore(book, Terms(), "mia")
        await store.save(_rule("a"))
        await store.save(_rule("b"))
        await store.save(_rule("b", 1))
        await store.save(_rule("c"))
        await store.save(_rule("c", 1))
        held = await FileRules(book, Terms(), "mia").rows()
        policy_file.write(tmp_path / "backup.db", held, Making(clock.system(), "mia", "test"))
        await book.close()

    asyncio.run(made())
    return tmp_path / "backup.db"


async def test_the_history_of_a_finished_file_begins_with_the_revision_that_it_holds(
    serve: Serve, finished: Path
) -> None:
    """What the rules were before is not in it: a set made of what is would be a made-up one."""
    async with serve(db=finished) as served:
        before = await authored(served)
        page = await read(served, "/revisions")
        assert [(each["revision"], each["counts"]) for each in page["items"]] == [
            (5, None),
            (3, None),
            (1, None),
        ]
        assert (await read(served, "/revisions/5"))["changes"] is None
        for path, given in (("/diff", {"from": 3, "to": 5}), ("/revisions/2", {})):
            answer = await get(served.reader, path, **given)
            assert (answer.status_code, answer.json()["code"]) == (404, "revision_not_kept")
        refused = await back(served.manager, 3, '"5"')
        assert (refused.status_code, refused.json()["code"]) == (404, "revision_not_kept")
        assert "begins with revision 5" in refused.json()["detail"]
        await done(served.manager, "/delete", {"id": "b"})
        assert (await read(served, "/revisions/6"))["counts"]["removed"] == 1
        assert (await back(served.manager, 5, '"6"')).status_code == 200
        assert await authored(served) == before


async def test_a_roll_back_is_written_down_with_who_and_why(
    served: Served, policy_file: Path
) -> None:
    await done(served.manager, "/create", RULE)
    await done(served.manager, "/update", RULE | {"priority": 1})
    assert (await back(served.manager, 1, '"2"')).status_code == 200
    with closing(sqlite3.connect(policy_file)) as connection:
        (row,) = connection.execute(
            "SELECT actor, subject, details FROM audit_log WHERE action = 'policy.rollback'"
        ).fetchall()
    actor, subject, details = row
    assert (actor, subject) == ("manager", "policies")
    told = json.loads(details)
    assert (told["to"], told["revision"], told["reason"]) == (1, 3, "it was better before")
    assert told["ids"] == ["sysctl"]


async def test_a_rule_that_may_not_be_in_force_any_more_is_not_brought_back(
    serve: Serve, tmp_path: Path
) -> None:
    async with serve() as served:
        await done(served.manager, "/create", {"rules": [RULE, RULE | {"id": "x", "action": "y"}]})
        await done(served.manager, "/delete", {"id": "x"})
    actions = tmp_path / "actions"
    actions.write_text(f"{RULE['action']}\n")
    async with serve(actions=actions) as served:
        for path in ("/rollback", "/rules/x/rollback"):
            refused = await back(served.manager, 1, '"2"', path)
            assert (refused.status_code, refused.json()["code"]) == (422, "rule_invalid")
        assert [rule["id"] for rule in await listed(served.reader)] == ["sysctl"]
        assert (await read(served, "/revisions"))["revision"] == 2


async def test_of_fifty_writers_in_two_processes_each_revision_has_one(policy_file: Path) -> None:
    """Everybody retries from what is there then; nobody's change is lost and none comes twice."""
    books = [Book(policy_file), Book(policy_file)]
    store = FileStore(books[0], Terms(), "first")
    await store.save(_rule("a"))
    await store.save(_rule("a", 1))
    histories = [FileHistory(book, Terms(), f"p{number}") for number, book in enumerate(books)]
    refused = 0

    async def go_back(number: int) -> int:
        nonlocal refused
        history = histories[number % 2]
        while True:
            head = (await history.history(None, 1)).head
            target = head - 1
            try:
                made = await history.roll_back(target, Seen(frozenset({head})), f"by {number}")
            except PolicyChanged:
                refused += 1
                continue
            assert made.revision == head + 1
            return made.revision

    revisions = await asyncio.gather(*(go_back(number) for number in range(WRITERS)))
    assert sorted(revisions) == list(range(3, 3 + WRITERS))
    assert refused > 0, "they did meet"
    found = await histories[0].history(None, 200)
    assert len({each.reason for each in found.revisions}) == WRITERS + 1
    for book in books:
        await book.close()
