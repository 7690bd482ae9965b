"""The whole app on the application role, an enrolled appliance in it, and the log's signer."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.harness.appliance import Appliance, issue_token
from tests.integration.central.conftest import LOG_KEY, Tenant, browser_of, web_settings
from wardline.central.database.engine import Raw
from wardline.central.jobs.checkpoints import Signer
from wardline.core import clock


@pytest.fixture
async def client(web: FastAPI) -> AsyncIterator[httpx2.AsyncClient]:
    async with browser_of(web) as made:
        yield made


@pytest.fixture
async def appliance(client: httpx2.AsyncClient, owner: Raw, tenant: Tenant) -> Appliance:
    made = Appliance(client)
    answer = await made.enrol(await issue_token(owner, tenant))
    assert answer.status_code == 200, answer.text
    return made


@pytest.fixture
def signer(jobs_engine: AsyncEngine, tmp_path: Path) -> Signer:
    installation_id = web_settings().installation_id
    return Signer(jobs_engine, LOG_KEY, installation_id, tmp_path / "last.json", clock.system)
