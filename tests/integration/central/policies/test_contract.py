"""The contract over Central's PostgreSQL, on real sockets."""

from collections.abc import AsyncIterator

import pytest

from tests.harness.policy_authoring import AuthoringSuite
from tests.harness.policy_contract import Served
from tests.harness.policy_contract import served as serving
from tests.harness.policy_defects import DefectSuite
from tests.harness.policy_history import HistorySuite
from tests.harness.policy_suite import ContractSuite
from tests.integration.central.conftest import Tenant
from tests.integration.central.realtime.conftest import People, Serve, Server
from tests.integration.central.realtime.conftest import announcing as announcing
from tests.integration.central.realtime.conftest import person as person
from tests.integration.central.realtime.conftest import serve as serve
from wardline.central.identity.permissions import Role

ROLES = {"admin": Role.OWNER, "manager": Role.MANAGER, "reader": Role.READER}


@pytest.fixture
async def shown(server: Server, person: People, tenant: Tenant) -> dict:
    """What people of three roles, signed in, send along."""
    headers = {}
    for role, ours in ROLES.items():
        async with person(server, tenant, ours) as somebody:
            headers[role] = {**somebody.headers, "x-wardline": "1"}
    return headers


@pytest.fixture
async def server(serve: Serve) -> AsyncIterator[Server]:
    async with serve() as made:
        yield made


@pytest.fixture
async def served(server: Server, shown: dict, announcing: None) -> AsyncIterator[Served]:
    async with serving(server.port, shown) as made:
        yield made


@pytest.fixture
async def beside(serve: Serve, shown: dict) -> AsyncIterator[Served]:
    """Another web process on the same database."""
    async with serve() as other, serving(other.port, shown) as made:
        yield made


class TestContract(ContractSuite):
    pass


class TestDefects(DefectSuite):
    pass


class TestHistory(HistorySuite):
    pass


class TestAuthoring(AuthoringSuite):
    pass
