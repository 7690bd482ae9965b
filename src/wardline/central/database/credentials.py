"""Looking a credential up before there is a scope: one SECURITY DEFINER function per question."""

import asyncpg
from sqlalchemy.ext.asyncio import AsyncEngine

from wardline.central.database import session

_USER = "SELECT id, partner_id, password_hash, disabled_at FROM credential_user($1)"
_SESSION = (
    "SELECT session_id, kind, user_id, partner_id, role, email, name, must_change_password,"
    " last_seen_at FROM credential_session($1)"
)
_TICKET = _SESSION.replace("credential_session", "credential_ticket")
_APPLIANCE = "SELECT appliance_id, site_id, partner_id, epoch FROM credential_appliance($1)"
_ENROLMENT = (
    "SELECT id, site_id, partner_id, secret_hash, expires_at, used_at FROM credential_enrolment($1)"
)


async def user(engine: AsyncEngine, email: str) -> asyncpg.Record | None:
    """Who signs in under this address, whatever its case."""
    return await _one(engine, _USER, email)


async def open_session(engine: AsyncEngine, digest: bytes) -> asyncpg.Record | None:
    """The session of this secret, unless it ended."""
    return await _one(engine, _SESSION, digest)


async def ticket(engine: AsyncEngine, digest: bytes) -> asyncpg.Record | None:
    """Spends a socket's ticket; the session that it was made in, unless either has ended."""
    return await _one(engine, _TICKET, digest)


async def appliance(engine: AsyncEngine, digest: bytes) -> asyncpg.Record | None:
    """The appliance of this credential, unless it was retired."""
    return await _one(engine, _APPLIANCE, digest)


async def enrolment(engine: AsyncEngine, token_id: str) -> asyncpg.Record | None:
    """An enrolment token, whatever its state."""
    return await _one(engine, _ENROLMENT, token_id)


async def _one(engine: AsyncEngine, sql: str, given: object) -> asyncpg.Record | None:
    async with session.credentials(engine) as raw:
        return await raw.fetchrow(sql, given)
