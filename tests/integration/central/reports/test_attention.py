"""The status tells what people decide: asks, blocks, holds and orders, each with its evidence."""

from dataclasses import replace

import orjson

from tests.harness import orders as making
from tests.harness.appliance import incident
from tests.integration.central.conftest import browser_of, make_user, sign_in
from tests.integration.central.freezes import switch
from tests.integration.central.matrix_scene import hold
from wardline.central.reports import queries
from wardline.core import clock, ids
from wardline.core.evidence.bundle import (
    IncidentOutcome,
    IncidentState,
    Kind,
    ResolutionLevel,
)
from wardline.core.evidence.signing import SigningKey

ORDER_KEY = SigningKey.from_seed(b"o" * 32)


def blocked(code):
    told = {"type": "deny", "reason": code.title(), "verdict": "block", "code": code}
    return incident(state=IncidentState.OPEN, decision=told, runbook=making.RUNBOOK)


async def told(appliance):
    """Incidents by the log entries that tell of them: 1 asks, 2 to 4 are blocked, 5 flapped."""
    asking = making.waiting()
    outside, denied = blocked("outside_window"), blocked("denied")
    flapped = incident(
        state=IncidentState.ESCALATED,
        resolution_level=ResolutionLevel.L3,
        outcome=IncidentOutcome.ESCALATED,
    )
    first = replace(outside, incident_id=denied.incident_id)
    for record in (asking, outside, first, denied, flapped):
        sent = await appliance.send(appliance.seal(kind=Kind.INCIDENT, incidents=(record,)))
        assert sent.status_code == 200, sent.text
    held = {**hold(appliance), "incident_id": flapped.incident_id}
    assert (await appliance.check_in(holds=[held])).status_code == 200
    return asking, outside, denied


async def test_the_status_names_what_waits_for_people_with_its_evidence(
    appliance, signed_in, other_tenant, owner, web
):
    asking, outside, denied = await told(appliance)
    said = (await signed_in.get("/api/v1/status")).json()
    assert said["ask"]["count"] == 1
    (ask,) = said["ask"]["newest"]
    assert (ask["incident_id"], ask["log_indexes"]) == (asking.incident_id, [1])
    assert ask["host_name"] == appliance.hosts[0][:12]
    assert said["blocked"]["count"] == 2
    assert said["blocked"]["by_code"] == {"denied": 1, "outside_window": 1}
    assert {
        one["code"]: (one["incident_id"], one["log_indexes"]) for one in said["blocked"]["newest"]
    } == {
        "denied": (denied.incident_id, [3, 4]),
        "outside_window": (outside.incident_id, [2]),
    }
    assert said["holds"]["active"] == 1
    assert said["holds"]["newest"][0]["log_indexes"] == [5]
    async with browser_of(web) as other:
        await sign_in(other, await make_user(owner, other_tenant.partner_id))
        empty = (await other.get("/api/v1/status")).json()
    assert empty["ask"] == {"count": 0, "newest": []}
    assert empty["blocked"] == {"count": 0, "by_code": {}, "newest": []}
    assert empty["holds"] == {"active": 0, "newest": []}


async def test_the_status_says_what_is_frozen_by_whom_and_how_many_obey(
    appliance, signed_in, other_tenant, owner, web
):
    whole = await switch.thrown(signed_in)
    at_the_box = switch.told(reason="nothing prints")
    await switch.check_in(appliance, freezes=[at_the_box], obeyed=[whole["id"]])
    said = (await signed_in.get("/api/v1/status")).json()["freezes"]
    assert said["active"] == 2
    told = {one["reach"]: one for one in said["newest"]}
    partner, own = told["partner"], told["appliance"]
    assert (partner["reason"], partner["frozen_by_name"]) == (switch.WHY, "Somebody")
    assert (partner["frozen_at"], partner["freeze_id"]) == (whole["frozen_at"], whole["id"])
    assert (partner["confirmed"], partner["total"], partner["site_id"]) == (1, 1, None)
    assert (own["appliance_id"], own["reason"]) == (appliance.id, "nothing prints")
    assert (own["confirmed"], own["total"]) == (1, 1)
    async with browser_of(web) as other:
        await sign_in(other, await make_user(owner, other_tenant.partner_id))
        empty = (await other.get("/api/v1/status")).json()
    assert empty["freezes"] == {"active": 0, "newest": []}


async def test_the_status_counts_the_freezes_beyond_those_that_it_names(
    appliance, signed_in, monkeypatch
):
    monkeypatch.setattr(queries, "NEWEST_MAX", 1)
    await switch.thrown(signed_in)
    newest = await switch.thrown(signed_in, appliance.site_id)
    said = (await signed_in.get("/api/v1/status")).json()["freezes"]
    assert said["active"] == 2
    assert [one["freeze_id"] for one in said["newest"]] == [newest["id"]]


async def test_the_status_counts_orders_and_names_the_bundle_that_tells_of_one(
    appliance, signed_in, other_tenant, owner, tenant, web
):
    await appliance.send(appliance.seal(), appliance.seal())
    place = making.Place(tenant.partner_id, tenant.site_id, appliance.id, appliance.hosts[0])
    made = await making.issue_in_bulk(owner, place, ORDER_KEY, [making.run(), making.run()])
    await appliance.post("/orders/lease", orjson.dumps({"v": 1, "count": 2}))
    body = {
        "v": 1, "order_id": made[0], "status": "succeeded", "code": "healed", "detail": "",
        "at": clock.wire(clock.system()), "epoch": 1, "seq": 2,
    }  # fmt: skip
    assert (await appliance.post("/orders/report", orjson.dumps(body))).status_code == 200
    said = (await signed_in.get("/api/v1/status")).json()["orders"]
    assert said["by_status"] == {"leased": 1, "succeeded": 1}
    newest = {one["order_id"]: one["log_index"] for one in said["newest"]}
    assert newest == {made[0]: 2, made[1]: None}
    async with browser_of(web) as other:
        await sign_in(other, await make_user(owner, other_tenant.partner_id))
        empty = (await other.get("/api/v1/status")).json()["orders"]
    assert empty == {"by_status": {}, "newest": []}


async def test_words_of_an_appliances_own_are_counted_as_one_and_hide_nothing(appliance, signed_in):
    odd = [blocked(f"aaa{at:02}{'x' * 3_000}") for at in range(30)]
    await told_of(appliance, blocked("outside_window"), *odd)
    said = (await signed_in.get("/api/v1/status")).json()
    counted = {"other": 30, "outside_window": 1}
    assert said["blocked"]["by_code"] == counted
    assert said["totals"]["incidents"]["by_code"] == counted
    newest = {one["code"]: one["reason"] for one in said["blocked"]["newest"]}
    assert newest["outside_window"] == "Outside_Window"
    assert len(newest["other"]) == queries.REASON_CHARS_MAX


async def told_of(appliance, *records):
    sent = await appliance.send(appliance.seal(kind=Kind.INCIDENT, incidents=records))
    assert sent.status_code == 200, sent.text


async def test_the_status_names_every_drift_that_only_a_person_ends_and_why(
    appliance, signed_in, other_tenant, owner, web
):
    escalated = incident(
        state=IncidentState.ESCALATED,
        resolution_level=ResolutionLevel.L3,
        outcome=IncidentOutcome.ESCALATED,
    )
    held = replace(escalated, incident_id=ids.incident(), decision=blocked("hold").decision)
    offered, asking, refused = making.waiting("offer"), making.waiting(), making.waiting()
    for record in (escalated, held, offered, asking, refused):
        sent = await appliance.send(appliance.seal(kind=Kind.INCIDENT, incidents=(record,)))
        assert sent.status_code == 200, sent.text
    for one in (await signed_in.get("/api/v1/approvals")).json()["items"]:
        if one["incident_id"] == refused.incident_id:
            path = f"/api/v1/sites/{one['site_id']}/approvals/{one['id']}/reject"
            assert (await signed_in.post(path, json={"reason": "not now"})).status_code == 200
    left = (await signed_in.get("/api/v1/status")).json()["left"]
    assert (left["count"], left["by_why"]) == (3, {"escalated": 1, "not_asked": 1, "offered": 1})
    assert {one["incident_id"]: (one["why"], one["log_indexes"]) for one in left["newest"]} == {
        escalated.incident_id: ("escalated", [1]),
        offered.incident_id: ("offered", [3]),
        refused.incident_id: ("not_asked", [5]),
    }
    async with browser_of(web) as other:
        await sign_in(other, await make_user(owner, other_tenant.partner_id))
        empty = (await other.get("/api/v1/status")).json()["left"]
    assert empty == {"count": 0, "by_why": {}, "newest": []}


async def test_the_status_names_the_newest_bundles_of_an_incident_and_not_all(appliance, signed_in):
    record, most = blocked("denied"), queries.BUNDLES_NAMED_MAX
    for _ in range(2):
        sealed = [appliance.seal(kind=Kind.INCIDENT, incidents=(record,)) for _ in range(most)]
        assert (await appliance.send(*sealed)).status_code == 200
    (one,) = (await signed_in.get("/api/v1/status")).json()["blocked"]["newest"]
    assert one["log_indexes"] == list(range(most + 1, 2 * most + 1))
