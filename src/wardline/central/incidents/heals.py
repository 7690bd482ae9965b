"""How well repairs last, as every page and the status show it.

Apart from the service because other pages show it beside their own numbers.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from pydantic import BaseModel

from wardline.central.database.session import Session
from wardline.central.incidents import service

DAYS_DEFAULT = 30
DAYS_MAX = 366
RUNBOOKS_MAX = 200


class FalseHeals(BaseModel):
    """`recurred` of `of` heals whose watch is over did not last through it."""

    recurred: int
    of: int


class TimeToRepair(BaseModel):
    """From the drift to the heal, over the `of` heals that were stable: mean, in seconds."""

    mean_s: float
    of: int


class Heals(BaseModel):
    """The heals of the last `days`. `watched` are not decided yet; of `unproved` ones nothing shows
    whether they lasted, `undone` ones a person had put back: none of them counts for or against.
    What nothing was measured for is null."""

    days: int
    total: int
    watched: int
    stable: int
    recurred: int
    unproved: int
    undone: int
    false_heals: FalseHeals | None
    time_to_repair: TimeToRepair | None


class RunbookHeals(Heals):
    runbook_id: str


async def fleet(session: Session, days: int = DAYS_DEFAULT) -> Heals:
    """Of all of the partner's sites."""
    return shape(await service.heals(session, None, _since(days, session)), days)


async def site(session: Session, site_id: str, days: int = DAYS_DEFAULT) -> Heals:
    return shape(await service.heals(session, [site_id], _since(days, session)), days)


async def by_site(
    session: Session, sites: Sequence[str], days: int = DAYS_DEFAULT
) -> dict[str, Heals]:
    """Of each of these sites."""
    rows = await service.heals_by_site(session, sites, _since(days, session))
    found = {row["site_id"]: shape(row, days) for row in rows}
    return {one: found.get(one, shape(_NONE, days)) for one in sites}


async def by_runbook(
    session: Session, site_id: str | None, days: int = DAYS_DEFAULT
) -> list[RunbookHeals]:
    """Of each runbook that healed, the most used first; of all sites where none is named."""
    sites = None if site_id is None else [site_id]
    rows = await service.heals_by_runbook(session, sites, _since(days, session), RUNBOOKS_MAX)
    return [
        RunbookHeals(**shape(row, days).model_dump(), runbook_id=row["runbook_id"]) for row in rows
    ]


def shape(row: Mapping[Any, Any], days: int) -> Heals:
    """The numbers of a row that counts heals."""
    stable, recurred = row["stable"], row["recurred"]
    decided, repaired_s = stable + recurred, row["repaired_s"]
    return Heals(
        days=days,
        total=row["total"],
        watched=row["watched"],
        stable=stable,
        recurred=recurred,
        unproved=row["unproved"],
        undone=row["undone"],
        false_heals=FalseHeals(recurred=recurred, of=decided) if decided else None,
        time_to_repair=None
        if repaired_s is None
        else TimeToRepair(mean_s=round(float(repaired_s), 1), of=stable),
    )


def _since(days: int, session: Session) -> datetime:
    return session.now - timedelta(days=days)


_NONE: Mapping[str, Any] = {
    "total": 0,
    "watched": 0,
    "stable": 0,
    "recurred": 0,
    "unproved": 0,
    "undone": 0,
    "repaired_s": None,
}
