"""What the service does that no route asks for: a partner's first rules."""

from sqlalchemy.ext.asyncio import AsyncEngine

from tests.integration.central.conftest import Tenant
from wardline.central.database.engine import Raw
from wardline.central.database.scope import Actor, ActorKind, Scope
from wardline.central.database.session import open_session
from wardline.central.policies import service
from wardline.central.policies.service import Expectation
from wardline.core.incidents import catalogue
from wardline.core.policy import parse

SETUP = Actor(ActorKind.SYSTEM, "setup")


async def test_a_partner_starts_with_one_rule_per_runbook_once(
    app_engine: AsyncEngine, tenant: Tenant, owner: Raw
) -> None:
    counts = []
    for _ in range(2):
        async with open_session(app_engine, Scope.partner(tenant.partner_id), SETUP) as session:
            counts.append(await service.plant(session))
    assert counts == [len(catalogue.runbooks()), 0]
    async with open_session(app_engine, Scope.partner(tenant.partner_id), SETUP) as session:
        rules = await service.page(session)
    assert {rule["action"] for rule in rules} == set(catalogue.runbooks())
    assert {rule["revision"] for rule in rules} == {1}


async def test_rules_that_a_partner_deleted_are_not_planted_again(
    app_engine: AsyncEngine, tenant: Tenant
) -> None:
    scope = Scope.partner(tenant.partner_id)
    async with open_session(app_engine, scope, SETUP) as session:
        await service.plant(session)
        for rule in await service.page(session):
            await service.delete(session, str(rule["id"]), Expectation())
    async with open_session(app_engine, scope, SETUP) as session:
        assert await service.plant(session) == 0
        assert await service.page(session) == []


async def test_the_stored_body_is_canonical_and_parses(
    app_engine: AsyncEngine, tenant: Tenant, owner: Raw
) -> None:
    rule = parse.rule(
        {
            "id": "r",
            "when": {"kpiId": "kernel_sysctl", "severity": ["medium"]},
            "action": "*",
            "limits": {"maxDailyPct": 1.5},
        }
    )
    async with open_session(app_engine, Scope.partner(tenant.partner_id), SETUP) as session:
        await service.save(session, rule, Expectation())
    row = await owner.fetchrow(
        "SELECT body::text AS body FROM policies WHERE partner_id = $1", tenant.partner_id
    )
    assert row is not None
    assert '{"$decimal": "1.5"}' in row["body"]
