"""The brake at Central: counted over sites, one ticket, obeyed, released, and nobody else's."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.harness import orders as making
from tests.harness.appliance import healed, incident
from tests.integration.central.brakes.braking import (
    BOOK,
    REVISION,
    RULE,
    WHY,
    failed,
    listed,
    ordered,
    tell,
    went_well,
    write_rule,
)
from wardline.central.jobs import brakes
from wardline.central.jobs.brakes import Brake
from wardline.core import clock, ids
from wardline.core.stops import ALL, IN_FORCE_MAX, Kind, Subject


async def test_three_failures_over_two_sites_stop_a_version_everywhere_until_it_is_released(
    appliance, elsewhere, stranger, signed_in, owner, brake, moment
):
    moment.advance(600)
    before, etag = await ordered(elsewhere)
    twice = failed()
    await tell(appliance, twice, failed())
    await tell(stranger, failed(), failed())
    assert await brake.look() == 0, "two and two are of two partners"
    assert (await ordered(elsewhere, etag))[0] is None
    last = failed()
    await tell(elsewhere, last)
    # The run and what it went by: the runbook's version and the rule's.
    assert await brake.look() == 2
    assert await brake.look() == 0, "one ticket each"
    held, _ = await ordered(elsewhere, etag)
    assert held.revision == before.revision + 2
    by_kind = {one.subject.kind: one for one in held.stops}
    assert by_kind[Kind.RUNBOOK].subject == BOOK
    assert by_kind[Kind.RULE].subject == Subject(Kind.RULE, RULE, "7")
    assert (by_kind[Kind.RULE].failed, by_kind[Kind.RULE].runs) == (3, 3)
    assert len((await ordered(appliance))[0].stops) == 2
    assert (await ordered(stranger))[0].stops == ()
    rows = await listed(signed_in)
    assert {(one["kind"], one["state"], one["site_id"]) for one in rows} == {
        ("rule", "in_force", None),
        ("runbook", "in_force", None),
    }
    assert {one["incident_id"] for one in rows} == {last.incident_id}
    status = (await signed_in.get("/api/v1/status")).json()
    assert (status["brakes"]["active"], len(status["brakes"]["newest"])) == (2, 2)


async def test_a_person_releases_a_version_with_a_reason_and_it_is_counted_anew(
    appliance, elsewhere, signed_in, owner, brake, moment
):
    moment.advance(600)
    await tell(appliance, failed(), failed(), failed())
    assert await brake.look() == 2
    _, etag = await ordered(elsewhere)
    stop = next(one for one in await listed(signed_in) if one["kind"] == "runbook")
    path = f"/api/v1/brakes/{stop['id']}/release"
    assert (await signed_in.post(path, json={"reason": " "})).status_code == 422
    released = (await signed_in.post(path, json={"reason": WHY})).json()
    assert (released["state"], released["release_reason"]) == ("released", WHY)
    assert (await signed_in.post(path, json={"reason": WHY})).status_code == 409
    assert len(await listed(signed_in)) == 1
    assert len(await listed(signed_in, state="all")) == 2
    held, _ = await ordered(elsewhere, etag)
    assert [(one.subject.kind, one.released is None) for one in held.stops] == [
        (Kind.RULE, True),
        (Kind.RUNBOOK, False),
    ]
    # What went wrong before the release counts no more, though it is told again.
    moment.advance(60)
    assert await brake.look() == 0
    recorded = await owner.fetchval(
        "SELECT reason FROM audit_log WHERE action = 'brake.release' AND subject = $1", stop["id"]
    )
    assert recorded == WHY


async def test_a_run_is_counted_once_however_often_it_is_told(appliance, owner, brake, moment):
    run_id = ids.new("run")
    for _ in range(4):
        await tell(appliance, failed(run_id))
    assert await brake.look() == 0
    counted = "SELECT count(*) FROM brake_runs WHERE site_id = $1"
    assert await owner.fetchval(counted, appliance.site_id) == 2


@pytest.mark.parametrize("state", ["undone", "left"])
async def test_a_heal_that_a_person_had_undone_is_a_run_that_went_wrong_as_of_then(
    appliance, owner, state
):
    run_id = ids.new("run")
    fixed = healed(incident())
    decision = {**fixed.decision, "runId": run_id, "ruleId": RULE, "ruleRevision": REVISION}
    await tell(appliance, replace(fixed, decision=decision))
    wrong = "SELECT wrong, ended_at FROM brake_runs WHERE site_id = $1 AND run_id = $2"
    told = await owner.fetch(wrong, appliance.site_id, run_id)
    assert [row["wrong"] for row in told] == [False, False]
    at = clock.wire(clock.system() - timedelta(days=1))
    for how, counts in (("refused", False), ("interrupted", False), (state, True), (state, True)):
        undo = {"run": run_id, "state": how, "at": at}
        await tell(appliance, incident(decision={**making.decision("run"), "undo": undo}))
        told = await owner.fetch(wrong, appliance.site_id, run_id)
        assert [row["wrong"] for row in told] == [counts, counts]
        assert [clock.wire(row["ended_at"]) == at for row in told] == [counts, counts]


async def test_what_an_appliance_stopped_is_told_released_by_its_order_and_is_no_second_ticket(
    appliance, elsewhere, signed_in, owner, brake, moment
):
    told = {
        "id": ids.new("stop"),
        "kind": "runbook",
        "name": BOOK.name,
        "version": BOOK.version,
        "stopped_at": clock.wire(moment()),
        "failed": 2,
        "runs": 5,
        "incident_id": ids.incident(),
        "released_at": None,
        "released_by": None,
        "release_reason": None,
    }
    half = {**told, "released_by": "appliance:ada"}
    assert (await appliance.check_in("?mandate=2", stops=[half])).status_code == 422
    assert (await appliance.check_in("?mandate=2", stops=[told])).status_code == 200
    assert (await appliance.check_in("?mandate=2", stops=[told])).status_code == 200
    (row,) = await listed(signed_in)
    assert (row["appliance_id"], row["failed"], row["runs"]) == (appliance.id, 2, 5)
    assert (await ordered(elsewhere))[0].stops == (), "it is stopped at that appliance alone"
    await tell(elsewhere, failed(), failed(), failed())
    await brake.look()
    kinds = [(one["kind"], one["appliance_id"]) for one in await listed(signed_in)]
    assert sorted(kinds) == [("rule", None), ("runbook", None)]
    path = f"/api/v1/brakes/{row['id']}/release"
    assert (await signed_in.post(path, json={"reason": WHY})).status_code == 200
    held, _ = await ordered(appliance)
    (mine,) = (one for one in held.stops if one.released is not None)
    assert (mine.id, mine.released.by) == (told["id"], "Somebody")
    # The appliance's own word comes later and changes nothing.
    ended = {
        **told,
        "released_at": told["stopped_at"],
        "released_by": "appliance:ada",
        "release_reason": "fixed here",
    }
    await appliance.check_in("?mandate=2", stops=[ended])
    assert (await signed_in.get(f"/api/v1/brakes/{row['id']}")).json()["release_reason"] == WHY


async def test_more_than_a_mandate_holds_stops_everything(appliance, owner, tenant):
    await owner.execute(
        "INSERT INTO brake_stops (id, partner_id, kind, name, version, stopped_at, failed, runs,"
        " incident_id, incident_site_id) SELECT 'stop_' || lpad(n::text, 26, '0'), $1, 'rule',"
        " 'r', n::text, now(), 3, 3, 'inc', $2 FROM generate_series(1, $3::int) n",
        *(tenant.partner_id, tenant.site_id, IN_FORCE_MAX),
    )
    assert len((await ordered(appliance))[0].stops) == IN_FORCE_MAX
    await owner.execute(
        "INSERT INTO brake_stops (id, partner_id, kind, name, version, stopped_at, failed, runs,"
        " incident_id, incident_site_id) VALUES ($1, $2, 'rule', 'r', 'x', now(), 3, 3, 'inc', $3)",
        *(ids.new("stop"), tenant.partner_id, tenant.site_id),
    )
    (stop,) = (await ordered(appliance))[0].stops
    assert stop.subject == ALL


async def test_a_run_that_went_well_makes_them_enough_to_judge_by(appliance, brake, owner, moment):
    await tell(appliance, failed(), failed())
    assert await brake.look() == 0
    for _ in range(2):
        await tell(appliance, went_well())
        assert await brake.look() == 0, "two of three, two of four"
    await tell(appliance, went_well())
    assert await brake.look() == 2, "two of five are more than a fifth of enough"


async def test_every_partner_is_looked_at_however_many_versions_went_wrong_before_it(
    appliance, stranger, tenant, other_tenant, brake, owner, monkeypatch
):
    monkeypatch.setattr(brakes, "VERSIONS_PER_PAGE_MAX", 3)
    for each in (appliance, stranger):
        partner_id = (tenant if each is appliance else other_tenant).partner_id
        for number in range(10, 17):
            await write_rule(owner, partner_id, revision=number)
            by = {"ruleRevision": number}
            await tell(each, *(failed(went_by=by) for _ in range(3)))
    # Seven versions of a rule each, and a runbook.
    assert await brake.look() == 2 * 8
    assert await brake.look() == 0


async def test_what_ran_long_ago_is_not_counted_again_at_each_look(
    appliance, brake, owner, jobs_engine, moment
):
    await tell(appliance, failed(), failed())
    assert await brake.look() == 0
    moment.advance(3600)
    assert await brake.look() == 0
    # One that no look can have seen: it came before the last one, less the overlap.
    await owner.execute(
        "INSERT INTO brake_runs SELECT site_id, partner_id, $2, kind, name, version, incident_id,"
        " ended_at, received_at, wrong FROM brake_runs WHERE site_id = $1 AND run_id = ("
        " SELECT max(run_id) FROM brake_runs WHERE site_id = $1)",
        *(appliance.site_id, ids.new("run")),
    )
    assert await brake.look() == 0
    assert await Brake(jobs_engine, moment).look() == 2, "a first look is about all that is kept"
