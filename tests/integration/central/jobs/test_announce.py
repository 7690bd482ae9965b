"""The announcer: every partner with new rows once per round, and everybody after a gap."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.integration.central.conftest import Database, make_tenant
from wardline.central.database import change_log
from wardline.central.jobs import announce
from wardline.central.jobs.announce import Announcer
from wardline.core import clock


@pytest.fixture
async def heard(database: Database) -> AsyncIterator[asyncio.Queue[str]]:
    """What a web process would hear."""
    queue: asyncio.Queue[str] = asyncio.Queue()
    raw = await asyncpg.connect(database.app)
    await raw.add_listener(change_log.CHANNEL, lambda *given: queue.put_nowait(given[3]))
    yield queue
    await raw.close()


@pytest.fixture
async def announcer(jobs_engine, heard) -> Announcer:
    made = Announcer(jobs_engine, clock.system)
    assert await made.announce() == 1
    assert await asyncio.wait_for(heard.get(), 5) == change_log.EVERYBODY
    return made


async def write(raw, *tenants, count=1):
    for tenant in tenants:
        await raw.execute(
            "INSERT INTO change_log (partner_id, site_id, kind, subject, payload)"
            " SELECT $1, $2, 'evidence', 'x', '{\"secret\": 1}' FROM generate_series(1, $3)",
            *(tenant.partner_id, tenant.site_id, count),
        )


async def test_each_partner_is_named_once_per_round(announcer, heard, owner, tenant, other_tenant):
    await write(owner, tenant, other_tenant, tenant, count=50)
    assert await announcer.announce() == 2
    said = {await asyncio.wait_for(heard.get(), 5) for _ in range(2)}
    assert said == {tenant.partner_id, other_tenant.partner_id}
    assert await announcer.announce() == 0
    assert heard.empty()


async def test_a_row_that_commits_late_is_announced_when_it_can_be_read(
    announcer, heard, owner, tenant, other_tenant, database
):
    late = await asyncpg.connect(database.owner)
    try:
        transaction = late.transaction()
        await transaction.start()
        await write(late, tenant)
        await write(owner, other_tenant)
        assert await announcer.announce() == 0
        await transaction.commit()
    finally:
        await late.close()
    assert await announcer.announce() == 2
    assert {await asyncio.wait_for(heard.get(), 5) for _ in range(2)} == {
        tenant.partner_id,
        other_tenant.partner_id,
    }


async def test_a_reader_does_not_hold_it_up(announcer, owner, tenant, database):
    """A long export reads in one transaction and writes nothing."""
    reader = await asyncpg.connect(database.owner)
    try:
        async with reader.transaction():
            await reader.fetch("SELECT count(*) FROM change_log")
            await write(owner, tenant)
            assert await announcer.announce() == 1
    finally:
        await reader.close()


async def test_more_partners_than_can_be_named_are_everybody(announcer, heard, owner, monkeypatch):
    monkeypatch.setattr(announce, "PARTNERS_PER_ROUND_MAX", 2)
    await write(owner, *[await make_tenant(owner) for _ in range(3)])
    assert await announcer.announce() == 1
    assert await asyncio.wait_for(heard.get(), 5) == change_log.EVERYBODY


async def test_another_log_is_news_for_everybody(announcer, heard):
    """As after a restore: the epoch that it remembers is not the database's."""
    announcer._told = change_log.Head("of another", change_log.Position(2**60, 7))
    assert await announcer.announce() == 1
    assert await asyncio.wait_for(heard.get(), 5) == change_log.EVERYBODY
    assert await announcer.announce() == 0
