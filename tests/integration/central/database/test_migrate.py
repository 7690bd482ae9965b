"""The migration runner: once, in order, unchanged; and schema.sql as the sum of the files."""

import asyncio
import os
import re
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from tests.integration.central.conftest import Cluster, drop, execute
from wardline.central.database import embedded, migrate
from wardline.central.database.migrate import Migration, MigrationRefused

SCHEMA = migrate.MIGRATIONS / "schema.sql"
# Set it to write schema.sql anew from the migrations.
REWRITE = "WARDLINE_WRITE_SCHEMA"

# The catalogue as text, without what a month's name or an object id would change.
CATALOGUE = """
SELECT line FROM (
  SELECT format('column %s.%s %s default %s notnull %s identity %s', c.relname, a.attname,
    format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid), a.attnotnull,
    a.attidentity) AS line, c.relname AS owner
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
  UNION ALL SELECT format('table %s kind %s security %s forced %s acl %s', relname, relkind,
    relrowsecurity, relforcerowsecurity,
    (SELECT string_agg(x::text, ',' ORDER BY x::text) FROM unnest(relacl) x)), relname
  FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
  UNION ALL SELECT format('view %s options %s acl %s %s', relname, reloptions,
    (SELECT string_agg(x::text, ',' ORDER BY x::text) FROM unnest(relacl) x),
    pg_get_viewdef(oid)), relname
  FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'
  UNION ALL SELECT format('column acl %s.%s %s', c.relname, a.attname,
    (SELECT string_agg(x::text, ',' ORDER BY x::text) FROM unnest(a.attacl) x)), c.relname
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attacl IS NOT NULL
  WHERE c.relnamespace = 'public'::regnamespace
  UNION ALL SELECT format('index %s', pg_get_indexdef(indexrelid)), indrelid::regclass::text
  FROM pg_index WHERE indrelid IN (SELECT oid FROM pg_class
    WHERE relnamespace = 'public'::regnamespace)
  UNION ALL SELECT format('constraint %s %s %s', conrelid::regclass, conname,
    pg_get_constraintdef(oid)), conrelid::regclass::text
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
    AND contype <> 'n'
  UNION ALL SELECT format('policy %s %s %s %s using %s check %s', polrelid::regclass, polname,
    polcmd, (SELECT string_agg(rolname, ',' ORDER BY rolname) FROM pg_roles
      WHERE oid = ANY(polroles)),
    pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)), polrelid::regclass::text
  FROM pg_policy
  UNION ALL SELECT format('trigger %s', pg_get_triggerdef(oid)), tgrelid::regclass::text
  FROM pg_trigger WHERE NOT tgisinternal AND tgparentid = 0
  UNION ALL SELECT format('function %s acl %s', pg_get_functiondef(oid),
    (SELECT string_agg(x::text, ',' ORDER BY x::text) FROM unnest(proacl) x)), ''
  FROM pg_proc WHERE pronamespace = 'public'::regnamespace
) AS found WHERE owner !~ '^results_[0-9]{4}_[0-9]{2}$' ORDER BY line
"""


@pytest.fixture
def empty(cluster: Cluster) -> Iterator[str]:
    """The owner's address of a database without a schema."""
    name = f"test_{secrets.token_hex(6)}"
    server = cluster.owner("postgres")
    asyncio.run(execute(server, f"CREATE DATABASE {name} TEMPLATE template0"))
    yield cluster.owner(name)
    asyncio.run(drop(cluster, name))


async def catalogue(dsn: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        return sorted(_plain(row["line"]) for row in await connection.fetch(CATALOGUE))
    finally:
        await connection.close()


def _plain(line: str) -> str:
    """PostgreSQL writes the casts and brackets of an IN list otherwise after a dump."""
    if not line.startswith("constraint "):
        return line
    return re.sub(r"::[a-z ]+(\[\])?|[()]", "", line)


async def test_a_second_run_applies_nothing(empty: str) -> None:
    assert await migrate.run(empty) == [each.name for each in migrate.load()]
    assert await migrate.run(empty) == []


async def test_two_starters_at_once_apply_each_file_once(empty: str) -> None:
    applied = await asyncio.gather(migrate.run(empty), migrate.run(empty))
    assert sorted(map(len, applied)) == [0, len(migrate.load())]


async def test_every_file_can_run_again(empty: str) -> None:
    await migrate.run(empty)
    before = await catalogue(empty)
    for migration in migrate.load():
        await execute(empty, migration.sql)
    assert await catalogue(empty) == before


async def test_a_file_that_changed_after_it_was_applied_is_refused(empty: str) -> None:
    await migrate.run(empty)
    first, *rest = migrate.load()
    with pytest.raises(MigrationRefused, match=r"001_\w+\.sql is not what was applied"):
        await migrate.run(empty, [replace(first, sha256="0" * 64), *rest])


async def test_a_database_of_a_newer_release_is_refused(empty: str) -> None:
    known = migrate.load()
    newer = Migration(len(known) + 1, "999_later.sql", "0" * 64, "SELECT 1")
    await migrate.run(empty, [*known, newer])
    with pytest.raises(MigrationRefused, match=r"999_later.sql, which this Wardline does not know"):
        await migrate.run(empty)


async def test_a_file_that_comes_late_is_refused(empty: str) -> None:
    one, two, three = (Migration(n, f"00{n}_x.sql", str(n) * 64, "SELECT 1") for n in (1, 2, 3))
    await migrate.run(empty, [one, three])
    with pytest.raises(MigrationRefused, match=r"002_x.sql was never applied"):
        await migrate.run(empty, [one, two, three])


async def test_a_failing_file_leaves_nothing_of_itself(empty: str) -> None:
    broken = Migration(1, "001_x.sql", "1" * 64, "CREATE TABLE half (id INTEGER); SELECT 1/0")
    with pytest.raises(MigrationRefused, match=r"001_x.sql failed"):
        await migrate.run(empty, [broken])
    assert not [line for line in await catalogue(empty) if "half" in line]


def test_two_files_with_one_number_are_refused(tmp_path: Path) -> None:
    for name in ("001_a.sql", "001_b.sql"):
        (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(MigrationRefused, match="the same number"):
        migrate.load(tmp_path)


def test_a_gap_in_the_numbers_is_refused(tmp_path: Path) -> None:
    for name in ("001_a.sql", "003_b.sql"):
        (tmp_path / name).write_text("SELECT 1")
    with pytest.raises(MigrationRefused, match="one is missing"):
        migrate.load(tmp_path)


async def test_a_login_that_is_bound_by_row_security_cannot_migrate(
    empty: str, cluster: Cluster
) -> None:
    role = f"weak_{secrets.token_hex(4)}"
    await execute(empty, f"CREATE ROLE {role} LOGIN PASSWORD 'weak'")
    dsn = cluster.server.dsn(role, "weak", empty.rpartition("/")[2].partition("?")[0])
    with pytest.raises(MigrationRefused, match="may not bypass row security"):
        await migrate.run(dsn)
    await execute(empty, f"DROP ROLE {role}")


async def test_a_login_that_does_not_own_the_database_cannot_migrate(cluster: Cluster) -> None:
    with pytest.raises(MigrationRefused, match="does not own the database"):
        await migrate.run(cluster.owner("postgres"))


async def test_incidents_of_the_release_before_watches_stay_as_they_were(empty: str) -> None:
    """A healed one and an open one, told in schema 1."""
    known = migrate.load()
    await migrate.run(empty, [each for each in known if each.name < "015"])
    heal = (
        """'{"check": "a", "outcome": "pass", "measured_at": "2026-01-05T09:00:01.000Z"}',"""
        """ '{"verdict": "run"}', '{"id": "a.one"}', '[{"dry_run": false, "undone": false}]'"""
    )
    for state, outcome, closed, rest in (
        ("healed", "'success'", "now()", heal),
        ("open", "NULL", "NULL", "NULL, NULL, NULL, '[]'"),
    ):
        await execute(
            empty,
            "INSERT INTO incidents (site_id, partner_id, id, appliance_id, host_id, incident_type,"
            " severity, raw_data, pattern_signature, created_at, state, outcome, before, after,"
            " decision, runbook, actions, closed_at, epoch, seq, received_at)"
            f" VALUES ('s', 'p', '{state}', 'x', 'h', 'a', 'high', '{{}}', 'p', now(), '{state}',"
            f' {outcome}, \'{{"check": "a", "outcome": "fail",'
            f' "measured_at": "2026-01-05T09:00:00.000Z"}}\', {rest}, {closed}, 1, 1, now())',
        )
    assert await migrate.run(empty) == [each.name for each in known if each.name >= "015"]
    connection = await asyncpg.connect(empty)
    try:
        rows = await connection.fetch("SELECT id, state, watch FROM incidents ORDER BY id")
        heals = await connection.fetchval("SELECT count(*) FROM incident_heals")
    finally:
        await connection.close()
    assert [tuple(row) for row in rows] == [("healed", "healed", None), ("open", "open", None)]
    assert heals == 0, "nothing shows that they lasted"


async def test_schema_sql_is_the_sum_of_the_migrations(empty: str, cluster: Cluster) -> None:
    other = f"test_{secrets.token_hex(6)}"
    await execute(cluster.owner("postgres"), f"CREATE DATABASE {other} TEMPLATE template0")
    await migrate.run(empty)
    if os.environ.get(REWRITE):
        SCHEMA.write_text(dump(empty))
    await execute(cluster.owner(other), SCHEMA.read_text())
    wanted, found = await catalogue(empty), await catalogue(cluster.owner(other))
    await drop(cluster, other)
    assert len(wanted) > 200
    assert found == wanted, f"{SCHEMA} is out of date: run this test with {REWRITE}=1"


def dump(dsn: str) -> str:
    """pg_dump's schema without what depends on the machine, the month or the version."""
    program = embedded.binaries().directory / "pg_dump"
    done = subprocess.run(
        [program, "--schema-only", "--no-owner", "--exclude-table=results_2*", dsn],
        capture_output=True,
        text=True,
        check=True,
    )
    kept = [
        line
        for line in done.stdout.splitlines()
        if line.strip()
        and not line.startswith(("--", "SET ", "\\", "SELECT pg_catalog.set_config"))
    ]
    head = "-- The sum of migrations/*.sql, written by its test; never edited by hand.\n"
    functions_first = "SET check_function_bodies = false;\n"
    return head + functions_first + "\n".join(kept) + "\n"
