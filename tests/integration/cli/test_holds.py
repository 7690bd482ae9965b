"""`wardline holds` against a Central that runs as a person would start it."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.harness import product
from tests.harness.appliance import Appliance
from tests.integration.central.matrix_scene import hold
from wardline.core import ids

PASSWORD = "a long passphrase of ours"
# What a terminal would obey, in an appliance's words.
HOSTILE = "flapped\x1b]0;owned\x07\nhold_x  cleared"


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[product.Central]:
    made = product.Central(tmp_path_factory.mktemp("holds")).start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def email(central: product.Central) -> str:
    """The owner, whose one-time password is changed."""
    client = central.owner(PASSWORD)
    site = client.post("/sites", {"name": "Clinic", "zone": "UTC", "opening_hours": []})
    token = client.post(f"/sites/{site['id']}/enrolment-tokens", {})["token"].split(".")
    client.close()
    asyncio.run(flap(central.address["url"], (token[1], token[2])))
    return central.login()[0]


async def flap(url: str, token: tuple[str, str]) -> None:
    """An appliance with one hold."""
    async with httpx2.AsyncClient(base_url=url, trust_env=False) as http:
        appliance = Appliance(http)
        assert (await appliance.enrol(token)).status_code == 200
        told = {**hold(appliance), "reason": HOSTILE}
        seen = await appliance.check_in(holds=[told], stops=[stopped()])
        assert seen.status_code == 200


def stopped() -> dict[str, object]:
    """A version that the appliance stopped over its own runs."""
    return {
        "id": ids.new("stop"),
        "kind": "runbook",
        "name": "ssh_config.harden",
        "version": "cd" * 32,
        "stopped_at": "2026-11-26T03:00:00.000Z",
        "failed": 3,
        "runs": 4,
        "incident_id": ids.incident(),
        "released_at": None,
        "released_by": None,
        "release_reason": None,
    }


def listed(central: product.Central, *options: str) -> list[dict[str, object]]:
    done = product.run("holds", "list", "--json", "--data", central.data, *options)
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def test_a_person_lists_holds_and_clears_one_in_their_own_name(
    central: product.Central, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = listed(central)
    assert (found["state"], found["check"]) == ("active", "ssh_config")
    shown = product.run("holds", "list", "--data", central.data).stdout
    assert str(found["id"]) in shown
    assert ": ssh_config by ssh_config.harden" in shown
    command = ("holds", "clear", str(found["id"]), "--as", email, "--data", central.data)
    monkeypatch.setenv("WARDLINE_PASSWORD", "not the password at all")
    refused = product.run(*command, "--reason", "the template is fixed", expect=1)
    assert "Central answered 401" in refused.stderr
    monkeypatch.setenv("WARDLINE_PASSWORD", PASSWORD)
    assert "say why" in product.run(*command, "--reason", "  ", expect=1).stderr
    unknown = ("holds", "clear", "hold_x", "--as", email, "--data", central.data)
    assert "there is no hold hold_x" in product.run(*unknown, "--reason", "x", expect=1).stderr
    assert listed(central)[0]["state"] == "active"
    done = product.run(*command, "--reason", "the template is fixed", "--json")
    cleared = json.loads(done.stdout)
    assert (cleared["state"], cleared["order_status"]) == ("clearing", "pending")
    again = product.run(*command, "--reason", "once more", expect=1)
    assert "an order is on its way" in again.stderr
    assert [one["state"] for one in listed(central, "--all")] == ["clearing"]
    status = central.status()
    assert (status["holds"]["active"], status["orders"]["by_status"]) == (1, {"pending": 1})
    text = product.run("status", "--data", central.data).stdout
    assert "On hold after a flap: 1" in text
    assert "Orders: 1 pending" in text
    for said in (shown, text):
        assert "flapped\ufffd]0;owned\ufffd\ufffdhold_x  cleared" in said
        assert not {"\x1b", "\x07"}.intersection(said)


def test_where_no_central_runs_it_says_so(tmp_path: Path) -> None:
    done = product.run("holds", "list", "--data", tmp_path, expect=1)
    assert "no Central runs" in done.stderr


def test_a_person_lists_what_is_stopped_and_releases_it_in_their_own_name(
    central: product.Central, email: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed_now = ("brakes", "list", "--json", "--data", central.data)
    (found,) = json.loads(product.run(*listed_now).stdout)
    assert (found["state"], found["failed"], found["runs"]) == ("in_force", 3, 4)
    shown = product.run("brakes", "list", "--data", central.data).stdout
    assert "runbook ssh_config.harden, version cdcdcdcdcdcd" in shown
    assert "Stopped after failures: 1" in product.run("status", "--data", central.data).stdout
    monkeypatch.setenv("WARDLINE_PASSWORD", PASSWORD)
    release = ("brakes", "release", str(found["id"]), "--data", central.data, "--as", email)
    assert "say why" in product.run(*release, "--reason", " ", expect=1).stderr
    done = product.run(*release, "--reason", "the template was wrong")
    assert done.stdout.startswith(f"{found['id']}: released by ")
    assert json.loads(product.run(*listed_now).stdout) == []
    (ended,) = json.loads(product.run(*listed_now, "--all").stdout)
    assert (ended["state"], ended["release_reason"]) == ("released", "the template was wrong")
