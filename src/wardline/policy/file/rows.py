"""SQL over the tables of a policy file that is lived on; every call inside a transaction."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from wardline.core import clock
from wardline.core.canonical import Json
from wardline.core.policy.rule import Rule
from wardline.formats import policy_schema
from wardline.formats.policy_file import RevisionRow
from wardline.formats.policy_schema import RuleRow
from wardline.policy import events
from wardline.policy.live.log import START, Change, Head, Position

# How far back a client may resume; more than one ever gets again.
CHANGES_KEPT = 10_000
_TRIM_EVERY = 500
_IDS_AT_ONCE = 500
# The versions of more rules than these are copied by looking through all rules once.
_FEW = 500


@dataclass(frozen=True, slots=True)
class Stand:
    """Which state of which policy is in force."""

    revision: int
    epoch: int


@dataclass(frozen=True, slots=True)
class Writing:
    """A revision in the making."""

    revision: int
    author: str
    at: datetime


def stand(connection: sqlite3.Connection) -> Stand:
    revision, epoch = connection.execute("SELECT revision, epoch FROM meta").fetchone()
    return Stand(revision, epoch)


def all_rules(connection: sqlite3.Connection) -> list[RuleRow]:
    """By id."""
    return connection.execute(
        f"SELECT {policy_schema.RULE_COLUMNS} FROM rules ORDER BY id"  # noqa: S608
    ).fetchall()


def revisions(connection: sqlite3.Connection) -> list[RevisionRow]:
    """The newest one, and those that the rules in force stem from."""
    return connection.execute(
        "SELECT revision, author, reason, created_at FROM revisions WHERE revision IN"
        " (SELECT revision FROM rules UNION SELECT revision FROM meta) ORDER BY revision"
    ).fetchall()


def held(connection: sqlite3.Connection, rule_ids: Sequence[str]) -> dict[str, int]:
    """The revisions of those of the rules that are there."""
    return _named(connection, "id, revision", rule_ids)


def count(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT count(*) FROM rules").fetchone()[0])


def changed(connection: sqlite3.Connection, after: int, upto: int) -> list[tuple[str, str | None]]:
    """What each rule that was written after one revision became by another: id and body."""
    return connection.execute(
        "SELECT rule_id, body, max(revision) FROM rule_versions"
        " WHERE revision > ? AND revision <= ? GROUP BY rule_id",
        (after, upto),
    ).fetchall()


def begin(connection: sqlite3.Connection, author: str, at: datetime, reason: str | None) -> Writing:
    """A new revision, which is the newest from now on."""
    writing = Writing(stand(connection).revision + 1, author, at)
    connection.execute(
        "INSERT INTO revisions (revision, author, reason, created_at) VALUES (?, ?, ?, ?)",
        (writing.revision, author, reason, clock.wire(at)),
    )
    connection.execute("UPDATE meta SET revision = ?", (writing.revision,))
    return writing


def put(connection: sqlite3.Connection, writing: Writing, rules: Sequence[Rule]) -> None:
    """Writes rules, new or in place of the ones with their ids, and their versions."""
    at = clock.wire(writing.at)
    ids = [rule.id for rule in rules]
    bodies = list(zip(ids, policy_schema.bodies(rules), strict=True))
    before = _named(connection, "id, body", ids)
    connection.executemany(
        f"{policy_schema.INSERT_RULE} ON CONFLICT (id) DO UPDATE SET body = excluded.body,"
        " revision = excluded.revision, updated_by = excluded.updated_by,"
        " updated_at = excluded.updated_at",
        (
            (rule_id, body, writing.revision, writing.author, at, writing.author, at)
            for rule_id, body in bodies
        ),
    )
    if len(bodies) > _FEW:
        connection.execute(
            "INSERT INTO rule_versions (rule_id, revision, body)"
            " SELECT id, revision, body FROM rules WHERE revision = ?",
            (writing.revision,),
        )
    else:
        connection.executemany(
            "INSERT INTO rule_versions (rule_id, revision, body) VALUES (?, ?, ?)",
            ((rule_id, writing.revision, body) for rule_id, body in bodies),
        )
    changed = sum(1 for rule_id, body in bodies if before.get(rule_id, body) != body)
    _count(connection, writing, added=len(bodies) - len(before), changed=changed)


def remove(connection: sqlite3.Connection, writing: Writing, rule_ids: Iterable[str]) -> None:
    """Takes rules out of force; their versions stay."""
    removed = 0
    for rule_id in rule_ids:
        removed += connection.execute("DELETE FROM rules WHERE id = ?", (rule_id,)).rowcount
        connection.execute(
            "INSERT INTO rule_versions (rule_id, revision, body) VALUES (?, ?, NULL)",
            (rule_id, writing.revision),
        )
    _count(connection, writing, removed=removed)


def _named(connection: sqlite3.Connection, columns: str, rule_ids: Sequence[str]) -> dict[str, Any]:
    """Two columns of those of the rules that are there."""
    found: dict[str, Any] = {}
    for start in range(0, len(rule_ids), _IDS_AT_ONCE):
        part = rule_ids[start : start + _IDS_AT_ONCE]
        marks = ", ".join("?" * len(part))
        sql = f"SELECT {columns} FROM rules WHERE id IN ({marks})"  # noqa: S608
        found.update(connection.execute(sql, part).fetchall())
    return found


def _count(
    connection: sqlite3.Connection,
    writing: Writing,
    *,
    added: int = 0,
    changed: int = 0,
    removed: int = 0,
) -> None:
    """What a part of the revision does to the rules in force."""
    connection.execute(
        "INSERT INTO revision_counts (revision, added, changed, removed) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (revision) DO UPDATE SET added = added + excluded.added,"
        " changed = changed + excluded.changed, removed = removed + excluded.removed",
        (writing.revision, added, changed, removed),
    )


def announce(
    connection: sqlite3.Connection, writing: Writing, kind: str, subject: str, told: object
) -> None:
    """The change-log row of an event of the contract; the oldest make room."""
    payload = orjson.dumps(events.event(kind, told)).decode()
    row = connection.execute(
        "INSERT INTO changes (kind, subject, payload, at) VALUES (?, ?, ?, ?)",
        (kind, subject, payload, clock.wire(writing.at)),
    )
    seq = row.lastrowid
    assert seq is not None, "a row that was inserted has a number"
    if seq % _TRIM_EVERY == 0:
        connection.execute("DELETE FROM changes WHERE seq <= ?", (seq - CHANGES_KEPT,))


def record(
    connection: sqlite3.Connection,
    actor: str,
    at: datetime,
    action: str,
    subject: str,
    details: Mapping[str, Json],
) -> None:
    """An audit row: the actor did `action` to `subject`."""
    connection.execute(
        "INSERT INTO audit_log (actor, action, subject, details, at) VALUES (?, ?, ?, ?, ?)",
        (actor, action, subject, orjson.dumps(details).decode(), clock.wire(at)),
    )


def log_head(connection: sqlite3.Connection) -> Head:
    (identity,) = connection.execute("SELECT identity FROM log_identity").fetchone()
    (newest,) = connection.execute("SELECT coalesce(max(seq), 0) FROM changes").fetchone()
    return Head(identity, Position(0, newest))


def find_change(connection: sqlite3.Connection, change_id: int) -> Position | None:
    found = connection.execute("SELECT seq FROM changes WHERE seq = ?", (change_id,)).fetchone()
    return None if found is None else Position(0, change_id)


def changes(connection: sqlite3.Connection, after: Position, limit: int) -> list[Change]:
    assert after >= START, "positions only grow"
    found = connection.execute(
        "SELECT seq, kind, subject, payload FROM changes WHERE seq > ? ORDER BY seq LIMIT ?",
        (after.id, limit),
    )
    return [
        Change(Position(0, seq), kind, None, subject, orjson.loads(payload))
        for seq, kind, subject, payload in found
    ]
