"""Rounds of learning: whom they are about, how much they read, and who takes turns."""

import asyncio

import pytest

from tests.integration.central.conftest import make_tenant
from tests.integration.central.learning.teaching import (
    approve,
    by,
    canary,
    candidate,
    end,
    lasting,
    listed,
    patterns,
    permit,
    story,
    tell,
    undone,
)
from wardline.central.learning import rounds as rounds_module
from wardline.central.learning.rounds import Learner
from wardline.core.errors import Conflict
from wardline.core.incidents import merit
from wardline.core.incidents.promotion import Stage

OVER = merit.CANARY.total_seconds() + 1


async def test_a_round_is_about_who_has_news_and_once_an_hour_about_everybody(
    signed_in, appliance, other_tenant, jobs_engine, later
):
    rounds = Learner(jobs_engine, later)
    await rounds.learn()
    for _ in range(2):
        later.advance(rounds_module.OVERLAP.total_seconds() + 1)
        canaries = await rounds.learn()
    later.advance(-2 * rounds_module.OVERLAP.total_seconds())
    await rounds.learn()
    await tell(appliance, lasting())
    assert (await patterns(signed_in)) == []
    assert await rounds.learn() > canaries
    assert (await patterns(signed_in))[0]["total_count"] == 1
    later.advance(rounds_module.EVERYBODY_INTERVAL.total_seconds())
    assert await rounds.learn() > canaries + 1


async def test_what_goes_wrong_with_one_partner_keeps_no_other_one_waiting(
    signed_in, appliance, jobs_engine, later, owner, monkeypatch
):
    """Of three partners the first cannot be worked out and the second was moved meanwhile."""
    mine = await owner.fetchval("SELECT partner_id FROM sites WHERE id = $1", appliance.site_id)
    broken, moved = [(await make_tenant(owner)).partner_id for _ in range(2)]
    rows = await owner.fetch("SELECT DISTINCT partner_id FROM sites")
    everybody = sorted(row["partner_id"] for row in rows)
    whole, worked = rounds_module.work_out, []

    async def work_out(session, partner_id):
        worked.append(partner_id)
        if partner_id == broken:
            raise ValueError("its statistics do not add up")
        if partner_id == moved:
            raise Conflict("it is promoted: it cannot be promoted now")
        await whole(session, partner_id)

    monkeypatch.setattr(rounds_module, "work_out", work_out)
    monkeypatch.setattr(rounds_module, "PARTNERS_PER_LOOK_MAX", 1)
    learner = Learner(jobs_engine, later)
    await permit(signed_in)
    await tell(appliance, *(lasting() for _ in range(5)))
    shown = f"{broken}; its statistics do not add up"
    with pytest.raises(ExceptionGroup, match=shown) as raised:
        await learner.learn()
    assert [type(one) for one in raised.value.exceptions] == [ValueError]
    assert worked == everybody
    assert mine in worked
    assert len(await listed(signed_in)) == 1
    # The next round is about these once more, whether they have news or not.
    worked.clear()
    later.advance(rounds_module.OVERLAP.total_seconds() + 60)
    with pytest.raises(ExceptionGroup, match=shown):
        await learner.learn()
    assert {broken, moved} <= {*worked}
    monkeypatch.setattr(rounds_module, "work_out", whole)
    await learner.learn()


async def test_a_round_without_a_database_ends_at_once(jobs_engine, later, tenant, monkeypatch):
    asked = []

    async def work_out(session, partner_id):
        asked.append(partner_id)
        raise ConnectionRefusedError("nobody listens")

    monkeypatch.setattr(rounds_module, "work_out", work_out)
    with pytest.raises(ConnectionRefusedError):
        await Learner(jobs_engine, later).learn()
    assert len(asked) == 1


async def waiting(browser):
    return (await browser.get("/api/v1/promotions/waiting")).json()["count"]


async def test_candidates_are_counted_for_the_menu(signed_in, appliance, learner, heals):
    assert await waiting(signed_in) == 0
    one = await candidate(signed_in, learner, appliance)
    assert await waiting(signed_in) == 1
    assert (await approve(signed_in, one["id"], appliance.site_id)).status_code == 200
    assert await waiting(signed_in) == 0


async def test_old_runs_are_forgotten_but_those_of_a_promotion_in_use(
    signed_in, appliance, learner, later, owner, heals
):
    one = await canary(signed_in, learner, appliance)
    await tell(appliance, lasting(earned=by(one, canary=True)))
    later.advance(OVER)
    await learner.learn()
    assert (await story(signed_in, one))["stage"] == Stage.PROMOTED
    kept = "SELECT count(*) FROM pattern_runs WHERE site_id = $1 AND promotion_id IS NOT DISTINCT FROM $2"
    found = [await owner.fetchval(kept, appliance.site_id, name) for name in (None, one)]
    assert found == [5, 1]
    later.advance(merit.KEPT.total_seconds())
    await learner.learn()
    found = [await owner.fetchval(kept, appliance.site_id, name) for name in (None, one)]
    assert found == [0, 1]
    assert (await end(signed_in, one, "demote")).status_code == 200
    await learner.learn()
    assert await owner.fetchval(kept, appliance.site_id, one) == 0


async def test_a_long_history_is_read_in_part_and_judged_as_a_whole(
    signed_in, appliance, learner, later, heals, monkeypatch
):
    one = await canary(signed_in, learner, appliance)
    await tell(appliance, lasting(earned=by(one, canary=True)))
    later.advance(OVER)
    await learner.learn()
    await tell(appliance, *(lasting(earned=by(one)) for _ in range(7)))
    # By itself the third of these would be one of three.
    monkeypatch.setattr(rounds_module, "TRIALS_PER_PROMOTION_MAX", 3)
    for how in (undone, lasting, lasting):
        await tell(appliance, how(earned=by(one)))
        await learner.learn()
        assert (await story(signed_in, one))["stage"] == Stage.PROMOTED
    for _ in range(2):
        await tell(appliance, undone(earned=by(one)))
        await learner.learn()
    found = await story(signed_in, one)
    assert found["stage"] == Stage.DEMOTED
    assert found["last_reason"] == "3 of 13 runs failed or did not last, more than 20 %"


async def test_approvals_of_a_partner_take_turns(
    signed_in, appliance, learner, owner, tenant, heals
):
    one = await candidate(signed_in, learner, appliance)
    await owner.execute("BEGIN")
    await owner.fetch("SELECT FROM partners WHERE id = $1 FOR NO KEY UPDATE", tenant.partner_id)
    approving = asyncio.create_task(approve(signed_in, one["id"], appliance.site_id))
    waiting = (
        "SELECT count(*) FROM pg_locks WHERE NOT granted"
        " AND pg_backend_pid() = ANY(pg_blocking_pids(pid))"
    )
    while not await owner.fetchval(waiting):
        assert not approving.done(), approving.result().text
        await asyncio.sleep(0.01)
    # It holds nothing yet that whoever was first goes on to.
    await owner.fetch("SELECT FROM promotions WHERE id = $1 FOR UPDATE NOWAIT", one["id"])
    await owner.execute("ROLLBACK")
    assert (await approving).status_code == 200
