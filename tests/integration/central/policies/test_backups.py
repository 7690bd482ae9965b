"""Backup, backups and restore over HTTP, on PostgreSQL and on a policy file."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.central.policies.backing import MORE, Place, rule
from tests.unit.formats import policy_files
from tests.unit.formats.test_policy_file import SPOILT
from wardline.formats import policy_file


async def test_history_event_and_audit_of_a_restore_are_of_one_transaction(place: Place) -> None:
    await place.create(rule("one"))
    file = await place.backup()
    await place.post("/delete", {"id": "one"})
    answer = await place.post("/restore?reason=a%20slip", {"file": file})
    number, author, reason = (await place.book.revisions())[-1]
    assert (number, reason) == (3, f"restored from {Path(file).name}: a slip")
    assert [each for each in await place.book.events() if each["type"] == "restored"] == [
        {"service": "policy", "type": "restored", "from": file}
    ]
    ((actor, subject, told),) = await place.book.audit("policy.backup.restore")
    safety = answer.json()["safetyBackup"]
    assert (actor, subject, told["safetyBackup"], told["revision"]) == (author, file, safety, 3)
    (item,) = [
        each for each in (await place.get("/backups")).json()["items"] if each["file"] == safety
    ]
    assert item["madeBy"] == author, "the safety backup is tied to who restored"
    assert item["reason"] == f"before {Path(file).name} was restored"
    assert await place.book.versions("one") == [(1, False), (2, True), (3, False)]


async def test_a_restore_brings_back_what_the_backup_held(place: Place) -> None:
    await place.create(rule("same"), rule("changed"), rule("gone"))
    before = await place.exported()
    stamps = {each["id"]: each["revision"] for each in (await place.get("/list")).json()["data"]}
    file = await place.backup()
    assert file.startswith(f"{place.folder.shown}/policies-")
    await place.create(rule("changed", priority=7), rule("new"))
    await place.post("/delete", {"id": "gone"})
    replaced = await place.exported()

    answer = await place.restore(file)
    assert answer.status_code == 200, answer.text
    safety = answer.json()["safetyBackup"]
    assert answer.json() == {"ok": True, "restoredFrom": file, "safetyBackup": safety}
    assert safety.startswith(f"{place.folder.shown}/pre-restore-")
    assert await place.exported() == before
    listed = {each["id"]: each for each in (await place.get("/list")).json()["data"]}
    assert listed["same"]["revision"] == stamps["same"], "what is the same stays as it is"
    assert listed["changed"]["revision"] == listed["gone"]["revision"] == 4

    back = await place.restore(safety)
    assert back.status_code == 200
    assert await place.exported() == replaced
    assert (await place.get("/backups")).json()["files"][0] == back.json()["safetyBackup"]


async def test_the_simulator_judges_by_what_was_restored(place: Place) -> None:
    alert = {
        "id": "a",
        "kpiId": "kernel_sysctl",
        "title": "T",
        "message": "M",
        "severity": "medium",
    }
    file = await place.backup()
    await place.create(rule("one", limits={}))
    asked = await place.post("/test", {"alert": alert})
    assert asked.json()["decision"]["type"] == "allow"
    assert (await place.restore(file)).status_code == 200
    decision = (await place.post("/test", {"alert": alert})).json()["decision"]
    assert (decision["type"], decision["reason"]) == ("deny", "No matching rule")


async def test_a_backup_of_nothing_and_of_what_has_not_changed(place: Place) -> None:
    first = await place.backup()
    assert await place.backup() == first
    posted = await place.post("/backup?reason=monthly", {})
    assert posted.json() == {"ok": True, "file": first}
    await place.create(rule("one"))
    second = (await place.post("/backup?reason=monthly", {})).json()["file"]
    listed = (await place.get("/backups")).json()
    assert listed["files"] == [second, first]
    item = listed["items"][0]
    content = (place.folder.path / item["name"]).read_bytes()
    assert (item["size"], item["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    assert (item["rules"], item["reason"], item["kind"]) == (1, "monthly", "backup")


@pytest.mark.parametrize("spoil", SPOILT, ids=lambda spoil: spoil.__name__)
async def test_a_spoilt_file_changes_nothing_and_the_answer_says_what_is_wrong(
    place: Place,
    spoil: Callable[[Path], None],
) -> None:
    await place.create(rule("old"))
    file = await place.backup()
    await place.create(rule("live"))
    await place.backup()
    before = await place.exported()
    spoil(place.folder.path / Path(file).name)
    listed = (await place.get("/backups")).json()["files"]
    answer = await place.restore(file)
    fault, words = SPOILT[spoil]
    if fault is policy_file.Fault.MISSING:
        assert (answer.status_code, answer.json()["detail"]) == (404, "Backup not found")
    else:
        assert answer.status_code == 400, answer.text
        assert words in answer.json()["detail"]
    assert await place.exported() == before
    assert (await place.get("/backups")).json()["files"] == listed, "no safety backup in vain"
    assert "restored" not in [each["type"] for each in await place.book.events()]


@pytest.mark.parametrize(
    "file",
    [
        "../../etc/hostname",
        "/etc/hostname",
        "{folder}/../../../etc/hostname",
        "{folder}/policies-2025-10-09T11-30-45-123456.db",
        "{folder}/x.db",
        "{folder}",
        "policies.db",
    ],
)
async def test_nothing_but_what_is_listed_is_restored(place: Place, file: str) -> None:
    """Defect 4: a restore accepted `../../etc/hostname` and put it live."""
    await place.create(rule("live"))
    before = await place.exported()
    answer = await place.restore(file.replace("{folder}", place.folder.shown))
    assert answer.status_code in (400, 404)
    assert answer.status_code == 400 or answer.json()["detail"] == "Backup not found"
    assert await place.exported() == before


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
async def test_a_malformed_restore_is_refused(place: Place, body: object) -> None:
    assert (await place.post("/restore", body)).status_code == 422


async def test_a_rule_that_may_not_be_in_force_here_is_not_restored(place: Place) -> None:
    await place.create(rule("live"))
    before = await place.exported()
    file = await place.backup()
    bad = [
        {"action": "no.such.runbook"},
        {"scope": {"partner": "prt_somebody_else"}},
    ]
    for minute, fields in enumerate(bad):
        name = f"policies-2099-01-01T00-{minute:02}-00-000000.db"
        foreign = policy_files.rule(1, **fields)
        contents = policy_file.Contents(1, 3, (foreign,), ())
        policy_file.write(place.folder.path / name, contents.rows, policy_files.MAKING)
        answer = await place.restore(f"{place.folder.shown}/{name}")
        assert answer.status_code == 400, answer.text
        assert f"rules[0].{next(iter(fields))}" in answer.json()["detail"]
    assert await place.exported() == before
    assert (await place.restore(file)).status_code == 200


async def test_a_download_is_the_file_and_verifies(place: Place, tmp_path: Path) -> None:
    await place.create(rule("one"))
    name = Path(await place.backup()).name
    got = await place.client.get(f"{MORE}/{name}/download")
    assert got.status_code == 200
    assert got.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert got.content == (place.folder.path / name).read_bytes()
    assert got.headers["etag"] == f'"{hashlib.sha256(got.content).hexdigest()}"'
    (tmp_path / "got.db").write_bytes(got.content)
    found = policy_file.read(tmp_path / "got.db", tmp_path)
    assert [each.id for each in found.contents.rules] == ["one"]
    (item,) = (await place.get("/backups")).json()["items"]
    assert item["downloadedAt"] is not None
    good = await place.client.post(f"{MORE}/{name}/verify")
    assert (good.status_code, good.json()["ok"]) == (200, True)
    with (place.folder.path / name).open("r+b") as file:
        os.pwrite(file.fileno(), b"\xff", 5000)
    bad = await place.client.post(f"{MORE}/{name}/verify")
    assert (bad.status_code, bad.json()["ok"]) == (200, False)
    assert "damaged" in bad.json()["item"]["fault"]
    assert (await place.client.get(f"{MORE}/{name}/download")).status_code == 400


async def test_a_backup_is_deleted_by_a_person_unless_it_is_the_last(place: Place) -> None:
    first = Path(await place.backup()).name
    refused = await place.client.delete(f"{MORE}/{first}")
    assert (refused.status_code, refused.json()["code"]) == (409, "backup_needed")
    await place.create(rule("one"))
    await place.backup()
    assert (await place.client.delete(f"{MORE}/{first}")).status_code == 204
    assert (await place.client.delete(f"{MORE}/{first}")).status_code == 404
    assert (await place.client.delete(f"{MORE}/..%2F..%2Fetc%2Fhostname")).status_code == 404
    assert [each[1] for each in await place.book.audit("policy.backup.delete")] == [
        place.folder.shown + "/" + first
    ]
