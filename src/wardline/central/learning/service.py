"""Promotions as people see and decide them: evaluated, approved for a canary, rejected, demoted."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import RowMapping

from wardline.central.database.session import Session
from wardline.central.learning import ledger, shadow
from wardline.central.learning.ledger import Author, Line
from wardline.central.learning.repository.patterns import Patterns
from wardline.central.learning.repository.promotions import Promotions
from wardline.central.learning.shadow import Evaluation
from wardline.central.tenancy import service as tenancy
from wardline.central.tenancy.service import Healing
from wardline.core.errors import Conflict
from wardline.core.incidents import merit, promotion
from wardline.core.incidents.promotion import Ledger, Step


class NotProven(Conflict):
    """The last days speak against it: what the shadow evaluation found stands in the message."""

    code = "not_proven"


class SiteObserves(Conflict):
    """Nothing is repaired at that site, so that a canary there would prove nothing."""

    code = "site_observes"


class TooManyPromotions(Conflict):
    """As many promotions are in force as appliances can be told of."""

    code = "too_many_promotions"


async def page(
    session: Session, *, ended_too: bool, after: tuple[datetime, str] | None, limit: int
) -> Sequence[RowMapping]:
    """Promotions, newest first; one row more than `limit` when there are more."""
    return await Promotions(session).page(ended_too=ended_too, after=after, limit=limit + 1)


async def waiting(session: Session) -> int:
    """How many promotions a person has to decide about."""
    return await Promotions(session).waiting()


async def one(session: Session, promotion_id: str) -> tuple[RowMapping, Sequence[RowMapping]]:
    """A promotion and its ledger; raises NotFound."""
    row = await Promotions(session).one(promotion_id)
    if row is None:
        raise ledger.unknown()
    return row, await Promotions(session).entries(promotion_id)


async def patterns(
    session: Session, after: tuple[str, str] | None, limit: int
) -> Sequence[RowMapping]:
    """What incidents and runs come to per pattern; one row more than `limit` if there are more."""
    return await Patterns(session).page(after, limit + 1)


async def evaluate(session: Session, promotion_id: str) -> Evaluation:
    """What it would have met with in the last days, for a person to look at; raises NotFound."""
    row, _ = await one(session, promotion_id)
    return await shadow.evaluate(session, row)


async def approve(
    session: Session, promotion_id: str, site_id: str, author: Author, reason: str
) -> None:
    """Evaluated once more and, where nothing speaks against it, in force at one site from now on.

    Both are entries of its ledger. Raises NotFound, NotProven, SiteObserves, TooManyPromotions,
    and Conflict where it is past that.
    """
    partner_id = session.scope.owner
    # One approval at a time, so that together they keep to what appliances can be told.
    await Promotions(session).lock_partner(partner_id)
    await ledger.held(session, partner_id, promotion_id)
    site = await tenancy.get(session, site_id)
    row, _ = await one(session, promotion_id)
    found = await shadow.evaluate(session, row)
    if found.against:
        raise NotProven(f"not to be approved: {'; '.join(found.against)}")
    if site.healing is not Healing.HEAL:
        raise SiteObserves(f"{site.name} only observes: choose a site that heals, or let it")
    detail = {"shadow": _detail(found)}
    line = Line(Step.EVALUATED, f"the last {merit.SHADOW_DAYS} days", detail)
    await ledger.grow(session, partner_id, promotion_id, line)
    await Promotions(session).set_inputs(partner_id, promotion_id, dict(found.inputs))
    line = Line(Step.APPROVED, reason, site_id=site_id)
    await ledger.grow(session, partner_id, promotion_id, line, author)
    if not promotion.fit(await ledger.live(session, partner_id)):
        raise TooManyPromotions(
            f"{promotion.LIVE_MAX} promotions are in force, or as much as appliances can be told:"
            " demote one that is not needed"
        )
    await session.record(
        "promotion.approve", promotion_id, after={"canary": site_id, **detail}, reason=reason
    )


async def reject(session: Session, promotion_id: str, author: Author, reason: str) -> None:
    """It is not to be; what it had earned counts no more. Raises NotFound, Conflict."""
    await _end(session, promotion_id, Step.REJECTED, author, reason)


async def demote(session: Session, promotion_id: str, author: Author, reason: str) -> None:
    """In force nowhere any more; an appliance hears of it at its next check-in. Raises NotFound,
    Conflict."""
    await _end(session, promotion_id, Step.DEMOTED, author, reason)


async def in_force(session: Session, site_id: str, appliance_id: str) -> tuple[Ledger, ...]:
    """The ledgers that one appliance is told, and never more than a mandate can carry."""
    every = await ledger.live(session, session.scope.owner)
    told = promotion.for_appliance(every, site_id, appliance_id)
    while not promotion.fit(told):
        told = told[:-1]
    return told


async def _end(
    session: Session, promotion_id: str, step: Step, author: Author, reason: str
) -> None:
    await ledger.grow(session, session.scope.owner, promotion_id, Line(step, reason), author)
    action = {Step.REJECTED: "promotion.reject", Step.DEMOTED: "promotion.demote"}[step]
    await session.record(action, promotion_id, reason=reason)


def _detail(found: Evaluation) -> dict[str, object]:
    counts = found.shadow
    return {
        "total": found.total,
        "incidents": counts.incidents,
        "resolved": counts.resolved,
        "allowed": counts.allowed,
        "confirmed": counts.confirmed,
        "contradicted": counts.contradicted,
        "verdicts": dict(found.verdicts),
    }
