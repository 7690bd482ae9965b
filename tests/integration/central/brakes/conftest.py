"""The appliance and the signer of the uplink's tests, and two appliances beside it."""

import pytest

from tests.harness.appliance import Appliance, issue_token
from tests.integration.central.brakes.braking import write_rule
from tests.integration.central.uplink.conftest import appliance, client, signer
from wardline.central.jobs.brakes import Brake
from wardline.core import ids

__all__ = ["appliance", "client", "signer"]


@pytest.fixture(autouse=True)
async def rules(owner, tenant, other_tenant):
    """Both partners have the rule by which the runs of these tests went."""
    for each in (tenant, other_tenant):
        await write_rule(owner, each.partner_id)


@pytest.fixture
def brake(jobs_engine, moment):
    """The job, which has not looked yet."""
    return Brake(jobs_engine, moment)


@pytest.fixture
async def elsewhere(client, owner, tenant):
    """An appliance of another site of the same partner."""
    site_id = ids.site()
    await owner.execute(
        "INSERT INTO sites (id, name, partner_id, zone) VALUES ($1, 'Second', $2, 'UTC')",
        *(site_id, tenant.partner_id),
    )
    return await _enrolled(client, owner, type(tenant)(tenant.partner_id, site_id))


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
