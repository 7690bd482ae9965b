"""The change log as sockets tell it: in one order, once each, whatever commits or joins when."""

import asyncio
import contextlib
import random

import asyncpg
import pytest

from tests.integration.central.realtime.conftest import write
from wardline.central.database import change_log
from wardline.central.database.scope import Scope
from wardline.policy.live.seats import Limits


async def test_what_commits_late_is_told_and_keeps_its_place(
    somebody, announcing, tenant, owner, database
):
    late = await asyncpg.connect(database.owner)
    try:
        async with somebody.listening() as live:
            transaction = late.transaction()
            await transaction.start()
            await write(late, tenant, kind="first.to-begin")
            await write(owner, tenant, kind="first.to-commit")
            assert await live.silent()
            await transaction.commit()
            assert (await live.next())["kind"] == "first.to-begin"
            assert (await live.next())["kind"] == "first.to-commit"
    finally:
        await late.close()


async def test_writers_at_once_are_told_once_each_in_one_order(
    serve, server, person, announcing, tenant, owner, database, seed
):
    """Some wait between their first row and their end, some change their mind."""
    chance = random.Random(seed)
    kept = []

    async def writer(number):
        raw = await asyncpg.connect(database.owner)
        try:
            for turn in range(12):
                kind = f"w{number}.{turn}"
                transaction = raw.transaction()
                await transaction.start()
                await write(raw, tenant, chance.randint(1, 3), kind=kind)
                await asyncio.sleep(chance.choice([0, 0, 0.01, 0.15]))
                if chance.random() < 0.2:
                    await transaction.rollback()
                else:
                    await write(raw, tenant, kind=kind)
                    await transaction.commit()
                    kept.append(kind)
        finally:
            await raw.close()

    async with contextlib.AsyncExitStack() as stack:
        second = await stack.enter_async_context(serve())
        people = [
            await stack.enter_async_context(person(each, tenant)) for each in (server, second)
        ]
        lives = [await stack.enter_async_context(one.listening()) for one in people]
        await asyncio.gather(*(writer(number) for number in range(6)))
        rows = await owner.fetch(
            "SELECT id, kind FROM change_log WHERE partner_id = $1 AND kind LIKE 'w%'"
            " ORDER BY tx, id",
            tenant.partner_id,
        )
        assert {row["kind"] for row in rows} == set(kept)
        for live in lives:
            heard = [await live.next() for _ in rows]
            assert [(one["seq"], one["kind"]) for one in heard] == [tuple(row) for row in rows]
            assert await live.silent()


@pytest.mark.parametrize("join", ["before", "behind"])
async def test_numbers_of_transactions_are_in_order_as_numbers(
    somebody, announcing, tenant, owner, join
):
    """The next one may have a digit more; as texts, `10` is before `9`."""

    async def committed_by(*transactions):
        await owner.executemany(
            "INSERT INTO change_log (tx, partner_id, kind, subject)"
            " VALUES (CAST($1 AS text)::xid8, $2, $1, 'site')",
            [(str(tx), tenant.partner_id) for tx in transactions],
        )

    wanted = ["8", "9", "10", "11", "99", "100"]
    query = ""
    if join == "behind":
        async with somebody.listening() as live:
            await committed_by(1)
            query = f"?since={(await live.next())['seq']}&epoch={live.hello['epoch']}"
        await committed_by(*wanted)
    async with somebody.listening(query=query) as live:
        if join == "before":
            await committed_by(*wanted)
        assert [(await live.next())["kind"] for _ in wanted] == wanted
        assert await live.silent()


async def test_what_is_rolled_back_is_never_told(somebody, announcing, tenant, owner):
    async with somebody.listening() as live:
        transaction = owner.transaction()
        await transaction.start()
        await write(owner, tenant, kind="undone")
        await transaction.rollback()
        await write(owner, tenant, kind="done")
        assert (await live.next())["kind"] == "done"


async def test_what_is_announced_while_somebody_joins_is_told(
    serve, person, announcing, tenant, owner, monkeypatch
):
    """Read and announced between the look at the log and the client's place in the feed; the sweep
    is too slow to help here."""
    look, looked = change_log.head, []

    async def looking(session):
        head = await look(session)
        if session.scope == Scope.partner(tenant.partner_id) and not looked:
            looked.append(head)
            await write(owner, tenant, kind="meanwhile")
            # Long enough to be announced; if it were not yet, that would come later.
            await asyncio.sleep(0.5)
        return head

    async with serve(Limits(sweep_seconds=3600)) as server, person(server, tenant) as made:
        async with made.listening() as live:
            # The connection on which announcements are heard looks for itself once it is there.
            await write(owner, tenant)
            await live.next()
        monkeypatch.setattr(change_log, "head", looking)
        async with made.listening() as live:
            assert looked
            assert (await live.next())["kind"] == "meanwhile"
