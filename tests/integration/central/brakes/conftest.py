"""The appliance and the signer of the uplink's tests, and two appliances beside it."""

import pytest

from tests.harness.appliance import Appliance, issue_token
from tests.integration.central.uplink.conftest import appliance, client, signer

__all__ = ["appliance", "client", "signer"]


@pytest.fixture
async def second(client, owner, tenant, appliance):
    """Another appliance of the same site."""
    return await _enrolled(client, owner, tenant)


@pytest.fixture
async def stranger(client, owner, other_tenant):
    """An appliance of another partner's."""
    return await _enrolled(client, owner, other_tenant)


async def _enrolled(client, owner, tenant):
    made = Appliance(client)
    assert (await made.enrol(await issue_token(owner, tenant))).status_code == 200
    return made
