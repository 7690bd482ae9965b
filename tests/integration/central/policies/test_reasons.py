"""Why a rule was written, told with the write."""

import httpx2

from tests.integration.central.conftest import Tenant
from tests.integration.central.policies.test_endpoints import RULE
from wardline.central.database.engine import Raw


async def test_a_reason_stays_with_the_revision_and_the_audit(
    manager: httpx2.AsyncClient, owner: Raw, tenant: Tenant
) -> None:
    for path, json in [
        ("/create?reason=first", RULE),
        ("/create?reason=many", {"rules": [RULE]}),
        ("/update", RULE),
        ("/delete?reason=last%20%C3%BC", {"id": "disk"}),
    ]:
        assert (await manager.post(path, json=json)).status_code == 200
    wanted = ["first", "many", None, "last ü"]
    for table, order in [("policy_revisions", "revision"), ("audit_log", "id")]:
        rows = await owner.fetch(
            f"SELECT reason FROM {table} WHERE partner_id = $1 ORDER BY {order}",
            tenant.partner_id,
        )
        assert [row["reason"] for row in rows] == wanted
    refused = await manager.post("/create?reason=a%0Ab", json=RULE)
    assert (refused.status_code, refused.json()["errors"][0]["path"]) == (422, "reason")
