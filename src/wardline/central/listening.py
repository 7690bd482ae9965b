"""Where Central listens, and how: loopback in the clear, anything else TLS or a trusted proxy."""

import contextlib
import errno
import ipaddress
import socket
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from wardline.central.identity import certificates
from wardline.central.identity.certificates import Certificates
from wardline.central.settings import Transport
from wardline.core.clock import Now
from wardline.core.errors import WardlineError, WrongUsage

BACKLOG = 2048
PORT_MAX = 65535
URL_OF_PROXY = (
    "--behind-proxy: only the proxy knows the address that people and appliances use;"
    " give it with --url, such as https://central.example.com"
)


class CannotListen(WardlineError):
    """The address or port cannot be listened on as asked."""


class BadOptions(WrongUsage):
    """The options of `wardline up` do not go together, or one cannot be what it says."""


@dataclass(frozen=True, slots=True)
class Listener:
    """What was asked for on the command line."""

    host: str
    port: int
    tls_cert: Path | None = None
    tls_key: Path | None = None
    proxy: str | None = None
    url: str | None = None

    def transport(self) -> Transport:
        """Raises BadOptions for a combination that would be unsafe or makes no sense."""
        if not 0 <= self.port <= PORT_MAX:
            raise BadOptions(f"--port {self.port}: ports go from 1 to {PORT_MAX}")
        if self.url is not None:
            _check_url(self.url)
        if (self.tls_cert is None) != (self.tls_key is None):
            raise BadOptions("--tls-cert and --tls-key go together: give both, or neither")
        if self.proxy is not None:
            _check_proxy(self.proxy, self.tls_cert, self.url)
            return Transport.PROXY
        if self.tls_cert is not None or not _is_loopback(self.host):
            return Transport.TLS
        return Transport.LOOPBACK

    def bind(self) -> socket.socket:
        """The listening socket; raises CannotListen, naming the port and what to do next."""
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((self.host.strip("[]"), self.port))
            bound.listen(BACKLOG)
        except OSError as error:
            bound.close()
            raise CannotListen(_why_not(self, error)) from error
        return bound

    def certificates(self, directory: Path, now: Now) -> Certificates | None:
        """What the web process serves; None where it speaks plain HTTP."""
        if self.transport() is not Transport.TLS:
            return None
        if self.tls_cert is not None and self.tls_key is not None:
            return certificates.given(self.tls_cert, self.tls_key, now)
        return certificates.own(directory, self._names(), now)

    def address(self, port: int) -> str:
        """The URL for people and appliances, once the port is known."""
        if self.url is not None:
            return self.url.rstrip("/")
        match self.transport():
            case Transport.LOOPBACK:
                return f"http://{self.host}:{port}"
            case Transport.PROXY:
                raise BadOptions(URL_OF_PROXY)
            case Transport.TLS:
                return f"https://{self._first_name()}:{port}"

    def local_address(self, port: int) -> str | None:
        """How this machine's own command line reaches a Central behind a proxy; else None."""
        if self.proxy is None or not (_is_loopback(self.host) or _is_wildcard(self.host)):
            return None
        return f"http://127.0.0.1:{port}"

    def _first_name(self) -> str:
        if self.tls_cert is not None:
            return _name_in(self.tls_cert) or self.host
        return self._names()[0]

    def _names(self) -> list[str]:
        """What a certificate of ours is for, the one in the address first."""
        if not _is_wildcard(self.host):
            return list(dict.fromkeys([self.host, "localhost", "127.0.0.1"]))
        named = [name for name in (_outward_address(), socket.gethostname()) if name]
        return list(dict.fromkeys([*named, "localhost", "127.0.0.1"]))


def _check_proxy(proxy: str, tls_cert: Path | None, url: str | None) -> None:
    if tls_cert is not None:
        raise BadOptions("--behind-proxy: the proxy ends TLS, so give no --tls-cert")
    try:
        ipaddress.ip_address(proxy)
    except ValueError:
        raise BadOptions(
            f"--behind-proxy {proxy}: give the address that the proxy connects from,"
            " such as 10.0.0.5"
        ) from None
    if url is None:
        raise BadOptions(URL_OF_PROXY)
    if not url.startswith("https://"):
        raise BadOptions(f"--url {url}: behind a proxy that ends TLS it begins with https://")


def _check_url(url: str) -> None:
    if not _is_address(url):
        raise BadOptions(
            f"--url {url}: give the address that people and appliances use,"
            " such as https://central.example.com"
        )


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        named = parts.hostname is not None and parts.port != 0
    except ValueError:
        return False
    return named and parts.scheme in ("http", "https") and not (parts.query or parts.fragment)


def _is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    return host == "localhost"


def _is_wildcard(host: str) -> bool:
    return host.strip("[]") in {"0.0.0.0", "::"}  # noqa: S104 - compared, not bound


def _outward_address() -> str | None:
    """The address that this machine has towards others; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])


def _name_in(certificate: Path) -> str | None:
    held = x509.load_pem_x509_certificate(certificate.read_bytes()).extensions
    try:
        names = held.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return None
    hosts = names.get_values_for_type(x509.DNSName)
    return next((name for name in hosts if "*" not in name), None)


def _why_not(listener: Listener, error: OSError) -> str:
    where = f"port {listener.port} of {listener.host}"
    if error.errno == errno.EADDRINUSE:
        return (
            f"{where} is in use by another program; stop that one, or choose another with"
            f" --port {listener.port + 1}"
        )
    if error.errno == errno.EACCES:
        return f"{where} needs more rights than this user has; choose a --port above 1023"
    return f"{where} cannot be listened on: {error.strerror}; check --host and --port"
