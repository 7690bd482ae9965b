"""Evidence into the log: the append of verified bundles and of key events, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import orjson

from wardline.central.database.session import Session
from wardline.central.evidence import rows
from wardline.central.evidence.receive import BatchRefused, Received
from wardline.central.evidence.repository import Head, Repository, StreamHead, Taken
from wardline.central.evidence.rows import NewBundle, NewLeaf, NewRows
from wardline.core import clock, frozen
from wardline.core.errors import NotFound
from wardline.core.evidence import bundle, log, signing
from wardline.core.evidence.bundle import Bundle, Kind
from wardline.core.evidence.log import Entry, EntryKind
from wardline.core.protocol import EvidenceProblem, Stream

_HIPAA = "hipaa:"


@dataclass(frozen=True, slots=True)
class Batch:
    """Verified bundles of one epoch, and what is written when all of them are new."""

    items: Sequence[Received]
    received_at: datetime
    received_ms: int
    leaves: Sequence[NewLeaf]
    rows: NewRows

    @property
    def bundles(self) -> list[Bundle]:
        return [item.bundle for item in self.items]


@dataclass(frozen=True, slots=True)
class Receipt:
    """The fields of protocol.Receipt, which what is written here needs no checking for."""

    epoch: int
    seq: int
    index: int
    leaf_hash: str
    received_ms: int


_make_receipt = frozen.maker(Receipt)


@dataclass(frozen=True, slots=True)
class Ingested:
    """What a batch came to: a receipt per envelope in order, the stream's head, and what of it was
    new, which stands in the log from `first_index` on; None where nothing was.

    `conflict` is set when one envelope holds other bytes under a number that is taken; the caller
    commits, which keeps that envelope, and then raises it.
    """

    receipts: list[Receipt]
    new: Batch | None
    first_index: int
    stream: Stream
    conflict: BatchRefused | None = None


def prepare(items: Sequence[Received], now: datetime, *, equivocates: bool = False) -> Batch:
    """What `ingest` takes of at least one verified bundle, received at `now`: pure work, and the
    more of it is done before the log is locked the better."""
    received_ms = clock.milliseconds(now)
    leaves = [_bundle_leaf(item, received_ms, equivocates=equivocates) for item in items]
    return Batch(
        items,
        clock.from_milliseconds(received_ms),
        received_ms,
        leaves,
        rows.of_bundles(leaves, [_row(item) for item in items]),
    )


async def ingest(session: Session, appliance_id: str, batch: Batch) -> Ingested:
    """Appends the bundles of a batch that are not stored yet.

    Raises BatchRefused when one is ahead of the stream or does not continue it; then nothing is
    stored. A bundle that is stored already gets the receipt that it got the first time.
    """
    repository = Repository(session, _site(session))
    epoch = batch.items[0].bundle.epoch
    locked = await repository.lock_stream(appliance_id, epoch)
    if locked is None:
        raise BatchRefused(EvidenceProblem.EPOCH, 0, "its epoch is not enrolled for this appliance")
    head, stream = locked
    append = _Append(repository, head, appliance_id, epoch)
    repeated = [item.bundle.seq for item in batch.items if item.bundle.seq < stream.next_seq]
    taken = await repository.taken(appliance_id, epoch, repeated) if repeated else []
    first = {item.seq: item for item in taken if not item.equivocates}
    for item in batch.items:
        held = first.get(item.bundle.seq)
        if held is not None and held.bundle_hash != item.payload_sha256:
            known = any(other.bundle_hash == item.payload_sha256 for other in taken)
            return await append.conflict(stream, item, batch.received_at, known=known)
    fresh, after = _continue(epoch, stream, batch.items, first)
    new = _of_new(batch, fresh)
    if new is not None:
        await append.bundles(new, after)
    receipts = {seq: _receipt(epoch, held) for seq, held in first.items()}
    if new is not None:
        receipts.update(_new_receipts(epoch, new, head.frontier.size))
    in_order = [receipts[item.bundle.seq] for item in batch.items]
    return Ingested(in_order, new, head.frontier.size, _wire(epoch, after))


def _of_new(batch: Batch, fresh: Sequence[Received]) -> Batch | None:
    """The part of a batch that is not stored yet; mostly that is all of it."""
    if len(fresh) == len(batch.items):
        return batch
    return prepare(fresh, batch.received_at) if fresh else None


async def enrol_key(
    session: Session,
    *,
    site_id: str,
    appliance_id: str,
    epoch: int,
    public: bytes,
    witness: bytes,
) -> Stream:
    """The log entry that a key speaks for an appliance from here on, and its stream's beginning.

    Runs in the transaction that stores the key, so that neither is there without the other.
    """
    repository = Repository(session, site_id)
    head = await repository.make_head()
    received_ms = clock.milliseconds(session.now)
    entry = log.key_entry(
        EntryKind.KEY_ENROL,
        site_id,
        appliance_id,
        public,
        received_ms,
        epoch=epoch,
        witness=witness,
    )
    await repository.append_leaves(head, [_leaf(entry)])
    await repository.set_stream(appliance_id, epoch, StreamHead(1, bundle.NO_PREV))
    return Stream(epoch=epoch, next_seq=1, prev=bundle.NO_PREV)


async def stream_head(session: Session, appliance_id: str, epoch: int) -> Stream:
    """What Central expects next of an enrolled (appliance, epoch)."""
    stream = await Repository(session, _site(session)).stream(appliance_id, epoch)
    if stream is None:
        raise NotFound("no such stream: the appliance is not enrolled in this epoch")
    return _wire(epoch, stream)


@dataclass(frozen=True, slots=True)
class _Append:
    """Where new entries go."""

    repository: Repository
    head: Head
    appliance_id: str
    epoch: int

    async def bundles(self, new: Batch, after: StreamHead, *, equivocates: bool = False) -> None:
        """Appends `new` as it stands, and moves the stream on."""
        await self.repository.append_bundles(
            self.head,
            (self.appliance_id, self.epoch),
            after,
            new.items[0].envelope.keyid,
            new.received_at,
            new.rows,
            equivocates=equivocates,
        )

    async def conflict(
        self, stream: StreamHead, item: Received, received_at: datetime, *, known: bool
    ) -> Ingested:
        """Keeps the envelope that contradicts a stored one, once, beside it in the log."""
        if not known:
            kept = prepare([item], received_at, equivocates=True)
            await self.bundles(kept, stream, equivocates=True)
        detail = "other bytes are stored under its sequence number; both are kept"
        expected = _wire(self.epoch, stream)
        refused = BatchRefused(EvidenceProblem.CONFLICT, item.position, detail, expected)
        return Ingested([], None, self.head.frontier.size, expected, refused)


def _bundle_leaf(item: Received, received_ms: int, *, equivocates: bool) -> NewLeaf:
    """The bytes that `log.entry_bytes` gives for this entry, its keys in their order: every field
    was checked already, and checking it again costs more than all that is done here."""
    sent = item.bundle
    kind = EntryKind.GAP if sent.kind is Kind.GAP else EntryKind.BUNDLE
    if equivocates:
        kind = EntryKind.EQUIVOCATION
    entry = {
        "appliance": sent.appliance_id,
        "epoch": sent.epoch,
        "host": sent.host_id,
        "kid": item.envelope.keyid,
        "kind": kind.value,
        "payload_len": len(item.envelope.payload),
        "payload_sha256": item.payload_sha256,
        "received_ms": received_ms,
        "seq": sent.seq,
        "sig": signing.base64_text(item.envelope.sig),
        "site": sent.site_id,
        "v": log.ENTRY_VERSION,
    }
    data = orjson.dumps(entry)
    return NewLeaf(kind.value, data, log.leaf_hash(data))


def _continue(
    epoch: int, stream: StreamHead, batch: Sequence[Received], first: Mapping[int, Taken]
) -> tuple[list[Received], StreamHead]:
    """What of the batch continues the stream, and the stream's head after it."""
    fresh: list[Received] = []
    for item in batch:
        sent = item.bundle
        if sent.seq in first:
            continue
        if sent.seq < stream.next_seq:
            _check_twin(item, fresh)
            continue
        if sent.seq > stream.next_seq and not _bridges(sent, stream.next_seq):
            detail = f"its sequence number is ahead of {stream.next_seq}, which is expected next"
            expected = _wire(epoch, stream)
            raise BatchRefused(EvidenceProblem.BEHIND, item.position, detail, expected)
        if sent.prev != stream.prev:
            detail = "prev is not the hash of the bundle before it in the stream"
            raise BatchRefused(EvidenceProblem.POISON, item.position, detail, _wire(epoch, stream))
        fresh.append(item)
        stream = StreamHead(sent.seq + 1, item.chain)
    return fresh, stream


def _check_twin(item: Received, fresh: Sequence[Received]) -> None:
    """A number that came twice in one batch must have come with the same bytes, and one that a gap
    record bridged over is gone for good."""
    twin = next((other for other in fresh if other.bundle.seq == item.bundle.seq), None)
    if twin is None or twin.payload_sha256 != item.payload_sha256:
        detail = "its sequence number is taken, and these are not the bytes that took it"
        raise BatchRefused(EvidenceProblem.POISON, item.position, detail)


def _bridges(sent: Bundle, expected: int) -> bool:
    """Whether this is the gap record that accounts for every number from `expected` to its own."""
    if sent.kind is not Kind.GAP or sent.note is None:
        return False
    return (sent.note.get("first_seq"), sent.note.get("last_seq")) == (expected, sent.seq - 1)


def _new_receipts(epoch: int, new: Batch, first_index: int) -> dict[int, Receipt]:
    """By sequence number."""
    return {
        item.bundle.seq: _make_receipt(
            epoch, item.bundle.seq, first_index + place, leaf.leaf_hash.hex(), new.received_ms
        )
        for place, (item, leaf) in enumerate(zip(new.items, new.leaves, strict=True))
    }


def _receipt(epoch: int, held: Taken) -> Receipt:
    return Receipt(
        epoch=epoch,
        seq=held.seq,
        index=held.log_index,
        leaf_hash=held.leaf_hash.hex(),
        received_ms=clock.milliseconds(held.received_at),
    )


def _row(item: Received) -> NewBundle:
    return NewBundle(
        host_id=item.bundle.host_id,
        seq=item.bundle.seq,
        bundle_type=item.bundle.kind,
        bundle_hash=item.payload_sha256,
        hipaa_controls=_hipaa(item.bundle.controls),
        generated_at=item.bundle.captured_at,
        payload=item.envelope.payload,
        signature=item.envelope.sig,
    )


@lru_cache(maxsize=1024)
def _hipaa(controls: tuple[str, ...]) -> str:
    """The HIPAA controls among these, as JSON."""
    return orjson.dumps([name for name in controls if name.startswith(_HIPAA)]).decode()


def _leaf(entry: Entry) -> NewLeaf:
    data = log.entry_bytes(entry)
    return NewLeaf(entry.kind.value, data, log.leaf_hash(data))


def _wire(epoch: int, stream: StreamHead) -> Stream:
    return Stream(epoch=epoch, next_seq=stream.next_seq, prev=stream.prev)


def _site(session: Session) -> str:
    """The site whose scope the session has: an appliance writes to no other."""
    site_id = session.scope.site_id
    assert site_id is not None, "evidence is received in a site's scope"
    return site_id
