"""What a person picks of a ticket's choices: an order or an approval, and nothing of what is amiss."""

from dataclasses import replace

import orjson
import pytest

from tests.harness import orders as making
from tests.harness.appliance import incident
from tests.integration.central.approvals.inbox import answer, inbox, tell
from tests.integration.central.conftest import browser_of, make_user, sign_in
from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import IncidentOutcome, IncidentState, ResolutionLevel
from wardline.core.evidence.signing import Envelope
from wardline.core.incidents import choice


@pytest.fixture(autouse=True)
async def healing(owner, tenant):
    await owner.execute("UPDATE sites SET healing = 'heal' WHERE id = $1", tenant.site_id)


def one(name, verdict="offer", **changes):
    """A choice as an appliance tells it."""
    plain = {
        **making.decision(verdict),
        "id": name,
        "runbook": bundle.runbook_to_wire(making.RUNBOOK),
        "choice": {"mark": name, "words": f"{name} does it"},
    }
    return {**plain, **changes}


async def ticket(appliance, *choices):
    record = replace(
        incident(),
        state=IncidentState.ESCALATED,
        resolution_level=ResolutionLevel.L3,
        outcome=IncidentOutcome.ESCALATED,
        decision={**choice.needed([one("x")]), "choices": list(choices)},
    )
    await tell(appliance, record)
    return record


async def shown(browser, appliance, record):
    path = f"/api/v1/sites/{appliance.site_id}/incidents/{record.incident_id}"
    said = await browser.get(path)
    assert said.status_code == 200, said.text
    return said.json()["choices"]


async def pick(browser, appliance, record, name):
    path = f"/api/v1/sites/{appliance.site_id}/incidents/{record.incident_id}/start"
    return await browser.post(path, json={"reason": "our vendor says so", "choice": name})


async def leased(appliance):
    said = await appliance.post("/orders/lease", orjson.dumps({"v": 1, "count": 5}))
    return said.json()["orders"]


async def test_a_pick_is_an_order_for_exactly_that_run(appliance, signed_in):
    other = making.pins(inputsDigest="ab" * 32)
    record = await ticket(appliance, one("x"), one("y", pins=other))
    choices = await shown(signed_in, appliance, record)
    assert [(each["id"], each["words"]) for each in choices] == [
        ("x", "x does it"),
        ("y", "y does it"),
    ]
    said = await pick(signed_in, appliance, record, "y")
    assert said.status_code == 201, said.text
    (envelope,) = await leased(appliance)
    body = orjson.loads(Envelope.from_wire(envelope).payload)["body"]
    assert (body["inputs_digest"], body["consent"]) == ("ab" * 32, None)
    twice = await pick(signed_in, appliance, record, "x")
    assert (twice.status_code, twice.json()["code"]) == (409, "order_under_way")


async def test_a_choice_whose_rule_asks_takes_an_approval_first(
    appliance, signed_in, web, owner, tenant
):
    record = await ticket(appliance, one("x", "ask"))
    said = await pick(signed_in, appliance, record, "x")
    assert said.status_code == 201, said.text
    assert said.json()["order_id"] is None
    assert await leased(appliance) == []
    (found,) = await inbox(signed_in)
    assert (found["id"], found["state"]) == (said.json()["approval_id"], "pending")
    again = await pick(signed_in, appliance, record, "x")
    assert (again.status_code, again.json()["code"]) == (409, "approval_waiting")
    own = await answer(signed_in, found)
    assert (own.status_code, own.json()["code"]) == (403, "not_allowed"), "a pick is no consent"
    async with browser_of(web) as other:
        await sign_in(other, await make_user(owner, tenant.partner_id))
        given = await answer(other, found)
    assert given.json()["state"] == "approved", given.text
    (envelope,) = await leased(appliance)
    body = orjson.loads(Envelope.from_wire(envelope).payload)["body"]
    assert body["consent"]["approval_id"] == found["id"]


@pytest.mark.parametrize(
    "told",
    [
        one("x", "block"),
        one("x", "run"),
        one("x", pins=None),
        one("x", action="another.runbook"),
        one("x", runbook={"id": "ssh_config.harden"}),
        one("x", choice="x does it"),
        one("x", choice={"words": ""}),
        one(""),
        {"id": "x"},
    ],
)
async def test_what_cannot_be_read_is_no_choice(appliance, signed_in, told):
    record = await ticket(appliance, told, one("z"))
    assert [each["id"] for each in await shown(signed_in, appliance, record)] == ["z"]
    said = await pick(signed_in, appliance, record, told["id"] or "x")
    assert (said.status_code, said.json()["code"]) == (409, "nothing_to_start")


async def test_nothing_is_picked_of_what_is_no_ticket(appliance, signed_in):
    record = replace(making.waiting("offer"))
    await tell(appliance, replace(record, decision={**record.decision, "choices": [one("x")]}))
    assert await shown(signed_in, appliance, record) == []
    said = await pick(signed_in, appliance, record, "x")
    assert (said.status_code, said.json()["code"]) == (409, "nothing_to_start")
