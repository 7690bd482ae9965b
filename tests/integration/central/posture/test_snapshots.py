"""compliance_snapshots: one when the posture changed, one an hour, none for nothing; the trend."""

from datetime import timedelta

import asyncpg
import pytest

from tests.harness.appliance import result
from tests.integration.central.conftest import make_tenant
from wardline.central.posture.snapshots import Snapshots
from wardline.core.evidence.bundle import Outcome
from wardline.core.incidents import in_force

RULE = {
    "id": "r",
    "when": {"kpiId": "ssh_config", "severity": ["high"]},
    "action": "ssh_config.harden",
}


@pytest.fixture
def snapshots(jobs_engine, moment):
    return Snapshots(jobs_engine, moment)


async def rows(owner, site_id):
    return await owner.fetch(
        "SELECT * FROM compliance_snapshots WHERE site_id = $1 ORDER BY snapshot_at", site_id
    )


async def send(appliance, **outcomes):
    results = tuple(result(check=check, outcome=outcome) for check, outcome in outcomes.items())
    assert (await appliance.send(appliance.seal(results=results))).status_code == 200


async def test_a_change_and_an_hour_give_a_snapshot_and_nothing_else_does(
    appliance, snapshots, owner, moment
):
    await snapshots.take()
    assert [row["passed"] for row in await rows(owner, appliance.site_id)] == [0]
    moment.advance(60)
    assert await snapshots.take() == 0
    await send(appliance, patching=Outcome.PASS)
    moment.advance(60)
    assert await snapshots.take() == 1
    # The same again is no change.
    await send(appliance, patching=Outcome.PASS)
    moment.advance(60)
    assert await snapshots.take() == 0
    moment.advance(3600)
    assert await snapshots.take() >= 1
    first, second, third = await rows(owner, appliance.site_id)
    assert [row["patching_status"] for row in (first, second, third)] == [None, True, True]
    assert (second["backup_status"], second["encryption_status"]) == (None, None)
    assert (second["passed"], second["hosts"], second["measured_hosts"]) == (1, 1, 1)
    assert third["snapshot_at"] - second["snapshot_at"] >= timedelta(hours=1)


async def test_a_rule_or_a_setting_gives_another_digest(
    appliance, snapshots, owner, moment, signed_in
):
    await snapshots.take()
    (first,) = await rows(owner, appliance.site_id)
    assert first["flake_hash"] == in_force.digest(1, 0, 1)
    moment.advance(1)
    assert (await signed_in.post("/api/mcp/policy/create", json=RULE)).status_code == 200
    assert await snapshots.take() == 1
    moment.advance(1)
    settings = {"name": "Renamed", "zone": "UTC", "opening_hours": []}
    address = f"/api/v1/sites/{appliance.site_id}/settings"
    assert (await signed_in.put(address, json=settings)).status_code == 200
    assert await snapshots.take() == 1
    hashes = [row["flake_hash"] for row in await rows(owner, appliance.site_id)]
    assert hashes == [in_force.digest(1, 0, 1), in_force.digest(1, 1, 1), in_force.digest(1, 1, 2)]


async def test_a_new_process_looks_at_every_site_once(appliance, jobs_engine, owner, moment):
    await Snapshots(jobs_engine, moment).take()
    await send(appliance, patching=Outcome.FAIL)
    moment.advance(1)
    await Snapshots(jobs_engine, moment).take()
    found = await rows(owner, appliance.site_id)
    assert [row["patching_status"] for row in found] == [None, False]


async def test_a_transaction_that_commits_late_is_not_missed(
    appliance, snapshots, owner, database, moment
):
    """It began to write before another's change was read, and ends after it."""
    await snapshots.take()
    late = await asyncpg.connect(database.owner)
    other = await make_tenant(owner)
    try:
        transaction = late.transaction()
        await transaction.start()
        await late.execute(
            "INSERT INTO change_log (partner_id, site_id, kind, subject)"
            " SELECT partner_id, id, 'evidence', id FROM sites WHERE id = $1",
            appliance.site_id,
        )
        await owner.execute(
            "INSERT INTO change_log (partner_id, site_id, kind, subject) VALUES ($1, $2, 'x', 'x')",
            *(other.partner_id, other.site_id),
        )
        moment.advance(1)
        await snapshots.take()
        # What the late one announces; results are written beside the log here to keep them apart.
        await late.execute(
            "INSERT INTO latest_results (site_id, partner_id, host_id, check_id, outcome, severity,"
            " summary, facts, facts_digest, controls, log_index, effective_at, received_at)"
            " SELECT id, partner_id, 'host_1', 'patching', 'fail', 'high', 's', '{}', 'd', '[]', 1,"
            " now(), now() FROM sites WHERE id = $1",
            appliance.site_id,
        )
        await transaction.commit()
    finally:
        await late.close()
    moment.advance(1)
    assert await snapshots.take() == 1
    assert (await rows(owner, appliance.site_id))[-1]["patching_status"] is False


async def test_what_was_snapped_stays(owner, appliance, snapshots):
    await snapshots.take()
    with pytest.raises(asyncpg.RestrictViolationError):
        await owner.execute("UPDATE compliance_snapshots SET passed = 99")


async def test_the_jobs_process_does_not_see_what_was_found(database):
    raw = await asyncpg.connect(database.jobs)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await raw.fetch("SELECT facts FROM latest_results")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await raw.fetch("SELECT name FROM hosts")
    finally:
        await raw.close()


async def test_a_trend_shows_the_number_of_the_site_page(appliance, snapshots, signed_in):
    await send(appliance, patching=Outcome.PASS, ssh_config=Outcome.FAIL, backup=Outcome.UNKNOWN)
    await snapshots.take()
    site = f"/api/v1/sites/{appliance.site_id}"
    trend = (await signed_in.get(f"{site}/trend")).json()
    posture = (await signed_in.get(f"{site}/posture")).json()
    (point,) = trend["points"]
    assert point == posture["snapshot"]
    assert point["score"] == posture["score"] == (await signed_in.get(site)).json()["score"]


async def test_a_long_trend_is_thinned_here_and_keeps_its_last_point(
    appliance, owner, signed_in, moment
):
    await owner.execute(
        "INSERT INTO compliance_snapshots (site_id, partner_id, snapshot_at, flake_hash, passed,"
        " failed, unknown, not_applicable, measured_hosts, hosts)"
        " SELECT s.id, s.partner_id, $2::timestamptz - n * interval '1 minute', repeat('a', 64),"
        " n, 1, 0, 0, 1, 1 FROM sites s, generate_series(0, 5000) n WHERE s.id = $1",
        *(appliance.site_id, moment()),
    )
    address = f"/api/v1/sites/{appliance.site_id}/trend"
    since = moment() - timedelta(minutes=4000)
    said = (await signed_in.get(address, params={"from": since.isoformat()})).json()
    assert len(said["points"]) == 200
    times = [point["at"] for point in said["points"]]
    assert times == sorted(times)
    assert said["points"][-1]["score"]["passed"] == 0
    assert said["points"][0]["score"]["passed"] < 4000
    assert said["step_seconds"] == pytest.approx(4000 * 60 / 200, abs=0.01)


@pytest.mark.parametrize(
    "asked",
    [
        {"from": "2026-01-02T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
        {"from": "2026-01-01T00:00:00Z", "to": "2026-01-01T00:00:00Z"},
        {"from": "1990-01-01T00:00:00Z"},
        {"from": "2026-01-01T00:00:00"},
        {"from": "yesterday"},
        {"to": "0001-01-01T00:00:00Z"},
        {"to": "9999-12-31T23:59:59-23:59"},
    ],
)
async def test_a_span_without_sense_is_refused(appliance, signed_in, asked):
    address = f"/api/v1/sites/{appliance.site_id}/trend"
    answer = await signed_in.get(address, params=asked)
    assert answer.status_code == 422, answer.text
