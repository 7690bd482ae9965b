"""Heals out of evidence: what became of each, counted as so many of so many, and believed once."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.harness.appliance import healed, incident, recurred, result, stable, watched
from wardline.core import clock
from wardline.core.evidence.bundle import IncidentState, Kind
from wardline.core.evidence.watch import WatchEnd

MINUTE = timedelta(minutes=1)


@pytest.fixture
def opened():
    """An incident of some hours ago, to the millisecond."""
    at = clock.parse(clock.wire(clock.system() - timedelta(hours=5)))
    return incident(opened_at=at, before=result(measured_at=at))


async def tell(appliance, *records):
    """Each record in a bundle of its own, all of them in one batch."""
    sealed = [appliance.seal(kind=Kind.INCIDENT, incidents=(one,)) for one in records]
    answer = await appliance.send(*sealed)
    assert answer.status_code == 200, answer.text


async def read(browser, appliance, incident_id):
    said = await browser.get(f"/api/v1/sites/{appliance.site_id}/incidents/{incident_id}")
    assert said.status_code == 200, said.text
    return said.json()


async def counted(browser, path="/api/v1/heals", **query):
    said = await browser.get(path, params=query)
    assert said.status_code == 200, said.text
    return said.json()


async def test_nothing_is_counted_where_nothing_was_healed(signed_in, appliance):
    for path in ("/api/v1/heals", f"/api/v1/sites/{appliance.site_id}/heals"):
        said = await counted(signed_in, path)
        assert (said["total"], said["false_heals"], said["time_to_repair"]) == (0, None, None)
        assert said["runbooks"] == []


async def test_a_heal_under_watch_counts_neither_for_nor_against(signed_in, appliance, opened):
    heal = watched(opened, at=opened.opened_at + 2 * MINUTE)
    await tell(appliance, opened, heal)
    shown = await read(signed_in, appliance, opened.incident_id)
    assert shown["state"] == "healed"
    assert datetime.fromisoformat(shown["watched_until"]) == heal.watch.until
    said = await counted(signed_in)
    assert (said["total"], said["watched"], said["stable"]) == (1, 1, 0)
    assert (said["false_heals"], said["time_to_repair"]) == (None, None)


async def test_a_heal_is_counted_as_it_ended_also_when_one_batch_tells_it_all(
    signed_in, appliance, owner, opened
):
    """Two false heals and a stable one of one incident, of which the table keeps but the last."""
    at = opened.opened_at
    first = watched(opened, at=at + 2 * MINUTE)
    again = recurred(first, at + 7 * MINUTE)
    second = watched(again, 2, at + 9 * MINUTE)
    third = recurred(second, at + 20 * MINUTE)
    last = stable(watched(third, 3, at + 30 * MINUTE))
    await tell(appliance, opened, first, again, second, third, last)
    shown = await read(signed_in, appliance, opened.incident_id)
    assert (shown["state"], shown["watched_until"]) == ("stable", None)
    assert [(heal["number"], heal["ended"]) for heal in shown["heals"]] == [
        (3, "stable"),
        (2, "recurred"),
        (1, "recurred"),
    ]
    assert datetime.fromisoformat(shown["heals"][2]["ended_at"]) == at + 7 * MINUTE
    told = [bundle["state"] for bundle in shown["bundles"]]
    assert told == ["open", "healed", "open", "healed", "open", "stable"]
    for path in ("/api/v1/heals", f"/api/v1/sites/{appliance.site_id}/heals"):
        said = await counted(signed_in, path)
        assert said["false_heals"] == {"recurred": 2, "of": 3}
        # Over stable ones alone, and from the drift on: two heals that did not last took time.
        assert said["time_to_repair"] == {"mean_s": 1800.0, "of": 1}
        (book,) = said["runbooks"]
        assert (book["runbook_id"], book["false_heals"]) == (
            "ssh_config.harden",
            {"recurred": 2, "of": 3},
        )
    status = (await signed_in.get("/api/v1/status")).json()
    fleet = (await signed_in.get("/api/v1/fleet")).json()
    for place in (status["totals"], status["sites"][0], fleet["totals"]):
        assert place["heals"]["false_heals"] == {"recurred": 2, "of": 3}
    assert status["healed"][0]["state"] == "stable"
    assert status["totals"]["incidents"]["stable"] == 1


async def test_an_unproved_heal_counts_neither_for_nor_against(signed_in, appliance, opened):
    heal = watched(opened, at=opened.opened_at + MINUTE)
    late = heal.watch.until + timedelta(hours=4)
    await tell(appliance, opened, heal, recurred(heal, late, WatchEnd.UNPROVED))
    said = await counted(signed_in)
    assert (said["total"], said["unproved"], said["false_heals"]) == (1, 1, None)


async def test_heals_of_an_agent_that_did_not_watch_prove_nothing(signed_in, appliance, opened):
    """Schema 1: as healed as they were, and in no rate and no time to repair."""
    await tell(appliance, opened, healed(opened, opened.opened_at + MINUTE))
    shown = await read(signed_in, appliance, opened.incident_id)
    assert (shown["state"], shown["watched_until"], shown["heals"]) == ("healed", None, [])
    said = await counted(signed_in)
    assert (said["total"], said["false_heals"], said["time_to_repair"]) == (0, None, None)


async def test_how_a_watch_ended_is_believed_once(signed_in, appliance, opened):
    heal = watched(opened, at=opened.opened_at + MINUTE)
    again = recurred(heal, opened.opened_at + 3 * MINUTE)
    await tell(appliance, opened, heal, again)
    await tell(appliance, stable(heal))
    said = await counted(signed_in)
    assert said["false_heals"] == {"recurred": 1, "of": 1}


async def test_only_the_period_that_is_asked_for_counts(signed_in, appliance, opened):
    ago = opened.opened_at - timedelta(days=40)
    old = incident(opened_at=ago, before=result(measured_at=ago))
    heal = watched(old, at=ago + MINUTE)
    await tell(appliance, old, heal, stable(heal))
    assert (await counted(signed_in))["total"] == 0
    assert (await counted(signed_in, days=41))["stable"] == 1
    for days in (0, 367):
        assert (await signed_in.get("/api/v1/heals", params={"days": days})).status_code == 422


def lies(opened):
    """Watches that nothing bears out, and where it shows."""
    at = opened.opened_at
    heal = watched(opened, at=at + MINUTE)
    done, again, watch = stable(heal), recurred(heal, at + 2 * MINUTE), heal.watch
    early = result(outcome=done.after.outcome, measured_at=watch.until - timedelta(seconds=1))
    over = {"ended": WatchEnd.STABLE, "ended_at": watch.until}
    return [
        (replace(done, after=early), "after.measured_at"),
        (replace(done, after=heal.after), "after.measured_at"),
        (replace(done, watch=watch), "watch.ended"),
        (replace(done, watch=replace(done.watch, ended=WatchEnd.RECURRED)), "watch.ended"),
        (replace(done, watch=replace(done.watch, ended_at=None)), "watch.ended_at"),
        (replace(done, decision=None), "decision"),
        (replace(done, actions=()), "actions"),
        (replace(done, closed_at=None), "closed_at"),
        (replace(done, outcome=None), "outcome"),
        (replace(heal, watch=replace(watch, **over)), "watch.ended"),
        (replace(heal, watch=replace(watch, until=at)), "watch.until"),
        (replace(heal, watch=replace(watch, runbook_id="patching.now")), "watch.runbook_id"),
        (replace(heal, watch=replace(watch, healed_at=at)), "watch.healed_at"),
        (replace(again, watch=replace(again.watch, **over)), "watch.ended"),
        (replace(again, watch=watch), "watch.ended"),
    ]


async def test_a_lie_about_a_watch_is_poison_and_stores_nothing(appliance, owner, opened):
    seq, prev = appliance.seq, appliance.prev
    for lie, where in lies(opened):
        appliance.seq, appliance.prev = seq, prev
        answer = await appliance.send(appliance.forge(kind=Kind.INCIDENT, incidents=(lie,)))
        assert answer.status_code == 422, (lie, answer.text)
        assert f"incidents[0].{where}: " in answer.json()["detail"], (where, answer.json())
    told = "SELECT count(*) FROM incident_heals WHERE site_id = $1"
    assert await owner.fetchval(told, appliance.site_id) == 0


async def test_the_heals_of_another_site_are_nobody_elses(
    signed_in, appliance, other_tenant, opened
):
    heal = watched(opened, at=opened.opened_at + MINUTE)
    await tell(appliance, opened, heal, stable(heal))
    foreign = await signed_in.get(f"/api/v1/sites/{other_tenant.site_id}/heals")
    assert foreign.status_code == 404


async def test_stable_incidents_are_found_by_their_state(signed_in, appliance, opened):
    heal = watched(opened, at=opened.opened_at + MINUTE)
    await tell(appliance, opened, heal, stable(heal))
    page = (await signed_in.get("/api/v1/incidents", params={"state": "stable"})).json()
    assert [one["id"] for one in page["items"]] == [opened.incident_id]
    assert page["items"][0]["state"] == IncidentState.STABLE
