"""When backups go: after each one standalone, by a job of Central's."""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.integration.central.policies import backing
from tests.integration.central.policies.backing import MORE, ROUTES, rule
from tests.unit.formats import policy_files
from wardline.central.policies.folders import Folders
from wardline.policy.backups.folder import Folder, FolderBusy
from wardline.policy.backups.names import Kind
from wardline.policy.backups.retention import DEFAULT, Retention

NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def test_a_server_on_a_file_clears_after_each_backup(tmp_path: Path) -> None:
    async with backing.standalone(tmp_path / "s", retention=Retention(keep=2)) as place:
        made = []
        for number in range(4):
            await place.create(rule(f"rule.{number}"))
            made.append(await place.backup())
        assert (await place.get("/backups")).json()["files"] == made[:1:-1]
        taken = Path(made[2]).name
        assert (await place.client.get(f"{MORE}/{taken}/download")).status_code == 200
        for number in range(4, 8):
            await place.create(rule(f"rule.{number}"))
            made.append(await place.backup())
        assert (await place.get("/backups")).json()["files"] == [made[7], made[6], made[2]]


async def test_a_server_with_tokens_backs_up_for_admins_only(tmp_path: Path) -> None:
    roles = ("reader", "manager", "admin")
    tokens = tmp_path / "tokens"
    tokens.write_text(
        "".join(
            f"ann.{role} {role} {hashlib.sha256(role.encode()).hexdigest()}\n" for role in roles
        )
    )
    async with backing.standalone(tmp_path / "s", token_file=tokens) as place:
        for role, wanted in [("reader", 403), ("manager", 403), ("admin", 200), ("nobody", 401)]:
            place.client.headers["authorization"] = f"Bearer {role}"
            for method, path in [("GET", "/backup"), ("POST", "/backup"), ("GET", "/backups")]:
                answer = await place.client.request(method, ROUTES + path)
                assert answer.status_code == wanted, (role, method, path)
        place.client.headers["authorization"] = "Bearer admin"
        (item,) = (await place.get("/backups")).json()["items"]
        assert item["madeBy"] == "ann.admin"


def old_backups(folders: Folders, partner_id: str) -> Folder:
    """One a year old, one of now."""
    folder = folders.of(partner_id)
    for days, revision in ((400, 1), (0, 2)):
        made = Folder(folder.path, folder.shown, lambda days=days: NOW - timedelta(days=days))
        made.make(Kind.BACKUP, policy_files.contents(1, revision).rows, "usr_1", "asked for")
    return folder


async def test_the_job_clears_the_folders_of_all_partners(tmp_path: Path) -> None:
    folders = Folders(tmp_path / "backups", lambda: NOW)
    assert await folders.retain() == 0
    held = [old_backups(folders, partner_id) for partner_id in ("partner_a", "partner_b")]
    assert await folders.retain() == 2
    for folder in held:
        assert [each.name.at for each in folder.entries()] == [NOW]
    assert await folders.retain() == 0


async def test_a_folder_that_cannot_be_cleared_holds_up_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = Folders(tmp_path / "backups", lambda: NOW)
    old_backups(folders, "partner_a")
    other = old_backups(folders, "partner_b")
    retain = Folder.retain

    def busy(folder: Folder, rules: Retention) -> object:
        if folder.path.name == "partner_a":
            raise FolderBusy("the backups are being worked on: try again")
        return retain(folder, rules)

    monkeypatch.setattr(Folder, "retain", busy)
    with pytest.raises(FolderBusy):
        await folders.retain()
    assert len(other.entries()) == 1
    monkeypatch.undo()
    assert len(folders.of("partner_a").retain(DEFAULT)) == 1
