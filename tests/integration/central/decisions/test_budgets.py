"""What decisions reserve on PostgreSQL: over several processes and kills, by the clock, by tenant."""

from datetime import timedelta

import orjson
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.harness import deciding
from tests.harness.policy_contract import RULE
from tests.harness.policy_decisions import LIMITED, asked
from tests.integration.central.conftest import Database, Moment, Tenant
from wardline.central.database.engine import Raw
from wardline.central.database.scope import Actor, ActorKind, Scope
from wardline.central.database.session import open_session
from wardline.central.decisions.service import PartnerDecisions
from wardline.central.jobs import decisions as upkeep
from wardline.central.policies.shelf import Shelf
from wardline.central.policies.store import PartnerStore
from wardline.core.policy import kept, parse, usage
from wardline.core.policy.request import Principal
from wardline.policy.decisions.reservation import Reservation, ReservationOver, ReservationUnknown

ACTOR = Actor(ActorKind.USER, "somebody")
PROCESSES, DECIDERS, REQUESTS = 5, 10, 3
LIMIT = 40


class Desk:
    """A partner's rules and decisions, as of a clock of ours."""

    def __init__(self, engine: AsyncEngine, tenant: Tenant, moment: Moment) -> None:
        self.engine, self.tenant, self.moment = engine, tenant, moment
        self.shelf = Shelf()

    async def rows(self, owner: Raw, table: str) -> int:
        """How many of the partner's there are; other tests' partners stand beside them."""
        own = f"SELECT count(*) FROM {table} WHERE partner_id = $1"
        return int(await owner.fetchval(own, self.tenant.partner_id))

    def open(self):
        scope = Scope.partner(self.tenant.partner_id)
        return open_session(self.engine, scope, ACTOR, now=self.moment)

    def store(self, session) -> PartnerDecisions:
        return PartnerDecisions(
            session, self.shelf, Principal("somebody", frozenset()), self.moment
        )

    async def save(self, rule: dict) -> None:
        async with self.open() as session:
            await PartnerStore(session, self.shelf, "somebody").save(parse.rule(rule))

    async def decide(self, *requests: object) -> list:
        async with self.open() as session:
            store = self.store(session)
            answer = await store.decide(parse.asked({"requests": list(requests)}), None)
        return orjson.loads(answer)["decisions"]

    async def step(self, decision_id: str, step) -> Reservation:
        async with self.open() as session:
            found, _ = await self.store(session).step(decision_id, step)
        return found

    async def kept(self) -> list:
        async with self.open() as session:
            return await self.store(session).kept(limit=10)

    async def uses(self) -> list:
        async with self.open() as session:
            return await self.store(session).uses()


@pytest.fixture
def desk(app_engine: AsyncEngine, tenant: Tenant, moment: Moment) -> Desk:
    return Desk(app_engine, tenant, moment)


@pytest.fixture
def elsewhere(app_engine: AsyncEngine, other_tenant: Tenant, moment: Moment) -> Desk:
    return Desk(app_engine, other_tenant, moment)


def told(database: Database, desk: Desk, **changes: object) -> dict:
    return {
        "dsn": database.app,
        "partner": desk.tenant.partner_id,
        "body": asked(),
        "deciders": 1,
        "requests": 1,
        **changes,
    }


async def test_fifty_deciders_in_several_processes_never_exceed_a_budget(
    desk: Desk, database: Database
) -> None:
    await desk.save({**LIMITED, "limits": {"maxRunsPerSitePerHour": LIMIT}})
    one = told(database, desk, deciders=DECIDERS, requests=REQUESTS)
    reserved = await deciding.reserved_by([one] * PROCESSES)
    assert len(reserved) == len(set(reserved)) == LIMIT < PROCESSES * DECIDERS * REQUESTS


async def test_deciders_about_several_sites_in_any_order_do_not_lock_each_other_out(
    desk: Desk, database: Database, owner: Raw
) -> None:
    await desk.save({**LIMITED, "limits": {"maxRunsPerSitePerHour": 4}})
    sites = [desk.tenant.site_id, *(f"{desk.tenant.site_id[:-2]}0{n}" for n in range(1, 7))]
    for number, site in enumerate(sites[1:]):
        await owner.execute(
            "INSERT INTO sites (id, name, partner_id, zone) VALUES ($1, $2, $3, 'UTC')",
            *(site, f"Clinic {number}", desk.tenant.partner_id),
        )
    await owner.execute(
        "UPDATE sites SET healing = 'heal' WHERE partner_id = $1", desk.tenant.partner_id
    )
    there = [asked(site=site) for site in sites]
    both = [{"requests": there}, {"requests": there[::-1]}]
    reserved = await deciding.reserved_by(
        [told(database, desk, body=body, deciders=DECIDERS) for body in both]
    )
    assert len(reserved) == 4 * len(sites)


async def test_a_decider_killed_before_its_start_leaves_a_reservation_that_expires(
    desk: Desk, database: Database, moment: Moment
) -> None:
    await desk.save({**LIMITED, "limits": {"maxRunsPerSitePerHour": 1}})
    (reserved,) = await deciding.killed_after_deciding(told(database, desk))
    moment.advance(60)
    assert (await desk.decide(asked()))[0]["code"] == "limit_exceeded"
    moment.advance((usage.RESERVED + usage.GRACE).total_seconds())
    assert (await desk.decide(asked()))[0]["verdict"] == "run"
    with pytest.raises(ReservationOver):
        await desk.step(reserved, Reservation.started)


async def test_a_reservation_may_be_started_until_it_expires_and_counts_a_little_longer(
    desk: Desk, moment: Moment
) -> None:
    await desk.save({**LIMITED, "limits": {"maxRunsPerSitePerHour": 1}})
    (decision,) = await desk.decide(asked())
    moment.advance(usage.RESERVED.total_seconds())
    with pytest.raises(ReservationOver):
        await desk.step(decision["decisionId"], Reservation.started)
    moment.advance(usage.GRACE.total_seconds() - 1)
    assert (await desk.decide(asked()))[0]["code"] == "limit_exceeded"
    moment.advance(1)
    (second,) = await desk.decide(asked())
    moment.advance(usage.RESERVED.total_seconds() - 1)
    started = await desk.step(second["decisionId"], Reservation.started)
    assert started.started_at == moment()


async def test_a_run_that_never_ends_is_in_flight_for_so_long(desk: Desk, moment: Moment) -> None:
    await desk.save({**RULE, "limits": {"maxConcurrentPerSite": 1}})
    (decision,) = await desk.decide(asked())
    await desk.step(decision["decisionId"], Reservation.started)
    moment.advance(usage.IN_FLIGHT.total_seconds() - 1)
    assert (await desk.decide(asked()))[0]["code"] == "limit_exceeded"
    moment.advance(1)
    assert (await desk.decide(asked()))[0]["verdict"] == "run"


async def test_sums_are_exact_and_let_go_to_the_second(desk: Desk, moment: Moment) -> None:
    rule = {
        **RULE,
        "params": {"deltaPct": -0.1},
        "limits": {"maxDailyPct": 0.3, "maxWeeklyPct": 0.5},
    }
    await desk.save(rule)
    for day, wanted in enumerate((["run"] * 3 + ["block"], ["run"] * 2 + ["block"] * 2)):
        decisions = await desk.decide(*[asked()] * 4)
        assert [one["verdict"] for one in decisions] == wanted, day
        for one in decisions:
            if one["reservation"]:
                await desk.step(one["decisionId"], Reservation.started)
                await desk.step(one["decisionId"], Reservation.ended)
        moment.advance(24 * 3600)
    moment.advance(5 * 24 * 3600 - 1)
    assert (await desk.decide(asked()))[0]["code"] == "limit_exceeded"
    moment.advance(1)
    decisions = await desk.decide(*[asked()] * 4)
    assert [one["verdict"] for one in decisions] == ["run"] * 3 + ["block"]


async def test_another_tenant_sees_nothing_and_uses_nothing(desk: Desk, elsewhere: Desk) -> None:
    for each in (desk, elsewhere):
        await each.save({**LIMITED, "limits": {"maxRunsPerSitePerHour": 1}})
    (decision,) = await desk.decide(asked())
    for step in (Reservation.started, Reservation.released, Reservation.ended):
        with pytest.raises(ReservationUnknown):
            await elsewhere.step(decision["decisionId"], step)
    assert (await elsewhere.kept(), await elsewhere.uses()) == ([], [])
    assert (await elsewhere.decide(asked()))[0]["verdict"] == "run"
    assert [batch.decisions for batch in await desk.kept()] == [1]


async def test_upkeep_folds_uses_and_removes_what_counts_no_more(
    desk: Desk, elsewhere: Desk, jobs_engine: AsyncEngine, owner: Raw, moment: Moment
) -> None:
    for each in (desk, elsewhere):
        await each.save({**RULE, "limits": {}, "cooldownMinutes": 60 * 24 * 300})
    (decision,) = await desk.decide(asked())
    await desk.step(decision["decisionId"], Reservation.started)
    await elsewhere.decide(asked(), asked())
    before = await desk.uses(), await elsewhere.uses()
    assert [(use.decided, use.ran) for uses in before for use in uses] == [(1, 1), (2, 1)]
    await upkeep.tidy(jobs_engine, moment)
    await desk.decide(asked())
    assert await desk.rows(owner, "rule_uses_by_call") == 1
    (use,) = await desk.uses()
    assert (use.decided, use.ran, use.last_decided_at) == (2, 1, moment())
    moment.advance(timedelta(days=kept.DAYS_MAX, seconds=1).total_seconds())
    await upkeep.tidy(jobs_engine, moment)
    assert (await desk.kept(), await elsewhere.kept()) == ([], [])
    # What ran last on a host stays for its cooldown; what was never started does not.
    assert await desk.rows(owner, "policy_runs") == 1
    assert await elsewhere.rows(owner, "policy_runs") == 0
    assert (await desk.decide(asked()))[0]["code"] == "cooldown"
    assert len(await desk.uses()) == 1
