"""Sites: added observing, changed with a trace, switched to healing by a person with a reason."""

import asyncio

import httpx2
import pytest

from tests.integration.central.conftest import Tenant
from wardline.central.database.engine import Raw

HOURS = [{"days": [1, 2, 3, 4, 5], "start": "08:00", "end": "18:00"}]
NEW = {"name": "Riverside", "zone": "America/Denver", "opening_hours": HOURS}


async def test_a_new_site_observes(signed_in: httpx2.AsyncClient) -> None:
    answer = await signed_in.post("/api/v1/sites", json=NEW)
    assert answer.status_code == 201, answer.text
    site = answer.json()
    assert (site["name"], site["healing"], site["score"]) == ("Riverside", "observe", None)
    assert (await signed_in.get(f"/api/v1/sites/{site['id']}")).json()["opening_hours"] == HOURS


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"zone": "Mars/Base"}, "zone"),
        ({"name": "  "}, "name"),
        ({"opening_hours": [{"days": [7], "start": "08:00", "end": "18:00"}]}, "opening_hours"),
        ({"opening_hours": [{"days": [1], "start": "8", "end": "18:00"}]}, "opening_hours"),
        ({"healing": "heal"}, "healing"),
    ],
)
async def test_bad_settings_are_refused_with_their_place(
    signed_in: httpx2.AsyncClient, owner: Raw, change: dict[str, object], where: str
) -> None:
    before = await owner.fetchval("SELECT count(*) FROM sites")
    answer = await signed_in.post("/api/v1/sites", json=NEW | change)
    assert answer.status_code == 422
    assert where in answer.json()["detail"]
    assert await owner.fetchval("SELECT count(*) FROM sites") == before


async def test_a_partner_has_one_site_of_a_name(
    signed_in: httpx2.AsyncClient, tenant: Tenant
) -> None:
    taken = NEW | {"name": "Clinic"}
    assert (await signed_in.post("/api/v1/sites", json=taken)).status_code == 409
    other = (await signed_in.post("/api/v1/sites", json=NEW)).json()
    answer = await signed_in.put(f"/api/v1/sites/{other['id']}/settings", json=taken)
    assert answer.status_code == 409


async def test_changed_settings_raise_the_revision_that_appliances_watch(
    signed_in: httpx2.AsyncClient, tenant: Tenant, owner: Raw
) -> None:
    address = f"/api/v1/sites/{tenant.site_id}/settings"
    assert (await signed_in.put(address, json=NEW)).json()["name"] == "Riverside"
    assert (await signed_in.put(address, json=NEW)).status_code == 200
    row = await owner.fetchrow("SELECT * FROM sites WHERE id = $1", tenant.site_id)
    assert (row["zone"], row["settings_revision"]) == ("America/Denver", 2)


async def test_the_switch_to_healing_is_announced_and_recorded_with_its_reason(
    signed_in: httpx2.AsyncClient, tenant: Tenant, owner: Raw
) -> None:
    body = {"healing": "heal", "reason": "reviewed with the clinic", "incidents": ["inc_1"]}
    answer = await signed_in.post(f"/api/v1/sites/{tenant.site_id}/healing", json=body)
    assert (answer.status_code, answer.json()["healing"]) == (200, "heal")
    audit = await owner.fetchrow(
        "SELECT before->>'healing' AS before, after->>'healing' AS after, reason, actor_kind"
        " FROM audit_log WHERE action = 'site.healing' AND site_id = $1",
        tenant.site_id,
    )
    assert tuple(audit) == ("observe", "heal", "reviewed with the clinic", "user")
    changes = await owner.fetch("SELECT kind FROM change_log WHERE site_id = $1", tenant.site_id)
    assert [row["kind"] for row in changes] == ["site.changed"]
    revision = "SELECT settings_revision FROM sites WHERE id = $1"
    assert await owner.fetchval(revision, tenant.site_id) == 2


async def test_a_switch_without_a_reason_is_refused(
    signed_in: httpx2.AsyncClient, tenant: Tenant, owner: Raw
) -> None:
    body = {"healing": "heal", "reason": " "}
    answer = await signed_in.post(f"/api/v1/sites/{tenant.site_id}/healing", json=body)
    assert answer.status_code == 422
    healing = "SELECT healing FROM sites WHERE id = $1"
    assert await owner.fetchval(healing, tenant.site_id) == "observe"


async def test_two_at_the_switch_leave_one_record(
    signed_in: httpx2.AsyncClient, tenant: Tenant, owner: Raw
) -> None:
    body = {"healing": "heal", "reason": "both of us"}
    address = f"/api/v1/sites/{tenant.site_id}/healing"
    answers = await asyncio.gather(*(signed_in.post(address, json=body) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {200}
    recorded = await owner.fetchval(
        "SELECT count(*) FROM audit_log WHERE action = 'site.healing' AND site_id = $1",
        tenant.site_id,
    )
    assert recorded == 1
