"""The SQL of orders: the row of each, what is leased to whom, and the pages that show them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import RowMapping, text

from wardline.central.database.session import Session
from wardline.core.orders import Order, Status

_ADD = text(
    "INSERT INTO orders (id, site_id, partner_id, appliance_id, host_id, kind, incident_type,"
    " runbook_id, incident_id, approval_id, hold_id, envelope, requested_by, reason, created_at,"
    " expires_at) VALUES (:id, :site_id, :partner_id, :appliance_id, :host_id, :kind,"
    " :incident_type, :runbook_id, :incident_id, :approval_id, :hold_id, :envelope, :requested_by,"
    " :reason, :created_at, :expires_at) ON CONFLICT DO NOTHING"
)
_TARGET = text(
    "SELECT h.observed, a.retired_at, (SELECT count(*) FROM orders o"
    "   WHERE o.appliance_id = a.id AND o.status = 'pending') AS pending"
    " FROM hosts h JOIN appliances a ON a.site_id = h.site_id AND a.id = h.appliance_id"
    " WHERE h.site_id = :site_id AND h.id = :host_id AND h.appliance_id = :appliance_id"
)
# Of several that lease at once each gets others; what expires is not handed out any more.
_LEASE = text(
    "WITH due AS MATERIALIZED ("
    "  SELECT id FROM orders WHERE site_id = :site_id AND appliance_id = :appliance_id"
    "    AND expires_at > :now AND (:runs_too OR kind <> 'run_runbook') AND (status = 'pending'"
    "      OR (status = 'leased' AND lease_until <= :now AND leases < :leases_max))"
    "  ORDER BY created_at, id LIMIT :count FOR UPDATE SKIP LOCKED)"
    " UPDATE orders o SET status = 'leased', leased_at = :now, lease_until = :until,"
    "   leases = o.leases + 1"
    " FROM due WHERE o.site_id = :site_id AND o.id = due.id"
    " RETURNING o.id, o.envelope, o.created_at, o.leases"
)
_LOCK = text(
    "SELECT id, status, leased_at FROM orders WHERE site_id = :site_id AND id = :id FOR UPDATE"
)
_LOCK_OWN = text(
    "SELECT id, status, leased_at FROM orders"
    " WHERE site_id = :site_id AND id = :id AND appliance_id = :appliance_id FOR UPDATE"
)
_MOVE = text(
    "UPDATE orders SET status = :status, code = :code, detail = :detail,"
    " started_at = coalesce(CAST(:started_at AS timestamptz), started_at),"
    " completed_at = :completed_at, epoch = coalesce(:epoch, epoch), seq = coalesce(:seq, seq)"
    " WHERE site_id = :site_id AND id = :id"
)
_LIVE = text(
    "SELECT 1 AS found FROM orders WHERE site_id = :site_id AND incident_id = :incident_id"
    " AND kind = 'run_runbook' AND completed_at IS NULL"
)
_ROW = (
    "SELECT o.id, o.site_id, s.name AS site_name, o.appliance_id, o.host_id, h.name AS host_name,"
    " o.kind, o.incident_type, o.runbook_id, o.incident_id, o.approval_id, o.hold_id, o.status,"
    " o.requested_by, u.name AS requested_by_name, o.reason, o.created_at, o.expires_at,"
    " o.leased_at, o.leases, o.started_at, o.completed_at, o.code, o.detail, b.log_index,"
    " o.kind = 'run_runbook' AND o.completed_at IS NULL AND o.started_at IS NULL"
    "   AND is_frozen(o.partner_id, o.site_id, o.appliance_id) AS frozen"
)
_FROM = (
    " FROM orders o JOIN sites s ON s.id = o.site_id"
    " LEFT JOIN hosts h ON h.site_id = o.site_id AND h.id = o.host_id"
    " LEFT JOIN users u ON u.id = o.requested_by"
    " LEFT JOIN evidence_bundles b ON b.site_id = o.site_id AND b.appliance_id = o.appliance_id"
    "   AND b.epoch = o.epoch AND b.seq = o.seq AND NOT b.equivocates"
)
_AFTER = (
    " AND (CAST(:status AS text) IS NULL OR o.status = :status)"
    " AND (CAST(:after_id AS text) IS NULL"
    "   OR (o.created_at, o.id) < (CAST(:after_at AS timestamptz), :after_id))"
    " ORDER BY o.created_at DESC, o.id DESC LIMIT :limit"
)
_OF_SITE = text(f"{_ROW}{_FROM} WHERE o.site_id = :site_id{_AFTER}")
_OF_PARTNER = text(f"{_ROW}{_FROM} WHERE o.partner_id = :partner_id{_AFTER}")
_ONE = text(f"{_ROW}, o.envelope{_FROM} WHERE o.site_id = :site_id AND o.id = :id")


@dataclass(frozen=True, slots=True)
class NewOrder:
    """A signed order with what it is about at Central; one that only looks has no runbook."""

    order: Order
    check: str
    runbook_id: str | None
    incident_id: str | None
    approval_id: str | None
    hold_id: str | None
    envelope: bytes


@dataclass(frozen=True, slots=True)
class Move:
    """A step to `status`; what is None stays as it is, but for code, detail and the end."""

    status: Status
    code: str | None
    detail: str | None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    epoch: int | None = None
    seq: int | None = None


class Repository:
    """The orders of one site inside one transaction; `page` alone looks over all of them."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, new: NewOrder) -> bool:
        """False where one for the same incident or hold is on its way."""
        order = new.order
        touched = await self._session.execute(
            _ADD,
            id=order.id,
            site_id=order.site_id,
            partner_id=self._session.scope.owner,
            appliance_id=order.appliance_id,
            host_id=order.host_id,
            kind=order.kind.value,
            incident_type=new.check,
            runbook_id=new.runbook_id,
            incident_id=new.incident_id,
            approval_id=new.approval_id,
            hold_id=new.hold_id,
            envelope=new.envelope,
            requested_by=order.by.user_id,
            reason=order.reason,
            created_at=order.issued_at,
            expires_at=order.expires_at,
        )
        return touched == 1

    async def target(self, site_id: str, appliance_id: str, host_id: str) -> RowMapping | None:
        """Whether the host is only observed, its appliance retired, and how many orders wait for
        that; None where the host is not the appliance's."""
        return await self._session.row(
            _TARGET, site_id=site_id, appliance_id=appliance_id, host_id=host_id
        )

    async def lease(
        self,
        site_id: str,
        appliance_id: str,
        count: int,
        until: datetime,
        leases_max: int,
        *,
        runs_too: bool,
    ) -> list[RowMapping]:
        """What is handed out now, in no order; orders to run something only with `runs_too`."""
        return await self._session.rows(
            _LEASE,
            site_id=site_id,
            appliance_id=appliance_id,
            now=self._session.now,
            until=until,
            count=count,
            leases_max=leases_max,
            runs_too=runs_too,
        )

    async def lock(self, site_id: str, order_id: str) -> RowMapping | None:
        """The order's state, held until the transaction ends."""
        return await self._session.row(_LOCK, site_id=site_id, id=order_id)

    async def lock_own(self, site_id: str, order_id: str, appliance_id: str) -> RowMapping | None:
        """As `lock`, where the order is this appliance's."""
        return await self._session.row(
            _LOCK_OWN, site_id=site_id, id=order_id, appliance_id=appliance_id
        )

    async def move(self, site_id: str, order_id: str, move: Move) -> None:
        await self._session.execute(
            _MOVE,
            site_id=site_id,
            id=order_id,
            status=move.status.value,
            code=move.code,
            detail=move.detail,
            started_at=move.started_at,
            completed_at=move.completed_at,
            epoch=move.epoch,
            seq=move.seq,
        )

    async def is_live(self, site_id: str, incident_id: str) -> bool:
        row = await self._session.row(_LIVE, site_id=site_id, incident_id=incident_id)
        return row is not None

    async def page(
        self,
        site_id: str | None,
        status: str | None,
        after: tuple[datetime, str] | None,
        limit: int,
    ) -> Sequence[RowMapping]:
        """Newest first, of one site or of the whole partner, after a (created_at, id)."""
        after_at, after_id = after or (None, None)
        given = {"status": status, "after_at": after_at, "after_id": after_id, "limit": limit}
        if site_id is None:
            owner = self._session.scope.owner
            return await self._session.rows(_OF_PARTNER, partner_id=owner, **given)
        return await self._session.rows(_OF_SITE, site_id=site_id, **given)

    async def one(self, site_id: str, order_id: str) -> RowMapping | None:
        """With its envelope."""
        return await self._session.row(_ONE, site_id=site_id, id=order_id)
