"""The one way a ledger grows, for people and for the rounds that run by themselves alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping

from wardline.central.database.session import Session
from wardline.central.learning.repository.promotions import NewEntry, Promotions
from wardline.core import clock, ids
from wardline.core.errors import NotFound
from wardline.core.incidents import promotion
from wardline.core.incidents.promotion import Entry, Ledger, Promotion, Step, Subject

# By whom what nobody decided stands in a ledger.
ITSELF = "Wardline"
_SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Author:
    """Who makes an entry: a user by id and name."""

    id: str
    name: str


BY_ITSELF = Author(_SYSTEM, ITSELF)


@dataclass(frozen=True, slots=True)
class Line:
    """What a new entry says; `site_id` is the canary's, `appliance_id` where it stopped."""

    step: Step
    reason: str
    detail: dict[str, Any] | None = None
    site_id: str | None = None
    appliance_id: str | None = None


async def propose(
    session: Session, partner_id: str, subject: Subject, version: str, line: Line
) -> str | None:
    """A new promotion, with its first entry; None where another one stands for the pattern."""
    promotion_id = ids.new("prom")
    added = await Promotions(session).add(
        partner_id,
        promotion_id,
        {
            "check": subject.check,
            "pattern": subject.pattern,
            "runbook_id": subject.runbook,
            "runbook_version": version,
            "runbook_digest": subject.digest,
        },
    )
    if not added:
        return None
    await _grow(session, partner_id, Ledger(promotion_id, subject, ()), None, line, BY_ITSELF)
    return promotion_id


async def grow(
    session: Session, partner_id: str, promotion_id: str, line: Line, author: Author = BY_ITSELF
) -> Promotion:
    """One entry more; raises NotFound, and Conflict where the promotion cannot go that way."""
    ledger, now = await held(session, partner_id, promotion_id)
    return await _grow(session, partner_id, ledger, now, line, author)


async def held(session: Session, partner_id: str, promotion_id: str) -> tuple[Ledger, Promotion]:
    """A promotion by its ledger, held until the transaction ends; raises NotFound."""
    row = await Promotions(session).lock(partner_id, promotion_id)
    if row is None:
        raise unknown()
    entries = await Promotions(session).ledger(partner_id, promotion_id)
    ledger = of_rows(row, entries)
    now = promotion.folded(ledger)
    assert now.stage == row["stage"], f"{promotion_id}: the row is not what its ledger comes to"
    return ledger, now


async def live(session: Session, partner_id: str) -> tuple[Ledger, ...]:
    """The ledgers of the promotions in force, by id."""
    grouped: dict[str, list[RowMapping]] = {}
    for row in await Promotions(session).live(partner_id):
        grouped.setdefault(row["id"], []).append(row)
    return tuple(of_rows(rows[0], rows) for rows in grouped.values())


def of_rows(row: RowMapping, entries: Sequence[RowMapping]) -> Ledger:
    """The ledger that these rows are; its times hold to the millisecond, as everywhere on the
    wire."""
    return Ledger(
        row["id"],
        Subject(
            row["incident_type"],
            row["pattern_signature"],
            row["runbook_id"],
            row["runbook_digest"],
            row["inputs"],
        ),
        tuple(
            Entry(
                number=one["number"],
                step=Step(one["step"]),
                at=clock.from_milliseconds(clock.milliseconds(one["at"])),
                by=_short(one["by_name"]),
                site_id=one["site_id"],
                appliance_id=one["appliance_id"],
            )
            for one in entries
        ),
    )


def unknown() -> NotFound:
    return NotFound("no such promotion")


async def _grow(
    session: Session,
    partner_id: str,
    ledger: Ledger,
    now: Promotion | None,
    line: Line,
    author: Author,
) -> Promotion:
    entry = Entry(
        number=now.number + 1 if now else 1,
        step=line.step,
        at=session.now,
        by=_short(author.name),
        site_id=line.site_id,
        appliance_id=line.appliance_id,
    )
    moved = promotion.moved(now, entry, ledger)
    await Promotions(session).grow(
        partner_id,
        ledger.id,
        NewEntry(
            number=entry.number,
            step=entry.step.value,
            at=entry.at,
            by_id=author.id,
            by_name=author.name,
            reason=line.reason,
            detail=line.detail or {},
            site_id=line.site_id,
            appliance_id=line.appliance_id,
        ),
        {
            "stage": moved.stage.value,
            "canary_site": moved.canary_site,
            "approved_at": moved.approved_at,
            "promoted_at": moved.promoted_at,
            "ended_at": moved.ended_at,
        },
    )
    return moved


def _short(name: str) -> str:
    return name.encode()[: promotion.BY_BYTES_MAX].decode(errors="ignore") or ITSELF
