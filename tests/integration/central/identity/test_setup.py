"""First start: the owner's one-time password, the local token, and whose database it is."""

import httpx2
import pytest

from tests.integration.central.conftest import Moment, sign_in, web_settings
from wardline.central.database.engine import Raw
from wardline.central.identity import pauses, setup
from wardline.central.identity.setup import Plan
from wardline.central.settings import DataUnusable
from wardline.core import clock

PLAN = Plan(
    installation_id=web_settings().installation_id,
    demo=False,
    partner_name="Acme",
    owner_email="owner@example.com",
    owner_name="Owner",
)


async def test_the_first_owner_signs_in_with_the_one_time_password(
    browser: httpx2.AsyncClient, owner: Raw
) -> None:
    await setup.claim(owner, PLAN)
    first = await setup.ensure_owner(owner, PLAN, clock.system)
    again = await setup.ensure_owner(owner, PLAN, clock.system)
    assert first.one_time_password != again.one_time_password, "the first one may be lost"
    me = await sign_in(browser, first.email, again.one_time_password or "")
    assert (me["partner"]["name"], me["must_change_password"]) == ("Acme", True)
    body = {"current": again.one_time_password, "new": "my own long password"}
    assert (await browser.post("/api/v1/session/password", json=body)).status_code == 200
    assert (await setup.ensure_owner(owner, PLAN, clock.system)).one_time_password is None
    assert await owner.fetchval("SELECT count(*) FROM users WHERE role = 'owner'") == 1


async def test_a_reset_on_the_terminal_gives_a_new_password_and_ends_pauses_and_sessions(
    browser: httpx2.AsyncClient, owner: Raw
) -> None:
    first = await setup.ensure_owner(owner, PLAN, clock.system, reset=True)
    await sign_in(browser, first.email, first.one_time_password or "")
    for _ in range(pauses.ADDRESS_FAILURES_FREE + 1):
        await browser.post("/api/v1/session", json={"email": first.email, "password": "wrong"})
    again = await setup.ensure_owner(owner, PLAN, clock.system, reset=True)
    assert (await browser.get("/api/v1/session")).status_code == 401
    me = await sign_in(browser, again.email, again.one_time_password or "")
    assert me["must_change_password"]


async def test_the_local_token_reads_and_exports_and_changes_nothing(
    browser: httpx2.AsyncClient, owner: Raw, moment: Moment
) -> None:
    partner_id = (await setup.ensure_owner(owner, PLAN, clock.system)).partner_id
    old = await setup.make_local_token(owner, partner_id, clock.system)
    token = await setup.make_local_token(owner, partner_id, clock.system)
    headers = {"Authorization": f"Bearer {token}"}
    moment.advance(7 * 24 * 3600)
    assert (await browser.get("/api/v1/status", headers=headers)).status_code == 200
    site = {"name": "A", "zone": "UTC", "opening_hours": []}
    assert (await browser.post("/api/v1/sites", json=site, headers=headers)).status_code == 403
    stale = {"Authorization": f"Bearer {old}"}
    assert (await browser.get("/api/v1/status", headers=stale)).status_code == 401
    browser.cookies.set("wardline", token)
    assert (await browser.get("/api/v1/status")).status_code == 401


async def test_the_local_user_cannot_sign_in(browser: httpx2.AsyncClient, owner: Raw) -> None:
    partner_id = (await setup.ensure_owner(owner, PLAN, clock.system)).partner_id
    await setup.make_local_token(owner, partner_id, clock.system)
    email = await owner.fetchval("SELECT email FROM users WHERE role = 'auditor'")
    body = {"email": email, "password": "!"}
    assert (await browser.post("/api/v1/session", json=body)).status_code == 401


async def test_another_installations_database_is_refused(owner: Raw) -> None:
    await setup.claim(owner, PLAN)
    other = Plan("inst_other", False, "Acme", "owner@example.com", "Owner")
    with pytest.raises(DataUnusable, match="belongs to the installation"):
        await setup.claim(owner, other)
    demo = Plan(PLAN.installation_id, True, "Acme", "owner@example.com", "Owner")
    with pytest.raises(DataUnusable, match="made for real use"):
        await setup.claim(owner, demo)
