"""From a caller to an open session: a route names its permission and receives the session."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIWebSocketRoute
from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import HTTPConnection

from wardline.central.database import credentials
from wardline.central.database.scope import Actor, ActorKind, Scope
from wardline.central.database.session import Session, open_session
from wardline.central.identity import cookies, repository, tokens
from wardline.central.identity.permissions import ALLOWED, Permission, Role
from wardline.central.settings import Transport
from wardline.central.web import state
from wardline.core import protocol
from wardline.core.clock import Now
from wardline.core.errors import WardlineError
from wardline.core.ids import ApplianceId, PartnerId, SiteId, UserId

IDLE_SECONDS_MAX = 30 * 60
SEEN_SECONDS_STEP = 60
CSRF_HEADER = "x-wardline"
PERMISSION_KEY = "x-permission"

_BEARER = "bearer "
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class NotSignedIn(WardlineError):
    """No valid session: sign in."""

    status = 401
    code = "not_signed_in"


class NotAllowed(WardlineError):
    """The caller's role does not allow this."""

    status = 403
    code = "not_allowed"


class PasswordChangeRequired(WardlineError):
    """The one-time password opens nothing but the change of itself."""

    status = 403
    code = "password_change_required"


class CrossSite(WardlineError):
    """A request that a page of another origin may have made."""

    status = 403
    code = "cross_site"


class CredentialRefused(WardlineError):
    """An appliance's credential is missing, unknown or retired."""

    status = 401
    code = "credential_refused"


class RouteUnguarded(WardlineError):
    """A route names no permission, or more than one."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A person, or this machine's command line, behind a valid session."""

    session_id: str
    user_id: UserId
    partner_id: PartnerId
    email: str
    name: str
    role: Role
    must_change_password: bool

    @property
    def permissions(self) -> frozenset[Permission]:
        return ALLOWED[self.role]


@dataclass(frozen=True, slots=True)
class ApplianceCaller:
    """An enrolled appliance; site, partner and epoch are the server's record, never its word."""

    appliance_id: ApplianceId
    site_id: SiteId
    partner_id: PartnerId
    epoch: int


@dataclass(frozen=True, slots=True)
class ApplianceAccess:
    """A known appliance and its open session."""

    session: Session
    appliance: ApplianceCaller


@dataclass(frozen=True, slots=True)
class ApplianceGate:
    """A known appliance that opens its session when its work outside one is done."""

    appliance: ApplianceCaller
    _engine: AsyncEngine
    _address: str | None
    _now: Now

    def now(self) -> datetime:
        return self._now()

    def open(self) -> AbstractAsyncContextManager[Session]:
        """A session in the appliance's site scope; committed when the block ends well."""
        return _open_for(self._engine, self.appliance, self._address, self._now)


def requires(permission: Permission) -> Any:
    """A dependency that yields the caller's open Session, in the scope of the caller's partner.

    It ends, and commits, before the answer is sent.
    """

    async def session(request: Request) -> AsyncIterator[Session]:
        caller = await identify(request)
        check(caller, permission)
        request.state.caller = caller
        scope = Scope.partner(caller.partner_id)
        actor = Actor(ActorKind.USER, caller.user_id, state.address(request))
        async with open_session(
            state.engine(request), scope, actor, now=state.now(request)
        ) as opened:
            await _mark_seen(request, opened, caller)
            yield opened

    session.permission = permission  # type: ignore[attr-defined]
    return Depends(session, scope="function")


async def admit(request: Request) -> None:
    """Who asks, found out before the body is read; raises what the route's permission would."""
    if request.url.path.startswith(protocol.PREFIX):
        await _appliance(request)
    else:
        await identify(request)


def public_paths(routers: Iterable[APIRouter]) -> frozenset[str]:
    """The addresses that anybody may call."""
    return frozenset(
        route.path
        for router in routers
        for route in router.routes
        if isinstance(route, APIRoute) and Permission.PUBLIC in _permissions(route.dependant)
    )


def caller_of(request: Request) -> Caller:
    """Who passed `requires` on this request."""
    found: Caller = request.state.caller
    return found


async def _public() -> None:
    """Marks a route that anybody may call."""


async def _appliance_gate(request: Request) -> ApplianceGate:
    return ApplianceGate(
        await _appliance(request),
        state.engine(request),
        state.address(request),
        state.now(request),
    )


async def _appliance_session(request: Request) -> AsyncIterator[ApplianceAccess]:
    appliance = await _appliance(request)
    async with _open_for(
        state.engine(request), appliance, state.address(request), state.now(request)
    ) as session:
        yield ApplianceAccess(session, appliance)


_public.permission = Permission.PUBLIC  # type: ignore[attr-defined]
_appliance_gate.permission = Permission.APPLIANCE  # type: ignore[attr-defined]
_appliance_session.permission = Permission.APPLIANCE  # type: ignore[attr-defined]

PUBLIC = Depends(_public)
Viewer = Annotated[Session, requires(Permission.VIEW)]
EvidenceReader = Annotated[Session, requires(Permission.EVIDENCE)]
AuditReader = Annotated[Session, requires(Permission.AUDIT)]
SiteManager = Annotated[Session, requires(Permission.SITES)]
HealingManager = Annotated[Session, requires(Permission.HEALING)]
Freezer = Annotated[Session, requires(Permission.FREEZE)]
OrderGiver = Annotated[Session, requires(Permission.ORDERS)]
Approver = Annotated[Session, requires(Permission.APPROVALS)]
DeviationOwner = Annotated[Session, requires(Permission.DEVIATIONS)]
PolicyReader = Annotated[Session, requires(Permission.POLICY_READ)]
PolicyWriter = Annotated[Session, requires(Permission.POLICY_WRITE)]
PolicyAdmin = Annotated[Session, requires(Permission.POLICY_ADMIN)]
AccountHolder = Annotated[Session, requires(Permission.ACCOUNT)]
ApplianceSession = Annotated[ApplianceAccess, Depends(_appliance_session, scope="function")]
Appliance = Annotated[ApplianceGate, Depends(_appliance_gate)]


async def identify(connection: HTTPConnection) -> Caller:
    """The caller behind the session cookie or the local token; raises NotSignedIn."""
    known: Caller | None = getattr(connection.state, "identified", None)
    if known is not None:
        return known
    found = connection.state.identified = await _identified(connection)
    return found


async def _identified(connection: HTTPConnection) -> Caller:
    secret, kind = _shown(connection)
    found = await credentials.open_session(state.engine(connection), tokens.digest(secret))
    if found is None or found["kind"] != kind:
        raise NotSignedIn("your session is not known or has ended: sign in again")
    check_idle(kind, found["last_seen_at"], state.now(connection)())
    connection.state.last_seen_at = found["last_seen_at"]
    return caller_in(dict(found))


def check_idle(kind: str, last_seen_at: datetime, now: datetime) -> None:
    """Raises NotSignedIn for a browser's session in which nobody asked anything for too long."""
    if kind == "browser" and now - last_seen_at > timedelta(seconds=IDLE_SECONDS_MAX):
        raise NotSignedIn("your session was idle for too long: sign in again")


def caller_in(found: Mapping[str, Any]) -> Caller:
    """The caller of a session that was looked up."""
    return Caller(
        found["session_id"],
        UserId(found["user_id"]),
        PartnerId(found["partner_id"]),
        found["email"],
        found["name"],
        Role(found["role"]),
        found["must_change_password"],
    )


def check_same_site(request: Request) -> None:
    """Raises CrossSite unless the request can only come from our own pages or from no page.

    Another program's page on this machine, and a page of this host in the clear, are others.
    """
    if request.headers.get(CSRF_HEADER) != "1":
        raise CrossSite("header X-Wardline: 1 is missing, which a foreign page cannot send")
    origin = request.headers.get("origin")
    if origin is not None and origin != _own_origin(request):
        raise CrossSite("origin: the request comes from a page of another host")


def check_own_page(request: Request) -> None:
    """What is asked of a browser's writes, for a GET that writes; raises CrossSite."""
    if _bearer(request) is None:
        check_same_site(request)


def guard(router: APIRouter) -> None:
    """Writes each route's permission into its OpenAPI operation; raises RouteUnguarded."""
    for route in router.routes:
        permission = permission_of(route)
        if isinstance(route, APIRoute):
            extra = route.openapi_extra or {}
            route.openapi_extra = {**extra, PERMISSION_KEY: permission.value}


def permission_of(route: object) -> Permission:
    """The one permission that a route, or a socket's, names; raises RouteUnguarded."""
    if not isinstance(route, APIRoute | APIWebSocketRoute):
        raise RouteUnguarded(f"{route!r} is no API route, so its permission cannot be read")
    found = _permissions(route.dependant)
    if len(found) != 1:
        named = ", ".join(sorted(found)) or "none"
        methods = sorted(route.methods or ()) if isinstance(route, APIRoute) else "socket"
        raise RouteUnguarded(
            f"{methods} {route.path} must name one permission, and it names"
            f" {named}; see wardline.central.identity.access"
        )
    return found.pop()


def _permissions(dependant: Dependant) -> set[Permission]:
    own = getattr(dependant.call, "permission", None)
    found = {own} if isinstance(own, Permission) else set()
    return found.union(*(_permissions(each) for each in dependant.dependencies))


def _own_origin(connection: HTTPConnection) -> str:
    loopback = state.settings(connection).transport is Transport.LOOPBACK
    return f"{'http' if loopback else 'https'}://{connection.headers.get('host')}"


def _shown(connection: HTTPConnection) -> tuple[str, str]:
    """The secret that the caller shows, and the kind of session that it may open."""
    bearer = _bearer(connection)
    if bearer is not None:
        return bearer, "local"
    cookie = connection.cookies.get(cookies.name(state.settings(connection).transport))
    if not cookie or len(cookie) > tokens.SECRET_CHARS_MAX:
        raise NotSignedIn("sign in first")
    if not isinstance(connection, Request):
        # A page may open sockets to any host and set no header; what it cannot do is hide whose
        # page it is.
        if connection.headers.get("origin") != _own_origin(connection):
            raise CrossSite("origin: a socket is opened by a page of this host only")
    elif connection.method not in _SAFE:
        check_same_site(connection)
    return cookie, "browser"


def _bearer(connection: HTTPConnection) -> str | None:
    shown = connection.headers.get("authorization", "")
    if shown[: len(_BEARER)].lower() != _BEARER or len(shown) > tokens.SECRET_CHARS_MAX:
        return None
    return shown[len(_BEARER) :].strip()


def check(caller: Caller, permission: Permission) -> None:
    """Raises PasswordChangeRequired or NotAllowed."""
    if caller.must_change_password and permission is not Permission.ACCOUNT:
        raise PasswordChangeRequired("change your one-time password first")
    if permission not in caller.permissions:
        raise NotAllowed(f"the role {caller.role.value} does not include {permission.value}")


async def _mark_seen(request: Request, session: Session, caller: Caller) -> None:
    if session.now - request.state.last_seen_at > timedelta(seconds=SEEN_SECONDS_STEP):
        await repository.mark_seen(session, caller.session_id)


async def _appliance(request: Request) -> ApplianceCaller:
    known: ApplianceCaller | None = getattr(request.state, "appliance", None)
    if known is not None:
        return known
    found = request.state.appliance = await _appliance_behind(request)
    return found


async def _appliance_behind(request: Request) -> ApplianceCaller:
    secret = _bearer(request)
    if secret is None:
        raise CredentialRefused(
            "authorization: an appliance shows its credential as a bearer token"
        )
    found = await credentials.appliance(state.engine(request), tokens.digest(secret))
    if found is None:
        raise CredentialRefused("authorization: this credential is not known here or was retired")
    return ApplianceCaller(
        ApplianceId(found["appliance_id"]),
        SiteId(found["site_id"]),
        PartnerId(found["partner_id"]),
        found["epoch"],
    )


def _open_for(
    engine: AsyncEngine, appliance: ApplianceCaller, address: str | None, now: Now
) -> AbstractAsyncContextManager[Session]:
    scope = Scope.site(appliance.site_id, appliance.partner_id)
    actor = Actor(ActorKind.APPLIANCE, appliance.appliance_id, address)
    return open_session(engine, scope, actor, now=now)
