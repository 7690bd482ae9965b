"""A socket on the hub: seated, joined to its partner's feed, held open."""

import contextlib

from fastapi import WebSocket

from wardline.central.identity.sockets import Listener
from wardline.central.realtime import hub as hubs
from wardline.central.realtime.hub import Hub
from wardline.central.web.load import Busy
from wardline.policy.live import socket
from wardline.policy.live.feed import Resume
from wardline.policy.live.frames import Channel


async def serve(websocket: WebSocket, listener: Listener, channel: Channel, resume: Resume) -> None:
    """Holds the socket open until somebody ends it; raises TooManySockets, Busy, and what the
    listener's check raises when the session has ended."""

    async def check() -> None:
        # While the database does not answer nothing comes down either.
        with contextlib.suppress(*hubs.TROUBLE):
            await listener.check()

    hub: Hub = websocket.app.state.hub
    if not await socket.accept(websocket):
        # It left while we found out who it is.
        return
    with hub.seat(listener.caller, channel) as client:
        try:
            await hub.join(client, listener.caller.partner_id, resume)
        except hubs.TROUBLE as error:
            raise Busy("the database does not answer just now: try again soon") from error
        await socket.hold(websocket, client, check, hub.limits)
