"""The SQL of promotions and their ledger; the partner is named, for jobs have none of their own."""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import RowMapping, text

from wardline.central.database.session import Session

CHANGED = "promotion"

_ADD = text(
    "INSERT INTO promotions (partner_id, id, incident_type, pattern_signature, runbook_id,"
    " runbook_version, runbook_digest, stage, created_at, changed_at)"
    " VALUES (:partner_id, :id, :check, :pattern, :runbook_id, :runbook_version, :runbook_digest,"
    " 'candidate', :now, :now) ON CONFLICT DO NOTHING"
)
_LOCK_PARTNER = text("SELECT id FROM partners WHERE id = :partner_id FOR NO KEY UPDATE")
_LOCK = text("SELECT * FROM promotions WHERE partner_id = :partner_id AND id = :id FOR UPDATE")
_MOVE = text(
    "UPDATE promotions SET stage = :stage, canary_site_id = :canary_site,"
    " approved_at = :approved_at, promoted_at = :promoted_at, ended_at = :ended_at,"
    " changed_at = :now WHERE partner_id = :partner_id AND id = :id"
)
_SET_INPUTS = text(
    "UPDATE promotions SET inputs = CAST(:inputs AS jsonb)"
    " WHERE partner_id = :partner_id AND id = :id AND stage IN ('candidate', 'evaluated')"
)
_ADD_ENTRY = text(
    "INSERT INTO promotion_ledger (partner_id, promotion_id, number, step, at, by_id, by_name,"
    " reason, detail, site_id, appliance_id) VALUES (:partner_id, :id, :number, :step, :at, :by_id,"
    " :by_name, :reason, CAST(:detail AS jsonb), :site_id, :appliance_id)"
)
_ANNOUNCE = text(
    "INSERT INTO change_log (partner_id, kind, subject, payload)"
    " VALUES (:partner_id, :kind, :subject, CAST(:payload AS jsonb))"
)
_ENTRIES = text(
    "SELECT e.*, s.name AS site_name, a.hostname AS appliance_name FROM promotion_ledger e"
    " LEFT JOIN sites s ON s.id = e.site_id LEFT JOIN appliances a ON a.id = e.appliance_id"
    " WHERE e.partner_id = :partner_id AND e.promotion_id = :id ORDER BY e.number"
)
_PLAIN_ENTRIES = text(
    "SELECT number, step, at, by_name, site_id, appliance_id FROM promotion_ledger"
    " WHERE partner_id = :partner_id AND promotion_id = :id ORDER BY number"
)
_LIVE = text(
    "SELECT p.id, p.incident_type, p.pattern_signature, p.runbook_id, p.runbook_digest, p.inputs,"
    " l.number, l.step, l.at, l.by_name, l.site_id, l.appliance_id"
    " FROM promotions p JOIN promotion_ledger l ON l.partner_id = p.partner_id"
    "   AND l.promotion_id = p.id"
    " WHERE p.partner_id = :partner_id AND p.stage IN ('canary', 'promoted')"
    " ORDER BY p.id, l.number"
)
_ROW = (
    "SELECT p.*, s.name AS canary_site_name, m.runs, m.watched, m.stable, m.failed, m.recurred,"
    " m.undone, m.unproved, m.occurrences, m.by_l2, m.good, m.everything, m.lacking, o.decided,"
    " o.lasted,"
    " o.bad, o.pending, last.reason AS last_reason, last.by_name AS last_by_name"
    " FROM promotions p LEFT JOIN sites s ON s.id = p.canary_site_id"
    " LEFT JOIN pattern_runbooks m ON m.partner_id = p.partner_id"
    "   AND m.pattern_signature = p.pattern_signature AND m.incident_type = p.incident_type"
    "   AND m.runbook_id = p.runbook_id AND m.runbook_digest = p.runbook_digest"
    " CROSS JOIN LATERAL (SELECT count(*) FILTER (WHERE r.ended <> 'unproved') AS decided,"
    "   count(*) FILTER (WHERE r.ended = 'stable') AS lasted,"
    "   count(*) FILTER (WHERE r.ended IN ('failed', 'recurred', 'undone')) AS bad,"
    "   count(*) FILTER (WHERE r.ended IS NULL) AS pending FROM pattern_runs r"
    "   WHERE r.partner_id = p.partner_id AND r.promotion_id = p.id) o"
    " CROSS JOIN LATERAL (SELECT l.reason, l.by_name FROM promotion_ledger l"
    "   WHERE l.partner_id = p.partner_id AND l.promotion_id = p.id"
    "   ORDER BY l.number DESC LIMIT 1) last"
)
_PAGE = text(
    f"{_ROW} WHERE p.partner_id = :partner_id AND (:ended_too OR p.ended_at IS NULL)"
    " AND (CAST(:after_id AS text) IS NULL"
    "   OR (p.created_at, p.id) < (CAST(:after_at AS timestamptz), :after_id))"
    " ORDER BY p.created_at DESC, p.id DESC LIMIT :limit"
)
_WAITING = text(
    "SELECT count(*) AS count FROM promotions WHERE partner_id = :partner_id"
    " AND ended_at IS NULL AND stage IN ('candidate', 'evaluated')"
)
_ONE = text(f"{_ROW} WHERE p.partner_id = :partner_id AND p.id = :id")


class NewEntry(NamedTuple):
    """A line of a ledger as it is kept."""

    number: int
    step: str
    at: datetime
    by_id: str
    by_name: str
    reason: str
    detail: dict[str, Any]
    site_id: str | None
    appliance_id: str | None


class Promotions:
    """The promotions inside one transaction."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    async def add(self, partner_id: str, promotion_id: str, subject: dict[str, str]) -> bool:
        """False where another promotion stands for that pattern."""
        given = {**subject, "partner_id": partner_id, "id": promotion_id}
        return await self._session.execute(_ADD, **given, now=self._session.now) == 1

    async def lock_partner(self, partner_id: str) -> None:
        """Until the transaction ends nobody else approves anything there."""
        await self._session.row(_LOCK_PARTNER, partner_id=partner_id)

    async def lock(self, partner_id: str, promotion_id: str) -> RowMapping | None:
        """The promotion, held until the transaction ends."""
        return await self._session.row(_LOCK, partner_id=partner_id, id=promotion_id)

    async def ledger(self, partner_id: str, promotion_id: str) -> list[RowMapping]:
        """Its entries as they are folded, from the first on."""
        return await self._session.rows(_PLAIN_ENTRIES, partner_id=partner_id, id=promotion_id)

    async def grow(
        self, partner_id: str, promotion_id: str, entry: NewEntry, moved: dict[str, Any]
    ) -> None:
        """One entry more, what the promotion has become by it, and the event that says so."""
        where = {"partner_id": partner_id, "id": promotion_id}
        await self._session.execute(_ADD_ENTRY, **where, **entry._asdict())
        await self._session.execute(_MOVE, **where, **moved, now=self._session.now)
        payload = {"stage": moved["stage"]}
        await self._session.execute(
            _ANNOUNCE, partner_id=partner_id, kind=CHANGED, subject=promotion_id, payload=payload
        )

    async def set_inputs(self, partner_id: str, promotion_id: str, inputs: dict[str, Any]) -> None:
        """With which inputs it would run; nothing changes them once it is approved."""
        await self._session.execute(
            _SET_INPUTS, partner_id=partner_id, id=promotion_id, inputs=inputs
        )

    async def live(self, partner_id: str) -> list[RowMapping]:
        """Every entry of every promotion in force, by promotion and number."""
        return await self._session.rows(_LIVE, partner_id=partner_id)

    async def page(
        self, *, ended_too: bool, after: tuple[datetime, str] | None, limit: int
    ) -> list[RowMapping]:
        """The partner's promotions, newest first, after a (created_at, id)."""
        after_at, after_id = after or (None, None)
        return await self._session.rows(
            _PAGE,
            partner_id=self._session.scope.owner,
            ended_too=ended_too,
            after_at=after_at,
            after_id=after_id,
            limit=limit,
        )

    async def waiting(self) -> int:
        """How many nobody has decided about."""
        row = await self._session.row(_WAITING, partner_id=self._session.scope.owner)
        assert row is not None, "a count has a row"
        return int(row["count"])

    async def one(self, promotion_id: str) -> RowMapping | None:
        return await self._session.row(_ONE, partner_id=self._session.scope.owner, id=promotion_id)

    async def entries(self, promotion_id: str) -> list[RowMapping]:
        """The ledger with the names of the places in it."""
        return await self._session.rows(
            _ENTRIES, partner_id=self._session.scope.owner, id=promotion_id
        )
