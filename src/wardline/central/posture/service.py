"""Results out of accepted bundles, and the latest of them for a site's page."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Protocol

import orjson
from sqlalchemy import RowMapping

from wardline.central.database.session import Session
from wardline.central.posture.repository import NewResult, Repository
from wardline.core.evidence.bundle import Bundle, Kind

LATEST_PER_SITE_MAX = 20_000


class Told(Protocol):
    """A bundle that the log has taken, at its index."""

    @property
    def bundle(self) -> Bundle: ...
    @property
    def log_index(self) -> int: ...
    @property
    def received_at(self) -> datetime: ...


async def fold(session: Session, site_id: str, accepted: Sequence[Told]) -> int:
    """Adds the results of these bundles, in the transaction that added the bundles; how many."""
    results = [result for told in accepted for result in _results(told)]
    if not results:
        return 0
    received_at = accepted[0].received_at
    await Repository(session, site_id).fold(results, _newest_of_each(results), received_at)
    return len(results)


async def latest(session: Session, site_id: str) -> list[RowMapping]:
    """The latest result of each (host, check) of a site."""
    return await Repository(session, site_id).latest(LATEST_PER_SITE_MAX)


def _results(told: Told) -> list[NewResult]:
    host_id = told.bundle.host_id
    if host_id is None:
        return []
    return [
        NewResult(
            host_id=host_id,
            check_id=result.check,
            outcome=result.outcome,
            severity=result.severity,
            summary=result.summary,
            facts=orjson.dumps(result.facts).decode(),
            facts_digest=result.facts_digest,
            controls=_controls(result.controls),
            log_index=told.log_index,
            # Nothing is measured after it was received: a clock that runs ahead wins nothing.
            effective_at=min(result.measured_at, told.received_at),
            repeats=told.bundle.kind is Kind.HEARTBEAT,
        )
        for result in told.bundle.results
    ]


def _newest_of_each(results: Sequence[NewResult]) -> list[bool]:
    """Which result is the newest of its (host, check) among these; of equals the later one."""
    newest: dict[tuple[str, str], int] = {}
    for at, result in enumerate(results):
        held = newest.get((result.host_id, result.check_id))
        if held is None or results[held].effective_at <= result.effective_at:
            newest[result.host_id, result.check_id] = at
    marked = set(newest.values())
    return [at in marked for at in range(len(results))]


@lru_cache(maxsize=1024)
def _controls(controls: tuple[str, ...]) -> str:
    return orjson.dumps(controls).decode()
