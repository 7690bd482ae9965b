"""Loops: a failure is seen and tried again, and nothing dies unseen."""

import asyncio
from datetime import timedelta

from wardline.central.jobs import loops, upkeep
from wardline.central.jobs.loops import Loop
from wardline.core import clock


async def test_a_loop_that_fails_shows_it_and_goes_on(jobs_engine, owner):
    outcomes = iter([RuntimeError("no disk"), None, None, None])
    stop = asyncio.Event()

    async def work():
        outcome = next(outcomes, stop)
        if outcome is stop:
            stop.set()
        elif outcome is not None:
            raise outcome

    seen = []

    async def watch():
        while not stop.is_set():
            row = await owner.fetchrow("SELECT ok, error FROM job_heartbeats WHERE name = 'work'")
            if row is not None and tuple(row) not in seen:
                seen.append(tuple(row))
            await asyncio.sleep(0.005)

    loop = Loop("work", 0.05, work)
    await asyncio.gather(loops.run_all([loop], jobs_engine, clock.system, stop), watch())
    assert seen == [(False, "RuntimeError: no disk"), (True, None)]


async def test_the_months_ahead_have_partitions(jobs_engine, owner):
    def far():
        return clock.system() + timedelta(days=62)

    await upkeep.make_partitions(jobs_engine, far)
    names = await owner.fetch(
        "SELECT relname FROM pg_class WHERE relname LIKE 'results\\_2%' AND relkind = 'r'"
    )
    assert f"results_{far():%Y_%m}" in {row["relname"] for row in names}


async def test_an_appliance_that_stops_checking_in_is_marked_quiet_and_its_return_is_told(
    appliance, jobs_engine, owner
):
    async def told():
        return await owner.fetchval(
            "SELECT count(*) FROM change_log WHERE kind = 'appliance' AND subject = $1",
            appliance.id,
        )

    await appliance.check_in()
    before = await told()
    await appliance.check_in()
    assert await told() == before
    assert await upkeep.mark_quiet(jobs_engine, clock.system) == 0

    def later():
        return clock.system() + timedelta(hours=1)

    assert await upkeep.mark_quiet(jobs_engine, later) == 1
    assert not await owner.fetchval("SELECT is_online FROM appliances WHERE id = $1", appliance.id)
    assert await told() == before + 1
    await appliance.check_in()
    assert await told() == before + 2
    assert await owner.fetchval("SELECT is_online FROM appliances WHERE id = $1", appliance.id)
