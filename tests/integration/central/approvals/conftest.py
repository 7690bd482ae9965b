"""The appliance and the signer of the uplink's tests, a site that heals, and people to ask."""

import pytest

from tests.integration.central.conftest import browser_of, make_user, sign_in
from tests.integration.central.uplink.conftest import appliance, client, signer
from wardline.central.identity.permissions import Role

__all__ = ["appliance", "client", "signer"]


@pytest.fixture(autouse=True)
async def healing(owner, tenant):
    await owner.execute("UPDATE sites SET healing = 'heal' WHERE id = $1", tenant.site_id)


@pytest.fixture
async def people(web, owner, tenant):
    """Signed-in browsers of this partner's, by role and number."""
    opened = []

    async def someone(role=Role.MANAGER):
        context = browser_of(web)
        browser = await context.__aenter__()
        opened.append(context)
        await sign_in(browser, await make_user(owner, tenant.partner_id, role))
        return browser

    yield someone
    for context in opened:
        await context.__aexit__(None, None, None)
