"""Incidents out of accepted bundles, and what their pages show."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import RowMapping

from wardline.central.database.session import Session
from wardline.central.incidents.repository import (
    NewHandover,
    NewHeal,
    NewLink,
    NewRecord,
    Repository,
)
from wardline.central.orders import choosing
from wardline.central.orders.choosing import Choice
from wardline.central.orders.wanted import Standing
from wardline.core.errors import NotFound
from wardline.core.evidence import bundle
from wardline.core.evidence import watch as watches
from wardline.core.evidence.bundle import Bundle, IncidentRecord
from wardline.core.evidence.watch import WatchEnd
from wardline.core.incidents import undo

WOULD_RUN_MAX = 200
BUNDLES_PER_INCIDENT_MAX = 200
HEALS_PER_INCIDENT_MAX = 50
HANDOVERS_SHOWN_MAX = 50
RUNBOOKS_MAX = 200
REFUSED_SHOWN_MAX = 20


@dataclass(frozen=True, slots=True)
class Tidings:
    """What bundles of one stream tell of incidents: the newest record of each, by id, and which
    bundle told of which, and of which heals."""

    epoch: int
    received_at: datetime
    records: Sequence[NewRecord]
    links: Sequence[NewLink]
    heals: Sequence[NewHeal]


def prepare(bundles: Sequence[Bundle], received_at: datetime) -> Tidings | None:
    """What `fold` takes of bundles that were received together; None where they tell of none."""
    newest: dict[str, NewRecord] = {}
    links: dict[tuple[str, str, int], NewLink] = {}
    heals: dict[tuple[str, int, str, str], NewHeal] = {}
    for place, told in enumerate(bundles):
        for one in _heals(told, received_at):
            key = one.incident_id, one.number, one.host_id, one.incident_type
            if _is_news(heals.get(key), one):
                heals[key] = one
        for new in _records(told, received_at):
            held = newest.get(new.id)
            # One that has another host or check than the first is refused below, by its link.
            if held is None or (held.host_id, held.incident_type) == (
                new.host_id,
                new.incident_type,
            ):
                newest[new.id] = new
            at = min(told.captured_at, received_at)
            link = NewLink(new.id, new.host_id, new.incident_type, place, new.state, at)
            links[new.id, new.incident_type, place] = link
    if not newest:
        return None
    records = [newest[key] for key in sorted(newest)]
    ordered = [heals[key] for key in sorted(heals)]
    return Tidings(bundles[0].epoch, received_at, records, list(links.values()), ordered)


async def fold(
    session: Session, site_id: str, appliance_id: str, new: Tidings | None, first_index: int
) -> list[str]:
    """Adds what bundles that stand in the log from `first_index` on tell of incidents, in the
    transaction that added the bundles; the identifiers that they tell of."""
    if new is None:
        return []
    repository = Repository(session)
    await repository.fold(site_id, appliance_id, new.epoch, new.received_at, new.records)
    refused = await repository.add_bundles(site_id, appliance_id, new.links, first_index)
    if new.heals:
        await repository.fold_heals(site_id, appliance_id, new.heals)
    if refused:
        why = f"{len(refused)} records tell of an incident with another appliance, host or check"
        shown = [{"incident": one, "log_index": at} for one, at in refused[:REFUSED_SHOWN_MAX]]
        await session.record("incident.refuse", appliance_id, after={"first": shown}, reason=why)
    return [record.id for record in new.records]


def _records(told: Bundle, received_at: datetime) -> Iterator[NewRecord]:
    """What one bundle tells of incidents."""
    if told.host_id is not None:
        for record in told.incidents:
            yield _record(told.host_id, told.seq, record, received_at)


def _is_news(held: NewHeal | None, told: NewHeal) -> bool:
    """How a watch ended is believed once, but that a person has had undone what had lasted."""
    undone = told.ended == WatchEnd.UNDONE.value
    return held is None or held.ended is None or (held.ended == WatchEnd.STABLE.value and undone)


def _heals(told: Bundle, received_at: datetime) -> Iterator[NewHeal]:
    """The heals that one bundle tells of; nothing happened after it was told."""
    for record in told.incidents:
        watch = record.watch
        if told.host_id is None or watch is None:
            continue
        ended, ended_at = watch.ended, watch.ended_at
        if (found := undo.of_own_run(record.decision)) is not None:
            ended, ended_at = WatchEnd.UNDONE, found.at
        opened_at = min(record.opened_at, received_at)
        healed_at = max(opened_at, min(watch.healed_at, received_at))
        yield NewHeal(
            incident_id=record.incident_id,
            number=watch.number,
            host_id=told.host_id,
            incident_type=record.check,
            runbook_id=watch.runbook_id,
            opened_at=opened_at,
            attempted_at=min(watch.attempted_at, healed_at),
            healed_at=healed_at,
            watched_until=healed_at + (watch.until - watch.healed_at),
            ended=ended and ended.value,
            ended_at=ended_at and min(ended_at, received_at),
        )


async def page(
    session: Session,
    site_id: str | None,
    state: str | None,
    after: tuple[datetime, str] | None,
    skipped: int,
    limit: int,
    incident_id: str | None = None,
) -> list[RowMapping]:
    """Incidents, newest first; one row more than `limit` when there are more."""
    repository = Repository(session)
    return await repository.page(site_id, state, after, skipped, limit + 1, incident_id)


@dataclass(frozen=True, slots=True)
class Story:
    """An incident, its heals and hand-overs, the last first, and the bundles that tell of it."""

    incident: RowMapping
    heals: list[RowMapping]
    handovers: list[RowMapping]
    bundles: list[RowMapping]


async def one(session: Session, site_id: str, incident_id: str) -> Story:
    """Raises NotFound."""
    repository = Repository(session)
    row = await repository.one(site_id, incident_id)
    if row is None:
        raise NotFound("no such incident on this site")
    heals = await repository.heals_of(site_id, incident_id, HEALS_PER_INCIDENT_MAX)
    bundles = await repository.bundles(site_id, incident_id, BUNDLES_PER_INCIDENT_MAX)
    handovers = await repository.handovers(site_id, incident_id, HANDOVERS_SHOWN_MAX)
    return Story(row, heals, handovers, bundles)


async def hand_over(session: Session, new: NewHandover) -> None:
    """Keep into whose hands an incident was given; the newest stands."""
    await Repository(session).add_handover(new)


async def unhelped(session: Session) -> dict[str, int]:
    """How many open incidents each runbook ran for in vain."""
    rows = await Repository(session).unhelped(RUNBOOKS_MAX)
    return {row["runbook_id"]: row["count"] for row in rows}


async def heals(session: Session, sites: Sequence[str] | None, since: datetime) -> RowMapping:
    """How many heals began since then, and what became of them; of all sites for None."""
    return await Repository(session).heals(sites, since)


async def heals_by_site(
    session: Session, sites: Sequence[str], since: datetime
) -> list[RowMapping]:
    return await Repository(session).heals_by_site(sites, since)


async def heals_by_runbook(
    session: Session, sites: Sequence[str] | None, since: datetime, count_max: int
) -> list[RowMapping]:
    return await Repository(session).heals_by_runbook(sites, since, count_max)


async def standing(
    session: Session, site_id: str, incidents: Sequence[str], appliance_id: str | None = None
) -> list[Standing]:
    """These incidents as they stand now, of one appliance where it is given."""
    rows = await Repository(session).standing(site_id, incidents)
    return [_standing(site_id, row) for row in rows if appliance_id in (None, row["appliance_id"])]


async def waiting(
    session: Session, site_id: str, appliance_id: str, count_max: int
) -> list[Standing]:
    """What of this appliance waits for a person, the oldest so many."""
    rows = await Repository(session).waiting(site_id, appliance_id, count_max)
    return [_standing(site_id, row) for row in rows]


def choices(site_id: str, row: RowMapping) -> list[Choice]:
    """What a person may pick for this incident, where it is theirs to say."""
    return choosing.of(_standing(site_id, row))


def _standing(site_id: str, row: RowMapping) -> Standing:
    return Standing(
        site_id=site_id,
        incident_id=row["id"],
        appliance_id=row["appliance_id"],
        host_id=row["host_id"],
        check=row["incident_type"],
        severity=row["severity"],
        state=row["state"],
        decision=row["decision"],
        runbook=row["runbook"],
        measured=row["before"],
        actions=row["actions"],
    )


async def would_run(session: Session, site_id: str) -> list[RowMapping]:
    """What the site's policy would have done about its open incidents, were it not observing."""
    return await Repository(session).observing(site_id, WOULD_RUN_MAX)


def _record(host_id: str, seq: int, record: IncidentRecord, received_at: datetime) -> NewRecord:
    # Nothing happened after it was told: a clock that runs ahead pins nothing to the top.
    opened_at = min(record.opened_at, received_at)
    closed_at = record.closed_at and max(opened_at, min(record.closed_at, received_at))
    return NewRecord(
        id=record.incident_id,
        host_id=host_id,
        incident_type=record.check,
        severity=record.severity.value,
        raw_data=_json({"summary": record.before.summary, "facts": record.before.facts}),
        pattern_signature=record.pattern_signature,
        created_at=opened_at,
        state=record.state.value,
        resolution_level=record.resolution_level and record.resolution_level.value,
        outcome=record.outcome and record.outcome.value,
        before=_json(bundle.result_to_wire(record.before)),
        after=None if record.after is None else _json(bundle.result_to_wire(record.after)),
        decision=None if record.decision is None else _json(record.decision),
        runbook=None if record.runbook is None else _json(bundle.runbook_to_wire(record.runbook)),
        actions=_json([bundle.action_to_wire(action) for action in record.actions]),
        closed_at=closed_at,
        seq=seq,
        watch=None if record.watch is None else _json(watches.to_wire(record.watch)),
    )


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
