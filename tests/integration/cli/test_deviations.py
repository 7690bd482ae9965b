"""`wardline deviations` against a Central that runs as a person would start it."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from typer.testing import CliRunner

from tests.harness import product
from tests.harness.appliance import Appliance, result
from tests.integration.cli.conftest import PASSWORD, token_of
from wardline.cli.client import Client
from wardline.cli.commands import deviations
from wardline.core.errors import WardlineError

SITE, CHECK = "Clinic of deviations", "ssh_config"
# What a terminal would obey, in an appliance's words.
HOSTILE = "unsafe\x1b]0;owned\x07"
SAID = (
    *("--owner", "Dr. Berg", "--reason", "the scanner logs in as root"),
    *("--control", "its network is closed"),
)


@pytest.fixture(scope="module")
def host(central: product.Central, owner: Client) -> str:
    """The one host of a site, on which ssh_config fails."""
    return asyncio.run(failing(central.address["url"], token_of(owner, SITE)))


async def failing(url: str, token: tuple[str, str]) -> str:
    async with httpx2.AsyncClient(base_url=url, trust_env=False) as http:
        appliance = Appliance(http)
        assert (await appliance.enrol(token)).status_code == 200
        sealed = appliance.seal(results=(result(summary=HOSTILE),))
        assert (await appliance.send(sealed)).status_code == 200
        return appliance.hosts[0]


def test_a_person_accepts_what_is_shown_renews_and_revokes_it(
    central: product.Central, email: str, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARDLINE_PASSWORD", PASSWORD)

    def run(*arguments: str, answer: str | None = None) -> str:
        """In this process, which costs a fraction of one of its own."""
        command = [*arguments, "--data", str(central.data)]
        done = CliRunner().invoke(deviations.app, command, input=answer, catch_exceptions=True)
        if isinstance(done.exception, WardlineError):
            raise done.exception
        assert done.exit_code == 0, done.output
        return done.stdout

    def read(*arguments: str) -> Any:
        return json.loads(run(*arguments, "--json"))

    (seen,) = read("observed", CHECK, "--site", SITE)
    assert (seen["host_id"], seen["standing"]) == (host, None)
    accept = ("accept", CHECK, "--site", SITE, "--host", host, *SAID, "--as", email)
    with pytest.raises(WardlineError, match="nothing was accepted"):
        run(*accept, "--until", "2999-01-31", answer="n\n")
    with pytest.raises(WardlineError, match="366 days"):
        run(*accept, "--until", "2999-01-31", "--yes")
    with pytest.raises(WardlineError, match="a day"):
        run(*accept, "--until", "soon", "--yes")
    with pytest.raises(WardlineError, match="no such host fails it"):
        run(*accept, "--host", "elsewhere", "--until", "2999-01-31", "--yes")
    with pytest.raises(WardlineError, match="no site"):
        run("observed", CHECK, "--site", "Nowhere")
    until, later = in_days(20), in_days(90)
    shown = run(*accept, "--until", until, answer="y\n")
    assert "in_force until" in shown
    (made,) = read("list")
    assert made["hosts"] == made["accepted"] == 1
    told = run("show", made["id"])
    assert "accepted unsafe\ufffd]0;owned\ufffd (log entry 1)" in told
    assert not {"\x1b", "\x07"}.intersection(told)
    assert "Accepted deviations: 1 in force" in product.run("status", "--data", central.data).stdout
    why = ("--reason", "the new one is late", "--as", email)
    renewed = read("renew", made["id"], "--until", later, "--owner", "Ada", *why)
    assert (renewed["owner"], renewed["control"]) == ("Ada", made["control"])
    assert "revoked" in run("revoke", made["id"], "--reason", "it is gone", "--as", email)
    assert "No deviation." in run("list")
    assert [one["id"] for one in read("list", "--state", "ended")] == [made["id"]]
    with pytest.raises(WardlineError, match="it ended at"):
        run("revoke", made["id"], "--reason", "once more", "--as", email)


def in_days(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).date().isoformat()
