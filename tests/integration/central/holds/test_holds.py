"""Holds: as the appliance tells them, cleared by an order, with their history kept."""

from datetime import datetime, timedelta

import orjson
import pytest

from tests.harness.appliance import Appliance, incident, issue_token
from wardline.core import clock, ids, orders
from wardline.core.evidence.bundle import IncidentOutcome, IncidentState, Kind, ResolutionLevel
from wardline.core.evidence.signing import Envelope, SigningKey

ORDER_KEY = SigningKey.from_seed(b"o" * 32)
SET_AT = clock.parse("2026-01-05T10:00:00.123Z")


def hold(appliance, at=SET_AT, **changes):
    plain = {
        "host_id": appliance.hosts[0],
        "check": "ssh_config",
        "runbook_id": "ssh_config.harden",
        "suppressed_at": clock.wire(at),
        "reason": "healed 3 times within 120 minutes and drifted again",
        "incident_id": None,
        "cleared_at": None,
        "cleared_by": None,
        "clear_reason": None,
    }
    return {**plain, **changes}


def cleared(appliance, at=SET_AT, **changes):
    ended = {
        "cleared_at": clock.wire(at + timedelta(hours=1)),
        "cleared_by": "appliance:root",
        "clear_reason": "the template is fixed",
    }
    return hold(appliance, at, **{**ended, **changes})


async def tell(appliance, *holds):
    answer = await appliance.check_in(holds=list(holds))
    assert answer.status_code == 200, answer.text


async def listed(browser, **query):
    answer = await browser.get("/api/v1/holds", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def clear(browser, appliance, hold_id, reason="the template is fixed"):
    path = f"/api/v1/sites/{appliance.site_id}/holds/{hold_id}/clear"
    return await browser.post(path, json={"reason": reason})


async def lease(appliance):
    answer = await appliance.post("/orders/lease", orjson.dumps({"v": 1, "count": 5}))
    return [
        orders.opened(Envelope.from_wire(one), ORDER_KEY.verify_key)
        for one in answer.json()["orders"]
    ]


async def test_a_hold_is_one_ticket_however_often_it_is_told(appliance, signed_in):
    escalated = incident(
        state=IncidentState.ESCALATED,
        resolution_level=ResolutionLevel.L3,
        outcome=IncidentOutcome.ESCALATED,
    )
    await appliance.send(appliance.seal(kind=Kind.INCIDENT, incidents=(escalated,)))
    for _ in range(3):
        await tell(appliance, hold(appliance, incident_id=escalated.incident_id))
    (shown,) = await listed(signed_in)
    assert (shown["state"], shown["check"], shown["runbook_id"]) == (
        *("active", "ssh_config"),
        "ssh_config.harden",
    )
    assert shown["incident_id"] == escalated.incident_id
    assert clock.wire(datetime.fromisoformat(shown["suppressed_at"])) == clock.wire(SET_AT)


async def test_a_person_clears_a_hold_and_it_stands_until_the_appliance_says_so(
    appliance, signed_in, owner
):
    await tell(appliance, hold(appliance))
    (shown,) = await listed(signed_in)
    answer = await clear(signed_in, appliance, shown["id"])
    assert (answer.status_code, answer.json()["state"]) == (200, "clearing")
    twice = await clear(signed_in, appliance, shown["id"])
    assert (twice.status_code, twice.json()["code"]) == (409, "order_under_way")
    (order,) = await lease(appliance)
    assert order.id == answer.json()["order_id"]
    assert order.body == orders.ClearHold("ssh_config", "ssh_config.harden", SET_AT)
    assert order.reason == "the template is fixed"
    body = {
        "v": 1, "order_id": order.id, "status": "succeeded", "code": "cleared", "detail": "",
        "at": clock.wire(clock.system()), "epoch": None, "seq": None,
    }  # fmt: skip
    assert (await appliance.post("/orders/report", orjson.dumps(body))).status_code == 200
    assert [one["state"] for one in await listed(signed_in)] == ["clearing"]
    ended = cleared(appliance, cleared_by=order.by.user_id)
    await tell(appliance, ended)
    assert await listed(signed_in) == []
    (kept,) = await listed(signed_in, state="all")
    assert (kept["state"], kept["cleared_by_name"], kept["clear_reason"]) == (
        *("cleared", "Somebody"),
        "the template is fixed",
    )
    gone = await clear(signed_in, appliance, shown["id"])
    assert (gone.status_code, gone.json()["code"]) == (409, "hold_cleared")
    audit = await owner.fetchval(
        "SELECT reason FROM audit_log WHERE action = 'hold.clear' AND subject = $1", shown["id"]
    )
    assert audit == "the template is fixed"


async def test_clearing_never_reuses_a_row(appliance, signed_in):
    later = SET_AT + timedelta(hours=2)
    await tell(appliance, hold(appliance))
    # The end of one and its successor come in one report, and the end is told twice.
    await tell(appliance, hold(appliance, later), cleared(appliance))
    await tell(appliance, hold(appliance), cleared(appliance))
    states = [(one["suppressed_at"], one["state"]) for one in await listed(signed_in, state="all")]
    assert [state for _, state in states] == ["active", "cleared"]
    assert (await listed(signed_in))[0]["suppressed_at"].startswith("2026-01-05T12:00")


async def test_what_is_told_again_as_active_stays_cleared(appliance, signed_in):
    await tell(appliance, cleared(appliance))
    await tell(appliance, hold(appliance))
    assert await listed(signed_in) == []
    assert len(await listed(signed_in, state="all")) == 1


async def test_a_hold_on_another_appliances_host_is_refused_and_recorded(
    appliance, client, owner, tenant, signed_in
):
    second = Appliance(client)
    assert (await second.enrol(await issue_token(owner, tenant))).status_code == 200
    await tell(appliance, hold(appliance))
    stolen = hold(second, host_id=appliance.hosts[0])
    answer = await second.check_in(
        holds=[stolen, cleared(second, host_id=appliance.hosts[0]), hold(second)]
    )
    assert answer.status_code == 200, answer.text
    assert {one["host_id"]: one["state"] for one in await listed(signed_in)} == {
        appliance.hosts[0]: "active",
        second.hosts[0]: "active",
    }
    row = await owner.fetchrow(
        "SELECT actor_id, after FROM audit_log WHERE action = 'hold.refuse' AND site_id = $1",
        tenant.site_id,
    )
    assert row["actor_id"] == second.id
    assert orjson.loads(row["after"])["first"][0]["host"] == appliance.hosts[0]


async def test_a_second_active_hold_of_one_drift_is_refused(appliance, signed_in, owner):
    await tell(appliance, hold(appliance))
    await tell(appliance, hold(appliance, SET_AT + timedelta(minutes=1)))
    assert len(await listed(signed_in)) == 1
    refused = "SELECT count(*) FROM audit_log WHERE action = 'hold.refuse' AND site_id = $1"
    assert await owner.fetchval(refused, appliance.site_id) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"host_id": "host"},
        {"check": "No Name"},
        {"runbook_id": "../x"},
        {"suppressed_at": "yesterday"},
        {"suppressed_at": "2026-13-05T10:00:00.123Z"},
        {"incident_id": "inc"},
        {"cleared_at": "2026-01-05T10:00:00.123Z"},
        {"cleared_by": "somebody"},
        {"reason": "x" * 1001},
        {"reason": "\x00"},
        {"more": 1},
    ],
)
async def test_a_hold_in_a_wrong_form_is_refused_with_its_check_in(appliance, owner, changes):
    answer = await appliance.check_in(holds=[hold(appliance, **changes)])
    assert answer.status_code == 422, answer.text
    held = "SELECT count(*) FROM flap_suppressions WHERE site_id = $1"
    assert await owner.fetchval(held, appliance.site_id) == 0


async def test_holds_are_paged_by_key(appliance, signed_in):
    told = [cleared(appliance, SET_AT + timedelta(minutes=n)) for n in range(5)]
    await tell(appliance, *told)
    seen, cursor = [], None
    while cursor is not None or not seen:
        query = {"limit": 2, "state": "all"} | ({"cursor": cursor} if cursor else {})
        page = (await signed_in.get("/api/v1/holds", params=query)).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert len(set(seen)) == len(seen) == 5


async def test_an_unknown_hold_is_not_there(appliance, signed_in):
    assert (await clear(signed_in, appliance, ids.new("hold"))).status_code == 404


async def test_an_appliance_puts_nobodys_name_under_an_end_that_was_not_theirs(
    appliance, signed_in, owner, tenant
):
    user_id = await owner.fetchval(
        "SELECT id FROM users WHERE partner_id = $1 LIMIT 1", tenant.partner_id
    )
    await tell(appliance, cleared(appliance, cleared_by=user_id))
    (shown,) = await listed(signed_in, state="all")
    assert (shown["cleared_by"], shown["cleared_by_name"]) == (user_id, None)
