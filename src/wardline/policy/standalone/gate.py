"""What every request passes: who asks, pages of other origins, how large a body may be."""

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wardline.core.errors import WardlineError
from wardline.policy import bodies, problems
from wardline.policy.standalone.access import Door

REQUESTS_MAX = 256
PREFLIGHT_SECONDS = 600
METHODS = "GET, POST, DELETE"
HEADERS = "authorization, content-type, if-match, if-none-match, x-wardline"
EXPOSED = "etag, content-disposition, retry-after"
OPEN_PATHS = frozenset({"/healthz"})

_ALWAYS = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


class TooBusy(WardlineError):
    """More is asked at once than is worked on; the same request is welcome in a moment."""

    status = 503
    code = "busy"
    headers = {"retry-after": "1"}  # noqa: RUF012 - read only


class Gate:
    """Pure ASGI: finds out who asks before a body is read, and answers pages across origins."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door
        self._requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        origin = connection.headers.get("origin")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message), origin)
            await send(message)

        try:
            if scope["method"] == "OPTIONS":
                answer = self._preflight(connection)
                await answer(scope, receive, send_with_headers)
                return
            if scope["path"] not in OPEN_PATHS:
                self._door.caller(connection)
            if self._requests >= REQUESTS_MAX:
                raise TooBusy(f"{REQUESTS_MAX} requests are worked on already: try again soon")
        except WardlineError as error:
            await _refusal(error)(scope, receive, send_with_headers)
            return
        self._requests += 1
        try:
            await self._pass(scope, receive, send_with_headers)
        finally:
            self._requests -= 1

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        try:
            body = await bodies.read(
                receive, bodies.BYTES_MAX, headers.get(b"content-length"), bodies.SECONDS_MAX
            )
            if body:
                bodies.check_type(headers.get(b"content-type", b"").decode("latin-1"))
        except WardlineError as error:
            await _refusal(error)(scope, receive, send)
            return
        if body is not None:
            await self._app(scope, bodies.replay(body, receive), send)

    def _preflight(self, connection: HTTPConnection) -> Response:
        """A page of an origin that may ask learns what it may send; raises CrossSite."""
        self._door.check_origin(connection)
        headers = {
            "access-control-allow-methods": METHODS,
            "access-control-allow-headers": HEADERS,
            "access-control-max-age": str(PREFLIGHT_SECONDS),
        }
        if connection.headers.get("access-control-request-private-network") == "true":
            headers["access-control-allow-private-network"] = "true"
        return Response(status_code=204, headers=headers)

    def _add(self, headers: MutableHeaders, origin: str | None) -> None:
        for name, value in _ALWAYS.items():
            headers[name] = value
        headers.add_vary_header("origin")
        if origin is not None and self._door.allowed(origin):
            headers["access-control-allow-origin"] = origin
            headers["access-control-expose-headers"] = EXPOSED


def _refusal(error: WardlineError) -> Response:
    # The rest of a refused body is not read, so the connection cannot be used again.
    headers = {**getattr(error, "headers", {}), "connection": "close"}
    return problems.response(error.status, error.code, str(error), headers=headers)
