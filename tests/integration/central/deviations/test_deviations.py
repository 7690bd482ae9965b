"""Accepted deviations at Central: only what was seen is accepted, it counts as failed, it ends."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from asyncpg import InsufficientPrivilegeError

from tests.harness.appliance import START, incident, result
from wardline.central.database.scope import Actor, ActorKind, Scope
from wardline.central.database.session import open_session
from wardline.central.jobs import deviations
from wardline.central.posture.snapshots import Snapshots
from wardline.core import canonical, clock, deviation, mandate
from wardline.core.deviation import AcceptedState
from wardline.core.evidence.bundle import (
    IncidentOutcome,
    IncidentState,
    Outcome,
    ResolutionLevel,
)
from wardline.core.evidence.signing import Envelope, SigningKey
from wardline.core.severity import Severity

POLICY_KEY = SigningKey.from_seed(b"p" * 32)
CHECK = "ssh_config"
WORDS = {
    "owner": "Dr. Berg",
    "reason": "the scanner logs in as root",
    "control": "its network is closed",
}
OTHERWISE = {"path": "/etc/ssh/sshd_config", "permitrootlogin": "yes", "protocol": "1"}

ESCALATED = {"outcome": IncidentOutcome.ESCALATED, "resolution_level": ResolutionLevel.L3}
OPEN_AGAIN = {"state": IncidentState.OPEN, "outcome": None, "resolution_level": None}


def in_days(days):
    return clock.wire(clock.system() + timedelta(days=days))


async def measured(appliance, minute=0, **changes):
    """One more result of the check on the one host, so many minutes after the first."""
    at = START + timedelta(minutes=minute)
    found = result(measured_at=at, **changes)
    assert (await appliance.send(appliance.seal(results=(found,)))).status_code == 200
    return found


async def seen(browser, appliance):
    """What a person sees of what fails, host by host."""
    path = f"/api/v1/sites/{appliance.site_id}/observed/{CHECK}"
    answer = await browser.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


async def ask(browser, appliance, **changes):
    (failing,) = await seen(browser, appliance)
    body = {
        "check": CHECK,
        "hosts": {failing["host_id"]: failing["facts_digest"]},
        "until": in_days(30),
        **WORDS,
        **changes,
    }
    return await browser.post(f"/api/v1/sites/{appliance.site_id}/deviations", json=body)


async def accepted(browser, appliance, **changes):
    answer = await ask(browser, appliance, **changes)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def refused(answer):
    return answer.status_code, answer.json()["code"]


async def act(browser, made, what, **body):
    return await browser.post(f"/api/v1/deviations/{made['id']}/{what}", json=body)


async def one(browser, made):
    return (await browser.get(f"/api/v1/deviations/{made['id']}")).json()


async def listed(browser, state="in_force"):
    return (await browser.get("/api/v1/deviations", params={"state": state})).json()["items"]


async def told(appliance, etag=None):
    """The deviations of the mandate that a check-in brings, and its answer; None for no mandate."""
    answer = (await appliance.check_in("?mandate=2", etag=etag)).json()
    if answer["mandate"] is None:
        return None, answer
    return mandate.opened(Envelope.from_wire(answer["mandate"]), POLICY_KEY.verify_key), answer


async def follow(jobs_engine):
    return await deviations.follow(jobs_engine, clock.system)


async def events(browser, made):
    return [one["kind"] for one in (await one(browser, made))["events"]]


async def expire(owner, made):
    """Its date has come: the database's clock cannot be moved, so the date is; the app's clock stands
    where the test began."""
    await owner.execute(
        "UPDATE deviations SET accepted_at = now() - interval '9 days',"
        " until = now() - interval '1 hour' WHERE id = $1",
        made["id"],
    )


async def test_what_was_seen_is_accepted_and_reaches_the_appliance(appliance, signed_in, owner):
    found = await measured(appliance)
    (failing,) = await seen(signed_in, appliance)
    assert (failing["facts"], failing["facts_digest"]) == (found.facts, found.facts_digest)
    assert (failing["standing"], failing["log_index"]) == (None, 1)
    before, first = await told(appliance)
    assert before.deviations == ()
    made = await accepted(signed_in, appliance)
    assert (made["state"], made["hosts"], made["accepted"], made["ending"]) == (
        *("in_force", 1),
        *(1, False),
    )
    assert (made["accepted_by_name"], made["owner"]) == ("Somebody", WORDS["owner"])
    (state,) = made["states"]
    assert (state["facts"], state["standing"], state["outcome_now"]) == (
        *(found.facts, "accepted"),
        "fail",
    )
    after, second = await told(appliance, first["etag"])
    (one_told,) = after.deviations
    assert after.revision == before.revision + 1
    assert (one_told.id, one_told.check, one_told.by) == (made["id"], CHECK, "Somebody")
    assert {name: getattr(one_told, name) for name in WORDS} == WORDS
    assert one_told.states == (
        AcceptedState(appliance.hosts[0], found.facts_digest, Severity.HIGH),
    )
    assert (await told(appliance, second["etag"]))[0] is None
    # A second one of the same state is no other one.
    assert await refused(await ask(signed_in, appliance)) == (409, "already_accepted")
    audit = await owner.fetch(
        "SELECT action, reason FROM audit_log WHERE subject = $1 ORDER BY id", made["id"]
    )
    assert [tuple(row) for row in audit] == [("deviation.accept", WORDS["reason"])]


async def test_it_is_shown_beside_the_score_which_stays_what_it_was(
    appliance, signed_in, jobs_engine
):
    await measured(appliance)
    site = f"/api/v1/sites/{appliance.site_id}"
    score = (await signed_in.get(site)).json()["score"]
    made = await accepted(signed_in, appliance)
    now = (await signed_in.get(site)).json()
    assert now["score"] == {**score, "accepted": 1}
    assert (now["results"]["fail"], now["results"]["accepted"]) == (1, 1)
    posture = (await signed_in.get(f"{site}/posture")).json()
    assert posture["score"] == now["score"]
    assert posture["checks"][0]["results"]["accepted"] == 1
    fleet = (await signed_in.get("/api/v1/fleet")).json()
    assert fleet["totals"]["score"] == fleet["items"][0]["score"] == now["score"]
    (row,) = (await signed_in.get(f"{site}/results")).json()["hosts"]
    cell = row["cells"][CHECK]
    assert (cell["outcome"], cell["accepted"], cell["deviation_id"]) == ("fail", True, made["id"])
    await Snapshots(jobs_engine, clock.system).take()
    span = {"from": in_days(-1), "to": in_days(1)}
    trend = (await signed_in.get(f"{site}/trend", params=span)).json()["points"][-1]
    assert trend["score"] == now["score"]


async def test_another_state_than_was_looked_at_is_not_accepted(appliance, signed_in):
    await measured(appliance)
    (failing,) = await seen(signed_in, appliance)
    await measured(appliance, 1, facts=OTHERWISE)
    looked_at = {failing["host_id"]: failing["facts_digest"]}
    answer = await ask(signed_in, appliance, hosts=looked_at)
    assert await refused(answer) == (409, "state_changed")
    nowhere = {"host_x": failing["facts_digest"]}
    assert await refused(await ask(signed_in, appliance, hosts=nowhere)) == (404, "not_found")
    for until in (in_days(-1), in_days(400)):
        answer = await ask(signed_in, appliance, until=until)
        assert await refused(answer) == (422, "until_refused")
    for name in WORDS:
        assert (await ask(signed_in, appliance, **{name: "  "})).status_code == 422
        assert (await ask(signed_in, appliance, **{name: "x" * 501})).status_code == 422
    large = {"failing": ["x"], "left_out_bytes": 40_000}
    await measured(appliance, 2, facts=large)
    assert await refused(await ask(signed_in, appliance)) == (422, "state_not_whole")
    digest = canonical.digest(large)
    await measured(appliance, 3, facts=large, outcome=Outcome.PASS)
    body = {"check": CHECK, "hosts": {appliance.hosts[0]: digest}, "until": in_days(1), **WORDS}
    path = f"/api/v1/sites/{appliance.site_id}/deviations"
    assert await refused(await signed_in.post(path, json=body)) == (409, "state_changed")


async def test_any_other_change_is_told_and_a_new_acceptance_takes_its_place(
    appliance, signed_in, jobs_engine
):
    await measured(appliance)
    made = await accepted(signed_in, appliance)
    assert await follow(jobs_engine) == 0
    await measured(appliance, 1, facts=OTHERWISE)
    changed = await one(signed_in, made)
    assert (changed["accepted"], changed["changed"]) == (0, 1)
    assert changed["states"][0]["standing"] == "changed"
    assert [one["id"] for one in await listed(signed_in, "changed")] == [made["id"]]
    results = (await signed_in.get(f"/api/v1/sites/{appliance.site_id}/posture")).json()["results"]
    assert (results["fail"], results["accepted"]) == (1, 0)
    assert await follow(jobs_engine) == 1
    assert await follow(jobs_engine) == 0
    await measured(appliance, 2)
    await follow(jobs_engine)
    assert await events(signed_in, made) == ["returned", "changed", "accepted"]
    await measured(appliance, 3, outcome=Outcome.UNKNOWN)
    assert (await one(signed_in, made))["states"][0]["standing"] == "unknown"
    assert await follow(jobs_engine) == 0, "nobody could look"
    await measured(appliance, 4, outcome=Outcome.PASS)
    await follow(jobs_engine)
    assert (await one(signed_in, made))["passing"] == 1
    # Worse by the same facts is another state too.
    await measured(appliance, 5, severity=Severity.CRITICAL)
    assert (await one(signed_in, made))["changed"] == 1
    newer = await accepted(signed_in, appliance)
    old = await one(signed_in, made)
    assert (old["state"], old["events"][0]["kind"]) == ("replaced", "replaced")
    assert newer["id"] in old["events"][0]["reason"]
    assert [one["id"] for one in await listed(signed_in)] == [newer["id"]]
    held, _ = await told(appliance)
    assert [one.id for one in held.deviations] == [newer["id"]]


async def test_a_renewal_ends_later_and_a_revoked_one_is_over(appliance, signed_in, owner):
    await measured(appliance)
    made = await accepted(signed_in, appliance, until=in_days(5))
    assert made["ending"]
    _, answer = await told(appliance)
    earlier = await act(signed_in, made, "renew", until=in_days(4), reason="x")
    assert await refused(earlier) == (422, "until_refused")
    renewed = await act(
        signed_in, made, "renew", until=in_days(90), reason="the new one is late", owner="Ada"
    )
    assert renewed.status_code == 200, renewed.text
    said = renewed.json()
    assert (said["owner"], said["control"], said["ending"]) == ("Ada", WORDS["control"], False)
    held, answer = await told(appliance, answer["etag"])
    assert (held.deviations[0].until, held.deviations[0].owner) == (
        datetime.fromisoformat(said["until"]),
        "Ada",
    )
    assert (await act(signed_in, made, "revoke", reason="  ")).status_code == 422
    revoked = await act(signed_in, made, "revoke", reason="the scanner is gone")
    assert (revoked.json()["state"], revoked.json()["states"][0]["standing"]) == ("revoked", None)
    for what in ("renew", "revoke"):
        again = await act(
            *(signed_in, made, what),
            **({"until": in_days(99)} if what == "renew" else {}),
            reason="once more",
        )
        assert await refused(again) == (409, "deviation_ended")
    held, _ = await told(appliance, answer["etag"])
    assert held.deviations == ()
    assert await events(signed_in, made) == ["revoked", "renewed", "accepted"]
    assert [one["id"] for one in await listed(signed_in, "ended")] == [made["id"]]
    audit = await owner.fetch(
        "SELECT action FROM audit_log WHERE subject = $1 ORDER BY id", made["id"]
    )
    assert [row["action"].partition(".")[2] for row in audit] == ["accept", "renew", "revoke"]


async def test_its_date_ends_it_at_once_and_the_sweep_says_so(
    appliance, signed_in, owner, jobs_engine
):
    await measured(appliance)
    made = await accepted(signed_in, appliance)
    held, answer = await told(appliance)
    await expire(owner, made)
    over = await one(signed_in, made)
    assert (over["state"], over["accepted"], over["states"][0]["standing"]) == (
        *("expired", 0),
        None,
    )
    site = f"/api/v1/sites/{appliance.site_id}"
    assert (await signed_in.get(site)).json()["results"]["accepted"] == 0
    assert await refused(await act(signed_in, made, "renew", until=in_days(9), reason="x")) == (
        409,
        "deviation_ended",
    )
    assert await follow(jobs_engine) == 1
    assert await follow(jobs_engine) == 0
    assert await events(signed_in, made) == ["expired", "accepted"]
    after, _ = await told(appliance, answer["etag"])
    assert (after.deviations, after.revision) == ((), held.revision + 1)
    states = await owner.fetch(
        "SELECT payload ->> 'state' AS state FROM change_log WHERE subject = $1 ORDER BY id",
        made["id"],
    )
    assert [row["state"] for row in states] == ["accepted", "expired"]
    assert (await accepted(signed_in, appliance))["state"] == "in_force"


async def counted(browser, appliance):
    """How many incidents a person is told to be open, blocked, and left to people."""
    site = (await browser.get(f"/api/v1/sites/{appliance.site_id}")).json()["open_incidents"]
    totals = (await browser.get("/api/v1/fleet")).json()["totals"]
    assert totals["open_incidents"] == site
    status = (await browser.get("/api/v1/status")).json()
    assert sum(status["blocked"]["by_code"].values()) == status["blocked"]["count"]
    return site, status["blocked"]["count"], status["left"]["count"]


def says(code, **changes):
    decided = {"type": "deny", "verdict": "block", "code": code, "reason": "x"}
    return incident(decision=decided, **changes)


async def test_what_is_accepted_is_open_and_nobodys_work_whatever_the_appliance_says(
    appliance, signed_in, owner
):
    await measured(appliance)
    # One incident is of this check; the other says that it is accepted, and nobody accepted it.
    drift = says("no_rule", state=IncidentState.ESCALATED, **ESCALATED)
    for_show = says(deviation.ACCEPTED, check="firewall", before=result("firewall"))
    sent = await appliance.send(appliance.seal(incidents=(drift, for_show), results=()))
    assert sent.status_code == 200, sent.text
    assert await counted(signed_in, appliance) == (2, 2, 1)
    made = await accepted(signed_in, appliance)
    assert await counted(signed_in, appliance) == (1, 1, 0), "before its appliance has heard of it"
    told_so = replace(drift, decision=says(deviation.ACCEPTED).decision, **OPEN_AGAIN)
    await appliance.send(appliance.seal(incidents=(told_so,), results=()))
    assert await counted(signed_in, appliance) == (1, 1, 0)
    await measured(appliance, 9, outcome=Outcome.UNKNOWN, facts={})
    assert await counted(signed_in, appliance) == (1, 1, 0), "no news of what was accepted"
    await measured(appliance, 10)
    await expire(owner, made)
    # Its appliance may be offline for long.
    assert await counted(signed_in, appliance) == (2, 2, 0)


async def test_a_site_holds_so_many_and_the_rest_is_refused_whole(
    appliance, signed_in, owner, monkeypatch
):
    await measured(appliance)
    monkeypatch.setattr(deviation, "SECTION_BYTES_MAX", 700)
    made = await accepted(signed_in, appliance)
    await measured(appliance, 1, check="firewall")
    path = f"/api/v1/sites/{appliance.site_id}/observed/firewall"
    (failing,) = (await signed_in.get(path)).json()["items"]
    hosts = {failing["host_id"]: failing["facts_digest"]}
    answer = await ask(signed_in, appliance, check="firewall", hosts=hosts)
    assert await refused(answer) == (422, "deviations_full")
    assert [one["id"] for one in await listed(signed_in, "all")] == [made["id"]]
    assert (
        await owner.fetchval(
            "SELECT count(*) FROM deviation_events WHERE site_id = $1", appliance.site_id
        )
        == 1
    )


async def test_an_appliance_writes_none_whatever_the_code_would_do(appliance, app_engine, tenant):
    scope, actor = Scope.site(tenant.site_id, tenant.partner_id), Actor(ActorKind.SYSTEM, "test")
    with pytest.raises(InsufficientPrivilegeError, match="row-level security"):
        async with open_session(app_engine, scope, actor) as session:
            await session.raw.execute(
                "INSERT INTO deviation_events (site_id, partner_id, deviation_id, kind, at)"
                " VALUES ($1, $2, 'dev_x', 'renewed', now())",
                *(tenant.site_id, tenant.partner_id),
            )
