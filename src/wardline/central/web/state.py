"""The parts that a request finds in the running app: the pool, the clock, the settings."""

from fastapi import Request
from sqlalchemy.ext.asyncio import AsyncEngine

from wardline.central.settings import WebSettings
from wardline.core.clock import Now


def engine(request: Request) -> AsyncEngine:
    """The application role's pool."""
    found: AsyncEngine = request.app.state.engine
    return found


def now(request: Request) -> Now:
    """The clock."""
    found: Now = request.app.state.now
    return found


def settings(request: Request) -> WebSettings:
    """What the supervisor gave this process."""
    found: WebSettings = request.app.state.settings
    return found


def address(request: Request) -> str | None:
    """Where the caller is, as text; of the trusted proxy's word where there is one."""
    return request.client.host if request.client is not None else None
