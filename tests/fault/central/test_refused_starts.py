"""`wardline up` that cannot start: what is in the way, what to do next, nothing left running."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.product import Central, free_port, run


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Central]:
    made = Central(tmp_path_factory.mktemp("central")).start()
    yield made
    made.stop()


def refused(*arguments: str | Path) -> str:
    done = run("up", *arguments, expect=1)
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
        (("--tls-cert", "x.pem", "--tls-key", "x.key"), "are no certificate with its key"),
        (("--behind-proxy", "not-an-address"), "give the address that the proxy connects from"),
        (("--port", "70000"), "ports go from 1 to 65535"),
        (("--host", "203.0.113.7"), "cannot be listened on"),
    ],
)
def test_options_that_make_no_sense_are_explained(
    tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    assert words in refused("--data", tmp_path / "data", *options)
