"""A person has a run undone: the order as the appliance gets it, and what is shown and counted."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.harness.appliance import stable, undone, watched
from tests.integration.central.holds.test_holds import hold
from tests.integration.central.incidents.test_heals import counted, opened, read, tell
from tests.integration.central.orders.test_orders import lease
from wardline.core import clock, ids
from wardline.core.orders import UndoRun

RUN = ids.new("run")
__all__ = ["opened"]


def heal(opened, until=timedelta(days=20), **run):
    """A heal under watch whose run can be undone for so long."""
    made = watched(opened, at=opened.opened_at + timedelta(minutes=2))
    named = {"id": RUN, "undoUntil": clock.wire(clock.system() + until), **run}
    return replace(made, decision={**made.decision, "run": named})


async def undo(browser, appliance, incident_id, **body):
    path = f"/api/v1/sites/{appliance.site_id}/incidents/{incident_id}/undo"
    return await browser.post(path, json={"reason": "it broke the scanner", **body})


async def test_a_healed_run_is_ordered_to_be_undone_once_and_a_freeze_or_observing_stops_it_not(
    signed_in, appliance, owner, tenant, opened
):
    done = heal(opened)
    await tell(appliance, opened, done)
    shown = await read(signed_in, appliance, opened.incident_id)
    assert shown["undo_until"] is not None
    frozen = f"/api/v1/sites/{appliance.site_id}/freeze"
    assert (await signed_in.post(frozen, json={"reason": "it misbehaves"})).status_code == 201
    answer = await undo(signed_in, appliance, opened.incident_id)
    assert answer.status_code == 201, answer.text
    (order,) = await lease(appliance)
    assert order.id == answer.json()["order_id"]
    assert order.body == UndoRun(RUN, opened.incident_id, "ssh_config", "ssh_config.harden")
    assert order.reason == "it broke the scanner"
    recorded = "SELECT action FROM audit_log WHERE subject = $1"
    assert await owner.fetchval(recorded, order.id) == "order.issue"
    again = await undo(signed_in, appliance, opened.incident_id)
    assert (again.status_code, again.json()["code"]) == (409, "order_under_way")
    (listed,) = (await signed_in.get("/api/v1/orders")).json()["items"]
    assert (listed["kind"], listed["incident_id"], listed["frozen"]) == (
        *("undo_run", opened.incident_id),
        False,
    )
    await owner.execute("UPDATE orders SET completed_at = now(), status = 'failed'")
    await owner.execute("UPDATE hosts SET observed = true WHERE site_id = $1", tenant.site_id)
    observed = await undo(signed_in, appliance, opened.incident_id)
    assert (observed.status_code, observed.json()["code"]) == (409, "observing")


@pytest.mark.parametrize(
    "named",
    [
        {"until": timedelta(seconds=-1)},
        {"undoUntil": None},
        {"id": "run_x"},
        {"id": 7},
        {"more": True},
        {"undoUntil": "soon"},
    ],
)
async def test_what_names_no_run_that_can_be_undone_cannot_be(signed_in, appliance, opened, named):
    await tell(appliance, opened, heal(opened, **named))
    assert (await read(signed_in, appliance, opened.incident_id))["undo_until"] is None
    answer = await undo(signed_in, appliance, opened.incident_id)
    assert (answer.status_code, answer.json()["code"]) == (409, "nothing_to_undo")


async def test_an_undone_heal_counts_neither_way_also_when_it_had_lasted(
    signed_in, appliance, opened
):
    done = heal(opened)
    lasted = stable(done)
    await tell(appliance, opened, done, lasted)
    assert (await counted(signed_in))["stable"] == 1
    await tell(appliance, undone(lasted, lasted.watch.until + timedelta(minutes=9)))
    shown = await read(signed_in, appliance, opened.incident_id)
    assert (shown["state"], shown["undo_until"]) == ("escalated", None)
    assert [one["ended"] for one in shown["heals"]] == ["undone"]
    said = await counted(signed_in)
    assert (said["total"], said["stable"], said["undone"]) == (1, 0, 1)
    assert (said["false_heals"], said["time_to_repair"]) == (None, None)


async def test_the_hold_that_an_undo_sets_is_shown_as_the_persons_who_wanted_it(
    signed_in, appliance, opened
):
    await tell(appliance, opened, heal(opened))
    await appliance.check_in()
    assert (await undo(signed_in, appliance, opened.incident_id)).status_code == 201
    (order,) = await lease(appliance)
    held = hold(appliance, reason="Ada had it undone", set_by=order.by.user_id)
    await appliance.check_in(holds=[held])
    (shown,) = (await signed_in.get("/api/v1/holds")).json()["items"]
    assert (shown["set_by"], shown["set_by_name"]) == (order.by.user_id, order.by.name)


async def test_an_undo_needs_a_reason_and_an_incident(signed_in, appliance, opened):
    await tell(appliance, opened)
    assert (await undo(signed_in, appliance, opened.incident_id, reason=" ")).status_code == 422
    assert (await undo(signed_in, appliance, ids.incident())).status_code == 404
