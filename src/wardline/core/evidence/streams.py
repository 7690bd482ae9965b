"""Keys and streams of a log read from its start: who may sign at an index, what must come next."""

from dataclasses import dataclass, field

from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import Bundle
from wardline.core.evidence.log import Entry
from wardline.core.evidence.signing import VerifyKey

Stream = tuple[str, int]


@dataclass(slots=True)
class KeyLife:
    """A key of one appliance, valid for entries from `first` until before `end`."""

    appliance: str
    key: VerifyKey
    first: int
    end: int | None = None


@dataclass(slots=True)
class Keys:
    """The keys that the log itself has enrolled and retired so far."""

    lives: dict[str, list[KeyLife]] = field(default_factory=dict)
    witnesses: dict[str, set[bytes]] = field(default_factory=dict)

    def enrol(self, index: int, entry: Entry) -> str | None:
        """Takes a `key-enrol` in; returns what is wrong with it, if anything."""
        if entry.appliance is None or entry.public is None or entry.kid is None:
            return "an enrolment without a key or an appliance"
        for life in self.lives.get(entry.kid, []):
            if life.end is None and life.appliance != entry.appliance:
                return f"key {entry.kid} is enrolled for {life.appliance} already"
        life = KeyLife(entry.appliance, VerifyKey(entry.public), index)
        self.lives.setdefault(entry.kid, []).append(life)
        if entry.witness is not None:
            self.witnesses.setdefault(entry.appliance, set()).add(entry.witness)
        return None

    def end(self, index: int, entry: Entry) -> str | None:
        """Takes a `key-retire` or `key-revoke` in; returns what is wrong with it, if anything."""
        lives = [life for life in self._of(entry) if life.end is None]
        for life in lives:
            life.end = index
        return None if lives else f"key {entry.kid} of {entry.appliance} is not in force here"

    def valid(self, entry: Entry, index: int) -> VerifyKey | None:
        """The key that may have signed this record at this index."""
        for life in self._of(entry):
            if life.first < index and (life.end is None or index < life.end):
                return life.key
        return None

    def _of(self, entry: Entry) -> list[KeyLife]:
        lives = self.lives.get(entry.kid or "", [])
        return [life for life in lives if life.appliance == entry.appliance]


@dataclass(frozen=True, slots=True)
class Head:
    """The last record of a stream; `chain` is None where its bundle is not in the export."""

    seq: int
    chain: str | None


@dataclass(frozen=True, slots=True)
class Break:
    """Something wrong in a stream; `lost` when records are missing rather than altered."""

    what: str
    lost: bool = False


@dataclass(slots=True)
class Streams:
    """The head of every (appliance, epoch)."""

    heads: dict[Stream, Head] = field(default_factory=dict)

    def follow(self, entry: Entry, record: Bundle | None, chain: str | None) -> list[Break]:
        """Moves a stream on by one record and returns the breaks between the two."""
        stream = (entry.appliance or "", entry.epoch)
        head = self.heads.get(stream, Head(0, bundle.NO_PREV))
        self.heads[stream] = Head(max(entry.seq, head.seq), chain)
        where = f"stream {stream[0]} epoch {entry.epoch}"
        breaks = self._epoch(entry, record) if entry.seq == 1 else []
        if entry.seq <= head.seq:
            return [*breaks, Break(f"{where}: seq {entry.seq} comes after seq {head.seq}")]
        if entry.seq > head.seq + 1 and not _covers(record, head.seq + 1, entry.seq - 1):
            lost = f"seq {head.seq + 1} to {entry.seq - 1} are missing"
            breaks.append(Break(f"{where}: {lost} and no gap record covers them"))
        elif record is not None and head.chain is not None and record.prev != head.chain:
            breaks.append(Break(f"{where}: seq {entry.seq} does not continue seq {head.seq}"))
        return breaks

    def _epoch(self, entry: Entry, record: Bundle | None) -> list[Break]:
        """Checks what the first record of an epoch says about the end of an earlier one."""
        note = record.note if record is not None else None
        if record is None or record.kind is not bundle.Kind.EPOCH or note is None:
            return []
        epoch, seq, chain = note.get("last_epoch"), note.get("last_seq"), note.get("last_hash")
        if type(epoch) is not int or type(seq) is not int or seq == 0:
            return []
        head = self.heads.get((entry.appliance or "", epoch), Head(0, None))
        where = f"stream {entry.appliance} epoch {epoch}"
        if head.seq < seq:
            return [Break(f"{where}: it reached seq {seq}, the log holds {head.seq}", lost=True)]
        if head.seq == seq and chain is not None and head.chain not in (None, chain):
            return [Break(f"{where}: its end is not the one that epoch {entry.epoch} names")]
        return []


def _covers(record: Bundle | None, first: int, last: int) -> bool:
    if record is None or record.kind is not bundle.Kind.GAP or record.note is None:
        return False
    return record.note.get("first_seq") == first and record.note.get("last_seq") == last
