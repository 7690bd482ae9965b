"""The SQL of results: what changed, over time, and the latest of each (site, host, check)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import RowMapping, text

from wardline.central.database import arrays
from wardline.central.database.session import Session

# History and the latest in one statement, from one copy of the arrays. A heartbeat repeats what is
# known: of it only what differs from the latest is history. It may leave the facts out: then those
# of the same digest stay. Both parts see the latest as it was before the statement.
_FOLD = """
WITH new AS MATERIALIZED (
  SELECT host_id, check_id, outcome, severity, summary, facts::jsonb AS facts, facts_digest,
    controls::jsonb AS controls, log_index, effective_at, repeats, newest
  FROM unnest($4::text::text[], $5::text::text[], $6::text::text[], $7::text::text[], $8::text[],
    $9::text[], $10::text::text[], $11::text::text[], $12::text::bigint[],
    $13::text::timestamptz[], $14::text::boolean[], $15::text::boolean[])
    AS given (host_id, check_id, outcome, severity, summary, facts, facts_digest, controls,
      log_index, effective_at, repeats, newest)
), history AS (
  INSERT INTO results (site_id, partner_id, host_id, check_id, outcome, severity, summary, facts,
    facts_digest, controls, log_index, effective_at, received_at)
  SELECT $1::text, $2::text, host_id, check_id, outcome, severity, summary, facts, facts_digest,
    controls, log_index, effective_at, $3::timestamptz
  FROM new
  WHERE NOT new.repeats OR NOT EXISTS (
    SELECT FROM latest_results old
    WHERE old.site_id = $1::text AND old.host_id = new.host_id AND old.check_id = new.check_id
      AND old.outcome = new.outcome AND old.facts_digest = new.facts_digest)
)
INSERT INTO latest_results AS old (site_id, partner_id, host_id, check_id, outcome, severity,
  summary, facts, facts_digest, controls, log_index, effective_at, received_at)
SELECT $1::text, $2::text, host_id, check_id, outcome, severity, summary, facts, facts_digest,
  controls, log_index, effective_at, $3::timestamptz
FROM new WHERE newest ORDER BY host_id, check_id
ON CONFLICT (site_id, host_id, check_id) DO UPDATE SET
  outcome = EXCLUDED.outcome, severity = EXCLUDED.severity, summary = EXCLUDED.summary,
  facts = CASE WHEN EXCLUDED.facts = '{}' AND EXCLUDED.facts_digest = old.facts_digest
    THEN old.facts ELSE EXCLUDED.facts END,
  facts_digest = EXCLUDED.facts_digest, controls = EXCLUDED.controls,
  log_index = EXCLUDED.log_index, effective_at = EXCLUDED.effective_at,
  received_at = EXCLUDED.received_at
WHERE (old.effective_at, old.log_index) < (EXCLUDED.effective_at, EXCLUDED.log_index)
"""
_LATEST_OF_SITE = text(
    "SELECT r.host_id, r.check_id, r.outcome, r.severity, r.summary, r.effective_at, r.log_index"
    " FROM latest_results r WHERE r.site_id = :site_id ORDER BY r.host_id, r.check_id LIMIT :limit"
)


@dataclass(frozen=True, slots=True)
class NewResult:
    """A measurement as a bundle carries it; `repeats` when it is a heartbeat's."""

    host_id: str
    check_id: str
    outcome: str
    severity: str
    summary: str
    facts: str
    facts_digest: str
    controls: str
    log_index: int
    effective_at: datetime
    repeats: bool


class Repository:
    """One site's results inside one transaction."""

    __slots__ = ("_session", "_site_id")

    def __init__(self, session: Session, site_id: str) -> None:
        self._session = session
        self._site_id = site_id

    async def fold(
        self, results: Sequence[NewResult], newest: Sequence[bool], received_at: datetime
    ) -> None:
        """Appends what is new and moves the latest of each (host, check) on, by effective time;
        `newest` marks each (host, check) once."""
        raw: asyncpg.Connection[Any] = self._session.raw
        await raw.execute(
            _FOLD,
            *(self._site_id, self._session.scope.owner, received_at),
            arrays.words([item.host_id for item in results]),
            arrays.words([item.check_id for item in results]),
            arrays.words([item.outcome for item in results]),
            arrays.words([item.severity for item in results]),
            [item.summary for item in results],
            [item.facts for item in results],
            arrays.words([item.facts_digest for item in results]),
            arrays.texts(item.controls for item in results),
            arrays.numbers(item.log_index for item in results),
            arrays.times(item.effective_at for item in results),
            arrays.truths(item.repeats for item in results),
            arrays.truths(newest),
        )

    async def latest(self, limit: int) -> list[RowMapping]:
        return await self._session.rows(_LATEST_OF_SITE, site_id=self._site_id, limit=limit)
