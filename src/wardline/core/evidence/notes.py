"""The notes of the records that tell of a stream itself: of a gap in it, and of a new epoch.

A gap's note gives its `reason`. Where numbers were skipped it names them, `first_seq` to
`last_seq`, and as far as the appliance still has them the SHA-256 of their payloads in order,
`skipped`. Without numbers it says that nothing was measured for a while. The note of an epoch's
first record names the last one of the epoch before as far as the appliance knows: `last_epoch`,
`last_seq` (0 for none), `last_hash` (its chain hash), and why: `reason`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wardline.core.errors import Malformed
from wardline.core.evidence import fields

# So many digests leave room in a payload for what else stands in it.
SKIPPED_MAX = 2048
REASON_BYTES_MAX = 2048

_NUMBERS = frozenset({"first_seq", "last_seq"})
_END = frozenset({"last_epoch", "last_seq", "last_hash"})
WORDS = _NUMBERS | _END | {"reason", "skipped"}

_NOTHING = "0" * 64


@dataclass(frozen=True, slots=True)
class Skipped:
    """The places `first` to `last` that a gap record stands for."""

    first: int
    last: int
    reason: str
    digests: tuple[str, ...]

    @property
    def count(self) -> int:
        return self.last - self.first + 1

    @property
    def is_named(self) -> bool:
        """Whether each record that is not there could still be asked for by its digest."""
        return len(self.digests) == self.count


@dataclass(frozen=True, slots=True)
class LastRecord:
    """The end of an earlier epoch, as the first record of a later one names it."""

    epoch: int
    seq: int
    chain: str
    reason: str


def check(kind: str, epoch_number: int, seq: int, note: Mapping[str, Any] | None) -> None:
    """A later epoch begins with its epoch record, no other is one, and the note of a record
    without a host says what it must; raises Malformed at the field of the bundle."""
    begins = seq == 1 and epoch_number > 1
    if (kind == "epoch") != begins:
        what = "an epoch record is the first record of every epoch after the first, and no other is"
        raise Malformed("kind", what)
    try:
        if begins:
            epoch(note, epoch_number)
        else:
            gap(note, seq)
    except Malformed as error:
        raise Malformed(f"note.{error.where}".rstrip("."), error.why) from None


def gap(note: Mapping[str, Any] | None, seq: int) -> Skipped | None:
    """What the gap record at `seq` stands for, None where it skips no number; raises Malformed."""
    obj = _note(note, frozenset({"reason"}))
    reason = fields.text(obj, "reason", REASON_BYTES_MAX, 1)
    if not obj.keys() & (_NUMBERS | {"skipped"}):
        return None
    _require(obj, _NUMBERS)
    last = fields.integer(obj, "last_seq", 1)
    if last != seq - 1:
        raise Malformed("last_seq", f"not {seq - 1}, the place before this record's")
    skipped = Skipped(fields.integer(obj, "first_seq", 1, last), last, reason, _digests(obj))
    if len(skipped.digests) > skipped.count:
        raise Malformed("skipped", "more digests than places")
    return skipped


def epoch(note: Mapping[str, Any] | None, number: int) -> LastRecord:
    """What the first record of epoch `number` says of the one before; raises Malformed."""
    obj = _note(note, _END | {"reason"})
    last = LastRecord(
        fields.integer(obj, "last_epoch", 1, number - 1),
        fields.integer(obj, "last_seq", 0),
        fields.hex64(obj, "last_hash"),
        fields.text(obj, "reason", REASON_BYTES_MAX, 1),
    )
    if (last.seq == 0) != (last.chain == _NOTHING):
        raise Malformed("last_hash", "64 zeros when there was no record, and only then")
    return last


def _note(note: Mapping[str, Any] | None, keys: frozenset[str]) -> Mapping[str, Any]:
    if note is None:
        raise Malformed("", "null")
    _require(note, keys)
    return note


def _require(note: Mapping[str, Any], keys: frozenset[str]) -> None:
    for key in sorted(keys - note.keys()):
        raise Malformed(key, "missing")


def _digests(note: Mapping[str, Any]) -> tuple[str, ...]:
    if "skipped" not in note:
        return ()
    return fields.parts(note, "skipped", SKIPPED_MAX, _digest)


def _digest(value: object) -> str:
    return fields.hex64({"": value}, "")
