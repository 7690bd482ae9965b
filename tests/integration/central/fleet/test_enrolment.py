"""Enrolment: a token works once, for a day, with its secret, for whoever holds the key."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from tests.harness.appliance import Appliance
from tests.integration.central.conftest import Moment, Tenant, browser_of
from wardline.central.database.engine import Raw
from wardline.central.fleet import freshness
from wardline.core import protocol


@pytest.fixture
async def wire(web: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with browser_of(web) as made:
        yield made


async def issue(signed_in: httpx2.AsyncClient, site_id: str) -> dict[str, Any]:
    answer = await signed_in.post(f"/api/v1/sites/{site_id}/enrolment-tokens", json={})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def parts(issued: dict[str, Any]) -> tuple[str, str]:
    prefix, token_id, secret, fingerprint = issued["token"].split(".")
    assert (prefix, token_id, fingerprint) == ("wl1", issued["id"], issued["fingerprint"])
    return token_id, secret


async def rows(owner: Raw, site_id: str) -> list[int]:
    return [
        await owner.fetchval(f"SELECT count(*) FROM {table} WHERE site_id = $1", site_id)
        for table in ("appliances", "appliance_keys", "hosts", "evidence_log_entries")
    ]


async def test_the_line_to_paste_names_central_and_the_token(
    signed_in: httpx2.AsyncClient, tenant: Tenant, owner: Raw
) -> None:
    issued = await issue(signed_in, tenant.site_id)
    assert issued["command"] == f"wardline agent enrol http://127.0.0.1:8000 {issued['token']}"
    stored = await owner.fetchval(
        "SELECT secret_hash FROM enrolment_tokens WHERE id = $1", issued["id"]
    )
    assert parts(issued)[1].encode() not in stored


async def test_an_enrolled_appliance_shows_on_its_site(
    signed_in: httpx2.AsyncClient, wire: httpx2.AsyncClient, tenant: Tenant, moment: Moment
) -> None:
    issued = await issue(signed_in, tenant.site_id)
    appliance = Appliance(wire)
    assert (await appliance.enrol(parts(issued))).status_code == 200
    assert (await appliance.check_in()).status_code == 200
    site = (await signed_in.get(f"/api/v1/sites/{tenant.site_id}")).json()
    assert [(each["id"], each["is_online"]) for each in site["appliance_list"]] == [
        (appliance.id, True)
    ]
    assert [each["id"] for each in site["host_list"]] == appliance.hosts
    listed = await signed_in.get(f"/api/v1/sites/{tenant.site_id}/enrolment-tokens")
    assert listed.json()["items"][0]["used_by"] == appliance.id
    assert issued["token"] not in listed.text
    moment.advance(freshness.ONLINE_SECONDS_MAX + 1)
    site = (await signed_in.get(f"/api/v1/sites/{tenant.site_id}")).json()
    assert site["appliance_list"][0]["is_online"] is False
    assert site["appliances"] == {"total": 1, "online": 0}


@pytest.mark.parametrize("kind", ["local", "tree", "ssh", "declared"])
async def test_a_host_is_shown_as_what_it_was_declared_to_be(
    signed_in: httpx2.AsyncClient, wire: httpx2.AsyncClient, tenant: Tenant, kind: str
) -> None:
    appliance = Appliance(wire)
    hosts = [each | {"kind": kind} for each in appliance.reports()]
    token = parts(await issue(signed_in, tenant.site_id))
    assert (await appliance.enrol(token, hosts=hosts)).status_code == 200
    site = (await signed_in.get(f"/api/v1/sites/{tenant.site_id}")).json()
    assert {each["kind"] for each in site["host_list"]} == {kind}


async def test_a_token_that_was_used_is_refused_and_changes_nothing(
    signed_in: httpx2.AsyncClient, wire: httpx2.AsyncClient, tenant: Tenant, owner: Raw
) -> None:
    token = parts(await issue(signed_in, tenant.site_id))
    assert (await Appliance(wire).enrol(token)).status_code == 200
    before = await rows(owner, tenant.site_id)
    again = await Appliance(wire).enrol(token)
    assert (again.status_code, again.json()["code"]) == (403, "token_refused")
    assert "used already" in again.json()["detail"]
    assert await rows(owner, tenant.site_id) == before == [1, 1, 1, 1]


async def test_of_many_at_once_a_token_enrols_one(
    signed_in: httpx2.AsyncClient, wire: httpx2.AsyncClient, tenant: Tenant, owner: Raw
) -> None:
    token = parts(await issue(signed_in, tenant.site_id))
    answers = await asyncio.gather(*(Appliance(wire).enrol(token) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [403] * 5
    assert await rows(owner, tenant.site_id) == [1, 1, 1, 1]


async def test_an_expired_token_is_refused(
    signed_in: httpx2.AsyncClient, wire: httpx2.AsyncClient, tenant: Tenant, moment: Moment
) -> None:
    token = parts(await issue(signed_in, tenant.site_id))
    moment.advance(protocol.TOKEN_LIFETIME_S + 1)
    answer = await Appliance(wire).enrol(token)
    assert (answer.status_code, answer.json()["code"]) == (403, "token_refused")
    assert "expired" in answer.json()["detail"]


async def test_a_wrong_secret_says_nothing_about_the_token(
    signed_in: httpx2.AsyncClient, wire: httpx2.AsyncClient, tenant: Tenant, owner: Raw
) -> None:
    token_id, _ = parts(await issue(signed_in, tenant.site_id))
    wrong = await Appliance(wire).enrol((token_id, "x" * 43))
    unknown = await Appliance(wire).enrol(("tok_unknown", "x" * 43))
    assert (wrong.status_code, wrong.json()) == (403, unknown.json())
    assert await rows(owner, tenant.site_id) == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "changes",
    [
        {"proof": "A" * 86 + "=="},
        {"hosts": [{"id": "x", "name": "x", "kind": "tree", "platform": "linux/debian",
                    "observed": False}]},
    ],
    ids=["another key's proof", "a host id that is none"],
)  # fmt: skip
async def test_a_doubtful_request_leaves_the_token_unspent(
    signed_in: httpx2.AsyncClient,
    wire: httpx2.AsyncClient,
    tenant: Tenant,
    owner: Raw,
    changes: dict[str, object],
) -> None:
    token = parts(await issue(signed_in, tenant.site_id))
    assert (await Appliance(wire).enrol(token, **changes)).status_code == 422
    assert await rows(owner, tenant.site_id) == [0, 0, 0, 0]
    assert (await Appliance(wire).enrol(token)).status_code == 200


async def test_an_appliance_cannot_take_over_anothers_host(
    signed_in: httpx2.AsyncClient, wire: httpx2.AsyncClient, tenant: Tenant, owner: Raw
) -> None:
    first, second = Appliance(wire), Appliance(wire)
    second.hosts = first.hosts
    for appliance, status in ((first, 200), (second, 409)):
        answer = await appliance.enrol(parts(await issue(signed_in, tenant.site_id)))
        assert answer.status_code == status
    assert await rows(owner, tenant.site_id) == [1, 1, 1, 1]
