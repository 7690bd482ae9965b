"""GET /sites/{id}/posture: the one score, the statuses, and nothing where nothing was measured."""

import pytest

from tests.harness.appliance import result
from wardline.core import ids
from wardline.core.evidence.bundle import Outcome

NOTHING = {"pass": 0, "fail": 0, "unknown": 0, "not_applicable": 0, "accepted": 0}
STATUSES = {
    "patching": "patching_status",
    "backup": "backup_status",
    "disk_encryption": "encryption_status",
}


async def posture(browser, appliance):
    return (await browser.get(f"/api/v1/sites/{appliance.site_id}/posture")).json()


async def measured(appliance, check, *outcomes):
    """One host per outcome."""
    appliance.hosts = [ids.host() for _ in outcomes]
    assert (await appliance.check_in()).status_code == 200
    for host, outcome in zip(appliance.hosts, outcomes, strict=True):
        sealed = appliance.seal(host_id=host, results=(result(check=check, outcome=outcome),))
        assert (await appliance.send(sealed)).status_code == 200


async def test_a_site_without_results_has_no_score(appliance, signed_in):
    said = await posture(signed_in, appliance)
    assert said["score"] is None
    assert (said["results"], said["checks"]) == (NOTHING, [])
    assert (said["hosts"], said["measured_hosts"]) == (1, 0)
    assert (said["measured_from"], said["measured_to"], said["snapshot"]) == (None, None, None)


async def test_what_is_unknown_is_beside_the_score_and_not_in_it(appliance, signed_in):
    await measured(appliance, "patching", Outcome.PASS, Outcome.UNKNOWN, Outcome.FAIL)
    said = await posture(signed_in, appliance)
    score = {
        "passed": 1,
        "assessed": 2,
        "unknown": 1,
        "measured_hosts": 2,
        "hosts": 4,
        "accepted": 0,
    }
    assert said["score"] == score
    (check,) = said["checks"]
    assert (check["id"], check["results"]) == (
        "patching",
        {"pass": 1, "fail": 1, "unknown": 1, "not_applicable": 0, "accepted": 0},
    )
    site = f"/api/v1/sites/{appliance.site_id}"
    assert (await signed_in.get(site)).json()["score"] == score
    fleet = (await signed_in.get("/api/v1/fleet")).json()
    assert fleet["items"][0]["score"] == fleet["totals"]["score"] == score


async def test_only_unknown_is_no_score(appliance, signed_in):
    await measured(appliance, "patching", Outcome.UNKNOWN, Outcome.NOT_APPLICABLE)
    said = await posture(signed_in, appliance)
    assert said["score"] is None
    assert said["results"] == {**NOTHING, "unknown": 1, "not_applicable": 1}


@pytest.mark.parametrize("check", STATUSES)
@pytest.mark.parametrize(
    ("outcomes", "status"),
    [
        ((Outcome.PASS, Outcome.PASS), True),
        ((Outcome.PASS, Outcome.UNKNOWN), True),
        ((Outcome.PASS, Outcome.FAIL), False),
        ((Outcome.UNKNOWN, Outcome.NOT_APPLICABLE), None),
    ],
)
async def test_a_status_is_null_where_nothing_was_measured(
    appliance, signed_in, check, outcomes, status
):
    await measured(appliance, check, *outcomes)
    said = await posture(signed_in, appliance)
    assert {name: said[name] for name in STATUSES.values()} == {
        **dict.fromkeys(STATUSES.values()),
        STATUSES[check]: status,
    }


async def test_hosts_and_their_results_are_paged(appliance, signed_in):
    await measured(appliance, "patching", Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN)
    address = f"/api/v1/sites/{appliance.site_id}/results"
    whole = (await signed_in.get(address)).json()
    assert (len(whole["hosts"]), whole["next_cursor"]) == (4, None)
    first = (await signed_in.get(address, params={"limit": 3})).json()
    assert first["hosts"] == whole["hosts"][:3]
    then = {"limit": 3, "cursor": first["next_cursor"]}
    rest = (await signed_in.get(address, params=then)).json()
    assert (rest["hosts"], rest["next_cursor"]) == (whole["hosts"][3:], None)
    counted = (await signed_in.get(address, params={"limit": 2, "offset": 1})).json()
    assert counted["hosts"] == whole["hosts"][1:3]
