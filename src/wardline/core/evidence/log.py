"""The append-only log of a site: its RFC 6962 Merkle tree, proofs, and the entries it holds.

The tree is that of RFC 6962 section 2.1 (RFC 9162 2.1): SHA-256, leaf prefix 0x00, node prefix
0x01, split at the largest power of two below the size. Nodes are addressed (level, index) and kept
for complete subtrees only: node (l, i) covers leaves [i * 2^l, (i + 1) * 2^l).
"""

import base64
import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from wardline.core import canonical
from wardline.core.errors import Malformed
from wardline.core.evidence import fields, signing

ENTRY_BYTES_MAX = 1024
ENTRY_VERSION = 1
HASH_BYTES = 32
SIZE_MAX = 2**63 - 1
EMPTY_ROOT = hashlib.sha256(b"").digest()

GetNode = Callable[[int, int], bytes]
Node = tuple[int, int, bytes]


class EntryKind(StrEnum):
    BUNDLE = "bundle"
    KEY_ENROL = "key-enrol"
    KEY_RETIRE = "key-retire"
    KEY_REVOKE = "key-revoke"
    REDACTION = "redaction"
    LEGAL_HOLD = "legal-hold"
    GAP = "gap"
    EQUIVOCATION = "equivocation"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Entry:
    """One record of the log: digests alone, no health data.

    `bundle` and `gap` (a bundle of kind gap) are the records of streams: appliance, host, epoch,
    seq, payload digest and length, signature and key id are those of the envelope. `equivocation`
    is the same for a second body under a (appliance, epoch, seq) that was taken. The `key-` kinds
    name the key: `kid`, `payload_sha256` of the 32 raw public bytes; `key-enrol` carries `public`
    and the appliance's `witness` key, and has no `sig`. `host` is None where there is none.
    """

    kind: EntryKind
    site: str
    appliance: str | None
    host: str | None
    epoch: int
    seq: int
    payload_sha256: str
    payload_len: int
    sig: bytes | None
    kid: str | None
    received_ms: int
    public: bytes | None = None
    witness: bytes | None = None


def entry_bytes(entry: Entry) -> bytes:
    """The leaf: canonical JSON of at most ENTRY_BYTES_MAX; raises Malformed for what
    `parse_entry` would refuse."""
    wire: dict[str, object] = {
        **{key: getattr(entry, key) for key in _ENTRY_KEYS - {"v"}},
        "v": ENTRY_VERSION,
        "sig": entry.sig and base64.b64encode(entry.sig).decode(),
    }
    if entry.kind is EntryKind.KEY_ENROL:
        wire["public"] = base64.b64encode(entry.public or b"").decode()
        wire["witness"] = base64.b64encode(entry.witness or b"").decode()
    elif entry.public is not None or entry.witness is not None:
        raise Malformed("public", f"a {entry.kind} entry carries no keys")
    data = canonical.dumps(wire)
    parse_entry(data)
    return data


def parse_entry(data: bytes) -> Entry:
    """The entry of its leaf bytes; raises Malformed naming the first field that is wrong."""
    value = canonical.loads(data, bytes_max=ENTRY_BYTES_MAX)
    kind_text = value.get("kind") if type(value) is dict else None
    enrols = kind_text == EntryKind.KEY_ENROL
    obj = fields.exactly(value, _ENROL_KEYS if enrols else _ENTRY_KEYS)
    fields.integer(obj, "v", ENTRY_VERSION, ENTRY_VERSION)
    kind = fields.choice(obj, "kind", _ENTRY_KINDS)
    named = kind in _OF_APPLIANCE
    if named and (obj["appliance"] is None or obj["kid"] is None):
        raise Malformed("appliance" if obj["appliance"] is None else "kid", f"null in a {kind}")
    if kind in _OF_STREAM and obj["sig"] is None:
        raise Malformed("sig", f"null in a {kind}")
    entry = Entry(
        kind=kind,
        site=fields.entity(obj, "site", "site"),
        appliance=fields.optional(obj, "appliance", fields.entity, "appl"),
        host=fields.optional(obj, "host", fields.entity, "host"),
        epoch=fields.integer(obj, "epoch", 1 if kind in _OF_STREAM else 0),
        seq=fields.integer(obj, "seq", 1 if kind in _OF_STREAM else 0),
        payload_sha256=fields.hex64(obj, "payload_sha256"),
        payload_len=fields.integer(obj, "payload_len", 0),
        sig=fields.optional(obj, "sig", _raw, signing.SIGNATURE_BYTES),
        kid=fields.optional(obj, "kid", fields.key_id),
        received_ms=fields.integer(obj, "received_ms", 0),
        public=_raw(obj, "public", signing.KEY_BYTES) if enrols else None,
        witness=_raw(obj, "witness", signing.KEY_BYTES) if enrols else None,
    )
    if entry.public is not None:
        _check_enrolled(entry, entry.public)
    return entry


def key_entry(
    kind: EntryKind,
    site: str,
    appliance: str,
    public: bytes,
    received_ms: int,
    *,
    epoch: int = 0,
    witness: bytes | None = None,
) -> Entry:
    """A `key-` entry for this public key; `witness` belongs to `key-enrol` alone."""
    enrols = kind is EntryKind.KEY_ENROL
    return Entry(
        kind=kind,
        site=site,
        appliance=appliance,
        host=None,
        epoch=epoch,
        seq=0,
        payload_sha256=hashlib.sha256(public).hexdigest(),
        payload_len=len(public),
        sig=None,
        kid=signing.key_id(public),
        received_ms=received_ms,
        public=public if enrols else None,
        witness=witness if enrols else None,
    )


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The roots of the complete subtrees along the right edge, largest first: all that appending
    needs. `hashes` has one entry for every bit set in `size`."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.size <= SIZE_MAX or self.size.bit_count() != len(self.hashes):
            raise ValueError(f"a tree of {self.size} leaves has no {len(self.hashes)} edge hashes")
        if any(len(item) != HASH_BYTES for item in self.hashes):
            raise ValueError(f"an edge hash is not {HASH_BYTES} bytes long")

    @property
    def root(self) -> bytes:
        """The root of the whole tree; of the empty tree the hash of nothing."""
        return _fold(self.hashes)

    def append(self, leaf_hashes: Sequence[bytes]) -> "Frontier":
        """The frontier after these leaves."""
        return grow(self, leaf_hashes)[0]


def grow(frontier: Frontier, leaf_hashes: Sequence[bytes]) -> tuple[Frontier, list[Node]]:
    """The frontier after these leaves, and every node (level, index, hash) that they complete."""
    if any(len(item) != HASH_BYTES for item in leaf_hashes):
        raise ValueError(f"a leaf hash is not {HASH_BYTES} bytes long")
    old, new = frontier.size, frontier.size + len(leaf_hashes)
    edge = _edge_by_level(frontier)
    nodes: list[Node] = []
    kept: list[bytes] = []
    fresh = list(leaf_hashes)
    level = 0
    while fresh or old >> level:
        first = old >> level
        nodes.extend((level, first + offset, item) for offset, item in enumerate(fresh))
        row = [edge[level], *fresh] if first & 1 else fresh
        if new >> level & 1:
            kept.append(row[-1])
        fresh = [node_hash(row[at], row[at + 1]) for at in range(0, len(row) - 1, 2)]
        level += 1
    return Frontier(new, tuple(reversed(kept))), nodes


def new_nodes(old_size: int, leaf_hashes: Sequence[bytes], frontier: Frontier) -> list[Node]:
    """Every node (level, index, hash) that `leaf_hashes` complete in a tree of `old_size`."""
    if frontier.size != old_size:
        raise ValueError(f"the frontier is of {frontier.size} leaves, the tree of {old_size}")
    return grow(frontier, leaf_hashes)[1]


def root_from_leaves(leaf_hashes: Iterable[bytes]) -> bytes:
    """The root of the tree over these leaf hashes."""
    return Frontier().append(list(leaf_hashes)).root


def inclusion_proof(index: int, size: int, get_node: GetNode) -> list[bytes]:
    """The audit path of leaf `index` in the tree of `size` leaves, lowest first."""
    if not 0 <= index < size <= SIZE_MAX:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    return _path(index, 0, size, get_node)


def consistency_proof(first: int, second: int, get_node: GetNode) -> list[bytes]:
    """The proof that the tree of `second` leaves extends the one of `first`; 0 < first <= second.

    Nothing can be proved about an empty tree: every tree extends it.
    """
    if not 0 < first <= second <= SIZE_MAX:
        raise ValueError(f"no consistency proof exists from {first} to {second} leaves")
    if first == second:
        return []
    # The largest complete subtree at the old right edge; known to the verifier when it is all.
    level = (first & -first).bit_length() - 1
    path = _path((first >> level) - 1 << level, 0, second, get_node, down_to=level)
    if first == 1 << level:
        return path
    return [get_node(level, (first >> level) - 1), *path]


def nodes_for_inclusion(index: int, size: int) -> list[tuple[int, int]]:
    """The (level, index) of every node that `inclusion_proof` will ask for."""
    return _asked(lambda get_node: inclusion_proof(index, size, get_node))


def nodes_for_consistency(first: int, second: int) -> list[tuple[int, int]]:
    """The (level, index) of every node that `consistency_proof` will ask for."""
    return _asked(lambda get_node: consistency_proof(first, second, get_node))


def verify_inclusion(
    leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether `proof` shows the leaf hash at `index` in the tree of `size` leaves under `root`
    (RFC 9162 2.1.3.2)."""
    if not 0 <= index < size <= SIZE_MAX or not _are_hashes([leaf, root, *proof]):
        return False
    at, last, current = index, size - 1, leaf
    for item in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            current = node_hash(item, current)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            current = node_hash(current, item)
        at, last = at >> 1, last >> 1
    return last == 0 and current == root


def verify_consistency(
    first: int, second: int, first_root: bytes, second_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether `proof` shows that the tree of `second` leaves extends the one of `first`
    (RFC 9162 2.1.4.2). An empty first tree is refused: it vouches for nothing."""
    if not 0 < first <= second <= SIZE_MAX:
        return False
    if not _are_hashes([first_root, second_root, *proof]):
        return False
    if first == second:
        return not proof and first_root == second_root
    path = list(proof)
    if first & (first - 1) == 0:
        path.insert(0, first_root)
    if not path:
        return False
    at, last = first - 1, second - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    old = new = path[0]
    for item in path[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(item, old), node_hash(item, new)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, item)
        at, last = at >> 1, last >> 1
    return last == 0 and old == first_root and new == second_root


def _raw(obj: fields.Object, key: str, size: int) -> bytes:
    data = signing.unbase64(obj[key], key, size)
    if len(data) != size:
        raise Malformed(key, f"{len(data)} bytes, not {size}")
    return data


def _check_enrolled(entry: Entry, public: bytes) -> None:
    if entry.payload_sha256 != hashlib.sha256(public).hexdigest():
        raise Malformed("payload_sha256", "not the digest of the enrolled key")
    if entry.kid != signing.key_id(public):
        raise Malformed("kid", "not the id of the enrolled key")


def _are_hashes(items: Iterable[bytes]) -> bool:
    return all(len(item) == HASH_BYTES for item in items)


def _fold(hashes: Sequence[bytes]) -> bytes:
    """The root over complete subtrees that stand in decreasing size."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for item in reversed(hashes[:-1]):
        root = node_hash(item, root)
    return root


def _edge_by_level(frontier: Frontier) -> dict[int, bytes]:
    levels = [level for level in range(frontier.size.bit_length()) if frontier.size >> level & 1]
    return dict(zip(reversed(levels), frontier.hashes, strict=True))


def _range_root(begin: int, end: int, get_node: GetNode) -> bytes:
    """The hash of leaves [begin, end) where `begin` is aligned to the range's size."""
    hashes = []
    while begin < end:
        level = (end - begin).bit_length() - 1
        hashes.append(get_node(level, begin >> level))
        begin += 1 << level
    return _fold(hashes)


def _path(index: int, begin: int, end: int, get_node: GetNode, down_to: int = 0) -> list[bytes]:
    """The siblings from node (down_to) that holds leaf `index` up to the range [begin, end)."""
    path: list[bytes] = []
    while end - begin > 1 << down_to:
        split = begin + (1 << (end - begin - 1).bit_length() - 1)
        if index < split:
            path.append(_range_root(split, end, get_node))
            end = split
        else:
            path.append(_range_root(begin, split, get_node))
            begin = split
    path.reverse()
    return path


def _asked(prove: Callable[[GetNode], list[bytes]]) -> list[tuple[int, int]]:
    asked: list[tuple[int, int]] = []

    def note(level: int, index: int) -> bytes:
        asked.append((level, index))
        return EMPTY_ROOT

    prove(note)
    return asked


_ENTRY_KINDS = {item.value: item for item in EntryKind}
_OF_STREAM = (EntryKind.BUNDLE, EntryKind.GAP, EntryKind.EQUIVOCATION)
_OF_APPLIANCE = (*_OF_STREAM, EntryKind.KEY_ENROL, EntryKind.KEY_RETIRE, EntryKind.KEY_REVOKE)
_ENROL_KEYS = frozenset(Entry.__slots__) | {"v"}
_ENTRY_KEYS = _ENROL_KEYS - {"public", "witness"}
