"""SQL over users, sessions, partners and the installation row."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import asyncpg
from sqlalchemy import RowMapping, text

from wardline.central.database.engine import Raw
from wardline.central.database.session import Session
from wardline.central.identity.permissions import Role
from wardline.core import ids
from wardline.core.ids import PartnerId, UserId

PEOPLE_MAX = 10_000

# One statement counts the attempt and refuses it while paused, so that a hundred at once count as
# a hundred. From the `free`th failure on the pause doubles: 30 s, 60 s, … up to the longest.
_COUNT_ATTEMPT = text(
    "INSERT INTO sign_in_sources AS old (partner_id, user_id, kind, source, failures, last_at)"
    " VALUES (:partner_id, :user_id, :kind, :source, 1, :now)"
    " ON CONFLICT (partner_id, user_id, kind, source) DO UPDATE SET"
    " failures = CASE WHEN old.last_at < :kept_after THEN 1 ELSE old.failures + 1 END,"
    " paused_until = CASE WHEN old.last_at >= :kept_after AND old.failures + 1 >= :free"
    "  THEN :now + LEAST(:first_s * power(2, LEAST(old.failures + 1 - :free, 20)), :longest_s)"
    "   * interval '1 second' ELSE NULL END,"
    " last_at = :now"
    " WHERE old.paused_until IS NULL OR old.paused_until <= :now"
)
_KNOWS_SOURCE = text(
    "SELECT true FROM sign_in_sources WHERE user_id = :user_id AND kind = :kind"
    " AND source = :source"
)
_ADD_SOURCE = text(
    "INSERT INTO sign_in_sources (partner_id, user_id, kind, source, last_at)"
    " VALUES (:partner_id, :user_id, :kind, :source, :now)"
)
_UNCOUNT_ATTEMPT = text(
    "UPDATE sign_in_sources SET failures = GREATEST(failures - 1, 0)"
    " WHERE user_id = :user_id AND kind = :kind AND source = :source"
)
_CLEAR_ATTEMPTS = text(
    "UPDATE sign_in_sources SET failures = 0, paused_until = NULL, last_at = :now"
    " WHERE user_id = :user_id AND kind = :kind AND source = :source"
)
_FORGET_SOURCES = text(
    "DELETE FROM sign_in_sources WHERE user_id = :user_id AND ("
    " (kind <> 'device' AND last_at < :kept_after)"
    " OR (kind = 'device' AND source NOT IN (SELECT source FROM sign_in_sources"
    "  WHERE user_id = :user_id AND kind = 'device' ORDER BY last_at DESC LIMIT :devices_max)))"
)
_SET_PASSWORD = text(
    "UPDATE users SET password_hash = :hash, must_change_password = false WHERE id = :id"
)
_ACTIVE = text(
    "SELECT id, role, name, email FROM users WHERE disabled_at IS NULL"
    " ORDER BY id LIMIT :people_max"
)
_PASSWORD = text("SELECT password_hash FROM users WHERE id = :id")
_OPEN = text(
    "INSERT INTO sessions (id, partner_id, user_id, kind, token_hash, created_at, last_seen_at,"
    " expires_at) VALUES (:id, :partner_id, :user_id, 'browser', :token_hash, :now, :now,"
    " :expires_at)"
)
_REVOKE = text("UPDATE sessions SET revoked_at = :now WHERE id = :id AND revoked_at IS NULL")
_REVOKE_OTHERS = text(
    "UPDATE sessions SET revoked_at = :now"
    " WHERE user_id = :user_id AND id <> :kept AND revoked_at IS NULL AND kind = 'browser'"
)
_ME = text(
    "SELECT u.id, u.email, u.name, u.role, u.must_change_password, p.id AS partner_id,"
    " p.name AS partner_name, i.demo FROM users u JOIN partners p ON p.id = u.partner_id"
    " CROSS JOIN installation i WHERE u.id = :id"
)
_SEEN = text("UPDATE sessions SET last_seen_at = :now WHERE id = :id")
_STANDING = text(
    "SELECT s.kind, s.last_seen_at, u.role, u.must_change_password"
    " FROM sessions s JOIN users u ON u.id = s.user_id"
    " WHERE s.id = :id AND s.revoked_at IS NULL AND s.expires_at > :now AND u.disabled_at IS NULL"
)
_ADD_TICKET = text(
    "INSERT INTO socket_tickets (partner_id, user_id, session_id, token_hash, expires_at)"
    " VALUES (:partner_id, :user_id, :session_id, :token_hash, :expires_at)"
)
_FORGET_TICKETS = text(
    "DELETE FROM socket_tickets WHERE user_id = :user_id AND (expires_at <= :now OR token_hash"
    " NOT IN (SELECT token_hash FROM socket_tickets WHERE user_id = :user_id"
    "  ORDER BY expires_at DESC LIMIT :tickets_max))"
)

# First start, as the schema's owner.
_CLAIM = "INSERT INTO installation (id, demo) VALUES ($1, $2) ON CONFLICT (only_row) DO NOTHING"
_INSTALLATION = "SELECT id, demo FROM installation"
_FIRST_OWNER = (
    "SELECT id, partner_id, email, must_change_password FROM users WHERE role = 'owner'"
    " ORDER BY created_at, id LIMIT 1"
)
_REPLACE_LOGIN = "UPDATE users SET password_hash = $2, must_change_password = $3 WHERE id = $1"
_FORGET_ALL_SOURCES = "DELETE FROM sign_in_sources WHERE user_id = $1"
_END_SESSIONS = (
    "UPDATE sessions SET revoked_at = $2"
    " WHERE user_id = $1 AND kind = 'browser' AND revoked_at IS NULL"
)
_RECORD_RESET = (
    "INSERT INTO audit_log (partner_id, actor_kind, actor_id, action, subject, reason, at)"
    " SELECT partner_id, 'system', 'setup', 'password.reset', id, $2, $3 FROM users WHERE id = $1"
)
_ADD_PARTNER = "INSERT INTO partners (id, name) VALUES ($1, $2)"
_ADD_USER = (
    "INSERT INTO users (id, partner_id, email, name, role, password_hash, must_change_password)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (lower(email)) DO NOTHING"
)
_END_LOCAL = (
    "UPDATE sessions SET revoked_at = $2"
    " WHERE partner_id = $1 AND kind = 'local' AND revoked_at IS NULL"
)
_ADD_LOCAL = (
    "INSERT INTO sessions (id, partner_id, user_id, kind, token_hash, expires_at)"
    " SELECT $1, partner_id, id, 'local', $3, $4 FROM users WHERE email = $2"
)


@dataclass(frozen=True, slots=True)
class NewUser:
    """A user to be; `password_hash` is argon2's, or what no password has."""

    id: UserId
    partner_id: PartnerId
    email: str
    name: str
    role: Role
    password_hash: str = field(repr=False)


async def count_attempt(
    session: Session,
    user_id: str,
    kind: str,
    source: bytes,
    *,
    free: int,
    first_s: int,
    longest_s: int,
    kept_s: int,
) -> bool:
    """Counts an attempt before it is judged; False, and nothing counted, while paused."""
    touched = await session.execute(
        _COUNT_ATTEMPT,
        partner_id=session.scope.owner,
        user_id=user_id,
        kind=kind,
        source=source,
        now=session.now,
        kept_after=session.now - timedelta(seconds=kept_s),
        free=free,
        first_s=first_s,
        longest_s=longest_s,
    )
    return touched == 1


async def knows_source(session: Session, user_id: str, kind: str, source: bytes) -> bool:
    row = await session.row(_KNOWS_SOURCE, user_id=user_id, kind=kind, source=source)
    return row is not None


async def add_source(session: Session, user_id: str, kind: str, source: bytes) -> None:
    await session.execute(
        _ADD_SOURCE,
        partner_id=session.scope.owner,
        user_id=user_id,
        kind=kind,
        source=source,
        now=session.now,
    )


async def uncount_attempt(session: Session, user_id: str, kind: str, source: bytes) -> None:
    await session.execute(_UNCOUNT_ATTEMPT, user_id=user_id, kind=kind, source=source)


async def clear_attempts(session: Session, user_id: str, kind: str, source: bytes) -> None:
    await session.execute(
        _CLEAR_ATTEMPTS, user_id=user_id, kind=kind, source=source, now=session.now
    )


async def forget_sources(session: Session, user_id: str, *, kept_s: int, devices_max: int) -> None:
    """Old failures, and the devices beyond the newest `devices_max`."""
    await session.execute(
        _FORGET_SOURCES,
        user_id=user_id,
        kept_after=session.now - timedelta(seconds=kept_s),
        devices_max=devices_max,
    )


async def password_hash(session: Session, user_id: str) -> str:
    row = await session.row(_PASSWORD, id=user_id)
    assert row is not None
    return str(row["password_hash"])


async def set_password(session: Session, user_id: str, hashed: str) -> None:
    await session.execute(_SET_PASSWORD, id=user_id, hash=hashed)


async def open_login(
    session: Session, session_id: str, user_id: str, token_hash: bytes, expires_at: datetime
) -> None:
    await session.execute(
        _OPEN,
        id=session_id,
        partner_id=session.scope.owner,
        user_id=user_id,
        token_hash=token_hash,
        now=session.now,
        expires_at=expires_at,
    )


async def revoke(session: Session, session_id: str) -> None:
    await session.execute(_REVOKE, id=session_id, now=session.now)


async def revoke_others(session: Session, user_id: str, kept: str) -> int:
    return await session.execute(_REVOKE_OTHERS, user_id=user_id, kept=kept, now=session.now)


async def mark_seen(session: Session, session_id: str) -> None:
    await session.execute(_SEEN, now=session.now, id=session_id)


async def standing(session: Session, session_id: str) -> RowMapping | None:
    """What a session that is still open allows; None where it or its user has ended."""
    return await session.row(_STANDING, id=session_id, now=session.now)


async def add_ticket(
    session: Session,
    user_id: str,
    session_id: str,
    token_hash: bytes,
    expires_at: datetime,
    *,
    tickets_max: int,
) -> None:
    """One more ticket of a session's; the user's oldest beyond `tickets_max` others go."""
    await session.execute(
        _FORGET_TICKETS, user_id=user_id, now=session.now, tickets_max=tickets_max
    )
    await session.execute(
        _ADD_TICKET,
        partner_id=session.scope.owner,
        user_id=user_id,
        session_id=session_id,
        token_hash=token_hash,
        expires_at=expires_at,
    )


async def active(session: Session) -> list[RowMapping]:
    """The people of the scope who may sign in."""
    return await session.rows(_ACTIVE, people_max=PEOPLE_MAX)


async def me(session: Session, user_id: str) -> RowMapping:
    row = await session.row(_ME, id=user_id)
    assert row is not None
    return row


async def claim(raw: Raw, installation_id: str, *, demo: bool) -> tuple[str, bool]:
    """Writes the installation's row where there is none; gives the id and kind that it has."""
    await raw.execute(_CLAIM, installation_id, demo)
    row = await raw.fetchrow(_INSTALLATION)
    assert row is not None
    return row["id"], row["demo"]


async def first_owner(raw: Raw) -> asyncpg.Record | None:
    return await raw.fetchrow(_FIRST_OWNER)


async def replace_password(raw: Raw, user_id: str, hashed: str, *, must_change: bool) -> None:
    """Takes away every pause too."""
    await raw.execute(_REPLACE_LOGIN, user_id, hashed, must_change)
    await raw.execute(_FORGET_ALL_SOURCES, user_id)


async def record_reset(raw: Raw, user_id: str, reason: str, now: datetime) -> None:
    """Ends the user's sessions and says so in the audit log."""
    await raw.execute(_END_SESSIONS, user_id, now)
    await raw.execute(_RECORD_RESET, user_id, reason, now)


async def add_partner(raw: Raw, partner_id: str, name: str) -> None:
    await raw.execute(_ADD_PARTNER, partner_id, name)


async def add_user(raw: Raw, user: NewUser, *, must_change_password: bool) -> None:
    """Does nothing where the address is taken."""
    await raw.execute(
        _ADD_USER,
        *(user.id, user.partner_id, user.email, user.name, user.role.value, user.password_hash),
        must_change_password,
    )


async def replace_local_session(
    raw: Raw, partner_id: str, email: str, digest: bytes, now: datetime, expires_at: datetime
) -> None:
    """The one session of the user `email` on this machine; the partner's others of its kind end."""
    await raw.execute(_END_LOCAL, partner_id, now)
    await raw.execute(_ADD_LOCAL, ids.new("sess"), email, digest, expires_at)
