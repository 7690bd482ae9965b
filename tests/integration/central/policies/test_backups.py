"""Backup, backups and restore of a partner's rules, over HTTP and on PostgreSQL."""

import hashlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.integration.central.conftest import Tenant, browser_of, make_user
from tests.integration.central.conftest import sign_in as browser_sign_in
from tests.integration.central.policies.conftest import SignIn
from tests.integration.central.policies.test_endpoints import RULE
from tests.unit.formats import policy_files
from tests.unit.formats.test_policy_file import SPOILT
from wardline.central.database.engine import Raw
from wardline.central.policies.folders import Folders
from wardline.core.policy import parse
from wardline.formats import policy_file
from wardline.policy.backups import names
from wardline.policy.backups.folder import Folder
from wardline.policy.backups.names import Kind

MORE = "http://central/api/v1/policies/backups"


@pytest.fixture
def folder(folders: Folders, tenant: Tenant) -> Folder:
    return folders.of(tenant.partner_id)


def rule(rule_id: str, **fields: object) -> dict[str, Any]:
    return RULE | {"id": rule_id} | fields


async def create(client: httpx2.AsyncClient, *rules: dict[str, Any]) -> None:
    answer = await client.post("/create", json={"rules": list(rules)})
    assert answer.status_code == 200, answer.text


async def make_backup(client: httpx2.AsyncClient) -> str:
    answer = await client.get("/backup")
    assert (answer.status_code, answer.json().keys()) == (200, {"ok", "file"}), answer.text
    file: str = answer.json()["file"]
    return file


async def restore(client: httpx2.AsyncClient, file: str) -> httpx2.Response:
    return await client.post("/restore", json={"file": file})


async def exported(client: httpx2.AsyncClient) -> Any:
    return (await client.get("/export")).json()["rules"]


async def test_a_restore_brings_back_what_the_backup_held(
    admin: httpx2.AsyncClient, owner: Raw, tenant: Tenant, folder: Folder
) -> None:
    await create(admin, rule("same"), rule("changed"), rule("gone"))
    before = await exported(admin)
    stamps = {each["id"]: each["revision"] for each in (await admin.get("/list")).json()["data"]}
    file = await make_backup(admin)
    assert file.startswith("backups/policies-")
    await create(admin, rule("changed", priority=7), rule("new"))
    await admin.post("/delete", json={"id": "gone"})
    replaced = await exported(admin)

    answer = await restore(admin, file)
    assert answer.status_code == 200, answer.text
    safety = answer.json()["safetyBackup"]
    assert answer.json() == {"ok": True, "restoredFrom": file, "safetyBackup": safety}
    assert safety.startswith("backups/pre-restore-")
    assert await exported(admin) == before
    listed = {each["id"]: each for each in (await admin.get("/list")).json()["data"]}
    assert listed["same"]["revision"] == stamps["same"], "what is the same stays as it is"
    assert listed["changed"]["revision"] == listed["gone"]["revision"] == 4

    back = await restore(admin, safety)
    assert back.status_code == 200
    assert await exported(admin) == replaced
    assert (await admin.get("/backups")).json()["files"][0] == back.json()["safetyBackup"]


async def test_history_event_and_audit_of_a_restore_are_of_one_transaction(
    admin: httpx2.AsyncClient, owner: Raw, tenant: Tenant, folder: Folder
) -> None:
    await create(admin, rule("one"))
    file = await make_backup(admin)
    await admin.post("/delete", json={"id": "one"})
    answer = await admin.post("/restore?reason=a%20slip", json={"file": file})
    (revision,) = await owner.fetch(
        "SELECT revision, author, reason FROM policy_revisions WHERE partner_id = $1"
        " AND revision = (SELECT revision FROM policy_heads WHERE partner_id = $1)",
        tenant.partner_id,
    )
    assert revision["revision"] == 3
    assert revision["reason"] == f"restored from {Path(file).name}: a slip"
    (event,) = await owner.fetch(
        "SELECT kind, payload, tx::text FROM change_log WHERE partner_id = $1"
        " AND kind = 'policy.restored'",
        tenant.partner_id,
    )
    assert json.loads(event["payload"]) == {"service": "policy", "type": "restored", "from": file}
    (audit,) = await owner.fetch(
        "SELECT actor_id, subject, after FROM audit_log WHERE partner_id = $1"
        " AND action = 'policy.backup.restore'",
        tenant.partner_id,
    )
    assert (audit["subject"], audit["actor_id"]) == (file, revision["author"])
    safety = answer.json()["safetyBackup"]
    assert json.loads(audit["after"])["safetyBackup"] == safety
    (item,) = [
        each for each in (await admin.get("/backups")).json()["items"] if each["file"] == safety
    ]
    assert item["madeBy"] == revision["author"], "the safety backup is tied to who restored"
    assert item["reason"] == f"before {Path(file).name} was restored"
    versions = await owner.fetch(
        "SELECT revision, body IS NULL AS gone FROM policy_rule_versions"
        " WHERE partner_id = $1 AND rule_id = 'one' ORDER BY revision",
        tenant.partner_id,
    )
    assert [tuple(row) for row in versions] == [(1, False), (2, True), (3, False)]


async def test_the_simulator_judges_by_what_was_restored(admin: httpx2.AsyncClient) -> None:
    alert = {
        "id": "a",
        "kpiId": "kernel_sysctl",
        "title": "T",
        "message": "M",
        "severity": "medium",
    }
    file = await make_backup(admin)
    await create(admin, rule("one", limits={}))
    asked = await admin.post("/test", json={"alert": alert})
    assert asked.json()["decision"]["type"] == "allow"
    assert (await restore(admin, file)).status_code == 200
    decision = (await admin.post("/test", json={"alert": alert})).json()["decision"]
    assert (decision["type"], decision["reason"]) == ("deny", "No matching rule")


async def test_a_backup_of_nothing_and_of_what_has_not_changed(
    admin: httpx2.AsyncClient, folder: Folder
) -> None:
    first = await make_backup(admin)
    assert await make_backup(admin) == first
    posted = await admin.post("/backup?reason=monthly", json={})
    assert posted.json() == {"ok": True, "file": first}
    await create(admin, rule("one"))
    second = (await admin.post("/backup?reason=monthly", json={})).json()["file"]
    listed = (await admin.get("/backups")).json()
    assert listed["files"] == [second, first]
    item = listed["items"][0]
    content = (folder.path / item["name"]).read_bytes()
    assert (item["size"], item["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert (item["rules"], item["reason"], item["kind"]) == (1, "monthly", "backup")


@pytest.mark.parametrize("spoil", SPOILT, ids=lambda spoil: spoil.__name__)
async def test_a_spoilt_file_changes_nothing_and_the_answer_says_what_is_wrong(
    admin: httpx2.AsyncClient,
    owner: Raw,
    tenant: Tenant,
    folder: Folder,
    spoil: Callable[[Path], None],
) -> None:
    await create(admin, rule("old"))
    file = await make_backup(admin)
    await create(admin, rule("live"))
    await make_backup(admin)
    before = await exported(admin)
    spoil(folder.path / Path(file).name)
    listed = (await admin.get("/backups")).json()["files"]
    answer = await restore(admin, file)
    fault, words = SPOILT[spoil]
    if fault is policy_file.Fault.MISSING:
        assert (answer.status_code, answer.json()["detail"]) == (404, "Backup not found")
    else:
        assert answer.status_code == 400, answer.text
        assert words in answer.json()["detail"]
    assert await exported(admin) == before
    assert (await admin.get("/backups")).json()["files"] == listed, "no safety backup in vain"
    assert (
        await owner.fetchval(
            "SELECT count(*) FROM change_log WHERE partner_id = $1 AND kind = 'policy.restored'",
            tenant.partner_id,
        )
        == 0
    )


@pytest.mark.parametrize(
    "file",
    [
        "../../etc/hostname",
        "/etc/hostname",
        "backups/../../../etc/hostname",
        "backups/policies-2025-10-09T11-30-45-123456.db",
        "backups/x.db",
        "policies.db",
    ],
)
async def test_nothing_but_what_is_listed_is_restored(
    admin: httpx2.AsyncClient, folder: Folder, file: str
) -> None:
    """Defect 4: a restore accepted `../../etc/hostname` and put it live."""
    await create(admin, rule("live"))
    before = await exported(admin)
    answer = await restore(admin, file)
    assert answer.status_code in (400, 404)
    assert answer.status_code == 400 or answer.json()["detail"] == "Backup not found"
    assert await exported(admin) == before


@pytest.mark.parametrize(
    "body",
    [
        [],
        "x",
        {},
        {"file": 1},
        {"file": None},
        {"file": ""},
        {"file": "x" * 2000},
        {"file": "x", "a": 1},
    ],
)
async def test_a_malformed_restore_is_refused(admin: httpx2.AsyncClient, body: object) -> None:
    assert (await admin.post("/restore", json=body)).status_code == 422


async def test_a_rule_that_may_not_be_in_force_here_is_not_restored(
    admin: httpx2.AsyncClient, folder: Folder
) -> None:
    await create(admin, rule("live"))
    before = await exported(admin)
    file = await make_backup(admin)
    bad = [
        {"action": "no.such.runbook"},
        {"scope": {"partner": "prt_somebody_else"}},
    ]
    for minute, fields in enumerate(bad):
        name = f"policies-2099-01-01T00-{minute:02}-00-000000.db"
        foreign = policy_files.rule(1, **fields)
        contents = policy_file.Contents(1, 3, (foreign,), ())
        policy_file.write(folder.path / name, contents, policy_files.MAKING)
        answer = await restore(admin, f"backups/{name}")
        assert answer.status_code == 400, answer.text
        assert f"rules[0].{next(iter(fields))}" in answer.json()["detail"]
    assert await exported(admin) == before
    assert (await restore(admin, file)).status_code == 200


async def test_a_partner_sees_its_own_backups_only(
    admin: httpx2.AsyncClient, sign_in: SignIn, other_tenant: Tenant
) -> None:
    await create(admin, rule("one"))
    file = await make_backup(admin)
    other = await sign_in(other_tenant, "owner")
    await create(other, rule("other"))
    assert (await other.get("/backups")).json()["files"] == []
    assert (await restore(other, file)).status_code == 404
    name = Path(file).name
    for method, path in [
        ("POST", f"{MORE}/{name}/verify"),
        ("GET", f"{MORE}/{name}/download"),
        ("DELETE", f"{MORE}/{name}"),
    ]:
        assert (await other.request(method, path)).status_code == 404
    assert [each["id"] for each in await exported(other)] == ["other"]


@pytest.mark.parametrize("role", ["manager", "operator", "reader", "auditor"])
async def test_backups_are_for_admins(sign_in: SignIn, tenant: Tenant, role: str) -> None:
    client = await sign_in(tenant, role)
    name = names.Name(Kind.BACKUP, policy_files.AT).text
    for method, path in [
        ("GET", "/backup"),
        ("POST", "/backup"),
        ("GET", "/backups"),
        ("POST", "/restore"),
        ("POST", f"{MORE}/{name}/verify"),
        ("GET", f"{MORE}/{name}/download"),
        ("DELETE", f"{MORE}/{name}"),
    ]:
        assert (await client.request(method, path)).status_code == 403, (method, path)


async def test_a_download_is_the_file_and_verifies(
    admin: httpx2.AsyncClient, folder: Folder, tmp_path: Path
) -> None:
    await create(admin, rule("one"))
    name = Path(await make_backup(admin)).name
    got = await admin.get(f"{MORE}/{name}/download")
    assert got.status_code == 200
    assert got.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert got.content == (folder.path / name).read_bytes()
    assert got.headers["etag"] == f'"{hashlib.sha256(got.content).hexdigest()}"'
    (tmp_path / "got.db").write_bytes(got.content)
    found = policy_file.read(tmp_path / "got.db", tmp_path)
    assert [parse.to_wire(each)["id"] for each in found.contents.rules] == ["one"]
    (item,) = (await admin.get("/backups")).json()["items"]
    assert item["downloadedAt"] is not None
    good = await admin.post(f"{MORE}/{name}/verify")
    assert (good.status_code, good.json()["ok"]) == (200, True)
    with (folder.path / name).open("r+b") as file:
        os.pwrite(file.fileno(), b"\xff", 5000)
    bad = await admin.post(f"{MORE}/{name}/verify")
    assert (bad.status_code, bad.json()["ok"]) == (200, False)
    assert "damaged" in bad.json()["item"]["fault"]
    assert (await admin.get(f"{MORE}/{name}/download")).status_code == 400


async def test_a_backup_is_deleted_by_a_person_unless_it_is_the_last(
    admin: httpx2.AsyncClient, owner: Raw, tenant: Tenant
) -> None:
    first = Path(await make_backup(admin)).name
    refused = await admin.delete(f"{MORE}/{first}")
    assert (refused.status_code, refused.json()["code"]) == (409, "backup_needed")
    await create(admin, rule("one"))
    await make_backup(admin)
    assert (await admin.delete(f"{MORE}/{first}")).status_code == 204
    assert (await admin.delete(f"{MORE}/{first}")).status_code == 404
    assert (await admin.delete(f"{MORE}/..%2F..%2Fetc%2Fhostname")).status_code == 404
    assert (
        await owner.fetchval(
            "SELECT count(*) FROM audit_log WHERE partner_id = $1 AND action = 'policy.backup.delete'",
            tenant.partner_id,
        )
        == 1
    )


async def test_with_a_cookie_a_backup_needs_what_every_write_needs(
    web: Any, owner: Raw, tenant: Tenant
) -> None:
    async with browser_of(web) as browser:
        await browser_sign_in(browser, await make_user(owner, tenant.partner_id))
        path = "/api/mcp/policy/backup"
        assert (await browser.get(path)).status_code == 200
        foreign = await browser.get(path, headers={"origin": "http://evil.example"})
        assert (foreign.status_code, foreign.json()["code"]) == (403, "cross_site")
        own = await browser.get(path, headers={"origin": "http://127.0.0.1"})
        assert own.status_code == 200
        browser.headers.pop("x-wardline")
        bare = await browser.get(path)
        assert (bare.status_code, bare.json()["code"]) == (403, "cross_site")
        assert (await browser.get("/api/mcp/policy/backups")).status_code == 200
