"""One socket from its first frame to its last: what ends it, and that it ends."""

import asyncio
from dataclasses import dataclass

from fastapi import WebSocket, WebSocketDisconnect

from wardline.central.identity.sockets import Listener
from wardline.central.realtime import hub as hubs
from wardline.central.realtime.client import Client
from wardline.central.realtime.frames import Channel
from wardline.central.realtime.hub import Hub, Resume
from wardline.central.web import problems
from wardline.central.web.load import Busy
from wardline.core.errors import WardlineError

PING = "ping"
TEXT_ONLY = 1003
TOO_MUCH = 1008
TRY_AGAIN = 1013
# What a client may say: far more pings than anybody needs.
RECEIVED_MAX = 60
RECEIVED_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Ending:
    """How we close a socket; None stands for one that the peer has left."""

    code: int
    reason: str


async def serve(websocket: WebSocket, listener: Listener, channel: Channel, resume: Resume) -> None:
    """Holds the socket open until somebody ends it; raises TooManySockets, Busy, and what the
    listener's check raises when the session has ended."""
    hub: Hub = websocket.app.state.hub
    try:
        await websocket.accept()
    except WebSocketDisconnect:
        # It left while we found out who it is.
        return
    with hub.seat(listener.caller, channel) as client:
        try:
            await hub.join(client, listener.caller.partner_id, resume)
        except hubs.TROUBLE as error:
            raise Busy("the database does not answer just now: try again soon") from error
        ending = await _until_one_ends(websocket, client, listener, hub)
    if ending is not None:
        await problems.close_socket(websocket, ending.code, ending.reason)


async def _until_one_ends(
    websocket: WebSocket, client: Client, listener: Listener, hub: Hub
) -> Ending | None:
    limits = hub.limits
    tasks = [
        asyncio.create_task(_send(websocket, client, limits.send_seconds_max)),
        asyncio.create_task(_receive(websocket, client)),
        asyncio.create_task(_watch(listener, limits.recheck_seconds)),
        asyncio.create_task(_fall_behind(client)),
    ]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return next(task for task in tasks if task in done).result()


async def _send(websocket: WebSocket, client: Client, seconds_max: float) -> Ending | None:
    try:
        while True:
            frame = await client.next()
            async with asyncio.timeout(seconds_max):
                await websocket.send_text(frame)
    except WebSocketDisconnect:
        return None
    except TimeoutError:
        return _too_slow()


async def _fall_behind(client: Client) -> Ending:
    await client.behind.wait()
    return _too_slow()


async def _receive(websocket: WebSocket, client: Client) -> Ending | None:
    loop = asyncio.get_running_loop()
    since, received = loop.time(), 0
    while True:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            return None
        text = message.get("text")
        if text is None:
            return Ending(TEXT_ONLY, "frames are text")
        if loop.time() - since > RECEIVED_SECONDS:
            since, received = loop.time(), 0
        received += 1
        if received > RECEIVED_MAX:
            return Ending(TOO_MUCH, f"at most {RECEIVED_MAX} frames in {RECEIVED_SECONDS:.0f} s")
        if text == PING:
            client.put(client.channel.pong())


async def _watch(listener: Listener, interval_s: float) -> Ending:
    """Ends with the session; while the database does not answer nothing comes down either."""
    while True:
        await asyncio.sleep(interval_s)
        try:
            await listener.check()
        except WardlineError as error:
            return Ending(problems.close_code(error.status), error.code)
        except hubs.TROUBLE:
            continue


def _too_slow() -> Ending:
    return Ending(TRY_AGAIN, "frames were not read in time")
