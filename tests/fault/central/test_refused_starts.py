"""`wardline up` that cannot start: what is in the way, what to do next, nothing left running."""

import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID

from tests.harness.product import Central, free_port, run


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    made = Central(tmp_path_factory.mktemp("central")).start()
    yield made
    made.stop()


def refused(*arguments: str | Path, status: int = 1) -> str:
    done = run("up", *arguments, expect=status)
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused("--data", tmp_path / "data", "--port", str(port))
    assert f"port {port} of 127.0.0.1 is in use" in said
    assert f"--port {port + 1}" in said


def test_a_second_start_on_a_directory_is_refused_and_the_first_goes_on(central: Central) -> None:
    said = refused("--data", central.data, "--port", str(free_port()))
    assert "a Central runs on" in said
    assert central.status()["central"]["url"] == central.address["url"]


def test_a_real_directory_is_no_demo(central: Central) -> None:
    central.stop()
    said = refused("--data", central.data, "--port", str(central.port), "--demo")
    assert "is in real use, which a demo must not touch" in said
    central.start()


def test_a_demos_directory_is_not_used_for_real(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "kind").write_text("demo\n")
    assert "is a demo's directory: start it with --demo" in refused("--data", data)


def test_a_directory_of_another_postgresql_is_refused_untouched(central: Central) -> None:
    central.stop()
    version = central.data / "postgres" / "PG_VERSION"
    before = version.read_text()
    version.write_text("13\n")
    try:
        said = refused("--data", central.data, "--port", str(central.port))
        assert "was made by PostgreSQL 13" in said
        assert version.read_text() == "13\n"
    finally:
        version.write_text(before)
        central.start()


def test_nothing_in_the_data_directory_is_for_others_to_read(central: Central) -> None:
    open_to_others = [
        str(path.relative_to(central.data))
        for path in central.data.rglob("*")
        if not path.is_socket() and path.stat().st_mode & 0o077 and path.parent.name != "tls"
    ]
    assert open_to_others == []


def test_a_missing_server_key_is_not_made_anew(central: Central) -> None:
    central.stop()
    key = central.data / "keys" / "server" / "log.key"
    seed = key.read_bytes()
    key.unlink()
    try:
        assert "lacks log.key" in refused("--data", central.data, "--port", str(central.port))
        assert not key.exists()
    finally:
        key.write_bytes(seed)
        central.start()


def test_a_data_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_text("a file")
    assert "cannot be used" in refused("--data", data)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--tls-cert", "x.pem"), "go together"),
        (("--behind-proxy", "not-an-address"), "give the address that the proxy connects from"),
        (("--behind-proxy", "10.0.0.5"), "give it with --url, such as https://"),
        (("--behind-proxy", "10.0.0.5", "--url", "http://x.example"), "begins with https://"),
        (("--url", "central"), "--url central: give the address that people and appliances use"),
        (("--url", "https://[::1"), "give the address that people and appliances use"),
        (("--port", "70000"), "ports go from 1 to 65535"),
        (("--port", "http"), "Invalid value for '--port'"),
    ],
)
def test_options_that_make_no_sense_are_explained(
    tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    assert words in refused("--data", tmp_path / "data", *options, status=64)
    assert not (tmp_path / "data").exists()


def test_an_address_that_is_not_this_machines_cannot_be_listened_on(tmp_path: Path) -> None:
    said = refused("--data", tmp_path / "data", "--host", "203.0.113.7")
    assert "cannot be listened on" in said


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("missing", "are no certificate with its key: No such file"),
        ("expired", "expired on 2020-01-31 00:00 UTC; renew it"),
        ("expired authority", "CN=Authority expired on 2020-01-31"),
        ("early", "is valid from 2090-01-01 00:00 UTC on, and this machine's clock says"),
        ("foreign key", "the key is another certificate's; give PEM files that belong together"),
        ("locked key", "the key without a password"),
    ],
)
def test_a_certificate_that_nobody_would_accept_is_refused(
    tmp_path: Path, kind: str, words: str
) -> None:
    pair = make_certificate(tmp_path, kind)
    said = refused("--data", tmp_path / "data", "--tls-cert", pair[0], "--tls-key", pair[1])
    assert words in said
    assert not (tmp_path / "data" / "keys" / "server").exists()


def test_a_start_that_failed_leaves_it_open_what_the_directory_is_for(tmp_path: Path) -> None:
    data = tmp_path / "central"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        refused("--data", data, "--port", str(taken.getsockname()[1]))
    refused("--data", data, "--tls-cert", "x.pem", "--tls-key", "x.key")
    assert not (data / "kind").exists()
    demo = Central(tmp_path, "--demo").start()
    demo.stop()
    assert (data / "kind").read_text() == "demo\n"


def test_another_postgresqls_data_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "postgres").mkdir(parents=True)
    (data / "postgres" / "PG_VERSION").write_text("13\n")
    assert "was made by PostgreSQL 13" in refused("--data", data)
    assert [str(path.relative_to(data)) for path in sorted(data.rglob("*"))] == [
        "postgres",
        "postgres/PG_VERSION",
    ]


def make_certificate(folder: Path, kind: str) -> tuple[Path, Path]:
    """A certificate and a key as files, with what `kind` names wrong with them."""
    paths = folder / "given.pem", folder / "given.key"
    if kind == "missing":
        return paths
    usual = datetime(2020, 1, 1, tzinfo=UTC), datetime(2089, 1, 1, tzinfo=UTC)
    expired = usual[0], datetime(2020, 1, 31, tzinfo=UTC)
    early = datetime(2090, 1, 1, tzinfo=UTC), datetime(2091, 1, 1, tzinfo=UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    chain = [signed("Central", key, {"expired": expired, "early": early}.get(kind, usual))]
    if kind == "expired authority":
        chain.append(signed("Authority", key, expired))
    paths[0].write_bytes(b"".join(one.public_bytes(Encoding.PEM) for one in chain))
    held = ec.generate_private_key(ec.SECP256R1()) if kind == "foreign key" else key
    lock = BestAvailableEncryption(b"secret") if kind == "locked key" else NoEncryption()
    paths[1].write_bytes(held.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, lock))
    return paths


def signed(
    name: str, key: ec.EllipticCurvePrivateKey, period: tuple[datetime, datetime]
) -> x509.Certificate:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(period[0])
        .not_valid_after(period[1])
        .sign(key, hashes.SHA256())
    )
