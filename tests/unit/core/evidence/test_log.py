"""The tree against public reference values, and the entries it holds."""

import base64
import hashlib
from dataclasses import replace

import pytest

from tests.unit.core.evidence import site_log
from wardline.core import canonical
from wardline.core.errors import Malformed
from wardline.core.evidence import log, signing
from wardline.core.evidence.log import Entry, EntryKind, Frontier

# The reference tree of Certificate Transparency (RFC 6962): eight inputs and the root of each size.
INPUTS = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [log.leaf_hash(bytes.fromhex(item)) for item in INPUTS]
ROOT = [bytes.fromhex(item) for item in ROOTS]
A = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
B = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
C = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
D = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
E = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
F = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
INCLUSION = [
    (0, 1, []),
    (0, 8, [E, A, D]),
    (5, 8, [B, C, ROOTS[4]]),
    (2, 3, [ROOTS[2]]),
    (1, 5, [ROOTS[1], A, B]),
]
CONSISTENCY = [
    (1, 1, []),
    (1, 8, [E, A, D]),
    (6, 8, [F, C, ROOTS[4]]),
    (2, 5, [A, B]),
]


def node(level: int, index: int) -> bytes:
    if level == 0:
        return LEAVES[index]
    return log.node_hash(node(level - 1, 2 * index), node(level - 1, 2 * index + 1))


def raw(proof: list[str]) -> list[bytes]:
    return [bytes.fromhex(item) for item in proof]


@pytest.mark.parametrize("size", range(9))
def test_roots_of_the_reference_tree(size: int) -> None:
    assert log.root_from_leaves(LEAVES[:size]).hex() == ROOTS[size]
    assert Frontier().append(LEAVES[:size]).root == ROOT[size]


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSION)
def test_inclusion_proofs_of_the_reference_tree(index: int, size: int, proof: list[str]) -> None:
    assert log.inclusion_proof(index, size, node) == raw(proof)
    assert log.verify_inclusion(LEAVES[index], index, size, raw(proof), ROOT[size])


@pytest.mark.parametrize(("first", "second", "proof"), CONSISTENCY)
def test_consistency_proofs_of_the_reference_tree(
    first: int, second: int, proof: list[str]
) -> None:
    assert log.consistency_proof(first, second, node) == raw(proof)
    assert log.verify_consistency(first, second, ROOT[first], ROOT[second], raw(proof))


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSION)
def test_a_changed_inclusion_proof_is_refused(index: int, size: int, proof: list[str]) -> None:
    leaf, root, path = LEAVES[index], ROOT[size], raw(proof)
    junk = bytes(32)
    refused = [
        (leaf, index - 1, size, path, root),
        (leaf, index + 1, size, path, root),
        (leaf, index ^ 2, size, path, root),
        (leaf, index, size * 2, path, root),
        (leaf, index, size // 2, path, root),
        (leaf, index, 0, path, root),
        (leaf, index, 2**63, path, root),
        (leaf, index, size, [], root) if path else (junk, index, size, path, root),
        (leaf, index, size, [*path, junk], root),
        (leaf, index, size, [*path, b""], root),
        (leaf, index, size, [*path, root], root),
        (leaf, index, size, path[:-1] or [junk], root),
        (leaf, index, size, [junk, *path], root),
        (leaf, index, size, [junk, *path[1:]], root),
        (leaf, index, size, path, junk),
        (leaf, index, size, path, b""),
        (b"", index, size, path, root),
        (junk, index, size, path, root),
        (leaf[:-1], index, size, path, root),
        (leaf, index, size, [item[:-1] for item in path] or [b"x"], root),
        (leaf, index, size, [item + b"\x00" for item in path] or [b"x"], root),
    ]
    for item, at, leaves, hashes, head in refused:
        assert not log.verify_inclusion(item, at, leaves, hashes, head), (at, leaves, hashes)


@pytest.mark.parametrize(("first", "second", "proof"), CONSISTENCY)
def test_a_changed_consistency_proof_is_refused(first: int, second: int, proof: list[str]) -> None:
    old, new, path, junk = ROOT[first], ROOT[second], raw(proof), bytes(32)
    refused = [
        (first - 1, second, old, new, path),
        (first + 1, second, old, new, path),
        (first, second * 2, old, new, path),
        (first, second // 2, old, new, path),
        (second + 1, first, new, old, path),
        (0, second, old, new, path),
        (first, 0, old, new, path),
        (-1, second, old, new, path),
        (first, second, junk, new, path),
        (first, second, old, junk, path),
        (first, second, b"", new, path),
        (first, second, old, new[:-1], path),
        (first, second, old, new, [*path, junk]),
        (first, second, old, new, [*path, new]),
        (first, second, old, new, [old, *path]),
        (first, second, old, new, path[:-1] or [junk]),
        (first, second, old, new, path[1:] or [b""]),
        (first, second, old, new, [item[:-1] for item in path] or [junk[:-1]]),
    ]
    for a, b, head, later, hashes in refused:
        assert not log.verify_consistency(a, b, head, later, hashes), (a, b, hashes)


def test_nothing_is_proved_about_empty_trees() -> None:
    assert not log.verify_inclusion(LEAVES[0], 0, 0, [], log.EMPTY_ROOT)
    assert not log.verify_consistency(0, 0, log.EMPTY_ROOT, log.EMPTY_ROOT, [])
    assert not log.verify_consistency(0, 8, log.EMPTY_ROOT, ROOT[8], [])
    for first, second in ((0, 1), (0, 0), (2, 1)):
        with pytest.raises(ValueError, match="no consistency proof"):
            log.consistency_proof(first, second, node)
    for index, size in ((0, 0), (-1, 1), (1, 1), (0, 2**63)):
        with pytest.raises(ValueError, match="no leaf"):
            log.inclusion_proof(index, size, node)


def test_equal_sizes_are_consistent_only_with_equal_roots_and_an_empty_proof() -> None:
    assert log.verify_consistency(8, 8, ROOT[8], ROOT[8], [])
    assert not log.verify_consistency(8, 8, ROOT[8], ROOT[7], [])
    assert not log.verify_consistency(8, 8, ROOT[8], ROOT[8], [ROOT[8]])


def test_a_frontier_is_refused_when_its_hashes_do_not_fit_its_size() -> None:
    for size, hashes in ((1, ()), (0, (ROOT[1],)), (2, (ROOT[1], ROOT[1])), (-1, ()), (1, (b"",))):
        with pytest.raises(ValueError):
            Frontier(size, hashes)
    with pytest.raises(ValueError, match="32 bytes"):
        Frontier().append([b"short"])
    with pytest.raises(ValueError, match="the frontier is of 0"):
        log.new_nodes(1, LEAVES, Frontier())


def entry(**changes: object) -> Entry:
    plain = Entry(
        kind=EntryKind.BUNDLE,
        site=site_log.SITE,
        appliance=site_log.named("appl", 1),
        host=site_log.named("host", 1),
        epoch=1,
        seq=1,
        payload_sha256="ab" * 32,
        payload_len=2300,
        sig=bytes(64),
        kid="0" * 16,
        received_ms=1_795_000_000_000,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


PUBLIC = site_log.key(1).public
ENROL = log.key_entry(
    EntryKind.KEY_ENROL, site_log.SITE, site_log.named("appl", 1), PUBLIC, 5, witness=PUBLIC
)


@pytest.mark.parametrize(
    "item",
    [
        entry(),
        entry(kind=EntryKind.GAP, host=None),
        entry(kind=EntryKind.EQUIVOCATION),
        entry(kind=EntryKind.LEGAL_HOLD, appliance=None, host=None, sig=None, kid=None, seq=0),
        entry(kind=EntryKind.RECOVERY, appliance=None, host=None, sig=None, kid=None, epoch=0),
        ENROL,
        log.key_entry(EntryKind.KEY_RETIRE, site_log.SITE, site_log.named("appl", 1), PUBLIC, 5),
        log.key_entry(EntryKind.KEY_REVOKE, site_log.SITE, site_log.named("appl", 1), PUBLIC, 5),
    ],
)
def test_an_entry_parses_back_as_it_was(item: Entry) -> None:
    data = log.entry_bytes(item)
    assert log.parse_entry(data) == item
    assert len(data) <= log.ENTRY_BYTES_MAX


def test_the_wire_form_of_a_bundle_entry_is_the_documented_record() -> None:
    value = canonical.loads(log.entry_bytes(entry()), bytes_max=1024)
    assert value == {
        "v": 1,
        "kind": "bundle",
        "site": site_log.SITE,
        "appliance": site_log.named("appl", 1),
        "host": site_log.named("host", 1),
        "epoch": 1,
        "seq": 1,
        "payload_sha256": "ab" * 32,
        "payload_len": 2300,
        "sig": base64.b64encode(bytes(64)).decode(),
        "kid": "0" * 16,
        "received_ms": 1_795_000_000_000,
    }


def test_an_enrolment_carries_both_keys_and_their_digest() -> None:
    value = canonical.loads(log.entry_bytes(ENROL), bytes_max=1024)
    assert value["public"] == value["witness"] == base64.b64encode(PUBLIC).decode()
    assert value["payload_sha256"] == hashlib.sha256(PUBLIC).hexdigest()
    assert value["kid"] == signing.key_id(PUBLIC)


@pytest.mark.parametrize(
    ("item", "where"),
    [
        (entry(site="site_1"), "site"),
        (entry(appliance=None), "appliance"),
        (entry(kid=None), "kid"),
        (entry(sig=None), "sig"),
        (entry(sig=bytes(63)), "sig"),
        (entry(epoch=0), "epoch"),
        (entry(seq=0), "seq"),
        (entry(payload_sha256="AB" * 32), "payload_sha256"),
        (entry(payload_len=-1), "payload_len"),
        (entry(received_ms=-1), "received_ms"),
        (entry(public=PUBLIC), "public"),
        (entry(witness=PUBLIC), "public"),
        (replace(ENROL, public=None), "public"),
        (replace(ENROL, witness=bytes(31)), "witness"),
        (replace(ENROL, kid="0" * 16), "kid"),
        (replace(ENROL, payload_sha256="0" * 64), "payload_sha256"),
        (replace(ENROL, appliance=None), "appliance"),
    ],
)
def test_a_wrong_entry_is_refused_at_its_field(item: Entry, where: str) -> None:
    with pytest.raises(Malformed) as caught:
        log.entry_bytes(item)
    assert caught.value.where == where


@pytest.mark.parametrize(
    "data",
    [
        b"null",
        b"{}",
        b"[]",
        log.entry_bytes(entry()) + b"\n",
        log.entry_bytes(entry()).replace(b'"v":1', b'"v":2'),
        log.entry_bytes(entry()).replace(b'"v":1', b'"v":1,"w":1'),
        log.entry_bytes(entry()).replace(b'"kind":"bundle"', b'"kind":"party"'),
        log.entry_bytes(entry()).replace(b'"kind":"bundle"', b'"kind":["bundle"]'),
        b'"' + b"x" * log.ENTRY_BYTES_MAX + b'"',
    ],
)
def test_bytes_that_are_no_entry_are_refused(data: bytes) -> None:
    with pytest.raises(Malformed):
        log.parse_entry(data)
