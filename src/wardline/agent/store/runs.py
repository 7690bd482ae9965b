"""Runs of runbooks: each row is a reservation of what limits, cooldowns and locks count."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from wardline.agent.store.database import Row, Transaction
from wardline.core import clock
from wardline.core.policy import usage

# As long as a run can be undone; longer than any rolling sum reaches back. A cooldown may reach
# further: for its sake the last run of each runbook on each host stays.
KEPT_DAYS = 31
LISTED_MAX = 500

_RAN = (
    "SELECT r.id, r.incident_id, r.host_id, i.incident_type, r.runbook_id, r.started_at,"
    " r.ended_at, r.result, r.order_id FROM runs r JOIN incidents i ON i.id = r.incident_id"
)


@dataclass(frozen=True, slots=True)
class Run:
    """One run, for the counters of limits; `params` are those that limits sum up."""

    id: str
    incident_id: str
    host_id: str
    runbook_id: str
    rule_id: str | None
    started_at: datetime
    ended: bool
    params: dict[str, object]
    order_id: str | None = None


@dataclass(frozen=True, slots=True)
class Ran:
    """A run for a person's eyes; `result` is `healed`, `failed`, `interrupted`, or None while it
    runs and where it had nothing to do."""

    id: str
    incident_id: str
    host_id: str
    check: str
    runbook_id: str
    started_at: datetime
    ended_at: datetime | None
    result: str | None
    order_id: str | None


def reserve(tx: Transaction, run: Run, decision: dict[str, object]) -> None:
    """Counts from now on, in the transaction that decided; an agent that dies leaves it counted."""
    tx.execute(
        "INSERT INTO runs (id, incident_id, host_id, runbook_id, rule_id, inputs, decision,"
        " started_at, order_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            run.id,
            run.incident_id,
            run.host_id,
            run.runbook_id,
            run.rule_id,
            tx.json(run.params),
            tx.json(decision),
            clock.wire(run.started_at),
            run.order_id,
        ),
    )


def release(tx: Transaction, run_id: str) -> None:
    """It was refused before its first step: nothing was used."""
    tx.execute("UPDATE runs SET released = 1 WHERE id = ?", (run_id,))


def end(tx: Transaction, incident_id: str, at: datetime, result: str | None) -> None:
    """End whatever run of this incident is still open; None for one that had nothing to do."""
    tx.execute(
        "UPDATE runs SET ended_at = ?, result = ? WHERE incident_id = ? AND ended_at IS NULL",
        (clock.wire(at), result, incident_id),
    )


def since(tx: Transaction, oldest: datetime) -> list[Run]:
    """Runs that started since then, and those that have not ended; none that was released."""
    rows = tx.rows(
        "SELECT * FROM runs WHERE (started_at >= ? OR ended_at IS NULL) AND released = 0"
        " ORDER BY started_at",
        (clock.wire(oldest),),
    )
    return [
        Run(
            row["id"],
            row["incident_id"],
            row["host_id"],
            row["runbook_id"],
            row["rule_id"],
            clock.parse(row["started_at"]),
            row["ended_at"] is not None,
            orjson.loads(row["inputs"]),
            row["order_id"],
        )
        for row in rows
    ]


def last_started(
    tx: Transaction, host_id: str, runbook_id: str, oldest: datetime
) -> datetime | None:
    """When this runbook last ran on this host, since then: what a cooldown goes by."""
    row = tx.row(
        "SELECT max(started_at) AS at FROM runs WHERE host_id = ? AND runbook_id = ?"
        " AND started_at >= ? AND released = 0",
        (host_id, runbook_id, clock.wire(oldest)),
    )
    return None if row is None or row["at"] is None else clock.parse(row["at"])


def prune(tx: Transaction, now: datetime) -> None:
    """Runs that are too old to be limited by, and to be undone."""
    tx.execute(
        "DELETE FROM runs WHERE ended_at IS NOT NULL AND started_at < ? AND (started_at < ?"
        " OR released = 1 OR EXISTS (SELECT 1 FROM runs AS later WHERE later.released = 0"
        " AND later.host_id = runs.host_id AND later.runbook_id = runs.runbook_id"
        " AND later.started_at > runs.started_at))",
        (
            clock.wire(now - timedelta(days=KEPT_DAYS)),
            clock.wire(now - usage.COOLDOWN),
        ),
    )


def newest(tx: Transaction) -> list[Ran]:
    """The last that began first, at most LISTED_MAX."""
    rows = tx.rows(f"{_RAN} ORDER BY r.started_at DESC, r.id DESC LIMIT ?", (LISTED_MAX,))
    return [_ran(row) for row in rows]


def get(tx: Transaction, run_id: str) -> Ran | None:
    row = tx.row(f"{_RAN} WHERE r.id = ?", (run_id,))
    return None if row is None else _ran(row)


def _ran(row: Row) -> Ran:
    return Ran(
        id=row["id"],
        incident_id=row["incident_id"],
        host_id=row["host_id"],
        check=row["incident_type"],
        runbook_id=row["runbook_id"],
        started_at=clock.parse(row["started_at"]),
        ended_at=clock.parse(row["ended_at"]) if row["ended_at"] else None,
        result=row["result"],
        order_id=row["order_id"],
    )
