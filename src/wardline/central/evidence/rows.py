"""What an append brings, as parameters of the statements that append it.

None of it depends on where in the log it comes to stand, so it is made before the log is locked.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import accumulate
from typing import NamedTuple

from wardline.central.database import arrays

Columns = tuple[object, ...]


class NewBundle(NamedTuple):
    """A row of evidence_bundles that an append brings."""

    host_id: str | None
    seq: int
    bundle_type: str
    bundle_hash: str
    hipaa_controls: str
    generated_at: datetime
    payload: bytes
    signature: bytes


class NewLeaf(NamedTuple):
    """A row of evidence_log_entries that an append brings."""

    kind: str
    entry: bytes
    leaf_hash: bytes


@dataclass(frozen=True, slots=True)
class NewRows:
    """Bundles and their entries as parameters of the statement that appends them."""

    hashes: Sequence[bytes]
    leaves: Columns
    lengths: str
    bundles: Columns


def of_bundles(leaves: Sequence[NewLeaf], bundles: Sequence[NewBundle]) -> NewRows:
    """Of at least one bundle; the same number of both, in the same order."""
    hashes, columns, lengths = of_leaves(leaves)
    hosts, seqs, kinds, digests, controls, times, payloads, signatures = zip(*bundles, strict=True)
    return NewRows(
        hashes,
        columns,
        lengths,
        (
            arrays.words_or_null(hosts),
            arrays.numbers(seqs),
            arrays.words(kinds),
            arrays.words(digests),
            arrays.texts(controls),
            arrays.times(times),
            *_pieces(payloads),
            b"".join(signatures),
        ),
    )


def of_leaves(leaves: Sequence[NewLeaf]) -> tuple[Sequence[bytes], Columns, str]:
    """Their hashes, the columns of at least one of them, and how long each entry is."""
    kinds, entries, hashes = zip(*leaves, strict=True)
    data, ends, lengths = _pieces(entries)
    return hashes, (arrays.words(kinds), data, ends, b"".join(hashes)), lengths


def _pieces(parts: Sequence[bytes]) -> tuple[bytes, str, str]:
    """All of them in one, where each of them ends, and how long each is."""
    lengths = [len(part) for part in parts]
    return b"".join(parts), arrays.numbers(accumulate(lengths)), arrays.numbers(lengths)
