"""How Central is reached: its own authority on any address but loopback, a proxy, DATABASE_URL."""

import asyncio
import ssl
import subprocess
from pathlib import Path

import httpx2
import pytest

from tests.harness.product import WARDLINE, Central, run
from wardline.central.database import embedded
from wardline.central.database import owner as database_owner

JSON = {"X-Wardline": "1"}


def test_any_address_but_loopback_is_https_under_an_authority_of_its_own(tmp_path: Path) -> None:
    central = Central(tmp_path, "--host", "0.0.0.0").start()
    try:
        address = central.address
        authority = address["ca_file"]
        assert address["url"].startswith("https://")
        assert Path(authority).with_name("ca.key").stat().st_mode & 0o777 == 0o600
        port = central.port
        with pytest.raises(httpx2.TransportError):
            httpx2.get(f"http://127.0.0.1:{port}/healthz", trust_env=False)
        with pytest.raises(httpx2.ConnectError):
            httpx2.get(f"https://127.0.0.1:{port}/healthz", trust_env=False)
        trusted = ssl.create_default_context(cafile=authority)
        for name in (f"127.0.0.1:{port}", f"localhost:{port}", address["url"].split("//")[1]):
            answer = httpx2.get(f"https://{name}/healthz", verify=trusted, trust_env=False)
            assert answer.headers["strict-transport-security"].startswith("max-age=")
        email, password = central.login()
        answer = httpx2.post(
            f"{address['url']}/api/v1/session",
            json={"email": email, "password": password},
            headers=JSON,
            verify=trusted,
            trust_env=False,
        )
        cookie = answer.headers["set-cookie"]
        assert cookie.startswith("__Host-wardline=")
        assert "secure" in cookie.lower()
        assert central.status()["central"]["url"] == address["url"]
    finally:
        central.stop()


def test_behind_a_proxy_the_proxys_word_is_taken_for_the_callers_address(tmp_path: Path) -> None:
    public = "https://central.example.com"
    central = Central(tmp_path, "--behind-proxy", "127.0.0.1", "--url", public).start()
    try:
        assert central.status()["central"]["url"] == public
        assert central.address["ca_file"] is None
        email, password = central.login()
        answer = httpx2.post(
            f"http://127.0.0.1:{central.port}/api/v1/session",
            json={"email": email, "password": password},
            headers={
                **JSON,
                "Host": "central.example.com",
                "Origin": public,
                "X-Forwarded-For": "198.51.100.7",
                "X-Forwarded-Proto": "https",
            },
            trust_env=False,
        )
        assert answer.status_code == 200
        assert answer.headers["set-cookie"].startswith("__Host-wardline=")
    finally:
        central.stop()


def test_a_postgresql_of_ones_own_is_used_with_logins_of_our_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = embedded.start(tmp_path / "own", tmp_path / "own.log", "owner", sync=False)
    maintenance = server.dsn(embedded.OWNER, "owner", "postgres")
    asyncio.run(database_owner.ensure_database(maintenance, "ours"))
    dsn = server.dsn(embedded.OWNER, "owner", "ours")
    monkeypatch.setenv("DATABASE_URL", dsn)
    central = Central(tmp_path)
    try:
        central.start()
        assert not (central.data / "postgres").exists()
        assert central.status()["totals"]["hosts"] == 0
        assert central.process is not None
        assert "Using the PostgreSQL of DATABASE_URL" in central.process.output()
        migrated = subprocess.run(
            [str(Path(WARDLINE).with_name("python")), "-m", "wardline.central", "migrate"],
            capture_output=True,
            text=True,
            check=True,
        )
        assert migrated.stdout == "up to date\n"
        other = tmp_path / "other"
        said = run("up", "--data", other, "--port", str(central.port + 1), expect=1).stderr
        assert "belongs to the installation" in said
    finally:
        central.stop()
        server.stop()
