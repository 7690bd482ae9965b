"""Central's own certificate authority and the certificate it serves; for any address but loopback.

The authority's certificate travels to appliances inside the server keys, under the fingerprint.
"""

import datetime
import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from wardline.central.settings import DataUnusable, write_private
from wardline.core.clock import Now

AUTHORITY_DAYS = 3650
LEAF_DAYS = 90
RENEW_DAYS_BEFORE = 30
# A clock that is a little behind ours still takes a new certificate.
BACKDATE_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Certificates:
    """Files for the web process; `authority` is None where the certificate was given."""

    certificate: Path
    key: Path
    authority: Path | None


def given(certificate: Path, key: Path, now: Now) -> Certificates:
    """A certificate of the operator's own; raises DataUnusable where nobody would accept it."""
    try:
        # An empty password: nobody could type one later, when the web process is started again.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key, password="")
    except (OSError, ssl.SSLError) as error:
        raise DataUnusable(
            f"{certificate} and {key} are no certificate with its key: {_why(error)};"
            " give PEM files that belong together, the key without a password, to --tls-cert and"
            " --tls-key"
        ) from error
    for one in x509.load_pem_x509_certificates(certificate.read_bytes()):
        _check_period(certificate, one, now)
    return Certificates(certificate, key, None)


def _why(error: OSError) -> str:
    if getattr(error, "reason", None) == "KEY_VALUES_MISMATCH":
        return "the key is another certificate's"
    return error.strerror or str(error)


def _check_period(path: Path, certificate: x509.Certificate, now: Now) -> None:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if begins <= now() <= ends:
        return
    name = certificate.subject.rfc4514_string()
    if now() > ends:
        raise DataUnusable(
            f"{path}: the certificate of {name} expired on {ends:%Y-%m-%d %H:%M} UTC; renew it and"
            " start again, or leave out --tls-cert: Central then makes one of its own"
        )
    raise DataUnusable(
        f"{path}: the certificate of {name} is valid from {begins:%Y-%m-%d %H:%M} UTC on, and this"
        f" machine's clock says {now():%Y-%m-%d %H:%M} UTC; set the clock right, or give a"
        " certificate that is valid now"
    )


def own(directory: Path, names: Sequence[str], now: Now) -> Certificates:
    """The authority under `directory`, made at first use, and a leaf for `names` that is fresh."""
    authority, authority_key = directory / "ca.pem", directory / "ca.key"
    if authority.exists() and not authority_key.exists():
        raise DataUnusable(
            f"{authority_key} is missing: appliances trust this authority, so it is not made anew;"
            " restore the file from a backup"
        )
    if not authority.exists():
        _make_authority(authority, authority_key, now)
    leaf, leaf_key = directory / "leaf.pem", directory / "leaf.key"
    if not _is_fresh(leaf, leaf_key, names, now):
        _make_leaf(authority, authority_key, leaf, leaf_key, names, now)
    return Certificates(leaf, leaf_key, authority)


def _make_authority(path: Path, key_path: Path, now: Now) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Wardline Central authority")])
    certificate = (
        _builder(name, name, key.public_key(), AUTHORITY_DAYS, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )
    # The certificate last: without it nobody trusts the key yet, and the next start begins again.
    write_private(key_path, _pem(key))
    write_private(path, certificate.public_bytes(serialization.Encoding.PEM))


def _make_leaf(
    authority: Path,
    authority_key: Path,
    path: Path,
    key_path: Path,
    names: Sequence[str],
    now: Now,
) -> None:
    issuer = x509.load_pem_x509_certificate(authority.read_bytes())
    signer = serialization.load_pem_private_key(authority_key.read_bytes(), None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Wardline Central")])
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    certificate = (
        _builder(subject, issuer.subject, key.public_key(), LEAF_DAYS, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(_alternatives(names)), critical=False)
        .add_extension(identifier, critical=False)
        .sign(signer, hashes.SHA256())
    )
    write_private(key_path, _pem(key))
    write_private(path, certificate.public_bytes(serialization.Encoding.PEM))


def _is_fresh(path: Path, key_path: Path, names: Sequence[str], now: Now) -> bool:
    if not (path.exists() and key_path.exists()):
        return False
    leaf = x509.load_pem_x509_certificate(path.read_bytes())
    key = serialization.load_pem_private_key(key_path.read_bytes(), None)
    held = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    renew_at = leaf.not_valid_after_utc - datetime.timedelta(days=RENEW_DAYS_BEFORE)
    return (
        key.public_key() == leaf.public_key()
        and now() < renew_at
        and set(_alternatives(names)) <= set(held)
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey, days: int, now: Now
) -> x509.CertificateBuilder:
    start = now() - datetime.timedelta(seconds=BACKDATE_SECONDS)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
    )


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternatives(names: Sequence[str]) -> list[x509.GeneralName]:
    return [_alternative(name) for name in names]


def _alternative(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        return x509.DNSName(name)


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
