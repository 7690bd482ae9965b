"""The tree against the recursive definitions of RFC 6962 section 2.1, written down word for word."""

import hashlib

from hypothesis import given, settings
from hypothesis import strategies as st

from wardline.core.evidence import log

LEAVES_MAX = 200
LEAVES = [log.leaf_hash(b"entry %d" % at) for at in range(LEAVES_MAX)]


def mth(leaves: list[bytes]) -> bytes:
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return hashlib.sha256(b"\x01" + mth(leaves[:k]) + mth(leaves[k:])).digest()


def path(m: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if m < k:
        return [*path(m, leaves[:k]), mth(leaves[k:])]
    return [*path(m - k, leaves[k:]), mth(leaves[:k])]


def proof(m: int, leaves: list[bytes], whole: bool = True) -> list[bytes]:
    if m == len(leaves):
        return [] if whole else [mth(leaves)]
    k = split(len(leaves))
    if m <= k:
        return [*proof(m, leaves[:k], whole), mth(leaves[k:])]
    return [*proof(m - k, leaves[k:], False), mth(leaves[:k])]


def split(size: int) -> int:
    k = 1
    while k * 2 < size:
        k *= 2
    return k


def node(level: int, index: int) -> bytes:
    leaves = LEAVES[index << level : (index + 1) << level]
    assert len(leaves) == 1 << level, "only complete subtrees may be asked for"
    return mth(leaves)


@settings(max_examples=60)
@given(st.lists(st.integers(0, 40), max_size=8))
def test_growing_in_any_steps_gives_the_root_and_every_complete_node_once(steps: list[int]) -> None:
    frontier, nodes = log.Frontier(), {}
    for step in steps:
        step = min(step, LEAVES_MAX - frontier.size)
        leaves = LEAVES[frontier.size : frontier.size + step]
        before = frontier
        frontier, fresh = log.grow(before, leaves)
        assert log.new_nodes(before.size, leaves, before) == fresh
        for level, index, value in fresh:
            assert (level, index) not in nodes
            nodes[level, index] = value
        assert frontier.size == before.size + step
        assert frontier.root == mth(LEAVES[: frontier.size])
        # What is stored is the size and the list of hashes.
        assert log.Frontier(frontier.size, tuple(frontier.hashes)) == frontier
    expected = {
        (level, index)
        for level in range(frontier.size.bit_length())
        for index in range(frontier.size >> level)
    }
    assert nodes.keys() == expected
    assert all(value == node(*at) for at, value in nodes.items())


sizes = st.integers(1, LEAVES_MAX)


@settings(max_examples=60)
@given(sizes, st.data())
def test_inclusion_proofs_are_the_audit_paths_of_the_rfc(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    found = log.inclusion_proof(index, size, node)
    assert found == path(index, LEAVES[:size])
    assert log.verify_inclusion(LEAVES[index], index, size, found, mth(LEAVES[:size]))
    asked = log.nodes_for_inclusion(index, size)
    known = {at: node(*at) for at in asked}
    assert log.inclusion_proof(index, size, lambda *at: known[at]) == found


@settings(max_examples=60)
@given(sizes, st.data())
def test_consistency_proofs_are_the_proofs_of_the_rfc(second: int, data: st.DataObject) -> None:
    first = data.draw(st.integers(1, second))
    found = log.consistency_proof(first, second, node)
    assert found == proof(first, LEAVES[:second])
    old, new = mth(LEAVES[:first]), mth(LEAVES[:second])
    assert log.verify_consistency(first, second, old, new, found)
    known = {at: node(*at) for at in log.nodes_for_consistency(first, second)}
    assert log.consistency_proof(first, second, lambda *at: known[at]) == found


changes = st.sampled_from(("drop", "add", "flip", "cut", "swap"))


def changed(hashes: list[bytes], how: str, data: st.DataObject) -> list[bytes]:
    result = list(hashes)
    at = data.draw(st.integers(0, max(len(result) - 1, 0)))
    if how == "add" or not result:
        result.insert(at, data.draw(st.sampled_from((bytes(32), b"", *hashes))))
    elif how == "drop":
        del result[at]
    elif how == "flip":
        bit = data.draw(st.integers(0, 255))
        value = int.from_bytes(result[at], "big") ^ (1 << bit)
        result[at] = value.to_bytes(32, "big")
    elif how == "cut":
        result[at] = result[at][:-1]
    else:
        other = data.draw(st.integers(0, len(result) - 1))
        result[at], result[other] = result[other], result[at]
    return result


@settings(max_examples=60)
@given(sizes, changes, st.data())
def test_no_changed_proof_verifies(size: int, how: str, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))
    root = mth(LEAVES[:size])
    honest = log.inclusion_proof(index, size, node)
    forged = changed(honest, how, data)
    if forged != honest:
        assert not log.verify_inclusion(LEAVES[index], index, size, forged, root)
    first = data.draw(st.integers(1, size))
    honest = log.consistency_proof(first, size, node)
    forged = changed(honest, how, data)
    if forged != honest:
        assert not log.verify_consistency(first, size, mth(LEAVES[:first]), root, forged)


@settings(max_examples=60)
@given(sizes, sizes, st.data())
def test_no_proof_verifies_for_another_place_or_size(
    size: int, other: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, size - 1))
    elsewhere = data.draw(st.integers(0, size - 1).filter(lambda at: at != index or size == 1))
    found, root = log.inclusion_proof(index, size, node), mth(LEAVES[:size])
    if elsewhere != index:
        assert not log.verify_inclusion(LEAVES[index], elsewhere, size, found, root)
        assert not log.verify_inclusion(LEAVES[elsewhere], index, size, found, root)
    if other != size:
        assert not log.verify_inclusion(LEAVES[index], index, size, found, mth(LEAVES[:other]))
        first = min(size, other)
        wrong = log.consistency_proof(first, max(size, other), node)
        forged = mth(LEAVES[1 : first + 1])
        assert not log.verify_consistency(
            first, max(size, other), forged, mth(LEAVES[: max(size, other)]), wrong
        )
