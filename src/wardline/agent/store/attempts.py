"""Every run that was started, and what became of it: what breaker, brake and planners go by."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from wardline.agent.store.database import Row, Transaction
from wardline.core import clock
from wardline.core.evidence.watch import WatchEnd
from wardline.core.incidents import brake, likeness
from wardline.core.incidents.brake import Ran, Result
from wardline.core.incidents.history import Past
from wardline.core.incidents.incident import Incident
from wardline.core.stops import Kind, Subject

# For so long a repair is remembered, and never more than so many of them.
KEPT_DAYS = 180
KEPT_MAX = 20_000
PAST_MAX = 500
COUNTED_MAX = 5_000


@dataclass(frozen=True, slots=True)
class Versions:
    """What a run goes by: a version of a runbook, and of the rule that let it run."""

    runbook: Subject
    rule: Subject | None

    @property
    def subjects(self) -> tuple[Subject, ...]:
        return (self.runbook,) if self.rule is None else (self.runbook, self.rule)


def begin(
    tx: Transaction,
    run_id: str,
    incident: Incident,
    versions: Versions,
    at: datetime,
    choice: str | None = None,
) -> None:
    """In the transaction that reserves the run; `choice` is the mark of the remedy that it goes by,
    where that is one of several choices."""
    rule = versions.rule
    tx.execute(
        "INSERT INTO attempts (run_id, incident_id, site_id, host_id, incident_type,"
        " pattern_signature, likeness, runbook_id, runbook_digest, rule_id, rule_revision,"
        " started_at, choice) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *(run_id, incident.id, incident.site_id, incident.host_id, incident.check),
            incident.pattern_signature,
            tx.json(list(likeness.tokens(incident.before.facts))),
            *(versions.runbook.name, versions.runbook.version),
            *(rule and rule.name, rule and rule.version),
            *(clock.wire(at), choice),
        ),
    )


def end(tx: Transaction, incident_id: str, at: datetime, result: Result) -> Versions | None:
    """What became of the run of an incident that is under way; what that went by."""
    row = tx.row(
        "UPDATE attempts SET ended_at = ?, result = ? WHERE incident_id = ? AND result IS NULL"
        " RETURNING *",
        (clock.wire(at), result.value, incident_id),
    )
    return None if row is None else _versions(row)


def follow_watch(tx: Transaction, incident: Incident) -> None:
    """How the watch over the last heal of an incident ended, once it has; what a person had undone
    is booked by its run."""
    watch = incident.watch
    if watch is None or watch.ended in (None, WatchEnd.UNDONE):
        return
    tx.execute(
        "UPDATE attempts SET result = ? WHERE result = 'healed' AND run_id ="
        " (SELECT run_id FROM heals WHERE incident_id = ? AND number = ?)",
        (watch.ended.value, incident.id, watch.number),
    )


def undone(tx: Transaction, run_id: str, at: datetime) -> Versions | None:
    """A person has put back what a run had changed: that counts against what it went by, from now
    on. A run that had gone wrong before counts once, as of then."""
    wrong = ", ".join(f"'{one.value}'" for one in sorted(brake.WRONG))
    row = tx.row(
        f"UPDATE attempts SET result = 'undone', ended_at = CASE WHEN result IN ({wrong})"  # noqa: S608
        " THEN ended_at ELSE ? END WHERE run_id = ? AND result IS NOT NULL RETURNING *",
        (clock.wire(at), run_id),
    )
    return None if row is None else _versions(row)


def started(tx: Transaction, incident: Incident, since: datetime) -> list[datetime]:
    """When runs on this drift were started since then, this and earlier incidents of it alike."""
    rows = tx.rows(
        "SELECT started_at FROM attempts WHERE site_id = ? AND host_id = ? AND incident_type = ?"
        " AND started_at > ? ORDER BY started_at DESC LIMIT ?",
        (
            *(incident.site_id, incident.host_id, incident.check, clock.wire(since)),
            COUNTED_MAX,
        ),
    )
    return [clock.parse(row["started_at"]) for row in rows]


def ran(tx: Transaction, subject: Subject, since: datetime) -> list[Ran]:
    """The runs of a version that ended since then and say something of it, the newest first."""
    name, version = {
        Kind.RULE: ("rule_id", "rule_revision"),
        Kind.RUNBOOK: ("runbook_id", "runbook_digest"),
    }[subject.kind]
    counted = ", ".join(f"'{one.value}'" for one in sorted(brake.COUNTED))
    rows = tx.rows(
        f"SELECT ended_at, result FROM attempts WHERE {name} = ? AND {version} = ?"  # noqa: S608
        f" AND ended_at > ? AND result IN ({counted}) ORDER BY ended_at DESC LIMIT ?",
        (subject.name, subject.version, clock.wire(since), COUNTED_MAX),
    )
    return [Ran(clock.parse(row["ended_at"]), Result(row["result"]) in brake.WRONG) for row in rows]


def past(tx: Transaction, check: str, besides: str) -> tuple[Past, ...]:
    """What past repairs of a check came to, the newest first, but for those of one incident."""
    rows = tx.rows(
        "SELECT * FROM attempts WHERE incident_type = ? AND incident_id <> ?"
        " AND ended_at IS NOT NULL ORDER BY ended_at DESC, run_id DESC LIMIT ?",
        (check, besides, PAST_MAX),
    )
    return tuple(
        Past(
            incident_id=row["incident_id"],
            pattern=row["pattern_signature"],
            facts=tuple(orjson.loads(row["likeness"])),
            runbook_id=row["runbook_id"],
            runbook_digest=row["runbook_digest"],
            ended_at=clock.parse(row["ended_at"]),
            result=Result(row["result"]),
            choice=row["choice"],
        )
        for row in rows
    )


def prune(tx: Transaction, now: datetime) -> None:
    """Those that are over and older, or more than are kept."""
    tx.execute(
        "DELETE FROM attempts WHERE ended_at IS NOT NULL AND (started_at < ? OR run_id IN"
        " (SELECT run_id FROM attempts ORDER BY started_at DESC LIMIT -1 OFFSET ?))",
        (clock.wire(now - timedelta(days=KEPT_DAYS)), KEPT_MAX),
    )


def _versions(row: Row) -> Versions:
    rule = None
    if row["rule_id"] is not None and row["rule_revision"] is not None:
        rule = Subject(Kind.RULE, row["rule_id"], row["rule_revision"])
    return Versions(Subject(Kind.RUNBOOK, row["runbook_id"], row["runbook_digest"]), rule)
