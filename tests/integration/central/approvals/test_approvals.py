"""Approvals: opened by what an appliance tells, answered by people, spent as one signed order."""

import asyncio
from dataclasses import replace

import pytest

from tests.harness import orders as making
from tests.integration.central.approvals.inbox import answer, asked, inbox, orders_of, tell
from wardline.central.approvals import asking
from wardline.central.identity.permissions import Role
from wardline.central.jobs import expiry
from wardline.core import ids
from wardline.core.evidence.signing import SigningKey

ORDER_KEY = SigningKey.from_seed(b"o" * 32)
RULE = {
    "id": "runbook.ssh_config.harden",
    "when": {"kpiId": "ssh_config", "severity": ["high"]},
    "action": "ssh_config.harden",
    "approval": {"required": True, "roles": ["manager", "admin"]},
}


async def test_what_waits_for_consent_lands_in_the_inbox_with_all_that_it_takes(
    appliance, signed_in
):
    record, found = await asked(appliance, signed_in)
    assert (found["state"], found["check"], found["rule_id"]) == (
        *("pending", "ssh_config"),
        "runbook.ssh_config.harden",
    )
    assert found["measured"]["summary"] == record.before.summary
    assert found["diff"] == making.DIFF
    assert found["runbook"]["digest"] == making.RUNBOOK.digest
    assert found["runbook"]["known"] is False
    assert found["needs"] == [
        {"rule_id": "runbook.ssh_config.harden", "roles": ["manager", "admin"], "quorum": 1,
         "self_approve": False}
    ]  # fmt: skip
    assert (found["may_answer"], found["why_not"], found["order_id"]) == (True, None, None)
    path = f"/api/v1/sites/{appliance.site_id}/approvals/{found['id']}"
    detail = (await signed_in.get(path)).json()
    assert (detail["inputs"], detail["inputs_whole"]) == (making.INPUTS, True)
    assert detail["facts"] == record.before.facts


async def test_inputs_that_are_not_shown_whole_are_said_not_to_be(appliance, signed_in, owner):
    told = making.decision(pins=making.pins(inputs={"left_out_bytes": 90_000}))
    _, found = await asked(appliance, signed_in, decision=told)
    said = (await answer(signed_in, found)).json()
    assert (said["inputs"], said["inputs_whole"]) == ({"left_out_bytes": 90_000}, False)
    (order,) = await orders_of(owner, appliance)
    assert order.body.inputs_digest == making.pins()["inputsDigest"]


async def test_the_last_voice_signs_an_order_bound_to_all_that_was_asked(
    appliance, signed_in, owner
):
    record, found = await asked(appliance, signed_in)
    said = await answer(signed_in, found)
    assert said.status_code == 200, said.text
    assert (said.json()["state"], said.json()["order_status"]) == ("approved", "pending")
    (order,) = await orders_of(owner, appliance)
    assert said.json()["order_id"] == order.id
    consent = order.body.consent
    assert order.body == making.run(record.incident_id, consent=consent)
    assert consent.approval_id == found["id"]
    assert [(one.name, one.roles) for one in consent.approvers] == [("Somebody", ("admin",))]
    assert consent.approvers == (order.by,)
    assert consent.granted_at == order.issued_at
    assert consent.expires_at == order.expires_at
    audit = await owner.fetch(
        "SELECT action FROM audit_log WHERE site_id = $1 AND actor_kind = 'user' ORDER BY id",
        appliance.site_id,
    )
    assert [row["action"] for row in audit] == ["approval.approve", "order.issue"]


async def test_nobody_approves_twice(appliance, signed_in, owner):
    _, found = await asked(appliance, signed_in)
    assert (await answer(signed_in, found)).status_code == 200
    again = await answer(signed_in, found)
    assert (again.status_code, again.json()["code"]) == (409, "approval_closed")
    assert len(await orders_of(owner, appliance)) == 1


async def test_of_two_approvers_at_once_one_sends_the_order(appliance, signed_in, people, owner):
    _, found = await asked(appliance, signed_in)
    crowd = [signed_in, *[await people() for _ in range(5)]]
    said = await asyncio.gather(*(answer(one, found) for one in crowd))
    assert sorted(one.status_code for one in said) == [200, *[409] * 5]
    assert len(await orders_of(owner, appliance)) == 1


async def test_a_quorum_counts_people(appliance, signed_in, people, owner):
    rule = {**RULE, "approval": {**RULE["approval"], "quorum": 2, "expiresMinutes": 5}}
    assert (await signed_in.post("/api/mcp/policy/create", json=rule)).status_code == 200
    _, found = await asked(appliance, signed_in)
    first = await answer(signed_in, found)
    assert (first.json()["state"], first.json()["may_answer"]) == ("pending", False)
    again = await answer(signed_in, found)
    assert (again.status_code, again.json()["code"]) == (409, "already_voted")
    assert await orders_of(owner, appliance) == []
    second = await answer(await people(), found)
    assert second.json()["state"] == "approved"
    (order,) = await orders_of(owner, appliance)
    consent = order.body.consent
    assert [one.roles for one in consent.approvers] == [("admin",), ("manager",)]
    assert (consent.expires_at - consent.granted_at).total_seconds() == 300


async def test_whose_account_has_ended_has_no_say(appliance, signed_in, people, owner):
    rule = {**RULE, "approval": {**RULE["approval"], "quorum": 2}}
    assert (await signed_in.post("/api/mcp/policy/create", json=rule)).status_code == 200
    _, found = await asked(appliance, signed_in)
    gone = (await answer(await people(), found)).json()["votes"][0]["user_id"]
    await owner.execute("UPDATE users SET disabled_at = now() WHERE id = $1", gone)
    assert (await answer(signed_in, found)).json()["state"] == "pending"
    assert (await answer(await people(), found)).json()["state"] == "approved"
    (order,) = await orders_of(owner, appliance)
    assert gone not in [one.user_id for one in order.body.consent.approvers]


async def test_two_voices_of_a_quorum_of_two_at_once_send_one_order(
    appliance, signed_in, people, owner
):
    rule = {**RULE, "approval": {**RULE["approval"], "quorum": 2}}
    assert (await signed_in.post("/api/mcp/policy/create", json=rule)).status_code == 200
    _, found = await asked(appliance, signed_in)
    said = await asyncio.gather(*(answer(one, found) for one in (signed_in, await people())))
    assert sorted(one.json()["state"] for one in said) == ["approved", "pending"]
    assert len(await orders_of(owner, appliance)) == 1


async def test_a_floor_takes_voices_of_its_own(appliance, signed_in, people, owner):
    floor = {
        **RULE,
        "id": "floor",
        "floor": True,
        "approval": {"required": True, "roles": ["manager"]},
        "scope": {"partner": (await owner.fetchval(
            "SELECT partner_id FROM sites WHERE id = $1", appliance.site_id
        ))},
    }  # fmt: skip
    made = await signed_in.post("/api/mcp/policy/create", json={"rules": [RULE, floor]})
    assert made.status_code == 200, made.text
    _, found = await asked(appliance, signed_in)
    assert (await answer(signed_in, found)).json()["state"] == "pending"
    assert (await answer(await people(Role.MANAGER), found)).json()["state"] == "approved"


async def test_only_the_rules_roles_answer(appliance, signed_in, people, owner):
    told = making.decision(approverRoles=["admin"])
    _, found = await asked(appliance, signed_in, decision=told)
    manager = await people(Role.MANAGER)
    refused = await answer(manager, found)
    assert (refused.status_code, refused.json()["code"]) == (403, "not_allowed")
    assert "admin" in refused.json()["detail"]
    (shown,) = await inbox(manager)
    assert (shown["may_answer"], shown["why_not"]) == (False, refused.json()["detail"])
    operator = await people(Role.OPERATOR)
    assert (await answer(operator, found)).status_code == 403
    (shown,) = await inbox(operator)
    assert shown["may_answer"] is False
    assert (await answer(signed_in, found)).status_code == 200


async def test_a_rejection_ends_it_and_is_not_asked_again(appliance, signed_in, owner):
    record, found = await asked(appliance, signed_in)
    assert (await answer(signed_in, found, "reject", "")).status_code == 422
    said = await answer(signed_in, found, "reject", "the clinic is open")
    assert said.json()["state"] == "rejected"
    assert [(one["vote"], one["reason"]) for one in said.json()["votes"]] == [
        ("reject", "the clinic is open")
    ]
    await tell(appliance, replace(record, decision=making.decision()))
    assert await inbox(signed_in, state="pending") == []
    # Another revision of the rule is another question.
    newer = making.decision(pins=making.pins(ruleRevision=2))
    await tell(appliance, replace(record, decision=newer))
    (again,) = await inbox(signed_in, state="pending")
    assert (again["rule_revision"], again["id"] != found["id"]) == (2, True)
    assert await orders_of(owner, appliance) == []


async def test_what_was_not_answered_in_time_is_refused_and_can_be_asked_for_again(
    appliance, signed_in, people, moment, jobs_engine, owner
):
    record, found = await asked(appliance, signed_in)
    later = await people(Role.MANAGER)
    operator = await people(Role.OPERATOR)
    moment.value += asking.LIFETIME
    # Nobody's session is idle that long, and this is not about sessions.
    await owner.execute("UPDATE sessions SET last_seen_at = $1", moment())
    late = await answer(signed_in, found)
    assert (late.status_code, late.json()["code"]) == (409, "approval_expired")
    assert "ask for it again" in late.json()["detail"]
    await expiry.end_overdue(jobs_engine, moment)
    (shown,) = await inbox(signed_in)
    assert shown["state"] == "expired"
    assert (await answer(signed_in, found)).json()["code"] == "approval_expired"
    path = f"/api/v1/sites/{appliance.site_id}/incidents/{record.incident_id}/start"
    asked_for = await later.post(path, json={"reason": "somebody is here now"})
    assert asked_for.status_code == 201, asked_for.text
    again = {"site_id": appliance.site_id, "id": asked_for.json()["approval_id"]}
    twice = await operator.post(path, json={"reason": "me too"})
    assert (twice.status_code, twice.json()["code"]) == (409, "approval_waiting")
    own = await answer(later, again)
    assert (own.status_code, own.json()["code"]) == (403, "not_allowed")
    assert "another person" in own.json()["detail"]
    assert (await answer(signed_in, again)).json()["state"] == "approved"


async def test_a_refused_order_leaves_the_approval_as_it_was(appliance, signed_in, owner, tenant):
    _, found = await asked(appliance, signed_in)
    await owner.execute("UPDATE sites SET healing = 'observe' WHERE id = $1", tenant.site_id)
    refused = await answer(signed_in, found)
    assert (refused.status_code, refused.json()["code"]) == (409, "observing")
    (shown,) = await inbox(signed_in)
    assert (shown["state"], shown["votes"]) == ("pending", [])


async def test_a_vote_is_never_changed(appliance, signed_in, owner):
    _, found = await asked(appliance, signed_in)
    await answer(signed_in, found)
    grants = await owner.fetch(
        "SELECT p FROM unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS p"
        " WHERE has_table_privilege('wardline_app', 'approval_votes', p)"
    )
    assert grants == []
    may_change = await owner.fetchval(
        "SELECT has_column_privilege('wardline_app', 'orders', 'envelope', 'UPDATE')"
        " OR has_column_privilege('wardline_app', 'approvals', 'needs', 'UPDATE')"
    )
    assert may_change is False


async def test_the_inbox_is_paged_by_key(appliance, signed_in):
    records = [making.waiting() for _ in range(5)]
    await tell(appliance, *records)
    seen, cursor = [], None
    while cursor is not None or not seen:
        query = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = (await signed_in.get("/api/v1/approvals", params=query)).json()
        seen += [one["incident_id"] for one in page["items"]]
        cursor = page["next_cursor"]
    assert sorted(seen) == sorted(one.incident_id for one in records)


async def test_an_approval_of_another_site_is_not_there(appliance, signed_in):
    _, found = await asked(appliance, signed_in)
    elsewhere = {**found, "site_id": ids.site()}
    assert (await answer(signed_in, elsewhere)).status_code == 404
    assert (await answer(signed_in, {**found, "id": ids.new("appr")})).status_code == 404


@pytest.mark.parametrize("reason", ["ж" * 1000, "😀" * 1000])
async def test_a_reason_is_as_long_in_any_script(appliance, signed_in, reason):
    _, found = await asked(appliance, signed_in)
    given = await answer(signed_in, found, reason=reason)
    assert given.status_code == 200, given.text
    assert given.json()["order_id"]
