"""The line from an agent, whose requests block, to a Central that is an app in a test's event loop."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2


class AsgiLine(httpx2.BaseTransport):
    """Carries each request into the loop that the app runs in, from any thread but the loop's own;
    `before` is called there first."""

    def __init__(self, app: Any, before: Callable[[], None]) -> None:
        self._inside = httpx2.ASGITransport(app=app)
        self._loop = asyncio.get_running_loop()
        self._before = before

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return asyncio.run_coroutine_threadsafe(self._answer(request), self._loop).result()

    async def _answer(self, request: httpx2.Request) -> httpx2.Response:
        self._before()
        carried = httpx2.Request(
            request.method, request.url, headers=request.headers, content=request.read()
        )
        answer = await self._inside.handle_async_request(carried)
        return httpx2.Response(
            answer.status_code, headers=answer.headers, content=await answer.aread()
        )
