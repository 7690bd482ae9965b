"""Runs out of accepted bundles: apart from the service because ingest prepares them beside others.

Nothing of a promotion is decided here: an appliance's scope sees its own site alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wardline.central.database.session import Session
from wardline.central.learning.repository.runs import NewEnd, NewRun, NewUndo, Runs
from wardline.core.evidence.bundle import Bundle, IncidentRecord
from wardline.core.incidents import trial
from wardline.core.incidents.trial import End, Trial


@dataclass(frozen=True, slots=True)
class Trials:
    """What bundles of one stream tell of runs: those that were begun, how some ended, and which a
    person had undone."""

    begun: Sequence[NewRun]
    ended: Sequence[NewEnd]
    undone: Sequence[NewUndo]


def prepare(bundles: Sequence[Bundle], received_at: datetime) -> Trials | None:
    """What `fold` takes of bundles that were received together; None where they tell of no run."""
    begun: dict[tuple[str, str, str, str], NewRun] = {}
    ended: dict[tuple[str, str], NewEnd] = {}
    undone: dict[str, NewUndo] = {}
    for told in bundles:
        for place, record in enumerate(told.incidents if told.host_id else ()):
            where = told.epoch, told.seq, place
            new, over = trial.begun(record), trial.ended(record)
            if new is not None and new.end is not None and new.ended_at is not None:
                over = over or trial.Ended(new.mark, new.end, new.ended_at)
            if new is not None and told.host_id is not None:
                key = record.incident_id, new.mark, told.host_id, record.check
                begun.setdefault(key, _run(record, told.host_id, new, received_at))
            if over is not None:
                at = min(over.at, received_at)
                end = NewEnd(record.incident_id, over.mark, over.end.value, at, *where)
                held = ended.setdefault((record.incident_id, over.mark), end)
                if over.end is End.UNDONE and held.ended != over.end.value:
                    ended[record.incident_id, over.mark] = end
            if (gone := trial.undone(record)) is not None:
                at = min(gone.at, received_at)
                undone.setdefault(gone.run_id, NewUndo(gone.run_id, at, *where))
    if not begun and not ended and not undone:
        return None
    return Trials(
        begun=[begun[key] for key in sorted(begun)],
        ended=[ended[key] for key in sorted(ended)],
        undone=[undone[key] for key in sorted(undone)],
    )


def _run(record: IncidentRecord, host_id: str, new: Trial, received_at: datetime) -> NewRun:
    return NewRun(
        incident_id=record.incident_id,
        mark=new.mark,
        run_id=new.run_id,
        host_id=host_id,
        incident_type=record.check,
        pattern_signature=record.pattern_signature,
        level=new.level.value,
        runbook_id=new.runbook.id,
        runbook_version=new.runbook.version,
        runbook_digest=new.runbook.digest,
        promotion_id=new.earned.id if new.earned else None,
        canary=new.earned is not None and new.earned.canary,
        at=min(new.at, received_at),
    )


async def fold(session: Session, site_id: str, appliance_id: str, new: Trials | None) -> None:
    """Adds what bundles tell of runs, in the transaction that folded their incidents."""
    if new is None:
        return
    runs = Runs(session)
    if new.begun:
        await runs.begin(site_id, appliance_id, new.begun)
    if new.ended:
        await runs.end(site_id, appliance_id, new.ended)
    if new.undone:
        await runs.undo(site_id, appliance_id, new.undone)
