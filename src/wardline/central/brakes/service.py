"""The brake: runs folded from evidence, stops told by appliances, and their release by a person.

What the runs of all sites together come to is decided by the job of the same name; an appliance
obeys what is stopped from its next check-in on.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from wardline.central.brakes.repository import NewRun, Repository, Told
from wardline.central.database.session import Session
from wardline.core import canonical, clock, ids, stops
from wardline.core.errors import Conflict, Malformed, NotFound
from wardline.core.evidence.bundle import Bundle, IncidentRecord, IncidentState
from wardline.core.incidents import catalogue, undo
from wardline.core.incidents.undo import Undone
from wardline.core.protocol import StopReport
from wardline.core.stops import (
    IN_FORCE_MAX,
    NAME_BYTES_MAX,
    PERSON_BYTES_MAX,
    RELEASED_MAX,
    RUNS_MAX,
    Kind,
    Release,
    Stop,
    Subject,
)

CHANGED = "brake"
STOPS_MAX = 500
STOPS_PER_APPLIANCE_MAX = 1_000
SOMEBODY = "somebody"


@dataclass(frozen=True, slots=True)
class Runs:
    """What bundles tell of runs: those that ended, and those that were undone."""

    ended: Sequence[NewRun]
    undone: Sequence[Undone]


class StopReleased(Conflict):
    """The version runs again: there is nothing left to release."""

    code = "stop_released"


def prepare(bundles: Sequence[Bundle], received_at: datetime) -> Runs:
    """The runs that bundles tell the end of; nothing ended after it was told."""
    found: dict[tuple[str, str], NewRun] = {}
    undone: dict[str, Undone] = {}
    for told in bundles:
        ended_at = min(told.captured_at, received_at)
        for record in told.incidents:
            if (gone := undo.told(record.decision)) is not None:
                at = min(gone.at, received_at)
                undone.setdefault(gone.run_id, Undone(gone.run_id, at))
            wrong = _went_wrong(record)
            if wrong is None:
                continue
            for run in _runs(record, ended_at, wrong=wrong):
                held = found.get((run.run_id, run.kind))
                if held is None or run.wrong:
                    found[run.run_id, run.kind] = run
    return Runs(list(found.values()), [undone[run_id] for run_id in sorted(undone)])


async def fold(session: Session, site_id: str, received_at: datetime, runs: Runs) -> None:
    """In the transaction that added the bundles to the log."""
    if runs.ended:
        await Repository(session).add_runs(site_id, received_at, runs.ended)
    if runs.undone:
        await Repository(session).undo_runs(site_id, received_at, runs.undone)


async def take(
    session: Session, site_id: str, appliance_id: str, reports: Sequence[StopReport]
) -> None:
    """What an appliance tells of versions that it stopped, in the transaction of its check-in.
    More than STOPS_PER_APPLIANCE_MAX are not kept, which is recorded. Raises Malformed."""
    told: dict[str, Told] = {}
    for position, report in enumerate(reports):
        one = _told(report, f"stops[{position}]")
        told[one.told_id] = one
    repository, new = Repository(session), list(told.values())
    for stop_id in await repository.take(site_id, appliance_id, new, STOPS_PER_APPLIANCE_MAX):
        await session.announce(CHANGED, stop_id, {"state": "told"}, site_id=site_id)
    if missing := await repository.missing(site_id, appliance_id, list(told)):
        reason = f"{missing} stops are not kept: {STOPS_PER_APPLIANCE_MAX} of one appliance are"
        await session.record("brake.refuse", appliance_id, reason=reason, site_id=site_id)


async def ordered(
    session: Session, site_id: str, appliance_id: str
) -> tuple[int, tuple[Stop, ...]]:
    """What an appliance has to obey, and how often that has changed. Where more is stopped
    than a mandate can name, everything is."""
    changes, rows = await Repository(session).ordered(
        site_id, appliance_id, IN_FORCE_MAX + 1, RELEASED_MAX
    )
    made = [_stop(row) for row in rows]
    in_force = [one for one in made if one.released is None]
    return changes, stops.carried(in_force, [one for one in made if one.released is not None])


async def release(session: Session, stop_id: str, by_name: str, reason: str) -> None:
    """Lets the version run again, at every site or at the appliance that stopped it; what went
    wrong before counts no more. Raises NotFound, StopReleased."""
    repository = Repository(session)
    row = await repository.lock(stop_id)
    if row is None:
        raise _unknown()
    if row["released_at"] is not None:
        raise StopReleased(f"it was released at {clock.wire(row['released_at'])}")
    await repository.release(stop_id, by_name, reason)
    what = {name: row[name] for name in ("kind", "name", "version")}
    await session.record(
        "brake.release", stop_id, after=what, reason=reason, site_id=row["site_id"]
    )
    await session.announce(CHANGED, stop_id, {"state": "released"}, site_id=row["site_id"])


async def page(
    session: Session, *, released_too: bool, after: tuple[datetime, str] | None, limit: int
) -> Sequence[RowMapping]:
    """Stops, newest first; one row more than `limit` when there are more."""
    return await Repository(session).page(released_too=released_too, after=after, limit=limit + 1)


async def by_runbook(session: Session) -> Mapping[str, list[RowMapping]]:
    """The stops in force on versions of runbooks, newest first, by runbook; at most STOPS_MAX."""
    found: dict[str, list[RowMapping]] = {}
    for row in await Repository(session).page(released_too=False, after=None, limit=STOPS_MAX):
        if row["kind"] == Kind.RUNBOOK.value:
            found.setdefault(row["name"], []).append(row)
    return found


async def one(session: Session, stop_id: str) -> RowMapping:
    """Raises NotFound."""
    row = await Repository(session).one(stop_id)
    if row is None:
        raise _unknown()
    return row


def _went_wrong(record: IncidentRecord) -> bool | None:
    """Whether the run that a record tells the end of went wrong; None where it tells of none."""
    if record.state is IncidentState.FAILED:
        return True
    if any(one.type == "interrupted" for one in record.actions):
        return True
    if record.state is IncidentState.HEALED:
        return False
    return None


def _runs(record: IncidentRecord, ended_at: datetime, *, wrong: bool) -> Iterator[NewRun]:
    """One for each version that the run went by, as its decision names them."""
    told: Mapping[str, Any] = record.decision or {}
    rule_id, revision = told.get("ruleId"), told.get("ruleRevision")
    run_id = undo.run_of(told)
    if run_id is None or record.runbook is None:
        return
    about = (record.incident_id, ended_at, wrong)
    # What this Central has never heard of is nothing that it could stop; of rules the store knows.
    if record.runbook.id in catalogue.runbooks():
        yield NewRun(run_id, Kind.RUNBOOK.value, record.runbook.id, record.runbook.digest, *about)
    if _is_name(rule_id) and type(revision) is int:
        yield NewRun(run_id, Kind.RULE.value, str(rule_id), str(revision), *about)


def _is_name(value: object) -> bool:
    """Whether a mandate could name a rule like this; as JSON it may take more than as text."""
    try:
        return isinstance(value, str) and 2 < len(canonical.dumps(value)) <= NAME_BYTES_MAX + 2
    except Malformed:
        return False


def _stop(row: Any) -> Stop:
    released = None
    if row["released_at"] is not None:
        released = _release(row["released_at"], row["released_by"])
    return Stop(
        id=row["told_id"] or row["id"],
        subject=Subject(Kind(row["kind"]), row["name"], row["version"]),
        stopped_at=_millisecond(row["stopped_at"]),
        failed=min(row["failed"], RUNS_MAX),
        runs=min(row["runs"], RUNS_MAX),
        released=released,
    )


def _release(at: datetime, by: str) -> Release:
    return Release(
        _millisecond(at), by.encode()[:PERSON_BYTES_MAX].decode(errors="ignore") or SOMEBODY
    )


def _millisecond(at: datetime) -> datetime:
    return clock.from_milliseconds(clock.milliseconds(at))


def _told(report: StopReport, where: str) -> Told:
    released = (report.released_at, report.released_by, report.release_reason)
    if None in released and any(one is not None for one in released):
        raise Malformed(f"{where}.released_by", "given exactly when released_at is, with a reason")
    at = report.released_at
    released_at = None if at is None else _instant(at, f"{where}.released_at")
    told = Told(
        id=ids.new("stop"),
        told_id=report.id,
        kind=report.kind,
        name=report.name,
        version=report.version,
        stopped_at=_instant(report.stopped_at, f"{where}.stopped_at"),
        failed=report.failed,
        runs=report.runs,
        incident_id=ids.entity(report.incident_id, "inc", f"{where}.incident_id"),
        released_at=released_at,
        released_by=report.released_by,
        release_reason=report.release_reason,
    )
    _require_tellable(told, where)
    return told


def _require_tellable(told: Told, where: str) -> None:
    """Once it is released, its appliance is told so in these words; raises Malformed."""
    released = None
    if told.released_at is not None:
        released = _release(told.released_at, told.released_by or SOMEBODY)
    stop = Stop(
        id=told.told_id,
        subject=Subject(Kind(told.kind), told.name, told.version),
        stopped_at=told.stopped_at,
        failed=told.failed,
        runs=told.runs,
        released=released,
    )
    try:
        stops.parse(stops.to_wire(stop))
    except Malformed as error:
        raise Malformed(f"{where}.{error.where}", error.why) from None


def _instant(text: str, where: str) -> datetime:
    try:
        return clock.parse(text)
    except ValueError as error:
        raise Malformed(where, str(error)) from None


def _unknown() -> NotFound:
    return NotFound("no such stop")
