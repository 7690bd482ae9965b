"""Whoever changes a deviation takes its site, the deviation and its hosts, in that order."""

import asyncio

import pytest

from tests.integration.central.deviations.test_deviations import (
    OTHERWISE,
    accepted,
    act,
    ask,
    follow,
    in_days,
    measured,
    one,
)

WAITING = (
    "SELECT count(*) FROM pg_locks WHERE NOT granted"
    " AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
)
SITE = "SELECT FROM sites WHERE id = $1 FOR NO KEY UPDATE"
DEVIATION = "SELECT FROM deviations WHERE site_id = $1 FOR NO KEY UPDATE"
HOSTS = "SELECT FROM deviation_hosts WHERE site_id = $1 FOR NO KEY UPDATE"
NEWS = (
    "INSERT INTO deviation_events (site_id, partner_id, deviation_id, kind, at, host_id)"
    " SELECT site_id, partner_id, deviation_id, 'passes', now(), host_id FROM deviation_hosts"
    " WHERE site_id = $1"
)


async def renew(browser, appliance, made):
    return await act(browser, made, "renew", until=in_days(60), reason="not yet")


async def revoke(browser, appliance, made):
    return await act(browser, made, "revoke", reason="replaced")


async def accept(browser, appliance, made):
    return await ask(browser, appliance)


@pytest.mark.parametrize(
    ("held", "does", "then"),
    [
        # As an acceptance that goes on to the deviation which it replaces.
        (SITE, renew, DEVIATION),
        (SITE, revoke, DEVIATION),
        # As the sweep, which has ended a deviation and goes on to its hosts.
        (DEVIATION, accept, HOSTS),
        (DEVIATION, revoke, HOSTS),
        # As the sweep, which has seen a host and tells of it.
        (HOSTS, accept, NEWS),
        (HOSTS, revoke, NEWS),
    ],
)
async def test_who_waits_holds_nothing_that_the_other_one_takes_later(
    appliance, signed_in, owner, held, does, then
):
    await measured(appliance)
    made = await accepted(signed_in, appliance)
    await measured(appliance, 1, facts=OTHERWISE)
    await owner.execute("BEGIN")
    await owner.execute("SET LOCAL lock_timeout = '2s'")
    await owner.fetch(held, appliance.site_id)
    doing = asyncio.create_task(does(signed_in, appliance, made))
    while not await owner.fetchval(WAITING):
        assert not doing.done(), doing.result().text
        await asyncio.sleep(0.01)
    await owner.fetch(then, appliance.site_id)
    await owner.execute("ROLLBACK")
    answer = await doing
    assert answer.status_code in {200, 201}, answer.text


async def test_the_sweep_waits_for_nobody(appliance, signed_in, owner, jobs_engine):
    await measured(appliance)
    made = await accepted(signed_in, appliance)
    await measured(appliance, 1, facts=OTHERWISE)
    for held in (SITE, DEVIATION, HOSTS):
        await owner.execute("BEGIN")
        await owner.fetch(held, appliance.site_id)
        await asyncio.wait_for(follow(jobs_engine), 10)
        await owner.execute("ROLLBACK")
    await follow(jobs_engine)
    assert "changed" in [each["kind"] for each in (await one(signed_in, made))["events"]]
