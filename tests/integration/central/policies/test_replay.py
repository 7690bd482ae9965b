"""Replays over what Central has kept: decisions asked of it, and those of its appliances."""

import json
from typing import Any

import pytest

from tests.harness.policy_authoring import asked
from tests.harness.policy_contract import Served, done
from tests.harness.policy_replay import OPEN, SHUT, ReplaySuite, turns
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

CHECK = SHUT["when"]["kpiId"]


@pytest.fixture
async def site(owner: Raw, tenant: Tenant) -> str:
    """A site that heals."""
    await owner.execute("UPDATE sites SET healing = 'heal' WHERE id = $1", tenant.site_id)
    return tenant.site_id


class TestReplay(ReplaySuite):
    pass


async def incident(owner: Raw, tenant: Tenant, decision: Any, **facts: object) -> None:
    """One that an appliance of the tenant told of."""
    appliance = ids.appliance()
    await owner.execute(
        "INSERT INTO appliances (id, site_id, partner_id, hostname, platform, agent_version,"
        " credential_hash) VALUES ($1, $2, $3, $1, 'linux', '1', $4)",
        *(appliance, tenant.site_id, tenant.partner_id, appliance.encode()),
    )
    before = {"check": CHECK, "outcome": "fail", "facts": facts}
    await owner.execute(
        "INSERT INTO incidents (site_id, partner_id, id, appliance_id, host_id, incident_type,"
        " severity, raw_data, pattern_signature, created_at, state, before, decision, epoch, seq,"
        " received_at) VALUES ($1, $2, $3, $4, $5, $6, 'medium', '{}', 'p', now(), 'open', $7, $8,"
        " 1, 1, now())",
        *(tenant.site_id, tenant.partner_id, ids.new("inc"), appliance, ids.host(), CHECK),
        *(json.dumps(before), json.dumps(decision)),
    )


BLOCKED = {
    "type": "deny",
    "verdict": "block",
    "code": "outside_window",
    "ruleId": "sysctl",
    "action": SHUT["action"],
}


async def test_what_appliances_decided_is_replayed_with_its_facts(
    served: Served, owner: Raw, tenant: Tenant, site: str
) -> None:
    await done(served.manager, "/create", SHUT)
    await incident(owner, tenant, BLOCKED, keys=3)
    await incident(owner, tenant, BLOCKED, keys=1)
    # Held, frozen, observing: no rule changes that.
    for code in ("hold", "freeze", "observing"):
        await incident(owner, tenant, BLOCKED | {"code": code}, keys=3)
    # What an appliance says and nobody can read is passed over.
    for odd in ({"code": 7}, {"verdict": "maybe"}, {"action": None}, {"ruleId": []}):
        await incident(owner, tenant, BLOCKED | odd, keys=1)
    told = await asked(served, "/replay", {"put": [OPEN]}, "manager")
    assert (told["judged"], turns(told)) == (6, {("block", "run"): 3})
    many = {**OPEN, "when": {**OPEN["when"], "condition": "facts.keys > 2"}}
    told = await asked(served, "/replay", {"put": [many]}, "manager")
    assert turns(told) == {("block", "run"): 1}
    assert told["turns"][0]["bySite"] == [{"name": site, "count": 1}]


async def test_nobody_replays_what_another_partner_decided(
    served: Served, owner: Raw, tenant: Tenant, other_tenant: Tenant, site: str
) -> None:
    await done(served.manager, "/create", SHUT)
    await incident(owner, other_tenant, BLOCKED)
    body = bytes.fromhex("00")
    await owner.execute(
        "INSERT INTO decisions_kept (partner_id, at, revision, epoch, decisions, kpis, body)"
        " VALUES ($1, now(), 1, 1, 1, $2, $3)",
        *(other_tenant.partner_id, [CHECK], body),
    )
    told = await asked(served, "/replay", {"put": [OPEN]}, "manager")
    assert (told["judged"], told["turns"]) == (0, [])
    foreign = {"put": [OPEN], "site": other_tenant.site_id}
    await asked(served, "/replay", foreign, "manager", 422)
