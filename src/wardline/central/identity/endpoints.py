"""HTTP: /session (sign in, who am I, sign out, change password), and /people."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, StringConstraints

from wardline import __version__
from wardline.central.identity import access, cookies, service, tokens
from wardline.central.identity.access import AccountHolder, OrderGiver
from wardline.central.identity.passwords import LENGTH_MAX
from wardline.central.identity.permissions import Permission, Role
from wardline.central.web import state

router = APIRouter(prefix="/api/v1/session", tags=["session"])
people_router = APIRouter(prefix="/api/v1/people", tags=["session"])

Password = Annotated[str, StringConstraints(min_length=1, max_length=LENGTH_MAX)]


class SignIn(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    email: Annotated[str, StringConstraints(min_length=1, max_length=254)]
    password: Password


class PasswordChange(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    current: Password
    new: Password


class UserOut(BaseModel):
    id: str
    email: str
    name: str
    role: Role


class PartnerOut(BaseModel):
    id: str
    name: str


class MeOut(BaseModel):
    """Who is signed in, to what, and what they may do."""

    user: UserOut
    partner: PartnerOut
    must_change_password: bool
    demo: bool
    permissions: list[Permission]
    version: str


class PeopleOut(BaseModel):
    items: list[UserOut]


@router.post("", dependencies=[access.PUBLIC])
async def sign_in(body: SignIn, request: Request, response: Response) -> MeOut:
    """Opens a session; its secret is in the cookie only."""
    access.check_same_site(request)
    opened = await service.sign_in(_gate(request), body.email, body.password)
    transport = state.settings(request).transport
    cookies.put(response, transport, opened.secret, service.SESSION_SECONDS_MAX)
    if opened.device is not None:
        cookies.put_device(response, transport, opened.device)
    return _out(opened.me)


@router.get("")
async def who_am_i(session: AccountHolder, request: Request) -> MeOut:
    return _out(await service.me(session, access.caller_of(request).user_id))


@router.delete("", status_code=204)
async def sign_out(session: AccountHolder, request: Request, response: Response) -> None:
    await service.sign_out(session, access.caller_of(request))
    cookies.clear(response, state.settings(request).transport)


@router.post("/password")
async def change_password(body: PasswordChange, session: AccountHolder, request: Request) -> MeOut:
    """Ends the user's other sessions too."""
    me = await service.change_password(
        session, access.caller_of(request), _gate(request), body.current, body.new
    )
    return _out(me)


@people_router.get("")
async def list_people(session: OrderGiver) -> PeopleOut:
    """The colleagues who may act on an incident, so that one may be handed to them; by name."""
    found = await service.hands(session)
    items = [UserOut(id=one.id, email=one.email, name=one.name, role=one.role) for one in found]
    return PeopleOut(items=items)


def _gate(request: Request) -> service.Gate:
    device = request.cookies.get(cookies.device_name(state.settings(request).transport))
    return service.Gate(
        state.engine(request),
        request.app.state.passwords,
        state.now(request),
        state.address(request),
        device if device and len(device) <= tokens.SECRET_CHARS_MAX else None,
    )


def _out(me: service.Me) -> MeOut:
    return MeOut(
        user=UserOut(id=me.user_id, email=me.email, name=me.name, role=me.role),
        partner=PartnerOut(id=me.partner_id, name=me.partner_name),
        must_change_password=me.must_change_password,
        demo=me.demo,
        permissions=list(me.permissions),
        version=__version__,
    )
