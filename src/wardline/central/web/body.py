"""Request bodies: of known callers, in time, capped, decompressed under the same cap, JSON only."""

import contextlib
import json
import re
import zlib
from collections.abc import Awaitable, Callable, Iterable

import zstandard
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from wardline.central.web import problems
from wardline.central.web.load import Load
from wardline.core import protocol
from wardline.core.errors import WardlineError
from wardline.policy import authoring, bodies
from wardline.policy import endpoints as contract
from wardline.policy.bodies import BodyTooLarge, UnsupportedMediaType

BODY_BYTES_MAX = 1 << 20
AGENT_BODY_BYTES_MAX = protocol.BODY_BYTES_MAX
# Of callers who are not known yet: a sign-in, an enrolment.
PUBLIC_BODY_BYTES_MAX = 128 << 10
ZSTD_WINDOW_BYTES_MAX = 8 << 20
POLICY_PREFIXES = (f"{contract.PREFIX}/", f"{authoring.PREFIX}/")
GZIP_WINDOW_BITS = 31
NESTING_MAX = 64

_SUSPECT = re.compile(rb"\\u(?:0000|[dD][89a-fA-F])")
_NUL_IN_URL = b"%00"


class BrokenEncoding(WardlineError):
    """A compressed body that does not decompress."""

    status = 422
    code = "malformed"


# Whether a stranger may send a body to this address; raises WardlineError for a caller whom no
# other address would serve.
Admit = Callable[[Scope], Awaitable[None]]


class BodyGate:
    """Pure ASGI: hands the app a whole, plain, bounded body, or answers in its place.

    A body is read of callers whom `admit` lets through, and from anybody at a `public` address.
    """

    def __init__(
        self,
        app: ASGIApp,
        load: Load,
        admit: Admit,
        public: frozenset[str],
        body_seconds_max: float = bodies.SECONDS_MAX,
    ) -> None:
        self._app = app
        self._load = load
        self._admit = admit
        self._public = public
        self._body_seconds_max = body_seconds_max

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        address = scope["client"][0] if scope.get("client") else None
        with contextlib.ExitStack() as places:
            try:
                places.enter_context(self._load.of_address(address))
                body = await self._body(scope, receive)
                places.enter_context(self._load.of_all())
            except WardlineError as error:
                await _refusal(error)(scope, receive, send)
                return
            if body is not None:
                await self._app(scope, bodies.replay(body, receive), send)

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        public = scope["path"] in self._public
        if not public and _has_body(scope):
            with self._load.of_all():
                await self._admit(scope)
        limit = PUBLIC_BODY_BYTES_MAX if public else _limit(scope["path"])
        return await _take(scope, receive, limit, self._body_seconds_max)


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value.strip(b"0 ") != b"")
        for name, value in scope["headers"]
    )


async def _take(scope: Scope, receive: Receive, limit: int, seconds_max: float) -> bytes | None:
    """The plain body; None where the caller went away. Rewrites the headers that describe it."""
    if _NUL_IN_URL in scope["query_string"] or _NUL_IN_URL in scope.get("raw_path", b""):
        raise problems.InvalidText("url: a NUL cannot be stored; leave it out")
    headers = {name: value for name, value in scope["headers"] if name.startswith(b"content-")}
    received = await bodies.read(receive, limit, headers.get(b"content-length"), seconds_max)
    if not received:
        return received
    bodies.check_type(headers.get(b"content-type", b"").decode("latin-1"))
    encoding = headers.get(b"content-encoding", b"identity").decode("latin-1").strip().lower()
    plain = _decompress(received, encoding, limit)
    _check_text(plain)
    scope["headers"] = [
        *((name, value) for name, value in scope["headers"] if name not in _REWRITTEN),
        (b"content-length", str(len(plain)).encode()),
    ]
    return plain


_REWRITTEN = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})


def _limit(path: str) -> int:
    if path.startswith(protocol.PREFIX):
        return AGENT_BODY_BYTES_MAX
    # What the policy manager takes by itself, it takes here.
    return bodies.BYTES_MAX if path.startswith(POLICY_PREFIXES) else BODY_BYTES_MAX


def _decompress(received: bytes, encoding: str, limit: int) -> bytes:
    match encoding:
        case "identity" | "":
            return received
        case "gzip":
            plain = _gunzip(received, limit)
        case "zstd":
            plain = _unzstd(received, limit)
        case _:
            raise UnsupportedMediaType("content-encoding: gzip, zstd or none")
    if len(plain) > limit:
        raise BodyTooLarge(f"body: at most {limit} bytes are taken here, decompressed")
    return plain


def _gunzip(received: bytes, limit: int) -> bytes:
    decompressor = zlib.decompressobj(GZIP_WINDOW_BITS)
    try:
        plain = decompressor.decompress(received, limit + 1)
    except zlib.error:
        raise BrokenEncoding("body: not gzip, though its content-encoding says so") from None
    if len(plain) <= limit and (not decompressor.eof or decompressor.unused_data):
        raise BrokenEncoding("body: the gzip stream is cut off or has something behind it")
    return plain


def _unzstd(received: bytes, limit: int) -> bytes:
    decompressor = zstandard.ZstdDecompressor(max_window_size=ZSTD_WINDOW_BYTES_MAX)
    try:
        with decompressor.stream_reader(received, read_across_frames=True) as reader:
            return reader.read(limit + 1)
    except zstandard.ZstdError:
        raise BrokenEncoding("body: not zstd, though its content-encoding says so") from None


def _check_text(plain: bytes) -> None:
    """Refuses what JSON can spell and PostgreSQL cannot hold; looks closely at suspects only."""
    if _SUSPECT.search(plain) is None:
        return
    try:
        found = json.loads(plain)
    except (ValueError, RecursionError):
        return
    for text in _texts(found):
        if "\x00" in text:
            raise problems.InvalidText("body: a NUL cannot be stored; leave it out")
        if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
            raise problems.InvalidText("body: half of a surrogate pair is no character")


def _texts(found: object) -> Iterable[str]:
    pending = [found]
    while pending:
        one = pending.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, list):
            pending.extend(one)
        elif isinstance(one, dict):
            pending.extend(one)
            pending.extend(one.values())


def _refusal(error: WardlineError) -> Response:
    # The rest of a refused body is not read, so the connection cannot be used again.
    headers = {**getattr(error, "headers", {}), "connection": "close"}
    return problems.response(error.status, error.code, str(error), headers=headers)
