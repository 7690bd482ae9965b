"""First start: the installation, its partner and owner; and each start's local token.

Runs as the schema's owner, before anything serves. The one-time password is returned to be shown
on the terminal and stands nowhere else.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import argon2

from wardline.central.database.engine import Raw
from wardline.central.identity import passwords, repository, tokens
from wardline.central.identity.permissions import Role
from wardline.central.identity.repository import NewUser
from wardline.central.settings import DataUnusable, write_private
from wardline.core import ids
from wardline.core.clock import Now
from wardline.core.ids import PartnerId

LOCAL_TOKEN_DAYS_MAX = 400
# The command line on this machine reads, exports and verifies; it changes nothing.
LOCAL_ROLE = Role.AUDITOR
RESET_REASON = "asked for on the terminal"
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
    held_id, demo = await repository.claim(raw, plan.installation_id, demo=plan.demo)
    if held_id != plan.installation_id:
        raise DataUnusable(
            f"the database belongs to the installation {held_id}, and the keys of this data"
            f" directory are {plan.installation_id}'s; use the directory that fits"
        )
    if demo != plan.demo:
        made_for = "the demo" if demo else "real use"
        raise DataUnusable(f"the database was made for {made_for}; start it the way it was made")


async def ensure_owner(raw: Raw, plan: Plan, now: Now, *, reset: bool = False) -> FirstOwner:
    """The partner and its owner, made where there is no partner yet.

    An owner who never changed the one-time password gets a new one: the old one may be lost. With
    `reset` so does one who did, and their sessions and pauses end: who may start Central on its
    data directory may do that.
    """
    found = await repository.first_owner(raw)
    if found is not None and not found["must_change_password"] and not reset:
        return FirstOwner(PartnerId(found["partner_id"]), found["email"], None)
    password = plan.password or passwords.make_one_time()
    hashed = argon2.PasswordHasher().hash(password)
    if found is not None:
        must_change = plan.password is None
        await repository.replace_password(raw, found["id"], hashed, must_change=must_change)
        if reset:
            await repository.record_reset(raw, found["id"], RESET_REASON, now())
        return FirstOwner(PartnerId(found["partner_id"]), found["email"], password)
    partner_id = ids.partner()
    await repository.add_partner(raw, partner_id, plan.partner_name)
    await repository.add_user(
        raw,
        NewUser(ids.user(), partner_id, plan.owner_email, plan.owner_name, Role.OWNER, hashed),
        must_change_password=plan.password is None,
    )
    return FirstOwner(partner_id, plan.owner_email, password)


def demo_password(path: Path) -> str:
    """The password of a demo's owner, the same at every start."""
    if not path.exists():
        write_private(path, passwords.make_one_time().encode())
    return path.read_text()


async def make_local_token(raw: Raw, partner_id: PartnerId, now: Now) -> str:
    """A token for the command line on this machine; the ones before it end."""
    secret, email = tokens.make(), f"command-line@{partner_id}"
    user = NewUser(ids.user(), partner_id, email, LOCAL_NAME, LOCAL_ROLE, passwords.UNUSABLE)
    await repository.add_user(raw, user, must_change_password=False)
    await repository.replace_local_session(
        raw,
        partner_id,
        email,
        tokens.digest(secret),
        now(),
        now() + timedelta(days=LOCAL_TOKEN_DAYS_MAX),
    )
    return secret
