"""HTTP: a site's evidence as a list, one entry with its proof, and the export for an auditor."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Path, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from wardline.central.database import audit_rows, page
from wardline.central.database.page import Cursor, Limit
from wardline.central.database.session import Session, open_session
from wardline.central.evidence import reading, tree
from wardline.central.evidence.reading import LogState, Signed
from wardline.central.identity.access import EvidenceReader
from wardline.central.identity.server_keys import ServerKeys
from wardline.central.tenancy import service as tenancy
from wardline.central.web import state
from wardline.core.errors import Conflict
from wardline.core.evidence import checkpoint, log
from wardline.formats import kit

router = APIRouter(prefix="/api/v1/sites/{site_id}/evidence", tags=["evidence"])

SiteParameter = Annotated[str, Path(max_length=64)]
IndexParameter = Annotated[int, Path(ge=0, le=log.SIZE_MAX)]


class EntryOut(BaseModel):
    """An entry of the log; what belongs to a bundle is null where the entry is of another kind."""

    log_index: int
    kind: str
    bundle_type: str | None
    host_id: str | None
    host_name: str | None
    appliance_id: str | None
    epoch: int
    seq: int
    bundle_hash: str
    generated_at: datetime | None
    received_at: datetime | None
    outcomes: dict[str, int]


class LogOut(BaseModel):
    """`root` (hex) is that of the newest checkpoint."""

    size: int
    checkpoint_size: int
    checkpoint_at: datetime | None
    root: str | None
    witnessed_size: int
    origin: str


class EvidenceOut(BaseModel):
    items: list[EntryOut]
    next_cursor: str | None
    log: LogOut


class ProofOut(BaseModel):
    """The audit path (hex, lowest first) in the tree of `size`."""

    size: int
    path: list[str]


class EntryDetailOut(BaseModel):
    """`proof` and `checkpoint` are null until a checkpoint covers the entry."""

    entry: dict[str, Any]
    leaf_hash: str
    payload: dict[str, Any] | None
    envelope: dict[str, Any] | None
    proof: ProofOut | None
    checkpoint: str | None


@router.get("")
async def list_evidence(
    site_id: SiteParameter,
    session: EvidenceReader,
    request: Request,
    limit: Limit = page.ITEMS_DEFAULT,
    cursor: Cursor = None,
) -> EvidenceOut:
    """The site's log, newest entry first."""
    await tenancy.get(session, site_id)
    await audit_rows.record_reading(session, "evidence.list", site_id, site_id)
    log_state = await reading.state(session, site_id)
    before = log_state.size if cursor is None else int(page.decode(cursor, int)[0])
    rows = await reading.page(session, site_id, log_state, before, limit)
    following = page.encode(rows[limit - 1]["log_index"]) if len(rows) > limit else None
    return EvidenceOut(
        items=[_entry(row) for row in rows[:limit]],
        next_cursor=following,
        log=_log(site_id, log_state, request),
    )


@router.get("/export", response_class=StreamingResponse)
async def export(
    site_id: SiteParameter, session: EvidenceReader, request: Request
) -> StreamingResponse:
    """The kit of the site's whole log up to its newest checkpoint, as a ZIP."""
    await tenancy.get(session, site_id)
    head = await tree.newest(session, site_id)
    if head is None:
        raise Conflict("nothing of this site's log is signed yet; try again in a few seconds")
    await session.record("evidence.export", site_id, after={"size": head.size}, site_id=site_id)
    engine, scope, actor, now = state.engine(request), session.scope, session.actor, session.now

    def opened() -> AbstractAsyncContextManager[Session]:
        return open_session(engine, scope, actor, now=lambda: now)

    name = f"evidence-{site_id}-{head.size}.zip"
    return StreamingResponse(
        _kit(opened, site_id, head, _server_keys(request)),
        media_type=kit.MEDIA_TYPE,
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


@router.get("/{log_index}")
async def get_entry(
    site_id: SiteParameter, log_index: IndexParameter, session: EvidenceReader
) -> EntryDetailOut:
    """One entry, its bundle as it was signed, and its proof under the newest checkpoint."""
    await tenancy.get(session, site_id)
    found = await reading.entry(session, site_id, log_index)
    named = f"{site_id}/{log_index}"
    await audit_rows.record_reading(session, "evidence.read", named, site_id)
    row, head = found.row, found.checkpoint
    has_bundle = row["payload"] is not None
    return EntryDetailOut(
        entry=orjson.loads(row["entry"]),
        leaf_hash=row["leaf_hash"].hex(),
        payload=orjson.loads(row["payload"]) if has_bundle else None,
        envelope=reading.envelope(row).to_wire() if has_bundle else None,
        proof=None if head is None else _proof(head, found.path),
        checkpoint=None if head is None else head.note,
    )


async def _kit(
    opened: reading.Open, site_id: str, head: Signed, keys: ServerKeys
) -> AsyncIterator[bytes]:
    """The kit piece by piece; one part of it is in memory at a time."""
    origin = checkpoint.parse_note(head.note).checkpoint().origin
    writer = kit.Writer(site_id, origin, keys.log_public)
    async for leaf in reading.entries(opened, site_id, head):
        if ready := writer.entry(leaf):
            yield ready
    async for index, envelope in reading.bundles(opened, site_id, head):
        if ready := writer.bundle(index, envelope):
            yield ready
    async for note in reading.checkpoints(opened, site_id, head):
        if ready := writer.checkpoint(note):
            yield ready
    yield writer.finish()


def _log(site_id: str, found: LogState, request: Request) -> LogOut:
    installation_id = _server_keys(request).installation_id
    return LogOut(
        size=found.size,
        checkpoint_size=found.checkpoint_size,
        checkpoint_at=found.checkpoint_at,
        root=None if found.root is None else found.root.hex(),
        witnessed_size=found.witnessed_size,
        origin=checkpoint.log_origin(installation_id, site_id, found.generation),
    )


def _proof(head: Signed, path: Sequence[bytes]) -> ProofOut:
    return ProofOut(size=head.size, path=[item.hex() for item in path])


def _entry(row: Any) -> EntryOut:
    entry = log.parse_entry(row["entry"])
    payload = {} if row["payload"] is None else orjson.loads(row["payload"])
    return EntryOut(
        log_index=row["log_index"],
        kind=row["kind"],
        bundle_type=row["bundle_type"],
        host_id=entry.host,
        host_name=row["host_name"],
        appliance_id=entry.appliance,
        epoch=entry.epoch,
        seq=entry.seq,
        bundle_hash=entry.payload_sha256,
        generated_at=row["generated_at"],
        received_at=row["received_at"],
        outcomes=Counter(item["outcome"] for item in payload.get("results", [])),
    )


def _server_keys(request: Request) -> ServerKeys:
    found: ServerKeys = request.app.state.server_keys
    return found
