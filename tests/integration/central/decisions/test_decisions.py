"""Decisions that count on PostgreSQL, on real sockets."""

import pytest

from tests.harness.policy_contract import RULE, Served, done
from tests.harness.policy_decisions import DecisionSuite, asked, decide
from tests.integration.central.conftest import Tenant
from tests.integration.central.policies.test_contract import beside as beside
from tests.integration.central.policies.test_contract import served as served
from tests.integration.central.policies.test_contract import server as server
from tests.integration.central.policies.test_contract import shown as shown
from tests.integration.central.realtime.conftest import announcing as announcing
from tests.integration.central.realtime.conftest import person as person
from tests.integration.central.realtime.conftest import serve as serve
from wardline.central.database.engine import Raw
from wardline.core import ids


@pytest.fixture
async def site(owner: Raw, tenant: Tenant) -> str:
    """A site that heals."""
    await owner.execute("UPDATE sites SET healing = 'heal' WHERE id = $1", tenant.site_id)
    return tenant.site_id


class TestDecisions(DecisionSuite):
    pass


FREE = {**RULE, "limits": {}}


async def test_a_site_that_observes_runs_nothing_and_says_what_would(
    served: Served, tenant: Tenant
) -> None:
    await done(served.manager, "/create", FREE)
    (decision,) = await decide(served.manager, asked(site=tenant.site_id))
    assert (decision["code"], decision["would"]["verdict"]) == ("observing", "run")
    assert decision["reservation"] is None


async def test_a_hold_that_central_knows_of_stops_what_it_is_about(
    served: Served, owner: Raw, tenant: Tenant, site: str
) -> None:
    await done(served.manager, "/create", FREE)
    appliance, host = ids.appliance(), ids.host()
    await owner.execute(
        "INSERT INTO appliances (id, site_id, partner_id, hostname, platform, agent_version,"
        " credential_hash) VALUES ($1, $2, $3, 'box', 'linux', '1', $4)",
        *(appliance, site, tenant.partner_id, appliance.encode()),
    )
    await owner.execute(
        "INSERT INTO flap_suppressions (id, site_id, partner_id, appliance_id, host_id,"
        " incident_type, runbook_id, suppressed_at, reason)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, now(), 'it flapped')",
        *(ids.new("hold"), site, tenant.partner_id, appliance, host),
        *(RULE["when"]["kpiId"], RULE["action"]),
    )
    held, open_action, other = await decide(
        served.manager,
        asked(site=site, host=host),
        {"alert": asked()["alert"], "site": site, "host": host},
        asked(site=site, host=ids.host()),
    )
    assert [held["code"], open_action["code"], other["code"]] == ["hold", "hold", "allowed"]


async def test_a_freeze_stops_its_site_and_that_of_the_partner_everything(
    served: Served, owner: Raw, tenant: Tenant, site: str
) -> None:
    await done(served.manager, "/create", FREE)
    frozen = (
        "INSERT INTO freezes (id, partner_id, site_id, frozen_at, frozen_by, frozen_by_name,"
        " reason) VALUES ($1, $2, $3, now(), 'user', 'Ann', 'a bad update')"
    )
    await owner.execute(frozen, ids.new("frz"), tenant.partner_id, site)
    here, nowhere = await decide(served.manager, asked(site=site), asked())
    assert (here["code"], nowhere["code"]) == ("freeze", "allowed")
    told = {one["check"]: one["detail"] for one in here["trace"]}
    assert "Ann" in told["freeze"]
    await owner.execute(frozen, ids.new("frz"), tenant.partner_id, None)
    here, nowhere = await decide(served.manager, asked(site=site), asked())
    assert (here["code"], nowhere["code"]) == ("freeze", "freeze")


async def test_a_place_that_is_not_yours_is_refused_by_its_path(
    served: Served, other_tenant: Tenant
) -> None:
    for request, path in (
        (asked(site=other_tenant.site_id), "site"),
        (asked(host="host-1"), "host"),
    ):
        answer = await served.manager.post(
            str(served.manager.base_url.copy_with(path="/api/v1/policies/decide")),
            json={"requests": [asked(), request]},
        )
        assert answer.status_code == 422, answer.text
        assert [one["path"] for one in answer.json()["errors"]] == [f"requests[1].{path}"]
