"""Behind a proxy: plain HTTP is taken from that one address, and its X-Forwarded-* believed."""

import ipaddress

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from wardline.central.web import problems


class PeerGate:
    """Pure ASGI, outermost: nobody but the proxy and this machine itself is answered."""

    def __init__(self, app: ASGIApp, proxy: str) -> None:
        self._app = ProxyHeadersMiddleware(app, trusted_hosts=[proxy])  # type: ignore[arg-type]
        self._proxy = ipaddress.ip_address(proxy)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan" and not self._may_ask(scope):
            answer = problems.response(
                403, "not_allowed", "this port answers its proxy; use the public address"
            )
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)  # type: ignore[arg-type]

    def _may_ask(self, scope: Scope) -> bool:
        if scope["client"] is None:
            return False
        peer = ipaddress.ip_address(scope["client"][0])
        return peer == self._proxy or peer.is_loopback
