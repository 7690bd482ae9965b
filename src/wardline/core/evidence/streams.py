"""Keys and streams of a log read from its start: who may sign at an index, what must come next."""

from array import array
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field

from wardline.core.evidence import bundle, notes
from wardline.core.evidence.bundle import Bundle
from wardline.core.evidence.log import Entry, EntryKind
from wardline.core.evidence.notes import LastRecord, Skipped
from wardline.core.evidence.signing import VerifyKey
from wardline.core.evidence.verdict import Exit

Stream = tuple[str, int]

# Enough of a payload's SHA-256 to see that another one is another.
DIGEST_BYTES = 16


@dataclass(slots=True)
class KeyLife:
    """A key of one epoch of an appliance, valid for entries from `first` until before `end`."""

    appliance: str
    epoch: int
    key: VerifyKey
    first: int
    end: int | None = None


@dataclass(slots=True)
class Keys:
    """The keys that the log itself has enrolled and retired so far, by (appliance, epoch, kid)."""

    lives: dict[str, list[KeyLife]] = field(default_factory=dict)
    witnesses: dict[str, set[bytes]] = field(default_factory=dict)

    def enrol(self, index: int, entry: Entry) -> str | None:
        """Takes a `key-enrol` in; returns what is wrong with it, if anything."""
        if entry.appliance is None or entry.public is None or entry.kid is None:
            return "an enrolment without a key or an appliance"
        if entry.epoch < 1:
            return "an enrolment without an epoch"
        for life in self.lives.get(entry.kid, []):
            if life.end is None and life.appliance != entry.appliance:
                return f"key {entry.kid} is enrolled for {life.appliance} already"
        life = KeyLife(entry.appliance, entry.epoch, VerifyKey(entry.public), index)
        self.lives.setdefault(entry.kid, []).append(life)
        if entry.witness is not None:
            self.witnesses.setdefault(entry.appliance, set()).add(entry.witness)
        return None

    def end(self, index: int, entry: Entry) -> str | None:
        """Takes a `key-retire` or `key-revoke` in, of epoch 0 for every epoch of the key; returns
        what is wrong with it, if anything."""
        of_key = [life for life in self._of(entry) if entry.epoch in (0, life.epoch)]
        lives = [life for life in of_key if life.end is None]
        for life in lives:
            life.end = index
        return None if lives else f"key {entry.kid} of {entry.appliance} is not in force here"

    def valid(self, entry: Entry, index: int) -> VerifyKey | None:
        """The key that may have signed this record, of this epoch, at this index."""
        for life in self._of(entry):
            if life.epoch == entry.epoch and life.first < index:
                if life.end is None or index < life.end:
                    return life.key
        return None

    def _of(self, entry: Entry) -> list[KeyLife]:
        lives = self.lives.get(entry.kid or "", [])
        return [life for life in lives if life.appliance == entry.appliance]


@dataclass(slots=True)
class Head:
    """A stream up to its last record: `chain` is None where its bundle is not in the export.

    The places that were taken and a digest of what took them are kept, 24 bytes a record, to see
    later what contradicts them.
    """

    seq: int = 0
    chain: str | None = bundle.NO_PREV
    places: "array[int]" = field(default_factory=lambda: array("Q"))
    digests: bytearray = field(default_factory=bytearray)

    def take(self, entry: Entry, chain: str | None) -> None:
        self.chain = chain
        if entry.seq > self.seq:
            self.seq = entry.seq
            self.places.append(entry.seq)
            self.digests += _short(entry)

    def contradicts(self, entry: Entry) -> bool:
        """Whether the place of `entry` is taken by something else."""
        at = bisect_left(self.places, entry.seq)
        if at == len(self.places) or self.places[at] != entry.seq:
            return False
        return self.digests[at * DIGEST_BYTES : (at + 1) * DIGEST_BYTES] != _short(entry)


@dataclass(frozen=True, slots=True)
class Remark:
    """Something to say of a stream, and how bad it is."""

    what: str
    exit_code: Exit = Exit.INVALID


@dataclass(slots=True)
class Streams:
    """The head of every (appliance, epoch), and the ends of second records under taken places."""

    heads: dict[Stream, Head] = field(default_factory=dict)
    twins: dict[Stream, set[tuple[int, str]]] = field(default_factory=dict)

    def follow(self, entry: Entry, record: Bundle | None, chain: str | None) -> list[Remark]:
        """Moves a stream on by one record; what is to be said of the step."""
        stream = _stream(entry)
        begins = stream not in self.heads
        head = self.heads.setdefault(stream, Head())
        before, last = head.seq, head.chain
        head.take(entry, chain)
        where = f"stream {stream[0]} epoch {entry.epoch}"
        remarks = self._epoch(entry, record, where) if begins else []
        if entry.seq <= before:
            return [*remarks, Remark(f"{where}: seq {entry.seq} comes after seq {before}")]
        skipped = _skipped(record)
        if entry.seq > before + 1 and (skipped is None or skipped.first != before + 1):
            lost = f"seq {before + 1} to {entry.seq - 1} are missing"
            if record is None and entry.kind is EntryKind.GAP:
                what = f"{where}: {lost}, and so is the gap record that may cover them"
                remarks.append(Remark(what, Exit.INCOMPLETE))
            else:
                remarks.append(Remark(f"{where}: {lost} and no gap record covers them"))
        elif skipped is not None and skipped.first != before + 1:
            what = f"a gap record for seq {skipped.first} to {skipped.last}, which are there"
            remarks.append(Remark(f"{where}: {what}"))
        elif record is not None and last is not None and record.prev != last:
            remarks.append(Remark(f"{where}: seq {entry.seq} does not continue seq {before}"))
        if record is not None and record.kind is bundle.Kind.GAP:
            remarks.append(_told(where, record, skipped))
        return remarks

    def contradict(self, entry: Entry, chain: str | None) -> Remark:
        """What a second record under a place that was taken comes to."""
        stream = _stream(entry)
        second = f"{entry.appliance} signed a second record as seq {entry.seq}"
        head = self.heads.get(stream)
        if head is None or not head.contradicts(entry):
            what = f"{second} of epoch {entry.epoch}, and the log holds no other one that it"
            return Remark(f"{what} contradicts")
        if chain is not None:
            self.twins.setdefault(stream, set()).add((entry.seq, chain))
        return Remark(f"{second} of epoch {entry.epoch}; the log says so", Exit.VERIFIED)

    def _epoch(self, entry: Entry, record: Bundle | None, where: str) -> list[Remark]:
        """Checks what the first record of an epoch says about the end of an earlier one."""
        if entry.epoch == 1 or record is None:
            return []
        if record.kind is bundle.Kind.GAP and entry.seq > 1:
            what = "its first record, which names the end of the epoch before, is missing"
            return [Remark(f"{where}: {what}", Exit.INCOMPLETE)]
        if record.kind is not bundle.Kind.EPOCH:
            return [Remark(f"{where}: does not begin with a record that names the epoch before")]
        named = notes.epoch(record.note, entry.epoch)
        before = (entry.appliance or "", named.epoch)
        head = self.heads.get(before, Head())
        where = f"stream {entry.appliance} epoch {named.epoch}"
        if head.seq < named.seq:
            what = f"{where}: it reached seq {named.seq}, the log holds {head.seq}"
            return [Remark(what, Exit.INCOMPLETE)]
        known = {chain for seq, chain in self.twins.get(before, ()) if seq == named.seq}
        if head.seq == named.seq and head.chain is not None and named.chain not in known:
            if head.chain != named.chain:
                return [Remark(f"{where}: its end is not the one that epoch {entry.epoch} names")]
        return [*self._forgotten(entry, named, head)]

    def _forgotten(self, entry: Entry, named: LastRecord, head: Head) -> Iterator[Remark]:
        """What the log holds of this appliance and its new epoch does not know: that of a machine
        that was restored from an older copy."""
        where = f"stream {entry.appliance} epoch {entry.epoch}"
        if head.seq > named.seq:
            what = f"begins after seq {named.seq} of epoch {named.epoch}, the log holds {head.seq}"
            yield Remark(f"{where}: {what} ({named.reason})", Exit.VERIFIED)
        for appliance, epoch in self.heads:
            if appliance == entry.appliance and named.epoch < epoch < entry.epoch:
                what = f"does not know of epoch {epoch}, which the log holds ({named.reason})"
                yield Remark(f"{where}: {what}", Exit.VERIFIED)


def _stream(entry: Entry) -> Stream:
    return entry.appliance or "", entry.epoch


def _short(entry: Entry) -> bytes:
    return bytes.fromhex(entry.payload_sha256)[:DIGEST_BYTES]


def _skipped(record: Bundle | None) -> Skipped | None:
    if record is None or record.kind is not bundle.Kind.GAP:
        return None
    return notes.gap(record.note, record.seq)


def _told(where: str, record: Bundle, skipped: Skipped | None) -> Remark:
    """A gap is said in any case; it leaves nothing open only where every record that it stands for
    could still be asked for by its digest."""
    if skipped is None:
        note = record.note or {}
        span = " ".join(f"{key} {note[key]}" for key in ("since", "until") if key in note)
        what = f"seq {record.seq} says that nothing was measured {span}".rstrip()
        return Remark(f"{where}: {what} ({note.get('reason')})", Exit.VERIFIED)
    places = f"{skipped.count} records, seq {skipped.first} to {skipped.last}, are not in the log"
    told = f"{where}: {places}: {skipped.reason!r}, says the gap record"
    if skipped.is_named:
        return Remark(f"{told}, and names their digests: ask the clinic for them", Exit.VERIFIED)
    what = f"it names {len(skipped.digests)} of their digests"
    return Remark(f"{told}; {what}, so what they held is open", Exit.INCOMPLETE)
