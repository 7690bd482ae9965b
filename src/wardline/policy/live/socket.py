"""One socket from its first frame to its last: what ends it, and that it ends."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import WebSocket, WebSocketDisconnect

from wardline.core.errors import WardlineError
from wardline.policy import connections, problems
from wardline.policy.live.client import Client, Wire
from wardline.policy.live.seats import Limits

PING = "ping"
TEXT_ONLY = 1003
TOO_MUCH = 1008
TRY_AGAIN = 1013
# What a client may say: far more pings than anybody needs.
RECEIVED_MAX = 60
RECEIVED_SECONDS = 10.0

# Raises the WardlineError that opening the socket now would.
Check = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Ending:
    """How we close a socket; None stands for one that the peer has left."""

    code: int
    reason: str


async def accept(websocket: WebSocket) -> bool:
    """Whether the peer was still there."""
    try:
        await websocket.accept()
    except WebSocketDisconnect:
        return False
    return True


async def hold(websocket: WebSocket, client: Client, check: Check, limits: Limits) -> None:
    """Sends what is put into the client's queue until the peer leaves, `check` raises, or the
    client is too slow or says too much; then the socket is closed."""
    ending = await _until_one_ends(websocket, client, check, limits)
    if ending is not None:
        await problems.close_socket(websocket, ending.code, ending.reason)


async def _until_one_ends(
    websocket: WebSocket, client: Client, check: Check, limits: Limits
) -> Ending | None:
    wire = websocket.scope.get("extensions", {}).get(connections.WIRE, {}).get("wire")
    if wire is None:
        sending = _send(websocket, client, limits.send_seconds_max)
    else:
        sending = _send_what_waits(wire, client, limits.send_seconds_max)
    tasks = [
        asyncio.create_task(sending),
        asyncio.create_task(_receive(websocket, client)),
        asyncio.create_task(_watch(check, limits.recheck_seconds)),
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
                await websocket.send_text(frame.text)
    except WebSocketDisconnect:
        return None
    except TimeoutError:
        return _too_slow()


async def _send_what_waits(wire: Wire, client: Client, seconds_max: float) -> Ending | None:
    """What is put while nothing waits is written there and then."""
    client.attach(wire)
    try:
        while True:
            await client.waits()
            async with asyncio.timeout(seconds_max):
                await wire.until_writable()
            client.write()
    except TimeoutError:
        return _too_slow()
    except ConnectionError:
        return None


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
            client.put([client.channel.pong()])


async def _watch(check: Check, interval_s: float) -> Ending:
    """Ends with the caller's right to listen."""
    while True:
        await asyncio.sleep(interval_s)
        try:
            await check()
        except WardlineError as error:
            return Ending(problems.close_code(error.status), error.code)


def _too_slow() -> Ending:
    return Ending(TRY_AGAIN, "frames were not read in time")
