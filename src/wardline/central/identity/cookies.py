"""The session cookie: `__Host-wardline` over TLS, plain `wardline` on loopback HTTP."""

from starlette.responses import Response

from wardline.central.settings import Transport


def name(transport: Transport) -> str:
    """A browser takes the `__Host-` prefix over TLS only, and then for this very host only."""
    return "wardline" if transport is Transport.LOOPBACK else "__Host-wardline"


def put(response: Response, transport: Transport, secret: str, seconds_max: int) -> None:
    """Gives the session's secret to the browser, out of reach of scripts and other sites."""
    response.set_cookie(
        name(transport),
        secret,
        max_age=seconds_max,
        path="/",
        secure=transport is not Transport.LOOPBACK,
        httponly=True,
        samesite="strict",
    )


def clear(response: Response, transport: Transport) -> None:
    """Takes it back."""
    response.delete_cookie(
        name(transport),
        path="/",
        secure=transport is not Transport.LOOPBACK,
        httponly=True,
        samesite="strict",
    )
