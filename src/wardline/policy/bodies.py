"""Request bodies as they come in: in time, capped, and JSON."""

import asyncio

from starlette.types import Message, Receive

from wardline.core.errors import WardlineError

# Ten thousand rules at once.
BYTES_MAX = 16 << 20
# A body takes as long as this, and then what its bytes take at the slowest speed.
SECONDS_MAX = 10.0
BYTES_PER_SECOND_MIN = 16 << 10

_JSON = "application/json"


class BodyTooLarge(WardlineError):
    """The body, as sent or decompressed, is over its limit."""

    status = 413
    code = "body_too_large"


class BodyTooSlow(WardlineError):
    """The body did not come in time."""

    status = 408
    code = "body_too_slow"


class UnsupportedMediaType(WardlineError):
    """A content type or content encoding that is not taken here."""

    status = 415
    code = "unsupported_media_type"


async def read(
    receive: Receive, limit: int, declared: bytes | None, seconds_max: float
) -> bytes | None:
    """The bytes of a request; None where the caller went away. Raises BodyTooLarge, BodyTooSlow.

    `declared` is the content-length as it was sent.
    """
    if declared is not None and declared.isdigit() and int(declared) > limit:
        raise BodyTooLarge(f"body: at most {limit} bytes are taken here")
    chunks: list[bytes] = []
    size = 0
    due = asyncio.get_running_loop().time() + seconds_max
    while True:
        try:
            async with asyncio.timeout_at(due + size / BYTES_PER_SECOND_MIN):
                message = await receive()
        except TimeoutError:
            raise BodyTooSlow("body: it did not come in time; send it in one go") from None
        if message["type"] == "http.disconnect":
            return None
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge(f"body: at most {limit} bytes are taken here")
        chunks.append(chunk)
        if not message.get("more_body", False):
            return b"".join(chunks)


def check_type(content_type: str) -> None:
    """Raises UnsupportedMediaType for anything but JSON."""
    if content_type.partition(";")[0].strip().lower() != _JSON:
        raise UnsupportedMediaType(f"content-type: bodies are {_JSON}")


def replay(body: bytes, receive: Receive) -> Receive:
    """Gives the app a body that was read already."""
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return replay
