"""What a request or a socket finds in the running app: the pool, the clock, the settings."""

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.requests import HTTPConnection

from wardline.central.settings import WebSettings
from wardline.core.clock import Now


def engine(connection: HTTPConnection) -> AsyncEngine:
    """The application role's pool."""
    found: AsyncEngine = connection.app.state.engine
    return found


def now(connection: HTTPConnection) -> Now:
    """The clock."""
    found: Now = connection.app.state.now
    return found


def settings(connection: HTTPConnection) -> WebSettings:
    """What the supervisor gave this process."""
    found: WebSettings = connection.app.state.settings
    return found


def address(connection: HTTPConnection) -> str | None:
    """Where the caller is, as text; of the trusted proxy's word where there is one."""
    return connection.client.host if connection.client is not None else None
