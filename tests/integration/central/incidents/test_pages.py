"""Incidents: pages by key and state, and the list of what would have run."""

from tests.harness.appliance import healed, incident
from wardline.core.evidence.bundle import (
    Action,
    IncidentState,
    Kind,
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


async def test_what_would_have_run_is_listed_with_its_diff(appliance, signed_in):
    watched = observed()
    await appliance.send(appliance.seal(kind=Kind.INCIDENT, incidents=(watched,)))
    said = (await signed_in.get(f"/api/v1/sites/{appliance.site_id}/would-run")).json()
    (item,) = said["items"]
    assert item["incident_id"] == watched.incident_id
    assert item["would"] == {"verdict": "run", "code": "allowed", "rule_id": "r1"}
    assert (item["runbook"]["id"], item["diff"]) == ("ssh_config.harden", DIFF)


async def test_incidents_page_by_key_and_filter_by_state(appliance, signed_in):
    records = [observed() for _ in range(5)]
    closed = healed(records[0])
    await appliance.send(
        appliance.seal(kind=Kind.INCIDENT, incidents=tuple(records)),
        appliance.seal(kind=Kind.INCIDENT, incidents=(closed,)),
    )
    address = f"/api/v1/sites/{appliance.site_id}/incidents"
    for path in (address, "/api/v1/incidents"):
        seen, cursor = [], None
        while True:
            query = {"limit": 2} if cursor is None else {"limit": 2, "cursor": cursor}
            page = (await signed_in.get(path, params=query)).json()
            seen += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert sorted(seen) == sorted(record.incident_id for record in records)
        shown = (await signed_in.get(path, params={"state": "healed"})).json()["items"]
        assert [item["id"] for item in shown] == [closed.incident_id]
