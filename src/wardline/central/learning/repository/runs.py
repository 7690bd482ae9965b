"""The SQL of runs as evidence tells them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg

from wardline.central.database.session import Session

# What tells of somebody else's incident finds none.
_BEGIN_RUNS = """
INSERT INTO pattern_runs (site_id, partner_id, appliance_id, changed_at, incident_id, mark,
  run_id, host_id, incident_type, pattern_signature, level, runbook_id, runbook_version,
  runbook_digest, promotion_id, canary, at)
SELECT $1, $2, $3, $4, new.* FROM unnest($5::text[], $6::text[], $7::text[], $8::text[],
  $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[],
  $16::boolean[], $17::timestamptz[])
  AS new (incident_id, mark, run_id, host_id, incident_type, pattern_signature, level, runbook_id,
    runbook_version, runbook_digest, promotion_id, canary, at)
JOIN incidents i ON i.site_id = $1 AND i.id = new.incident_id AND i.appliance_id = $3
  AND i.host_id = new.host_id AND i.incident_type = new.incident_type
ON CONFLICT DO NOTHING
"""
# How a run ended is believed once, but that a person had it undone since.
_END_RUNS = """
UPDATE pattern_runs old SET ended = new.ended, ended_at = new.at, ended_epoch = new.epoch,
  ended_seq = new.seq, ended_place = new.place, changed_at = $3
FROM unnest($4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::integer[], $9::bigint[],
  $10::integer[]) AS new (incident_id, mark, ended, at, epoch, seq, place)
WHERE old.site_id = $1 AND old.appliance_id = $2 AND old.incident_id = new.incident_id
  AND old.mark = new.mark
  AND (old.ended IS NULL OR (old.ended <> 'undone' AND new.ended = 'undone'))
"""
# An undo names its run, whatever incident tells of it.
_UNDO_RUNS = """
UPDATE pattern_runs old SET ended = 'undone', ended_at = new.at, ended_epoch = new.epoch,
  ended_seq = new.seq, ended_place = new.place, changed_at = $3
FROM unnest($4::text[], $5::timestamptz[], $6::integer[], $7::bigint[], $8::integer[])
  AS new (run_id, at, epoch, seq, place)
WHERE old.site_id = $1 AND old.appliance_id = $2 AND old.run_id = new.run_id
  AND old.ended IS DISTINCT FROM 'undone'
"""


class NewRun(NamedTuple):
    """A run as a bundle tells it."""

    incident_id: str
    mark: str
    run_id: str | None
    host_id: str
    incident_type: str
    pattern_signature: str
    level: str
    runbook_id: str
    runbook_version: str
    runbook_digest: str
    promotion_id: str | None
    canary: bool
    at: datetime


class NewEnd(NamedTuple):
    """How a run ended, and the bundle and place in it that tell of that."""

    incident_id: str
    mark: str
    ended: str
    at: datetime
    epoch: int
    seq: int
    place: int


class NewUndo(NamedTuple):
    """A run that a person had undone, and the bundle and place in it that tell of that."""

    run_id: str
    at: datetime
    epoch: int
    seq: int
    place: int


class Runs:
    """The runs inside one transaction of an appliance's."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    async def begin(self, site_id: str, appliance_id: str, runs: Sequence[NewRun]) -> None:
        """Those of incidents that this appliance told of; each is added once."""
        raw: asyncpg.Connection[Any] = self._session.raw
        await raw.execute(
            _BEGIN_RUNS,
            *(site_id, self._session.scope.owner, appliance_id, self._session.now),
            *zip(*runs, strict=True),
        )

    async def end(self, site_id: str, appliance_id: str, ends: Sequence[NewEnd]) -> None:
        raw: asyncpg.Connection[Any] = self._session.raw
        given = (site_id, appliance_id, self._session.now)
        await raw.execute(_END_RUNS, *given, *zip(*ends, strict=True))

    async def undo(self, site_id: str, appliance_id: str, undone: Sequence[NewUndo]) -> None:
        raw: asyncpg.Connection[Any] = self._session.raw
        given = (site_id, appliance_id, self._session.now)
        await raw.execute(_UNDO_RUNS, *given, *zip(*undone, strict=True))
