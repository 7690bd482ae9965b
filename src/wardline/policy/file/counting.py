"""SQL over what decisions reserve and leave behind in a policy file; inside a transaction."""

import sqlite3
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson

from wardline.core import clock
from wardline.core.policy import exact, kept, usage
from wardline.core.policy.book import Book, Host, Run
from wardline.core.policy.usage import Tally
from wardline.policy.decisions.reservation import Reservation
from wardline.policy.decisions.store import KEY_KEPT, KeptBatch, Key, Use

# Every so many calls what is old makes room.
_TIDY_EVERY = 256

_ALIVE = (
    "released_at IS NULL AND reserved_at > :oldest"
    " AND (started_at IS NOT NULL OR expires_at > :expired)"
)
_AT = "coalesce(started_at, reserved_at)"
_IN_FLIGHT = "(ended_at IS NULL AND (started_at IS NULL OR started_at > :stuck))"
# Alike are those whose ages fall into the same spans, in flight or not, and whose use is the same.
_GROUP = f"3, pct, qty, ({_AT} > :hour) + ({_AT} > :day) + ({_AT} > :week)"
_OF_RULE = (
    f"SELECT max({_AT}), count(*), {_IN_FLIGHT}, pct, qty FROM runs"  # noqa: S608
    f" WHERE site = :site AND rule_id = :rule_id AND {_ALIVE} GROUP BY {_GROUP}"
)
_OF_HOST = (
    f"SELECT max({_AT}), count(*), {_IN_FLIGHT}, '0', '0', action FROM runs"  # noqa: S608
    f" WHERE site = :site AND host = :host AND {_ALIVE} GROUP BY action, {_GROUP}"
)
_RESERVE = (
    "INSERT INTO runs (id, site, host, action, rule_id, pct, qty, reserved_at, reserved_by,"
    " expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_FIELDS = tuple(each.name for each in fields(Reservation))
_GET = f"SELECT {', '.join(_FIELDS)} FROM runs WHERE id = ?"  # noqa: S608
_SET = (
    "UPDATE runs SET started_at = ?, started_by = ?, ended_at = ?, ended_by = ?,"
    " released_at = ?, released_by = ? WHERE id = ?"
)
_ADD_USE = (
    "INSERT INTO rule_uses AS held (rule_id, last_decided_at, decided, ran) VALUES (?, ?, ?, ?)"
    " ON CONFLICT (rule_id) DO UPDATE SET decided = held.decided + excluded.decided,"
    " ran = held.ran + excluded.ran,"
    " last_decided_at = max(held.last_decided_at, excluded.last_decided_at)"
)
_END_RUNS = (
    "DELETE FROM runs WHERE reserved_at < :before AND (reserved_at < :beyond"
    " OR released_at IS NOT NULL OR started_at IS NULL OR EXISTS (SELECT 1 FROM runs n"
    "   WHERE n.site = runs.site AND n.host = runs.host AND n.action = runs.action"
    "   AND n.started_at > runs.started_at))"
)
_END_KEPT = (
    "DELETE FROM decisions_kept WHERE at < ? OR id IN (SELECT id FROM (SELECT id,"
    " sum(decisions) OVER (ORDER BY id DESC) - decisions AS newer FROM decisions_kept)"
    " WHERE newer >= ?)"
)


def count(
    connection: sqlite3.Connection,
    now: datetime,
    rules: Iterable[tuple[str, str]],
    hosts: Iterable[Host],
) -> Book:
    """What has run of these rules at their sites, and on these hosts, as of now."""
    counted = Book(now)
    asof = {
        "stuck": clock.wire(now - usage.IN_FLIGHT),
        "expired": clock.wire(now - usage.GRACE),
        "hour": clock.wire(now - usage.HOUR),
        "day": clock.wire(now - usage.DAY),
        "week": clock.wire(now - usage.WEEK),
    }
    reach = {"oldest": clock.wire(now - usage.COUNTED)}
    for site, rule_id in rules:
        wanted = {"site": site, "rule_id": rule_id, **asof, **reach}
        for row in connection.execute(_OF_RULE, wanted):
            counted.count_rule(site, rule_id, _tally(*row))
    reach = {"oldest": clock.wire(now - usage.COOLDOWN)}
    for site, host in hosts:
        wanted = {"site": site, "host": host, **asof, **reach}
        for *row, action in connection.execute(_OF_HOST, wanted):
            counted.count_host(site, host, action, _tally(*row))
    return counted


def reserve(
    connection: sqlite3.Connection,
    runs: Iterable[Run],
    now: datetime,
    expires_at: datetime,
    by: str,
) -> None:
    since = clock.wire(now), by, clock.wire(expires_at)
    connection.executemany(
        _RESERVE,
        (
            (
                *(run.id, run.site, run.host, run.action, run.rule_id),
                *(exact.text(run.pct), exact.text(run.qty), *since),
            )
            for run in runs
        ),
    )


def keep(
    connection: sqlite3.Connection,
    now: datetime,
    version: tuple[int, int],
    decisions: int,
    kpis: Sequence[str],
    body: bytes,
) -> None:
    """Keeps the decisions of a call; now and then removes what is old."""
    done = connection.execute(
        "INSERT INTO decisions_kept (at, revision, epoch, decisions, kpis, body)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (clock.wire(now), *version, decisions, orjson.dumps(kpis).decode(), body),
    )
    if done.lastrowid is not None and done.lastrowid % _TIDY_EVERY == 0:
        tidy(connection, now)


def tidy(connection: sqlite3.Connection, now: datetime) -> None:
    """Removes what counts no more, and what is kept longer, or is more, than is promised."""
    before, beyond = clock.wire(now - usage.COUNTED), clock.wire(now - usage.COOLDOWN)
    connection.execute(_END_RUNS, {"before": before, "beyond": beyond})
    connection.execute(
        _END_KEPT, (clock.wire(now - timedelta(days=kept.DAYS_MAX)), kept.DECISIONS_MAX)
    )
    connection.execute(
        "DELETE FROM decision_answers WHERE answered_at < ?", (clock.wire(now - KEY_KEPT),)
    )


def add_uses(
    connection: sqlite3.Connection, now: datetime, uses: Iterable[tuple[str, int, int]]
) -> None:
    at = clock.wire(now)
    connection.executemany(
        _ADD_USE, ((rule_id, at, decided, ran) for rule_id, decided, ran in uses)
    )


def uses(connection: sqlite3.Connection) -> list[Use]:
    return [
        Use(rule_id, clock.parse(at), decided, ran)
        for rule_id, at, decided, ran in connection.execute(
            "SELECT rule_id, last_decided_at, decided, ran FROM rule_uses ORDER BY rule_id"
        )
    ]


def kept_batches(
    connection: sqlite3.Connection, kpi_ids: Sequence[str] | None, before: int | None, limit: int
) -> list[KeptBatch]:
    """Newest first, below an id."""
    found = connection.execute(
        "SELECT id, at, revision, epoch, decisions, body FROM decisions_kept"
        " WHERE (:before IS NULL OR id < :before) AND (:kpis IS NULL OR EXISTS ("
        "   SELECT 1 FROM json_each(kpis) one JOIN json_each(:kpis) two ON one.value = two.value))"
        " ORDER BY id DESC LIMIT :limit",
        {
            "before": before,
            "kpis": None if kpi_ids is None else orjson.dumps(list(kpi_ids)).decode(),
            "limit": limit,
        },
    )
    return [KeptBatch(row[0], clock.parse(row[1]), *row[2:]) for row in found]


def answer(connection: sqlite3.Connection, asked_by: str, key: Key, now: datetime) -> bytes | None:
    """What was answered under the key; raises KeyReused."""
    found = connection.execute(
        "SELECT digest, answer FROM decision_answers"
        " WHERE asked_by = ? AND key = ? AND answered_at > ?",
        (asked_by, key.text, clock.wire(now - KEY_KEPT)),
    ).fetchone()
    if found is None:
        return None
    key.check(found[0])
    return zlib.decompress(found[1])


def put_answer(
    connection: sqlite3.Connection, asked_by: str, key: Key, answer: bytes, now: datetime
) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO decision_answers (asked_by, key, digest, answer, answered_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (asked_by, key.text, key.digest, zlib.compress(answer, 1), clock.wire(now)),
    )


def reservation(connection: sqlite3.Connection, decision_id: str) -> Reservation | None:
    row = connection.execute(_GET, (decision_id,)).fetchone()
    if row is None:
        return None
    values: dict[str, Any] = {
        name: clock.parse(value) if name.endswith("_at") and value is not None else value
        for name, value in zip(_FIELDS, row, strict=True)
    }
    return Reservation(**values)


def put_reservation(connection: sqlite3.Connection, found: Reservation) -> None:
    connection.execute(
        _SET,
        (
            *(_wire(found.started_at), found.started_by),
            *(_wire(found.ended_at), found.ended_by),
            *(_wire(found.released_at), found.released_by, found.id),
        ),
    )


def _tally(at: str, runs: int, in_flight: int, pct: str, qty: str) -> Tally:
    return Tally(clock.parse(at), bool(in_flight), runs, runs * Decimal(pct), runs * Decimal(qty))


def _wire(instant: datetime | None) -> str | None:
    return None if instant is None else clock.wire(instant)
