"""The tables of a policy file, for the finished file and for a store that lives on the same ones.

One SQLite database. `application_id` and `user_version` in its header say what it is and in which
format, `meta` (one row) which state of which policy it holds, `rules` the rules in force and
`revisions` who wrote them, when and why. A rule's body is canonical JSON without what only a store
says of it (`revision`, `createdBy` …), which stands in columns. Times are texts of `clock.wire`.
A store that is written to has NULL for `digest` and for what concerns the making of a file, and
may keep tables of its own beside these; a finished file has exactly these.
"""

import sqlite3
from collections.abc import Sequence

from wardline.core import canonical, clock
from wardline.core.policy import parse, written
from wardline.core.policy.parse import RuleInvalid
from wardline.core.policy.rule import Rule, Stamp
from wardline.core.policy.wire import LABEL_CHARS_MAX

APPLICATION_ID = int.from_bytes(b"WPOL", "big")
FORMAT = 1
REVISION_MAX = 2**53 - 1

TABLES = {
    "meta": """CREATE TABLE meta (
  only INTEGER NOT NULL PRIMARY KEY CHECK (only = 1),
  epoch INTEGER NOT NULL CHECK (epoch >= 1),
  revision INTEGER NOT NULL CHECK (revision >= 0),
  digest TEXT,
  made_at TEXT,
  made_by TEXT,
  reason TEXT
) STRICT""",
    "rules": """CREATE TABLE rules (
  id TEXT NOT NULL PRIMARY KEY CHECK (id <> ''),
  body TEXT NOT NULL,
  revision INTEGER NOT NULL CHECK (revision >= 0),
  created_by TEXT NOT NULL,
  created_at TEXT NOT NULL,
  updated_by TEXT NOT NULL,
  updated_at TEXT NOT NULL
) STRICT, WITHOUT ROWID""",
    "revisions": """CREATE TABLE revisions (
  revision INTEGER NOT NULL PRIMARY KEY CHECK (revision >= 1),
  author TEXT NOT NULL,
  reason TEXT,
  created_at TEXT NOT NULL
) STRICT""",
}

RULE_COLUMNS = "id, body, revision, created_by, created_at, updated_by, updated_at"
INSERT_RULE = f"INSERT INTO rules ({RULE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608

RuleRow = tuple[str, str, int, str, str, str, str]

_NO_STAMP = Stamp()
_STAMP = frozenset({"revision", "createdBy", "createdAt", "updatedBy", "updatedAt"})


def lay(connection: sqlite3.Connection, *, epoch: int = 1) -> None:
    """Makes an empty database a policy of revision 0; the caller's transaction takes it up."""
    for sql in TABLES.values():
        connection.execute(sql)
    connection.execute("INSERT INTO meta (only, epoch, revision) VALUES (1, ?, 0)", (epoch,))
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute(f"PRAGMA user_version = {FORMAT}")


def row(rule: Rule) -> RuleRow:
    """The values of RULE_COLUMNS; the rule's stamp must be complete."""
    stamp = rule.stamp
    assert stamp.revision is not None, "only a rule that was stored has a row"
    assert stamp.created_by is not None, "a stored rule has an author"
    assert stamp.created_at is not None, "a stored rule has a time"
    updated_at = stamp.updated_at or stamp.created_at
    return (
        rule.id,
        body(rule),
        stamp.revision,
        stamp.created_by,
        clock.wire(stamp.created_at),
        stamp.updated_by or stamp.created_by,
        clock.wire(updated_at),
    )


def bodies(rules: Sequence[Rule]) -> list[str]:
    """`body` of each."""
    return [text.decode() for text in written.texts(rules, _NO_STAMP)]


def body(rule: Rule) -> str:
    """The rule as it stands in `body`: canonical JSON without its stamp."""
    bare = rule if rule.stamp == _NO_STAMP else rule.stamped(_NO_STAMP)
    return canonical.dumps(parse.to_wire(bare)).decode()


def rule(row: RuleRow) -> Rule:
    """The rule of a row, stamped; raises RuleInvalid, Malformed, ValueError for a bad time."""
    rule_id, text, revision, created_by, created_at, updated_by, updated_at = row
    value = canonical.loads(text.encode(), bytes_max=parse.RULE_BYTES_MAX)
    if not isinstance(value, dict) or value.get("id") != rule_id or _STAMP & value.keys():
        raise RuleInvalid([("$", f"the body of {rule_id[:64]} is not that of this rule")])
    for author in (created_by, updated_by):
        if not 1 <= len(author) <= LABEL_CHARS_MAX:
            raise RuleInvalid([("$", f"the author of {rule_id[:64]} is not a name")])
    stamp = Stamp(
        revision, created_by, clock.parse(created_at), updated_by, clock.parse(updated_at)
    )
    return parse.rule(value).stamped(stamp)
