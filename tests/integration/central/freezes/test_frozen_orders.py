"""While something is frozen nothing is started: orders wait or expire by name, the simulator says."""

import orjson
import pytest

from tests.harness import orders as making
from tests.harness.orders import Place
from tests.integration.central.approvals.inbox import answer, asked
from tests.integration.central.freezes.switch import (
    WHY,
    check_in,
    lifted,
    thrown,
    told,
    told_end,
)
from tests.integration.central.policies.test_endpoints import ALERT
from wardline.central.jobs import expiry
from wardline.core import clock, orders
from wardline.core.evidence.signing import Envelope, SigningKey
from wardline.core.orders import ClearHold

ORDER_KEY = SigningKey.from_seed(b"o" * 32)


@pytest.fixture
async def place(appliance, tenant):
    return Place(tenant.partner_id, tenant.site_id, appliance.id, appliance.hosts[0])


async def given(owner, place, *bodies):
    return await making.issue_in_bulk(owner, place, ORDER_KEY, bodies or [making.run()])


async def leased(appliance):
    sent = await appliance.post("/orders/lease", orjson.dumps({"v": 1, "count": 5}))
    assert sent.status_code == 200, sent.text
    wires = sent.json()["orders"]
    return [orders.opened(Envelope.from_wire(one), ORDER_KEY.verify_key).id for one in wires]


async def shown(browser, order_id):
    found = (await browser.get("/api/v1/orders")).json()["items"]
    return next(one for one in found if one["id"] == order_id)


@pytest.mark.parametrize("whole", [False, True], ids=["site", "partner"])
async def test_no_order_to_run_something_is_handed_out_until_the_lift(
    appliance, signed_in, owner, place, whole
):
    (order_id,) = await given(owner, place)
    assert not (await shown(signed_in, order_id))["frozen"]
    freeze = await thrown(signed_in, None if whole else appliance.site_id)
    assert (await check_in(appliance))["orders"] == 0
    assert await leased(appliance) == []
    waits = await shown(signed_in, order_id)
    assert (waits["status"], waits["frozen"]) == ("pending", True)
    await lifted(signed_in, freeze["id"])
    assert (await check_in(appliance))["orders"] == 1
    assert await leased(appliance) == [order_id]
    assert not (await shown(signed_in, order_id))["frozen"]


async def test_an_order_that_clears_a_hold_is_handed_out_all_the_same(
    appliance, signed_in, owner, place
):
    body = ClearHold("ssh_config", "ssh_config.harden", clock.parse("2026-01-05T10:00:00.000Z"))
    run, clear = await given(owner, place, making.run(), body)
    await thrown(signed_in, appliance.site_id)
    assert (await check_in(appliance))["orders"] == 1
    assert await leased(appliance) == [clear]
    assert [(await shown(signed_in, one))["frozen"] for one in (run, clear)] == [True, False]


async def test_an_order_that_a_freeze_outlasted_says_so(
    appliance, signed_in, owner, place, jobs_engine, moment
):
    (frozen,) = await given(owner, place)
    freeze = await thrown(signed_in, appliance.site_id)
    moment.advance(3700)
    await expiry.end_overdue(jobs_engine, moment)
    row = await owner.fetchrow("SELECT status, code, detail FROM orders WHERE id = $1", frozen)
    assert tuple(row) == ("expired", "freeze", "a freeze was in force until its time was over")
    moment.advance(-3700)
    await lifted(signed_in, freeze["id"])
    (free,) = await given(owner, place)
    moment.advance(3700)
    await expiry.end_overdue(jobs_engine, moment)
    row = await owner.fetchrow("SELECT status, code FROM orders WHERE id = $1", free)
    assert tuple(row) == ("expired", "not_fetched")


async def test_a_lease_that_ran_out_is_not_given_again_while_frozen(
    appliance, signed_in, owner, place, moment
):
    (order_id,) = await given(owner, place)
    assert await leased(appliance) == [order_id]
    await thrown(signed_in, appliance.site_id)
    moment.advance(600)
    assert await leased(appliance) == []


async def test_what_is_approved_while_frozen_waits(appliance, signed_in, owner, tenant):
    await owner.execute("UPDATE sites SET healing = 'heal' WHERE id = $1", tenant.site_id)
    freeze = await thrown(signed_in)
    _, found = await asked(appliance, signed_in)
    said = (await answer(signed_in, found)).json()
    assert said["order_id"] is not None
    assert (await shown(signed_in, said["order_id"]))["frozen"]
    assert await leased(appliance) == []
    await lifted(signed_in, freeze["id"])
    assert await leased(appliance) == [said["order_id"]]


async def test_what_was_frozen_at_an_appliance_stops_that_one_alone(
    appliance, second, signed_in, owner, place, tenant
):
    beside = Place(tenant.partner_id, tenant.site_id, second.id, second.hosts[0])
    (mine,), (other,) = await given(owner, place), await given(owner, beside)
    await check_in(appliance, freezes=[told()])
    assert await leased(appliance) == []
    assert (await shown(signed_in, mine))["frozen"]
    assert not (await shown(signed_in, other))["frozen"]
    assert await leased(second) == [other]
    await check_in(appliance, freezes=[told_end()])
    assert await leased(appliance) == [mine]


async def test_the_simulator_shows_the_freeze_first_in_its_trace(
    appliance, stranger, signed_in, other_tenant, web, owner
):
    async def simulated(site_id=None):
        alert = ALERT if site_id is None else ALERT | {"siteId": site_id}
        sent = await signed_in.post("/api/mcp/policy/test", json={"alert": alert})
        assert sent.status_code == 200, sent.text
        return sent.json()["decision"]

    assert (await simulated())["code"] != "freeze"
    of_site = await thrown(signed_in, appliance.site_id)
    assert (await simulated())["code"] != "freeze"
    decision = await simulated(appliance.site_id)
    assert (decision["type"], decision["verdict"], decision["code"]) == ("deny", "block", "freeze")
    first = decision["trace"][0]
    assert (first["check"], first["outcome"]) == ("freeze", "fail")
    assert first["detail"].startswith("the site is frozen since")
    assert first["detail"].endswith(f"by Somebody: {WHY}")
    await lifted(signed_in, of_site["id"])
    await thrown(signed_in)
    assert (await simulated())["trace"][0]["detail"].startswith("the partner is frozen since")
    assert (await simulated(appliance.site_id))["code"] == "freeze"
