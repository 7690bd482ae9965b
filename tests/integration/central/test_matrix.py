"""Every route of the API × every caller, from the OpenAPI document; an uncovered route fails.

Two partners stand side by side. Each request names the first one's things; what the second one's
people get must be 404 where the address names a foreign thing, and otherwise their own data.
"""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.integration.central.conftest import (
    LOG_KEY,
    Moment,
    Tenant,
    browser_of,
    web_settings,
)
from tests.integration.central.matrix_examples import EXAMPLES, Example
from tests.integration.central.matrix_scene import (
    Scene,
    everything_of,
    make_scene,
    plant_rule,
    signed_in_as,
)
from wardline.central.database.engine import Raw
from wardline.central.identity.permissions import ALLOWED, Permission, Role
from wardline.central.jobs import sequencer
from wardline.central.jobs.checkpoints import Signer
from wardline.central.policies.folders import Folders
from wardline.core import ids

PEOPLE = tuple(Role)
# How many records the first partner's audit log has at least, and the second one's has not.
DEEDS = 100


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
    named = named.replace("{freeze_id}", scene.freeze_id).replace("{stop_id}", scene.stop_id)
    named = named.replace("{promotion_id}", scene.promotions[path.endswith("/demote")])
    named = named.replace("{revision}", str(scene.revision)).replace("{rule_id}", scene.rule_id)
    named = named.replace("{approval_id}", scene.approvals[path.endswith("/reject")])
    named = named.replace("{seq}", str(DEEDS))
    named = named.replace("{deviation_id}", scene.deviation_id).replace("{check}", "ssh_config")
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
        await owner.execute(
            "INSERT INTO audit_log (partner_id, actor_kind, actor_id, action, subject)"
            " SELECT $1, 'user', 'user_x', 'site.healing', 'x' FROM generate_series(1, $2)",
            *(first.tenant.partner_id, DEEDS),
        )
        # Backups are named by their instant: not both partners' by the same one.
        moment.advance(1)
        made = (first, await make_scene(owner, wire, backups))
        await sequencer.append_waiting(jobs_engine, moment)
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
        if ("{" in path or EXAMPLES[method, path].names_own) and wanted not in (401, 403):
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
        promotions=(ids.new("prom"), ids.new("prom")),
        stop_id=ids.new("stop"),
        deviation_id=ids.new("dev"),
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
        *(scene.freeze_id, scene.stop_id),
        *(scene.deviation_id, scene.colleague),
        *scene.promotions,
        *scene.approvals,
    ):
        assert secret not in answer.text, (answer.request.method, str(answer.request.url))
