"""HTTP: enrolment tokens of a site."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict

from wardline.central.fleet import service
from wardline.central.identity.access import SiteManager
from wardline.central.web import state

router = APIRouter(prefix="/api/v1/sites/{site_id}/enrolment-tokens", tags=["fleet"])

SiteParameter = Annotated[str, Path(max_length=64)]


class TokenRequest(BaseModel):
    model_config = ConfigDict(extra="forbid")


class IssuedTokenOut(BaseModel):
    """`token` and `command` are shown once."""

    id: str
    command: str
    token: str
    expires_at: datetime
    fingerprint: str


class TokenOut(BaseModel):
    id: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None
    used_by: str | None


class TokensOut(BaseModel):
    items: list[TokenOut]


@router.post("", status_code=201)
async def issue_token(
    site_id: SiteParameter, body: TokenRequest, session: SiteManager, request: Request
) -> IssuedTokenOut:
    """The line to paste on an appliance-to-be; it works once and for a day."""
    issued = await service.issue_token(
        session,
        site_id,
        state.settings(request).url,
        request.app.state.server_keys.fingerprint,
    )
    return IssuedTokenOut(
        id=issued.id,
        command=issued.command,
        token=issued.text,
        expires_at=issued.expires_at,
        fingerprint=issued.fingerprint,
    )


@router.get("")
async def list_tokens(site_id: SiteParameter, session: SiteManager) -> TokensOut:
    found = await service.list_tokens(session, site_id)
    return TokensOut(
        items=[
            TokenOut(
                id=each.id,
                created_at=each.created_at,
                expires_at=each.expires_at,
                used_at=each.used_at,
                used_by=each.used_by,
            )
            for each in found
        ]
    )
