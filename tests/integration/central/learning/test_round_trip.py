"""From a plan of L2 on a real agent to a promotion at Central, and back to the agent that obeys it.

A real agent's store on one side and a real PostgreSQL on the other; one clock, which is faked.
"""

from dataclasses import replace

import pytest

from tests.integration.agent.bench import BAD_MODE, GOOD_MODE
from tests.integration.central.learning.clinic import Agent, enrolled
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


class Restoring(Agent):
    """Its drift is of a file's mode."""

    check = CHECK

    async def drifted(self):
        return await self.found(self.bench.drift)

    async def healed(self):
        """A drift and its heal, which lasts: the level that it was healed at, and its decision."""
        one = await self.drifted()
        assert (one["state"], self.bench.mode) == ("healed", GOOD_MODE)
        over = await self.lasted()
        assert (over["id"], over["state"]) == (one["id"], "stable")
        return over["resolution_level"], one["decision"]

    def answer_nothing(self):
        """L1 has no remedy for this check any more."""
        never = (Condition("nowhere", Operator.EXISTS, True),)
        unanswered = tuple(replace(one, conditions=never) for one in runbook.remedies())
        self.bench.agent.healer._levels = Levels(unanswered, (Retrieval(),))


@pytest.fixture
async def agent(web, browser, owner, tenant, moment, tmp_path):
    about = web, browser, owner, tenant, moment, tmp_path
    async with enrolled(Restoring, RULE, *about) as made:
        yield made


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
