"""SQL over the history of a policy file that is lived on; every call inside a transaction.

Bodies are canonical texts: two of them are the same rule exactly where they are the same text.
"""

import sqlite3
from typing import Any

# A rule as it was in either revision, of those that were touched in between.
_PAIRS = """
WITH touched AS (SELECT DISTINCT rule_id FROM rule_versions
  WHERE revision > :low AND revision <= :high),
pairs AS (SELECT rule_id,
  (SELECT v.body FROM rule_versions v WHERE v.rule_id = t.rule_id AND v.revision <= :low
    ORDER BY v.revision DESC LIMIT 1) AS before,
  (SELECT v.body FROM rule_versions v WHERE v.rule_id = t.rule_id AND v.revision <= :high
    ORDER BY v.revision DESC LIMIT 1) AS after
  FROM touched t)
"""
_DIFFERING = (
    f"{_PAIRS}SELECT rule_id, before, after FROM pairs"  # noqa: S608
    " WHERE rule_id > :start AND before IS NOT after ORDER BY rule_id LIMIT :limit"
)
_COUNT_DIFFERING = (
    f"{_PAIRS}SELECT count(*) FILTER (WHERE before IS NULL),"  # noqa: S608
    " count(*) FILTER (WHERE before IS NOT NULL AND after IS NOT NULL),"
    " count(*) FILTER (WHERE after IS NULL) FROM pairs WHERE before IS NOT after"
)
_HISTORY = """
SELECT r.revision, r.author, r.created_at, r.reason, r.revision > h.since,
  coalesce(c.added, 0), coalesce(c.changed, 0), coalesce(c.removed, 0)
FROM revisions r JOIN history h LEFT JOIN revision_counts c ON c.revision = r.revision
WHERE r.revision < ? ORDER BY r.revision DESC LIMIT ?
"""
_VERSIONS = """
SELECT v.revision, r.author, r.created_at, r.reason, v.body
FROM rule_versions v JOIN revisions r USING (revision)
WHERE v.rule_id = ? AND v.revision < ? ORDER BY v.revision DESC LIMIT ?
"""
_STANDING = """
SELECT rule_id, body, max(revision) FROM rule_versions
WHERE revision <= :revision AND (:rule_id IS NULL OR rule_id = :rule_id) GROUP BY rule_id
"""
_BEYOND_ALL = 2**63 - 1

Row = tuple[Any, ...]


def since(connection: sqlite3.Connection) -> int:
    """The first revision whose rules are known."""
    return int(connection.execute("SELECT since FROM history").fetchone()[0])


def revisions(connection: sqlite3.Connection, before: int | None, limit: int) -> list[Row]:
    """Under `before`, newest first: number, author, time, reason, whether it was counted, and how
    many rules it added, changed and removed."""
    upper = _BEYOND_ALL if before is None else before
    return connection.execute(_HISTORY, (upper, limit)).fetchall()


def touched(connection: sqlite3.Connection, rule_id: str) -> int | None:
    """The newest revision that wrote or removed the rule."""
    sql = "SELECT max(revision) FROM rule_versions WHERE rule_id = ?"
    found: int | None = connection.execute(sql, (rule_id,)).fetchone()[0]
    return found


def versions(
    connection: sqlite3.Connection, rule_id: str, before: int | None, limit: int
) -> list[Row]:
    """What revisions under `before` made of a rule, newest first: number, author, time, reason,
    body."""
    upper = _BEYOND_ALL if before is None else before
    return connection.execute(_VERSIONS, (rule_id, upper, limit)).fetchall()


def standing(
    connection: sqlite3.Connection, revision: int, rule_id: str | None = None
) -> dict[str, str]:
    """The bodies of the rules, or of the one, as a revision left them."""
    found = connection.execute(_STANDING, {"revision": revision, "rule_id": rule_id})
    return {rule: body for rule, body, _ in found if body is not None}


def differing(
    connection: sqlite3.Connection, low: int, high: int, start: str, limit: int
) -> list[tuple[str, str | None, str | None]]:
    """Rules beyond `start` that are not the same in both revisions, by id, as in either."""
    given = {"low": low, "high": high, "start": start, "limit": limit}
    return connection.execute(_DIFFERING, given).fetchall()


def count_differing(connection: sqlite3.Connection, low: int, high: int) -> tuple[int, int, int]:
    """How many rules came, changed and went between two revisions."""
    found: tuple[int, int, int] = connection.execute(
        _COUNT_DIFFERING, {"low": low, "high": high}
    ).fetchone()
    return found
