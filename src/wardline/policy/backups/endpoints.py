"""HTTP: backup, backups and restore of the contract, and what there is beside them."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi import Path as PathParameter
from fastapi.responses import StreamingResponse

from wardline.core.canonical import Json
from wardline.core.policy.replay_body import ReplayAsked
from wardline.policy import endpoints as contract
from wardline.policy import past, problems, refusals
from wardline.policy.backups import names, service
from wardline.policy.backups.folder import BackupUnknown, Entry, Folder
from wardline.policy.backups.names import Kind, Name
from wardline.policy.backups.service import Backups
from wardline.policy.endpoints import Reason
from wardline.policy.store import RuleInvalid

MORE = "/api/v1/policies/backups"
FILE_CHARS_MAX = 1_024
NAME_CHARS_MAX = 64
MEDIA_TYPE = "application/vnd.sqlite3"

BackupName = Annotated[str, PathParameter(max_length=NAME_CHARS_MAX, description="of a backup")]


@dataclass(frozen=True, slots=True)
class Access:
    """Who may: two dependencies of FastAPI, each of which yields the caller's Backups or raises.

    `asker` is for a GET that writes: it lets no page of another site through.
    """

    admin: Any
    asker: Any


def router(access: Access) -> APIRouter:
    """The routes over the backups that `access` yields."""
    made = APIRouter(
        tags=["policy"],
        route_class=problems.Route,
        responses=refusals.of(*refusals.COMMON),
    )
    _add_contract(made, access)
    _add_more(made, access)
    return made


def _add_contract(router: APIRouter, access: Access) -> None:
    @router.get(f"{contract.PREFIX}/backup", responses=refusals.of(409))
    async def backup_by_get(
        backups: Annotated[Backups, access.asker], reason: Reason = None
    ) -> dict[str, Json]:
        """Writes a backup, or names the newest where it holds the same. It needs what a write
        needs: from a page, the header `X-Wardline: 1`."""
        return {"ok": True, "file": await backups.make(contract.clean(reason))}

    @router.post(f"{contract.PREFIX}/backup", responses=refusals.of(409))
    async def backup(
        backups: Annotated[Backups, access.admin], reason: Reason = None
    ) -> dict[str, Json]:
        """Writes a backup, or names the newest where it holds the same."""
        return {"ok": True, "file": await backups.make(contract.clean(reason))}

    @router.get(f"{contract.PREFIX}/backups")
    async def list_backups(backups: Annotated[Backups, access.admin]) -> dict[str, Json]:
        """Every backup, newest first: names in `files`, and what is known of each in `items`."""
        found = await backups.entries()
        return {
            "ok": True,
            "files": [backups.folder.file(each.name) for each in found],
            "items": [_item(backups.folder, each) for each in found],
        }

    @router.post(
        f"{contract.PREFIX}/restore",
        openapi_extra=contract.takes("{file}: a backup, named as /backups lists it."),
        responses=refusals.of(400, 404, 409),
    )
    async def restore(
        request: Request, backups: Annotated[Backups, access.admin], reason: Reason = None
    ) -> dict[str, Json]:
        """Puts the rules of a backup in force, all at once and as a new revision, after a backup
        of what they replace. A file that is not whole changes nothing (400). `deniedToRun`: how
        many of the last `pastDecisions` were denials that would now run."""
        file = _file(await contract.body(request, contract.ONE_BYTES_MAX))
        made = await backups.restore(file, contract.clean(reason))
        return {
            "ok": True,
            "restoredFrom": made.file,
            "safetyBackup": made.safety,
            **made.told,
        }


def _add_more(router: APIRouter, access: Access) -> None:
    @router.post(MORE + "/{name}/verify", responses=refusals.of(404, 409))
    async def verify_backup(
        name: BackupName, backups: Annotated[Backups, access.admin]
    ) -> dict[str, Json]:
        """Reads a backup whole: `ok` says whether it could be restored, `item.fault` why not."""
        found, fault = await backups.verify(_name(name))
        return {"ok": fault is None, "item": _item(backups.folder, found) | {"fault": fault}}

    @router.post(MORE + "/{name}/replay", responses=refusals.of(400, 404, 409))
    async def replay_backup(
        name: BackupName, request: Request, backups: Annotated[Backups, access.admin]
    ) -> dict[str, Json]:
        """What a restore would have made of the decisions of the last 30 days: answered as
        `/api/v1/policies/replay`, before anything is done."""
        asked = ReplayAsked(tuple(await backups.rules(_name(name))))
        told = await past.replayed(backups.policy, asked, request.is_disconnected)
        return {"ok": True, **told}

    @router.get(
        MORE + "/{name}/download",
        response_class=Response,
        responses={
            200: {"content": {MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}}},
            **refusals.of(400, 404, 409),
        },
    )
    async def download_backup(
        name: BackupName, backups: Annotated[Backups, access.admin]
    ) -> StreamingResponse:
        """The file itself; from then on it is kept until somebody deletes it."""
        taken = await backups.take(_name(name))
        assert taken.note is not None, "what was taken has a manifest"
        return StreamingResponse(
            service.stream(backups.folder, taken),
            media_type=MEDIA_TYPE,
            headers={
                "content-length": str(taken.size),
                "content-disposition": f'attachment; filename="{taken.name.text}"',
                "etag": f'"{taken.note.sha256}"',
            },
        )

    @router.delete(MORE + "/{name}", status_code=204, responses=refusals.of(404, 409))
    async def delete_backup(name: BackupName, backups: Annotated[Backups, access.admin]) -> None:
        """Deletes a backup; the last one that is known to be whole stays (409)."""
        await backups.delete(_name(name))


def _file(given: Json) -> str:
    if not isinstance(given, dict):
        raise RuleInvalid([("$", "must be {file}")])
    if unknown := sorted(given.keys() - {"file"}):
        raise RuleInvalid([(str(unknown[0])[:64], "unknown key: not permitted")])
    file = given.get("file")
    if not isinstance(file, str) or not 0 < len(file) <= FILE_CHARS_MAX:
        raise RuleInvalid([("file", f"must be a text of 1 to {FILE_CHARS_MAX} characters")])
    return file


def _name(text: str) -> Name:
    found = names.parse(text)
    if found is None:
        raise BackupUnknown
    return found


def _item(folder: Folder, entry: Entry) -> dict[str, Json]:
    """What is known of a backup; of a file that somebody put there only its name and size."""
    known = entry.note
    return {
        "file": folder.file(entry.name),
        "name": entry.name.text,
        "kind": "safety" if entry.name.kind is Kind.SAFETY else "backup",
        "size": entry.size,
        "sha256": known and known.sha256,
        "rules": known and known.rules,
        "reason": known and known.reason,
        "revision": known and known.revision,
        "madeBy": known and known.made_by,
        "madeAt": known and known.made_at,
        "verifiedAt": known and known.verified_at,
        "fault": known and known.fault,
        "downloadedAt": known and known.downloaded_at,
    }
