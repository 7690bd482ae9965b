"""First start: the installation, its partner and owner; and each start's local token.

Runs as the schema's owner, before anything serves. The one-time password is returned to be shown
on the terminal and stands nowhere else.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import argon2

from wardline.central.database.engine import Raw
from wardline.central.identity import passwords, tokens
from wardline.central.identity.permissions import Role
from wardline.central.settings import DataUnusable, write_private
from wardline.core import ids
from wardline.core.clock import Now
from wardline.core.ids import PartnerId

LOCAL_TOKEN_DAYS_MAX = 400
# The command line on this machine reads, exports and verifies; it changes nothing.
LOCAL_ROLE = Role.AUDITOR
LOCAL_NAME = "Command line of this machine"


@dataclass(frozen=True, slots=True)
class FirstOwner:
    """Who may sign in first; `one_time_password` is None once it was changed."""

    partner_id: PartnerId
    email: str
    one_time_password: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a first start creates; `password` None makes a one-time password."""

    installation_id: str
    demo: bool
    partner_name: str
    owner_email: str
    owner_name: str
    password: str | None = field(default=None, repr=False)


async def claim(raw: Raw, plan: Plan) -> None:
    """Binds the database to this installation; raises DataUnusable where it is another's."""
    await raw.execute(
        "INSERT INTO installation (id, demo) VALUES ($1, $2) ON CONFLICT (only_row) DO NOTHING",
        plan.installation_id,
        plan.demo,
    )
    row = await raw.fetchrow("SELECT id, demo FROM installation")
    assert row is not None
    if row["id"] != plan.installation_id:
        raise DataUnusable(
            f"the database belongs to the installation {row['id']}, and the keys of this data"
            f" directory are {plan.installation_id}'s; use the directory that fits"
        )
    if row["demo"] != plan.demo:
        made_for = "the demo" if row["demo"] else "real use"
        raise DataUnusable(f"the database was made for {made_for}; start it the way it was made")


async def ensure_owner(raw: Raw, plan: Plan) -> FirstOwner:
    """The partner and its owner, made where there is no partner yet.

    An owner who never changed the one-time password gets a new one: the old one may be lost.
    """
    async with raw.transaction():
        found = await raw.fetchrow(
            "SELECT id, partner_id, email, must_change_password FROM users WHERE role = 'owner'"
            " ORDER BY created_at, id LIMIT 1"
        )
        if found is not None and not found["must_change_password"]:
            return FirstOwner(PartnerId(found["partner_id"]), found["email"], None)
        password = plan.password or passwords.make_one_time()
        hashed = argon2.PasswordHasher().hash(password)
        if found is None:
            partner_id = await _make_owner(raw, plan, hashed)
            return FirstOwner(partner_id, plan.owner_email, password)
        await raw.execute(
            "UPDATE users SET password_hash = $2, failed_logins = 0, locked_until = NULL"
            " WHERE id = $1",
            found["id"],
            hashed,
        )
        return FirstOwner(PartnerId(found["partner_id"]), found["email"], password)


def demo_password(path: Path) -> str:
    """The password of a demo's owner, the same at every start."""
    if not path.exists():
        write_private(path, passwords.make_one_time().encode())
    return path.read_text()


async def make_local_token(raw: Raw, now: Now) -> str:
    """A token for the command line on this machine, of one partner; the ones before it end."""
    secret = tokens.make()
    async with raw.transaction():
        partner_id = await raw.fetchval("SELECT id FROM partners ORDER BY created_at, id LIMIT 1")
        email = f"command-line@{partner_id}"
        await raw.execute(
            "INSERT INTO users (id, partner_id, email, name, role, password_hash)"
            " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (lower(email)) DO NOTHING",
            *(ids.user(), partner_id, email, LOCAL_NAME, LOCAL_ROLE.value, passwords.UNUSABLE),
        )
        user_id = await raw.fetchval("SELECT id FROM users WHERE email = $1", email)
        await raw.execute(
            "UPDATE sessions SET revoked_at = $1 WHERE kind = 'local' AND revoked_at IS NULL", now()
        )
        await raw.execute(
            "INSERT INTO sessions (id, partner_id, user_id, kind, token_hash, expires_at)"
            " VALUES ($1, $2, $3, 'local', $4, $5)",
            *(ids.new("sess"), partner_id, user_id, tokens.digest(secret)),
            now() + timedelta(days=LOCAL_TOKEN_DAYS_MAX),
        )
    return secret


async def _make_owner(raw: Raw, plan: Plan, hashed: str) -> PartnerId:
    partner_id = ids.partner()
    await raw.execute(
        "INSERT INTO partners (id, name) VALUES ($1, $2)", partner_id, plan.partner_name
    )
    await raw.execute(
        "INSERT INTO users (id, partner_id, email, name, role, password_hash,"
        " must_change_password) VALUES ($1, $2, $3, $4, 'owner', $5, $6)",
        *(ids.user(), partner_id, plan.owner_email, plan.owner_name, hashed),
        plan.password is None,
    )
    return partner_id
