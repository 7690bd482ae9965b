"""Holds: taken as the appliances tell them at check-in, and cleared by an order of a person's."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping

from wardline.central.database.session import Session
from wardline.central.holds.repository import Repository, Told
from wardline.central.orders import service as orders
from wardline.central.orders.issuer import Issuer
from wardline.central.orders.service import Target
from wardline.central.tenancy import service as tenancy
from wardline.core import clock, ids
from wardline.core.errors import Conflict, Malformed, NotFound
from wardline.core.orders import ClearHold
from wardline.core.protocol import HoldReport

CHANGED = "hold"
REFUSED_SHOWN_MAX = 20
ACTIVE_MAX = 1_000


class HoldCleared(Conflict):
    """The hold has ended: there is nothing left to clear."""

    code = "hold_cleared"


async def take(
    session: Session, site_id: str, appliance_id: str, reports: Sequence[HoldReport]
) -> None:
    """What an appliance tells of its holds, in the transaction of its check-in.

    One of a host that another appliance looks after is not taken, and recorded. Raises Malformed.
    """
    told: dict[object, Told] = {}
    for position, report in enumerate(reports):
        one = _told(report, f"holds[{position}]")
        told[one.key] = one
    changed, refused = await Repository(session).take(site_id, appliance_id, list(told.values()))
    for hold_id in changed:
        await session.announce(CHANGED, hold_id, site_id=site_id)
    if refused:
        first = [
            {"host": host, "check": check, "runbook": runbook, "at": clock.wire(at)}
            for host, check, runbook, at in refused[:REFUSED_SHOWN_MAX]
        ]
        why = f"{len(refused)} holds of another appliance's host, or beside an active one"
        await session.record("hold.refuse", appliance_id, after={"first": first}, reason=why)


async def clear(session: Session, issuer: Issuer, site_id: str, hold_id: str, reason: str) -> str:
    """Orders the appliance to end a hold; gives the order's identifier. The hold stands until the
    appliance says that it ended. Raises NotFound, HoldCleared, and what `orders.issue` raises."""
    await tenancy.get(session, site_id)
    row = await Repository(session).get(site_id, hold_id)
    if row is None:
        raise _unknown()
    if row["cleared_at"] is not None:
        raise HoldCleared(f"it was cleared at {clock.wire(row['cleared_at'])}")
    order_id = await orders.issue(
        session,
        issuer,
        Target(site_id, row["appliance_id"], row["host_id"]),
        ClearHold(row["incident_type"], row["runbook_id"], row["suppressed_at"]),
        reason,
        hold_id=hold_id,
    )
    await session.record("hold.clear", hold_id, reason=reason, site_id=site_id)
    await session.announce(CHANGED, hold_id, site_id=site_id)
    return order_id


async def page(
    session: Session, *, ended_too: bool, after: tuple[datetime, str] | None, limit: int
) -> Sequence[RowMapping]:
    """Holds, newest first; one row more than `limit` when there are more."""
    return await Repository(session).page(ended_too=ended_too, after=after, limit=limit + 1)


async def active(
    session: Session, sites: Sequence[str]
) -> dict[tuple[str | None, str | None, str], frozenset[str]]:
    """The runbooks that are on hold at these sites, by site, host and check."""
    found: dict[tuple[str | None, str | None, str], frozenset[str]] = {}
    for row in await Repository(session).active(sites):
        place = row["site_id"], row["host_id"], row["incident_type"]
        found[place] = found.get(place, frozenset()) | {row["runbook_id"]}
    return found


async def by_runbook(session: Session) -> dict[str, list[RowMapping]]:
    """The partner's active holds by the runbook that they keep off, newest first, at most
    ACTIVE_MAX."""
    found: dict[str, list[RowMapping]] = {}
    repository = Repository(session)
    for row in await repository.page(ended_too=False, after=None, limit=ACTIVE_MAX):
        found.setdefault(row["runbook_id"], []).append(row)
    return found


async def one(session: Session, site_id: str, hold_id: str) -> RowMapping:
    """Raises NotFound."""
    row = await Repository(session).one(site_id, hold_id)
    if row is None:
        raise _unknown()
    return row


def _told(report: HoldReport, where: str) -> Told:
    if (report.cleared_at is None) != (report.cleared_by is None):
        raise Malformed(f"{where}.cleared_by", "given exactly when cleared_at is")
    return Told(
        id=ids.new("hold"),
        host_id=ids.entity(report.host_id, "host", f"{where}.host_id"),
        incident_type=ids.name(report.check, f"{where}.check"),
        runbook_id=ids.name(report.runbook_id, f"{where}.runbook_id"),
        suppressed_at=_instant(report.suppressed_at, f"{where}.suppressed_at"),
        incident_id=None
        if report.incident_id is None
        else ids.entity(report.incident_id, "inc", f"{where}.incident_id"),
        cleared_at=None
        if report.cleared_at is None
        else _instant(report.cleared_at, f"{where}.cleared_at"),
        cleared_by=report.cleared_by,
        clear_reason=report.clear_reason,
        reason=report.reason,
        set_by=report.set_by,
    )


def _instant(text: str, where: str) -> datetime:
    try:
        return clock.parse(text)
    except ValueError as error:
        raise Malformed(where, str(error)) from None


def _unknown() -> NotFound:
    return NotFound("no such hold on this site")
