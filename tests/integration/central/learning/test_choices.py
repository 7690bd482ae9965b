"""The ladder as it is shipped, from choices that people pick to plans of L2 and a promotion to L1.

A real agent with the built-in library, its default planner, flap rule, watch and breaker on one side,
and a real PostgreSQL on the other; one clock, which is faked.
"""

import asyncio

import pytest

from tests.integration.central.learning.clinic import Agent, enrolled
from tests.integration.central.learning.teaching import approve, listed, story
from wardline.central.learning.rounds import Learner
from wardline.core.incidents import merit

CHECK, BOOK = "time_sync", "time_sync.enable"
CHRONY, TIMESYNCD = "chrony keeps the clock", "systemd-timesyncd keeps the clock"
RULE = {
    "id": "clock",
    "when": {"kpiId": CHECK, "severity": ["high"]},
    "action": BOOK,
    "autoExecute": True,
}
UNITS = "usr/lib/systemd/system"
WANTED = "etc/systemd/system/multi-user.target.wants/chrony.service"
INSTALLED = {
    f"{UNITS}/chrony.service": "[Install]\nWantedBy=multi-user.target\n",
    f"{UNITS}/systemd-timesyncd.service": "[Install]\nWantedBy=sysinit.target\n",
    "etc/chrony/chrony.conf": "pool 2.debian.pool.ntp.org iburst\n",
}


class Clinic(Agent):
    """Its host has two daemons, and now and then somebody disables the one that ran."""

    check = CHECK

    def install(self):
        for path, text in INSTALLED.items():
            place = self.bench.tree / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)

    async def drifted(self):
        return await self.found(lambda: (self.bench.tree / WANTED).unlink(missing_ok=True))

    async def picked(self, one, words):
        """A person picks on the incident's page; what became of it, once the order is over."""
        (choice,) = [each for each in one["choices"] if each["words"] == words]
        path = f"/api/v1/sites/{one['site_id']}/incidents/{one['id']}/start"
        body = {"reason": "our vendor supports it", "choice": choice["id"]}
        said = await self.browser.post(path, json=body)
        assert said.status_code == 201, said.text
        assert said.json()["approval_id"] is None
        await self.report()
        await asyncio.to_thread(self.bench.act)
        await self.report()
        return await self.newest()

    async def stable(self):
        """A drift and its heal, which lasts: the level, and the decision."""
        one = await self.drifted()
        assert one["state"] == "healed", one["decision"]
        over = await self.lasted()
        assert (over["id"], over["state"]) == (one["id"], "stable")
        return over["resolution_level"], one["decision"]

    def patterns(self):
        with self.bench.agent.ledger.reading() as tx:
            row = tx.row("SELECT * FROM pattern_stats")
        return {name: row[f"{name}_count"] for name in ("total", "l1", "l2", "l3", "success")}


@pytest.fixture
async def clinic(web, browser, owner, tenant, moment, tmp_path):
    about = web, browser, owner, tenant, moment, tmp_path
    async with enrolled(Clinic, RULE, *about) as made:
        made.install()
        yield made


async def test_what_people_pick_is_planned_then_promoted_with_the_built_in_library(
    clinic, tenant, jobs_engine, moment
):
    await clinic.report()
    for number in range(3):
        one = await clinic.drifted()
        assert (one["state"], one["resolution_level"]) == ("escalated", "L3")
        assert [each["words"] for each in one["choices"]] == [CHRONY, TIMESYNCD]
        healed = await clinic.picked(one, CHRONY)
        assert (healed["id"], healed["state"]) == (one["id"], "healed")
        assert healed["decision"]["choice"]["words"] == CHRONY
        assert healed["decision"]["order"]["by"]["userId"]
        assert healed["choices"] == []
        assert (await clinic.lasted())["state"] == "stable"
        assert clinic.patterns()["success"] == number + 1
    for _ in range(merit.L2_LEAST):
        level, decision = await clinic.stable()
        assert (level, decision["plan"]["planner"]) == ("L2", "retrieval/1")
        assert decision["choice"]["words"] == CHRONY
    assert clinic.patterns() == {"total": 6, "l1": 0, "l2": 3, "l3": 3, "success": 6}

    async def learn():
        await clinic.somebody()
        await Learner(jobs_engine, moment).learn()

    await learn()
    (one,) = await listed(clinic.browser)
    assert (one["stage"], one["runbook_id"], one["check"]) == ("candidate", BOOK, CHECK)
    seen = (await clinic.browser.get(f"/api/v1/promotions/{one['id']}/shadow")).json()
    assert (seen["incidents"], seen["confirmed"], seen["against"]) == (6, 6, [])
    assert seen["inputs"]["units"] == ["chrony.service"]
    said = await approve(clinic.browser, one["id"], tenant.site_id)
    assert said.status_code == 200, said.text

    await clinic.report()
    level, decision = await clinic.stable()
    assert (level, decision["promotion"]) == ("L1", {"id": one["id"], "canary": True})
    clinic.bench.clock.sleep(merit.CANARY)
    await learn()
    assert (await story(clinic.browser, one["id"]))["stage"] == "promoted"
    await clinic.report()
    level, decision = await clinic.stable()
    assert (level, decision["promotion"]["canary"]) == ("L1", False)


async def test_a_choice_that_is_gone_is_refused_at_central_and_nothing_is_ordered(clinic):
    await clinic.report()
    one = await clinic.drifted()
    path = f"/api/v1/sites/{one['site_id']}/incidents/{one['id']}/start"
    for body in ({"reason": "x", "choice": "time_sync.enable 0123"}, {"reason": "x"}):
        said = await clinic.browser.post(path, json=body)
        assert (said.status_code, said.json()["code"]) == (409, "nothing_to_start"), said.text
    await clinic.picked(one, TIMESYNCD)
    again = {"reason": "x", "choice": one["choices"][0]["id"]}
    said = await clinic.browser.post(path, json=again)
    assert said.json()["code"] == "nothing_to_start", "it is healed"
