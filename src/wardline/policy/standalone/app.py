"""The server's app: the routes behind the gate, every error a problem."""

import sqlite3

from fastapi import FastAPI

from wardline import __version__
from wardline.policy import problems
from wardline.policy.file.book import Book
from wardline.policy.standalone.gate import Gate
from wardline.policy.standalone.routes import Routes
from wardline.policy.standalone.settings import Settings


def create(settings: Settings, book: Book | None = None) -> FastAPI:
    """The app on a policy file, or on one that is open already; raises BadSettings."""
    routes = Routes(settings, book)
    app = FastAPI(
        title="Wardline policy manager",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        # Its target would be the Host of the request, which anybody can choose.
        redirect_slashes=False,
    )
    app.include_router(routes.router)
    app.add_api_route("/healthz", healthz, methods=["GET"])
    problems.install(app, problems.Storage((sqlite3.Error,), _is_want_of_room))
    app.add_middleware(Gate, door=routes.door)
    return app


async def healthz() -> dict[str, bool]:
    """The process answers."""
    return {"ok": True}


def _is_want_of_room(error: Exception) -> bool:
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
