"""A partner writes nothing under another's site, whatever the table."""

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.integration.central.conftest import Tenant
from tests.integration.central.database.test_row_security import ACTOR, tables, value
from wardline.central.database.engine import Raw
from wardline.central.database.scope import Scope
from wardline.central.database.session import open_session

REFUSED = (asyncpg.InsufficientPrivilegeError, asyncpg.ForeignKeyViolationError)


async def of_sites(owner: Raw) -> list[asyncpg.Record]:
    return [row for row in await tables(owner) if "site_id" in row["columns"]]


async def test_a_row_under_a_foreign_site_is_refused_in_every_table(
    owner: Raw, app_engine: AsyncEngine, tenant: Tenant, other_tenant: Tenant
) -> None:
    """`other_tenant` writes its own partner_id and the site of `tenant`."""
    mixed = Tenant(other_tenant.partner_id, tenant.site_id)
    found = await of_sites(owner)
    assert len(found) > 12
    for row in found:
        columns = await owner.fetch(
            "SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type FROM pg_attribute a"
            " LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
            " WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped"
            " AND a.attidentity = '' AND (a.attname IN ('partner_id', 'site_id')"
            " OR (a.attnotnull AND d.oid IS NULL))",
            row["oid"],
        )
        # Checks of single values stand back, so that only whose row it is can refuse it.
        for check in await owner.fetch(
            "SELECT conname FROM pg_constraint WHERE conrelid = $1 AND contype = 'c'", row["oid"]
        ):
            await owner.execute(f'ALTER TABLE {row["name"]} DROP CONSTRAINT "{check[0]}"')
        for foreign_key in await owner.fetch(
            "SELECT conname FROM pg_constraint WHERE conrelid = $1 AND contype = 'f'"
            " AND confrelid <> 'sites'::regclass",
            row["oid"],
        ):
            await owner.execute(f'ALTER TABLE {row["name"]} DROP CONSTRAINT "{foreign_key[0]}"')
        names = ", ".join(each["name"] for each in columns)
        holes = ", ".join(f"${n}" for n in range(1, len(columns) + 1))
        values = [
            {} if each["type"] == "jsonb" else value(each["name"], each["type"], mixed)
            for each in columns
        ]
        insert = f"INSERT INTO {row['name']} ({names}) VALUES ({holes})"
        scope = Scope.partner(other_tenant.partner_id)
        try:
            async with open_session(app_engine, scope, ACTOR) as session:
                await session.raw.execute(insert, *values)
        except REFUSED:
            continue
        pytest.fail(f"{row['name']} took a row under a foreign site")


async def test_a_partner_writes_of_its_own_sites(app_engine: AsyncEngine, tenant: Tenant) -> None:
    async with open_session(app_engine, Scope.partner(tenant.partner_id), ACTOR) as session:
        await session.announce("kind", "subject", site_id=tenant.site_id)
        await session.record("action", "subject", site_id=tenant.site_id)
        await session.record("action", "subject")
        written = "SELECT count(*) FROM audit_log WHERE action = 'action'"
        assert await session.raw.fetchval(written) == 2
