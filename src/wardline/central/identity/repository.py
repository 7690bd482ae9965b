"""SQL over users, sessions, partners and the installation row."""

from datetime import datetime

from sqlalchemy import RowMapping, text

from wardline.central.database.session import Session

# One statement counts the attempt and refuses it while locked, so that a hundred at once count as
# a hundred. From the fifth failure on the pause doubles: 30 s, 60 s, … up to an hour.
_RESERVE_LOGIN = text(
    "UPDATE users SET failed_logins = failed_logins + 1,"
    " locked_until = CASE WHEN failed_logins + 1 >= :free"
    "  THEN :now + LEAST(:first_s * power(2, LEAST(failed_logins + 1 - :free, 20)), :longest_s)"
    "   * interval '1 second' ELSE NULL END"
    " WHERE id = :id AND disabled_at IS NULL AND (locked_until IS NULL OR locked_until <= :now)"
)
_CLEAR_FAILURES = text("UPDATE users SET failed_logins = 0, locked_until = NULL WHERE id = :id")
_SET_PASSWORD = text(
    "UPDATE users SET password_hash = :hash, must_change_password = false, failed_logins = 0,"
    " locked_until = NULL WHERE id = :id"
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


async def reserve_login(
    session: Session, user_id: str, *, free: int, first_s: int, longest_s: int
) -> bool:
    """Counts an attempt before it is judged; False while the user is locked or disabled."""
    touched = await session.execute(
        _RESERVE_LOGIN,
        id=user_id,
        now=session.now,
        free=free,
        first_s=first_s,
        longest_s=longest_s,
    )
    return touched == 1


async def clear_failures(session: Session, user_id: str) -> None:
    await session.execute(_CLEAR_FAILURES, id=user_id)


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


async def me(session: Session, user_id: str) -> RowMapping:
    row = await session.row(_ME, id=user_id)
    assert row is not None
    return row
