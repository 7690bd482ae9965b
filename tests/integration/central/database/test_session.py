"""Sessions: a scope or none, no leak through the pool, and commit in one place."""

import asyncio

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.integration.central.conftest import Tenant
from wardline.central.database.engine import Raw
from wardline.central.database.scope import Actor, ActorKind, Scope, ScopeMissing
from wardline.central.database.session import credentials, open_session

ACTOR = Actor(ActorKind.SYSTEM, "test", "127.0.0.1")
SITES = text("SELECT id, name FROM sites ORDER BY id")
RENAME = text("UPDATE sites SET name = :name WHERE id = :id")


async def test_a_session_sees_its_own_partners_rows_only(
    app_engine: AsyncEngine, tenant: Tenant, other_tenant: Tenant
) -> None:
    async with open_session(app_engine, Scope.partner(tenant.partner_id), ACTOR) as session:
        assert [row["id"] for row in await session.rows(SITES)] == [tenant.site_id]
        assert await session.execute(RENAME, name="Mine", id=other_tenant.site_id) == 0


async def test_a_site_scope_sees_its_site_only(
    app_engine: AsyncEngine, tenant: Tenant, other_tenant: Tenant
) -> None:
    scope = Scope.site(tenant.site_id, tenant.partner_id)
    async with open_session(app_engine, scope, ACTOR) as session:
        assert [row["id"] for row in await session.rows(SITES)] == [tenant.site_id]


@pytest.mark.parametrize("identifier", ["", "a'b", "x" * 65, "a\x00b", "ä"])
def test_a_scope_needs_an_identifier(identifier: str) -> None:
    with pytest.raises(ScopeMissing):
        Scope.partner(identifier)
    with pytest.raises(ScopeMissing):
        Scope.site("site_1", identifier)


async def test_the_application_role_cannot_open_a_session_without_a_scope(
    app_engine: AsyncEngine,
) -> None:
    with pytest.raises(ScopeMissing):
        async with open_session(app_engine, Scope.system(), ACTOR):
            pass


async def test_the_jobs_role_sees_the_sites_of_all(
    jobs_engine: AsyncEngine, tenant: Tenant, other_tenant: Tenant
) -> None:
    async with open_session(jobs_engine, Scope.system(), ACTOR) as session:
        seen = {row["id"] for row in await session.rows(SITES)}
    assert {tenant.site_id, other_tenant.site_id} <= seen


async def test_a_connection_from_the_pool_has_forgotten_the_scope(
    app_engine: AsyncEngine, tenant: Tenant
) -> None:
    async with open_session(app_engine, Scope.partner(tenant.partner_id), ACTOR) as session:
        first = await session.raw.fetchval("SELECT pg_backend_pid()")
    async with credentials(app_engine) as raw:
        assert await raw.fetchval("SELECT pg_backend_pid()") == first
        assert await raw.fetchval("SELECT scope_partner()") is None
        assert await raw.fetch("SELECT * FROM sites") == []


async def test_a_failed_block_leaves_nothing_and_no_open_transaction(
    app_engine: AsyncEngine, tenant: Tenant
) -> None:
    scope = Scope.partner(tenant.partner_id)

    async def rename_and_fail() -> None:
        async with open_session(app_engine, scope, ACTOR) as session:
            await session.execute(RENAME, name="Never", id=tenant.site_id)
            raise LookupError

    with pytest.raises(LookupError):
        await rename_and_fail()
    async with open_session(app_engine, scope, ACTOR) as session:
        assert [row["name"] for row in await session.rows(SITES)] == ["Clinic"]


async def test_a_cancelled_block_gives_back_a_clean_connection(
    app_engine: AsyncEngine, tenant: Tenant
) -> None:
    started = asyncio.Event()

    async def sleep_in_the_database() -> None:
        scope = Scope.partner(tenant.partner_id)
        async with open_session(app_engine, scope, ACTOR) as session:
            await session.execute(RENAME, name="Never", id=tenant.site_id)
            started.set()
            await session.rows(text("SELECT pg_sleep(30)"))

    task = asyncio.create_task(sleep_in_the_database())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with open_session(app_engine, Scope.partner(tenant.partner_id), ACTOR) as session:
        assert [row["name"] for row in await session.rows(SITES)] == ["Clinic"]


async def test_a_transaction_left_open_never_reaches_the_next_borrower(
    app_engine: AsyncEngine, tenant: Tenant
) -> None:
    async with credentials(app_engine) as raw:
        await raw.execute(f"BEGIN; SELECT set_config('app.partner', '{tenant.partner_id}', true)")
    async with credentials(app_engine) as raw:
        assert not raw.is_in_transaction()
        assert await raw.fetch("SELECT * FROM sites") == []


async def test_json_times_and_large_numbers_survive_a_round_trip(
    app_engine: AsyncEngine, tenant: Tenant
) -> None:
    sql = text(
        "SELECT CAST(:document AS jsonb) AS document, CAST(:at AS timestamptz) AS at,"
        " CAST(:large AS bigint) AS large"
    )
    scope = Scope.partner(tenant.partner_id)
    async with open_session(app_engine, scope, ACTOR) as session:
        row = await session.row(sql, document={"a": [1, "ü"]}, at=session.now, large=2**53 - 1)
        assert row is not None
        assert dict(row) == {"document": {"a": [1, "ü"]}, "at": session.now, "large": 2**53 - 1}
        assert await session.raw.fetchval("SELECT '{\"a\": 1}'::jsonb") == {"a": 1}


async def test_announcements_and_records_ride_in_the_transaction(
    app_engine: AsyncEngine, tenant: Tenant, owner: Raw
) -> None:
    scope = Scope.site(tenant.site_id, tenant.partner_id)
    async with open_session(app_engine, scope, ACTOR) as session:
        await session.announce("site.renamed", tenant.site_id, {"name": "A"})
        await session.record("site.rename", tenant.site_id, after={"name": "A"}, reason="asked")
    change = await owner.fetchrow("SELECT * FROM change_log WHERE site_id = $1", tenant.site_id)
    audit = await owner.fetchrow("SELECT * FROM audit_log WHERE site_id = $1", tenant.site_id)
    assert (change["partner_id"], change["kind"]) == (tenant.partner_id, "site.renamed")
    assert (audit["actor_id"], str(audit["address"]), audit["reason"]) == (
        "test",
        "127.0.0.1",
        "asked",
    )
    assert audit["before"] is None


async def test_a_write_into_another_partners_rows_is_refused(
    app_engine: AsyncEngine, tenant: Tenant, other_tenant: Tenant
) -> None:
    insert = text(
        "INSERT INTO sites (id, name, partner_id, zone) VALUES ('site_x', 'X', :partner, 'UTC')"
    )
    with pytest.raises(Exception, match="row-level security"):
        async with open_session(app_engine, Scope.partner(tenant.partner_id), ACTOR) as session:
            await session.execute(insert, partner=other_tenant.partner_id)
