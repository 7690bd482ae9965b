"""HTTP: the inbox of approvals, one of them, and the two answers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import RowMapping

from wardline.central.approvals import service
from wardline.central.approvals.states import Status, Vote
from wardline.central.database import page
from wardline.central.database.page import Cursor, Limit
from wardline.central.database.session import Session
from wardline.central.identity import access
from wardline.central.identity.access import Approver, Caller, Viewer
from wardline.central.identity.permissions import Permission
from wardline.central.orders import issuer
from wardline.core import canonical
from wardline.core.incidents import catalogue

router = APIRouter(prefix="/api/v1", tags=["approvals"])

SiteParameter = Annotated[str, Path(max_length=64)]
ApprovalParameter = Annotated[str, Path(max_length=64)]
StateFilter = Annotated[Status | None, Query()]
Words = Annotated[str, StringConstraints(max_length=1000, strip_whitespace=True)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=1000, strip_whitespace=True)]


class Consenting(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Words = ""


class Refusing(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason


class MeasuredOut(BaseModel):
    outcome: str
    summary: str
    measured_at: datetime


class ApprovedRunbookOut(BaseModel):
    """`known` is whether Central knows a runbook of this id and digest, so that its title is it."""

    id: str
    version: str
    digest: str
    risk: str
    title: str
    known: bool


class NeedOut(BaseModel):
    """What one rule asks for: so many voices of these roles (null: of any)."""

    rule_id: str
    roles: list[str] | None
    quorum: int
    self_approve: bool


class VoteOut(BaseModel):
    user_id: str
    user_name: str
    roles: list[str]
    vote: Vote
    reason: str
    at: datetime


class ApprovalOut(BaseModel):
    """`diff` is what the run would change, as the appliance tried it out. `may_answer` is about
    the caller, with `why_not` in words. `nth`: how often the incident's repair had been asked for
    by then, from 1."""

    site_id: str
    site_name: str
    id: str
    state: Status
    incident_id: str
    host_id: str
    host_name: str | None
    check: str
    check_title: str
    severity: str
    measured: MeasuredOut
    runbook: ApprovedRunbookOut
    rule_id: str
    rule_revision: int | None
    diff: str
    needs: list[NeedOut]
    votes: list[VoteOut]
    requested_by: str | None
    requested_by_name: str | None
    nth: int
    created_at: datetime
    expires_at: datetime
    closed_at: datetime | None
    order_id: str | None
    order_status: str | None
    may_answer: bool
    why_not: str | None


# What is shown as it is stored.
_PLAIN = (
    *("site_id", "site_name", "id", "incident_id", "host_id", "host_name", "severity"),
    *("rule_id", "rule_revision", "requested_by", "requested_by_name", "nth"),
    *("created_at", "expires_at", "closed_at", "order_id", "order_status"),
)


class ApprovalDetailOut(ApprovalOut):
    """The parts as the appliance told them: the facts measured, the steps tried, the inputs.

    `inputs_whole` is whether these are the very inputs of the run: what was scrubbed out of them,
    or left out for its length, is bound by their digest and not shown.
    """

    facts: dict[str, Any]
    actions: list[dict[str, Any]]
    inputs: dict[str, Any]
    inputs_whole: bool


class ApprovalsOut(BaseModel):
    items: list[ApprovalOut]
    next_cursor: str | None


@router.get("/approvals")
async def list_approvals(
    session: Viewer,
    request: Request,
    state: StateFilter = None,
    limit: Limit = page.ITEMS_DEFAULT,
    cursor: Cursor = None,
) -> ApprovalsOut:
    """The partner's approvals, newest first."""
    rows, votes = await service.page(session, state, page.decode_newest(cursor), limit)
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = page.encode(last["created_at"].isoformat(), last["id"])
    caller = access.caller_of(request)
    items = [_approval(row, votes[row["id"]], caller, session.now) for row in rows[:limit]]
    return ApprovalsOut(items=items, next_cursor=following)


@router.get("/sites/{site_id}/approvals/{approval_id}")
async def get_approval(
    site_id: SiteParameter, approval_id: ApprovalParameter, session: Viewer, request: Request
) -> ApprovalDetailOut:
    """All that an approver needs to know."""
    return await _detail(session, request, site_id, approval_id)


@router.post("/sites/{site_id}/approvals/{approval_id}/approve")
async def approve(
    site_id: SiteParameter,
    approval_id: ApprovalParameter,
    body: Consenting,
    session: Approver,
    request: Request,
) -> ApprovalDetailOut:
    """One voice for it; the last that is needed sends the order."""
    await service.approve(session, issuer.of(request), site_id, approval_id, body.reason)
    return await _detail(session, request, site_id, approval_id)


@router.post("/sites/{site_id}/approvals/{approval_id}/reject")
async def reject(
    site_id: SiteParameter,
    approval_id: ApprovalParameter,
    body: Refusing,
    session: Approver,
    request: Request,
) -> ApprovalDetailOut:
    """One voice against it, which ends it."""
    await service.reject(session, issuer.of(request), site_id, approval_id, body.reason)
    return await _detail(session, request, site_id, approval_id)


async def _detail(
    session: Session, request: Request, site_id: str, approval_id: str
) -> ApprovalDetailOut:
    row, votes = await service.one(session, site_id, approval_id)
    return ApprovalDetailOut(
        **_approval(row, votes, access.caller_of(request), session.now).model_dump(),
        facts=row["measured"]["facts"],
        actions=row["actions"],
        inputs=row["inputs"],
        inputs_whole=canonical.digest(row["inputs"]) == row["inputs_digest"],
    )


def _approval(
    row: RowMapping, votes: Sequence[RowMapping], caller: Caller, now: datetime
) -> ApprovalOut:
    why_not = _why_not(row, votes, caller, now)
    check = catalogue.checks().get(row["incident_type"])
    return ApprovalOut(
        **{name: row[name] for name in _PLAIN},
        state=row["status"],
        check=row["incident_type"],
        check_title=row["incident_type"] if check is None else check.title,
        measured=MeasuredOut(**{name: row["measured"][name] for name in MeasuredOut.model_fields}),
        runbook=_runbook(row),
        diff="\n".join(action["diff"] for action in row["actions"] if action["diff"]),
        needs=[
            NeedOut(**{name: need[name] for name in NeedOut.model_fields}) for need in row["needs"]
        ],
        votes=[VoteOut(**{name: vote[name] for name in VoteOut.model_fields}) for vote in votes],
        may_answer=why_not is None,
        why_not=why_not,
    )


def _why_not(
    row: RowMapping, votes: Sequence[RowMapping], caller: Caller, now: datetime
) -> str | None:
    if Permission.APPROVALS not in caller.permissions:
        return f"the role {caller.role.value} does not answer approvals"
    return service.refusal(row, issuer.person(caller), [vote["user_id"] for vote in votes], now)


def _runbook(row: RowMapping) -> ApprovedRunbookOut:
    entry = catalogue.runbooks().get(row["runbook_id"])
    known = entry is not None and entry.digest == row["runbook_digest"]
    return ApprovedRunbookOut(
        id=row["runbook_id"],
        version=row["runbook_version"],
        digest=row["runbook_digest"],
        risk=row["risk"],
        title=entry.title if entry is not None and known else row["runbook_id"],
        known=known,
    )
