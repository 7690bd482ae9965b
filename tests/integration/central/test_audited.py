"""Every write of the API, from the OpenAPI document: it leaves an audit record, or says why not."""

from dataclasses import replace

import pytest

from tests.integration.central import test_matrix as matrix
from tests.integration.central.conftest import (
    LOG_KEY,
    PASSWORD,
    browser_of,
    make_user,
    sign_in,
    web_settings,
)
from tests.integration.central.matrix_examples import EXAMPLES
from tests.integration.central.matrix_scene import make_scene, plant_rule
from wardline.central.identity.permissions import Permission, Role
from wardline.central.jobs import sequencer
from wardline.central.jobs.checkpoints import Signer
from wardline.core import clock

WORKS_OUT = "works something out of what is there and changes nothing"
OWN_BOOK = "is kept in the book of decisions, with who reserved, began and ended what"
OWN_LOG = "what an appliance tells is in its site's evidence log; what is refused is recorded"
UNRECORDED = {
    (
        "post",
        "/api/v1/ws-ticket",
    ): "a ticket for the live feed, which shows what may be seen anyway",
    ("post", "/api/mcp/policy/test"): WORKS_OUT,
    ("post", "/api/v1/policies/analyse"): WORKS_OUT,
    ("post", "/api/v1/policies/preview"): WORKS_OUT,
    ("post", "/api/v1/policies/standing"): WORKS_OUT,
    ("post", "/api/v1/policies/replay"): WORKS_OUT,
    ("post", "/api/v1/policies/revisions/{revision}/replay"): WORKS_OUT,
    ("post", "/api/v1/policies/backups/{name}/replay"): WORKS_OUT,
    ("post", "/api/v1/policies/decide"): OWN_BOOK,
    ("post", "/api/v1/policies/decisions/{decision_id}/started"): OWN_BOOK,
    ("post", "/api/v1/policies/decisions/{decision_id}/ended"): OWN_BOOK,
    ("post", "/api/v1/policies/decisions/{decision_id}/released"): OWN_BOOK,
    ("post", "/api/agent/v1/checkin"): OWN_LOG,
    ("post", "/api/agent/v1/evidence"): OWN_LOG,
    ("post", "/api/agent/v1/proofs"): WORKS_OUT,
    ("post", "/api/agent/v1/policy/report"): OWN_LOG,
    ("post", "/api/agent/v1/orders/lease"): "the order carries it; who issued it is recorded",
    ("post", "/api/agent/v1/orders/report"): OWN_LOG,
}
# Refused in the scene, which the matrix wants; tests of their own show that they are recorded.
REFUSED_HERE = {
    ("post", "/api/v1/promotions/{promotion_id}/approve"),
    ("post", "/api/v1/sites/{site_id}/incidents/{incident_id}/undo"),
    ("post", "/api/agent/v1/enrol"),
}
# Reading these is a deed too.
READINGS = {
    ("get", "/api/v1/sites/{site_id}/evidence"): "evidence.list",
    ("get", "/api/v1/sites/{site_id}/evidence/{log_index}"): "evidence.read",
    ("get", "/api/v1/sites/{site_id}/evidence/export"): "evidence.export",
    ("get", "/api/v1/audit/export"): "audit.export",
    ("get", "/api/mcp/policy/export"): "policy.export",
    ("get", "/api/mcp/policy/backup"): "policy.backup.make",
    ("get", "/api/v1/policies/backups/{name}/download"): "policy.backup.download",
}


@pytest.fixture
async def scene(web, owner, jobs_engine, moment, tmp_path):
    async with browser_of(web) as wire:
        made = await make_scene(owner, wire, web.state.policy_backups)
        await owner.execute(
            "INSERT INTO audit_log (partner_id, actor_kind, actor_id, action, subject)"
            " SELECT $1, 'user', 'user_x', 'site.healing', 'x' FROM generate_series(1, $2)",
            *(made.tenant.partner_id, matrix.DEEDS),
        )
        await sequencer.append_waiting(jobs_engine, moment)
        name = web_settings().installation_id
        await Signer(jobs_engine, LOG_KEY, name, tmp_path / "x", clock.system).sign_grown()
        yield made


async def recorded(owner, scene, after, actor=None):
    rows = await owner.fetch(
        "SELECT action FROM audit_log WHERE partner_id = $1 AND id > $2"
        " AND ($3::text IS NULL OR actor_id = $3) ORDER BY id",
        *(scene.tenant.partner_id, after, actor),
    )
    return [row["action"] for row in rows]


async def last_row(owner):
    return await owner.fetchval("SELECT coalesce(max(id), 0) FROM audit_log")


async def done(web, owner, scene, method, path):
    """What the route's example leaves in the audit log, under the name of who called it."""
    permission = matrix.operations(web)[method, path]
    async with browser_of(web) as caller:
        email = await make_user(owner, scene.tenant.partner_id, Role.OWNER)
        actor = email.partition("@")[0]
        if permission is Permission.APPLIANCE:
            caller.headers["authorization"] = f"Bearer {scene.appliance.credential}"
            actor = scene.appliance.id
        elif permission is not Permission.PUBLIC:
            await sign_in(caller, email)
        if path in matrix.NEEDS_A_RULE:
            await plant_rule(web, owner, scene.tenant)
        if path.endswith("/healing"):
            # To say again what is so already changes nothing.
            sql = "UPDATE sites SET healing = 'observe' WHERE id = $1"
            await owner.execute(sql, scene.tenant.site_id)
        before = await last_row(owner)
        if (method, path) == ("post", "/api/v1/session"):
            await sign_in(caller, email, PASSWORD)
            return await recorded(owner, scene, before, actor)
        answer = await matrix.ask(caller, method, path, scene)
    assert answer.status_code == EXAMPLES[method, path].ok, (method, path, answer.text)
    return await recorded(owner, scene, before, actor)


async def test_every_write_leaves_a_record_or_says_why_not(web, owner, scene):
    routes = matrix.operations(web)
    # What an appliance reports of an order ends what people may do about it.
    writes = sorted(
        (each for each in routes if each[0] != "get"),
        key=lambda each: routes[each] is Permission.APPLIANCE,
    )
    assert set(UNRECORDED) | REFUSED_HERE <= set(writes), "a route that is no more"
    silent, spoken = [], []
    for method, path in writes:
        if (method, path) in REFUSED_HERE:
            continue
        found = await done(web, owner, scene, method, path)
        if bool(found) == ((method, path) in UNRECORDED):
            (spoken if found else silent).append(f"{method} {path}: {found}")
    assert silent == [], "these leave no record: record them, or say in UNRECORDED why not"
    assert spoken == [], "these are recorded: they do not belong in UNRECORDED"


async def test_reading_and_exporting_what_proves_something_is_recorded(web, owner, scene):
    for (method, path), action in READINGS.items():
        assert action in await done(web, owner, scene, method, path), path


async def test_what_only_shows_leaves_no_record(web, owner, scene):
    for method, path in matrix.operations(web):
        if method == "get" and (method, path) not in READINGS:
            assert await done(web, owner, scene, method, path) == [], path


async def test_an_enrolment_is_recorded_under_the_appliances_name(owner, scene):
    rows = await owner.fetch(
        "SELECT actor_kind, actor_id FROM audit_log WHERE action = 'appliance.enrol'"
        " AND partner_id = $1",
        scene.tenant.partner_id,
    )
    assert [tuple(row) for row in rows] == [("appliance", scene.appliance.id)]


async def test_what_is_rolled_back_leaves_no_record(web, owner, scene):
    before = await last_row(owner)
    nobody = replace(scene, hold_id="hold_none")
    async with browser_of(web) as caller:
        await sign_in(caller, await make_user(owner, scene.tenant.partner_id, Role.OWNER))
        path = "/api/v1/sites/{site_id}/holds/{hold_id}/clear"
        assert (await matrix.ask(caller, "post", path, nobody)).status_code == 404
    assert await recorded(owner, scene, before) == ["session.open"]
