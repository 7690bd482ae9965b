"""A hostile appliance stops nothing that it invents, and cuts nobody off."""

from dataclasses import replace

import pytest

from tests.integration.central.brakes.braking import (
    REVISION,
    RULE,
    RUNBOOK,
    failed,
    listed,
    ordered,
    tell,
    write_rule,
)
from wardline.central.brakes import service
from wardline.core import clock, ids
from wardline.core.stops import ALL, Kind

LONG = "\U0001f648" * 255
INVENTED = 66


async def freeze(browser):
    answer = await browser.post("/api/v1/freeze", json={"reason": "an appliance lies"})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


async def tell_all(appliance, records):
    for at in range(0, len(records), 60):
        await tell(appliance, *records[at : at + 60])


@pytest.mark.parametrize(
    "named",
    [
        [{"ruleId": LONG, "ruleRevision": REVISION}],
        [{"ruleId": f"invented.{number}"} for number in range(INVENTED)],
        [{"ruleRevision": number} for number in range(100, 100 + INVENTED)],
        [{"ruleId": RULE, "ruleRevision": -(2**53) + 1}, {"ruleId": "\x01" * 255}],
    ],
)
async def test_no_rule_that_nobody_wrote_is_stopped_and_freezes_reach_the_others(
    appliance, elsewhere, signed_in, owner, brake, named
):
    await tell_all(appliance, [failed(went_by=each) for each in named for _ in range(3)])
    await brake.look()
    frozen = await freeze(signed_in)
    held, _ = await ordered(elsewhere)
    assert [one.id for one in held.freezes] == [frozen]
    # The runbook that all of these runs are said to be of is one that there is.
    assert [one.subject.kind for one in held.stops] == [Kind.RUNBOOK]
    counted = "SELECT count(*) FROM brake_runs WHERE site_id = $1 AND kind = 'rule'"
    assert await owner.fetchval(counted, appliance.site_id) == 0


async def test_digests_that_one_site_alone_tells_of_stop_nothing(
    appliance, elsewhere, signed_in, brake, moment
):
    books = [replace(RUNBOOK, digest=f"{number:064x}") for number in range(INVENTED)]
    strange = replace(RUNBOOK, id="made.up")
    records = [failed(runbook=book) for book in (*books, strange) for _ in range(3)]
    await tell_all(appliance, records)
    await brake.look()
    assert {one.kind for one in _subjects(await ordered(elsewhere))} == {Kind.RULE}
    # That of a release which this Central does not have is believed where another site has it too.
    await tell(elsewhere, failed(runbook=books[7]))
    assert await brake.look() == 1
    assert {one.version for one in _subjects(await ordered(appliance))} == {
        str(REVISION),
        books[7].digest,
    }


def _subjects(answer):
    return [one.subject for one in answer[0].stops]


async def test_a_rule_of_another_site_is_not_to_be_stopped_from_here(
    appliance, elsewhere, owner, tenant, brake, moment
):
    for rule_id, site_id in (("theirs", elsewhere.site_id), ("ours", appliance.site_id)):
        scope = f'{{"scope": {{"site": "{site_id}"}}}}'
        await write_rule(owner, tenant.partner_id, rule_id, 8, scope)
    await write_rule(owner, tenant.partner_id, "gone", 9, None)
    versions = (("theirs", 8), ("ours", 8), ("gone", 9))
    for name, revision in versions:
        by = {"ruleId": name, "ruleRevision": revision}
        await tell(appliance, *(failed(went_by=by) for _ in range(3)))
    await brake.look()
    found = {one.name for one in _subjects(await ordered(elsewhere)) if one.kind is Kind.RULE}
    assert found == {"ours"}


async def test_what_a_mandate_cannot_name_stops_everything_and_the_freeze_arrives(
    appliance, elsewhere, signed_in, owner, tenant
):
    await owner.execute(
        "INSERT INTO brake_stops (id, partner_id, kind, name, version, stopped_at, failed, runs,"
        " incident_id, incident_site_id) VALUES ($1, $2, 'rule', $3, '7', now(), 3, 3, 'inc', $4)",
        *(ids.new("stop"), tenant.partner_id, LONG, tenant.site_id),
    )
    frozen = await freeze(signed_in)
    for each in (appliance, elsewhere):
        held, _ = await ordered(each)
        assert [one.subject for one in held.stops] == [ALL]
        assert [one.id for one in held.freezes] == [frozen]
    (row,) = await listed(signed_in)
    assert row["name"] == LONG


@pytest.mark.parametrize(
    "change",
    [
        {"name": LONG},
        {"version": "\u00e9" * 64},
        {"stopped_at": "1999-12-31T23:59:59.000Z"},
        {"failed": 2**53 - 1},
        {"id": "stop_x"},
        {"released_at": "2101-01-01T00:00:00.000Z", "released_by": "appliance:a",
         "release_reason": "x"},
    ],
)  # fmt: skip
async def test_a_told_stop_that_no_mandate_could_name_is_refused(appliance, moment, change):
    told = telling(moment())
    assert (await appliance.check_in("?mandate=2", stops=[told | change])).status_code == 422
    assert (await appliance.check_in("?mandate=2", stops=[told])).status_code == 200


async def test_a_name_stands_only_beside_a_user_and_nobody_is_named_into_a_release(
    appliance, second, elsewhere, signed_in, brake, moment
):
    """What an appliance tells of who released a stop, and what stands here of it."""
    ends = {"released_at": clock.wire(moment()), "release_reason": "fixed"}
    for told, by in (
        ({"released_by": "appliance:ada"}, "appliance:ada"),
        ({"released_by": "user_1"}, "appliance:user_1"),
        ({"released_by": "x" * 255}, f"appliance:{'x' * 245}"),
    ):
        stop = telling(moment())
        for each in (stop, {**stop, **ends, **told}):
            assert (await appliance.check_in("?mandate=2", stops=[each])).status_code == 200
        (held,) = (one for one in (await ordered(appliance))[0].stops if one.id == stop["id"])
        assert held.released.by == by
        whole = {**telling(moment()), **ends, **told}
        assert (await second.check_in("?mandate=2", stops=[whole])).status_code == 200
    found = [one for one in await listed(signed_in, state="all") if one["appliance_id"]]
    assert len(found) == 6
    assert {one["released_by_name"] for one in found} == {None}
    # One that a person released here for all: its appliance only says so once more.
    await tell(elsewhere, *(failed() for _ in range(3)))
    await brake.look()
    (everywhere,) = (one for one in await listed(signed_in) if one["kind"] == "runbook")
    path = f"/api/v1/brakes/{everywhere['id']}/release"
    assert (await signed_in.post(path, json={"reason": "fixed"})).status_code == 200
    stop = {**telling(moment()), **ends, "released_by": "Somebody"}
    assert (await appliance.check_in("?mandate=2", stops=[stop])).status_code == 200
    rows = await listed(signed_in, state="all")
    (mine,) = (one for one in rows if one["released_by_name"] and one["appliance_id"])
    person = (await signed_in.get(f"/api/v1/brakes/{everywhere['id']}")).json()
    assert (mine["released_by"], mine["released_by_name"]) == (person["released_by"], "Somebody")


def telling(at):
    """A stop in force, as an appliance tells it."""
    return {
        "id": ids.new("stop"),
        "kind": "runbook",
        "name": RUNBOOK.id,
        "version": RUNBOOK.digest,
        "stopped_at": clock.wire(at),
        "failed": 2,
        "runs": 5,
        "incident_id": ids.incident(),
        "released_at": None,
        "released_by": None,
        "release_reason": None,
    }


async def test_an_appliance_tells_of_so_many_stops_and_the_rest_is_recorded(
    appliance, signed_in, owner, moment, monkeypatch
):
    monkeypatch.setattr(service, "STOPS_PER_APPLIANCE_MAX", 3)
    told = [telling(moment()) for _ in range(5)]
    for sent in (told[:2], told):
        assert (await appliance.check_in("?mandate=2", stops=sent)).status_code == 200
    assert len(await listed(signed_in)) == 3
    recorded = "SELECT reason FROM audit_log WHERE action = 'brake.refuse' AND subject = $1"
    (row,) = await owner.fetch(recorded, appliance.id)
    assert row["reason"] == "2 stops are not kept: 3 of one appliance are"
    # What is kept can end all the same.
    ends = {"released_at": clock.wire(moment()), "released_by": "appliance:ada"}
    over = {**told[0], **ends, "release_reason": "fixed"}
    assert (await appliance.check_in("?mandate=2", stops=[over])).status_code == 200
    assert len(await listed(signed_in)) == 2


async def test_a_freeze_by_somebody_with_a_long_name_arrives(appliance, signed_in, owner, tenant):
    await owner.execute("UPDATE users SET name = $2 WHERE partner_id = $1", tenant.partner_id, LONG)
    frozen = await freeze(signed_in)
    held, _ = await ordered(appliance)
    assert [one.id for one in held.freezes] == [frozen]
    assert held.freezes[0].by == LONG[: 255 // 4]
