"""The latest result of each host and check, and when a host's heartbeat was last sealed."""

from datetime import datetime

import orjson

from wardline.agent.store.database import Transaction
from wardline.core import clock
from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import Result


def latest(tx: Transaction, host_id: str, check: str) -> Result | None:
    row = tx.row("SELECT result FROM results WHERE host_id = ? AND check_id = ?", (host_id, check))
    return None if row is None else bundle.result_from_wire(orjson.loads(row["result"]))


def all_of(tx: Transaction, host_id: str) -> list[Result]:
    """The latest result of every check of a host, by check."""
    rows = tx.rows("SELECT result FROM results WHERE host_id = ? ORDER BY check_id", (host_id,))
    return [bundle.result_from_wire(orjson.loads(row["result"])) for row in rows]


def save(tx: Transaction, host_id: str, measured: Result) -> None:
    """Keep it as the latest, scrubbed."""
    result = tx.scrubber.result(measured)
    tx.execute(
        "INSERT INTO results (host_id, check_id, outcome, facts_digest, result, measured_at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT(host_id, check_id) DO UPDATE SET"
        " outcome = excluded.outcome, facts_digest = excluded.facts_digest,"
        " result = excluded.result, measured_at = excluded.measured_at",
        (
            host_id,
            result.check,
            result.outcome.value,
            result.facts_digest,
            tx.json(bundle.result_to_wire(result)),
            clock.wire(result.measured_at),
        ),
    )


def is_news(tx: Transaction, host_id: str, result: Result) -> bool:
    """Whether it says anything else than the latest one."""
    before = latest(tx, host_id, result.check)
    return before is None or (before.outcome, before.severity, before.facts_digest) != (
        result.outcome,
        result.severity,
        result.facts_digest,
    )


def heartbeat_at(tx: Transaction, host_id: str) -> datetime | None:
    row = tx.row("SELECT sealed_at FROM heartbeats WHERE host_id = ?", (host_id,))
    return None if row is None else clock.parse(row["sealed_at"])


def set_heartbeat(tx: Transaction, host_id: str, at: datetime) -> None:
    tx.execute(
        "INSERT INTO heartbeats (host_id, sealed_at) VALUES (?, ?)"
        " ON CONFLICT(host_id) DO UPDATE SET sealed_at = excluded.sealed_at",
        (host_id, clock.wire(at)),
    )
