"""Results out of accepted bundles, and the posture they add up to: one score for every page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

import orjson
from sqlalchemy import RowMapping

from wardline.central.database.session import Session
from wardline.central.posture import repository
from wardline.central.posture.repository import NewResult, NewRows, Repository
from wardline.central.tenancy.overview import ResultCounts, Score
from wardline.core import score
from wardline.core.errors import NotFound, Refused
from wardline.core.evidence.bundle import Bundle, Kind, Outcome

LATEST_PER_PAGE_MAX = 20_000
CHECKS_MAX = 1_000
TREND_POINTS_MAX = 200
TREND_DEFAULT = timedelta(days=7)
TREND_SPAN_MAX = timedelta(days=6 * 366)
TREND_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
TREND_LATEST = datetime(2999, 12, 31, tzinfo=UTC)


class SpanRefused(Refused):
    """A stretch of time that ends before it begins, or is longer than what is kept."""

    code = "span_refused"


# Results that are ready to be folded, for whoever keeps them until then.
Prepared = NewRows


def prepare(bundles: Sequence[Bundle], received_at: datetime) -> Prepared | None:
    """What `fold` takes of bundles that were received together; None where they hold no result."""
    results = [
        result
        for place, told in enumerate(bundles)
        for result in _results(told, place, received_at)
    ]
    return repository.rows(results, _newest_of_each(results), received_at) if results else None


async def fold(session: Session, site_id: str, new: Prepared | None, first_index: int) -> None:
    """Adds the results of bundles that stand in the log from `first_index` on, in the transaction
    that added the bundles."""
    if new is not None:
        await Repository(session, site_id).fold(new, first_index)


async def latest(session: Session, site_id: str, hosts: Sequence[str]) -> list[RowMapping]:
    """The latest result of each (host, check) of these hosts of a site."""
    return await Repository(session, site_id).latest(hosts, LATEST_PER_PAGE_MAX)


@dataclass(frozen=True, slots=True)
class Posture:
    """Where a site stands: `now`, per check, and its last snapshot."""

    now: RowMapping
    checks: list[RowMapping]
    snapshot: RowMapping | None


async def posture(session: Session, site_id: str) -> Posture:
    """Raises NotFound where there is no site that the session may see."""
    repository = Repository(session, site_id)
    found = await repository.posture()
    if found is None:
        raise NotFound("no such site, or none that you may see")
    return Posture(found, await repository.of_checks(CHECKS_MAX), await repository.newest())


@dataclass(frozen=True, slots=True)
class Trend:
    """Snapshots of a stretch of time, at most one per step."""

    since: datetime
    until: datetime
    step: timedelta
    snapshots: list[RowMapping]


async def trend(
    session: Session, site_id: str, since: datetime | None, until: datetime | None
) -> Trend:
    """At most TREND_POINTS_MAX snapshots after `since` up to `until`; raises SpanRefused."""
    until = until or session.now
    if not TREND_EARLIEST <= until <= TREND_LATEST:
        years = f"{TREND_EARLIEST.year} to {TREND_LATEST.year}"
        raise SpanRefused(f"to: not a time of the years {years}")
    since = since or until - TREND_DEFAULT
    if not timedelta(0) < until - since <= TREND_SPAN_MAX:
        raise SpanRefused(
            f"from, to: `to` is later than `from`, by at most {TREND_SPAN_MAX.days} days"
        )
    # One more, so that the last step reaches the end whichever way the division was rounded.
    step = (until - since) / TREND_POINTS_MAX + timedelta(microseconds=1)
    found = await Repository(session, site_id).trend(since, until, step, TREND_POINTS_MAX)
    return Trend(since, until, step, found)


def counts(row: Mapping[Any, Any]) -> ResultCounts:
    """The latest results by outcome, of any row that counts them."""
    return ResultCounts.model_validate(
        {
            "pass": row["passed"],
            "fail": row["failed"],
            "unknown": row["unknown"],
            "not_applicable": row["not_applicable"],
            "accepted": row["accepted"],
        }
    )


def scored(row: Mapping[Any, Any]) -> Score | None:
    """The score as every page and every point of a trend shows it, of any row that counts."""
    outcomes = {
        Outcome.PASS: row["passed"],
        Outcome.FAIL: row["failed"],
        Outcome.UNKNOWN: row["unknown"],
    }
    made = score.score(outcomes, row["measured_hosts"], row["hosts"], row["accepted"])
    if made is None:
        return None
    return Score(
        passed=made.passed,
        assessed=made.assessed,
        unknown=made.unknown,
        measured_hosts=made.measured_hosts,
        hosts=made.hosts,
        accepted=made.accepted,
    )


def _results(told: Bundle, place: int, received_at: datetime) -> list[NewResult]:
    host_id = told.host_id
    if host_id is None:
        return []
    repeats = told.kind is Kind.HEARTBEAT
    return [
        NewResult(
            host_id,
            result.check,
            result.outcome,
            result.severity,
            result.summary,
            orjson.dumps(result.facts).decode(),
            result.facts_digest,
            _controls(result.controls),
            place,
            # Nothing is measured after it was received: a clock that runs ahead wins nothing.
            min(result.measured_at, received_at),
            repeats,
        )
        for result in told.results
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
