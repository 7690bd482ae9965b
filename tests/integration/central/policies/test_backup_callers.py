"""Whose backups of a partner's rules are whose."""

from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.integration.central.conftest import Tenant, browser_of, make_user
from tests.integration.central.conftest import sign_in as browser_sign_in
from tests.integration.central.policies import backing
from tests.integration.central.policies.backing import rule
from tests.integration.central.policies.conftest import SignIn
from tests.unit.formats import policy_files
from wardline.central.database.engine import Raw
from wardline.policy.backups import names
from wardline.policy.backups.names import Kind

MORE = f"http://central{backing.MORE}"


async def test_a_partner_sees_its_own_backups_only(
    admin: httpx2.AsyncClient, sign_in: SignIn, other_tenant: Tenant
) -> None:
    await admin.post("/create", json=rule("one"))
    file = (await admin.get("/backup")).json()["file"]
    other = await sign_in(other_tenant, "owner")
    await other.post("/create", json=rule("other"))
    assert (await other.get("/backups")).json()["files"] == []
    assert (await other.post("/restore", json={"file": file})).status_code == 404
    name = Path(file).name
    for method, path in [
        ("POST", f"{MORE}/{name}/verify"),
        ("POST", f"{MORE}/{name}/replay"),
        ("GET", f"{MORE}/{name}/download"),
        ("DELETE", f"{MORE}/{name}"),
    ]:
        assert (await other.request(method, path)).status_code == 404
    assert [each["id"] for each in (await other.get("/list")).json()["data"]] == ["other"]


@pytest.mark.parametrize("role", ["manager", "operator", "reader", "auditor"])
async def test_backups_are_for_admins(sign_in: SignIn, tenant: Tenant, role: str) -> None:
    client = await sign_in(tenant, role)
    name = names.Name(Kind.BACKUP, policy_files.AT).text
    for method, path in [
        ("GET", "/backup"),
        ("POST", "/backup"),
        ("GET", "/backups"),
        ("POST", "/restore"),
        ("POST", f"{MORE}/{name}/verify"),
        ("POST", f"{MORE}/{name}/replay"),
        ("GET", f"{MORE}/{name}/download"),
        ("DELETE", f"{MORE}/{name}"),
    ]:
        assert (await client.request(method, path)).status_code == 403, (method, path)


async def test_with_a_cookie_a_backup_needs_what_every_write_needs(
    web: Any, owner: Raw, tenant: Tenant
) -> None:
    async with browser_of(web) as browser:
        await browser_sign_in(browser, await make_user(owner, tenant.partner_id))
        path = "/api/mcp/policy/backup"
        assert (await browser.get(path)).status_code == 200
        foreign = await browser.get(path, headers={"origin": "http://evil.example"})
        assert (foreign.status_code, foreign.json()["code"]) == (403, "cross_site")
        own = await browser.get(path, headers={"origin": "http://127.0.0.1"})
        assert own.status_code == 200
        browser.headers.pop("x-wardline")
        bare = await browser.get(path)
        assert (bare.status_code, bare.json()["code"]) == (403, "cross_site")
        assert (await browser.get("/api/mcp/policy/backups")).status_code == 200
