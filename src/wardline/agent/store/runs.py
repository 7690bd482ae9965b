"""Runs of runbooks: each row is a reservation of what limits, cooldowns and locks count."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from wardline.agent.store.database import Transaction
from wardline.core import clock

KEPT_DAYS = 8


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


def prune(tx: Transaction, now: datetime) -> None:
    """Runs older than any rolling limit reaches back."""
    oldest = clock.wire(now - timedelta(days=KEPT_DAYS))
    tx.execute("DELETE FROM runs WHERE ended_at IS NOT NULL AND started_at < ?", (oldest,))
