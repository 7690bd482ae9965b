"""Row security by catalogue discovery: every tenant table is forced, and holds for every table."""

import secrets
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.integration.central.conftest import Tenant
from wardline.central.database.engine import Raw
from wardline.central.database.scope import Actor, ActorKind, Scope
from wardline.central.database.session import open_session

ACTOR = Actor(ActorKind.SYSTEM, "test")

# What belongs to the installation and to no tenant.
SHARED = {"installation", "schema_migrations", "job_heartbeats"}

TABLES = (
    "SELECT c.oid, c.relname AS name, c.relrowsecurity AS enabled, c.relforcerowsecurity AS forced,"
    " c.relispartition AS is_partition,"
    " array(SELECT polname::text FROM pg_policy WHERE polrelid = c.oid) AS policies,"
    " array(SELECT attname::text FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0"
    "   AND NOT attisdropped) AS columns"
    " FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')"
    " ORDER BY c.relname"
)


async def tables(owner: Raw) -> list[asyncpg.Record]:
    return [row for row in await owner.fetch(TABLES) if row["name"] not in SHARED]


async def test_every_tenant_table_has_forced_row_security_and_a_tenant_policy(owner: Raw) -> None:
    found = await tables(owner)
    assert len(found) > 15
    bare = [
        row["name"]
        for row in found
        if not (row["enabled"] and row["forced"] and "tenant" in row["policies"])
    ]
    assert bare == []


async def test_every_view_is_bound_by_the_row_security_of_its_reader(
    owner: Raw, app_engine: AsyncEngine, tenant: Tenant, other_tenant: Tenant
) -> None:
    views = await owner.fetch(
        "SELECT relname AS name, reloptions AS options FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('v', 'm')"
    )
    assert views
    for each in (tenant, other_tenant):
        await accept_something(owner, each)
    for view in views:
        assert "security_invoker=true" in (view["options"] or []), view["name"]
        for scope in (
            Scope.partner(tenant.partner_id),
            Scope.site(tenant.site_id, tenant.partner_id),
        ):
            async with open_session(app_engine, scope, ACTOR) as session:
                seen = await session.raw.fetch(f"SELECT DISTINCT partner_id FROM {view['name']}")
            assert [row["partner_id"] for row in seen] == [tenant.partner_id], view["name"]


async def accept_something(owner: Raw, tenant: Tenant) -> None:
    """A row for the views that show nothing where nobody accepted anything."""
    given = (tenant.site_id, tenant.partner_id)
    await owner.execute(
        "INSERT INTO deviations (site_id, partner_id, id, check_id, accepted_at, accepted_by,"
        " accepted_by_name, until, owner, reason, control) VALUES ($1, $2, 'dev_x', 'firewall',"
        " now(), 'user_x', 'Mia', now() + interval '1 day', 'Mia', 'x', 'x')",
        *given,
    )
    await owner.execute(
        "INSERT INTO deviation_hosts (site_id, partner_id, deviation_id, host_id, check_id,"
        " facts_digest, severity, summary, facts, log_index) VALUES ($1, $2, 'dev_x', 'host_x',"
        " 'firewall', repeat('a', 64), 'high', 'x', '{}', 1)",
        *given,
    )


async def test_every_tenant_table_names_its_partner(owner: Raw) -> None:
    unnamed = [
        row["name"]
        for row in await tables(owner)
        if "partner_id" not in row["columns"] and row["name"] != "partners"
    ]
    assert unnamed == []


async def test_every_unique_key_of_a_tenant_table_begins_with_its_tenant(owner: Raw) -> None:
    """No tenant can squat another's identifier; what Central itself generates is the exception."""
    rows = await owner.fetch(
        "SELECT c.relname AS name, a.attname AS first FROM pg_index i"
        " JOIN pg_class c ON c.oid = i.indrelid"
        " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = i.indkey[0]"
        " WHERE i.indisunique AND c.relnamespace = 'public'::regnamespace"
    )
    generated = {
        ("partners", "id"), ("sites", "id"), ("users", "id"), ("sessions", "id"),
        ("sessions", "token_hash"), ("enrolment_tokens", "id"), ("appliances", "id"),
        ("appliances", "credential_hash"), ("change_log", "id"), ("audit_log", "id"),
        ("evidence_bundles", "id"), ("compliance_snapshots", "id"), ("orders", "id"),
        ("approvals", "id"), ("flap_suppressions", "id"), ("freezes", "id"),
    }  # fmt: skip
    doubtful = {
        (row["name"], row["first"])
        for row in rows
        if row["name"] not in SHARED and row["first"] not in {"site_id", "partner_id"}
    }
    assert doubtful <= generated


async def test_the_serving_roles_own_nothing_and_bypass_nothing(owner: Raw) -> None:
    roles = await owner.fetch(
        "SELECT rolname, rolsuper, rolbypassrls, rolcreatedb, rolcreaterole FROM pg_roles"
        " WHERE rolname IN ('wardline_app', 'wardline_jobs')"
    )
    assert len(roles) == 2
    assert not any(any(list(row.values())[1:]) for row in roles)
    owned = await owner.fetchval(
        "SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner"
        " WHERE r.rolname IN ('wardline_app', 'wardline_jobs')"
    )
    assert owned == 0


async def test_the_application_role_can_neither_change_nor_remove_evidence(owner: Raw) -> None:
    rows = await owner.fetch(
        "SELECT c.relname FROM pg_class c CROSS JOIN unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE'])"
        " AS p WHERE c.relname = ANY($1) AND has_table_privilege('wardline_app', c.oid, p)",
        ["evidence_bundles", "evidence_log_entries", "evidence_log_nodes", "evidence_checkpoints",
         "evidence_cosignatures", "audit_log", "change_log", "results", "approval_votes",
         "compliance_snapshots", "promotion_ledger", "audit_log_waiting", "audit_log_heads",
         "audit_log_entries", "audit_log_nodes", "audit_log_checkpoints", "audit_log_alarms"],
    )  # fmt: skip
    assert rows == []


async def test_a_row_of_every_table_is_seen_by_its_tenant_alone(
    owner: Raw, app_engine: AsyncEngine, tenant: Tenant, other_tenant: Tenant
) -> None:
    """Each tenant has a row in every table; each table is read as a partner and as a site."""
    found = [row for row in await tables(owner) if not row["is_partition"]]
    for row in found:
        await plant(owner, row, tenant)
        await plant(owner, row, other_tenant)
    partner = Scope.partner(tenant.partner_id)
    site = Scope.site(tenant.site_id, tenant.partner_id)
    for row in found:
        mine, foreign = await counts(app_engine, partner, row, tenant, other_tenant)
        assert (mine > 0, foreign) == (True, 0), row["name"]
        mine, foreign = await counts(app_engine, site, row, tenant, other_tenant)
        assert (mine > 0, foreign) == (in_a_sites_view(row), 0), row["name"]


async def test_a_site_sees_no_row_that_names_another_partner(
    owner: Raw, app_engine: AsyncEngine, tenant: Tenant, other_tenant: Tenant
) -> None:
    """Were such a row there, whoever put it."""
    mixed = Tenant(other_tenant.partner_id, tenant.site_id)
    for row in await tables(owner):
        if row["is_partition"] or "site_id" not in row["columns"]:
            continue
        await plant(owner, row, mixed)
        scope = Scope.site(tenant.site_id, tenant.partner_id)
        async with open_session(app_engine, scope, ACTOR) as session:
            seen = await session.raw.fetchval(
                f"SELECT count(*) FROM {row['name']} WHERE partner_id = $1", mixed.partner_id
            )
        assert seen == 0, row["name"]


def in_a_sites_view(table: asyncpg.Record) -> bool:
    """An appliance reads its site's rows, the policy in force and what is promoted, and nothing
    else of a partner."""
    of_a_site = "site_id" in table["columns"] or table["name"] == "sites"
    return of_a_site or table["name"] in {"policy_heads", "policies", "promotions"}


async def counts(
    engine: AsyncEngine, scope: Scope, table: asyncpg.Record, mine: Tenant, other: Tenant
) -> tuple[int, int]:
    """How many rows of each of the two tenants the application role sees in this scope."""
    column = "id" if table["name"] == "partners" else "partner_id"
    sql = f"SELECT count(*) FROM {table['name']} WHERE {column} = $1"
    async with open_session(engine, scope, ACTOR) as session:
        if not await session.raw.fetchval(
            "SELECT has_table_privilege($1::text, 'SELECT')", table["name"]
        ):
            pytest.fail(f"the application role cannot read {table['name']} at all")
        return (
            await session.raw.fetchval(sql, mine.partner_id),
            await session.raw.fetchval(sql, other.partner_id),
        )


async def plant(owner: Raw, table: asyncpg.Record, tenant: Tenant) -> None:
    """Some row of the tenant's in the table; checks and references stand back for it."""
    if table["name"] in {"partners", "sites"}:
        return
    columns = await owner.fetch(
        "SELECT a.attname AS name, format_type(a.atttypid, NULL) AS type FROM pg_attribute a"
        " LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum"
        " WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND a.attidentity = ''"
        " AND a.attnotnull AND (d.oid IS NULL OR a.attname IN ('partner_id', 'site_id'))",
        table["oid"],
    )
    names = [row["name"] for row in columns]
    if "site_id" in table["columns"] and "site_id" not in names:
        columns = [*columns, {"name": "site_id", "type": "character varying"}]
        names.append("site_id")
    values = [value(row["name"], row["type"], tenant) for row in columns]
    async with owner.transaction():
        for check in await owner.fetch(
            "SELECT conname FROM pg_constraint WHERE conrelid = $1 AND contype IN ('c', 'f')",
            table["oid"],
        ):
            await owner.execute(f'ALTER TABLE {table["name"]} DROP CONSTRAINT "{check[0]}"')
        holes = ", ".join(f"${n}" for n in range(1, len(names) + 1))
        await owner.execute(
            f"INSERT INTO {table['name']} ({', '.join(names)}) VALUES ({holes})", *values
        )


def value(name: str, kind: str, tenant: Tenant) -> Any:
    if name == "partner_id":
        return tenant.partner_id
    if name == "site_id":
        return tenant.site_id
    match kind:
        case "character varying" | "text":
            return secrets.token_hex(6)
        case "text[]":
            return [secrets.token_hex(6)]
        case "integer[]":
            return [7]
        case "bytea":
            return secrets.token_bytes(32)
        case "jsonb":
            return "{}"
        case "boolean":
            return False
        case "timestamp with time zone":
            return datetime(2026, 11, 21, tzinfo=UTC)
        case _:
            return 7
