"""`wardline freeze` against a Central that runs as a person would start it."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.harness import product
from tests.harness.appliance import Appliance

PASSWORD = "a long passphrase of ours"
# What a terminal would obey, in a person's words.
HOSTILE = "scanner\x1b]0;owned\x07 broke"


@pytest.fixture(scope="module")
def central(tmp_path_factory: pytest.TempPathFactory) -> Iterator[product.Central]:
    made = product.Central(tmp_path_factory.mktemp("freeze")).start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
def site_id(central: product.Central) -> str:
    """A site with one appliance, of an owner whose one-time password is changed."""
    client = central.owner(PASSWORD)
    site = client.post("/sites", {"name": "Clinic", "zone": "UTC", "opening_hours": []})
    token = client.post(f"/sites/{site['id']}/enrolment-tokens", {})["token"].split(".")
    client.close()
    asyncio.run(enrolled(central.address["url"], (token[1], token[2])))
    return str(site["id"])


async def enrolled(url: str, token: tuple[str, str]) -> None:
    async with httpx2.AsyncClient(base_url=url, trust_env=False) as http:
        assert (await Appliance(http).enrol(token)).status_code == 200


def shown(central: product.Central, *options: str) -> list[dict[str, Any]]:
    done = product.run("freeze", "status", "--json", "--data", central.data, *options)
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_a_person_freezes_sees_who_obeys_and_lifts(
    central: product.Central, site_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert shown(central) == []
    monkeypatch.setenv("WARDLINE_PASSWORD", PASSWORD)
    who = ("--as", central.login()[0], "--data", central.data)
    one = ("--site", site_id)
    assert "name one of the two" in product.run("freeze", *who, expect=64).stderr
    both = product.run("freeze", "--partner", *one, *who, expect=64)
    assert "name one of the two" in both.stderr
    assert "say why everything stops" in product.run("freeze", *one, *who, expect=1).stderr
    nobody = product.run("freeze", *one, "--reason", "x", "--data", central.data, expect=1)
    assert "--as: say who does it" in nobody.stderr
    done = product.run("freeze", *one, "--reason", HOSTILE, "--json", *who)
    (made,) = json.loads(done.stdout)
    assert (made["reach"], made["total"], made["confirmed"]) == ("site", 1, 0)
    assert product.run("freeze", *one, "--reason", "x", *who, expect=1).stderr.count("already") == 1
    product.run("freeze", "--partner", "--reason", "everywhere", *who)
    assert {each["reach"] for each in shown(central)} == {"site", "partner"}
    said = product.run("freeze", "status", *one, "--data", central.data).stdout
    assert "0 of 1 appliances have confirmed" in said
    assert "not yet: clinic-1 at Clinic, last heard never" in said
    assert "scanner\ufffd]0;owned\ufffd broke" in said
    assert not {"\x1b", "\x07"}.intersection(said)
    told = central.status()["freezes"]
    assert told["active"] == 2
    assert [each["reach"] for each in told["newest"]] == ["partner", "site"]
    assert (told["newest"][1]["confirmed"], told["newest"][1]["total"]) == (0, 1)
    seen = product.run("status", "--data", central.data).stdout
    assert "Frozen, so that nothing is repaired: 2" in seen
    assert "  site Clinic: scanner\ufffd]0;owned\ufffd broke (" in seen
    assert seen.count("0 of 1 appliances have confirmed)") == 2
    assert not {"\x1b", "\x07"}.intersection(seen)
    assert product.run("freeze", "lift", *one, "--reason", " ", *who, expect=1)
    lifted = product.run("freeze", "lift", *one, "--reason", "found", *who).stdout
    assert ": found" in lifted
    assert [each["reach"] for each in shown(central)] == ["partner"]
    gone = product.run("freeze", "lift", *one, "--reason", "again", *who, expect=1)
    assert "this site is not frozen" in gone.stderr
    product.run("freeze", "lift", "--partner", "--reason", "found", *who)
    assert shown(central) == []
    assert central.status()["freezes"] == {"active": 0, "newest": []}
    assert "Frozen" not in product.run("status", "--data", central.data).stdout
    assert [each["state"] for each in shown(central, "--all")] == ["lifted", "lifted"]
    assert "Nothing is frozen." in product.run("freeze", "status", "--data", central.data).stdout
