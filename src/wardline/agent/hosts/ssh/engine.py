"""The one event loop on which every line to a host over SSH lives, in a thread of its own."""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

_STARTING = threading.Lock()
_loop: asyncio.AbstractEventLoop | None = None


def call(work: Coroutine[Any, Any, T], timeout_s: float) -> T:
    """The result of `work`, done on the loop; TimeoutError, and the work ended, when it is late."""
    future = asyncio.run_coroutine_threadsafe(work, running())
    try:
        return future.result(timeout_s)
    except concurrent.futures.TimeoutError:
        future.cancel()
        raise


def soon(work: Callable[[], None]) -> None:
    """Do something short on the loop, without waiting for it."""
    running().call_soon_threadsafe(work)


def running() -> asyncio.AbstractEventLoop:
    """The loop; its thread begins with the first host that needs it, and ends with the process."""
    global _loop
    with _STARTING:
        if _loop is None:
            _loop = asyncio.new_event_loop()
            thread = threading.Thread(target=_loop.run_forever, name="ssh", daemon=True)
            thread.start()
        return _loop
