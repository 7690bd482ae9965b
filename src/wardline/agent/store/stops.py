"""Versions that this appliance stopped over its own runs, their release, and what Central heard."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from wardline.agent.store import attempts
from wardline.agent.store.database import Row, Transaction
from wardline.core import clock, ids
from wardline.core.incidents import brake
from wardline.core.stops import Kind, Stop, Subject

REASON_CHARS_MAX = 1000
SHOWN_MAX = 500


@dataclass(frozen=True, slots=True)
class LocalStop:
    """A stop of this appliance's, in force while `released_at` is None; `incident_id` is the one
    whose run was one too many, and `changes` counts what became of it."""

    stop: Stop
    incident_id: str
    released_at: datetime | None
    released_by: str | None
    release_reason: str | None
    changes: int


def look(
    tx: Transaction, subjects: Iterable[Subject], incident_id: str, at: datetime
) -> list[Stop]:
    """Stop those of these versions that a run which just went wrong makes one too many; the new
    stops."""
    made: list[Stop] = []
    for subject in subjects:
        since = max(at - brake.SHARE_WITHIN, _released_at(tx, subject) or at - brake.SHARE_WITHIN)
        counted = brake.count(attempts.ran(tx, subject, since))
        if brake.stops(counted):
            one = Stop(ids.new("stop"), subject, at, counted.failed, counted.runs)
            if _add(tx, one, incident_id):
                made.append(one)
    return made


def undone(tx: Transaction, run_id: str, incident_id: str, at: datetime) -> list[Stop]:
    """A person has had a run undone: that counts against what it went by, as a failure does."""
    used = attempts.undone(tx, run_id, at)
    return [] if used is None else look(tx, used.subjects, incident_id, at)


def in_force(tx: Transaction) -> list[Stop]:
    """Those of this appliance's that nobody has released, oldest first."""
    rows = tx.rows("SELECT * FROM stops WHERE released_at IS NULL ORDER BY stopped_at, id")
    return [_local(row).stop for row in rows]


def newest(tx: Transaction) -> list[LocalStop]:
    """In force and released ones, newest first, at most SHOWN_MAX."""
    rows = tx.rows("SELECT * FROM stops ORDER BY stopped_at DESC, id DESC LIMIT ?", (SHOWN_MAX,))
    return [_local(row) for row in rows]


def get(tx: Transaction, stop_id: str) -> LocalStop | None:
    row = tx.row("SELECT * FROM stops WHERE id = ?", (stop_id,))
    return None if row is None else _local(row)


def release(
    tx: Transaction, stop_id: str, subject: Subject, at: datetime, by: str, reason: str
) -> bool:
    """A person lets a version run again: what ran before `at` counts no more, and a stop that was
    set here until then, or has this id, is over. Whether any was."""
    tx.execute(
        "INSERT INTO releases (kind, name, version, released_at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT(kind, name, version) DO UPDATE"
        " SET released_at = max(released_at, excluded.released_at)",
        (subject.kind.value, subject.name, subject.version, clock.wire(at)),
    )
    touched = tx.execute(
        "UPDATE stops SET released_at = ?, released_by = ?, release_reason = ?,"
        " changes = changes + 1 WHERE kind = ? AND name = ? AND version = ?"
        " AND released_at IS NULL AND (stopped_at <= ? OR id = ?)",
        (
            *(clock.wire(at), by, tx.scrubber.short(reason, REASON_CHARS_MAX)),
            *(subject.kind.value, subject.name, subject.version, clock.wire(at), stop_id),
        ),
    )
    return touched > 0


def digest(tx: Transaction) -> str:
    """Names the state of this appliance's stops: another one asks for another judgement."""
    row = tx.row("SELECT count(*) AS made, total(changes) AS changed FROM stops")
    assert row is not None, "a count has a row"
    return f"{row['made']}.{int(row['changed'])}"


def to_report(tx: Transaction, count_max: int) -> list[LocalStop]:
    """Those that Central does not know as they are now, oldest first."""
    rows = tx.rows(
        "SELECT * FROM stops WHERE told < changes ORDER BY stopped_at, id LIMIT ?", (count_max,)
    )
    return [_local(row) for row in rows]


def reported(tx: Transaction, sent: Iterable[LocalStop]) -> None:
    """Central has these as they were sent; what changed since is still to be told."""
    for one in sent:
        tx.execute("UPDATE stops SET told = ? WHERE id = ?", (one.changes, one.stop.id))


def tell_again(tx: Transaction) -> None:
    """Central has forgotten what it was told: it hears of all of them once more."""
    tx.execute("UPDATE stops SET told = 0")


def _add(tx: Transaction, one: Stop, incident_id: str) -> bool:
    """False where the version is stopped here already."""
    touched = tx.execute(
        "INSERT INTO stops (id, kind, name, version, stopped_at, failed, runs, incident_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        (
            *(one.id, one.subject.kind.value, one.subject.name, one.subject.version),
            *(clock.wire(one.stopped_at), one.failed, one.runs, incident_id),
        ),
    )
    return touched == 1


def _released_at(tx: Transaction, subject: Subject) -> datetime | None:
    row = tx.row(
        "SELECT released_at FROM releases WHERE kind = ? AND name = ? AND version = ?",
        (subject.kind.value, subject.name, subject.version),
    )
    return None if row is None else clock.parse(row["released_at"])


def _local(row: Row) -> LocalStop:
    subject = Subject(Kind(row["kind"]), row["name"], row["version"])
    stopped_at, released_at = clock.parse(row["stopped_at"]), row["released_at"]
    return LocalStop(
        stop=Stop(row["id"], subject, stopped_at, row["failed"], row["runs"]),
        incident_id=row["incident_id"],
        released_at=clock.parse(released_at) if released_at else None,
        released_by=row["released_by"],
        release_reason=row["release_reason"],
        changes=row["changes"],
    )
