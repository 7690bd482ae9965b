"""The incidents of this appliance, the statistics of their patterns, runs and holds."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from wardline.agent.store import scrub
from wardline.agent.store.database import Row, Transaction
from wardline.core import canonical, clock
from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import IncidentOutcome, ResolutionLevel
from wardline.core.incidents.incident import Incident, State

OPEN_MAX = 10_000
RUNS_KEPT_DAYS = 8


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was last decided about an incident, to see whether a new decision says anything new."""

    digest: str | None
    policy: str | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a runbook, for the counters of limits."""

    id: str
    incident_id: str
    host_id: str
    runbook_id: str
    rule_id: str | None
    started_at: datetime
    ended: bool
    params: dict[str, object]


@dataclass(frozen=True, slots=True)
class Hold:
    """An active flap suppression."""

    id: int
    host_id: str
    check: str
    runbook_id: str
    suppressed_at: datetime
    reason: str


def save(tx: Transaction, incident: Incident) -> None:
    """Insert or update, scrubbed; the unique index refuses a second open one of one drift."""
    tx.execute(
        "INSERT INTO incidents (id, site_id, host_id, incident_type, severity, raw_data,"
        " pattern_signature, created_at, resolution_level, outcome, state, closed_at, runbook_id,"
        " tried, interruptions)"
        " VALUES (:id, :site_id, :host_id, :check, :severity, :raw_data, :pattern, :created_at,"
        " :level, :outcome, :state, :closed_at, :runbook_id, :tried, :interruptions)"
        " ON CONFLICT(id) DO UPDATE SET raw_data = excluded.raw_data,"
        " resolution_level = excluded.resolution_level, outcome = excluded.outcome,"
        " state = excluded.state, closed_at = excluded.closed_at,"
        " runbook_id = excluded.runbook_id, tried = excluded.tried,"
        " interruptions = excluded.interruptions",
        _values(scrub.incident(incident)),
    )


def open_ones(tx: Transaction, *states: State) -> list[Incident]:
    """Open incidents in these states, oldest first."""
    marks = ", ".join("?" for _ in states)
    rows = tx.rows(
        f"SELECT * FROM incidents WHERE closed_at IS NULL AND state IN ({marks})"  # noqa: S608
        " ORDER BY created_at, id LIMIT ?",
        (*(state.value for state in states), OPEN_MAX),
    )
    return [_incident(row) for row in rows]


def open_of(tx: Transaction, site_id: str, host_id: str, check: str) -> Incident | None:
    """The open incident of a drift."""
    row = tx.row(
        "SELECT * FROM incidents WHERE site_id = ? AND host_id = ? AND incident_type = ?"
        " AND closed_at IS NULL",
        (site_id, host_id, check),
    )
    return None if row is None else _incident(row)


def get(tx: Transaction, incident_id: str) -> Incident | None:
    row = tx.row("SELECT * FROM incidents WHERE id = ?", (incident_id,))
    return None if row is None else _incident(row)


def count_by_state(tx: Transaction) -> dict[str, int]:
    """Open incidents by state."""
    rows = tx.rows(
        "SELECT state, count(*) AS n FROM incidents WHERE closed_at IS NULL GROUP BY state"
    )
    return {row["state"]: row["n"] for row in rows}


def count_by_host(tx: Transaction) -> dict[str, int]:
    """Open incidents by host."""
    rows = tx.rows(
        "SELECT host_id, count(*) AS n FROM incidents WHERE closed_at IS NULL GROUP BY host_id"
    )
    return {row["host_id"]: row["n"] for row in rows}


def judgement(tx: Transaction, incident_id: str) -> Judgement:
    row = tx.row(
        "SELECT judged, judged_policy, judged_at FROM incidents WHERE id = ?", (incident_id,)
    )
    if row is None:
        return Judgement(None, None, None)
    at = row["judged_at"]
    return Judgement(row["judged"], row["judged_policy"], clock.parse(at) if at else None)


def set_judgement(
    tx: Transaction, incident_id: str, digest: str | None, policy: str | None, at: datetime
) -> None:
    tx.execute(
        "UPDATE incidents SET judged = ?, judged_policy = ?, judged_at = ? WHERE id = ?",
        (digest, policy, clock.wire(at), incident_id),
    )


def count_pattern(tx: Transaction, pattern: str, level: ResolutionLevel, *, success: bool) -> None:
    """Add one resolution to the statistics of a pattern."""
    tx.execute(
        "INSERT INTO pattern_stats"
        " (pattern_signature, total_count, l1_count, l2_count, l3_count, success_count)"
        " VALUES (?, 1, ?, ?, ?, ?)"
        " ON CONFLICT(pattern_signature) DO UPDATE SET"
        " total_count = total_count + 1,"
        " l1_count = l1_count + excluded.l1_count,"
        " l2_count = l2_count + excluded.l2_count,"
        " l3_count = l3_count + excluded.l3_count,"
        " success_count = success_count + excluded.success_count",
        (
            pattern,
            int(level is ResolutionLevel.L1),
            int(level is ResolutionLevel.L2),
            int(level is ResolutionLevel.L3),
            int(success),
        ),
    )


def heals(tx: Transaction, incident: Incident, runbook_id: str, since: datetime) -> list[datetime]:
    """When this runbook verifiably healed this drift, since then."""
    rows = tx.rows(
        "SELECT closed_at FROM incidents WHERE site_id = ? AND host_id = ? AND incident_type = ?"
        " AND runbook_id = ? AND state = 'healed' AND closed_at >= ?",
        (incident.site_id, incident.host_id, incident.check, runbook_id, clock.wire(since)),
    )
    return [clock.parse(row["closed_at"]) for row in rows]


def set_hold(
    tx: Transaction, incident: Incident, runbook_id: str, at: datetime, reason: str
) -> bool:
    """Suppress this repair until a person clears it; False when that was already so."""
    touched = tx.execute(
        "INSERT INTO flap_suppressions"
        " (site_id, host_id, incident_type, runbook_id, suppressed_at, reason)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            incident.site_id,
            incident.host_id,
            incident.check,
            runbook_id,
            clock.wire(at),
            scrub.text(reason),
        ),
    )
    return touched == 1


def holds(tx: Transaction) -> list[Hold]:
    """The active ones."""
    rows = tx.rows("SELECT * FROM flap_suppressions WHERE cleared_at IS NULL ORDER BY id")
    return [
        Hold(
            row["id"],
            row["host_id"],
            row["incident_type"],
            row["runbook_id"],
            clock.parse(row["suppressed_at"]),
            row["reason"],
        )
        for row in rows
    ]


def is_held(tx: Transaction, incident: Incident, runbook_id: str) -> bool:
    row = tx.row(
        "SELECT 1 FROM flap_suppressions WHERE cleared_at IS NULL AND site_id = ?"
        " AND host_id = ? AND incident_type = ? AND runbook_id = ?",
        (incident.site_id, incident.host_id, incident.check, runbook_id),
    )
    return row is not None


def clear_hold(tx: Transaction, hold_id: int, by: str, at: datetime) -> bool:
    """A person ends a hold; its row stays as history."""
    touched = tx.execute(
        "UPDATE flap_suppressions SET cleared_at = ?, cleared_by = ?"
        " WHERE id = ? AND cleared_at IS NULL",
        (clock.wire(at), by, hold_id),
    )
    return touched == 1


def start_run(tx: Transaction, run: Run, decision: dict[str, object]) -> None:
    tx.execute(
        "INSERT INTO runs (id, incident_id, host_id, runbook_id, rule_id, inputs, decision,"
        " started_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            run.id,
            run.incident_id,
            run.host_id,
            run.runbook_id,
            run.rule_id,
            orjson.dumps(scrub.value(run.params)).decode(),
            orjson.dumps(scrub.value(decision)).decode(),
            clock.wire(run.started_at),
        ),
    )


def end_runs(tx: Transaction, incident_id: str, at: datetime, result: str | None) -> None:
    """End whatever run of this incident is still open; None for one that had nothing to do."""
    tx.execute(
        "UPDATE runs SET ended_at = ?, result = ? WHERE incident_id = ? AND ended_at IS NULL",
        (clock.wire(at), result, incident_id),
    )


def runs_since(tx: Transaction, since: datetime) -> list[Run]:
    """Runs that started since then, and those that have not ended."""
    rows = tx.rows(
        "SELECT * FROM runs WHERE started_at >= ? OR ended_at IS NULL ORDER BY started_at",
        (clock.wire(since),),
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
        )
        for row in rows
    ]


def prune_runs(tx: Transaction, now: datetime) -> None:
    """Runs older than any rolling limit reaches back."""
    oldest = clock.wire(now - timedelta(days=RUNS_KEPT_DAYS))
    tx.execute("DELETE FROM runs WHERE ended_at IS NOT NULL AND started_at < ?", (oldest,))


def _values(incident: Incident) -> dict[str, object]:
    return {
        "id": incident.id,
        "site_id": incident.site_id,
        "host_id": incident.host_id,
        "check": incident.check,
        "severity": incident.severity.value,
        "raw_data": canonical.dumps(_raw(incident)).decode(),
        "pattern": incident.pattern_signature,
        "created_at": clock.wire(incident.opened_at),
        "level": incident.level and incident.level.value,
        "outcome": incident.outcome and incident.outcome.value,
        "state": incident.state.value,
        "closed_at": clock.wire(incident.closed_at) if incident.closed_at else None,
        "runbook_id": incident.runbook and incident.runbook.id,
        "tried": canonical.dumps(list(incident.tried)).decode(),
        "interruptions": incident.interruptions,
    }


def _raw(incident: Incident) -> dict[str, object]:
    """The record in its wire form; a repair that is under way is written as open."""
    record = bundle.IncidentRecord(
        incident_id=incident.id,
        check=incident.check,
        severity=incident.severity,
        pattern_signature=incident.pattern_signature,
        opened_at=incident.opened_at,
        state=bundle.IncidentState.OPEN,
        resolution_level=incident.level,
        outcome=incident.outcome,
        before=incident.before,
        after=incident.after,
        decision=incident.decision,
        runbook=incident.runbook,
        actions=incident.actions,
        closed_at=incident.closed_at,
    )
    if incident.state is not State.REPAIRING:
        record = incident.record()
    return bundle.incident_to_wire(record)


def _incident(row: Row) -> Incident:
    record = bundle.incident_from_wire(orjson.loads(row["raw_data"]))
    return Incident(
        id=row["id"],
        site_id=row["site_id"],
        host_id=row["host_id"],
        check=record.check,
        severity=record.severity,
        pattern_signature=record.pattern_signature,
        opened_at=record.opened_at,
        before=record.before,
        state=State(row["state"]),
        level=ResolutionLevel(row["resolution_level"]) if row["resolution_level"] else None,
        outcome=IncidentOutcome(row["outcome"]) if row["outcome"] else None,
        after=record.after,
        decision=record.decision,
        runbook=record.runbook,
        actions=record.actions,
        closed_at=record.closed_at,
        tried=tuple(orjson.loads(row["tried"])),
        interruptions=row["interruptions"],
    )
