"""The SQL of approvals: what is asked, who has said what, and the pages that show it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping, text

from wardline.central.approvals.states import Status, Vote
from wardline.central.database import arrays
from wardline.central.database.session import Session
from wardline.central.orders.wanted import Wanted
from wardline.core.orders import Person

_BINDING = (
    "id, incident_id, status, runbook_id, runbook_digest, inputs_digest, rule_id, rule_revision,"
    " params_digest"
)
_PENDING = text(
    f"SELECT {_BINDING} FROM approvals"  # noqa: S608
    " WHERE site_id = :site_id AND incident_id = ANY(CAST(:incidents AS text[]))"
    " AND status = 'pending'"
)
# In the path of every batch of evidence: the driver's own statement.
_WAITING = (
    "SELECT incident_id FROM approvals WHERE site_id = $1 AND status = 'pending'"
    " AND incident_id = ANY($2::text::text[])"
)
_LATEST = text(
    f"SELECT {_BINDING}, requested_by FROM approvals"  # noqa: S608
    " WHERE site_id = :site_id AND incident_id = :incident_id"
    " ORDER BY created_at DESC, id DESC LIMIT 1"
)
# Nobody answered the newest in time, or its appliance did not fetch in time what was approved.
_LAPSED = text(
    "SELECT i.id FROM unnest(CAST(:incidents AS text[])) AS i(id)"
    " CROSS JOIN LATERAL (SELECT a.id, a.status, a.created_at FROM approvals a"
    "   WHERE a.site_id = :site_id AND a.incident_id = i.id"
    "   ORDER BY a.created_at DESC, a.id DESC LIMIT 1) last"
    " WHERE last.created_at <= :asked_until AND (last.status = 'expired'"
    "   OR (last.status = 'approved' AND 'expired' = (SELECT o.status FROM orders o"
    "     WHERE o.site_id = :site_id AND o.approval_id = last.id"
    "     ORDER BY o.created_at DESC LIMIT 1)))"
    " AND :asked_max > (SELECT count(*) FROM approvals a"
    "   WHERE a.site_id = :site_id AND a.incident_id = i.id)"
)
_COUNT_PENDING = text(
    "SELECT count(*) AS pending FROM approvals WHERE site_id = :site_id AND status = 'pending'"
)
_ADD = text(
    "INSERT INTO approvals (id, site_id, partner_id, appliance_id, host_id, incident_id,"
    " incident_type, severity, runbook_id, runbook_version, runbook_digest, risk, inputs,"
    " inputs_digest, rule_id, rule_revision, params_digest, needs, measured, actions,"
    " requested_by, created_at, expires_at) VALUES (:id, :site_id, :partner_id, :appliance_id,"
    " :host_id, :incident_id, :incident_type, :severity, :runbook_id, :runbook_version,"
    " :runbook_digest, :risk, CAST(:inputs AS jsonb), :inputs_digest, :rule_id, :rule_revision,"
    " :params_digest, CAST(:needs AS jsonb), CAST(:measured AS jsonb), CAST(:actions AS jsonb),"
    " :requested_by, :created_at, :expires_at) ON CONFLICT DO NOTHING"
)
_LOCK = text("SELECT * FROM approvals WHERE site_id = :site_id AND id = :id FOR UPDATE")
_CLOSE = text(
    "UPDATE approvals SET status = :status, closed_at = :now"
    " WHERE site_id = :site_id AND id = :id AND status = 'pending'"
)
_VOTE = text(
    "INSERT INTO approval_votes (site_id, partner_id, approval_id, user_id, user_name, roles, vote,"
    " reason, at) VALUES (:site_id, :partner_id, :approval_id, :user_id, :user_name,"
    " CAST(:roles AS jsonb), :vote, :reason, :at) ON CONFLICT DO NOTHING"
)
_VOTES = text(
    "SELECT approval_id, user_id, user_name, roles, vote, reason, at FROM approval_votes"
    " WHERE partner_id = :partner_id AND site_id = ANY(CAST(:sites AS text[]))"
    " AND approval_id = ANY(CAST(:approvals AS text[])) ORDER BY at, user_id"
)
# Whose account has ended since has no say.
_VOICES = text(
    "SELECT v.user_id, v.user_name, v.roles FROM approval_votes v"
    " JOIN users u ON u.partner_id = v.partner_id AND u.id = v.user_id"
    " WHERE v.site_id = :site_id AND v.approval_id = :id AND v.vote = 'approve'"
    " AND u.disabled_at IS NULL ORDER BY v.at, v.user_id"
)
_ROW = (
    "SELECT a.id, a.site_id, s.name AS site_name, a.appliance_id, a.host_id, h.name AS host_name,"
    " a.incident_id, a.incident_type, a.severity, a.runbook_id, a.runbook_version,"
    " a.runbook_digest, a.risk, a.inputs, a.inputs_digest, a.rule_id, a.rule_revision, a.needs,"
    " a.measured,"
    " a.actions, a.requested_by, u.name AS requested_by_name, a.status, a.created_at,"
    " a.expires_at, a.closed_at, o.id AS order_id, o.status AS order_status,"
    " (SELECT count(*) FROM approvals n WHERE n.site_id = a.site_id"
    "   AND n.incident_id = a.incident_id AND (n.created_at, n.id) <= (a.created_at, a.id)) AS nth"
    " FROM approvals a JOIN sites s ON s.id = a.site_id"
    " LEFT JOIN hosts h ON h.site_id = a.site_id AND h.id = a.host_id"
    " LEFT JOIN users u ON u.id = a.requested_by"
    " LEFT JOIN LATERAL (SELECT id, status FROM orders"
    "   WHERE site_id = a.site_id AND approval_id = a.id"
    "   ORDER BY created_at DESC LIMIT 1) o ON true"
)
_PAGE = text(
    f"{_ROW} WHERE a.partner_id = :partner_id"
    " AND (CAST(:status AS text) IS NULL OR a.status = :status)"
    " AND (CAST(:after_id AS text) IS NULL"
    "   OR (a.created_at, a.id) < (CAST(:after_at AS timestamptz), :after_id))"
    " ORDER BY a.created_at DESC, a.id DESC LIMIT :limit"
)
_ONE = text(f"{_ROW} WHERE a.site_id = :site_id AND a.id = :id")


@dataclass(frozen=True, slots=True)
class NewApproval:
    """What is asked, and until when it may be answered."""

    id: str
    wanted: Wanted
    needs: Sequence[Mapping[str, Any]]
    requested_by: str | None
    created_at: datetime
    expires_at: datetime


class Repository:
    """The approvals inside one transaction."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    async def pending(self, site_id: str, incidents: Sequence[str]) -> list[RowMapping]:
        """The open approvals of these incidents with what each is bound to."""
        return await self._session.rows(_PENDING, site_id=site_id, incidents=list(incidents))

    async def waiting(self, site_id: str, incidents: Sequence[str]) -> list[str]:
        """Which of these incidents have an open approval."""
        rows = await self._session.raw.fetch(_WAITING, site_id, arrays.words(incidents))
        return [row["incident_id"] for row in rows]

    async def latest(self, site_id: str, incident_id: str) -> RowMapping | None:
        """The newest approval of an incident, however it ended, with what it was bound to."""
        return await self._session.row(_LATEST, site_id=site_id, incident_id=incident_id)

    async def lapsed(
        self, site_id: str, incidents: Sequence[str], asked_until: datetime, asked_max: int
    ) -> list[str]:
        """Which of these incidents were last asked for by then, in vain, and fewer times."""
        rows = await self._session.rows(
            _LAPSED,
            site_id=site_id,
            incidents=list(incidents),
            asked_until=asked_until,
            asked_max=asked_max,
        )
        return [row["id"] for row in rows]

    async def count_pending(self, site_id: str) -> int:
        row = await self._session.row(_COUNT_PENDING, site_id=site_id)
        assert row is not None, "a count has a row"
        return int(row["pending"])

    async def add(self, new: NewApproval) -> bool:
        """False where somebody opened one for the incident a moment ago."""
        wanted = new.wanted
        touched = await self._session.execute(
            _ADD,
            id=new.id,
            site_id=wanted.of.site_id,
            partner_id=self._session.scope.owner,
            appliance_id=wanted.of.appliance_id,
            host_id=wanted.of.host_id,
            incident_id=wanted.of.incident_id,
            incident_type=wanted.of.check,
            severity=wanted.of.severity,
            runbook_id=wanted.run.runbook_id,
            runbook_version=wanted.runbook_version,
            runbook_digest=wanted.run.runbook_digest,
            risk=wanted.risk,
            inputs=dict(wanted.inputs),
            inputs_digest=wanted.run.inputs_digest,
            rule_id=wanted.run.rule_id,
            rule_revision=wanted.run.rule_revision,
            params_digest=wanted.run.params_digest,
            needs=list(new.needs),
            measured=dict(wanted.of.measured),
            actions=list(wanted.of.actions),
            requested_by=new.requested_by,
            created_at=new.created_at,
            expires_at=new.expires_at,
        )
        return touched == 1

    async def lock(self, site_id: str, approval_id: str) -> RowMapping | None:
        """The approval, held until the transaction ends: approvers take turns."""
        return await self._session.row(_LOCK, site_id=site_id, id=approval_id)

    async def close(self, site_id: str, approval_id: str, status: Status) -> bool:
        """False where it was closed a moment ago."""
        touched = await self._session.execute(
            _CLOSE,
            site_id=site_id,
            id=approval_id,
            status=status.value,
            now=self._session.now,
        )
        return touched == 1

    async def vote(
        self, site_id: str, approval_id: str, person: Person, vote: Vote, reason: str
    ) -> bool:
        """False where this person has voted."""
        touched = await self._session.execute(
            _VOTE,
            site_id=site_id,
            partner_id=self._session.scope.owner,
            approval_id=approval_id,
            user_id=person.user_id,
            user_name=person.name,
            roles=list(person.roles),
            vote=vote.value,
            reason=reason,
            at=self._session.now,
        )
        return touched == 1

    async def votes(self, sites: Sequence[str], approvals: Sequence[str]) -> list[RowMapping]:
        """The votes on these approvals, in the order in which they were given."""
        return await self._session.rows(
            _VOTES,
            partner_id=self._session.scope.owner,
            sites=list(sites),
            approvals=list(approvals),
        )

    async def voices(self, site_id: str, approval_id: str) -> list[Person]:
        """Who consents, in the order in which they said so, with the roles that they had then."""
        rows = await self._session.rows(_VOICES, site_id=site_id, id=approval_id)
        return [Person(one["user_id"], one["user_name"], tuple(one["roles"])) for one in rows]

    async def page(
        self, status: str | None, after: tuple[datetime, str] | None, limit: int
    ) -> list[RowMapping]:
        """The partner's approvals, newest first, after a (created_at, id)."""
        after_at, after_id = after or (None, None)
        return await self._session.rows(
            _PAGE,
            partner_id=self._session.scope.owner,
            status=status,
            after_at=after_at,
            after_id=after_id,
            limit=limit,
        )

    async def one(self, site_id: str, approval_id: str) -> RowMapping | None:
        return await self._session.row(_ONE, site_id=site_id, id=approval_id)
