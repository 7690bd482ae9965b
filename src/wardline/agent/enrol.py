"""Enrolment: an appliance meets its Central, makes its keys, and is known from then on."""

import base64
import hashlib
import re
import secrets
import shutil
import socket
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wardline import __version__
from wardline.agent import settings
from wardline.agent.hosts.host import Reader
from wardline.agent.scrub.marks import Marker
from wardline.agent.scrub.patient_names import PatientNames
from wardline.agent.scrub.scrubber import Scrubber
from wardline.agent.settings import (
    ApplianceSettings,
    CentralSettings,
    Flap,
    HostSettings,
    Intervals,
    Layout,
    Settings,
    SiteSettings,
)
from wardline.agent.store import keys
from wardline.agent.uplink import Address, Uplink, check_address
from wardline.core import protocol
from wardline.core.errors import Refused, WrongUsage
from wardline.core.evidence.signing import SigningKey, VerifyKey
from wardline.core.protocol import (
    EnrolRequest,
    EnrolResponse,
    HostReport,
    KeyPurpose,
    ServerKeys,
)

STAGING = ".enrolling"
NONCE_BYTES = 16
PEM_BEGIN = "-----BEGIN CERTIFICATE-----"
PEM_END = "-----END CERTIFICATE-----"
_TOKEN = re.compile(r"wl1\.([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]{43})\.([0-9a-f]{64})")

OpenHost = Callable[[HostSettings], Reader]
Connect = Callable[[Address, str | None], Uplink]


class TokenInvalid(WrongUsage):
    """What was pasted is not an enrolment token."""

    code = "token_invalid"


class NoHosts(WrongUsage):
    """An appliance that would look after nothing."""

    code = "no_hosts"


class CentralUnknown(Refused):
    """Whoever answered is not the Central that the token was made by."""

    code = "central_unknown"


class AlreadyEnrolled(Refused):
    """The data directory holds an appliance already."""

    code = "already_enrolled"


@dataclass(frozen=True, slots=True)
class Token:
    """`wl1.<id>.<secret>.<fingerprint of the server keys>`."""

    id: str
    secret: str
    fingerprint: str


@dataclass(frozen=True, slots=True)
class Wish:
    """What enrolment is asked for: where, with what, for which hosts, how often."""

    url: str
    token: str
    hosts: tuple[HostSettings, ...]
    intervals: Intervals
    flap: Flap


def parse_token(text: str) -> Token:
    match = _TOKEN.fullmatch(text.strip())
    if match is None:
        raise TokenInvalid(
            "this is not an enrolment token (wl1.…): copy the whole line that Central shows"
            " under the site"
        )
    return Token(match[1], match[2], match[3])


def enrol(layout: Layout, wish: Wish, open_host: OpenHost, connect: Connect) -> Settings:
    """Enrol this data directory; it is as before, or wholly enrolled.

    Raises AlreadyEnrolled, TokenInvalid, InsecureAddress, NoHosts, CentralUnknown, and what the
    uplink raises. Keys and settings are made in a folder of their own and put in place by renames,
    the settings last: a directory without them is not enrolled.
    """
    token = parse_token(wish.token)
    url = check_address(wish.url)
    _refuse_second(layout)
    _check_hosts(wish.hosts)
    scrubbing = secrets.token_bytes(keys.SCRUBBING_BYTES)
    scrubber = Scrubber(Marker(scrubbing), PatientNames(layout.patient_names))
    reports = [report(one, open_host(one), scrubber) for one in wish.hosts]
    server = meet(url, token, connect)
    staging = _fresh_staging(layout)
    try:
        ca = _pin(staging / "keys", server)
        keys.write_secret(staging / "keys" / keys.SCRUBBING, scrubbing)
        own_name = scrubber.host_name(socket.gethostname()) or "unnamed"
        response = _introduce(Address(url, ca), token, staging / "keys", own_name, reports, connect)
        made = _settings(url, server, response, wish)
        keys.write_secret(staging / "agent.toml", settings.to_toml(made).encode())
        settings.load(Layout(staging))
        _put_in_place(layout, staging)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return made


def _check_hosts(hosts: tuple[HostSettings, ...]) -> None:
    """Before Central is asked for anything: a token that was spent cannot be used again."""
    if not hosts:
        raise NoHosts(
            "this appliance would have no host to check: leave out --no-local, or name file trees"
            " with --tree NAME=PATH; the token was not used"
        )
    names = [host.name for host in hosts]
    for name in names:
        if names.count(name) > 1:
            raise settings.SettingsInvalid(
                f"two hosts are called {name}; give each its own name (--tree NAME=PATH)"
            )


def report(host: HostSettings, opened: Reader, scrubber: Scrubber) -> HostReport:
    """How the appliance declares a host to Central: no patient's name in its name."""
    return HostReport(
        id=host.id,
        name=scrubber.host_name(host.name),
        kind=host.kind,
        platform=opened.platform,
        observed=host.observed,
    )


def meet(url: str, token: Token, connect: Connect) -> ServerKeys:
    """Central's keys, once they are shown to be those that the token names.

    The only request whose TLS certificate is not verified: what comes back is public, and is
    believed because of the fingerprint that came with the token, and of the nonce it signs.
    """
    nonce = secrets.token_hex(NONCE_BYTES)
    uplink = connect(Address(url, verify=False), None)
    try:
        server = uplink.keys(nonce)
    finally:
        uplink.close()
    found = fingerprint(server)
    if not secrets.compare_digest(found, token.fingerprint):
        raise CentralUnknown(
            f"{url} is not the Central that made this token: its keys have the fingerprint"
            f" {found[:16]}…, the token names {token.fingerprint[:16]}…. Check the address; if it"
            " is right, somebody may be in between"
        )
    _check_purposes(server)
    signed = protocol.KEYS_CONTEXT + nonce.encode() + found.encode()
    if not _key(server, KeyPurpose.UPLINK).verify(signed, base64.b64decode(server.signature)):
        raise CentralUnknown(f"{url} shows the right keys but does not hold them")
    return server


def fingerprint(server: ServerKeys) -> str:
    """Hex SHA-256 over Central's keys and its own authority, as the token carries it."""
    ca_sha256 = None
    if server.tls_ca_pem is not None:
        ca_sha256 = hashlib.sha256(_certificate(server.tls_ca_pem)).hexdigest()
    text = protocol.fingerprint_text(server.installation_id, server.keys, ca_sha256)
    return hashlib.sha256(text).hexdigest()


def _refuse_second(layout: Layout) -> None:
    if not layout.settings.exists():
        return
    raise AlreadyEnrolled(
        f"{layout.root} holds an enrolled appliance already. Run it with `wardline agent run`;"
        " for a second appliance name another directory with --data; to start over, stop the"
        f" agent and move {layout.root} away (it holds keys and evidence that was not sent yet)"
    )


def _fresh_staging(layout: Layout) -> Path:
    layout.root.mkdir(mode=settings.DIRECTORY_MODE, parents=True, exist_ok=True)
    layout.root.chmod(settings.DIRECTORY_MODE)
    staging = layout.root / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=settings.DIRECTORY_MODE)
    (staging / "keys").mkdir(mode=settings.DIRECTORY_MODE)
    return staging


def _pin(folder: Path, server: ServerKeys) -> Path | None:
    if server.tls_ca_pem is None:
        return None
    path = folder / keys.CENTRAL_CA
    # Written anew from the one certificate that the fingerprint covers: a second one beside it in
    # the text would be trusted without anybody having vouched for it.
    keys.write_secret(path, ssl.DER_cert_to_PEM_cert(_certificate(server.tls_ca_pem)).encode())
    return path


def _certificate(pem: str) -> bytes:
    """The DER form of the first certificate; raises CentralUnknown for a text that has none."""
    begin, end = pem.find(PEM_BEGIN), pem.find(PEM_END)
    if not 0 <= begin < end:
        raise CentralUnknown("Central sent an authority that is no certificate")
    try:
        return ssl.PEM_cert_to_DER_cert(pem[begin : end + len(PEM_END)])
    except ValueError:
        raise CentralUnknown("Central sent an authority that is no certificate") from None


def _introduce(
    address: Address,
    token: Token,
    folder: Path,
    own_name: str,
    reports: list[HostReport],
    connect: Connect,
) -> EnrolResponse:
    """Make the keys, show them to Central, and keep the credential that it gives."""
    evidence_key, witness_key = SigningKey.generate(), SigningKey.generate()
    keys.write_secret(folder / keys.EVIDENCE, evidence_key.seed)
    keys.write_secret(folder / keys.WITNESS, witness_key.seed)
    public, witness = _text(evidence_key.public), _text(witness_key.public)
    proof = protocol.ENROL_CONTEXT + f"{token.id}\n{public}\n{witness}".encode()
    uplink = connect(address, None)
    try:
        response = uplink.enrol(
            EnrolRequest(
                token_id=token.id,
                token_secret=token.secret,
                public=public,
                witness=witness,
                proof=_text(evidence_key.sign(proof)),
                hostname=own_name,
                platform=reports[0].platform if reports else "linux/unknown",
                agent_version=__version__,
                hosts=reports,
            )
        )
    finally:
        uplink.close()
    keys.write_secret(folder / keys.CREDENTIAL, response.credential.encode())
    return response


def _settings(url: str, server: ServerKeys, response: EnrolResponse, wish: Wish) -> Settings:
    return Settings(
        central=CentralSettings(
            url=url,
            installation_id=server.installation_id,
            uplink_key=_public(server, KeyPurpose.UPLINK),
            log_key=_public(server, KeyPurpose.LOG),
            policy_key=_public(server, KeyPurpose.POLICY),
            order_key=_public(server, KeyPurpose.ORDER),
            log_origin=response.log_origin,
        ),
        site=SiteSettings(id=response.site_id, name=response.site_name),
        appliance=ApplianceSettings(id=response.appliance_id),
        hosts=list(wish.hosts),
        intervals=wish.intervals,
        flap=wish.flap,
    )


def _put_in_place(layout: Layout, staging: Path) -> None:
    """Keys first, settings last: what stops in between leaves a directory that is not enrolled."""
    if layout.keys.exists():
        # Left by an attempt that never came to its end: these keys were never an appliance's.
        shutil.rmtree(layout.keys)
    (staging / "keys").rename(layout.keys)
    keys.sync_directory(layout.root)
    (staging / "agent.toml").rename(layout.settings)
    keys.sync_directory(layout.root)


def _check_purposes(server: ServerKeys) -> None:
    purposes = sorted(key.purpose.value for key in server.keys)
    if purposes != sorted(purpose.value for purpose in KeyPurpose):
        raise CentralUnknown(f"Central shows keys for {', '.join(purposes)}: expected one of each")


def _public(server: ServerKeys, purpose: KeyPurpose) -> str:
    return next(key.public for key in server.keys if key.purpose is purpose)


def _key(server: ServerKeys, purpose: KeyPurpose) -> VerifyKey:
    return VerifyKey(base64.b64decode(_public(server, purpose)))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
