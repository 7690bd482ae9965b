"""Incidents out of accepted bundles, and what their pages show."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Protocol

import orjson
from sqlalchemy import RowMapping

from wardline.central.database.session import Session
from wardline.central.incidents.repository import NewLink, NewRecord, Repository
from wardline.core.errors import NotFound
from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import Bundle, IncidentRecord

WOULD_RUN_MAX = 200
BUNDLES_PER_INCIDENT_MAX = 200


class Told(Protocol):
    """A bundle that the log has taken, at its index."""

    @property
    def bundle(self) -> Bundle: ...
    @property
    def log_index(self) -> int: ...
    @property
    def received_at(self) -> datetime: ...


async def fold(
    session: Session, site_id: str, appliance_id: str, accepted: Sequence[Told]
) -> list[str]:
    """Adds what these bundles of one stream tell of incidents, in the transaction that added the
    bundles; the identifiers that they tell of."""
    told_of = [(told, record) for told in accepted for record in told.bundle.incidents]
    newest: dict[str, NewRecord] = {}
    links: dict[tuple[str, int], NewLink] = {}
    for told, record in told_of:
        host_id = told.bundle.host_id
        if host_id is None:
            continue
        newest[record.incident_id] = _record(host_id, told.bundle.seq, record)
        at = min(told.bundle.captured_at, told.received_at)
        link = NewLink(record.incident_id, told.log_index, record.state.value, at)
        links[link.incident_id, link.log_index] = link
    if not newest:
        return []
    repository = Repository(session)
    first = accepted[0]
    records = [newest[key] for key in sorted(newest)]
    epoch = first.bundle.epoch
    await repository.fold(site_id, appliance_id, epoch, first.received_at, records)
    await repository.add_bundles(site_id, list(links.values()))
    return [record.id for record in records]


async def page(
    session: Session,
    site_id: str | None,
    state: str | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[RowMapping]:
    """Incidents, newest first; one row more than `limit` when there are more."""
    return await Repository(session).page(site_id, state, after, limit + 1)


async def one(
    session: Session, site_id: str, incident_id: str
) -> tuple[RowMapping, list[RowMapping]]:
    """An incident and the bundles that tell of it; raises NotFound."""
    repository = Repository(session)
    row = await repository.one(site_id, incident_id)
    if row is None:
        raise NotFound("no such incident on this site")
    return row, await repository.bundles(site_id, incident_id, BUNDLES_PER_INCIDENT_MAX)


async def would_run(session: Session, site_id: str) -> list[RowMapping]:
    """What the site's policy would have done about its open incidents, were it not observing."""
    return await Repository(session).observing(site_id, WOULD_RUN_MAX)


def _record(host_id: str, seq: int, record: IncidentRecord) -> NewRecord:
    return NewRecord(
        id=record.incident_id,
        host_id=host_id,
        incident_type=record.check,
        severity=record.severity.value,
        raw_data=_json({"summary": record.before.summary, "facts": record.before.facts}),
        pattern_signature=record.pattern_signature,
        created_at=record.opened_at,
        state=record.state.value,
        resolution_level=record.resolution_level and record.resolution_level.value,
        outcome=record.outcome and record.outcome.value,
        before=_json(bundle.result_to_wire(record.before)),
        after=None if record.after is None else _json(bundle.result_to_wire(record.after)),
        decision=None if record.decision is None else _json(record.decision),
        runbook=None if record.runbook is None else _json(asdict(record.runbook)),
        actions=_json([bundle.action_to_wire(action) for action in record.actions]),
        closed_at=record.closed_at,
        seq=seq,
    )


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
