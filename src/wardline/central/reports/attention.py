"""The status of what people decide: asks, blocks, holds, freezes, deviations, orders, the rest."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel
from sqlalchemy import RowMapping

from wardline.central.brakes import service as braking
from wardline.central.database.session import Session
from wardline.central.deviations import service as accepting
from wardline.central.freezes import service as freezing
from wardline.central.reports import queries
from wardline.core.mandate import Reach


class About(BaseModel):
    """The drift that it is about."""

    site_id: str
    host_id: str
    host_name: str | None
    check: str
    runbook: str | None


class Ask(About):
    """An approval that waits; `log_indexes` are the bundles of its incident."""

    approval_id: str
    incident_id: str
    rule_id: str
    asked_at: datetime
    expires_at: datetime
    log_indexes: list[int]


class Asks(BaseModel):
    count: int
    newest: list[Ask]


class Block(About):
    """An open incident that the policy does not let anybody repair now, and why."""

    incident_id: str
    code: str | None
    reason: str | None
    opened_at: datetime
    log_indexes: list[int]


class Blocks(BaseModel):
    """`newest` holds one incident per code."""

    count: int
    by_code: dict[str, int]
    newest: list[Block]


class LeftOver(About):
    """An open incident that nothing happens to until a person acts.

    `why`: `escalated`, no repair of ours helps; `offered`, a person may start the runbook;
    `not_asked`, an approval was given or refused or ran out and the drift is still there: ask again
    on the incident.
    """

    incident_id: str
    why: str
    severity: str
    summary: str
    opened_at: datetime
    log_indexes: list[int]


class LeftOvers(BaseModel):
    """What no approval, hold or order speaks for."""

    count: int
    by_why: dict[str, int]
    newest: list[LeftOver]


class ActiveHold(About):
    hold_id: str
    incident_id: str | None
    suppressed_at: datetime
    reason: str
    log_indexes: list[int]


class ActiveHolds(BaseModel):
    active: int
    newest: list[ActiveHold]


class ActiveStop(BaseModel):
    """A version of a rule or runbook that nothing runs by; without a site, at all of them."""

    stop_id: str
    kind: Literal["rule", "runbook"]
    name: str
    version: str
    site_id: str | None
    site_name: str | None
    appliance_id: str | None
    appliance_name: str | None
    stopped_at: datetime
    failed: int
    runs: int
    incident_id: str
    incident_site_id: str


class ActiveStops(BaseModel):
    active: int
    newest: list[ActiveStop]


class ActiveFreeze(BaseModel):
    """A freeze in force; `confirmed` of `total` appliances have said that they obey it."""

    freeze_id: str
    reach: Reach
    site_id: str | None
    site_name: str | None
    appliance_id: str | None
    appliance_name: str | None
    frozen_at: datetime
    frozen_by: str
    frozen_by_name: str
    reason: str
    confirmed: int
    total: int


class ActiveFreezes(BaseModel):
    active: int
    newest: list[ActiveFreeze]


class ChangedDeviation(BaseModel):
    """Of an accepted deviation `changed` of `hosts` hosts fail otherwise than was accepted."""

    deviation_id: str
    site_id: str
    site_name: str
    check: str
    owner: str
    until: datetime
    hosts: int
    changed: int


class AcceptedDeviations(BaseModel):
    """`changed` of those in force are no more what was accepted, `ending` end within two weeks."""

    in_force: int
    changed: int
    ending: int
    newest: list[ChangedDeviation]


class OrderTold(About):
    order_id: str
    kind: str
    status: str
    code: str | None
    detail: str | None
    created_at: datetime
    completed_at: datetime | None
    log_index: int | None


class OrdersTold(BaseModel):
    by_status: dict[str, int]
    newest: list[OrderTold]


class Attention(BaseModel):
    ask: Asks
    blocked: Blocks
    left: LeftOvers
    holds: ActiveHolds
    freezes: ActiveFreezes
    brakes: ActiveStops
    deviations: AcceptedDeviations
    orders: OrdersTold


async def read(session: Session) -> Attention:
    asks, holds = await queries.asks(session), await queries.holds(session)
    by_why = await queries.left_by_why(session)
    return Attention(
        ask=Asks(count=_of(asks), newest=[_ask(row) for row in asks]),
        blocked=_blocked(await queries.blocked_by_code(session), await queries.blocked(session)),
        left=LeftOvers(
            count=sum(by_why.values()),
            by_why=by_why,
            newest=[_left(row) for row in await queries.left(session)],
        ),
        holds=ActiveHolds(active=_of(holds), newest=[_hold(row) for row in holds]),
        freezes=await _freezes(session),
        brakes=await _brakes(session),
        deviations=await _deviations(session),
        orders=OrdersTold(
            by_status=await queries.orders_by_status(session),
            newest=[_order(row) for row in await queries.orders(session)],
        ),
    )


def _of(rows: Sequence[RowMapping]) -> int:
    return rows[0]["of"] if rows else 0


def _ask(row: RowMapping) -> Ask:
    return Ask(
        **_about(row),
        approval_id=row["id"],
        incident_id=row["incident_id"],
        rule_id=row["rule_id"],
        asked_at=row["created_at"],
        expires_at=row["expires_at"],
        log_indexes=row["log_indexes"] or [],
    )


def _blocked(counts: Sequence[RowMapping], newest: Sequence[RowMapping]) -> Blocks:
    return Blocks(
        count=sum(row["count"] for row in counts),
        by_code={row["code"]: row["count"] for row in counts if row["code"] is not None},
        newest=[
            Block(
                **_about(row),
                incident_id=row["id"],
                code=row["code"],
                reason=row["reason"],
                opened_at=row["created_at"],
                log_indexes=row["log_indexes"] or [],
            )
            for row in newest
        ],
    )


def _left(row: RowMapping) -> LeftOver:
    return LeftOver(
        **_about(row),
        incident_id=row["id"],
        why=row["why"],
        severity=row["severity"],
        summary=row["summary"],
        opened_at=row["created_at"],
        log_indexes=row["log_indexes"] or [],
    )


def _hold(row: RowMapping) -> ActiveHold:
    return ActiveHold(
        **_about(row),
        hold_id=row["id"],
        incident_id=row["incident_id"],
        suppressed_at=row["suppressed_at"],
        reason=row["reason"],
        log_indexes=row["log_indexes"] or [],
    )


async def _brakes(session: Session) -> ActiveStops:
    limit = queries.NEWEST_MAX
    rows = await braking.page(session, released_too=False, after=None, limit=limit)
    own = [name for name in ActiveStop.model_fields if name != "stop_id"]
    return ActiveStops(
        active=_of(rows),
        newest=[
            ActiveStop(stop_id=row["id"], **{name: row[name] for name in own})
            for row in rows[:limit]
        ],
    )


async def _freezes(session: Session) -> ActiveFreezes:
    limit = queries.NEWEST_MAX
    rows = await freezing.page(session, None, lifted_too=False, after=None, limit=limit)
    more = len(rows) > limit
    return ActiveFreezes(
        active=await freezing.count(session) if more else len(rows),
        newest=[_freeze(row) for row in rows[:limit]],
    )


def _freeze(row: RowMapping) -> ActiveFreeze:
    own = {name: row[name] for name in ActiveFreeze.model_fields if name in row}
    given = {"freeze_id": row["id"], "confirmed": freezing.confirmed(row)}
    return ActiveFreeze(**own | given, reach=freezing.reach_of(row))


async def _deviations(session: Session) -> AcceptedDeviations:
    limit = queries.NEWEST_MAX
    counted = await accepting.counts(session)
    rows = await accepting.page(session, None, "changed", None, limit) if counted["changed"] else ()
    return AcceptedDeviations(
        in_force=counted["in_force"],
        changed=counted["changed"],
        ending=counted["ending"],
        newest=[
            ChangedDeviation(
                deviation_id=row["id"],
                site_id=row["site_id"],
                site_name=row["site_name"],
                check=row["check_id"],
                owner=row["owner"],
                until=row["until"],
                hosts=row["hosts"],
                changed=row["changed"],
            )
            for row in rows[:limit]
        ],
    )


def _order(row: RowMapping) -> OrderTold:
    return OrderTold(
        **_about(row),
        order_id=row["id"],
        kind=row["kind"],
        status=row["status"],
        code=row["code"],
        detail=row["detail"],
        created_at=row["created_at"],
        completed_at=row["completed_at"],
        log_index=row["log_index"],
    )


def _about(row: RowMapping) -> dict[str, Any]:
    return {
        "site_id": row["site_id"],
        "host_id": row["host_id"],
        "host_name": row["host_name"],
        "check": row["incident_type"],
        "runbook": row["runbook_id"],
    }
