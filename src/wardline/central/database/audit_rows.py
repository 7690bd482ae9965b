"""A row of the audit log as the record that its leaf is made of, and readings as rows of it."""

from datetime import timedelta

from sqlalchemy import RowMapping, text

from wardline.central.database.session import Session
from wardline.core import clock
from wardline.core.audit.record import Record

# Who looks at a page that shows itself anew every few seconds has read it once.
SAME_READING_SECONDS = 15 * 60

_READ_BEFORE = text(
    "SELECT 1 FROM audit_log WHERE partner_id = :partner_id AND actor_id = :actor_id"
    " AND at > :since AND action = :action AND subject = :subject LIMIT 1"
)


async def record_reading(session: Session, action: str, subject: str, site_id: str) -> None:
    """Records that the actor read `subject`, once in SAME_READING_SECONDS."""
    before = await session.row(
        _READ_BEFORE,
        partner_id=session.scope.owner,
        actor_id=session.actor.id,
        since=session.now - timedelta(seconds=SAME_READING_SECONDS),
        action=action,
        subject=subject,
    )
    if before is None:
        await session.record(action, subject, site_id=site_id)


def record_of(partner_id: str, seq: int, row: RowMapping) -> Record:
    """The record of a row with the columns of audit_log, `address` as text."""
    return Record(
        partner=partner_id,
        seq=seq,
        at_ms=max(0, clock.milliseconds(row["at"])),
        actor_kind=row["actor_kind"],
        actor=row["actor_id"],
        address=row["address"],
        site=row["site_id"],
        action=row["action"],
        subject=row["subject"],
        before=row["before"],
        after=row["after"],
        reason=row["reason"],
    )
