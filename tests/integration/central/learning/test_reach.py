"""How far learning reaches: fourteen days back for the shadow, and never to another partner."""

from datetime import timedelta

import pytest

from tests.harness.appliance import Appliance, issue_token
from tests.integration.central.conftest import browser_of, make_user, sign_in
from tests.integration.central.learning.teaching import (
    approve,
    candidate,
    end,
    lasting,
    listed,
    permit,
    tell,
)
from wardline.core.incidents import merit

EDGE = timedelta(days=merit.SHADOW_DAYS)
HOUR = timedelta(hours=1)


async def shadow(browser, promotion_id):
    said = await browser.get(f"/api/v1/promotions/{promotion_id}/shadow")
    assert said.status_code == 200, said.text
    return said.json()


async def test_the_shadow_looks_at_what_opened_in_the_last_fourteen_days_and_not_before(
    signed_in, appliance, heals, learner
):
    await permit(signed_in)
    await tell(appliance, *(lasting(EDGE + HOUR) for _ in range(5)))
    await learner.learn()
    (one,) = await listed(signed_in)
    assert (one["stage"], one["merit"]["occurrences"]) == ("candidate", 5), "older runs earn it"
    seen = await shadow(signed_in, one["id"])
    assert (seen["incidents"], seen["sites"]) == (0, [])
    assert seen["against"] == ["no incident of this pattern in the last 14 days"]
    refused = await approve(signed_in, one["id"], appliance.site_id)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_proven")
    await tell(appliance, lasting(EDGE - HOUR))
    seen = await shadow(signed_in, one["id"])
    assert (seen["incidents"], seen["confirmed"], seen["against"]) == (1, 1, [])
    assert (await approve(signed_in, one["id"], appliance.site_id)).status_code == 200


@pytest.fixture
async def foreign(client, web, owner, other_tenant):
    """An appliance of another partner, and the browser of its owner."""
    made = Appliance(client)
    assert (await made.enrol(await issue_token(owner, other_tenant))).status_code == 200
    async with browser_of(web) as browser:
        await sign_in(browser, await make_user(owner, other_tenant.partner_id))
        yield made, browser


async def test_what_one_partners_runs_earned_is_nothing_to_another(
    signed_in, appliance, heals, learner, foreign
):
    theirs, stranger = foreign
    # Of either alone too few; together they would be enough.
    await tell(appliance, *(lasting() for _ in range(4)))
    await tell(theirs, *(lasting() for _ in range(4)))
    await learner.learn()
    assert await listed(signed_in) == await listed(stranger) == []
    for browser in (signed_in, stranger):
        (known,) = (await browser.get("/api/v1/patterns")).json()["items"]
        assert (known["total_count"], known["promotion_eligible"]) == (4, False)
        assert known["runbooks"][0]["runs"] == 4

    one = await candidate(signed_in, learner, appliance)
    assert await listed(stranger, ended_too=True) == []
    path = f"/api/v1/promotions/{one['id']}"
    for asked in (path, f"{path}/shadow"):
        assert (await stranger.get(asked)).status_code == 404
    assert (await approve(stranger, one["id"], theirs.site_id)).status_code == 404
    for how in ("reject", "demote"):
        assert (await end(stranger, one["id"], how)).status_code == 404
    refused = await approve(signed_in, one["id"], theirs.site_id)
    assert refused.status_code == 404, "nor is its canary at a site of theirs"
    (still,) = await listed(signed_in)
    assert still["stage"] == "candidate"
