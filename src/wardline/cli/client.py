"""Talks to Central's API for people: where it is, who calls, what went wrong."""

import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from wardline.core.errors import WardlineError

REQUEST_TIMEOUT_S = 30.0
DOWNLOAD_CHUNK_BYTES = 1 << 16
API = "/api/v1"
POLICY_API = "/api/mcp/policy"


class Unreachable(WardlineError):
    """Nobody answers where Central should be."""


class Rejected(WardlineError):
    """Central answered, and the answer is no."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


@dataclass(frozen=True, slots=True)
class Address:
    """Where a Central of this machine listens, and a token that may read it."""

    url: str
    token: str
    ca_file: Path | None


def local_address(data: Path) -> Address:
    """The address that a running `wardline up` left in its data directory.

    Raises Unreachable where none is running on that directory or its file is unreadable.
    """
    path = data / "run" / "central.json"
    try:
        found = json.loads(path.read_text())
        ca_file = found.get("ca_file")
        return Address(found["url"], found["token"], Path(ca_file) if ca_file else None)
    except FileNotFoundError:
        raise Unreachable(
            f"no Central runs on {data} ({path} is not there);"
            " start one with `wardline up`, or name its directory with --data"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Unreachable(f"{path} cannot be read ({error}); start `wardline up` again") from None


class Client:
    """One caller's connection; `token` is a bearer credential, or sign in with `sign_in`."""

    def __init__(self, url: str, *, token: str | None = None, ca_file: Path | None = None) -> None:
        headers = {"X-Wardline": "1", "Accept": "application/json"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self.url = url
        self._http = httpx2.Client(
            base_url=url,
            headers=headers,
            timeout=REQUEST_TIMEOUT_S,
            verify=_tls(url, ca_file),
            trust_env=False,
        )

    def close(self) -> None:
        self._http.close()

    def sign_in(self, email: str, password: str) -> Any:
        """Opens a session; the cookie stays in this client."""
        return self.post("/session", {"email": email, "password": password})

    def sign_out(self) -> None:
        """Ends the session that `sign_in` opened."""
        self._json(self._http.build_request("DELETE", API + "/session"))

    def get(self, path: str, **parameters: str | int) -> Any:
        return self._json(self._http.build_request("GET", API + path, params=parameters))

    def post(self, path: str, body: object) -> Any:
        return self._json(self._http.build_request("POST", API + path, json=body))

    def policy(self, name: str, body: object | None = None) -> Any:
        """One endpoint of the policy contract: with a body a POST, without one a GET."""
        method = "GET" if body is None else "POST"
        return self._json(self._http.build_request(method, f"{POLICY_API}/{name}", json=body))

    @contextmanager
    def download(self, path: str) -> Iterator[Iterator[bytes]]:
        """The chunks of a streamed answer."""
        request = self._http.build_request("GET", API + path)
        response = self._send(request, stream=True)
        try:
            if response.is_error:
                response.read()
                raise _rejection(response)
            yield response.iter_bytes(DOWNLOAD_CHUNK_BYTES)
        except httpx2.TransportError as error:
            raise Unreachable(f"{self.url} stopped answering in mid-download: {error}") from None
        finally:
            response.close()

    def _json(self, request: httpx2.Request) -> Any:
        response = self._send(request)
        if response.is_error:
            raise _rejection(response)
        return response.json() if response.content else None

    def _send(self, request: httpx2.Request, *, stream: bool = False) -> httpx2.Response:
        try:
            return self._http.send(request, stream=stream)
        except httpx2.TransportError as error:
            raise Unreachable(
                f"{self.url} does not answer ({error}); is `wardline up` running there?"
            ) from None


def _tls(url: str, ca_file: Path | None) -> ssl.SSLContext:
    """Who is believed: the authority that is named, else those of the system; for plain HTTP
    nobody, for to load them takes longer than most commands."""
    if url.startswith("https:"):
        return ssl.create_default_context(cafile=ca_file)
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _rejection(response: httpx2.Response) -> Rejected:
    try:
        body = response.json()
        code = str(body.get("code", ""))
        message = str(body.get("detail") or body.get("title") or response.reason_phrase)
    except (ValueError, AttributeError):
        code, message = "", response.reason_phrase
    status = response.status_code
    return Rejected(status, code, f"Central answered {status}: {message}")
