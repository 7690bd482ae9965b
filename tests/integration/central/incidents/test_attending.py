"""What a person does about an incident, and the sentence in which everybody reads it."""

import re
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from tests.harness.appliance import incident, result
from tests.integration.central.conftest import browser_of, make_tenant, make_user, sign_in
from tests.integration.central.holds.test_holds import ORDER_KEY, hold
from wardline.central.identity.permissions import Role
from wardline.core import clock, ids, orders
from wardline.core.evidence.bundle import (
    Action,
    IncidentOutcome,
    IncidentState,
    Kind,
    Outcome,
    ResolutionLevel,
    RunbookRef,
)
from wardline.core.evidence.signing import Envelope
from wardline.core.incidents import catalogue

BOOK = RunbookRef("ssh_config.harden", "1", "cd" * 32, "medium")
MINUTE = timedelta(minutes=1)
CHANGED = Action("set lines", "set_config_line", "/etc/ssh/sshd_config", False, True, None, 3)
BROKE = Action("reload", "run_command", "sshd", False, False, 1, 3, error="exit code 1")


@pytest.fixture
def failed():
    """A repair that broke, and whose change could not be put back."""
    return incident(
        state=IncidentState.ESCALATED,
        resolution_level=ResolutionLevel.L3,
        outcome=IncidentOutcome.ESCALATED,
        runbook=BOOK,
        actions=(CHANGED, BROKE),
    )


async def told(appliance, *records):
    for one in records:
        sealed = appliance.seal(kind=Kind.INCIDENT, results=(one.before,), incidents=(one,))
        answer = await appliance.send(sealed)
        assert answer.status_code == 200, answer.text


def path(appliance, record, deed=""):
    return f"/api/v1/sites/{appliance.site_id}/incidents/{record.incident_id}{deed}"


async def read(browser, appliance, record):
    answer = await browser.get(path(appliance, record))
    assert answer.status_code == 200, answer.text
    return answer.json()


async def do(browser, appliance, record, deed, **body):
    return await browser.post(path(appliance, record, deed), json=body)


async def leased(appliance):
    answer = await appliance.post("/orders/lease", orjson.dumps({"v": 1, "count": 5}))
    return [
        orders.opened(Envelope.from_wire(one), ORDER_KEY.verify_key)
        for one in answer.json()["orders"]
    ]


async def test_an_incident_is_one_sentence_in_every_list_and_on_its_page(
    appliance, signed_in, failed, moment
):
    await appliance.check_in()
    await told(appliance, failed)
    shown = await read(signed_in, appliance, failed)
    assert re.fullmatch(
        r"ssh_config fails on \S+ \(.+\): ssh_config\.harden failed, and one change of it could not"
        r" be put back and must be looked at by hand; nothing more happens by itself, a person has"
        r" to act\.",
        shown["sentence"],
    )
    assert (shown["undo"], shown["left"]) == ("part", ["set lines: /etc/ssh/sshd_config"])
    assert (shown["latest"]["outcome"], shown["silent"]) == ("fail", False)
    for address in ("/api/v1/incidents", f"/api/v1/sites/{appliance.site_id}/incidents"):
        (row,) = (await signed_in.get(address)).json()["items"]
        assert (row["sentence"], row["owner_name"]) == (shown["sentence"], None)
    found = await signed_in.get("/api/v1/incidents", params={"incident": failed.incident_id})
    assert [one["id"] for one in found.json()["items"]] == [failed.incident_id]
    none = await signed_in.get("/api/v1/incidents", params={"incident": ids.incident()})
    assert none.json()["items"] == []
    moment.advance(600)
    silent = await read(signed_in, appliance, failed)
    assert silent["silent"]
    assert silent["sentence"].startswith("When its appliance was last heard of, ssh_config fails")


async def test_a_later_measurement_than_the_incidents_is_what_the_host_is_like_now(
    appliance, signed_in, failed
):
    await told(appliance, failed)
    later = failed.before.measured_at + timedelta(minutes=5)
    lost = result(outcome=Outcome.UNKNOWN, summary="no connection", measured_at=later)
    await appliance.send(appliance.seal(results=(lost,)))
    shown = await read(signed_in, appliance, failed)
    assert "cannot be measured on" in shown["sentence"]
    assert "(no connection)" in shown["sentence"]


async def test_check_again_try_again_and_hold_are_signed_orders_of_the_incident(
    appliance, signed_in, failed
):
    await appliance.check_in()
    await told(appliance, failed)
    for deed, body in (
        ("/check-again", {}),
        ("/try-again", {"reason": "the disk has room"}),
        ("/hold", {"reason": "the vendor is at it"}),
    ):
        answer = await do(signed_in, appliance, failed, deed, **body)
        assert answer.status_code == 201, answer.text
        again = await do(signed_in, appliance, failed, deed, **body)
        assert (again.status_code, again.json()["code"]) == (409, "order_under_way")
    by_kind = {one.kind: one for one in await leased(appliance)}
    assert by_kind[orders.Kind.CHECK_AGAIN].body == orders.CheckAgain("ssh_config")
    assert by_kind[orders.Kind.TRY_AGAIN].body == orders.TryAgain(failed.incident_id, "ssh_config")
    assert by_kind[orders.Kind.TRY_AGAIN].reason == "the disk has room"
    assert by_kind[orders.Kind.SET_HOLD].body == orders.SetHold("ssh_config", BOOK.id)
    page = (await signed_in.get("/api/v1/orders")).json()["items"]
    assert {one["incident_id"] for one in page} == {failed.incident_id}
    assert {one["kind"]: one["runbook_id"] for one in page} == {
        "check_again": None,
        "try_again": None,
        "set_hold": BOOK.id,
    }


async def test_a_frozen_appliance_still_looks_and_holds(appliance, signed_in, failed):
    await appliance.check_in()
    await told(appliance, failed)
    await signed_in.post(f"/api/v1/sites/{appliance.site_id}/freeze", json={"reason": "stop"})
    for deed in ("/check-again", "/hold"):
        await do(signed_in, appliance, failed, deed, reason="look")
    assert len(await leased(appliance)) == 2


async def test_what_is_on_hold_is_neither_held_twice_nor_tried_again(appliance, signed_in, failed):
    await told(appliance, failed)
    await appliance.check_in(holds=[hold(appliance, reason="the vendor is at it")])
    assert (
        "is on hold (the vendor is at it)" in (await read(signed_in, appliance, failed))["sentence"]
    )
    for deed in ("/hold", "/try-again"):
        answer = await do(signed_in, appliance, failed, deed, reason="why")
        assert (answer.status_code, answer.json()["code"]) == (409, "on_hold")


async def test_a_hold_names_a_repair_of_the_check_and_who_set_it(
    appliance, signed_in, failed, owner
):
    await told(appliance, failed)
    wrong = {"reason": "why", "runbook_id": "kernel_sysctl.apply"}
    assert (await do(signed_in, appliance, failed, "/hold", **wrong)).status_code == 422
    await do(signed_in, appliance, failed, "/hold", reason="the vendor is at it")
    (order,) = await leased(appliance)
    said = hold(appliance, reason=order.reason, set_by=order.by.user_id)
    await appliance.check_in(holds=[said])
    (shown,) = (await signed_in.get("/api/v1/holds")).json()["items"]
    assert (shown["set_by"], shown["set_by_name"]) == (order.by.user_id, "Somebody")
    stranger = hold(
        appliance, check="kernel_sysctl", runbook_id="kernel_sysctl.apply", set_by=order.by.user_id
    )
    await appliance.check_in(holds=[stranger])
    rows = (await signed_in.get("/api/v1/holds")).json()["items"]
    assert {one["check"]: one["set_by_name"] for one in rows}["kernel_sysctl"] is None


async def test_what_somebody_has_accepted_is_not_tried_again(appliance, signed_in, failed):
    """Whatever the appliance said last: it may not have heard of it yet."""
    await told(appliance, failed)
    seen = await signed_in.get(f"/api/v1/sites/{appliance.site_id}/observed/{failed.check}")
    (host,) = seen.json()["items"]
    wish = {
        "check": failed.check,
        "until": clock.wire(clock.system() + timedelta(days=30)),
        "hosts": {host["host_id"]: failed.before.facts_digest},
        "owner": "Dr. Berg",
        "reason": "the scanner needs it",
        "control": "its own network",
    }
    made = await signed_in.post(f"/api/v1/sites/{appliance.site_id}/deviations", json=wish)
    assert made.status_code == 201, made.text
    answer = await do(signed_in, appliance, failed, "/try-again", reason="why")
    assert (answer.status_code, answer.json()["code"]) == (409, "accepted")
    revoked = f"/api/v1/deviations/{made.json()['id']}/revoke"
    assert (await signed_in.post(revoked, json={"reason": "it is gone"})).status_code == 200
    answer = await do(signed_in, appliance, failed, "/try-again", reason="why")
    assert answer.status_code == 201


async def test_every_repair_that_is_offered_for_a_hold_can_be_held(appliance, signed_in):
    """One repair for ssh_config, two for remote_access, none for backup."""
    several = ["remote_access.close", "remote_access.require_keys"]
    for check, offered in (
        ("ssh_config", ["ssh_config.harden"]),
        ("remote_access", several),
        ("backup", []),
    ):
        record = incident(check=check, before=result(check=check))
        await told(appliance, record)
        assert (await read(signed_in, appliance, record))["holdable"] == offered
        for runbook_id in offered:
            body = {"reason": "the vendor is at it", "runbook_id": runbook_id}
            answer = await do(signed_in, appliance, record, "/hold", **body)
            assert answer.status_code == 201, answer.text
        given = {one.body for one in await leased(appliance)}
        assert given == {orders.SetHold(check, one) for one in offered}


async def test_the_repair_that_ran_is_offered_first_and_none_under_a_hold(
    appliance, signed_in, failed
):
    ran = replace(
        failed,
        check="remote_access",
        before=result(check="remote_access"),
        runbook=RunbookRef("remote_access.require_keys", "1", "cd" * 32, "high"),
    )
    await told(appliance, ran)
    assert (await read(signed_in, appliance, ran))["holdable"] == [
        "remote_access.require_keys",
        "remote_access.close",
    ]
    said = hold(appliance, check="remote_access", runbook_id="remote_access.require_keys")
    await appliance.check_in(holds=[said])
    assert (await read(signed_in, appliance, ran))["holdable"] == []


async def test_trying_again_needs_a_drift_that_is_there(appliance, signed_in, failed):
    passed = result(outcome=Outcome.PASS, measured_at=failed.before.measured_at + MINUTE)
    gone = {"state": IncidentState.RESOLVED, "resolution_level": None, "outcome": None}
    closed = {**gone, "after": passed, "closed_at": passed.measured_at}
    await told(appliance, failed, replace(failed, **closed))
    answer = await do(signed_in, appliance, failed, "/try-again", reason="why")
    assert (answer.status_code, answer.json()["code"]) == (409, "not_open")


async def test_an_incident_is_handed_over_with_a_note_and_the_last_hand_stands(
    appliance, signed_in, failed, owner, tenant
):
    await told(appliance, failed)
    mail = await make_user(owner, tenant.partner_id, Role.OPERATOR)
    reader = await make_user(owner, tenant.partner_id, Role.READER)
    foreign = await make_user(owner, (await make_tenant(owner)).partner_id, Role.OPERATOR)
    people = (await signed_in.get("/api/v1/people")).json()["items"]
    assert mail in {one["email"] for one in people}
    assert not {reader, foreign} & {one["email"] for one in people}
    me = next(one["id"] for one in people if one["email"] != mail)
    for to in (reader, foreign, "user_none"):
        body = {"to": to.partition("@")[0], "note": "yours"}
        answer = await do(signed_in, appliance, failed, "/hand-over", **body)
        assert answer.status_code == 422, answer.text
    for to, note in ((me, "mine first"), (mail.partition("@")[0], "the vendor calls back at 9")):
        answer = await do(signed_in, appliance, failed, "/hand-over", to=to, note=note)
        assert (answer.status_code, answer.json()["to_user"]) == (201, to)
    shown = await read(signed_in, appliance, failed)
    assert [one["note"] for one in shown["handovers"]] == [
        *("the vendor calls back at 9", "mine first"),
    ]
    assert shown["owner_name"] == "Somebody"
    audit = await owner.fetch(
        "SELECT reason FROM audit_log WHERE action = 'incident.hand_over' AND subject = $1"
        " ORDER BY id",
        failed.incident_id,
    )
    assert [row["reason"] for row in audit] == ["mine first", "the vendor calls back at 9"]


async def test_runbooks_say_how_their_heals_last_and_where_each_is_stopped(
    appliance, signed_in, failed, web, owner
):
    await told(appliance, failed)
    await appliance.check_in(holds=[hold(appliance, reason="the vendor is at it")])
    said = (await signed_in.get("/api/v1/runbooks")).json()
    by_id = {one["id"]: one for one in said["items"]}
    one = by_id["ssh_config.harden"]
    assert (one["check"], one["heals"], one["unhelped"], one["stopped"]) == (
        *("ssh_config", None),
        *(1, 1),
    )
    (stop,) = one["stops"]
    assert (stop["kind"], stop["reason"]) == ("hold", "the vendor is at it")
    assert stop["site_id"] == appliance.site_id
    assert by_id["kernel_sysctl.apply"]["stops"] == []
    everywhere, earlier = ids.new("stop"), ids.new("stop")
    digest = catalogue.runbooks()["ssh_config.harden"].digest
    for stop_id, version in ((everywhere, digest), (earlier, "ab" * 32)):
        await owner.execute(
            "INSERT INTO brake_stops (id, partner_id, kind, name, version, stopped_at, failed,"
            " runs, incident_id, incident_site_id) SELECT $1, partner_id, 'runbook',"
            " 'ssh_config.harden', $4, now(), 3, 4, $2, id FROM sites WHERE id = $3",
            *(stop_id, failed.incident_id, appliance.site_id, version),
        )
    said = (await signed_in.get("/api/v1/runbooks")).json()
    one = next(each for each in said["items"] if each["id"] == "ssh_config.harden")
    assert [(each["kind"], each["other_version"]) for each in one["stops"]] == [
        ("brake", None),
        ("hold", None),
        ("brake", "ab" * 32),
    ]
    assert one["stopped"] == 2, "what stopped an earlier version does not stop this one"
    braked = one["stops"][0]
    assert (braked["id"], braked["site_id"], braked["check"]) == (everywhere, None, "ssh_config")
    assert braked["reason"] == "3 of 4 runs failed or were undone"
    stranger = await make_tenant(owner)
    async with browser_of(web) as browser:
        await sign_in(browser, await make_user(owner, stranger.partner_id))
        foreign = (await browser.get("/api/v1/runbooks")).json()["items"]
    assert {(each["unhelped"], each["stopped"]) for each in foreign} == {(0, 0)}
