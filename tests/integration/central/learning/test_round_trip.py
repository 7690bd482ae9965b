"""From a plan of L2 on a real agent to a promotion at Central, and back to the agent that obeys it.

A real agent's store on one side and a real PostgreSQL on the other; one clock, which is faked.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from tests.harness.asgi_line import AsgiLine
from tests.integration.agent.bench import BAD_MODE, GOOD_MODE, Bench, Clock
from tests.integration.central.conftest import make_user, sign_in
from tests.integration.central.learning.teaching import approve, end, listed, story
from wardline.agent.levels import Levels
from wardline.agent.planner.retrieval import Retrieval
from wardline.agent.runbooks import runbook
from wardline.central.learning.rounds import Learner
from wardline.core.incidents import merit
from wardline.core.incidents.remedy import Condition, Operator

CHECK, BOOK = "file_permissions", "file_permissions.restore"
RULE = {
    "id": "restore",
    "when": {"kpiId": CHECK, "severity": ["high"]},
    "action": BOOK,
    "autoExecute": True,
}
# Apart from each other, so that nothing flaps, and each watch is over.
APART = timedelta(hours=3)


@dataclass
class Door:
    """What an agent's bench asks of a Central: the token to enrol with, and the line to it."""

    token: str
    line: AsgiLine

    def transport(self):
        return self.line


class Agent:
    """A real one on a tree host, and what Central has of it; it works in a thread of its own."""

    def __init__(self, bench, browser, email, moment):
        self.bench, self.browser, self._email, self._moment = bench, browser, email, moment

    async def report(self):
        def turn():
            assert self.bench.check_in()
            self.bench.agent.reporter.turn()
            assert self.bench.check_in()

        await asyncio.to_thread(turn)
        assert self.bench.counts().pending == 0

    async def drifted(self):
        """What becomes of a drift, as Central shows it."""

        def turn():
            self.bench.drift()
            self.bench.observe(CHECK)
            self.bench.act()

        await asyncio.to_thread(turn)
        await self.report()
        return await self.newest()

    async def lasted(self):
        self.bench.clock.sleep(APART)
        await asyncio.to_thread(self.bench.observe, CHECK)
        await self.report()
        return await self.newest()

    async def healed(self):
        """A drift and its heal, which lasts: the level that it was healed at, and its decision."""
        one = await self.drifted()
        assert (one["state"], self.bench.mode) == ("healed", GOOD_MODE)
        over = await self.lasted()
        assert (over["id"], over["state"]) == (one["id"], "stable")
        return over["resolution_level"], one["decision"]

    async def newest(self):
        await self.somebody()
        said = await self.browser.get("/api/v1/incidents", params={"limit": 1})
        assert said.status_code == 200, said.text
        (one,) = said.json()["items"]
        whole = await self.browser.get(f"/api/v1/sites/{one['site_id']}/incidents/{one['id']}")
        assert whole.status_code == 200, whole.text
        return whole.json()

    async def somebody(self):
        """Signed in at this moment of the clock."""
        self._moment.value = self.bench.clock()
        await sign_in(self.browser, self._email)

    def answer_nothing(self):
        """L1 has no remedy for this check any more."""
        never = (Condition("nowhere", Operator.EXISTS, True),)
        unanswered = tuple(replace(one, conditions=never) for one in runbook.remedies())
        self.bench.agent.healer._levels = Levels(unanswered, (Retrieval(),))


@pytest.fixture
async def agent(web, browser, owner, tenant, moment, tmp_path):
    """Enrolled, of a site that heals, under a rule by which its repair runs unasked."""
    clock = Clock()
    moment.value = clock()
    email = await make_user(owner, tenant.partner_id)
    await sign_in(browser, email)
    made = await browser.post("/api/mcp/policy/create", json=RULE)
    assert made.status_code == 200, made.text
    site = f"/api/v1/sites/{tenant.site_id}"
    heals = {"healing": "heal", "reason": "we looked at it"}
    said = await browser.post(f"{site}/healing", json=heals)
    assert said.status_code == 200, said.text
    token = (await browser.post(f"{site}/enrolment-tokens", json={})).json()["token"]

    def follow():
        moment.value = clock()

    door = Door(token, AsgiLine(web, follow))
    bench = await asyncio.to_thread(Bench, tmp_path / "clinic", door, clock)
    yield Agent(bench, browser, email, moment)
    bench.close()


async def test_a_plan_that_lasts_is_promoted_at_central_and_the_agent_obeys_the_ledger(
    agent, tenant, jobs_engine, moment
):
    async def learn():
        await agent.somebody()
        await Learner(jobs_engine, moment).learn()

    await agent.report()
    for _ in range(3):
        level, _ = await agent.healed()
        assert level == "L1"
    agent.answer_nothing()
    for _ in range(merit.L2_LEAST):
        level, decision = await agent.healed()
        assert (level, decision["plan"]["planner"]) == ("L2", "retrieval/1")

    await learn()
    (one,) = await listed(agent.browser)
    assert (one["stage"], one["runbook_id"], one["check"]) == ("candidate", BOOK, CHECK)
    assert (one["merit"]["occurrences"], one["merit"]["by_l2"]) == (6, merit.L2_LEAST)
    seen = (await agent.browser.get(f"/api/v1/promotions/{one['id']}/shadow")).json()
    assert (seen["incidents"], seen["confirmed"], seen["verdicts"]) == (6, 6, {"run": 6})
    said = await approve(agent.browser, one["id"], tenant.site_id)
    assert said.status_code == 200, said.text

    await agent.report()
    level, decision = await agent.healed()
    assert (level, decision["promotion"]) == ("L1", {"id": one["id"], "canary": True})
    agent.bench.clock.sleep(merit.CANARY)
    await learn()
    assert (await story(agent.browser, one["id"]))["stage"] == "promoted"

    await agent.report()
    level, decision = await agent.healed()
    assert (level, decision["promotion"]) == ("L1", {"id": one["id"], "canary": False})
    await learn()
    told = await story(agent.browser, one["id"])
    assert (told["stage"], told["runs"]["stable"], told["runs"]["bad"]) == ("promoted", 2, 0)

    said = await end(agent.browser, one["id"], "demote")
    assert said.status_code == 200, said.text
    await agent.report()
    level, decision = await agent.healed()
    assert (level, "promotion" in decision) == ("L2", False), "L1 answers nothing again"
    steps = [each["step"] for each in (await story(agent.browser, one["id"]))["ledger"]]
    assert steps == ["proposed", "evaluated", "approved", "promoted", "demoted"]
    assert agent.bench.mode != BAD_MODE
