"""What nobody answered or fetched in time is asked for again by itself, and not for ever."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.harness import orders as making
from tests.harness.appliance import healed
from tests.integration.central.approvals.inbox import answer, asked, inbox, tell
from wardline.central.approvals import asking
from wardline.central.jobs import expiry
from wardline.central.uplink import rounds

MINUTE = timedelta(minutes=1)


@pytest.fixture
def pass_by(appliance, moment, jobs_engine, owner):
    """Time goes by, what is overdue is ended, and the appliance checks in."""

    async def passed(time=asking.LIFETIME):
        moment.value += time
        # Nobody's session is idle that long, and this is not about sessions.
        await owner.execute("UPDATE sessions SET last_seen_at = $1", moment())
        await expiry.end_overdue(jobs_engine, moment)
        told = await appliance.check_in()
        assert told.status_code == 200, told.text

    return passed


async def states(browser, **query):
    return [(one["nth"], one["state"]) for one in await inbox(browser, **query)]


async def test_what_nobody_answered_is_asked_again_as_it_is_now(appliance, signed_in, pass_by):
    record, found = await asked(appliance, signed_in)
    assert found["nth"] == 1
    later = replace(record.before, summary="worse than it was")
    await tell(appliance, replace(record, before=later, decision=making.decision()))
    await pass_by(asking.LIFETIME - MINUTE)
    assert await states(signed_in) == [(1, "pending")]
    await pass_by(MINUTE + rounds.EVERY)
    (again, before) = await inbox(signed_in)
    assert [(one["nth"], one["state"]) for one in (again, before)] == [
        *[(2, "pending"), (1, "expired")],
    ]
    assert (again["measured"]["summary"], again["requested_by"]) == ("worse than it was", None)
    assert (await answer(signed_in, again)).json()["state"] == "approved"


async def test_it_is_asked_again_once_a_lifetime_and_not_for_ever(appliance, signed_in, pass_by):
    await asked(appliance, signed_in)
    for nth in range(2, asking.ASKED_MAX + 1):
        await pass_by()
        await pass_by(rounds.EVERY)
        assert await states(signed_in, state="pending") == [(nth, "pending")]
    for _ in range(2):
        await pass_by(2 * asking.LIFETIME)
    assert await states(signed_in, state="pending") == []
    assert len(await inbox(signed_in)) == asking.ASKED_MAX


async def test_an_order_that_was_not_fetched_is_asked_for_again(appliance, signed_in, pass_by):
    _, found = await asked(appliance, signed_in)
    order = (await answer(signed_in, found)).json()["order_id"]
    # The order has ended by then, and this day has asked.
    await pass_by(asking.LIFETIME / 2)
    (shown,) = await inbox(signed_in)
    assert (shown["order_id"], shown["order_status"]) == (order, "expired")
    await pass_by(asking.LIFETIME / 2)
    assert await states(signed_in) == [(2, "pending"), (1, "approved")]


async def _rejected(appliance, browser, record, found):
    await answer(browser, found, "reject", "the clinic is open")


async def _taken_back(appliance, browser, record, found):
    order = (await answer(browser, found)).json()["order_id"]
    path = f"/api/v1/sites/{appliance.site_id}/orders/{order}/cancel"
    assert (await browser.post(path, json={"reason": "not today"})).status_code == 200


async def _healed(appliance, browser, record, found):
    await tell(appliance, healed(record))


@pytest.mark.parametrize("ending", [_rejected, _taken_back, _healed])
async def test_what_a_person_ended_or_is_over_is_not_asked_again(
    appliance, signed_in, pass_by, ending
):
    record, found = await asked(appliance, signed_in)
    await ending(appliance, signed_in, record, found)
    for _ in range(2):
        await pass_by()
    assert len(await inbox(signed_in)) == 1


async def test_who_asked_by_hand_has_asked_the_next_time_too(
    appliance, signed_in, people, pass_by, moment, jobs_engine
):
    record, _ = await asked(appliance, signed_in)
    person = await people()
    moment.value += asking.LIFETIME
    await expiry.end_overdue(jobs_engine, moment)
    path = f"/api/v1/sites/{appliance.site_id}/incidents/{record.incident_id}/start"
    await pass_by(timedelta())
    (again,) = await inbox(signed_in, state="pending")
    assert (again["nth"], again["requested_by"]) == (2, None)
    await answer(signed_in, again)
    await pass_by(asking.LIFETIME / 2)
    by_hand = await person.post(path, json={"reason": "somebody is here now"})
    assert by_hand.status_code == 201, by_hand.text
    await pass_by()
    (again,) = await inbox(signed_in, state="pending")
    assert again["nth"] == 4
    own = await answer(person, again)
    assert (own.status_code, own.json()["code"]) == (403, "not_allowed")
    assert (await answer(signed_in, again)).json()["state"] == "approved"


async def test_a_look_is_due_once_in_a_while_per_appliance(moment):
    held = rounds.Rounds(appliances_max=2)
    now = moment()
    assert [held.is_due(one, now) for one in ("a", "b", "a")] == [True, True, False]
    assert not held.is_due("a", now + rounds.EVERY - MINUTE)
    assert held.is_due("a", now + rounds.EVERY)
    assert held.is_due("a", now)
    assert held.is_due("c", now)
    assert held.is_due("b", now)
