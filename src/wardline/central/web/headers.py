"""What every answer carries, and which Host names are answered at all.

A strict content policy, no sniffing, no framing, no caching of data.
"""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from wardline.central.settings import Transport
from wardline.central.web import problems

CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self'",
        # The component library sets styles on elements; scripts stay strict.
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
HSTS_SECONDS = 365 * 24 * 3600
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})

_ALWAYS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class HeaderGate:
    """Pure ASGI: refuses foreign Host names, of sockets too, and adds the headers."""

    def __init__(self, app: ASGIApp, transport: Transport) -> None:
        self._app = app
        self._secure = transport is not Transport.LOOPBACK

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message), scope["path"])
            await send(message)

        # A page whose name was rebound to this machine still sends its own name. Under TLS the
        # certificate keeps it out, behind a proxy the proxy does.
        if not self._secure and host_name(scope) not in LOOPBACK_NAMES:
            answer = problems.response(
                421, "misdirected", "host: this server does not answer under that name"
            )
            await answer(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)

    def _add(self, headers: MutableHeaders, path: str) -> None:
        for name, value in _ALWAYS.items():
            headers[name] = value
        if self._secure:
            headers["strict-transport-security"] = f"max-age={HSTS_SECONDS}"
        if path.startswith("/api/"):
            headers["cache-control"] = "no-store"


def host_name(scope: Scope) -> str:
    """The Host header without its port, lower case; empty where there is not exactly one."""
    found = [value for name, value in scope["headers"] if name == b"host"]
    if len(found) != 1:
        return ""
    text: str = found[0].decode("latin-1").lower()
    name, bracket, _ = text.partition("]")
    return name + bracket if bracket else text.partition(":")[0]
