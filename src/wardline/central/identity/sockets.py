"""Who may hold a socket open: found as for any request or by a ticket, and asked again meanwhile.

A ticket is for a client that can send neither a cookie nor a header with the handshake. It stands
in the address, so it works once and for seconds, and is stored as its hash.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import Depends, WebSocket
from sqlalchemy.ext.asyncio import AsyncEngine

from wardline.central.database import credentials
from wardline.central.database.scope import Actor, ActorKind, Scope
from wardline.central.database.session import Session, open_session
from wardline.central.identity import access, repository, tokens
from wardline.central.identity.access import Caller, NotSignedIn
from wardline.central.identity.permissions import Permission, Role
from wardline.central.web import state
from wardline.core.clock import Now

TICKET_SECONDS_MAX = 30
TICKETS_PER_USER_MAX = 16
TICKET_PARAMETER = "ticket"


@dataclass(frozen=True, slots=True)
class Listener:
    """Somebody who may hold a socket open."""

    caller: Caller
    permission: Permission
    _engine: AsyncEngine
    _now: Now

    async def check(self) -> None:
        """Raises what opening the socket now would: a session that ended or is idle, a role that
        was taken away. What comes down a socket is not somebody asking, so it keeps none open."""
        scope = Scope.partner(self.caller.partner_id)
        actor = Actor(ActorKind.USER, self.caller.user_id)
        async with open_session(self._engine, scope, actor, now=self._now) as session:
            found = await repository.standing(session, self.caller.session_id)
        if found is None:
            raise NotSignedIn("your session has ended: sign in again")
        access.check_idle(found["kind"], found["last_seen_at"], self._now())
        now = replace(
            self.caller,
            role=Role(found["role"]),
            must_change_password=found["must_change_password"],
        )
        access.check(now, self.permission)


@dataclass(frozen=True, slots=True)
class Ticket:
    """Shown once."""

    text: str
    expires_at: datetime


async def issue_ticket(session: Session, caller: Caller) -> Ticket:
    """A ticket for one socket of the caller's."""
    secret = tokens.make()
    expires_at = session.now + timedelta(seconds=TICKET_SECONDS_MAX)
    await repository.add_ticket(
        session,
        caller.user_id,
        caller.session_id,
        tokens.digest(secret),
        expires_at,
        tickets_max=TICKETS_PER_USER_MAX - 1,
    )
    return Ticket(secret, expires_at)


def listens(permission: Permission) -> Any:
    """A dependency of a socket's route: who listens, or what the permission raises."""

    async def listener(websocket: WebSocket) -> Listener:
        caller = await _find(websocket)
        access.check(caller, permission)
        return Listener(caller, permission, state.engine(websocket), state.now(websocket))

    return _marked(listener, permission)


def _marked(call: Callable[[WebSocket], Awaitable[Listener]], permission: Permission) -> Any:
    call.permission = permission  # type: ignore[attr-defined]
    return Depends(call)


LiveListener = Annotated[Listener, listens(Permission.VIEW)]
PolicyListener = Annotated[Listener, listens(Permission.POLICY_READ)]


async def _find(websocket: WebSocket) -> Caller:
    shown = websocket.query_params.get(TICKET_PARAMETER)
    if shown is None:
        return await access.identify(websocket)
    if len(shown) > tokens.SECRET_CHARS_MAX:
        raise _ticket_refused()
    found = await credentials.ticket(state.engine(websocket), tokens.digest(shown))
    if found is None:
        raise _ticket_refused()
    access.check_idle(found["kind"], found["last_seen_at"], state.now(websocket)())
    return access.caller_in(dict(found))


def _ticket_refused() -> NotSignedIn:
    return NotSignedIn("ticket: not known, used already, or older than it may be; ask for another")
