"""The kill switch at Central: thrown, obeyed, counted, lifted, and nobody else's."""

import asyncio

import orjson
import pytest

from tests.harness.appliance import Appliance, issue_token
from tests.integration.central.conftest import browser_of, make_tenant, make_user, sign_in
from tests.integration.central.freezes.switch import (
    WHY,
    check_in,
    lift,
    lifted,
    listed,
    obey,
    ordered,
    throw,
    thrown,
    told,
    told_end,
)
from wardline.central.database.scope import Actor, ActorKind, Scope
from wardline.central.database.session import open_session
from wardline.core import ids
from wardline.core.mandate import Reach
from wardline.core.policy.share import Share
from wardline.core.protocol import CheckinRequest


async def test_a_frozen_site_is_obeyed_from_the_next_check_in_and_confirmed_by_the_one_after(
    appliance, second, signed_in
):
    before = await check_in(appliance)
    assert ordered(before).freezes == ()
    assert (await check_in(appliance, etag=before["etag"]))["mandate"] is None
    made = await thrown(signed_in, appliance.site_id)
    assert (made["reach"], made["state"], made["reason"]) == ("site", "in_force", WHY)
    assert (made["frozen_by_name"], made["total"], made["confirmed"]) == ("Somebody", 2, 0)
    after = await check_in(appliance, etag=before["etag"])
    (freeze,) = ordered(after).freezes
    assert (freeze.id, freeze.reach, freeze.by, freeze.reason) == (
        *(made["id"], Reach.SITE),
        *("Somebody", WHY),
    )
    assert ordered(after).revision == ordered(before).revision + 1
    (seen,) = await listed(signed_in)
    assert (seen["confirmed"], len(seen["waiting"])) == (0, 2)
    await check_in(appliance, etag=after["etag"], obeyed=[freeze.id])
    (seen,) = await listed(signed_in)
    assert (seen["total"], seen["confirmed"]) == (2, 1)
    assert seen["last_confirmed_at"] is not None
    (waiting,) = seen["waiting"]
    assert (waiting["appliance_id"], waiting["last_checkin"]) == (second.id, None)
    path = f"/api/v1/freezes/{made['id']}/appliances"
    first, other = (await signed_in.get(path)).json()["items"]
    assert (first["appliance_id"], other["appliance_id"]) == (appliance.id, second.id)
    assert (first["confirmed_at"] is None, other["confirmed_at"]) == (False, None)
    page = (await signed_in.get(path, params={"limit": 1})).json()
    following = (await signed_in.get(path, params={"cursor": page["next_cursor"]})).json()
    assert [one["appliance_id"] for one in following["items"]] == [second.id]


async def test_a_frozen_partner_stops_every_site_of_its_own_and_no_other(
    appliance, stranger, signed_in, owner, tenant, client
):
    another_site = ids.site()
    await owner.execute(
        "INSERT INTO sites (id, name, partner_id, zone) VALUES ($1, 'Second', $2, 'UTC')",
        *(another_site, tenant.partner_id),
    )
    elsewhere = Appliance(client)
    place = type(tenant)(tenant.partner_id, another_site)
    await elsewhere.enrol(await issue_token(owner, place))
    made = await thrown(signed_in)
    assert (made["reach"], made["site_id"], made["total"]) == ("partner", None, 2)
    assert await obey(appliance) == await obey(elsewhere) == [made["id"]]
    assert await obey(stranger) == []
    # Whatever it says, it confirms nothing of another partner's.
    await check_in(stranger, obeyed=[made["id"]])
    (seen,) = await listed(signed_in)
    assert (seen["total"], seen["confirmed"], seen["waiting"]) == (2, 2, [])
    assert [one["id"] for one in await listed(signed_in, site=another_site)] == [made["id"]]


async def test_a_lift_reaches_the_appliances_and_who_still_stands_is_counted(
    appliance, second, signed_in, owner, tenant
):
    made = await thrown(signed_in, appliance.site_id)
    await obey(appliance)
    await obey(second)
    ended = await lifted(signed_in, made["id"])
    assert (ended["state"], ended["lift_reason"], ended["holding"]) == (
        *("lifted", "found and fixed"),
        2,
    )
    assert await obey(appliance) == []
    assert await listed(signed_in) == []
    (kept,) = await listed(signed_in, state="all")
    assert (kept["holding"], kept["frozen_by_name"], kept["lifted_by_name"]) == (
        *(1, "Somebody"),
        "Somebody",
    )
    rows = await owner.fetch(
        "SELECT action, reason FROM audit_log WHERE subject = $1 ORDER BY id", made["id"]
    )
    assert [tuple(row) for row in rows] == [
        ("freeze.set", WHY),
        ("freeze.lift", "found and fixed"),
    ]
    states = await owner.fetch(
        "SELECT payload ->> 'state' AS state FROM change_log"
        " WHERE partner_id = $1 AND kind = 'freeze' ORDER BY id",
        tenant.partner_id,
    )
    assert [row["state"] for row in states] == [
        *("in_force", "confirmed", "confirmed"),
        *("lifted", "confirmed"),
    ]


async def test_the_second_freeze_of_a_site_is_a_new_row_and_a_new_confirmation(
    appliance, signed_in
):
    first = await thrown(signed_in, appliance.site_id)
    await obey(appliance)
    await lifted(signed_in, first["id"])
    await obey(appliance)
    second = await thrown(signed_in, appliance.site_id)
    assert second["id"] != first["id"]
    assert second["confirmed"] == 0
    assert await obey(appliance) == [second["id"]]
    assert [one["id"] for one in await listed(signed_in, state="all")] == [
        *(second["id"], first["id"])
    ]
    first_page = (
        await signed_in.get("/api/v1/freezes", params={"state": "all", "limit": 1})
    ).json()
    assert [one["id"] for one in first_page["items"]] == [second["id"]]
    rest = await listed(signed_in, state="all", cursor=first_page["next_cursor"])
    assert [one["id"] for one in rest] == [first["id"]]


async def test_partner_and_site_are_two_switches(appliance, signed_in):
    of_site = await thrown(signed_in, appliance.site_id)
    of_partner = await thrown(signed_in)
    assert await obey(appliance) == [of_partner["id"], of_site["id"]]
    await lifted(signed_in, of_partner["id"])
    assert await obey(appliance) == [of_site["id"]]


async def test_what_cannot_be_frozen_or_lifted_is_said(appliance, signed_in):
    for reason in ("", "   ", "x" * 1001):
        assert (await throw(signed_in, appliance.site_id, reason)).status_code == 422
    assert (await throw(signed_in, ids.site())).status_code == 404
    made = await thrown(signed_in, appliance.site_id)
    again = await throw(signed_in, appliance.site_id)
    assert (again.status_code, again.json()["code"]) == (409, "already_frozen")
    assert (await lift(signed_in, made["id"], "  ")).status_code == 422
    assert (await lift(signed_in, ids.new("freeze"))).status_code == 404
    await lifted(signed_in, made["id"])
    twice = await lift(signed_in, made["id"])
    assert (twice.status_code, twice.json()["code"]) == (409, "freeze_lifted")


async def test_of_many_that_throw_the_switch_at_once_one_did(web, owner, tenant):
    async with browser_of(web) as browser:
        await sign_in(browser, await make_user(owner, tenant.partner_id))
        answers = await asyncio.gather(*(throw(browser) for _ in range(6)))
        assert sorted(one.status_code for one in answers) == [201, *[409] * 5]
        assert len(await listed(browser)) == 1


async def test_freezes_of_another_partner_are_not_there(
    appliance, signed_in, web, owner, other_tenant
):
    made = await thrown(signed_in, appliance.site_id)
    async with browser_of(web) as foreign:
        await sign_in(foreign, await make_user(owner, other_tenant.partner_id))
        assert await listed(foreign, state="all") == []
        assert (await foreign.get(f"/api/v1/freezes/{made['id']}")).status_code == 404
        path = f"/api/v1/freezes/{made['id']}/appliances"
        assert (await foreign.get(path)).status_code == 404
        assert (await lift(foreign, made["id"])).status_code == 404
        assert (await throw(foreign, appliance.site_id)).status_code == 404
        answer = await foreign.get("/api/v1/freezes", params={"site": appliance.site_id})
        assert answer.status_code == 404
    assert len(await listed(signed_in)) == 1


async def test_what_was_frozen_at_an_appliance_is_shown_and_not_lifted_here(appliance, signed_in):
    for _ in range(2):
        await check_in(appliance, freezes=[told()])
    (seen,) = await listed(signed_in)
    assert (seen["reach"], seen["frozen_by"], seen["appliance_name"]) == (
        *("appliance", "appliance:ada"),
        "clinic-1",
    )
    assert (seen["total"], seen["confirmed"], seen["waiting"]) == (1, 1, [])
    refused = await lift(signed_in, seen["id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "frozen_on_site")
    # It is not ordered back: the appliance has it.
    assert ordered(await check_in(appliance)).freezes == ()
    of_site = await thrown(signed_in, appliance.site_id)
    await lifted(signed_in, of_site["id"])
    assert [one["id"] for one in await listed(signed_in)] == [seen["id"]]
    for _ in range(2):
        await check_in(appliance, freezes=[told_end()])
    assert await listed(signed_in) == []
    ended = (await listed(signed_in, state="all"))[-1]
    assert (ended["id"], ended["lifted_by"], ended["lift_reason"]) == (
        *(seen["id"], "appliance:bob"),
        "gone",
    )


async def test_what_an_appliance_tells_of_a_freeze_must_be_whole(appliance):
    for wrong in (
        told(frozen_at="yesterday"),
        told(lifted_at="2026-01-05T11:00:00.000Z"),
        told(lifted_by="appliance:ada"),
        told(lifted_at="2026-01-05T11:00:00.000Z", lifted_by="appliance:ada"),
    ):
        assert (await appliance.check_in(freezes=[wrong])).status_code == 422
    assert (await appliance.check_in(obeyed=["a", "b", "c"])).status_code == 422


async def test_an_appliance_writes_no_freeze_but_its_own(
    appliance, app_engine, signed_in, owner, tenant
):
    made = await thrown(signed_in, appliance.site_id)
    scope = Scope.site(tenant.site_id, tenant.partner_id)
    actor = Actor(ActorKind.APPLIANCE, appliance.id)
    async with open_session(app_engine, scope, actor) as session:
        touched = await session.raw.execute(
            "UPDATE freezes SET lifted_at = now(), lifted_by = 'x', lifted_by_name = 'x',"
            " lift_reason = 'x' WHERE id = $1",
            made["id"],
        )
        assert touched == "UPDATE 0"
    for site_id, appliance_id in ((None, None), (tenant.site_id, None)):
        with pytest.raises(Exception, match="row-level security"):
            async with open_session(app_engine, scope, actor) as session:
                await session.raw.execute(
                    "INSERT INTO freezes (id, partner_id, site_id, appliance_id, frozen_at,"
                    " frozen_by, frozen_by_name, reason)"
                    " VALUES ($1, $2, $3, $4, now(), 'x', 'x', 'x')",
                    *(ids.new("freeze"), tenant.partner_id, site_id, appliance_id),
                )
    assert len(await listed(signed_in)) == 1


async def test_each_appliance_of_a_site_has_its_share_by_the_order_of_ids(
    appliance, second, signed_in, owner
):
    first, other = ordered(await check_in(appliance)), ordered(await check_in(second))
    assert (first.share, other.share) == (Share(0, 2), Share(1, 2))
    assert first.revision == other.revision
    held = await check_in(second)
    await owner.execute("UPDATE appliances SET retired_at = now() WHERE id = $1", appliance.id)
    alone = ordered(await check_in(second, etag=held["etag"]))
    assert alone.share == Share()
    assert alone.revision > other.revision


async def test_a_list_of_a_partner_with_many_sites_stays_its_own(signed_in, owner, appliance):
    tenant = await make_tenant(owner)
    await owner.execute(
        "INSERT INTO freezes (id, partner_id, frozen_at, frozen_by, frozen_by_name, reason)"
        " VALUES ($1, $2, now(), 'x', 'x', 'x')",
        *(ids.new("freeze"), tenant.partner_id),
    )
    assert await listed(signed_in, state="all") == []
    assert ordered(await check_in(appliance)).freezes == ()


def test_wire_of_a_check_in_without_freezes_is_the_old_one():
    """An appliance of the release before says nothing of them."""
    plain = {
        "v": 1,
        "agent_version": "0.1.0",
        "etag": None,
        "hosts": [],
        "stream": {"epoch": 1, "next_seq": 1, "prev": "0" * 64},
        "queue": {"pending": 0, "quarantined": 0, "oldest_at": None},
        "witnessed_size": 0,
    }
    read = CheckinRequest.model_validate_json(orjson.dumps(plain))
    assert (read.freezes, read.obeyed) == ([], [])
