"""What a policy file has besides when it is lived on: a history, a change log, an audit.

A finished file (`formats/policy_file`) becomes one that is lived on when it is opened here: its
seal is taken off, these tables are laid beside its own, and it is kept in write-ahead mode.
"""

import secrets
import sqlite3

from wardline.core.errors import WardlineError
from wardline.formats import policy_schema

IDENTITY_BYTES = 8

TABLES = (
    # A rule as a revision left it; body NULL = removed by that revision. Never changed.
    """CREATE TABLE IF NOT EXISTS rule_versions (
  rule_id TEXT NOT NULL,
  revision INTEGER NOT NULL CHECK (revision >= 0),
  body TEXT,
  PRIMARY KEY (rule_id, revision)
) STRICT, WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS rule_versions_by_revision ON rule_versions (revision)",
    # From which revision on every rule's versions are known: a finished file brings only the rules
    # in force, not what they were before.
    """CREATE TABLE IF NOT EXISTS history (
  only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
  since INTEGER NOT NULL CHECK (since >= 0)
) STRICT""",
    """CREATE TABLE IF NOT EXISTS revision_counts (
  revision INTEGER NOT NULL PRIMARY KEY,
  added INTEGER NOT NULL,
  changed INTEGER NOT NULL,
  removed INTEGER NOT NULL
) STRICT""",
    # It counted row by row, and kept a journal of every row for itself; now a write counts once.
    "DROP TRIGGER IF EXISTS revisions_are_counted",
    """CREATE TRIGGER IF NOT EXISTS rule_versions_are_kept BEFORE UPDATE ON rule_versions
BEGIN SELECT RAISE(ABORT, 'a version of a rule is never changed'); END""",
    """CREATE TRIGGER IF NOT EXISTS revisions_are_kept BEFORE UPDATE ON revisions
BEGIN SELECT RAISE(ABORT, 'a revision is never changed'); END""",
    """CREATE TABLE IF NOT EXISTS changes (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  payload TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT""",
    """CREATE TABLE IF NOT EXISTS audit_log (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  actor TEXT NOT NULL,
  action TEXT NOT NULL,
  subject TEXT NOT NULL,
  details TEXT NOT NULL,
  at TEXT NOT NULL
) STRICT""",
    # What a decision to run has reserved, and what became of it; site and host '' = none is named.
    # `pct` and `qty` are numbers as text, because sums of them are exact.
    """CREATE TABLE IF NOT EXISTS runs (
  id TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
  site TEXT NOT NULL,
  host TEXT NOT NULL,
  action TEXT NOT NULL,
  rule_id TEXT NOT NULL,
  pct TEXT NOT NULL,
  qty TEXT NOT NULL,
  reserved_at TEXT NOT NULL,
  reserved_by TEXT NOT NULL,
  expires_at TEXT NOT NULL,
  started_at TEXT,
  started_by TEXT,
  ended_at TEXT,
  ended_by TEXT,
  released_at TEXT,
  released_by TEXT,
  CHECK (ended_at IS NULL OR started_at IS NOT NULL),
  CHECK (released_at IS NULL OR started_at IS NULL)
) STRICT, WITHOUT ROWID""",
    "CREATE INDEX IF NOT EXISTS runs_of_rules ON runs (site, rule_id, reserved_at)",
    "CREATE INDEX IF NOT EXISTS runs_of_hosts ON runs (site, host, action, reserved_at)",
    "CREATE INDEX IF NOT EXISTS runs_by_age ON runs (reserved_at)",
    # The decisions of one call, as core/policy/kept packs them; `kpis` is a JSON list.
    """CREATE TABLE IF NOT EXISTS decisions_kept (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  at TEXT NOT NULL,
  revision INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  decisions INTEGER NOT NULL CHECK (decisions >= 1),
  kpis TEXT NOT NULL,
  body BLOB NOT NULL
) STRICT""",
    """CREATE TABLE IF NOT EXISTS rule_uses (
  rule_id TEXT NOT NULL PRIMARY KEY,
  last_decided_at TEXT NOT NULL,
  decided INTEGER NOT NULL,
  ran INTEGER NOT NULL
) STRICT, WITHOUT ROWID""",
    # What was answered under an Idempotency-Key.
    """CREATE TABLE IF NOT EXISTS decision_answers (
  asked_by TEXT NOT NULL,
  key TEXT NOT NULL,
  digest BLOB NOT NULL,
  answer BLOB NOT NULL,
  answered_at TEXT NOT NULL,
  PRIMARY KEY (asked_by, key)
) STRICT, WITHOUT ROWID""",
    # Which change log this is: what a client has seen of another says nothing about this one.
    """CREATE TABLE IF NOT EXISTS log_identity (
  only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
  identity TEXT NOT NULL
) STRICT""",
)

_ADOPT = (
    "INSERT INTO rule_versions (rule_id, revision, body) SELECT id, revision, body FROM rules"
    " WHERE true ON CONFLICT DO NOTHING"
)
_BEGIN_HISTORY = (
    "INSERT INTO history (only, since) SELECT 1, revision FROM meta WHERE true"
    " ON CONFLICT DO NOTHING"
)
_UNSEAL = "UPDATE meta SET digest = NULL, made_at = NULL, made_by = NULL, reason = NULL"


class NotAPolicyFile(WardlineError):
    """The file is there and is not a policy file that this version can live on."""

    code = "not_a_policy_file"


def prepare(connection: sqlite3.Connection, name: str) -> None:
    """Lays what is missing, in the caller's transaction; raises NotAPolicyFile."""
    tables = dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'"))
    if not tables:
        policy_schema.lay(connection)
    else:
        _check(connection, name, tables)
    for sql in TABLES:
        connection.execute(sql)
    connection.execute(
        "INSERT INTO log_identity (only, identity) VALUES (1, ?) ON CONFLICT DO NOTHING",
        (secrets.token_hex(IDENTITY_BYTES),),
    )
    if connection.execute("SELECT digest IS NOT NULL FROM meta").fetchone()[0]:
        connection.execute(_UNSEAL)
    connection.execute(_BEGIN_HISTORY)
    if connection.execute("SELECT count(*) FROM rule_versions").fetchone()[0] == 0:
        connection.execute(_ADOPT)


def _check(connection: sqlite3.Connection, name: str, tables: dict[str, str]) -> None:
    (application_id,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if application_id != policy_schema.APPLICATION_ID:
        raise NotAPolicyFile(f"{name}: is a database, but not of a policy; name another with --db")
    if version != policy_schema.FORMAT:
        raise NotAPolicyFile(
            f"{name}: has format {version}, this version serves {policy_schema.FORMAT};"
            " use the Wardline that made it"
        )
    for each, sql in policy_schema.TABLES.items():
        if tables.get(each) != sql:
            raise NotAPolicyFile(f"{name}: its table {each} is not that of a policy file")
    if connection.execute("SELECT count(*) FROM meta").fetchone()[0] != 1:
        raise NotAPolicyFile(f"{name}: is damaged: it does not say what it holds")
