"""Who may ask a server on a policy file: whoever is on this machine, or who shows a token.

Without a token file the server answers this machine alone: the peer's address and the Host name
must be loopback (a name that was rebound to this machine still says its own), and a page must be
one of this machine, on any port, or of `--allow-origin`. With one, a token says who it is.
"""

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.websockets import WebSocket

from wardline.core.errors import WardlineError
from wardline.policy import addresses
from wardline.policy.standalone.tickets import Tickets
from wardline.policy.standalone.tokens import Caller, Role, TokenRefused, Tokens

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})
LOCAL = Caller("local", Role.ADMIN)
# What proxies say of those for whom they ask, which are not on this machine.
FORWARDED = ("forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-real-ip")
TICKET_PARAMETER = "ticket"
_BEARER = "bearer "
_HOST = re.compile(r"(\[[^\]]*\]|[^:@]*)(?::[0-9]{1,5})?", re.ASCII)


class Misdirected(WardlineError):
    """Without tokens the server answers this machine, under a name of this machine."""

    status = 421
    code = "misdirected"


class CrossSite(WardlineError):
    """A request that a page of another origin has made."""

    status = 403
    code = "cross_site"


class Door:
    """Lets callers in; `tokens` None: whoever is on this machine."""

    def __init__(self, tokens: Tokens | None, origins: frozenset[str]) -> None:
        self.tokens = tokens
        self.tickets = Tickets()
        self._origins = origins

    def caller(self, connection: HTTPConnection) -> Caller:
        """Who asks; raises Misdirected, CrossSite, TokenRefused."""
        self.check_origin(connection)
        if self.tokens is None:
            _check_local(connection)
            return LOCAL
        shown = connection.query_params.get(TICKET_PARAMETER)
        if shown is not None and isinstance(connection, WebSocket):
            found = self.tickets.take(shown)
            self.tokens.check(found)
            return found
        return self.tokens.caller(_bearer(connection.headers))

    def check(self, caller: Caller) -> None:
        """Raises TokenRefused where the caller may listen no longer."""
        if self.tokens is not None:
            self.tokens.check(caller)

    def allowed(self, origin: str) -> bool:
        """Whether pages of this origin may ask."""
        return origin in self._origins or _is_of_this_machine(origin)

    def check_origin(self, connection: HTTPConnection) -> None:
        """Raises CrossSite for what a page of another origin asks."""
        origins = connection.headers.getlist("origin")
        if not origins:
            # An image or a form that only reads sends no origin, but says where it comes from.
            if connection.headers.get("sec-fetch-site") == "cross-site":
                raise CrossSite("the request comes from a page of another host")
        elif len(origins) > 1 or not self.allowed(origins[0]):
            raise CrossSite("origin: pages of this origin may not ask; --allow-origin lets them in")


def _check_local(connection: HTTPConnection) -> None:
    peer = connection.client
    if peer is None or not addresses.is_loopback(peer.host):
        raise Misdirected("without --token-file only this machine is answered")
    if any(name in connection.headers for name in FORWARDED):
        raise Misdirected("a proxy stands before the server: say who may ask with --token-file")
    names = connection.headers.getlist("host")
    if len(names) != 1 or _without_port(names[0].lower()) not in LOOPBACK_NAMES:
        raise Misdirected("host: without --token-file the server answers as localhost only")


def _without_port(host: str) -> str:
    """The name alone; nothing of what is no name with a port or none."""
    found = _HOST.fullmatch(host)
    return found[1] if found is not None else ""


def _is_of_this_machine(origin: str) -> bool:
    try:
        parts = urlsplit(origin)
        _ = parts.port
    except ValueError:
        return False
    if parts.scheme not in ("http", "https") or f"{parts.scheme}://{parts.netloc}" != origin:
        return False
    return "@" not in parts.netloc and _without_port(parts.netloc) in LOOPBACK_NAMES


def _bearer(headers: Mapping[str, str]) -> str:
    shown = headers.get("authorization", "")
    if shown[: len(_BEARER)].lower() != _BEARER:
        raise TokenRefused("authorization: show your token as `Bearer …`")
    return shown[len(_BEARER) :].strip()
