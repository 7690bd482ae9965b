"""Sockets: /api/v1/live for pages, /api/mcp/policy/ws for the contract; and their tickets."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request, WebSocket
from pydantic import BaseModel

from wardline.central.identity import access, sockets
from wardline.central.identity.access import Viewer
from wardline.central.identity.sockets import LiveListener, PolicyListener
from wardline.central.realtime import service
from wardline.central.realtime.frames import LIVE_CHANNEL
from wardline.policy.live.feed import Resume
from wardline.policy.live.frames import POLICY_CHANNEL
from wardline.policy.live.log import ID_MAX

router = APIRouter(tags=["realtime"])

EPOCH_CHARS_MAX = 64

Since = Annotated[int | None, Query(ge=0, le=ID_MAX)]
Epoch = Annotated[str | None, Query(max_length=EPOCH_CHARS_MAX)]


class TicketOut(BaseModel):
    """`ticket` goes into the address of one socket, once, before `expires_at`."""

    ticket: str
    expires_at: datetime


@router.post("/api/v1/ws-ticket", status_code=201)
async def issue_ticket(session: Viewer, request: Request) -> TicketOut:
    """For a client that can send neither cookie nor header with a socket's handshake."""
    ticket = await sockets.issue_ticket(session, access.caller_of(request))
    return TicketOut(ticket=ticket.text, expires_at=ticket.expires_at)


@router.websocket("/api/v1/live")
async def live(
    websocket: WebSocket, listener: LiveListener, since: Since = None, epoch: Epoch = None
) -> None:
    """`{seq, kind, site_id, subject}` for whatever changes at the caller's partner."""
    await service.serve(websocket, listener, LIVE_CHANNEL, Resume(since, epoch))


@router.websocket("/api/mcp/policy/ws")
async def policy(
    websocket: WebSocket, listener: PolicyListener, since: Since = None, epoch: Epoch = None
) -> None:
    """The five events of the policy contract."""
    await service.serve(websocket, listener, POLICY_CHANNEL, Resume(since, epoch))
