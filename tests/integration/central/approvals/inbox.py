"""What the tests of approvals do: tell of incidents, read the inbox, answer."""

from tests.harness import orders as making
from wardline.core import orders
from wardline.core.evidence.bundle import Kind
from wardline.core.evidence.signing import Envelope, SigningKey

ORDER_KEY = SigningKey.from_seed(b"o" * 32)


async def tell(appliance, *records):
    sent = await appliance.send(appliance.seal(kind=Kind.INCIDENT, incidents=records))
    assert sent.status_code == 200, sent.text


async def inbox(browser, **query):
    answer = await browser.get("/api/v1/approvals", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def answer(browser, approval, word="approve", reason="looked at the diff"):
    path = f"/api/v1/sites/{approval['site_id']}/approvals/{approval['id']}/{word}"
    return await browser.post(path, json={"reason": reason})


async def orders_of(owner, appliance):
    rows = await owner.fetch(
        "SELECT id, envelope, approval_id FROM orders WHERE site_id = $1 ORDER BY created_at",
        appliance.site_id,
    )
    return [
        orders.opened(Envelope.from_json(row["envelope"]), ORDER_KEY.verify_key) for row in rows
    ]


async def asked(appliance, browser, **changes):
    record = making.waiting(**changes)
    await tell(appliance, record)
    (found,) = [one for one in await inbox(browser) if one["incident_id"] == record.incident_id]
    return record, found
