"""Approvals: opened when an appliance asks, answered by people, spent as a signed order."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import RowMapping

from wardline.central.approvals import needs
from wardline.central.approvals.needs import Need
from wardline.central.approvals.repository import Repository
from wardline.central.approvals.states import Status, Vote
from wardline.central.database.session import Session
from wardline.central.identity.access import NotAllowed
from wardline.central.orders import service as orders
from wardline.central.orders.issuer import Issuer
from wardline.central.orders.service import Target
from wardline.central.orders.wanted import Run
from wardline.central.tenancy import service as tenancy
from wardline.core import clock
from wardline.core.errors import Conflict, NotFound
from wardline.core.orders import PEOPLE_MAX, Consent, Person

CHANGED = "approval"


class ApprovalClosed(Conflict):
    """The approval was answered, superseded or left to expire: nobody can answer it any more."""

    code = "approval_closed"


class ApprovalExpired(ApprovalClosed):
    """The approval was not answered in time; ask for it again from the incident's page."""

    code = "approval_expired"


class AlreadyVoted(Conflict):
    """One voice per person: this one has been given."""

    code = "already_voted"


async def approve(
    session: Session, issuer: Issuer, site_id: str, approval_id: str, reason: str
) -> str | None:
    """Adds a person's consent; the last voice that is needed signs the order: its identifier.

    Raises NotFound, ApprovalClosed, ApprovalExpired, AlreadyVoted, NotAllowed, and what
    `orders.issue` raises; then nothing has changed.
    """
    row = await _vote(session, issuer.person, site_id, approval_id, Vote.APPROVE, reason)
    asked = _needs(row)
    voices = await Repository(session).voices(site_id, approval_id)
    missing = needs.unmet(asked, voices, row["requested_by"])
    await session.record(
        "approval.approve",
        approval_id,
        after={"voices": len(voices), "missing": len(missing)},
        reason=reason,
        site_id=site_id,
    )
    if missing:
        await _announce(session, site_id, approval_id, Status.PENDING)
        return None
    await Repository(session).close(site_id, approval_id, Status.APPROVED)
    await _announce(session, site_id, approval_id, Status.APPROVED)
    target = Target(site_id, row["appliance_id"], row["host_id"])
    consent = _consent(session, row, asked, voices, issuer.lifetime)
    body = bound(row).order(row["incident_id"], row["incident_type"], consent)
    return await orders.issue(session, issuer, target, body, reason)


async def reject(
    session: Session, issuer: Issuer, site_id: str, approval_id: str, reason: str
) -> None:
    """One person's no ends it; raises as `approve` does."""
    await _vote(session, issuer.person, site_id, approval_id, Vote.REJECT, reason)
    await Repository(session).close(site_id, approval_id, Status.REJECTED)
    await session.record("approval.reject", approval_id, reason=reason, site_id=site_id)
    await _announce(session, site_id, approval_id, Status.REJECTED)


async def page(
    session: Session, status: Status | None, after: tuple[datetime, str] | None, limit: int
) -> tuple[list[RowMapping], dict[str, list[RowMapping]]]:
    """Approvals, newest first, one more than `limit` when there are more; and the votes on each."""
    named = None if status is None else status.value
    rows = await Repository(session).page(named, after, limit + 1)
    return rows, await _votes(session, rows)


async def one(
    session: Session, site_id: str, approval_id: str
) -> tuple[RowMapping, list[RowMapping]]:
    """An approval and the votes on it; raises NotFound."""
    await tenancy.get(session, site_id)
    row = await Repository(session).one(site_id, approval_id)
    if row is None:
        raise _unknown()
    return row, (await _votes(session, [row]))[approval_id]


def refusal(row: RowMapping, person: Person, voted: Sequence[str], now: datetime) -> str | None:
    """Why this person cannot answer the approval, None where they can; `voted` are user ids."""
    if row["status"] != Status.PENDING:
        return f"it is {row['status']}"
    if row["expires_at"] <= now:
        return f"it expired at {clock.wire(row['expires_at'])}"
    if person.user_id in voted:
        return "you have answered it"
    asked = _needs(row)
    if not any(need.admits(person, row["requested_by"]) for need in asked):
        return _who_may(asked, row["requested_by"] == person.user_id)
    return None


def bound(row: RowMapping) -> Run:
    """Exactly the run that an approval is about."""
    return Run(
        runbook_id=row["runbook_id"],
        runbook_digest=row["runbook_digest"],
        inputs_digest=row["inputs_digest"],
        rule_id=row["rule_id"],
        rule_revision=row["rule_revision"],
        params_digest=row["params_digest"],
    )


async def _vote(
    session: Session, person: Person, site_id: str, approval_id: str, vote: Vote, reason: str
) -> RowMapping:
    """The approval, locked, with this person's voice added to it."""
    await tenancy.get(session, site_id)
    repository = Repository(session)
    row = await repository.lock(site_id, approval_id)
    if row is None:
        raise _unknown()
    if row["status"] == Status.EXPIRED or (
        row["status"] == Status.PENDING and row["expires_at"] <= session.now
    ):
        raise ApprovalExpired(
            f"it expired at {clock.wire(row['expires_at'])}: ask for it again on the incident"
        )
    if row["status"] != Status.PENDING:
        raise ApprovalClosed(f"it is {row['status']}: nobody can answer it any more")
    why = refusal(row, person, (), session.now)
    if why is not None:
        raise NotAllowed(why)
    if not await repository.vote(site_id, approval_id, person, vote, reason):
        raise AlreadyVoted("you have answered it; another person's voice is needed")
    return row


def _consent(
    session: Session,
    row: RowMapping,
    asked: Sequence[Need],
    voices: Sequence[Person],
    lifetime: timedelta,
) -> Consent:
    """As far as the shortest of the rules lets it last, and no longer than its order."""
    granted_at = clock.from_milliseconds(clock.milliseconds(session.now))
    lasts = [timedelta(minutes=need.expires_minutes) for need in asked if need.expires_minutes]
    counted = [
        one for one in voices if any(need.admits(one, row["requested_by"]) for need in asked)
    ]
    return Consent(
        approval_id=row["id"],
        approvers=tuple(counted[-PEOPLE_MAX:]),
        granted_at=granted_at,
        expires_at=granted_at + min([*lasts, lifetime]),
    )


def _needs(row: RowMapping) -> tuple[Need, ...]:
    return tuple(needs.from_json(one) for one in row["needs"])


def _who_may(asked: Sequence[Need], own: bool) -> str:
    if own:
        return "you asked for it, and its rule wants another person's consent"
    roles = sorted({role for need in asked for role in need.roles or ()})
    return f"its rule takes the consent of {' or '.join(roles)}"


async def _votes(session: Session, rows: Sequence[RowMapping]) -> dict[str, list[RowMapping]]:
    by_approval: dict[str, list[RowMapping]] = {row["id"]: [] for row in rows}
    sites = sorted({row["site_id"] for row in rows})
    for vote in await Repository(session).votes(sites, list(by_approval)):
        by_approval[vote["approval_id"]].append(vote)
    return by_approval


async def _announce(session: Session, site_id: str, approval_id: str, status: Status) -> None:
    await session.announce(CHANGED, approval_id, {"status": status.value}, site_id=site_id)


def _unknown() -> NotFound:
    return NotFound("no such approval on this site")
