"""HTTP: the partner's audit log, searched; one record with its proof; the export."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import AwareDatetime, BaseModel, StringConstraints

from wardline.central.audit import service
from wardline.central.audit.rows import Search, Signed
from wardline.central.audit.service import LogState
from wardline.central.database import page
from wardline.central.database.page import Cursor, Limit
from wardline.central.database.session import Session, open_session
from wardline.central.identity.access import AuditReader
from wardline.central.identity.server_keys import ServerKeys
from wardline.central.web import state
from wardline.core import clock
from wardline.core.audit.record import Record
from wardline.core.evidence import checkpoint
from wardline.formats import audit_kit

router = APIRouter(prefix="/api/v1/audit", tags=["audit"])

SeqParameter = Annotated[int, Path(ge=1, le=page.NUMBER_MAX)]
# PostgreSQL stores no NUL, so nothing that holds one can be found.
Word = Annotated[
    str, StringConstraints(min_length=1, max_length=128, pattern=r"^[^\x00]+$"), Query()
]
Instant = Annotated[AwareDatetime, Query()]


class RecordOut(BaseModel):
    """A deed: `actor` did `action` to `subject`. `actor_kind` is user, appliance or system;
    `actor_name` and `site_name` are what they are called now. `proved` says whether a signed
    checkpoint covers it."""

    seq: int
    at: datetime
    actor_kind: str
    actor: str
    actor_name: str | None
    address: str | None
    site_id: str | None
    site_name: str | None
    action: str
    subject: str
    reason: str | None
    proved: bool


class LogOut(BaseModel):
    """`root` (hex) is that of the newest checkpoint. `waiting` records are written and not part of
    the log yet. `alarm` says why the log is signed no more."""

    size: int
    checkpoint_size: int
    checkpoint_at: datetime | None
    root: str | None
    origin: str
    waiting: int
    alarm: str | None


class AuditOut(BaseModel):
    """A page may be empty and still have a next one: a text is looked for piece by piece."""

    items: list[RecordOut]
    next_cursor: str | None
    log: LogOut


class ProofOut(BaseModel):
    """The audit path (hex, lowest first) in the tree of `size`; the leaf's index is `seq` - 1."""

    size: int
    path: list[str]


class RecordDetailOut(RecordOut):
    """`before` and `after` with secrets left out. `leaf` is the text that was hashed. `row_stands`
    is false where the row that the leaf was made of was altered later. `proof` and `checkpoint` are
    null until a checkpoint covers the record."""

    before: dict[str, Any] | None
    after: dict[str, Any] | None
    leaf: str
    leaf_hash: str
    row_stands: bool
    proof: ProofOut | None
    checkpoint: str | None


@router.get("")
async def search_audit_log(
    session: AuditReader,
    request: Request,
    actor: Word | None = None,
    action: Word | None = None,
    subject: Word | None = None,
    site: Word | None = None,
    since: Annotated[Instant | None, Query(alias="from")] = None,
    until: Instant | None = None,
    text: Word | None = None,
    limit: Limit = page.ITEMS_DEFAULT,
    cursor: Cursor = None,
) -> AuditOut:
    """The partner's audit log, newest record first. `actor` is an id or an e-mail address, `from`
    is included and `until` is not."""
    before = None if cursor is None else int(page.decode(cursor, int)[0])
    log_state = await service.state(session)
    wanted = Search(actor, action, subject, site, since, until, text)
    found = await service.search(session, wanted, log_state, before, limit)
    return AuditOut(
        items=[RecordOut(**_said(each, found.names, log_state.newest)) for each in found.records],
        next_cursor=None if found.below is None else page.encode(found.below),
        log=_log(session, log_state, request),
    )


@router.get("/export", response_class=StreamingResponse)
async def export_audit_log(session: AuditReader, request: Request) -> StreamingResponse:
    """The partner's whole audit log up to its newest checkpoint, as a ZIP; the export is recorded
    in it."""
    head = await service.exported(session)
    partner_id = session.scope.owner
    engine, scope, actor, now = state.engine(request), session.scope, session.actor, session.now

    def opened() -> AbstractAsyncContextManager[Session]:
        return open_session(engine, scope, actor, now=lambda: now)

    name = f"audit-{partner_id}-{head.size}.zip"
    return StreamingResponse(
        _kit(opened, partner_id, head, _server_keys(request)),
        media_type=audit_kit.MEDIA_TYPE,
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


@router.get("/{seq}")
async def get_audit_record(seq: SeqParameter, session: AuditReader) -> RecordDetailOut:
    """One record by its number, and its proof under the newest checkpoint."""
    found = await service.one(session, seq)
    head = found.checkpoint
    return RecordDetailOut(
        **_said(found.record, found.names, head),
        before=_dict(found.record.before),
        after=_dict(found.record.after),
        leaf=found.leaf.decode(),
        leaf_hash=found.leaf_hash.hex(),
        row_stands=found.row_stands,
        proof=None
        if head is None
        else ProofOut(size=head.size, path=[item.hex() for item in found.path]),
        checkpoint=None if head is None else head.note,
    )


async def _kit(
    opened: service.Open, partner_id: str, head: Signed, keys: ServerKeys
) -> AsyncIterator[bytes]:
    """The export piece by piece; one part of it is in memory at a time."""
    origin = checkpoint.parse_note(head.note).checkpoint().origin
    writer = audit_kit.Writer(partner_id, origin, keys.log_public)
    async for leaf in service.records(opened, head):
        if ready := writer.record(leaf):
            yield ready
    async for note in service.checkpoints(opened, head):
        if ready := writer.checkpoint(note):
            yield ready
    yield writer.finish()


def _said(record: Record, names: dict[str, str], head: Signed | None) -> dict[str, Any]:
    return {
        "seq": record.seq,
        "at": clock.from_milliseconds(record.at_ms),
        "actor_kind": record.actor_kind,
        "actor": record.actor,
        "actor_name": names.get(record.actor),
        "address": record.address,
        "site_id": record.site,
        "site_name": names.get(record.site or ""),
        "action": record.action,
        "subject": record.subject,
        "reason": record.reason,
        "proved": head is not None and record.seq <= head.size,
    }


def _log(session: Session, found: LogState, request: Request) -> LogOut:
    installation_id = _server_keys(request).installation_id
    newest = found.newest
    return LogOut(
        size=found.size,
        checkpoint_size=0 if newest is None else newest.size,
        checkpoint_at=None if newest is None else newest.signed_at,
        root=None if newest is None else newest.root.hex(),
        origin=checkpoint.audit_origin(installation_id, session.scope.owner, found.generation),
        waiting=found.waiting,
        alarm=found.alarm,
    )


def _dict(value: Any) -> dict[str, Any] | None:
    return None if value is None else dict(value)


def _server_keys(request: Request) -> ServerKeys:
    found: ServerKeys = request.app.state.server_keys
    return found
