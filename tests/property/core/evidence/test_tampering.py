"""The tamper matrix: whatever is done to a clinic's log, the verifier's exit code says so.

Two attackers: one who holds the export and knows its format (check sums are made right again), and
one who holds the log's key and database as well. Neither holds the keys of the appliances.
"""

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.core.evidence import site_log
from tests.unit.core.evidence.site_log import Appliance, SiteLog
from wardline.core.evidence import audit, bundle, checkpoint, log
from wardline.core.evidence.log import EntryKind
from wardline.core.evidence.trust import Trust
from wardline.core.evidence.verdict import Exit
from wardline.formats import frame, kit

ROUNDS = 2
Draw = st.DataObject


def honest() -> tuple[SiteLog, Trust]:
    site, appliances = site_log.clinic(ROUNDS)
    return site, site_log.trusting(site, *appliances)


def flip(data: bytes, draw: Draw) -> bytes:
    bit = draw.draw(st.integers(0, 8 * len(data) - 1))
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def a_record(site: SiteLog, draw: Draw) -> int:
    return draw.draw(st.sampled_from(sorted(site.bundles)))


def renumbered(site: SiteLog, keep: list[int]) -> None:
    """Leaves and bundles in a new order of their old indices."""
    bundles = {at: site.bundles[old] for at, old in enumerate(keep) if old in site.bundles}
    site.leaves, site.bundles = [site.leaves[old] for old in keep], bundles


# With the export alone


def flip_leaf(site: SiteLog, draw: Draw) -> None:
    at = draw.draw(st.integers(0, len(site.leaves) - 1))
    site.leaves[at] = flip(site.leaves[at], draw).replace(b"\n", b"?")


def flip_payload(site: SiteLog, draw: Draw) -> None:
    at = a_record(site, draw)
    item = site.bundles[at]
    site.bundles[at] = replace(item, payload=flip(item.payload, draw))


def flip_signature(site: SiteLog, draw: Draw) -> None:
    at = a_record(site, draw)
    item = site.bundles[at]
    site.bundles[at] = replace(item, sig=flip(item.sig, draw))


def flip_head(site: SiteLog, draw: Draw) -> None:
    at = draw.draw(st.integers(0, len(site.notes) - 1))
    note = checkpoint.parse_note(site.notes[at])
    body = flip(note.body, draw).decode("latin-1")
    site.notes[at] = body + site.notes[at][len(note.body.decode()) :]


def flip_log_signature(site: SiteLog, draw: Draw) -> None:
    at = draw.draw(st.integers(0, len(site.notes) - 1))
    note = checkpoint.parse_note(site.notes[at])
    first, *rest = note.signatures
    forged = replace(first, blob=flip(first.blob, draw))
    site.notes[at] = replace(note, signatures=(forged, *rest)).text()


def flip_cosignature(site: SiteLog, draw: Draw) -> None:
    note = checkpoint.parse_note(site.notes[-1])
    at = draw.draw(st.integers(1, len(note.signatures) - 1))
    lines = list(note.signatures)
    lines[at] = replace(lines[at], blob=flip(lines[at].blob, draw))
    site.notes[-1] = replace(note, signatures=tuple(lines)).text()


def drop_entry(site: SiteLog, draw: Draw) -> None:
    at = draw.draw(st.integers(0, _size(site.notes[-2]) - 1))
    renumbered(site, [old for old in range(len(site.leaves)) if old != at])


def duplicate_entry(site: SiteLog, draw: Draw) -> None:
    at = draw.draw(st.integers(0, len(site.leaves) - 1))
    renumbered(site, sorted([*range(len(site.leaves)), at]))


def reorder_entries(site: SiteLog, draw: Draw) -> None:
    order = list(range(len(site.leaves)))
    first, second = sorted(draw.draw(st.permutations(order))[:2])
    order[first], order[second] = order[second], order[first]
    renumbered(site, order)


def swap_bundles(site: SiteLog, draw: Draw) -> None:
    first, second = draw.draw(st.permutations(sorted(site.bundles)))[:2]
    site.bundles[first], site.bundles[second] = site.bundles[second], site.bundles[first]


def delete_host(site: SiteLog, draw: Draw) -> None:
    host = bundle.parse(site.bundles[a_record(site, draw)].payload).host_id
    renumbered(
        site, [at for at, leaf in enumerate(site.leaves) if log.parse_entry(leaf).host != host]
    )


def reorder_checkpoints(site: SiteLog, draw: Draw) -> None:
    site.notes.reverse()


def swap_log_key(site: SiteLog, draw: Draw) -> None:
    site.log_key = site_log.key(9)


@pytest.mark.parametrize(
    "tamper",
    [
        flip_leaf,
        flip_payload,
        flip_signature,
        flip_head,
        flip_log_signature,
        flip_cosignature,
        drop_entry,
        duplicate_entry,
        reorder_entries,
        swap_bundles,
        delete_host,
        reorder_checkpoints,
        swap_log_key,
    ],
)
@settings(max_examples=15)
@given(data=st.data())
def test_altering_the_export_is_invalid(
    tamper: Callable[[SiteLog, Draw], None], data: st.DataObject
) -> None:
    site, trusted = honest()
    before = site.zip()
    tamper(site, data)
    for trust in (trusted, None):
        verdict = site.verify(trust)
        assert verdict.exit_code is Exit.INVALID, verdict
        assert verdict.first_break is not None
        assert verdict.first_break.where
    assert site.zip() != before


@settings(max_examples=15)
@given(data=st.data())
def test_dropping_an_entry_since_the_last_but_one_checkpoint_is_seen(data: st.DataObject) -> None:
    """The last checkpoint covers more than there is; where a stream shows the hole, it is named."""
    site, trusted = honest()
    at = data.draw(st.integers(_size(site.notes[-2]), len(site.leaves) - 1))
    renumbered(site, [old for old in range(len(site.leaves)) if old != at])
    last_of_its_stream = at in (len(site.leaves) - 2, len(site.leaves))
    expected = Exit.INCOMPLETE if last_of_its_stream else Exit.INVALID
    assert site.verify(trusted).exit_code is expected


@settings(max_examples=15)
@given(data=st.data())
def test_withholding_bundles_is_incomplete(data: st.DataObject) -> None:
    site, trusted = honest()
    for at in data.draw(st.sets(st.sampled_from(sorted(site.bundles)), min_size=1)):
        del site.bundles[at]
    assert site.verify(trusted).exit_code is Exit.INCOMPLETE


@settings(max_examples=15)
@given(data=st.data())
def test_cutting_the_tail_off_is_incomplete(data: st.DataObject) -> None:
    site, trusted = honest()
    held = site.head()
    size = data.draw(st.integers(0, len(site.leaves) - 1))
    renumbered(site, list(range(size)))
    assert site.verify(trusted).exit_code is Exit.INCOMPLETE
    # And without its later checkpoints, once the auditor holds one of them.
    site.notes = [text for text in site.notes if _size(text) <= size]
    assert site.verify(trusted.holding(held)).exit_code is Exit.INCOMPLETE


def _size(text: str) -> int:
    return checkpoint.parse_note(text).checkpoint().size


# With the log's key as well


def resigned(site: SiteLog) -> None:
    """New checkpoints over the log as it is now; the appliances have cosigned none of them."""
    site.notes = []
    site.checkpoint()


@settings(max_examples=15)
@given(data=st.data())
def test_a_log_rewritten_with_its_own_key_is_invalid(data: st.DataObject) -> None:
    site, trusted = honest()
    order = list(range(len(site.leaves)))
    how = data.draw(st.sampled_from(("host", "inner", "twice", "swap", "edit", "back-date")))
    if how == "host":
        host = site_log.named("host", data.draw(st.sampled_from((11, 21))))
        order = [at for at in order if log.parse_entry(site.leaves[at]).host != host]
    elif how == "inner":
        order.remove(data.draw(st.sampled_from((2, 3, 4, 5))))
    elif how == "twice":
        order.append(a_record(site, data))
    elif how == "swap":
        order[2], order[3] = order[3], order[2]
    renumbered(site, order)
    if how == "edit":
        _edit(site, a_record(site, data))
    if how == "back-date":
        appliance = Appliance(data.draw(st.sampled_from((1, 2))))
        kind, public = EntryKind.KEY_REVOKE, appliance.key.public
        leaf = log.entry_bytes(log.key_entry(kind, site.site, appliance.id, public, 0))
        site.leaves.insert(2, leaf)
        site.bundles = {at + 1: item for at, item in site.bundles.items()}
    resigned(site)
    for trust in (trusted, None):
        assert site.verify(trust).exit_code is Exit.INVALID


def _edit(site: SiteLog, at: int) -> None:
    """A better result, its digest logged; only the appliance could have signed it."""
    item = site.bundles[at]
    payload = item.payload.replace(b'"outcome":"fail"', b'"outcome":"pass"')
    assert payload != item.payload
    forged = replace(item, payload=payload)
    tail = site.leaves[at + 1 :]
    site.leaves = site.leaves[:at]
    site.take(forged)
    site.leaves += tail


def test_a_forked_tail_diverges_from_a_held_checkpoint_and_is_unwitnessed() -> None:
    site, trusted = honest()
    held = site.head()
    fork, (first, second) = site_log.clinic(ROUNDS - 1)
    for appliance in (second, first):
        for host in (1, 2):
            number = site_log.named("host", appliance.number * 10 + host)
            fork.take(appliance.seal(host_id=number))
    resigned(fork)
    assert len(fork.leaves) == held.size
    assert fork.verify(trusted).exit_code is Exit.UNWITNESSED
    assert fork.verify(trusted.holding(held)).exit_code is Exit.DIVERGES


def test_a_cosignature_cannot_be_carried_over_to_a_rewritten_log() -> None:
    site, trusted = honest()
    cosigned = checkpoint.parse_note(site.notes[-1]).signatures[1:]
    renumbered(site, list(range(len(site.leaves) - 1)))
    resigned(site)
    site.notes[-1] += "".join(item.line() for item in cosigned)
    assert site.verify(trusted).exit_code is Exit.INVALID


def test_a_history_made_up_with_new_keys_is_invalid_to_whoever_holds_the_real_ones() -> None:
    site, trusted = honest()
    held = site.head()
    made_up = SiteLog(log_key=site_log.key(9))
    impostor = Appliance(1)
    impostor_key = site_log.key(8)
    public = impostor_key.public
    made_up.append(
        log.key_entry(
            EntryKind.KEY_ENROL, site.site, impostor.id, public, 0, epoch=1, witness=public
        )
    )
    made_up.take(bundle.seal(site_log.record(), impostor_key))
    made_up.checkpoint()
    assert made_up.verify(None).exit_code is Exit.UNWITNESSED
    assert made_up.verify(trusted).exit_code is Exit.INVALID
    assert made_up.verify(Trust().holding(held)).exit_code is Exit.INCOMPLETE
    made_up.log_key = site.log_key
    resigned(made_up)
    assert made_up.verify(trusted).exit_code is Exit.INVALID


def test_rewinding_to_an_older_export_is_incomplete_to_whoever_holds_a_later_checkpoint() -> None:
    older, appliances = site_log.clinic(1)
    newer, _ = site_log.clinic(2)
    trusted = site_log.trusting(newer, *appliances)
    assert older.verify(trusted).exit_code is Exit.VERIFIED
    assert older.verify(trusted.holding(newer.head())).exit_code is Exit.INCOMPLETE


@settings(max_examples=40)
@given(data=st.data())
def test_any_damage_to_the_file_ends_in_a_verdict_of_invalid(data: st.DataObject) -> None:
    site, trusted = honest()
    honest_bytes = site.zip()
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(honest_bytes))] * 2)))
    junk = data.draw(st.binary(max_size=40))
    damaged = honest_bytes[:start] + junk + honest_bytes[end:]
    if damaged == honest_bytes:
        return
    with pytest.raises(frame.KitBroken):
        audit.verify(kit.read(io.BytesIO(damaged)), trusted)
