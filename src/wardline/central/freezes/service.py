"""The kill switch of a partner or a site: thrown and lifted by people, obeyed by appliances.

Orders, approvals and the policy's answers ask here whether anything may run. What a person froze
at an appliance itself is taken as that tells it; nobody here can lift it.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping

from wardline.central.database.session import Session
from wardline.central.freezes.repository import Repository, Told
from wardline.central.tenancy import service as tenancy
from wardline.core import clock, ids
from wardline.core.errors import Conflict, Malformed, NotFound
from wardline.core.mandate import NAME_BYTES_MAX, Freeze, Reach
from wardline.core.protocol import FreezeReport

CHANGED = "freeze"


class AlreadyFrozen(Conflict):
    """The partner or the site is frozen: one freeze of each is in force at a time."""

    code = "already_frozen"


class FreezeLifted(Conflict):
    """The freeze has been lifted: there is nothing left to lift."""

    code = "freeze_lifted"


class FrozenOnSite(Conflict):
    """It was set at the appliance itself, by a person there, and only such a person lifts it."""

    code = "frozen_on_site"


async def freeze(session: Session, site_id: str | None, by_name: str, reason: str) -> str:
    """Stops everything of the site, or of the partner; gives the freeze's identifier.

    From the commit on nothing is handed out; an appliance obeys from its next check-in on. Raises
    NotFound, AlreadyFrozen.
    """
    if site_id is not None:
        await tenancy.get(session, site_id)
    freeze_id = ids.new("freeze")
    if not await Repository(session).add(freeze_id, site_id, by_name, reason):
        reach = "partner" if site_id is None else "site"
        raise AlreadyFrozen(f"this {reach} is frozen already: lift that first, or leave it")
    after = {"reach": _reach(site_id, None).value}
    await session.record("freeze.set", freeze_id, after=after, reason=reason, site_id=site_id)
    await _announce(session, freeze_id, site_id, "in_force")
    return freeze_id


async def lift(session: Session, freeze_id: str, by_name: str, reason: str) -> None:
    """Ends it; raises NotFound, FreezeLifted, FrozenOnSite."""
    repository = Repository(session)
    row = await repository.lock(freeze_id)
    if row is None:
        raise _unknown()
    if row["appliance_id"] is not None:
        raise FrozenOnSite(
            "it was set at the appliance itself; there: wardline agent unfreeze --reason …"
        )
    if row["lifted_at"] is not None:
        raise FreezeLifted(f"it was lifted at {clock.wire(row['lifted_at'])}")
    await repository.lift(freeze_id, by_name, reason)
    await session.record("freeze.lift", freeze_id, reason=reason, site_id=row["site_id"])
    await _announce(session, freeze_id, row["site_id"], "lifted")


async def frozen_by(
    session: Session, site_id: str | None, appliance_id: str | None = None
) -> str | None:
    """Who stopped the partner, the site or the appliance and why, in words; None while nobody
    did."""
    rows = await Repository(session).in_force(site_id, appliance_id)
    return "; ".join(_freeze(row).words for row in rows) or None


async def frozen_by_site(session: Session, sites: Sequence[str]) -> dict[str | None, str]:
    """Who stopped each of these sites, and what is of no site, and why; only what is stopped."""
    words: dict[str | None, list[str]] = {site: [] for site in (None, *sites)}
    for row in await Repository(session).of_sites(sites):
        stopped = words if row["site_id"] is None else (row["site_id"],)
        for site in stopped:
            words[site].append(_freeze(row).words)
    return {site: "; ".join(told) for site, told in words.items() if told}


async def ordered(session: Session, site_id: str) -> tuple[int, tuple[Freeze, ...]]:
    """What every appliance of the site has to obey, and how often that has changed."""
    changes, rows = await Repository(session).ordered(site_id)
    return changes, tuple(_freeze(row) for row in rows)


async def take(
    session: Session, site_id: str, appliance_id: str, reports: Sequence[FreezeReport]
) -> None:
    """What an appliance tells of freezes that were set at it, in the transaction of its check-in.
    Raises Malformed."""
    told: dict[datetime, Told] = {}
    for position, report in enumerate(reports):
        one = _told(report, f"freezes[{position}]")
        told[one.frozen_at] = one
    for freeze_id in await Repository(session).take(site_id, appliance_id, list(told.values())):
        await _announce(session, freeze_id, site_id, "told")


async def follow(
    session: Session,
    site_id: str,
    appliance_id: str,
    obeyed: Sequence[str],
    confirmed: Sequence[str],
) -> None:
    """Keeps what the appliance obeys now, where it had `confirmed` others before."""
    begun, over = sorted({*obeyed} - {*confirmed}), sorted({*confirmed} - {*obeyed})
    repository, changed = Repository(session), list[str]()
    if begun:
        changed += await repository.confirm(site_id, appliance_id, begun)
    if over:
        changed += await repository.release(site_id, appliance_id, over)
    for freeze_id in changed:
        await _announce(session, freeze_id, site_id, "confirmed")


async def page(
    session: Session,
    site_id: str | None,
    *,
    lifted_too: bool,
    after: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[RowMapping]:
    """Freezes, newest first; one row more than `limit` when there are more. Raises NotFound for a
    site that the session may not see."""
    if site_id is not None:
        await tenancy.get(session, site_id)
    return await Repository(session).page(
        site_id, lifted_too=lifted_too, after=after, limit=limit + 1
    )


async def count(session: Session) -> int:
    """How many are in force for the partner, its sites and its appliances."""
    return await Repository(session).count()


async def one(session: Session, freeze_id: str) -> RowMapping:
    """Raises NotFound."""
    row = await Repository(session).one(freeze_id)
    if row is None:
        raise _unknown()
    return row


async def appliances(
    session: Session, freeze_id: str, after: str | None, limit: int
) -> Sequence[RowMapping]:
    """The appliances that have to obey it, by id; one row more than `limit` when there are more.
    Raises NotFound."""
    await one(session, freeze_id)
    return await Repository(session).appliances(freeze_id, after, limit + 1)


def reach_of(row: RowMapping) -> Reach:
    """What a freeze stops."""
    return _reach(row["site_id"], row["appliance_id"])


def confirmed(row: RowMapping) -> int:
    """How many appliances have said that they obey it. What was set at an appliance is obeyed
    there since before anybody heard of it."""
    found: int = row["total" if reach_of(row) is Reach.APPLIANCE else "confirmed"]
    return found


def _reach(site_id: str | None, appliance_id: str | None) -> Reach:
    if appliance_id is not None:
        return Reach.APPLIANCE
    return Reach.PARTNER if site_id is None else Reach.SITE


def _freeze(row: RowMapping) -> Freeze:
    return Freeze(
        row["id"],
        reach_of(row),
        clock.from_milliseconds(clock.milliseconds(row["frozen_at"])),
        row["frozen_by_name"].encode()[:NAME_BYTES_MAX].decode(errors="ignore"),
        row["reason"],
    )


def _told(report: FreezeReport, where: str) -> Told:
    lifted = (report.lifted_at, report.lifted_by, report.lift_reason)
    if None in lifted and any(one is not None for one in lifted):
        raise Malformed(f"{where}.lifted_by", "given exactly when lifted_at is, and its reason too")
    return Told(
        id=ids.new("freeze"),
        frozen_at=_instant(report.frozen_at, f"{where}.frozen_at"),
        frozen_by=report.frozen_by,
        reason=report.reason,
        lifted_at=None
        if report.lifted_at is None
        else _instant(report.lifted_at, f"{where}.lifted_at"),
        lifted_by=report.lifted_by,
        lift_reason=report.lift_reason,
    )


def _instant(text: str, where: str) -> datetime:
    try:
        return clock.parse(text)
    except ValueError as error:
        raise Malformed(where, str(error)) from None


async def _announce(session: Session, freeze_id: str, site_id: str | None, state: str) -> None:
    await session.announce(CHANGED, freeze_id, {"state": state}, site_id=site_id)


def _unknown() -> NotFound:
    return NotFound("no such freeze")
