"""Signing in and out, and changing a password."""

from dataclasses import dataclass, field
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncEngine

from wardline.central.database import credentials
from wardline.central.database.scope import Actor, ActorKind, Scope
from wardline.central.database.session import Session, open_session
from wardline.central.identity import passwords, pauses, repository, tokens
from wardline.central.identity.access import Caller
from wardline.central.identity.passwords import Passwords
from wardline.central.identity.pauses import Paused, Source
from wardline.central.identity.permissions import ALLOWED, POLICY_ROLES, Permission, Role
from wardline.core import ids
from wardline.core.clock import Now
from wardline.core.errors import WardlineError

SESSION_SECONDS_MAX = 12 * 3600


class LoginFailed(WardlineError):
    """The e-mail or password is wrong, or sign-in is paused after failed attempts."""

    status = 401
    code = "login_failed"


@dataclass(frozen=True, slots=True)
class Me:
    """Who is signed in, and what they may do."""

    user_id: str
    email: str
    name: str
    role: Role
    partner_id: str
    partner_name: str
    must_change_password: bool
    demo: bool
    permissions: tuple[Permission, ...]


@dataclass(frozen=True, slots=True)
class Colleague:
    """Somebody of the same partner."""

    id: str
    name: str
    email: str
    role: Role


@dataclass(frozen=True, slots=True)
class Gate:
    """What signing in needs before there is a session."""

    engine: AsyncEngine
    passwords: Passwords
    now: Now
    address: str | None
    device: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Opened:
    """A new session: its secret, who it is, and a secret for a browser that had none."""

    secret: str = field(repr=False)
    device: str | None = field(repr=False)
    me: Me


async def sign_in(gate: Gate, email: str, password: str) -> Opened:
    """Opens a session; raises LoginFailed, the same way for every reason."""
    found = await credentials.user(gate.engine, email)
    if found is None:
        await gate.passwords.verify(None, password)
        raise _failed()
    scope = Scope.partner(found["partner_id"])
    actor = Actor(ActorKind.USER, found["id"], gate.address)
    counted = await _reserve(gate, scope, actor) if found["disabled_at"] is None else ()
    fits = await gate.passwords.verify(found["password_hash"], password)
    async with open_session(gate.engine, scope, actor, now=gate.now) as session:
        if counted and fits:
            return await _open(session, found["id"], counted)
        # Committed, though the answer is no: the record of a failure must stay.
        reason = "wrong password" if counted else "sign-in is paused or disabled"
        await session.record("session.refused", found["id"], reason=reason)
    raise _failed()


async def sign_out(session: Session, caller: Caller) -> None:
    """Ends the caller's session for good."""
    await repository.revoke(session, caller.session_id)
    await session.record("session.close", caller.user_id)


async def me(session: Session, user_id: str) -> Me:
    """Who the user is now."""
    row = await repository.me(session, user_id)
    role = Role(row["role"])
    return Me(
        user_id=row["id"],
        email=row["email"],
        name=row["name"],
        role=role,
        partner_id=row["partner_id"],
        partner_name=row["partner_name"],
        must_change_password=row["must_change_password"],
        demo=row["demo"],
        permissions=tuple(sorted(ALLOWED[role])),
    )


async def hands(session: Session) -> list[Colleague]:
    """The people of the partner who may act on an incident, by name."""
    found = [
        Colleague(row["id"], row["name"], row["email"], Role(row["role"]))
        for row in await repository.active(session)
        if Permission.ORDERS in ALLOWED[Role(row["role"])]
    ]
    return sorted(found, key=lambda one: (one.name.casefold(), one.id))


async def approvers(session: Session) -> dict[str, frozenset[str]]:
    """The ids of the people of the partner who may approve, by the role that rules know them in."""
    found: dict[str, set[str]] = {}
    for row in await repository.active(session):
        role = Role(row["role"])
        if Permission.APPROVALS in ALLOWED[role]:
            found.setdefault(POLICY_ROLES[role], set()).add(row["id"])
    return {role: frozenset(users) for role, users in found.items()}


async def change_password(
    session: Session, caller: Caller, gate: Gate, current: str, new: str
) -> Me:
    """Sets a new password and ends the user's other sessions.

    Raises LoginFailed where `current` is wrong (it counts like a failed sign-in) and PasswordWeak.
    """
    passwords.check_new(new, current, caller.email)
    source = pauses.of_session(caller.session_id)
    admitted = await _reserve_again(gate, session.scope, session.actor, source)
    stored = await repository.password_hash(session, caller.user_id)
    if not (await gate.passwords.verify(stored, current) and admitted):
        raise _failed()
    hashed = await gate.passwords.hash(new)
    await repository.set_password(session, caller.user_id, hashed)
    await pauses.forgive(session, caller.user_id, (source,))
    ended = await repository.revoke_others(session, caller.user_id, caller.session_id)
    await session.record("password.change", caller.user_id, after={"sessions_ended": ended})
    return await me(session, caller.user_id)


async def _reserve(gate: Gate, scope: Scope, actor: Actor) -> tuple[Source, ...]:
    """Where the attempt was counted; empty while attempts from there are paused."""
    try:
        async with open_session(gate.engine, scope, actor, now=gate.now) as session:
            return await pauses.reserve(session, actor.id, gate.address, gate.device)
    except Paused:
        return ()


async def _reserve_again(gate: Gate, scope: Scope, actor: Actor, source: Source) -> bool:
    try:
        async with open_session(gate.engine, scope, actor, now=gate.now) as session:
            await pauses.count(session, actor.id, source)
    except Paused:
        return False
    return True


async def _open(session: Session, user_id: str, counted: tuple[Source, ...]) -> Opened:
    secret = tokens.make()
    device = await pauses.remember_device(session, user_id, counted)
    await pauses.forgive(session, user_id, counted)
    await repository.open_login(
        session,
        ids.new("sess"),
        user_id,
        tokens.digest(secret),
        session.now + timedelta(seconds=SESSION_SECONDS_MAX),
    )
    await session.record("session.open", user_id)
    return Opened(secret, device, await me(session, user_id))


def _failed() -> LoginFailed:
    return LoginFailed(
        "The e-mail address or the password is wrong, or signing in is paused after failed"
        " attempts; check both, and try again in a while."
    )
