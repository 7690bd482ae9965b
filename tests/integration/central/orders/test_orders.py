"""Orders from their issue to their named end, as the application role, over the wire."""

import asyncio
from datetime import timedelta

import orjson
import pytest

from tests.harness import orders as making
from tests.harness.appliance import Appliance, issue_token
from tests.harness.orders import Place
from tests.integration.central.conftest import browser_of, make_user, sign_in
from wardline.central import settings
from wardline.central.identity.permissions import Role
from wardline.central.jobs import expiry
from wardline.central.orders import service
from wardline.core import clock, ids, orders, protocol
from wardline.core.evidence.bundle import Kind
from wardline.core.evidence.signing import Envelope, SigningKey
from wardline.core.orders import Status

ORDER_KEY = SigningKey.from_seed(b"o" * 32)


@pytest.fixture
async def place(appliance, tenant):
    return Place(tenant.partner_id, tenant.site_id, appliance.id, appliance.hosts[0])


@pytest.fixture
async def healing(owner, tenant):
    await owner.execute("UPDATE sites SET healing = 'heal' WHERE id = $1", tenant.site_id)


async def bulk(owner, place, count=1, **changes):
    return await making.issue_in_bulk(
        owner, place, ORDER_KEY, [making.run() for _ in range(count)], **changes
    )


async def lease(appliance, count=protocol.ORDERS_PER_LEASE_MAX):
    answer = await appliance.post("/orders/lease", orjson.dumps({"v": 1, "count": count}))
    assert answer.status_code == 200, answer.text
    wires = answer.json()["orders"]
    return [orders.opened(Envelope.from_wire(one), ORDER_KEY.verify_key) for one in wires]


async def report(appliance, order_id, status, **changes):
    body = {
        "v": 1,
        "order_id": order_id,
        "status": status,
        "code": "healed",
        "detail": "measured again",
        "at": clock.wire(clock.system()),
        "epoch": None,
        "seq": None,
        **changes,
    }
    return await appliance.post("/orders/report", orjson.dumps(body))


async def told(appliance, order_id, status, **changes):
    answer = await report(appliance, order_id, status, **changes)
    assert answer.status_code == 200, answer.text
    return answer.json()["status"]


async def status_of(owner, order_id):
    return await owner.fetchval("SELECT status FROM orders WHERE id = $1", order_id)


async def set_status(owner, order_id, status):
    ended = Status(status) in orders.FINAL
    await owner.execute(
        "UPDATE orders SET status = $2, leased_at = now(), lease_until = now() + interval '1 min',"
        " started_at = now(), completed_at = CASE WHEN $3 THEN now() END WHERE id = $1",
        *(order_id, status, ended),
    )


async def offered(appliance):
    record = making.waiting("offer")
    sent = await appliance.send(appliance.seal(kind=Kind.INCIDENT, incidents=(record,)))
    assert sent.status_code == 200, sent.text
    return record


async def start(browser, appliance, incident_id, reason="the clinic is closed"):
    path = f"/api/v1/sites/{appliance.site_id}/incidents/{incident_id}/start"
    return await browser.post(path, json={"reason": reason})


@pytest.mark.usefixtures("healing")
async def test_a_person_starts_what_is_offered_and_sees_it_end(appliance, signed_in, owner):
    record = await offered(appliance)
    answer = await start(signed_in, appliance, record.incident_id)
    assert answer.status_code == 201, answer.text
    order_id = answer.json()["order_id"]
    assert (await appliance.check_in()).json()["orders"] == 1
    (order,) = await lease(appliance)
    assert (order.id, order.host_id, order.reason) == (
        *(order_id, appliance.hosts[0]),
        "the clinic is closed",
    )
    assert order.body == making.run(record.incident_id)
    assert order.by.roles == ("admin",)
    assert order.expires_at - order.issued_at == timedelta(seconds=settings.ORDER_LIFETIME_S)
    assert (await appliance.check_in()).json()["orders"] == 0
    assert await told(appliance, order_id, "running") == "running"
    assert await told(appliance, order_id, "succeeded", epoch=1, seq=1) == "succeeded"
    shown = (await signed_in.get(f"/api/v1/sites/{appliance.site_id}/orders/{order_id}")).json()
    assert (shown["status"], shown["code"], shown["detail"], shown["log_index"]) == (
        *("succeeded", "healed", "measured again"),
        1,
    )
    assert shown["requested_by_name"] == "Somebody"
    Envelope.from_wire(shown["envelope"])
    audit = await owner.fetch(
        "SELECT action, reason FROM audit_log WHERE subject = $1 ORDER BY id", order_id
    )
    assert [tuple(row) for row in audit] == [("order.issue", "the clinic is closed")]
    moves = await owner.fetch(
        "SELECT payload->>'status' AS s FROM change_log WHERE kind = 'order' AND subject = $1"
        " ORDER BY id",
        order_id,
    )
    assert [row["s"] for row in moves] == ["pending", "leased", "running", "succeeded"]


async def test_a_site_that_observes_gets_no_order(appliance, signed_in, owner, tenant):
    record = await offered(appliance)
    answer = await start(signed_in, appliance, record.incident_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "observing")
    await owner.execute("UPDATE sites SET healing = 'heal' WHERE id = $1", tenant.site_id)
    await owner.execute("UPDATE hosts SET observed = true WHERE site_id = $1", tenant.site_id)
    answer = await start(signed_in, appliance, record.incident_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "observing")
    assert (
        await owner.fetchval("SELECT count(*) FROM orders WHERE site_id = $1", tenant.site_id) == 0
    )


@pytest.mark.usefixtures("healing")
async def test_one_order_per_incident_is_on_its_way(appliance, signed_in, web, owner, tenant):
    record = await offered(appliance)
    async with browser_of(web) as other:
        await sign_in(other, await make_user(owner, tenant.partner_id, Role.OPERATOR))
        answers = await asyncio.gather(
            *(start(one, appliance, record.incident_id) for one in (signed_in, other) * 3)
        )
    assert sorted(one.status_code for one in answers) == [201, *[409] * 5]
    assert {one.json()["code"] for one in answers if one.status_code == 409} == {"order_under_way"}
    (order,) = await lease(appliance)
    await told(appliance, order.id, "failed")
    assert (await start(signed_in, appliance, record.incident_id)).status_code == 201


@pytest.mark.usefixtures("healing")
async def test_what_is_not_offered_cannot_be_started(appliance, signed_in):
    plain = making.waiting("offer")
    hostile = making.waiting("offer", decision=making.decision("offer", pins={"inputs": "x"}))
    blocked = making.waiting("offer", decision=making.decision("block"))
    for record, status, code in (
        (blocked, 409, "nothing_to_start"),
        (hostile, 422, "malformed"),
        (plain, 201, None),
    ):
        sent = await appliance.send(appliance.seal(kind=Kind.INCIDENT, incidents=(record,)))
        assert sent.status_code == 200, sent.text
        answer = await start(signed_in, appliance, record.incident_id)
        assert (answer.status_code, answer.json().get("code")) == (status, code)
    assert (await start(signed_in, appliance, ids.incident())).status_code == 404


async def test_a_lease_that_ran_out_is_handed_out_again_and_not_for_ever(
    appliance, owner, place, moment
):
    (order_id,) = await bulk(owner, place, at=moment(), lifetime=timedelta(hours=12))
    assert [one.id for one in await lease(appliance)] == [order_id]
    for _ in range(service.LEASES_MAX - 1):
        assert await lease(appliance) == []
        moment.advance(protocol.ORDER_LEASE_S)
        assert (await appliance.check_in()).json()["orders"] == 1
        assert [one.id for one in await lease(appliance)] == [order_id]
    moment.advance(protocol.ORDER_LEASE_S)
    assert await lease(appliance) == []
    assert (await appliance.check_in()).json()["orders"] == 0


@pytest.mark.usefixtures("healing")
async def test_lifetime_and_lease_are_those_that_central_was_started_with(
    web, appliance, signed_in, moment
):
    times = settings.OrderTimes(lifetime_s=90, lease_s=7)
    web.state.settings = web.state.settings.model_copy(update={"order_times": times})
    record = await offered(appliance)
    assert (await start(signed_in, appliance, record.incident_id)).status_code == 201
    body = orjson.dumps({"v": 1, "count": 1})
    answer = (await appliance.post("/orders/lease", body)).json()
    order = orders.opened(Envelope.from_wire(answer["orders"][0]), ORDER_KEY.verify_key)
    assert (answer["lease_s"], order.expires_at - order.issued_at) == (7, timedelta(seconds=90))
    moment.advance(6)
    assert await lease(appliance) == []
    moment.advance(1)
    assert [one.id for one in await lease(appliance)] == [order.id]


async def test_orders_are_leased_oldest_first_within_the_count(appliance, owner, place):
    began = clock.system()
    made = [(await bulk(owner, place, at=began - timedelta(seconds=age)))[0] for age in (3, 2, 1)]
    assert [one.id for one in await lease(appliance, 2)] == made[:2]
    assert [one.id for one in await lease(appliance, 2)] == made[2:]


async def test_an_expired_order_is_not_handed_out(appliance, owner, place, moment):
    await bulk(owner, place, at=moment(), lifetime=timedelta(minutes=5))
    moment.advance(300)
    assert await lease(appliance) == []
    assert (await appliance.check_in()).json()["orders"] == 0


async def test_an_appliance_gets_its_own_orders_and_reports_on_no_other(
    appliance, client, owner, place, tenant
):
    (order_id,) = await bulk(owner, place)
    second = Appliance(client)
    assert (await second.enrol(await issue_token(owner, tenant))).status_code == 200
    assert await lease(second) == []
    assert (await report(second, order_id, "succeeded")).status_code == 404
    assert await status_of(owner, order_id) == "pending"


STEPS = {
    "pending": {},
    "leased": {"running": "running", "succeeded": "succeeded", "failed": "failed",
               "expired": "expired"},
    "running": {"succeeded": "succeeded", "failed": "failed"},
    "lost": {"succeeded": "succeeded", "failed": "failed", "expired": "expired"},
    "succeeded": {},
    "failed": {},
    "expired": {},
    "cancelled": {},
}  # fmt: skip


@pytest.mark.parametrize("before", STEPS)
@pytest.mark.parametrize("said", ["running", "succeeded", "failed", "expired"])
async def test_a_report_moves_an_order_as_the_machine_says_and_no_further(
    appliance, owner, place, before, said
):
    (order_id,) = await bulk(owner, place)
    if before != "pending":
        await set_status(owner, order_id, before)
    wanted = STEPS[before].get(said, before)
    for _ in range(2):
        assert await told(appliance, order_id, said) == wanted
        assert await status_of(owner, order_id) == wanted


async def test_a_second_completion_changes_nothing_of_the_first(appliance, owner, place):
    (order_id,) = await bulk(owner, place)
    await lease(appliance)
    await told(appliance, order_id, "succeeded", code="healed", epoch=1, seq=3)
    first = await owner.fetchrow("SELECT * FROM orders WHERE id = $1", order_id)
    assert await told(appliance, order_id, "failed", code="other", epoch=2, seq=9) == "succeeded"
    assert await owner.fetchrow("SELECT * FROM orders WHERE id = $1", order_id) == first


async def test_a_late_report_corrects_what_was_given_up(
    appliance, owner, place, moment, jobs_engine
):
    (order_id,) = await bulk(owner, place, at=moment())
    await lease(appliance)
    await told(appliance, order_id, "running")
    moment.advance(expiry.RUNNING_SECONDS_MAX + 1)
    await expiry.end_overdue(jobs_engine, moment)
    assert await status_of(owner, order_id) == "lost"
    assert await told(appliance, order_id, "running") == "lost"
    assert await told(appliance, order_id, "failed", code="changed") == "failed"
    row = await owner.fetchrow("SELECT code, completed_at FROM orders WHERE id = $1", order_id)
    assert row["code"] == "changed"


async def test_what_nobody_ended_is_ended_by_name(appliance, owner, place, moment, jobs_engine):
    began, hour = moment(), timedelta(hours=1)
    (waiting,) = await bulk(owner, place, at=began, lifetime=hour)
    (later,) = await bulk(owner, place, at=began, lifetime=3 * hour)
    (taken,) = await bulk(owner, place, at=began - hour / 2, lifetime=hour)
    assert [one.id for one in await lease(appliance, 1)] == [taken]
    assert await expiry.end_overdue(jobs_engine, moment) == 0
    moment.advance(3600)
    await expiry.end_overdue(jobs_engine, moment)
    states = {one: await status_of(owner, one) for one in (waiting, later, taken)}
    assert states == {waiting: "expired", later: "pending", taken: "lost"}
    codes = await owner.fetch("SELECT code FROM orders WHERE id = ANY($1) ORDER BY code", [
        waiting, taken
    ])  # fmt: skip
    assert [row["code"] for row in codes] == ["no_report", "not_fetched"]
    told_of = await owner.fetch(
        "SELECT payload->>'status' AS s FROM change_log WHERE subject = ANY($1) ORDER BY s",
        [waiting, taken],
    )
    assert [row["s"] for row in told_of] == ["expired", "leased", "lost"]


async def test_only_what_was_not_fetched_can_be_cancelled(appliance, owner, place, signed_in):
    first, second = await bulk(owner, place, 2)
    path = f"/api/v1/sites/{place.site_id}/orders"
    answer = await signed_in.post(f"{path}/{first}/cancel", json={"reason": "not today"})
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    assert [one.id for one in await lease(appliance)] == [second]
    refused = await signed_in.post(f"{path}/{second}/cancel", json={"reason": "not today"})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert "is leased" in refused.json()["detail"]
    audit = "SELECT reason FROM audit_log WHERE action = 'order.cancel' AND subject = $1"
    assert await owner.fetchval(audit, first) == "not today"


async def test_many_at_once_lease_and_report_each_order_once(appliance, owner, place):
    made = await bulk(owner, place, 64)
    taken: list[str] = []

    async def work():
        for order in await lease(appliance, 4):
            taken.append(order.id)
            said = await asyncio.gather(
                *(told(appliance, order.id, one) for one in ("running", "succeeded", "succeeded"))
            )
            assert said.count("succeeded") >= 1

    for _ in range(4):
        await asyncio.gather(*(work() for _ in range(64)))
    assert sorted(taken) == sorted(made)
    states = await owner.fetch(
        "SELECT status, leases FROM orders WHERE site_id = $1", place.site_id
    )
    assert {tuple(row) for row in states} == {("succeeded", 1)}


async def test_a_report_in_a_wrong_form_is_refused(appliance, owner, place):
    (order_id,) = await bulk(owner, place)
    await lease(appliance)
    for changes in (
        {"at": "yesterday"},
        {"status": "lost"},
        {"status": "pending"},
        {"detail": "x" * 1001},
        {"detail": "\x00"},
        {"seq": 0},
    ):
        body = {"status": "failed", **changes}
        assert (await report(appliance, order_id, body.pop("status"), **body)).status_code == 422
    assert await status_of(owner, order_id) == "leased"


async def test_the_list_is_paged_and_filtered(appliance, owner, place, signed_in):
    made = await bulk(owner, place, 5)
    await lease(appliance, 2)
    seen, cursor = [], None
    while cursor is not None or not seen:
        query = {"limit": 2, "site": place.site_id} | ({"cursor": cursor} if cursor else {})
        answer = (await signed_in.get("/api/v1/orders", params=query)).json()
        seen += [item["id"] for item in answer["items"]]
        cursor = answer["next_cursor"]
    assert sorted(seen) == sorted(made)
    leased = (await signed_in.get("/api/v1/orders", params={"status": "leased"})).json()["items"]
    assert len(leased) == 2
    for query in ({"status": "odd"}, {"cursor": "x"}, {"limit": 201}):
        assert (await signed_in.get("/api/v1/orders", params=query)).status_code == 422
    assert (await signed_in.get("/api/v1/orders", params={"site": "none"})).status_code == 404


async def test_an_appliance_that_fetches_nothing_is_not_sent_more_and_more(
    appliance, owner, place, signed_in, healing, monkeypatch
):
    monkeypatch.setattr(service, "PENDING_PER_APPLIANCE_MAX", 3)
    await bulk(owner, place, 3)
    record = await offered(appliance)
    answer = await start(signed_in, appliance, record.incident_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "too_many_orders")
