"""The appliance of the uplink's tests, one of another site of the partner's, and the learner."""

from dataclasses import dataclass

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.harness.appliance import Appliance, issue_token
from tests.integration.central.conftest import Moment, Tenant
from tests.integration.central.uplink.conftest import appliance, client, signer
from wardline.central.learning.rounds import Learner
from wardline.core import ids

__all__ = ["appliance", "client", "signer"]


@pytest.fixture
async def second(client, owner, tenant, appliance):
    """An appliance of another site of the same partner."""
    site = Tenant(tenant.partner_id, ids.site())
    await owner.execute(
        "INSERT INTO sites (id, name, partner_id, zone) VALUES ($1, 'Second', $2, 'UTC')",
        *(site.site_id, tenant.partner_id),
    )
    made = Appliance(client)
    assert (await made.enrol(await issue_token(owner, site))).status_code == 200
    return made


@pytest.fixture
def later():
    """The clock of the learner alone: nobody's session ends by it."""
    return Moment()


@dataclass
class Rounds:
    """Each a first one, about everybody: evidence keeps the true time while `later` runs ahead."""

    engine: AsyncEngine
    now: Moment

    async def learn(self):
        return await Learner(self.engine, self.now).learn()


@pytest.fixture
async def learner(jobs_engine, later):
    return Rounds(jobs_engine, later)


@pytest.fixture
async def heals(owner, tenant, appliance, second):
    """Both sites heal."""
    await owner.execute(
        "UPDATE sites SET healing = 'heal' WHERE partner_id = $1", tenant.partner_id
    )
