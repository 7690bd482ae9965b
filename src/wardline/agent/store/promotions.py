"""Runs of promoted remedies on this appliance, and the promotions that it goes on with no more."""

from datetime import datetime

from wardline.agent.store.database import Transaction
from wardline.core import clock
from wardline.core.evidence.bundle import IncidentRecord
from wardline.core.incidents import merit, trial
from wardline.core.incidents.promotion import Entry, Step
from wardline.core.incidents.remedy import Earned
from wardline.core.incidents.trial import End, Ended, Trial
from wardline.core.incidents.undo import Undone

TRIALS_PER_PROMOTION_MAX = 10_000
BY = "appliance"


def keep(tx: Transaction, record: IncidentRecord) -> None:
    """What a record tells of a run that a promotion chose; with the run that ends the promotion
    here, the end, in the same transaction."""
    told = trial.begun(record)
    if told is not None and told.earned is not None:
        _begin(tx, record.incident_id, told, told.earned)
        if told.end is not None and told.ended_at is not None:
            _end(tx, record.incident_id, Ended(told.mark, told.end, told.ended_at))
    over, undone = trial.ended(record), trial.undone(record)
    if over is not None:
        _end(tx, record.incident_id, over)
    if undone is not None:
        _undo(tx, undone)


def stop(tx: Transaction, promotion_id: str, appliance_id: str) -> Entry | None:
    """This appliance's entry in a promotion's ledger; its number is whatever comes next there."""
    row = tx.row("SELECT stopped_at FROM promotion_stops WHERE promotion_id = ?", (promotion_id,))
    if row is None:
        return None
    at = clock.parse(row["stopped_at"])
    return Entry(1, Step.STOPPED, at, BY, appliance_id=appliance_id)


def stops(tx: Transaction) -> int:
    """How many promotions go on no more; it only grows, so it names what was looked at."""
    row = tx.row("SELECT count(*) AS n FROM promotion_stops")
    return 0 if row is None else int(row["n"])


def prune(tx: Transaction, now: datetime) -> None:
    """Ended runs of promotions that chose none for long. While one is in use it keeps all of them:
    what is left of a history would be judged as if it were the whole."""
    tx.execute(
        "DELETE FROM promotion_trials WHERE ended_at IS NOT NULL AND promotion_id NOT IN"
        " (SELECT promotion_id FROM promotion_trials WHERE at >= ?)",
        (clock.wire(now - merit.KEPT),),
    )


def _begin(tx: Transaction, incident_id: str, one: Trial, earned: Earned) -> None:
    tx.execute(
        "INSERT INTO promotion_trials (promotion_id, incident_id, mark, run_id, canary, at)"
        " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT(incident_id, mark) DO NOTHING",
        (
            *(earned.id, incident_id, one.mark, one.run_id),
            *(int(earned.canary), clock.wire(one.at)),
        ),
    )


def _undo(tx: Transaction, one: Undone) -> None:
    """A person has had that run undone, whatever incident tells of it."""
    rows = tx.rows("SELECT incident_id, mark FROM promotion_trials WHERE run_id = ?", (one.run_id,))
    for row in rows:
        _end(tx, row["incident_id"], Ended(row["mark"], End.UNDONE, one.at))


def _end(tx: Transaction, incident_id: str, over: Ended) -> None:
    """Once; what has ended stays ended so, but for what a person had undone since."""
    touched = tx.execute(
        "UPDATE promotion_trials SET ended = ?, ended_at = ?, place ="
        " (SELECT coalesce(max(place), 0) + 1 FROM promotion_trials)"
        " WHERE incident_id = ? AND mark = ?"
        " AND (ended IS NULL OR (ended <> 'undone' AND ? = 'undone'))",
        (over.end, clock.wire(over.at), incident_id, over.mark, over.end),
    )
    if not touched:
        return
    row = tx.row(
        "SELECT promotion_id FROM promotion_trials WHERE incident_id = ? AND mark = ?",
        (incident_id, over.mark),
    )
    assert row is not None, "it was just written"
    _judge(tx, row["promotion_id"], over.at)


def _judge(tx: Transaction, promotion_id: str, at: datetime) -> None:
    rows = tx.rows(
        "SELECT ended, canary FROM promotion_trials WHERE promotion_id = ? AND place IS NOT NULL"
        " ORDER BY place DESC LIMIT ?",
        (promotion_id, TRIALS_PER_PROMOTION_MAX),
    )
    over = merit.ended_at((End(row["ended"]), bool(row["canary"])) for row in reversed(rows))
    if over is not None:
        tx.execute(
            "INSERT INTO promotion_stops (promotion_id, stopped_at, reason) VALUES (?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (promotion_id, clock.wire(at), over[1]),
        )
