"""Where a host over SSH is, as whom it is entered, and by which key it is known."""

import base64
import binascii
import hashlib
import ipaddress
import re
from dataclasses import dataclass

from wardline.core.errors import WrongUsage

PORT = 22
KEY_LINE_CHARS_MAX = 4096
# By key type, the signature algorithms that a host may prove it with: SHA-1 is not among them.
ALGORITHMS = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}

_USER = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,31}")
_NAME = re.compile(
    r"(?=.{1,253}\Z)[A-Za-z0-9]([A-Za-z0-9-]{0,62})(\.[A-Za-z0-9][A-Za-z0-9-]{0,62})*\.?"
)


class LoginInvalid(WrongUsage):
    """Not a place to log in at: user@address, user@address:port or user@[IPv6]:port."""

    code = "login_invalid"


class HostKeyInvalid(WrongUsage):
    """Not a public key of a host as OpenSSH writes it, or of a type that is not accepted."""

    code = "host_key_invalid"


@dataclass(frozen=True, slots=True)
class Login:
    """`host_key` is `type base64`, without a comment; `sudo` runs everything by `sudo -n`."""

    address: str
    port: int
    user: str
    sudo: bool
    host_key: str

    @property
    def text(self) -> str:
        """As errors name it."""
        shown = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.user}@{shown}:{self.port}"


def parse(text: str) -> tuple[str, str, int]:
    """User, address and port of `user@address`, `user@address:port` or `user@[IPv6]:port`."""
    user, at, place = text.partition("@")
    if not at or not _USER.fullmatch(user):
        raise LoginInvalid(f"{text!r}: give it as user@address or user@address:port")
    address, port = place, str(PORT)
    if place.startswith("["):
        address, bracket, rest = place[1:].partition("]")
        port = rest.removeprefix(":") if rest else port
        if not bracket or (rest and not rest.startswith(":")):
            raise LoginInvalid(f"{text!r}: write an IPv6 address as [address]:port")
    elif place.count(":") == 1:
        address, _, port = place.partition(":")
    if not port.isascii() or not port.isdecimal() or not 0 < int(port[:6]) < 65536:
        raise LoginInvalid(f"{text!r}: {port!r} is not a port")
    check_address(address)
    return user, address, int(port)


def check_address(address: str) -> None:
    """Raise LoginInvalid for what is neither a name nor an IP address."""
    try:
        ipaddress.ip_address(address)
    except ValueError:
        if not _NAME.fullmatch(address):
            raise LoginInvalid(f"{address!r} is neither a host name nor an IP address") from None


def algorithms(first: str = "ssh-ed25519") -> list[str]:
    """Every algorithm that is accepted, those of the type `first` before the others.

    A host that has no key of the pinned type any more shows another one, which is then told.
    """
    types = [first, *(one for one in ALGORITHMS if one != first)]
    return [algorithm for one in types for algorithm in ALGORITHMS[one]]


def parse_key(text: str) -> str:
    """`type base64` of a line of a .pub or known-key file, comment left out."""
    words = text.split()
    if len(text) > KEY_LINE_CHARS_MAX or len(words) < 2 or words[0] not in ALGORITHMS:
        raise HostKeyInvalid(
            f"not a host key: it begins with one of {', '.join(ALGORITHMS)}, then its base64"
        )
    try:
        blob = base64.b64decode(words[1], validate=True)
    except binascii.Error:
        raise HostKeyInvalid(f"the {words[0]} key is not base64") from None
    # RFC 4253, 6.6: the blob begins with its own type.
    if not blob.startswith(len(words[0]).to_bytes(4, "big") + words[0].encode()):
        raise HostKeyInvalid(f"the bytes are no {words[0]} key")
    return f"{words[0]} {words[1]}"


def fingerprint(host_key: str) -> str:
    """As `ssh-keygen -l` shows it."""
    digest = hashlib.sha256(base64.b64decode(host_key.split()[1])).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
