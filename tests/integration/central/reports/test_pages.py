"""Fleet, site, results, incidents and status: one number everywhere, and nothing of anybody else."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.harness.appliance import START, healed, incident, result
from tests.integration.central.conftest import browser_of, make_user, sign_in
from wardline.central.jobs import loops
from wardline.central.jobs.loops import Loop
from wardline.core import clock, ids
from wardline.core.evidence.bundle import (
    Action,
    IncidentOutcome,
    IncidentState,
    Kind,
    Outcome,
    ResolutionLevel,
    RunbookRef,
)

DIFF = "--- a\n+++ b\n"
RUNBOOK = RunbookRef("ssh_config.harden", "1", "cd" * 32, "medium")
OBSERVING = {
    "type": "deny",
    "verdict": "block",
    "code": "observing",
    "would": {"verdict": "run", "code": "allowed", "ruleId": "r1"},
}


def observed(**changes):
    action = Action("set", "set_config_line", "/etc/x", True, True, None, 1, diff=DIFF)
    return incident(
        state=IncidentState.OBSERVING,
        decision=OBSERVING,
        runbook=RUNBOOK,
        actions=(action,),
        **changes,
    )


async def told(appliance):
    """One failing, one passing and one unknown check; one incident that is only watched."""
    results = (
        result(),
        result(check="patching", outcome=Outcome.PASS),
        result(check="kernel_sysctl", outcome=Outcome.UNKNOWN),
    )
    watched = observed()
    sent = appliance.seal(kind=Kind.INCIDENT, results=results, incidents=(watched,))
    answer = await appliance.send(sent)
    assert answer.status_code == 200, answer.text
    return watched


async def test_an_empty_fleet_has_no_score(signed_in, tenant):
    said = (await signed_in.get("/api/v1/fleet")).json()
    assert [site["score"] for site in said["items"]] == [None]
    assert said["totals"]["results"] == {
        "pass": 0,
        "fail": 0,
        "unknown": 0,
        "not_applicable": 0,
        "accepted": 0,
    }


async def test_every_page_shows_the_same_numbers(appliance, signed_in, signer):
    watched = await told(appliance)
    await signer.sign_grown()
    fleet = (await signed_in.get("/api/v1/fleet")).json()
    site = (await signed_in.get(f"/api/v1/sites/{appliance.site_id}")).json()
    status = (await signed_in.get("/api/v1/status")).json()
    counts = {"pass": 1, "fail": 1, "unknown": 1, "not_applicable": 0, "accepted": 0}
    shown = fleet["items"][0]
    assert {key: site[key] for key in shown} == shown
    assert shown["results"] == fleet["totals"]["results"] == counts
    assert status["sites"][0]["results"] == status["totals"]["results"] == counts
    score = {
        "passed": 1,
        "assessed": 2,
        "unknown": 1,
        "measured_hosts": 1,
        "hosts": 1,
        "accepted": 0,
    }
    assert shown["score"] == fleet["totals"]["score"] == score
    assert (shown["open_incidents"], shown["would_run"]) == (1, 1)
    assert (shown["log"]["size"], shown["log"]["checkpoint_size"]) == (2, 2)
    assert site["appliance_list"][0]["id"] == appliance.id
    assert [host["id"] for host in site["host_list"]] == appliance.hosts
    assert status["sites"][0]["incidents"]["by_code"] == {"observing": 1}
    assert status["sites"][0]["evidence"]["bundles"] == 1
    assert watched.incident_id.startswith("inc_")


async def test_an_incident_tells_its_story(appliance, signed_in):
    opened = observed()
    repaired = healed(opened)
    await appliance.send(
        appliance.seal(kind=Kind.INCIDENT, incidents=(opened,)),
        appliance.seal(kind=Kind.INCIDENT, incidents=(repaired,)),
    )
    address = f"/api/v1/sites/{appliance.site_id}/incidents/{opened.incident_id}"
    said = (await signed_in.get(address)).json()
    assert (said["state"], said["before"]["outcome"], said["after"]["outcome"]) == (
        "healed",
        "fail",
        "pass",
    )
    assert [bundle["log_index"] for bundle in said["bundles"]] == [1, 2]
    (shown,) = (await signed_in.get("/api/v1/status")).json()["healed"]
    assert (shown["incident_id"], shown["log_indexes"]) == (opened.incident_id, [1, 2])
    assert shown["after"]["outcome"] == "pass"
    unknown = address.replace(opened.incident_id, ids.incident())
    assert (await signed_in.get(unknown)).status_code == 404


async def test_a_loop_that_went_silent_is_not_ok(signed_in, jobs_engine, owner):
    async def work():
        return None

    await loops.run_once(Loop("checkpoints", 1.0, work), jobs_engine, clock.system)
    said = (await signed_in.get("/api/v1/status")).json()["processes"]
    assert [(one["name"], one["ok"]) for one in said] == [("checkpoints", True)]
    await owner.execute("UPDATE job_heartbeats SET beat_at = beat_at - interval '1 minute'")
    (silent,) = (await signed_in.get("/api/v1/status")).json()["processes"]
    assert not silent["ok"]


async def test_another_partner_sees_nothing_of_a_site(appliance, web, owner, other_tenant):
    watched = await told(appliance)
    site = f"/api/v1/sites/{appliance.site_id}"
    async with browser_of(web) as browser:
        await sign_in(browser, await make_user(owner, other_tenant.partner_id))
        for path in (
            "",
            "/results",
            "/incidents",
            "/would-run",
            f"/incidents/{watched.incident_id}",
        ):
            assert (await browser.get(site + path)).status_code == 404
        assert (await browser.get("/api/v1/incidents")).json()["items"] == []
        seen = (await browser.get("/api/v1/status")).json()["sites"]
        assert [one["id"] for one in seen] == [other_tenant.site_id]


async def test_how_incidents_ended_is_told_per_site_and_on_the_fleet_page(
    appliance, signed_in, owner, tenant
):
    opened, failed, escalated = incident(), incident(), incident()
    await appliance.send(
        appliance.seal(kind=Kind.INCIDENT, incidents=(opened, failed, escalated)),
        appliance.seal(
            kind=Kind.INCIDENT,
            incidents=(
                healed(opened),
                replace(
                    failed,
                    state=IncidentState.FAILED,
                    outcome=IncidentOutcome.FAILED,
                    resolution_level=ResolutionLevel.L1,
                    decision={"type": "allow", "verdict": "run"},
                    runbook=RUNBOOK,
                ),
                replace(
                    escalated,
                    state=IncidentState.ESCALATED,
                    outcome=IncidentOutcome.ESCALATED,
                    resolution_level=ResolutionLevel.L3,
                ),
            ),
        ),
    )
    counts = {
        "total": 3, "success_count": 1, "failed": 1, "escalated": 1,
        "l1_count": 2, "l2_count": 0, "l3_count": 1,
    }  # fmt: skip
    said = (await signed_in.get("/api/v1/incidents/summary")).json()
    assert said["items"] == [{"site_id": tenant.site_id, "site_name": "Clinic", **counts}]
    assert (said["totals"], said["next_cursor"]) == (counts, None)
    fleet = (await signed_in.get("/api/v1/fleet")).json()
    assert fleet["items"][0]["incidents"] == fleet["totals"]["incidents"] == counts
    assert (await signed_in.get(f"/api/v1/sites/{tenant.site_id}")).json()["incidents"] == counts


async def test_sites_are_paged_by_key_and_by_offset(signed_in, owner, tenant):
    for number in range(4):
        await owner.execute(
            "INSERT INTO sites (id, name, partner_id, zone) VALUES ($1, $2, $3, 'UTC')",
            *(ids.site(), f"Practice {number}", tenant.partner_id),
        )
    wanted = ["Clinic", *(f"Practice {number}" for number in range(4))]
    for path, name in (("/api/v1/fleet", "name"), ("/api/v1/incidents/summary", "site_name")):
        assert await by_cursor(signed_in, path, name) == wanted
        page = (await signed_in.get(path, params={"limit": 2, "offset": 3})).json()
        assert [one[name] for one in page["items"]] == wanted[3:]
        beyond = (await signed_in.get(path, params={"offset": 10_000})).json()
        assert (beyond["items"], beyond["next_cursor"]) == ([], None)


async def by_cursor(browser, path, name):
    found, more = [], {}
    while True:
        page = (await browser.get(path, params={"limit": 2, **more})).json()
        found += [one[name] for one in page["items"]]
        if page["next_cursor"] is None:
            return found
        more = {"cursor": page["next_cursor"]}


@pytest.mark.parametrize(
    "path",
    ["/fleet", "/incidents", "/incidents/summary", "/sites/{}/incidents", "/sites/{}/results"],
)
async def test_an_offset_has_a_bound_and_does_not_go_with_a_cursor(signed_in, tenant, path):
    address = "/api/v1" + path.format(tenant.site_id)
    too_far = await signed_in.get(address, params={"offset": 10_001})
    assert too_far.status_code == 422
    assert "10000" in too_far.json()["detail"]
    assert (await signed_in.get(address, params={"offset": -1})).status_code == 422
    assert (await signed_in.get(address, params={"limit": 201})).status_code == 422
    both = await signed_in.get(address, params={"offset": 0, "cursor": "x"})
    assert (both.status_code, both.json()["code"]) == (422, "offset_and_cursor")
    assert (await signed_in.get(address, params={"cursor": "x"})).status_code == 422


async def test_incidents_are_the_same_by_cursor_and_by_offset(appliance, signed_in):
    told_of = [incident(opened_at=START + timedelta(minutes=n)) for n in range(5)]
    await appliance.send(appliance.seal(kind=Kind.INCIDENT, incidents=tuple(told_of)))
    wanted = [one.incident_id for one in reversed(told_of)]
    for path in ("/api/v1/incidents", f"/api/v1/sites/{appliance.site_id}/incidents"):
        assert await by_cursor(signed_in, path, "id") == wanted
        page = (await signed_in.get(path, params={"limit": 2, "offset": 2})).json()
        assert [one["id"] for one in page["items"]] == wanted[2:4]
        then = {"limit": 2, "cursor": page["next_cursor"]}
        last = (await signed_in.get(path, params=then)).json()
        assert [one["id"] for one in last["items"]] == wanted[4:]
