"""What runs as the schema's owner, and what a caller could put in its way."""

import asyncpg
import pytest

from tests.integration.central.conftest import Database, Tenant
from wardline.central.database.engine import Raw

SHADOW = """
CREATE FUNCTION pg_temp.stolen() RETURNS text LANGUAGE plpgsql AS $f$
BEGIN RETURN (SELECT string_agg(email, ',') FROM public.users); END $f$;
CREATE TEMP VIEW appliances AS SELECT pg_temp.stolen()::varchar AS id, 's'::varchar AS site_id,
  'p'::varchar AS partner_id, 1 AS epoch, '\\x00'::bytea AS credential_hash,
  NULL::timestamptz AS retired_at;
GRANT SELECT ON appliances TO PUBLIC;
"""
LOOK_UP = "SELECT * FROM public.credential_appliance('\\x00'::bytea)"


async def test_every_function_of_the_owners_rights_searches_pg_temp_last(owner: Raw) -> None:
    rows = await owner.fetch(
        "SELECT p.proname AS name, p.proconfig AS settings, r.rolsuper AS super"
        " FROM pg_proc p JOIN pg_roles r ON r.oid = p.proowner"
        " WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace"
    )
    assert len(rows) >= 5
    for row in rows:
        assert "search_path=pg_catalog, public, pg_temp" in (row["settings"] or []), row["name"]
        assert not row["super"], row["name"]


async def test_nobody_calls_them_but_the_roles_that_must(owner: Raw) -> None:
    rows = await owner.fetch(
        "SELECT p.proname FROM pg_proc p, aclexplode(p.proacl) a"
        " WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace AND a.grantee = 0"
        " UNION ALL SELECT proname FROM pg_proc WHERE prosecdef AND proacl IS NULL"
        " AND pronamespace = 'public'::regnamespace"
    )
    assert rows == []


async def test_the_serving_roles_make_no_temporary_tables(database: Database) -> None:
    for dsn in (database.app, database.jobs):
        raw = await asyncpg.connect(dsn)
        try:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await raw.execute("CREATE TEMP TABLE x (a INTEGER)")
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await raw.execute("CREATE TABLE public.x (a INTEGER)")
        finally:
            await raw.close()


async def test_a_shadow_of_a_table_does_not_run_as_the_owner(
    owner: Raw, database: Database, tenant: Tenant
) -> None:
    raw = await asyncpg.connect(database.app)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await raw.execute(SHADOW)
        # Were it allowed, the look-up would still read the table and not the view.
        await owner.execute(f"GRANT TEMPORARY ON DATABASE {database.name} TO wardline_app")
        await raw.execute(SHADOW)
        assert await raw.fetch(LOOK_UP) == []
    finally:
        await owner.execute(f"REVOKE TEMPORARY ON DATABASE {database.name} FROM wardline_app")
        await raw.close()


async def test_the_owner_is_no_superuser_and_runs_no_programs(owner: Raw) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await owner.execute("COPY (SELECT 1) TO PROGRAM 'true'")
    assert await owner.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is (
        False
    )
