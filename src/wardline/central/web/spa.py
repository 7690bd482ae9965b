"""The built dashboard, served as files; every other address of a page gets its index."""

import mimetypes
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.types import Receive, Scope, Send

from wardline.central.web import problems

STATIC = Path(__file__).parent.parent / "static"
ASSET_SECONDS_MAX = 365 * 24 * 3600

_NOT_BUILT = """<!doctype html><html lang="en"><title>Wardline</title>
<h1>The dashboard is not built</h1>
<p>Central runs, and its API answers. Build the pages with <code>make dashboard</code>
in the checkout, then start again.</p></html>"""


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    media_type: str
    cache: str


class Dashboard:
    """ASGI: looks files up in a table made at start, so that no address can leave the folder."""

    def __init__(self, root: Path = STATIC) -> None:
        self._files = {
            f"/{path.relative_to(root).as_posix()}": _file(path, root)
            for path in root.rglob("*")
            if path.is_file()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            # A socket that nobody listens on; the server answers 403 to its handshake.
            await send({"type": "websocket.close"})
            return
        await self._answer(Request(scope))(scope, receive, send)

    def _answer(self, request: Request) -> Response:
        path = request.url.path
        if path.startswith("/api/"):
            return problems.response(404, "not_found", "no such address in this API")
        if request.method not in {"GET", "HEAD"}:
            return problems.response(405, "method_not_allowed", "pages are read with GET")
        found = self._files.get(path) or self._files.get("/index.html")
        if found is None:
            return HTMLResponse(_NOT_BUILT, 503)
        return FileResponse(
            found.path, media_type=found.media_type, headers={"cache-control": found.cache}
        )


def _file(path: Path, root: Path) -> _File:
    media_type, _ = mimetypes.guess_type(path.name)
    # The build writes a hash into the names under assets/, so these never change.
    hashed = path.relative_to(root).parts[0] == "assets"
    return _File(
        path,
        media_type or "application/octet-stream",
        f"public, max-age={ASSET_SECONDS_MAX}, immutable" if hashed else "no-cache",
    )
