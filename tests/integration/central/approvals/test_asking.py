"""What an appliance asks for: followed as its incident moves, and never believed blindly."""

import asyncio
from dataclasses import replace

import orjson
import pytest

from tests.harness import orders as making
from tests.harness.appliance import healed, incident, result
from tests.integration.central.approvals.inbox import answer, asked, inbox, tell
from wardline.central.approvals import asking
from wardline.central.identity.permissions import Role
from wardline.core import canonical
from wardline.core.evidence.bundle import IncidentState, Outcome


@pytest.mark.parametrize(
    "end",
    [
        healed,
        lambda one: replace(
            one, state=IncidentState.RESOLVED, after=result(outcome=Outcome.PASS),
            closed_at=one.opened_at,
        ),
        lambda one: replace(one, state=IncidentState.OBSERVING),
        lambda one: replace(one, decision=making.decision("offer")),
        lambda one: replace(one, decision=making.decision("block")),
        lambda one: replace(
            one, decision=making.decision(pins=making.pins(paramsDigest="0" * 64))
        ),
    ],
)  # fmt: skip
async def test_an_incident_that_moves_on_takes_its_approval_with_it(appliance, signed_in, end):
    record, found = await asked(appliance, signed_in)
    await tell(appliance, end(record))
    shown = [one for one in await inbox(signed_in) if one["id"] == found["id"]]
    assert [one["state"] for one in shown] == ["superseded"]
    late = await answer(signed_in, found)
    assert (late.status_code, late.json()["code"]) == (409, "approval_closed")


async def test_telling_it_again_opens_nothing_new(appliance, signed_in):
    record, found = await asked(appliance, signed_in)
    await tell(appliance, replace(record, decision=making.decision()))
    assert [one["id"] for one in await inbox(signed_in)] == [found["id"]]
    await answer(signed_in, found)
    await tell(appliance, replace(record, decision=making.decision()))
    assert [one["state"] for one in await inbox(signed_in)] == ["approved"]


HOSTILE = {
    "no pins": making.decision(pins=None),
    "a list for pins": making.decision(pins=[]),
    "a key too many": making.decision(pins=making.pins(more=1)),
    "a key too few": making.decision(pins={"inputs": {}}),
    "no digest": making.decision(pins=making.pins(paramsDigest="x")),
    "inputs that are no object": making.decision(pins=making.pins(inputs="x")),
    "more inputs than are read": making.decision(
        pins=making.pins(inputs={"a": "x" * 40_000}, inputsDigest=canonical.digest({"a": "x" * 40_000}))
    ),
    "a negative revision": making.decision(pins=making.pins(ruleRevision=-1)),
    "a revision of text": making.decision(pins=making.pins(ruleRevision="1")),
    "another action": making.decision(action="other.runbook"),
    "no rule": making.decision(ruleId=None),
    "a long rule": making.decision(ruleId="r" * 500),
    "roles of numbers": making.decision(approverRoles=[1]),
    "roles in a text": making.decision(approverRoles="admin"),
    "too many roles": making.decision(approverRoles=["r"] * 100),
}  # fmt: skip


@pytest.mark.parametrize("told", HOSTILE.values(), ids=HOSTILE)
async def test_hostile_pins_open_nothing_and_hold_no_evidence_up(appliance, signed_in, owner, told):
    record = making.waiting(decision=told)
    good = making.waiting()
    await tell(appliance, record, good)
    assert [one["incident_id"] for one in await inbox(signed_in)] == [good.incident_id]
    row = await owner.fetchrow(
        "SELECT after, actor_id FROM audit_log WHERE action = 'approval.refuse' AND site_id = $1",
        appliance.site_id,
    )
    assert row["actor_id"] == appliance.id
    assert orjson.loads(row["after"])["first"][0]["incident"] == record.incident_id


async def test_without_a_runbook_there_is_nothing_to_consent_to(appliance, signed_in):
    await tell(appliance, making.waiting(runbook=None))
    assert await inbox(signed_in) == []


async def test_an_inbox_has_an_end(appliance, signed_in, owner, monkeypatch):
    monkeypatch.setattr(asking, "PENDING_PER_SITE_MAX", 2)
    await tell(appliance, *[making.waiting() for _ in range(5)])
    assert len(await inbox(signed_in)) == 2
    refused = "SELECT reason FROM audit_log WHERE action = 'approval.refuse' AND site_id = $1"
    assert (await owner.fetchval(refused, appliance.site_id)).startswith("3 incidents")


async def test_evidence_that_asks_for_nothing_costs_one_look_up(appliance, signed_in, owner):
    await tell(appliance, incident())
    assert await inbox(signed_in) == []
    changes = "SELECT count(*) FROM change_log WHERE kind = 'approval' AND site_id = $1"
    assert await owner.fetchval(changes, appliance.site_id) == 0


async def test_two_people_who_ask_again_at_once_open_one_approval(appliance, signed_in, people):
    record, found = await asked(appliance, signed_in)
    assert (await answer(signed_in, found, "reject", "not today")).status_code == 200
    path = f"/api/v1/sites/{appliance.site_id}/incidents/{record.incident_id}/start"
    crowd = [signed_in, *[await people(Role.OPERATOR) for _ in range(4)]]
    said = await asyncio.gather(*(one.post(path, json={"reason": "now"}) for one in crowd))
    assert sorted(one.status_code for one in said) == [201, *[409] * 4]
    assert {one.json()["code"] for one in said if one.status_code == 409} == {"approval_waiting"}
    assert len(await inbox(signed_in, state="pending")) == 1


async def test_who_asked_again_is_still_who_asked_when_the_incident_comes_back(
    appliance, signed_in, people
):
    record, found = await asked(appliance, signed_in)
    asker = await people(Role.MANAGER)
    assert (await answer(signed_in, found, "reject", "not today")).status_code == 200
    path = f"/api/v1/sites/{appliance.site_id}/incidents/{record.incident_id}/start"
    assert (await asker.post(path, json={"reason": "now"})).status_code == 201
    await tell(appliance, replace(record, decision=making.decision("block")))
    await tell(appliance, replace(record, decision=making.decision()))
    (again,) = await inbox(signed_in, state="pending")
    assert again["id"] != found["id"]
    own = await answer(asker, again)
    assert (own.status_code, own.json()["code"]) == (403, "not_allowed")
    assert (await answer(signed_in, again)).json()["state"] == "approved"
