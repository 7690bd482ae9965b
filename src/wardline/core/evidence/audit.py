"""The verification of a whole export: nothing is taken on the word of the one who made it.

One pass in log order: every entry is parsed and hashed into the tree, every bundle checked against
its entry, its key at that index and its stream, every checkpoint against the tree so far.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from wardline.core import clock
from wardline.core.errors import Malformed
from wardline.core.evidence import bundle, checkpoint, log, signing, streams
from wardline.core.evidence.bundle import Bundle
from wardline.core.evidence.checkpoint import Checkpoint, Note
from wardline.core.evidence.log import Entry, EntryKind
from wardline.core.evidence.signing import BadSignature, Envelope
from wardline.core.evidence.speakers import Speakers
from wardline.core.evidence.trust import Trust
from wardline.core.evidence.verdict import Exit, Finding, Verdict

FINDINGS_MAX = 100
CLOCK_SKEW_MS_MAX = 10 * 60 * 1000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Located:
    """Bytes of the export and the place they were read from."""

    where: str
    data: bytes


@dataclass(frozen=True, slots=True)
class LocatedBundle:
    """A bundle's envelope, the log index it belongs to, and the place it was read from."""

    where: str
    index: int
    envelope: Envelope


@dataclass(frozen=True, slots=True)
class Export:
    """A site's log from index 0: entries (leaf bytes) in order, the bundles that they name in the
    same order, checkpoints (note texts with their cosignatures) by size. The iterables may raise
    Malformed; each is read once."""

    site: str
    origin: str
    log_public: bytes
    entries: Iterable[Located]
    bundles: Iterable[LocatedBundle]
    checkpoints: Iterable[Located]


def verify(export: Export, trust: Trust | None) -> Verdict:
    """The verdict on an export; `trust` holds what its reader knows from elsewhere."""
    audit = _Audit(export, trust or Trust())
    try:
        audit.run()
    except Malformed as error:
        audit.find(Exit.INVALID, error.where, error.why)
    return audit.verdict()


@dataclass(slots=True)
class _Audit:
    export: Export
    trust: Trust
    keys: streams.Keys = field(default_factory=streams.Keys)
    chains: streams.Streams = field(default_factory=streams.Streams)
    speakers: Speakers = field(default_factory=Speakers)
    frontier: log.Frontier = field(default_factory=log.Frontier)
    pending: list[bytes] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    worst: Exit = Exit.VERIFIED
    size: int = 0
    bundles: int = 0
    checkpoints: int = 0
    received_ms: int = 0
    last: Checkpoint | None = None
    witnessed: dict[str, bool] = field(default_factory=dict)

    def find(self, code: Exit, where: str, what: str) -> None:
        self.worst = max(self.worst, code)
        if len(self.findings) < FINDINGS_MAX or (code is self.worst and not self._has(code)):
            self.findings.append(Finding(code, where, what))

    def _has(self, code: Exit) -> bool:
        return any(item.exit_code is code for item in self.findings)

    def run(self) -> None:
        self._check_log_key()
        bundles = _Ahead(self.export.bundles)
        heads = _Ahead(_parsed(self.export.checkpoints))
        held = sorted(
            (head for head in self.trust.held if head.origin == self.export.origin),
            key=lambda head: head.size,
        )
        waiting = _Ahead(held)
        self._check_held()
        self._reach(heads, waiting)
        for located in self.export.entries:
            self._entry(located, bundles)
            self.size += 1
            self._reach(heads, waiting)
        self._end(bundles, heads, waiting)

    def _check_log_key(self) -> None:
        trusted = self.trust.logs
        if trusted and self.export.log_public not in trusted.get(self.export.origin, frozenset()):
            name = f"log {self.export.origin}"
            key_id = signing.key_id(self.export.log_public)
            self.find(Exit.INVALID, "manifest.json", f"you do not trust key {key_id} for {name}")

    def _check_held(self) -> None:
        for head in self.trust.held:
            if head.origin != self.export.origin:
                what = "a checkpoint that you hold is of this other log; it was not compared"
                self.find(Exit.VERIFIED, head.origin, what)

    # Entries and their bundles

    def _entry(self, located: Located, bundles: "_Ahead[LocatedBundle]") -> None:
        index, where = self.size, f"{located.where} (index {self.size})"
        self.pending.append(log.leaf_hash(located.data))
        try:
            entry = log.parse_entry(located.data)
        except Malformed as error:
            raise Malformed(f"{where}, {error.where}", error.why) from None
        if entry.site != self.export.site:
            self.find(Exit.INVALID, where, f"an entry of {entry.site} in the log of another site")
        if entry.received_ms < self.received_ms - CLOCK_SKEW_MS_MAX:
            self.find(Exit.VERIFIED, where, "received before the entry that it follows")
        self.received_ms = max(self.received_ms, entry.received_ms)
        if entry.kind in _WITH_BUNDLE:
            self._record(index, where, entry, bundles)
        else:
            self._event(index, where, entry)

    def _event(self, index: int, where: str, entry: Entry) -> None:
        wrong = None
        if entry.kind is EntryKind.KEY_ENROL:
            wrong = self.keys.enrol(index, entry)
            trusted = self.trust.appliances.get(entry.appliance or "")
            if trusted is not None and entry.public not in trusted:
                wrong = f"enrols key {entry.kid} for {entry.appliance}, which you do not trust"
        elif entry.kind in (EntryKind.KEY_RETIRE, EntryKind.KEY_REVOKE):
            wrong = self.keys.end(index, entry)
        elif entry.kind is not EntryKind.LEGAL_HOLD:
            self.find(Exit.INCOMPLETE, where, f"this verifier cannot judge a {entry.kind} entry")
        if wrong is not None:
            self.find(Exit.INVALID, where, wrong)

    def _record(
        self, index: int, where: str, entry: Entry, bundles: "_Ahead[LocatedBundle]"
    ) -> None:
        record, chain = None, None
        given = bundles.next
        if given is not None and given.index < index:
            raise Malformed(given.where, f"a second bundle, or one in front of index {index}")
        if given is None or given.index > index:
            self.find(Exit.INCOMPLETE, where, f"its bundle {entry.payload_sha256} is missing")
        else:
            bundles.advance()
            self.bundles += 1
            record = self._open(index, f"{given.where} (index {index})", entry, given.envelope)
            chain = bundle.chain_hash(bundle.PAYLOAD_TYPE, given.envelope.payload)
        self.speakers.hear(index, entry, record)
        if entry.kind is EntryKind.EQUIVOCATION:
            remarks = [self.chains.contradict(entry, chain)]
        else:
            remarks = self.chains.follow(entry, record, chain)
        for item in remarks:
            self.find(item.exit_code, where, item.what)

    def _open(self, index: int, where: str, entry: Entry, envelope: Envelope) -> Bundle | None:
        """The bundle of an envelope that is the one its entry stands for."""
        wrong = self._mismatch(index, entry, envelope)
        if wrong is not None:
            self.find(Exit.INVALID, where, wrong)
            return None
        try:
            record = bundle.parse(envelope.payload)
        except Malformed as error:
            self.find(Exit.INVALID, where, f"payload {error.where}: {error.why}")
            return None
        for name in ("site", "appliance", "host"):
            if getattr(record, f"{name}_id") != getattr(entry, name):
                self.find(Exit.INVALID, where, f"the {name} in the bundle is not the entry's")
        if (record.epoch, record.seq) != (entry.epoch, entry.seq):
            self.find(Exit.INVALID, where, "epoch and seq in the bundle are not the entry's")
        is_gap = record.kind is bundle.Kind.GAP
        if entry.kind is not EntryKind.EQUIVOCATION and (entry.kind is EntryKind.GAP) != is_gap:
            what = f"a {entry.kind} entry over a bundle of kind {record.kind}"
            self.find(Exit.INVALID, where, what)
        if clock.milliseconds(record.captured_at) > entry.received_ms + CLOCK_SKEW_MS_MAX:
            self.find(Exit.VERIFIED, where, "captured after it was received; a clock was wrong")
        return record

    def _mismatch(self, index: int, entry: Entry, envelope: Envelope) -> str | None:
        if hashlib.sha256(envelope.payload).hexdigest() != entry.payload_sha256:
            return "the payload is not the one that was logged (SHA-256)"
        if len(envelope.payload) != entry.payload_len:
            return "the payload has not the length that was logged"
        if (envelope.keyid, envelope.sig) != (entry.kid, entry.sig):
            return "the signature is not the one that was logged"
        key = self.keys.valid(entry, index)
        if key is None:
            named = f"key {entry.kid} of {entry.appliance}"
            return f"{named} is not valid at this index for epoch {entry.epoch}"
        try:
            signing.open_envelope(envelope, key, bundle.PAYLOAD_TYPE)
        except BadSignature as error:
            return str(error)
        return None

    # Tree heads

    def _reach(self, heads: "_Ahead[_Head]", held: "_Ahead[Checkpoint]") -> None:
        """Checks every tree head of the size that the tree has now."""
        while heads.next is not None and heads.next.head.size <= self.size:
            self._checkpoint(heads.advance())
        while held.next is not None and held.next.size == self.size:
            head = held.advance()
            if head.root != self._root():
                what = f"the checkpoint of {head.size} entries that you hold has another root"
                self.find(Exit.DIVERGES, f"index 0 to {head.size - 1}", what)

    def _checkpoint(self, given: "_Head") -> None:
        head, where = given.head, f"{given.where} (size {given.head.size})"
        self.checkpoints += 1
        if not self._signed(where, given):
            return
        if head.size < self.size:
            self.find(Exit.INVALID, where, f"comes after the head of {self.size} entries")
        elif head.root != self._root():
            since = self.last.size if self.last else 0
            what = f"the entries do not hash to its root; the break is at index {since} or later"
            self.find(Exit.INVALID, where, what)
        else:
            self.last = head
            self._cosignatures(where, given.note)

    def _signed(self, where: str, given: "_Head") -> bool:
        origin = self.export.origin
        if given.head.origin != origin:
            self.find(Exit.INVALID, where, f"a checkpoint of another log than {origin}")
        elif not given.note.verify(origin, self.export.log_public):
            key_id = signing.key_id(self.export.log_public)
            self.find(Exit.INVALID, where, f"not signed by the log's key {key_id}")
        else:
            return True
        return False

    def _cosignatures(self, where: str, note: Note) -> None:
        """Checks the cosignatures of every witness known here and keeps those of this head."""
        self.witnessed = {}
        lines = 1
        for appliance in sorted(self.keys.witnesses.keys() | self.trust.witnesses.keys()):
            trusted = self.trust.witnesses.get(appliance, frozenset())
            for public in sorted(trusted | self.keys.witnesses.get(appliance, set())):
                try:
                    times = note.cosigned_at(checkpoint.witness_name(appliance), public)
                except BadSignature as error:
                    self.find(Exit.INVALID, where, str(error))
                    continue
                lines += len(times)
                if times:
                    known = self.witnessed.get(appliance, False)
                    self.witnessed[appliance] = known or public in trusted
                    if max(times) * 1000 < self.received_ms - CLOCK_SKEW_MS_MAX:
                        self.find(Exit.VERIFIED, where, f"{appliance} dates it before its entries")
        if len(note.signatures) > lines:
            what = "holds signatures of keys that are not known here; they count for nothing"
            self.find(Exit.VERIFIED, where, what)

    def _root(self) -> bytes:
        self.frontier = self.frontier.append(self.pending)
        self.pending = []
        return self.frontier.root

    # The end

    def _end(
        self,
        bundles: "_Ahead[LocatedBundle]",
        heads: "_Ahead[_Head]",
        held: "_Ahead[Checkpoint]",
    ) -> None:
        if bundles.next is not None:
            self.find(Exit.INVALID, bundles.next.where, "a bundle that no entry of the log names")
        while heads.next is not None:
            given = heads.advance()
            self.checkpoints += 1
            if self._signed(given.where, given):
                what = f"the log had {given.head.size} entries, the export holds {self.size}"
                self.find(Exit.INCOMPLETE, given.where, what)
        while held.next is not None:
            self._held_beyond(held.advance().size)
        covered = self.last.size if self.last else 0
        if self.last is None:
            self.find(Exit.INCOMPLETE, "checkpoints", "no checkpoint vouches for any entry")
        elif covered < self.size:
            what = f"{self.size - covered} entries come after the last checkpoint; none vouches"
            self.find(Exit.INCOMPLETE, f"index {covered}", what)
        for item in self.speakers.remarks(self.trust.appliances.keys()):
            self.find(item.exit_code, item.where, item.what)

    def _held_beyond(self, size: int) -> None:
        what = (
            f"you hold a checkpoint of {size} entries, the export has {self.size}: export it again;"
            f" if the new one still ends here, the last {size - self.size} entries are withheld"
        )
        self.find(Exit.INCOMPLETE, f"index {self.size}", what)

    def verdict(self) -> Verdict:
        vouched = any(self.witnessed.values())
        if not (self.trust.logs or self.trust.appliances or self.trust.witnesses):
            what = "the keys come from the export itself; nothing outside it vouches for them"
            self.find(Exit.UNWITNESSED, "keys", what)
        elif not vouched:
            what = "no witness that you trust has cosigned the last checkpoint"
            self.find(Exit.UNWITNESSED, "checkpoints", what)
        return Verdict(
            exit_code=self.worst,
            findings=tuple(self.findings),
            origin=self.export.origin,
            entries=self.size,
            bundles=self.bundles,
            streams=len(self.chains.heads),
            checkpoints=self.checkpoints,
            size=self.last.size if self.last else 0,
            root=self.last.root if self.last else b"",
            witnesses=tuple(sorted(self.witnessed)),
        )


@dataclass(frozen=True, slots=True)
class _Head:
    where: str
    note: Note
    head: Checkpoint


class _Ahead(Generic[T]):
    """An iterable whose next item can be looked at before it is taken."""

    __slots__ = ("_items", "next")

    def __init__(self, items: Iterable[T]) -> None:
        self._items = iter(items)
        self.next: T | None = next(self._items, None)

    def advance(self) -> T:
        taken = self.next
        if taken is None:
            raise LookupError("nothing is left to take")
        self.next = next(self._items, None)
        return taken


def _parsed(notes: Iterable[Located]) -> Iterator[_Head]:
    for located in notes:
        try:
            note = checkpoint.parse_note(located.data.decode())
            head = note.checkpoint()
        except UnicodeDecodeError:
            raise Malformed(located.where, "not UTF-8") from None
        except Malformed as error:
            raise Malformed(f"{located.where}, {error.where}", error.why) from None
        yield _Head(located.where, note, head)


_WITH_BUNDLE = (EntryKind.BUNDLE, EntryKind.GAP, EntryKind.EQUIVOCATION)
