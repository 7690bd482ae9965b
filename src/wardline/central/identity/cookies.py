"""The cookies: a session's secret, and a secret by which a browser is known at its next sign-in.

`__Host-wardline` over TLS, plain `wardline` on loopback HTTP; the other with `-device` behind.
"""

from starlette.responses import Response

from wardline.central.settings import Transport

DEVICE_SECONDS_MAX = 180 * 24 * 3600


def name(transport: Transport) -> str:
    """A browser takes the `__Host-` prefix over TLS only, and then for this very host only."""
    return "wardline" if transport is Transport.LOOPBACK else "__Host-wardline"


def device_name(transport: Transport) -> str:
    """The cookie of a browser that signed in before."""
    return f"{name(transport)}-device"


def put(response: Response, transport: Transport, secret: str, seconds_max: int) -> None:
    """Gives the session's secret to the browser, out of reach of scripts and other sites."""
    _put(response, transport, name(transport), secret, seconds_max)


def put_device(response: Response, transport: Transport, secret: str) -> None:
    """By this the browser is told from strangers at its next sign-in; it opens nothing."""
    _put(response, transport, device_name(transport), secret, DEVICE_SECONDS_MAX)


def _put(
    response: Response, transport: Transport, called: str, secret: str, seconds_max: int
) -> None:
    response.set_cookie(
        called,
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
