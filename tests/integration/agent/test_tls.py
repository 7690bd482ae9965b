"""Over TLS an appliance believes the authority that its token vouched for, and no other."""

import hashlib
import ssl
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.harness.fake_central import FakeCentral
from tests.harness.loopback import serving
from wardline.agent import enrol, roster
from wardline.agent.enrol import CentralUnknown, Wish
from wardline.agent.settings import Flap, HostSettings, Intervals, Layout
from wardline.agent.store.keys import Keyring
from wardline.agent.uplink import Address, CentralUnavailable, Uplink
from wardline.core import ids


@dataclass(frozen=True)
class Authority:
    """An authority, and a server certificate for 127.0.0.1 that it issued."""

    ca_pem: str
    context: ssl.SSLContext


def _authority(folder: Path, name: str) -> Authority:
    ca_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    ca_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    ca = (
        _certificate(ca_name, ca_name, ca_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(ca_key.public_key()), False)
        .sign(ca_key, hashes.SHA256())
    )
    server = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "central")])
    leaf = (
        _certificate(server, ca_name, key.public_key())
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), False
        )
        .sign(ca_key, hashes.SHA256())
    )
    pem = folder / f"{name}.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + leaf.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return Authority(ca.public_bytes(serialization.Encoding.PEM).decode(), context)


def _certificate(
    subject: x509.Name, issuer: x509.Name, public: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )


def _central(authority: Authority) -> FakeCentral:
    """A Central whose fingerprint covers this authority."""
    central = FakeCentral()
    central.tls_ca_pem = authority.ca_pem
    der = ssl.PEM_cert_to_DER_cert(authority.ca_pem)
    central.tls_ca_sha256 = hashlib.sha256(der).hexdigest()
    return central


def _connect(address: Address, credential: str | None) -> Uplink:
    return Uplink(address, credential)


def _enrol(layout: Layout, url: str, central: FakeCentral) -> None:
    tree = layout.root.parent / "host"
    tree.mkdir(exist_ok=True)
    host = HostSettings(id=ids.host(), name="records", kind="tree", root=tree)
    wish = Wish(url, central.token, (host,), Intervals(), Flap())
    enrol.enrol(layout, wish, roster.open_host, _connect)


def test_the_authority_of_the_token_is_pinned_and_no_other_is_believed(tmp_path: Path) -> None:
    own, other = _authority(tmp_path, "own"), _authority(tmp_path, "other")
    central, layout = _central(own), Layout(tmp_path / "agent")
    with serving(central, own.context) as url:
        assert url.startswith("https://")
        _enrol(layout, url, central)
        pinned = Address(url, Keyring(layout.keys).central_ca())
        uplink = Uplink(pinned, central.credential)
        assert uplink.keys("00" * 16).installation_id == central.installation
        uplink.close()
    with serving(central, other.context) as url:
        uplink = Uplink(Address(url, pinned.ca), central.credential)
        with pytest.raises(CentralUnavailable, match=r"cannot be reached: .* clock is right"):
            uplink.keys("00" * 16)
        uplink.close()


def test_somebody_in_between_with_a_certificate_of_his_own_gets_no_secret(tmp_path: Path) -> None:
    own, other = _authority(tmp_path, "own"), _authority(tmp_path, "other")
    central, layout = _central(own), Layout(tmp_path / "agent")
    with serving(central, other.context) as url, pytest.raises(CentralUnavailable):
        _enrol(layout, url, central)
    assert [name for name, _ in central.requests] == ["/keys"]
    assert list(layout.root.iterdir()) == []


def test_a_second_authority_beside_the_one_of_the_token_is_not_pinned(tmp_path: Path) -> None:
    own, other = _authority(tmp_path, "own"), _authority(tmp_path, "other")
    central, layout = _central(own), Layout(tmp_path / "agent")
    central.tls_ca_pem = own.ca_pem + other.ca_pem
    with serving(central, other.context) as url, pytest.raises(CentralUnavailable):
        _enrol(layout, url, central)
    central.tls_ca_pem = other.ca_pem + own.ca_pem
    with serving(central, other.context) as url, pytest.raises(CentralUnknown):
        _enrol(layout, url, central)
    assert not any(name == "/enrol" for name, _ in central.requests)
