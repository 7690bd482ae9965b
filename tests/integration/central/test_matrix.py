"""Every route of the API × every caller, from the OpenAPI document; an uncovered route fails.

Two partners stand side by side. Each request names the first one's things; what the second one's
people get must be 404 where the address names a foreign thing, and otherwise their own data.
"""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.integration.central.conftest import (
    LOG_KEY,
    PASSWORD,
    Moment,
    Tenant,
    browser_of,
    make_user,
    sign_in,
    web_settings,
)
from tests.integration.central.matrix_scene import (
    ALERT,
    NO_POLICY,
    RULE,
    SITE,
    Scene,
    checkin,
    everything_of,
    fresh_name,
    make_scene,
    report,
)
from wardline.central.database.engine import Raw
from wardline.central.identity.permissions import ALLOWED, Permission, Role
from wardline.central.jobs.checkpoints import Signer
from wardline.central.policies.folders import Folders
from wardline.core import ids

PEOPLE = tuple(Role)


@dataclass(frozen=True)
class Example:
    """A request that succeeds for who may make it; `body` is made anew for each request."""

    body: Callable[[Scene], object] | None = None
    query: str = ""
    ok: int = 200
    # Whether the body names a thing of the partner's: to another one it is not there.
    names_own: bool = False
    headers: Mapping[str, str] = field(default_factory=dict)


NOT_NOW = Example(lambda scene: {"reason": "not now"})
EXAMPLES: dict[tuple[str, str], Example] = {
    ("get", "/healthz"): Example(),
    ("get", "/api/v1/openapi.json"): Example(),
    ("get", "/api/v1/session"): Example(),
    ("post", "/api/v1/session"): Example(
        lambda scene: {"email": "nobody@example.com", "password": "x"}, ok=401
    ),
    ("delete", "/api/v1/session"): Example(ok=204),
    ("post", "/api/v1/session/password"): Example(
        lambda scene: {"current": PASSWORD, "new": "another long password"}
    ),
    ("post", "/api/v1/ws-ticket"): Example(ok=201),
    ("get", "/api/v1/fleet"): Example(),
    ("get", "/api/v1/status"): Example(),
    ("post", "/api/v1/sites"): Example(lambda scene: {"name": fresh_name(), **SITE}, ok=201),
    ("get", "/api/v1/sites/{site_id}"): Example(),
    ("put", "/api/v1/sites/{site_id}/settings"): Example(
        lambda scene: {"name": fresh_name(), **SITE}
    ),
    ("post", "/api/v1/sites/{site_id}/healing"): Example(
        lambda scene: {"healing": "heal", "reason": "reviewed", "incidents": [scene.incident_id]}
    ),
    ("post", "/api/v1/sites/{site_id}/enrolment-tokens"): Example(lambda scene: {}, ok=201),
    ("get", "/api/v1/sites/{site_id}/enrolment-tokens"): Example(),
    ("get", "/api/v1/sites/{site_id}/results"): Example(),
    ("get", "/api/v1/sites/{site_id}/posture"): Example(),
    ("get", "/api/v1/sites/{site_id}/trend"): Example(),
    ("get", "/api/v1/incidents"): Example(),
    ("get", "/api/v1/incidents/summary"): Example(),
    ("get", "/api/v1/sites/{site_id}/incidents"): Example(),
    ("get", "/api/v1/sites/{site_id}/incidents/{incident_id}"): Example(),
    ("get", "/api/v1/sites/{site_id}/would-run"): Example(),
    ("get", "/api/v1/heals"): Example(),
    ("get", "/api/v1/sites/{site_id}/heals"): Example(),
    ("post", "/api/v1/sites/{site_id}/incidents/{incident_id}/start"): Example(
        lambda scene: {"reason": "nobody works now"}, ok=201
    ),
    ("post", "/api/v1/sites/{site_id}/incidents/{incident_id}/undo"): Example(
        lambda scene: {"reason": "it broke the scanner"}, ok=409
    ),
    ("get", "/api/v1/approvals"): Example(),
    ("get", "/api/v1/sites/{site_id}/approvals/{approval_id}"): Example(),
    ("post", "/api/v1/sites/{site_id}/approvals/{approval_id}/approve"): Example(lambda scene: {}),
    ("post", "/api/v1/sites/{site_id}/approvals/{approval_id}/reject"): NOT_NOW,
    ("get", "/api/v1/orders"): Example(),
    ("get", "/api/v1/sites/{site_id}/orders/{order_id}"): Example(),
    ("post", "/api/v1/sites/{site_id}/orders/{order_id}/cancel"): NOT_NOW,
    ("get", "/api/v1/holds"): Example(query="?state=all"),
    ("post", "/api/v1/sites/{site_id}/holds/{hold_id}/clear"): Example(
        lambda scene: {"reason": "the template is fixed"}
    ),
    ("get", "/api/v1/freezes"): Example(query="?state=all"),
    ("get", "/api/v1/freezes/{freeze_id}"): Example(),
    ("get", "/api/v1/freezes/{freeze_id}/appliances"): Example(),
    ("post", "/api/v1/freeze"): Example(lambda scene: {"reason": "it misbehaves"}, ok=201),
    ("post", "/api/v1/sites/{site_id}/freeze"): Example(
        lambda scene: {"reason": "it misbehaves"}, ok=201
    ),
    ("post", "/api/v1/freezes/{freeze_id}/lift"): Example(
        lambda scene: {"reason": "it is found and fixed"}
    ),
    ("get", "/api/v1/sites/{site_id}/evidence"): Example(),
    ("get", "/api/v1/sites/{site_id}/evidence/{log_index}"): Example(),
    ("get", "/api/v1/sites/{site_id}/evidence/export"): Example(),
    ("get", "/api/mcp/policy/list"): Example(),
    ("post", "/api/mcp/policy/create"): Example(lambda scene: RULE),
    ("post", "/api/mcp/policy/update"): Example(lambda scene: RULE),
    ("post", "/api/mcp/policy/delete"): Example(lambda scene: {"id": "matrix"}),
    ("get", "/api/mcp/policy/export"): Example(),
    ("post", "/api/mcp/policy/test"): Example(lambda scene: {"alert": ALERT}),
    ("post", "/api/v1/policies/decide"): Example(lambda scene: {"alert": ALERT}),
    ("post", "/api/v1/policies/decisions/{decision_id}/started"): Example(),
    ("post", "/api/v1/policies/decisions/{decision_id}/ended"): Example(),
    ("post", "/api/v1/policies/decisions/{decision_id}/released"): Example(),
    ("get", "/api/v1/policies/uses"): Example(),
    ("get", "/api/mcp/policy/backup"): Example(),
    ("post", "/api/mcp/policy/backup"): Example(),
    ("get", "/api/mcp/policy/backups"): Example(),
    ("post", "/api/mcp/policy/restore"): Example(
        lambda scene: {"file": f"backups/{scene.backup}"}, names_own=True
    ),
    ("post", "/api/v1/policies/backups/{name}/verify"): Example(),
    ("post", "/api/v1/policies/backups/{name}/replay"): Example(),
    ("get", "/api/v1/policies/backups/{name}/download"): Example(),
    ("delete", "/api/v1/policies/backups/{name}"): Example(ok=204),
    ("get", "/api/v1/policies/revisions"): Example(),
    ("get", "/api/v1/policies/revisions/{revision}"): Example(),
    ("post", "/api/v1/policies/revisions/{revision}/replay"): Example(),
    ("get", "/api/v1/policies/diff"): Example(query="?from=0&to=0"),
    ("get", "/api/v1/policies/rules/{rule_id}/versions"): Example(),
    ("post", "/api/v1/policies/rollback"): Example(
        lambda scene: {"revision": scene.revision, "reason": "it was better"},
        names_own=True,
        headers={"if-match": "*"},
    ),
    ("post", "/api/v1/policies/rules/{rule_id}/rollback"): Example(
        lambda scene: {"revision": scene.revision + 1, "reason": "it was better"},
        headers={"if-match": "*"},
    ),
    ("get", "/api/v1/policies/epoch"): Example(),
    ("post", "/api/v1/policies/epoch"): Example(lambda scene: {"reason": "Central was restored"}),
    ("post", "/api/agent/v1/policy/report"): Example(lambda scene: NO_POLICY),
    ("post", "/api/v1/policies/analyse"): Example(lambda scene: {"rules": [RULE]}),
    ("post", "/api/v1/policies/preview"): Example(lambda scene: {"rule": RULE}),
    ("post", "/api/v1/policies/standing"): Example(lambda scene: {"ids": ["matrix"]}),
    ("get", "/api/v1/policies/vocabulary"): Example(),
    ("post", "/api/v1/policies/replay"): Example(lambda scene: {"put": [RULE]}),
    ("get", "/api/agent/v1/keys"): Example(query="?nonce=" + "0" * 32),
    ("post", "/api/agent/v1/enrol"): Example(lambda scene: {}, ok=422),
    ("post", "/api/agent/v1/checkin"): Example(lambda scene: checkin(scene.appliance)),
    ("get", "/api/agent/v1/policy"): Example(),
    ("post", "/api/agent/v1/orders/lease"): Example(lambda scene: {"v": 1, "count": 1}),
    ("post", "/api/agent/v1/orders/report"): Example(lambda scene: report(scene.order_id)),
    ("post", "/api/agent/v1/proofs"): Example(lambda scene: {"v": 1, "size": 2, "indexes": [0]}),
    ("post", "/api/agent/v1/evidence"): Example(
        lambda scene: {
            "v": 1,
            "envelopes": [scene.appliance.seal().to_wire()],
            "witnessed_size": 0,
            "cosignatures": [],
        }
    ),
}
# What stands for rules that must exist before they can be changed or removed.
NEEDS_A_RULE = {
    "id": "matrix",
    "when": {"kpiId": "ssh_config", "severity": ["high"]},
    "action": "ssh_config.harden",
    "autoExecute": False,
}


def operations(web: FastAPI) -> dict[tuple[str, str], Permission]:
    return {
        (method, path): Permission(operation["x-permission"])
        for path, methods in web.openapi()["paths"].items()
        for method, operation in methods.items()
    }


def address(path: str, example: Example, scene: Scene) -> str:
    named = path.replace("{site_id}", scene.tenant.site_id)
    named = named.replace("{incident_id}", scene.incident_id).replace("{log_index}", "1")
    named = named.replace("{order_id}", scene.order_id).replace("{hold_id}", scene.hold_id)
    named = named.replace("{decision_id}", scene.decisions[path.endswith("/released")])
    named = named.replace("{name}", scene.backup)
    named = named.replace("{freeze_id}", scene.freeze_id)
    named = named.replace("{revision}", str(scene.revision)).replace("{rule_id}", scene.rule_id)
    named = named.replace("{approval_id}", scene.approvals[path.endswith("/reject")])
    assert "{" not in named, f"{path} has a parameter that this test does not know"
    return named + example.query


@pytest.fixture
async def scenes(
    web: FastAPI, owner: Raw, jobs_engine: AsyncEngine, tmp_path: Any, moment: Moment
) -> AsyncIterator[tuple[Scene, Scene]]:
    """Two tenants, each with an appliance, a bundle, an incident and a signed checkpoint."""
    async with browser_of(web) as wire:
        backups: Folders = web.state.policy_backups
        first = await make_scene(owner, wire, backups)
        # Backups are named by their instant: not both partners' by the same one.
        moment.advance(1)
        made = (first, await make_scene(owner, wire, backups))
        signer = Signer(
            jobs_engine, LOG_KEY, web_settings().installation_id, tmp_path / "signed", moment
        )
        assert await signer.sign_grown() >= len(made)
        yield made


async def test_every_route_has_an_example_here(web: FastAPI) -> None:
    assert set(operations(web)) == set(EXAMPLES)


async def test_nobody_gets_in_without_a_session(
    web: FastAPI, browser: httpx2.AsyncClient, scenes: tuple[Scene, Scene]
) -> None:
    for (method, path), permission in operations(web).items():
        answer = await ask(browser, method, path, scenes[0])
        if permission is Permission.PUBLIC:
            assert answer.status_code == EXAMPLES[method, path].ok, (method, path, answer.text)
        else:
            assert answer.status_code == 401, (method, path, answer.text)


@pytest.mark.parametrize("role", PEOPLE)
async def test_a_role_gets_what_the_table_says_and_nothing_else(
    web: FastAPI, owner: Raw, scenes: tuple[Scene, Scene], role: Role
) -> None:
    scene = scenes[0]
    for (method, path), permission in operations(web).items():
        async with signed_in_as(web, owner, scene.tenant, role) as caller:
            if path in NEEDS_A_RULE:
                await plant_rule(web, owner, scene.tenant)
            answer = await ask(caller, method, path, scene)
        assert answer.status_code == expected(method, path, permission, role), (
            f"{role} {method} {path}: {answer.status_code} {answer.text[:500]}"
        )


@pytest.mark.parametrize("role", PEOPLE)
async def test_another_partner_sees_nothing_of_the_first(
    web: FastAPI, owner: Raw, scenes: tuple[Scene, Scene], role: Role
) -> None:
    first, second = scenes
    for (method, path), permission in operations(web).items():
        async with signed_in_as(web, owner, second.tenant, role) as caller:
            if path in NEEDS_A_RULE:
                await plant_rule(web, owner, second.tenant)
            answer = await ask(caller, method, path, first)
        wanted = expected(method, path, permission, role)
        if ("{" in path or EXAMPLES[method, path].names_own) and wanted < 400:
            wanted = 404
        assert answer.status_code == wanted, f"{role} {method} {path}: {answer.text[:500]}"
        assert_silent_about(first, answer)


async def test_what_another_partner_tried_changed_nothing(
    web: FastAPI, owner: Raw, scenes: tuple[Scene, Scene]
) -> None:
    first, second = scenes
    before = await everything_of(owner, first)
    for method, path in operations(web):
        if "{" in path:
            async with signed_in_as(web, owner, second.tenant, Role.OWNER) as caller:
                await ask(caller, method, path, first)
    assert await everything_of(owner, first) == before


async def test_an_appliance_reaches_its_own_routes_and_no_others(
    web: FastAPI, browser: httpx2.AsyncClient, scenes: tuple[Scene, Scene]
) -> None:
    scene = scenes[0]
    browser.headers["authorization"] = f"Bearer {scene.appliance.credential}"
    for (method, path), permission in operations(web).items():
        answer = await ask(browser, method, path, scene)
        open_to_it = permission in {Permission.PUBLIC, Permission.APPLIANCE}
        wanted = EXAMPLES[method, path].ok if open_to_it else 401
        assert answer.status_code == wanted, f"{method} {path}: {answer.text[:500]}"


async def test_another_appliance_gets_its_own_sites_data_and_cannot_speak_for_the_first(
    web: FastAPI, browser: httpx2.AsyncClient, owner: Raw, scenes: tuple[Scene, Scene]
) -> None:
    first, second = scenes
    browser.headers["authorization"] = f"Bearer {second.appliance.credential}"
    before = await everything_of(owner, first)
    for (method, path), permission in operations(web).items():
        if permission is not Permission.APPLIANCE:
            continue
        answer = await ask(browser, method, path, first)
        assert_silent_about(first, answer)
        # Bundles of another stream are refused; the rest answers for the caller's own site.
        if path.endswith("/evidence"):
            assert answer.status_code == 422, answer.text
    assert await everything_of(owner, first) == before


async def test_a_made_up_credential_is_refused_everywhere(
    web: FastAPI, browser: httpx2.AsyncClient, scenes: tuple[Scene, Scene]
) -> None:
    browser.headers["authorization"] = "Bearer " + "x" * 43
    browser.cookies.set("wardline", "x" * 43)
    for (method, path), permission in operations(web).items():
        if permission is not Permission.PUBLIC:
            answer = await ask(browser, method, path, scenes[0])
            assert answer.status_code == 401, (method, path)


async def test_a_foreign_site_and_one_that_is_not_there_look_the_same(
    web: FastAPI, owner: Raw, scenes: tuple[Scene, Scene]
) -> None:
    first, second = scenes
    nowhere = replace(
        first,
        tenant=Tenant("partner_none", ids.site()),
        incident_id=ids.incident(),
        freeze_id=ids.new("freeze"),
    )
    for method, path in operations(web):
        if "{" not in path:
            continue
        async with signed_in_as(web, owner, second.tenant, Role.OWNER) as caller:
            foreign = await ask(caller, method, path, first)
            missing = await ask(caller, method, path, nowhere)
        assert (foreign.status_code, foreign.json()) == (404, missing.json()), (method, path)


def expected(method: str, path: str, permission: Permission, role: Role) -> int:
    """What the role gets on its own partner's things."""
    if permission is Permission.APPLIANCE:
        return 401
    if permission is Permission.PUBLIC or permission in ALLOWED[role]:
        return EXAMPLES[method, path].ok
    return 403


async def ask(caller: httpx2.AsyncClient, method: str, path: str, scene: Scene) -> httpx2.Response:
    example = EXAMPLES[method, path]
    body = None if example.body is None else json.dumps(example.body(scene))
    headers = dict(example.headers)
    if body is not None:
        headers["content-type"] = "application/json"
    return await caller.request(
        method.upper(), address(path, example, scene), content=body, headers=headers
    )


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


def assert_silent_about(scene: Scene, answer: httpx2.Response) -> None:
    for secret in (
        scene.tenant.partner_id,
        scene.tenant.site_id,
        scene.incident_id,
        scene.backup,
        scene.appliance.id,
        scene.appliance.hosts[0],
        scene.order_id,
        scene.hold_id,
        scene.freeze_id,
        *scene.approvals,
    ):
        assert secret not in answer.text, (answer.request.method, str(answer.request.url))
