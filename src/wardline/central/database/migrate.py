"""Brings a database to the newest schema: numbered files, each once, each unchanged for ever."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from wardline.central.database import owner
from wardline.central.database.engine import APP_ROLE, JOBS_ROLE, Raw
from wardline.core.errors import WardlineError

MIGRATIONS = Path(__file__).parent.parent / "migrations"
LOCK_KEY = 0x5741_5244  # "WARD"
LOCK_WAIT_SECONDS_MAX = 60
FILE_LOCK_SECONDS_MAX = 10
FILE_STATEMENT_SECONDS_MAX = 300
SERVER_VERSION_MIN = 150_000

_NAME = re.compile(r"(\d{3})_[a-z0-9_]+\.sql")
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
  number INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  sha256 TEXT NOT NULL,
  applied_at TIMESTAMPTZ NOT NULL DEFAULT now()
)
"""


class MigrationRefused(WardlineError):
    """The files and the database do not fit each other; nothing was changed."""

    code = "migration_refused"


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: its number, name and the SHA-256 of its bytes."""

    number: int
    name: str
    sha256: str
    sql: str


def load(directory: Path = MIGRATIONS) -> list[Migration]:
    """The migrations of a directory in order; raises MigrationRefused for doubtful names."""
    found: dict[int, Migration] = {}
    for path in sorted(directory.glob("[0-9]*.sql")):
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise MigrationRefused(f"{path}: a migration is named NNN_name.sql in lower case")
        content = path.read_bytes()
        one = Migration(
            int(match.group(1)), path.name, hashlib.sha256(content).hexdigest(), content.decode()
        )
        if one.number in found:
            raise MigrationRefused(
                f"{found[one.number].name} and {one.name} have the same number; renumber the newer"
            )
        found[one.number] = one
    if list(found) != list(range(1, len(found) + 1)):
        raise MigrationRefused(
            f"the numbers in {directory} are not 1 to {len(found)}: one is missing"
        )
    return list(found.values())


async def run(dsn: str, migrations: Sequence[Migration] | None = None) -> list[str]:
    """Applies what is missing as the owner that `dsn` names; gives the names of what it applied.

    Raises MigrationRefused where a file changed after it was applied, is missing, or comes late,
    and where the owner may not bypass row security.
    """
    wanted = load() if migrations is None else list(migrations)
    connection = await owner.connect(dsn)
    try:
        await _check_owner(connection)
        # Before `create table if not exists`, which two starters at once would both attempt.
        await connection.execute(f"SET lock_timeout = '{LOCK_WAIT_SECONDS_MAX}s'")
        await connection.execute("SELECT pg_advisory_lock($1)", LOCK_KEY)
        await connection.execute(_TABLE)
        applied = await _applied(connection)
        _compare(wanted, applied)
        missing = [each for each in wanted if each.number not in applied]
        for migration in missing:
            await _apply(connection, migration)
        await _close_to_public(connection)
        return [each.name for each in missing]
    finally:
        await connection.close()


async def _check_owner(connection: Raw) -> None:
    version = connection.get_server_version()
    if version.major * 10_000 < SERVER_VERSION_MIN:
        raise MigrationRefused(
            f"this PostgreSQL is version {version.major}; Wardline needs 15 or newer"
        )
    allowed = await connection.fetchval(
        "SELECT rolsuper OR (rolbypassrls AND rolcreaterole) FROM pg_roles"
        " WHERE rolname = current_user"
    )
    if not allowed:
        raise MigrationRefused(
            "the login of DATABASE_URL may not bypass row security, which the owner of the schema"
            " needs for its look-up functions and backfills, or may not make the roles that serve:"
            " as a superuser, run ALTER ROLE <login> BYPASSRLS CREATEROLE"
        )
    owns = await connection.fetchval(
        "SELECT pg_has_role(datdba, 'USAGE') FROM pg_database WHERE datname = current_database()"
    )
    if not owns:
        raise MigrationRefused(
            "the login of DATABASE_URL does not own the database, so it cannot take from everybody"
            " what everybody may do in a new one: as a superuser, run"
            " ALTER DATABASE <database> OWNER TO <login>"
        )


async def _close_to_public(connection: Raw) -> None:
    """The serving roles may connect, and nobody else; TEMP above all is nobody's.

    At every start, because neither a dump nor a clone carries a database's own grants.
    """
    database = await connection.fetchval("SELECT quote_ident(current_database())")
    await connection.execute(
        f"REVOKE ALL ON DATABASE {database} FROM PUBLIC, {APP_ROLE}, {JOBS_ROLE}"
    )
    await connection.execute(f"GRANT CONNECT ON DATABASE {database} TO {APP_ROLE}, {JOBS_ROLE}")


async def _applied(connection: Raw) -> dict[int, tuple[str, str]]:
    rows = await connection.fetch("SELECT number, name, sha256 FROM schema_migrations")
    return {row["number"]: (row["name"], row["sha256"]) for row in rows}


def _compare(wanted: list[Migration], applied: dict[int, tuple[str, str]]) -> None:
    known = {each.number: each for each in wanted}
    for number, (name, sha256) in sorted(applied.items()):
        if number not in known:
            raise MigrationRefused(
                f"the database has {name}, which this Wardline does not know: it was migrated by a"
                " newer one; start that, or restore a backup from before"
            )
        if known[number].sha256 != sha256 or known[number].name != name:
            raise MigrationRefused(
                f"{known[number].name} is not what was applied as {name}: a migration never changes"
                " after it was applied; restore the file and add a new one"
            )
    newest = max(applied, default=0)
    for each in wanted:
        if each.number < newest and each.number not in applied:
            raise MigrationRefused(
                f"{each.name} was never applied, but later ones were; give it the next free number"
            )


async def _apply(connection: Raw, migration: Migration) -> None:
    async with connection.transaction():
        await connection.execute(
            f"SET LOCAL lock_timeout = '{FILE_LOCK_SECONDS_MAX}s';"
            f" SET LOCAL statement_timeout = '{FILE_STATEMENT_SECONDS_MAX}s'"
        )
        try:
            await connection.execute(migration.sql, timeout=FILE_STATEMENT_SECONDS_MAX)
        except asyncpg.PostgresError as error:
            raise MigrationRefused(
                f"{migration.name} failed, nothing of it stays: {error}"
            ) from error
        await connection.execute(
            "INSERT INTO schema_migrations (number, name, sha256) VALUES ($1, $2, $3)",
            migration.number,
            migration.name,
            migration.sha256,
        )
