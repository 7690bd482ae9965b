"""The verification of a whole export: nothing is taken on the word of the one who made it.

One pass in log order: every entry is parsed and hashed into the tree, every bundle checked against
its entry, its key at that index and its stream, every checkpoint against the tree so far.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from wardline.core import clock
from wardline.core.errors import Malformed
from wardline.core.evidence import bundle, checkpoint, heads, log, signing, streams
from wardline.core.evidence.bundle import Bundle
from wardline.core.evidence.checkpoint import Note
from wardline.core.evidence.heads import Ahead, Heads, Located
from wardline.core.evidence.log import Entry, EntryKind
from wardline.core.evidence.signing import BadSignature, Envelope
from wardline.core.evidence.speakers import Speakers
from wardline.core.evidence.trust import Trust
from wardline.core.evidence.verdict import Exit, Findings, Verdict

CLOCK_SKEW_MS_MAX = 10 * 60 * 1000


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
    audit = _of(export, trust or Trust())
    try:
        audit.run()
    except Malformed as error:
        audit.find(Exit.INVALID, error.where, error.why)
    return audit.verdict()


def _of(export: Export, trust: Trust) -> "_Audit":
    findings = Findings()
    log_heads = heads.of(export.origin, export.log_public, export.checkpoints, trust.held, findings)
    return _Audit(export, trust, findings, log_heads)


@dataclass(slots=True)
class _Audit:
    export: Export
    trust: Trust
    findings: Findings
    heads: Heads
    keys: streams.Keys = field(default_factory=streams.Keys)
    chains: streams.Streams = field(default_factory=streams.Streams)
    speakers: Speakers = field(default_factory=Speakers)
    bundles: int = 0
    received_ms: int = 0
    witnessed: dict[str, bool] = field(default_factory=dict)

    def find(self, code: Exit, where: str, what: str) -> None:
        self.findings.find(code, where, what)

    def run(self) -> None:
        self._check_log_key()
        bundles = Ahead(self.export.bundles)
        self._reach()
        for located in self.export.entries:
            self._entry(located, bundles)
            self._reach()
        self._end(bundles)

    def _check_log_key(self) -> None:
        trusted = self.trust.logs
        if trusted and self.export.log_public not in trusted.get(self.export.origin, frozenset()):
            name = f"log {self.export.origin}"
            key_id = signing.key_id(self.export.log_public)
            self.find(Exit.INVALID, "manifest.json", f"you do not trust key {key_id} for {name}")

    # Entries and their bundles

    def _entry(self, located: Located, bundles: Ahead[LocatedBundle]) -> None:
        index = self.heads.size
        where = f"{located.where} (index {index})"
        self.heads.add(located.data)
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

    def _record(self, index: int, where: str, entry: Entry, bundles: Ahead[LocatedBundle]) -> None:
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

    def _reach(self) -> None:
        """Checks every tree head of the size that the tree has now, and who cosigned it."""
        for found in self.heads.reach():
            self._cosignatures(f"{found.where} (size {found.head.size})", found.note)

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

    def _end(self, bundles: Ahead[LocatedBundle]) -> None:
        if bundles.next is not None:
            self.find(Exit.INVALID, bundles.next.where, "a bundle that no entry of the log names")
        self.heads.end()
        for item in self.speakers.remarks(self.trust.appliances.keys()):
            self.find(item.exit_code, item.where, item.what)

    def verdict(self) -> Verdict:
        vouched = any(self.witnessed.values())
        if not (self.trust.logs or self.trust.appliances or self.trust.witnesses):
            what = "the keys come from the export itself; nothing outside it vouches for them"
            self.find(Exit.UNWITNESSED, "keys", what)
        elif not vouched:
            what = "no witness that you trust has cosigned the last checkpoint"
            self.find(Exit.UNWITNESSED, "checkpoints", what)
        last = self.heads.last
        return Verdict(
            exit_code=self.findings.worst,
            findings=tuple(self.findings.items),
            origin=self.export.origin,
            entries=self.heads.size,
            bundles=self.bundles,
            streams=len(self.chains.heads),
            checkpoints=self.heads.seen,
            size=last.size if last else 0,
            root=last.root if last else b"",
            witnesses=tuple(sorted(self.witnessed)),
        )


_WITH_BUNDLE = (EntryKind.BUNDLE, EntryKind.GAP, EntryKind.EQUIVOCATION)
