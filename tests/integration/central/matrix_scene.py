"""What stands behind the matrix of routes and callers: a tenant with all that an address can name."""

import json
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2
from fastapi import FastAPI

from tests.harness import orders as making
from tests.harness.appliance import Appliance, issue_token
from tests.integration.central.conftest import (
    Tenant,
    browser_of,
    make_tenant,
    make_user,
    sign_in,
)
from wardline.central.database.engine import Raw
from wardline.central.identity.permissions import Role
from wardline.central.policies.folders import Folders
from wardline.core import ids
from wardline.core.evidence.signing import SigningKey
from wardline.formats.policy_file import Contents
from wardline.policy.backups.names import Kind

ORDER_KEY = SigningKey.from_seed(b"o" * 32)
RULE = {
    "id": "matrix",
    "when": {"kpiId": "ssh_config", "severity": ["high"]},
    "action": "ssh_config.harden",
    "autoExecute": False,
}
AT = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
SITE = {"zone": "Europe/Berlin", "opening_hours": [{"days": [1], "start": "08:00", "end": "18:00"}]}
NO_POLICY = {"v": 1, "epoch": None, "revision": None, "refused": None}
ALERT = {
    "id": "alert-1",
    "kpiId": "ssh_config",
    "severity": "high",
    "title": "PermitRootLogin is yes",
    "message": "PermitRootLogin is yes",
}


@dataclass(frozen=True)
class Scene:
    """One tenant with everything that an address can name."""

    tenant: Tenant
    appliance: Appliance
    incident_id: str
    # Somebody of the partner's who may act on incidents.
    colleague: str
    order_id: str
    hold_id: str
    freeze_id: str
    # A candidate, and one in its canary.
    promotions: tuple[str, str]
    stop_id: str
    # What is accepted on the one host, and the digest of what fails there and is not accepted yet.
    deviation_id: str
    failing: str
    # Two that wait, because each is answered once.
    approvals: tuple[str, str]
    # One that has started, and one that has not.
    decisions: tuple[str, str]
    # The older of two, so that it may be deleted.
    backup: str
    # The first of two revisions, with numbers that no other partner has, and the rule they wrote.
    revision: int
    rule_id: str


# What a person does about an incident, by the last word of its address.
INCIDENT_DEEDS: dict[str, Callable[[Scene], object]] = {
    "start": lambda scene: {"reason": "nobody works now"},
    "check-again": lambda scene: {},
    "try-again": lambda scene: {"reason": "the disk has room again"},
    "hold": lambda scene: {"reason": "the vendor is at it"},
    "hand-over": lambda scene: {"to": scene.colleague, "note": "it is yours now"},
}


def fresh_name() -> str:
    return ids.new("name")


async def make_scene(owner: Raw, wire: httpx2.AsyncClient, backups: Folders) -> Scene:
    tenant = await make_tenant(owner)
    appliance = Appliance(wire)
    assert (await appliance.enrol(await issue_token(owner, tenant))).status_code == 200
    offered, first, second = making.waiting("offer"), making.waiting(), making.waiting()
    sent = await appliance.send(appliance.seal(incidents=(offered, first, second)))
    assert sent.status_code == 200, sent.text
    # Of another drift than the incidents', so that these may be held and tried again.
    elsewhere = {"check": "kernel_sysctl", "runbook_id": "kernel_sysctl.apply"}
    seen = await appliance.check_in(holds=[{**hold(appliance), **elsewhere}])
    assert seen.status_code == 200, seen.text
    place = making.Place(tenant.partner_id, tenant.site_id, appliance.id, appliance.hosts[0])
    (order_id,) = await making.issue_in_bulk(owner, place, ORDER_KEY, [making.run()])
    await owner.execute("UPDATE sites SET healing = 'heal' WHERE id = $1", tenant.site_id)
    one, other = await owner.fetch("SELECT id FROM approvals WHERE site_id = $1", tenant.site_id)
    hold_id = await owner.fetchval(
        "SELECT id FROM flap_suppressions WHERE site_id = $1", tenant.site_id
    )
    folder = backups.of(tenant.partner_id)
    for revision in (1, 2):
        held = Contents(1, revision, (), ())
        folder.make(Kind.BACKUP, held.rows, tenant.partner_id, "for the matrix")
    decisions = await reserved(owner, tenant), await reserved(owner, tenant)
    await owner.execute(
        "UPDATE policy_runs SET started_at = reserved_at, started_by = 'somebody' WHERE id = $1",
        decisions[0],
    )
    return Scene(
        tenant,
        appliance,
        offered.incident_id,
        (await make_user(owner, tenant.partner_id, Role.OPERATOR)).partition("@")[0],
        order_id,
        hold_id,
        await frozen_elsewhere(owner, tenant),
        (
            await promoted(owner, tenant, "ab" * 8, ("proposed",)),
            await promoted(owner, tenant, "cd" * 8, ("proposed", "evaluated", "approved")),
        ),
        await stopped(owner, tenant, offered.incident_id),
        await accepted(owner, tenant, appliance.hosts[0]),
        await not_accepted(owner, appliance),
        (one["id"], other["id"]),
        decisions,
        folder.entries()[-1].name.text,
        *await written(owner, tenant),
    )


async def written(owner: Raw, tenant: Tenant) -> tuple[int, str]:
    """Two revisions of one rule: the first, and the rule's id."""
    revision, rule_id = secrets.randbelow(10**9) + 10**6, ids.new("rule")
    await owner.execute(
        "INSERT INTO policy_heads (partner_id, revision) VALUES ($1, $2)",
        *(tenant.partner_id, revision + 1),
    )
    for priority in (1, 2):
        body = json.dumps(
            {
                "id": rule_id,
                "when": {"kpiId": "ssh_config", "severity": ["high"]},
                "action": "ssh_config.harden",
                "autoExecute": False,
                "autoSuggest": True,
                "priority": priority,
                "revision": revision + priority - 1,
            }
        )
        given = (tenant.partner_id, revision + priority - 1, rule_id, body)
        await owner.execute(
            "INSERT INTO policy_revisions (partner_id, revision, author) VALUES ($1, $2, 'x')",
            *given[:2],
        )
        await owner.execute(
            "INSERT INTO policy_rule_versions (partner_id, revision, rule_id, body)"
            " VALUES ($1, $2, $3, $4)",
            *given,
        )
    await owner.execute(
        "INSERT INTO policies (partner_id, revision, id, body, created_by, updated_by)"
        " VALUES ($1, $2, $3, $4, 'x', 'x')",
        *given,
    )
    return revision, rule_id


async def reserved(owner: Raw, tenant: Tenant) -> str:
    """A decision to run that has reserved something, the day before it expires."""
    decision_id = ids.new("dec")
    await owner.execute(
        "INSERT INTO policy_runs (partner_id, id, site, host, action, rule_id, pct, qty,"
        " reserved_at, reserved_by, expires_at)"
        " VALUES ($1, $2, $3, '', 'ssh_config.harden', 'matrix', 0, 0, now(), 'somebody',"
        " now() + interval '1 day')",
        *(tenant.partner_id, decision_id, tenant.site_id),
    )
    return decision_id


async def stopped(owner: Raw, tenant: Tenant, incident_id: str) -> str:
    """A version of a rule that is stopped at all of the tenant's sites."""
    stop_id = ids.new("stop")
    await owner.execute(
        "INSERT INTO brake_stops (id, partner_id, kind, name, version, stopped_at, failed, runs,"
        " incident_id, incident_site_id) VALUES ($1, $2, 'rule', 'matrix', '1', now(), 3, 3, $3, $4)",
        *(stop_id, tenant.partner_id, incident_id, tenant.site_id),
    )
    return stop_id


async def frozen_elsewhere(owner: Raw, tenant: Tenant) -> str:
    """A freeze of another site of the tenant's, so that this one may be frozen too."""
    site_id, freeze_id = ids.site(), ids.new("freeze")
    await owner.execute(
        "INSERT INTO sites (id, name, partner_id, zone) VALUES ($1, 'Frozen', $2, 'UTC')",
        *(site_id, tenant.partner_id),
    )
    await owner.execute(
        "INSERT INTO freezes (id, partner_id, site_id, frozen_at, frozen_by, frozen_by_name,"
        " reason) VALUES ($1, $2, $3, now(), 'user_x', 'Mia', 'it misbehaves')",
        *(freeze_id, tenant.partner_id, site_id),
    )
    return freeze_id


async def accepted(owner: Raw, tenant: Tenant, host_id: str) -> str:
    """A firewall that fails on a host, accepted for a day."""
    deviation_id = ids.new("dev")
    place = (tenant.site_id, tenant.partner_id, deviation_id)
    await owner.execute(
        "INSERT INTO deviations (site_id, partner_id, id, check_id, accepted_at, accepted_by,"
        " accepted_by_name, until, owner, reason, control) VALUES ($1, $2, $3, 'firewall', now(),"
        " 'user_x', 'Mia', now() + interval '1 day', 'Mia', 'an old scanner', 'no network')",
        *place,
    )
    await owner.execute(
        "INSERT INTO deviation_hosts (site_id, partner_id, deviation_id, host_id, check_id,"
        " facts_digest, severity, summary, facts, log_index) VALUES ($1, $2, $3, $4, 'firewall',"
        " repeat('a', 64), 'high', 'no firewall', '{}', 1)",
        *(*place, host_id),
    )
    return deviation_id


async def not_accepted(owner: Raw, appliance: Appliance) -> str:
    """The digest of what fails on the one host by ssh_config."""
    digest: str = await owner.fetchval(
        "SELECT facts_digest FROM latest_results WHERE site_id = $1 AND host_id = $2"
        " AND check_id = 'ssh_config'",
        *(appliance.site_id, appliance.hosts[0]),
    )
    return digest


async def promoted(owner: Raw, tenant: Tenant, pattern: str, steps: tuple[str, ...]) -> str:
    """A promotion with so many steps in its ledger."""
    promotion_id, in_canary = ids.new("prom"), len(steps) > 1
    await owner.execute(
        "INSERT INTO promotions (partner_id, id, incident_type, pattern_signature, runbook_id,"
        " runbook_version, runbook_digest, stage, canary_site_id, approved_at, created_at,"
        " changed_at) VALUES ($1, $2, 'ssh_config', $3, 'ssh_config.harden', '1', $4, $5, $6, $7,"
        " now(), now())",
        *(tenant.partner_id, promotion_id, pattern, "cd" * 32),
        *(("canary", tenant.site_id, AT) if in_canary else ("candidate", None, None)),
    )
    for number, step in enumerate(steps, 1):
        await owner.execute(
            "INSERT INTO promotion_ledger (partner_id, promotion_id, number, step, at, by_id,"
            " by_name, reason, site_id) VALUES ($1, $2, $3, $4, now(), 'system', 'Wardline', 'x',"
            " $5)",
            *(tenant.partner_id, promotion_id, number, step),
            tenant.site_id if step == "approved" else None,
        )
    return promotion_id


@asynccontextmanager
async def signed_in_as(
    web: FastAPI, owner: Raw, tenant: Tenant, role: Role
) -> AsyncIterator[httpx2.AsyncClient]:
    """A new user with the role, because some routes end the session or change the password."""
    async with browser_of(web) as browser:
        await sign_in(browser, await make_user(owner, tenant.partner_id, role))
        yield browser


async def plant_rule(web: FastAPI, owner: Raw, tenant: Tenant) -> None:
    async with signed_in_as(web, owner, tenant, Role.OWNER) as manager:
        made = await manager.post("/api/mcp/policy/create", json=RULE)
        assert made.status_code == 200, made.text


def hold(appliance: Appliance) -> dict[str, object]:
    return {
        "host_id": appliance.hosts[0],
        "check": "ssh_config",
        "runbook_id": "ssh_config.harden",
        "suppressed_at": "2026-01-05T09:00:00.000Z",
        "reason": "it flapped",
        "incident_id": None,
        "cleared_at": None,
        "cleared_by": None,
        "clear_reason": None,
    }


def checkin(appliance: Appliance) -> dict[str, object]:
    return {
        "v": 1,
        "agent_version": "0.1.0",
        "etag": None,
        "hosts": appliance.reports(),
        "stream": {"epoch": 1, "next_seq": appliance.seq + 1, "prev": appliance.prev},
        "queue": {"pending": 0, "quarantined": 0, "oldest_at": None},
        "witnessed_size": 0,
        "cosignatures": [],
    }


def report(order_id: str) -> dict[str, object]:
    return {
        "v": 1,
        "order_id": order_id,
        "status": "running",
        "code": "running",
        "detail": "",
        "at": "2026-01-05T09:00:00.000Z",
        "epoch": None,
        "seq": None,
    }


async def everything_of(owner: Raw, scene: Scene) -> dict[str, list[Any]]:
    """Every row of the tenant's, apart from who signed in."""
    tables = await owner.fetch(
        "SELECT DISTINCT table_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name = 'partner_id'"
        " AND table_name NOT IN ('users', 'sessions')"
    )
    return {
        row["table_name"]: await owner.fetch(
            f"SELECT * FROM {row['table_name']} WHERE partner_id = $1 ORDER BY 1, 2, 3",
            scene.tenant.partner_id,
        )
        for row in tables
    }
