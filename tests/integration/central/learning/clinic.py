"""A real agent at a clinic of the tests of learning, and its way to the Central of the same test."""

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from tests.harness.asgi_line import AsgiLine
from tests.integration.agent.bench import Bench, Clock
from tests.integration.central.conftest import make_user, sign_in

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

    check: str

    def __init__(self, bench, browser, email, moment):
        self.bench, self.browser, self._email, self._moment = bench, browser, email, moment

    async def report(self):
        def turn():
            assert self.bench.check_in()
            self.bench.agent.reporter.turn()
            assert self.bench.check_in()

        await asyncio.to_thread(turn)
        assert self.bench.counts().pending == 0

    async def found(self, make: Callable[[], None]):
        """What becomes of a drift that `make` brings about, as Central shows it."""

        def turn():
            make()
            self.bench.observe(self.check)
            self.bench.act()

        await asyncio.to_thread(turn)
        await self.report()
        return await self.newest()

    async def lasted(self):
        self.bench.clock.sleep(APART)
        await asyncio.to_thread(self.bench.observe, self.check)
        await self.report()
        return await self.newest()

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


@asynccontextmanager
async def enrolled(kind, rule, web, browser, owner, tenant, moment, folder):
    """An agent of a site that heals, under a rule by which its repair runs unasked."""
    clock = Clock()
    moment.value = clock()
    email = await make_user(owner, tenant.partner_id)
    await sign_in(browser, email)
    made = await browser.post("/api/mcp/policy/create", json=rule)
    assert made.status_code == 200, made.text
    site = f"/api/v1/sites/{tenant.site_id}"
    heals = {"healing": "heal", "reason": "we looked at it"}
    said = await browser.post(f"{site}/healing", json=heals)
    assert said.status_code == 200, said.text
    token = (await browser.post(f"{site}/enrolment-tokens", json={})).json()["token"]

    def follow():
        moment.value = clock()

    door = Door(token, AsgiLine(web, follow))
    bench = await asyncio.to_thread(Bench, folder / "clinic", door, clock)
    try:
        yield kind(bench, browser, email, moment)
    finally:
        bench.close()
