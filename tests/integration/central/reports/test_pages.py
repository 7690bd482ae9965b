"""Fleet, site, results, incidents and status: one number everywhere, and nothing of anybody else."""

from tests.harness.appliance import healed, incident, result
from tests.integration.central.conftest import browser_of, make_user, sign_in
from wardline.central.jobs import loops
from wardline.central.jobs.loops import Loop
from wardline.core import clock
from wardline.core.evidence.bundle import (
    Action,
    IncidentState,
    Kind,
    Outcome,
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
    assert said["totals"]["results"] == {"pass": 0, "fail": 0, "unknown": 0, "not_applicable": 0}


async def test_every_page_shows_the_same_numbers(appliance, signed_in, signer):
    watched = await told(appliance)
    await signer.sign_grown()
    fleet = (await signed_in.get("/api/v1/fleet")).json()
    site = (await signed_in.get(f"/api/v1/sites/{appliance.site_id}")).json()
    status = (await signed_in.get("/api/v1/status")).json()
    counts = {"pass": 1, "fail": 1, "unknown": 1, "not_applicable": 0}
    shown = fleet["items"][0]
    assert {key: site[key] for key in shown} == shown
    assert shown["results"] == fleet["totals"]["results"] == counts
    assert status["sites"][0]["results"] == status["totals"]["results"] == counts
    assert shown["score"] == {"passed": 1, "assessed": 2, "measured_hosts": 1, "hosts": 1}
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
    assert (await signed_in.get(address[:-1] + "x")).status_code == 404


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
