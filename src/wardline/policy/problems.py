"""The one error shape, RFC 9457 problem details; an error on a socket closes it instead."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError, WebSocketRequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from wardline.core.errors import WardlineError

MEDIA_TYPE = "application/problem+json"
ERRORS_MAX = 50
PATH_CHARS_MAX = 200
# A socket is closed with the status that a request would get, behind this.
SOCKET_CLOSE_BASE = 4_000
SOCKET_FAILED = 1011
SOCKET_TRY_AGAIN = 1013
NO_ROOM = (
    "The disk of the server's data directory is full. Nothing was changed: free some space there"
    " and try again; appliances keep their evidence and send it then."
)

AWAY = "The database does not answer just now: try again in a moment."
RETRY_SECONDS = 1

FAILED = "Something failed here; the server's log says what. Nothing was changed."

_log = logging.getLogger(__name__)
_CODES = {
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
    421: "misdirected",
}


def response(
    status: int,
    code: str,
    detail: str,
    *,
    extra: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A problem-details answer; `extra` members stand beside the registered ones."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "code": code,
        **(extra or {}),
    }
    return Response(orjson.dumps(body), status, headers=dict(headers or {}), media_type=MEDIA_TYPE)


def _never(_: Exception) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Storage:
    """The errors of a store, and which of them are for want of room on the disk, or only mean that
    its database is away for a moment."""

    errors: tuple[type[Exception], ...]
    is_want_of_room: Callable[[Exception], bool]
    is_away: Callable[[Exception], bool] = _never


def install(app: FastAPI, storage: Storage) -> None:
    """Every error of the app leaves as a problem; one of the store's says what is the matter."""

    async def wardline(request: Request | WebSocket, error: Exception) -> Response | None:
        if isinstance(error, WardlineError) and error.status == HTTPStatus.INTERNAL_SERVER_ERROR:
            if isinstance(request, Request):
                return await unexpected(request, error)
        return await refused(request, error)

    async def stored(request: Request | WebSocket, error: Exception) -> Response | None:
        if isinstance(request, Request):
            return await unexpected(request, error)
        if storage.is_away(error):
            _log.error("%s: the database is away: %s", request.url.path, error)
            await close_socket(request, SOCKET_TRY_AGAIN, "busy")
        else:
            _log.error("%s failed", request.url.path, exc_info=error)
            await close_socket(request, SOCKET_FAILED, "internal")
        return None

    async def unexpected(request: Request, error: Exception) -> Response:
        where = f"{request.method} {request.url.path}"
        if storage.is_want_of_room(error):
            _log.error("%s: the database has no room: %s", where, error)
            return response(507, "no_room", NO_ROOM)
        if storage.is_away(error):
            _log.error("%s: the database is away: %s", where, error)
            return response(503, "busy", AWAY, headers={"retry-after": str(RETRY_SECONDS)})
        _log.error("%s failed", where, exc_info=error)
        return response(500, "internal", FAILED)

    app.add_exception_handler(WardlineError, wardline)  # type: ignore[arg-type]
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(WebSocketRequestValidationError, _socket_validation)
    app.add_exception_handler(HTTPException, _http)
    # Named one by one: an answer to any other error also ends the caller's connection, and leaves
    # its stack in the log once more.
    for each in storage.errors:
        app.add_exception_handler(each, stored)  # type: ignore[arg-type]
    app.add_exception_handler(Exception, unexpected)


async def close_socket(websocket: WebSocket, code: int, reason: str) -> None:
    """Accepted first where it was not: a browser sees the code of an open socket only."""
    try:
        if websocket.application_state is WebSocketState.CONNECTING:
            await websocket.accept()
        await websocket.close(code, reason)
    except WebSocketDisconnect:
        # The peer was quicker.
        return


async def refused(request: Request | WebSocket, error: Exception) -> Response | None:
    """What an error of ours says, as an answer or as the end of a socket."""
    assert isinstance(error, WardlineError)
    if isinstance(request, WebSocket):
        await close_socket(request, close_code(error.status), error.code)
        return None
    return response(
        error.status,
        error.code,
        _plain(str(error)),
        extra=getattr(error, "extra", None),
        headers=getattr(error, "headers", None),
    )


def close_code(status: int) -> int:
    """The code that closes a socket where a request would get this status."""
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return SOCKET_TRY_AGAIN
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return SOCKET_FAILED
    return SOCKET_CLOSE_BASE + status


async def _socket_validation(websocket: WebSocket, error: Exception) -> None:
    await close_socket(websocket, SOCKET_CLOSE_BASE + HTTPStatus.UNPROCESSABLE_ENTITY, "invalid")


async def _validation(request: Request, error: Exception) -> Response:
    """Where and why, never the input: it may hold a secret, or text that no answer can hold."""
    assert isinstance(error, RequestValidationError)
    problems = [
        {"path": _path(each["loc"]), "reason": _plain(str(each["msg"]))}
        for each in error.errors()[:ERRORS_MAX]
    ]
    first = problems[0] if problems else {"path": "body", "reason": "not acceptable"}
    detail = f"{first['path']}: {first['reason']}"
    return response(422, "invalid", detail, extra={"errors": problems})


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == HTTPStatus.BAD_REQUEST:
        # What the framework says of JSON that is nested too deeply or not in UTF-8.
        return response(422, "malformed", "body: cannot be read as JSON")
    code = _CODES.get(error.status_code, "refused")
    return response(error.status_code, code, _plain(error.detail), headers=error.headers)


def _path(location: Sequence[Any]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return _plain(text)[:PATH_CHARS_MAX]


def _plain(text: str) -> str:
    """Text that any answer can hold: a lone surrogate has no UTF-8."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "?")


class Route(APIRoute):
    """A route whose refusals are problems in whatever app it is included."""

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        handlers, statuses = scope.get("starlette.exception_handlers", ({}, {}))
        if WardlineError not in handlers:
            known = ({**handlers, WardlineError: refused}, statuses)
            scope["starlette.exception_handlers"] = known
        await super().handle(scope, receive, send)
