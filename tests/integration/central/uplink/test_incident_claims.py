"""What bundles say of incidents: believed only as far as the measurements bear it out."""

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import asyncpg
import orjson
import pytest

from tests.harness.appliance import (
    START,
    Appliance,
    healed,
    incident,
    issue_token,
    result,
    stable,
    stored_log,
    watched,
)
from wardline.core import clock, ids
from wardline.core.evidence.bundle import IncidentOutcome, IncidentState, Kind, Outcome
from wardline.core.protocol import EvidenceRefusal


def _poisoned(answer, position: int) -> None:
    assert answer.status_code == 422, answer.text
    said = answer.json()
    assert (said["code"], said["position"]) == ("poison", position)
    EvidenceRefusal.model_validate_json(answer.content)


async def test_an_incident_is_told_by_its_newest_record(appliance, owner):
    opened = incident(state=IncidentState.OPEN)
    repaired = healed(opened)
    told = [appliance.seal(kind=Kind.INCIDENT, incidents=(item,)) for item in (opened, repaired)]
    await appliance.send(*told)
    row = await owner.fetchrow(
        "SELECT state, seq, outcome FROM incidents WHERE site_id = $1", appliance.site_id
    )
    assert tuple(row) == ("healed", 2, "success")
    links = await owner.fetch(
        "SELECT log_index, state FROM incident_bundles WHERE site_id = $1 ORDER BY log_index",
        appliance.site_id,
    )
    assert [tuple(link) for link in links] == [(1, "open"), (2, "healed")]


def lies():
    """Incidents that claim what nothing in them bears out, and where it shows."""
    opened = incident()
    repaired = healed(opened)
    failed = result(measured_at=START + timedelta(minutes=1))
    early = result(outcome=Outcome.PASS, measured_at=START - timedelta(minutes=1))
    other = result("patching", outcome=Outcome.PASS)
    resolved = replace(opened, state=IncidentState.RESOLVED, after=repaired.after, closed_at=START)
    return [
        (replace(repaired, after=None), "after"),
        (replace(repaired, after=failed), "after.outcome"),
        (replace(repaired, after=other), "after.check"),
        (replace(repaired, after=early), "after.measured_at"),
        (replace(repaired, before=other), "before.check"),
        (replace(repaired, closed_at=None), "closed_at"),
        (replace(repaired, runbook=None), "runbook"),
        (replace(repaired, decision={"verdict": "block"}), "decision"),
        (replace(repaired, actions=()), "actions"),
        (replace(repaired, outcome=None), "outcome"),
        (replace(repaired, state=IncidentState.ESCALATED), "outcome"),
        (replace(resolved, outcome=IncidentOutcome.SUCCESS), "outcome"),
        (replace(resolved, after=failed), "after.outcome"),
        (replace(resolved, closed_at=None), "closed_at"),
        (replace(opened, closed_at=START), "closed_at"),
        (replace(opened, state=IncidentState.FAILED), "outcome"),
    ]


async def test_a_lie_about_an_incident_is_poison_and_stores_nothing(appliance, owner):
    seq, prev = appliance.seq, appliance.prev
    for lie, where in lies():
        appliance.seq, appliance.prev = seq, prev
        answer = await appliance.send(appliance.forge(kind=Kind.INCIDENT, incidents=(lie,)))
        assert answer.status_code == 422, (lie, answer.text)
        assert answer.json()["code"] == "poison"
        assert f"incidents[0].{where}: " in answer.json()["detail"]
    told = "SELECT count(*) FROM incidents WHERE site_id = $1"
    assert await owner.fetchval(told, appliance.site_id) == 0
    assert (await stored_log(owner, appliance.site_id))[0] == 1


@pytest.mark.parametrize(
    "lie",
    [
        "after = NULL",
        "after = jsonb_set(after, '{outcome}', '\"fail\"')",
        "after = jsonb_set(after, '{check}', '\"patching\"')",
        "after = jsonb_set(after, '{measured_at}', '\"2025-01-01T00:00:00.000Z\"')",
        "before = jsonb_set(before, '{check}', '\"patching\"')",
        "before = jsonb_set(before, '{outcome}', '\"pass\"')",
        "closed_at = NULL",
        "closed_at = created_at - interval '1 second'",
        "outcome = NULL",
        "outcome = 'failed'",
        "state = 'escalated', closed_at = NULL",
        "decision = NULL",
        "decision = '{}'",
        "runbook = NULL",
        "actions = '[]'",
        "actions = jsonb_set(actions, '{0,dry_run}', 'true')",
        "actions = jsonb_set(actions, '{0,undone}', 'true')",
        "state = 'resolved'",
        "state = 'resolved', outcome = NULL, after = NULL",
        "state = 'open', outcome = NULL",
        "state = 'failed', outcome = NULL, closed_at = NULL",
    ],
)
async def test_the_database_itself_holds_no_heal_without_a_passing_measurement(
    appliance, owner, lie
):
    opened = incident()
    sent = await appliance.send(appliance.seal(kind=Kind.INCIDENT, incidents=(healed(opened),)))
    assert sent.status_code == 200, sent.text
    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute(f"UPDATE incidents SET {lie} WHERE site_id = $1", appliance.site_id)


async def test_an_incident_of_the_future_is_dated_to_its_receipt(appliance, owner):
    ahead = START + timedelta(days=3650)
    opened = incident(opened_at=ahead)
    bundles = [(opened,), (healed(opened, closed_at=ahead + timedelta(days=1)),)]
    for told in bundles:
        sent = await appliance.send(appliance.seal(kind=Kind.INCIDENT, incidents=told))
        assert sent.status_code == 200, sent.text
    row = await owner.fetchrow(
        "SELECT created_at, closed_at, received_at FROM incidents WHERE site_id = $1",
        appliance.site_id,
    )
    assert row["created_at"] <= row["closed_at"] == row["received_at"] < clock.system()


async def test_an_incident_is_never_closed_before_it_was_opened(appliance, owner):
    opened = incident(opened_at=START + timedelta(minutes=5))
    early = healed(opened, opened_at=START, closed_at=START + timedelta(minutes=1))
    for told in (opened, early):
        sent = await appliance.send(appliance.seal(kind=Kind.INCIDENT, incidents=(told,)))
        assert sent.status_code == 200, sent.text
    row = await owner.fetchrow(
        "SELECT state, created_at, closed_at FROM incidents WHERE site_id = $1", appliance.site_id
    )
    assert tuple(row) == ("healed", opened.opened_at, opened.opened_at)


async def test_a_time_beyond_this_century_is_poison(appliance):
    far = incident(opened_at=START.replace(year=9999))
    answer = await appliance.send(appliance.forge(kind=Kind.INCIDENT, incidents=(far,)))
    assert (answer.status_code, answer.json()["code"]) == (422, "poison")


async def test_facts_under_another_digest_are_poison(appliance):
    answer = await appliance.send(appliance.forge(results=(result(facts_digest="0" * 64),)))
    assert (answer.status_code, answer.json()["code"]) == (422, "poison")
    assert "results[0].facts_digest: not the digest" in answer.json()["detail"]


async def test_an_incident_keeps_its_host_and_check_and_who_says_otherwise_is_recorded(
    appliance, owner
):
    opened = incident()
    appliance.hosts.append(ids.host())
    await appliance.check_in()
    other_check = replace(
        incident(incident_id=opened.incident_id), check="patching", before=result("patching")
    )
    for changes in (
        {"incidents": (opened,)},
        {"incidents": (healed(opened),), "host_id": appliance.hosts[1]},
        {"incidents": (other_check,)},
        # Of two that contradict each other in one batch the first stands.
        {"incidents": (opened, other_check)},
    ):
        sent = await appliance.send(appliance.seal(kind=Kind.INCIDENT, **changes))
        assert sent.status_code == 200, sent.text
    row = await owner.fetchrow(
        "SELECT host_id, incident_type, state, seq FROM incidents WHERE site_id = $1",
        appliance.site_id,
    )
    assert tuple(row) == (appliance.hosts[0], "ssh_config", "open", 4)
    links = await owner.fetch(
        "SELECT log_index, state FROM incident_bundles WHERE site_id = $1 ORDER BY log_index",
        appliance.site_id,
    )
    assert [tuple(link) for link in links] == [(1, "open"), (4, "open")]
    recorded = await owner.fetch(
        "SELECT subject, after FROM audit_log WHERE action = 'incident.refuse' AND site_id = $1"
        " ORDER BY id",
        appliance.site_id,
    )
    assert [row["subject"] for row in recorded] == [appliance.id] * 3
    assert orjson.loads(recorded[0]["after"]) == {
        "first": [{"incident": opened.incident_id, "log_index": 2}]
    }


async def test_an_incident_of_another_appliance_is_left_alone(appliance, client, owner):
    tenant = await owner.fetchrow(
        "SELECT id AS site_id, partner_id FROM sites WHERE id = $1", appliance.site_id
    )
    second = Appliance(client)
    enrolled = await second.enrol(await issue_token(owner, SimpleNamespace(**tenant)))
    assert enrolled.status_code == 200, enrolled.text
    opened = incident()
    await appliance.send(appliance.seal(kind=Kind.INCIDENT, incidents=(opened,)))
    sent = await second.send(second.seal(kind=Kind.INCIDENT, incidents=(healed(opened),)))
    assert sent.status_code == 200, sent.text
    site_id = appliance.site_id
    state = "SELECT state FROM incidents WHERE site_id = $1"
    assert await owner.fetchval(state, site_id) == "open"
    links = "SELECT count(*) FROM incident_bundles WHERE site_id = $1"
    assert await owner.fetchval(links, site_id) == 1
    refused = "SELECT subject FROM audit_log WHERE action = 'incident.refuse' AND site_id = $1"
    assert await owner.fetchval(refused, site_id) == second.id


@pytest.mark.parametrize(
    "lie",
    [
        "watch = NULL",
        "watch = jsonb_set(watch, '{ended}', 'null')",
        "watch = jsonb_set(watch, '{ended}', '\"recurred\"')",
        "watch = jsonb_set(watch, '{until}', '\"2050-01-01T00:00:00.000Z\"')",
        "after = before",
        "decision = NULL",
        "actions = '[]'",
        "closed_at = NULL",
        "outcome = NULL",
        "state = 'healed'",
        "state = 'open', outcome = NULL, closed_at = NULL",
    ],
)
async def test_the_database_itself_holds_nothing_stable_without_a_pass_after_its_watch(
    appliance, owner, lie
):
    opened = incident()
    sent = await appliance.send(
        appliance.seal(kind=Kind.INCIDENT, incidents=(stable(watched(opened)),))
    )
    assert sent.status_code == 200, sent.text
    with pytest.raises(asyncpg.CheckViolationError):
        await owner.execute(f"UPDATE incidents SET {lie} WHERE site_id = $1", appliance.site_id)
