"""Orders: issued and signed, leased to their appliance, reported on, cancelled while they wait."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import RowMapping

from wardline.central.database.session import Session
from wardline.central.freezes import service as freezes
from wardline.central.orders.issuer import Issuer
from wardline.central.orders.repository import Move, NewOrder, Repository
from wardline.central.tenancy import service as tenancy
from wardline.central.tenancy.service import Healing
from wardline.core import clock, ids, orders
from wardline.core.errors import Conflict, Malformed, NotFound
from wardline.core.evidence.signing import Envelope
from wardline.core.orders import FINAL, Body, Order, RunRunbook, Status, UndoRun
from wardline.core.protocol import EnvelopeWire, OrderReport

# An appliance that took an order so often and never said a word does not get it once more.
LEASES_MAX = 20
PENDING_PER_APPLIANCE_MAX = 1_000

CHANGED = "order"


class SiteObserves(Conflict):
    """The site or the host only observes: nothing runs there until a person lets it heal."""

    code = "observing"


class OrderUnderWay(Conflict):
    """An order for the same incident or hold is on its way to the appliance."""

    code = "order_under_way"


class TooManyOrders(Conflict):
    """As many orders wait for this appliance as it may have; it has not fetched any for long."""

    code = "too_many_orders"


@dataclass(frozen=True, slots=True)
class Target:
    """Whose order it is: the appliance that looks after the host."""

    site_id: str
    appliance_id: str
    host_id: str


async def issue(
    session: Session,
    issuer: Issuer,
    target: Target,
    body: Body,
    reason: str,
    *,
    hold_id: str | None = None,
) -> str:
    """A signed order, on its way from the commit on; gives its identifier.

    Raises NotFound, SiteObserves, OrderUnderWay, TooManyOrders.
    """
    await _check_target(session, target, body)
    issued_at = clock.from_milliseconds(clock.milliseconds(session.now))
    order = Order(
        id=ids.new("order"),
        site_id=target.site_id,
        appliance_id=target.appliance_id,
        host_id=target.host_id,
        issued_at=issued_at,
        expires_at=issued_at + issuer.lifetime,
        by=issuer.person,
        reason=reason,
        body=body,
    )
    sealed = orders.seal(order, issuer.key).to_json()
    run = body if isinstance(body, RunRunbook) else None
    consent = None if run is None else run.consent
    new = NewOrder(
        order,
        body.check,
        body.runbook_id,
        body.incident_id if isinstance(body, RunRunbook | UndoRun) else None,
        None if consent is None else consent.approval_id,
        hold_id,
        sealed,
    )
    if not await Repository(session).add(new):
        raise OrderUnderWay(
            f"{body.check} on {target.host_id}: an order is on its way; wait for its end,"
            " or cancel it while the appliance has not fetched it"
        )
    told = {"kind": order.kind.value, "runbook": body.runbook_id, "expires": _wire(order)}
    await session.record("order.issue", order.id, after=told, reason=reason, site_id=target.site_id)
    await _announce(session, target.site_id, order.id, Status.PENDING)
    return order.id


async def lease(
    session: Session, site_id: str, appliance_id: str, count: int, lease_s: int
) -> list[EnvelopeWire]:
    """Hands the appliance its waiting orders, oldest first, for `lease_s`; one whose lease ran out
    without a word is handed out again. While anything is frozen there, what would run waits."""
    until = session.now + timedelta(seconds=lease_s)
    is_frozen = await freezes.frozen_by(session, site_id, appliance_id) is not None
    rows = await Repository(session).lease(
        site_id, appliance_id, count, until, LEASES_MAX, runs_too=not is_frozen
    )
    for row in rows:
        await _announce(session, site_id, row["id"], Status.LEASED)
    rows.sort(key=lambda row: (row["created_at"], row["id"]))
    sealed = [Envelope.from_json(row["envelope"]) for row in rows]
    return [EnvelopeWire.model_validate(envelope.to_wire()) for envelope in sealed]


async def report(session: Session, site_id: str, appliance_id: str, said: OrderReport) -> Status:
    """Takes what the appliance says of its order; gives where that stands now.

    A step that the state machine does not have changes nothing: a final state stays, but for
    `lost`, which a late report corrects. Raises NotFound for what is not this appliance's.
    """
    at = _told_at(said, session.now)
    repository = Repository(session)
    row = await repository.lock_own(site_id, said.order_id, appliance_id)
    if row is None:
        raise NotFound("no such order of this appliance")
    now, then = Status(row["status"]), Status(said.status)
    if not orders.can_move(now, then) or row["leased_at"] is None:
        return now
    ends = then in FINAL
    await repository.move(
        site_id,
        said.order_id,
        Move(
            then,
            said.code,
            said.detail,
            started_at=None if ends else at,
            completed_at=at if ends else None,
            epoch=said.epoch,
            seq=said.seq,
        ),
    )
    await _announce(session, site_id, said.order_id, then)
    return then


async def cancel(session: Session, site_id: str, order_id: str, reason: str) -> None:
    """Takes back an order that nobody has fetched; raises NotFound, Conflict."""
    await tenancy.get(session, site_id)
    repository = Repository(session)
    row = await repository.lock(site_id, order_id)
    if row is None:
        raise _unknown()
    status = orders.moved(order_id, Status(row["status"]), Status.CANCELLED)
    move = Move(status, "cancelled", reason, completed_at=session.now)
    await repository.move(site_id, order_id, move)
    await session.record("order.cancel", order_id, reason=reason, site_id=site_id)
    await _announce(session, site_id, order_id, status)


async def is_live(session: Session, site_id: str, incident_id: str) -> bool:
    """Whether an order to repair this incident is on its way or running."""
    return await Repository(session).is_live(site_id, incident_id)


async def page(
    session: Session,
    site_id: str | None,
    status: Status | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[RowMapping]:
    """Orders, newest first; one row more than `limit` when there are more. Raises NotFound for a
    site that the session may not see."""
    if site_id is not None:
        await tenancy.get(session, site_id)
    named = None if status is None else status.value
    return await Repository(session).page(site_id, named, after, limit + 1)


async def one(session: Session, site_id: str, order_id: str) -> RowMapping:
    """An order with its envelope; raises NotFound."""
    await tenancy.get(session, site_id)
    row = await Repository(session).one(site_id, order_id)
    if row is None:
        raise _unknown()
    return row


async def _check_target(session: Session, target: Target, body: Body) -> None:
    site = await tenancy.get(session, target.site_id)
    found = await Repository(session).target(target.site_id, target.appliance_id, target.host_id)
    if found is None or found["retired_at"] is not None:
        raise Conflict("host: no appliance that is in service looks after it any more")
    if isinstance(body, RunRunbook) and site.healing is Healing.OBSERVE:
        raise SiteObserves(f"{site.name} observes: let it heal first, then start this")
    # To put back what ran is a person's own deed: a site that observes by now does not stop it.
    if isinstance(body, RunRunbook | UndoRun) and found["observed"]:
        raise SiteObserves("this host is only observed: its appliance never changes it")
    if found["pending"] >= PENDING_PER_APPLIANCE_MAX:
        raise TooManyOrders(
            f"{found['pending']} orders wait for this appliance; see whether it is online"
        )


async def _announce(session: Session, site_id: str, order_id: str, status: Status) -> None:
    await session.announce(CHANGED, order_id, {"status": status.value}, site_id=site_id)


def _told_at(said: OrderReport, now: datetime) -> datetime:
    """When it happened: nothing happens after it was told."""
    try:
        return min(clock.parse(said.at), now)
    except ValueError as error:
        raise Malformed("at", str(error)) from None


def _wire(order: Order) -> str:
    return clock.wire(order.expires_at)


def _unknown() -> NotFound:
    return NotFound("no such order on this site")
