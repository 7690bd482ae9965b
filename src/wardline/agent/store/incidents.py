"""The incidents of this appliance, and the statistics of their patterns."""

from dataclasses import dataclass
from datetime import datetime

import orjson

from wardline.agent.store import attempts, heals, promotions
from wardline.agent.store.database import Row, Transaction
from wardline.core import clock, deviation
from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import IncidentOutcome, ResolutionLevel
from wardline.core.incidents import undo
from wardline.core.incidents.incident import Incident
from wardline.core.incidents.states import State

OPEN_MAX = 10_000
_COUNTED = (State.HEALED, State.STABLE, State.ESCALATED)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was last decided about an incident, to see whether a new decision says anything new."""

    digest: str | None
    policy: str | None
    at: datetime | None


def save(tx: Transaction, incident: Incident) -> None:
    """Insert or update, scrubbed; the unique index refuses a second open one of one drift."""
    tx.execute(
        "INSERT INTO incidents (id, site_id, host_id, incident_type, severity, raw_data,"
        " pattern_signature, created_at, resolution_level, outcome, state, closed_at, runbook_id,"
        " tried, interruptions, stable_at, watched_until)"
        " VALUES (:id, :site_id, :host_id, :check, :severity, :raw_data, :pattern, :created_at,"
        " :level, :outcome, :state, :closed_at, :runbook_id, :tried, :interruptions, :stable_at,"
        " :watched_until)"
        " ON CONFLICT(id) DO UPDATE SET raw_data = excluded.raw_data,"
        " resolution_level = excluded.resolution_level, outcome = excluded.outcome,"
        " state = excluded.state, closed_at = excluded.closed_at,"
        " runbook_id = excluded.runbook_id, tried = excluded.tried,"
        " interruptions = excluded.interruptions, stable_at = excluded.stable_at,"
        " watched_until = excluded.watched_until",
        _values(tx, tx.scrubber.incident(incident)),
    )
    heals.keep(tx, incident)
    attempts.follow_watch(tx, incident)
    if incident.state is not State.REPAIRING:
        promotions.keep(tx, incident.record())


def open_ones(tx: Transaction, *states: State) -> list[Incident]:
    """Open incidents in these states, oldest first."""
    marks = ", ".join("?" for _ in states)
    rows = tx.rows(
        f"SELECT * FROM incidents WHERE closed_at IS NULL AND state IN ({marks})"  # noqa: S608
        " ORDER BY created_at, id LIMIT ?",
        (*(state.value for state in states), OPEN_MAX),
    )
    return [_incident(row) for row in rows]


def accepted_ones(tx: Transaction) -> list[Incident]:
    """Open incidents that say that their state is accepted, oldest first."""
    rows = tx.rows(
        "SELECT * FROM incidents WHERE closed_at IS NULL AND state = 'open'"
        " AND json_extract(raw_data, '$.decision.code') = ? ORDER BY created_at, id LIMIT ?",
        (deviation.ACCEPTED, OPEN_MAX),
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


def watched_of(tx: Transaction, site_id: str, host_id: str, check: str) -> Incident | None:
    """The healed incident of a drift that is watched."""
    row = tx.row(
        "SELECT * FROM incidents WHERE site_id = ? AND host_id = ? AND incident_type = ?"
        " AND watched_until IS NOT NULL",
        (site_id, host_id, check),
    )
    return None if row is None else _incident(row)


def newest_of(tx: Transaction, site_id: str, host_id: str, check: str) -> Incident | None:
    """The open incident of a drift, else the one that was opened last."""
    row = tx.row(
        "SELECT * FROM incidents WHERE site_id = ? AND host_id = ? AND incident_type = ?"
        " ORDER BY closed_at IS NULL DESC, created_at DESC, id DESC LIMIT 1",
        (site_id, host_id, check),
    )
    return None if row is None else _incident(row)


def newest(tx: Transaction, count_max: int, *, closed_too: bool) -> list[Incident]:
    """Newest first; the open ones alone, or closed ones as well."""
    rows = tx.rows(
        "SELECT * FROM incidents WHERE ? OR closed_at IS NULL"
        " ORDER BY created_at DESC, id DESC LIMIT ?",
        (closed_too, count_max),
    )
    return [_incident(row) for row in rows]


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


def forget_judgements(tx: Transaction) -> None:
    """Make every open incident one that the policy was not asked about yet."""
    tx.execute(
        "UPDATE incidents SET judged = NULL, judged_policy = NULL, judged_at = NULL"
        " WHERE closed_at IS NULL"
    )


def count_pattern(tx: Transaction, incident: Incident) -> None:
    """Bring the statistics of its pattern up to what has become of an incident.

    An incident counts once, as its last resolution: healed at its level with success, which is L3
    where a person picked what healed it, or escalated at L3 without. A run that failed is no
    resolution, for the ladder goes on; what went away by itself is nobody's; one that is open again
    counts no more until it ends anew, and one whose repair a person has had undone since not at
    all.
    """
    row = tx.row("SELECT counted, counted_picked FROM incidents WHERE id = ?", (incident.id,))
    before: tuple[str | None, bool] = (None, False)
    if row is not None:
        before = (row["counted"], bool(row["counted_picked"]))
    counts = incident.state in _COUNTED and undo.of_own_run(incident.decision) is None
    level = incident.level and incident.level.value if counts else None
    now = (level, level == "L3" and incident.state is not State.ESCALATED)
    if incident.state is State.RESOLVED or before == now:
        return
    for (at, picked), by in ((before, -1), (now, 1)):
        if at is not None:
            _count(tx, incident.pattern_signature, at, by, success=at != "L3" or picked)
    tx.execute(
        "UPDATE incidents SET counted = ?, counted_picked = ? WHERE id = ?", (*now, incident.id)
    )


def _count(tx: Transaction, pattern: str, level: str, by: int, *, success: bool) -> None:
    tx.execute(
        "INSERT INTO pattern_stats (pattern_signature) VALUES (?) ON CONFLICT DO NOTHING",
        (pattern,),
    )
    tx.execute(
        "UPDATE pattern_stats SET total_count = total_count + :by,"
        " l1_count = l1_count + :by * (:level = 'L1'),"
        " l2_count = l2_count + :by * (:level = 'L2'),"
        " l3_count = l3_count + :by * (:level = 'L3'),"
        " success_count = success_count + :by * :success WHERE pattern_signature = :pattern",
        {"by": by, "level": level, "success": success, "pattern": pattern},
    )


def _values(tx: Transaction, incident: Incident) -> dict[str, object]:
    watch, is_stable = incident.watch, incident.state is State.STABLE
    return {
        "id": incident.id,
        "site_id": incident.site_id,
        "host_id": incident.host_id,
        "check": incident.check,
        "severity": incident.severity.value,
        "raw_data": tx.json(_raw(incident)),
        "pattern": incident.pattern_signature,
        "created_at": clock.wire(incident.opened_at),
        "level": incident.level and incident.level.value,
        "outcome": incident.outcome and incident.outcome.value,
        "state": (State.HEALED if is_stable else incident.state).value,
        "closed_at": _wire(incident.closed_at),
        "runbook_id": incident.runbook and incident.runbook.id,
        "tried": tx.json(list(incident.tried)),
        "interruptions": incident.interruptions,
        "stable_at": _wire(watch.ended_at if watch and is_stable else None),
        "watched_until": _wire(watch.until if watch and incident.watched else None),
    }


def _wire(at: datetime | None) -> str | None:
    return None if at is None else clock.wire(at)


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
        watch=incident.watch,
    )
    if incident.state is not State.REPAIRING:
        record = incident.record()
    return bundle.incident_to_wire(record)


def _incident(row: Row) -> Incident:
    kept = orjson.loads(row["raw_data"])
    # An agent that watched no heals wrote none down.
    read = bundle.incident_from_wire if "watch" in kept else bundle.unwatched_from_wire
    record = read(kept)
    return Incident(
        id=row["id"],
        site_id=row["site_id"],
        host_id=row["host_id"],
        check=record.check,
        severity=record.severity,
        pattern_signature=record.pattern_signature,
        opened_at=record.opened_at,
        before=record.before,
        state=State.STABLE if row["stable_at"] else State(row["state"]),
        level=ResolutionLevel(row["resolution_level"]) if row["resolution_level"] else None,
        outcome=IncidentOutcome(row["outcome"]) if row["outcome"] else None,
        after=record.after,
        decision=record.decision,
        runbook=record.runbook,
        actions=record.actions,
        closed_at=record.closed_at,
        tried=tuple(orjson.loads(row["tried"])),
        interruptions=row["interruptions"],
        watch=record.watch,
    )
