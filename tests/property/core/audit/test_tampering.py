"""The tamper matrix of the audit log: whatever is done to an export, the exit code says so.

The first attacker holds the export and knows its format (check sums are made right again); the
second holds the log's key and the database as well, but no checkpoint that a reader kept.
"""

import io
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.core.audit import deeds
from tests.unit.core.audit.deeds import DeedLog
from wardline.core import canonical
from wardline.core.audit import verify
from wardline.core.evidence import checkpoint
from wardline.core.evidence.signing import SigningKey
from wardline.core.evidence.verdict import Exit
from wardline.formats import audit_kit, frame

Draw = st.DataObject


def flipped(data: bytes, draw: Draw) -> bytes:
    bit = draw.draw(st.integers(0, 8 * len(data) - 1))
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def place(made: DeedLog, draw: Draw) -> int:
    return draw.draw(st.integers(0, len(made.leaves) - 1))


def flip_bit(made: DeedLog, draw: Draw) -> None:
    at = place(made, draw)
    made.leaves[at] = flipped(made.leaves[at], draw).replace(b"\n", b"?")


def edit_field(made: DeedLog, draw: Draw) -> None:
    """As whoever knows the form would: the record is one, and says something else."""
    at = place(made, draw)
    value = canonical.loads(made.leaves[at], bytes_max=10**6)
    name = draw.draw(st.sampled_from(("actor", "action", "subject", "reason", "address")))
    value[name] = "somebody else"
    made.leaves[at] = canonical.dumps(value)


def drop_record(made: DeedLog, draw: Draw) -> None:
    del made.leaves[draw.draw(st.integers(0, len(made.leaves) - 2))]


def double_record(made: DeedLog, draw: Draw) -> None:
    at = place(made, draw)
    made.leaves.insert(at, made.leaves[at])


def reorder_records(made: DeedLog, draw: Draw) -> None:
    first, second = draw.draw(st.permutations(range(len(made.leaves))))[:2]
    made.leaves[first], made.leaves[second] = made.leaves[second], made.leaves[first]


def flip_root(made: DeedLog, draw: Draw) -> None:
    at = draw.draw(st.integers(0, len(made.notes) - 1))
    note = checkpoint.parse_note(made.notes[at])
    body = flipped(note.body, draw).decode("latin-1")
    made.notes[at] = body + made.notes[at][len(note.body.decode()) :]


def swap_key(made: DeedLog, draw: Draw) -> None:
    made.log_key = SigningKey.from_seed(b"9" * 32)


TAMPERINGS = [flip_bit, edit_field, double_record, reorder_records, flip_root, swap_key]


def test_an_honest_export_is_verified_by_whoever_holds_key_and_checkpoint() -> None:
    made = deeds.honest()
    found = made.verify(deeds.trusting(made))
    assert (found.exit_code, found.entries, found.checkpoints) == (Exit.VERIFIED, 11, 3)
    assert made.verify(None).exit_code is Exit.UNWITNESSED


@pytest.mark.parametrize("tamper", TAMPERINGS)
@settings(max_examples=40)
@given(data=st.data())
def test_altering_the_export_is_invalid(
    tamper: Callable[[DeedLog, Draw], None], data: st.DataObject
) -> None:
    made = deeds.honest()
    trusted = deeds.trusting(made)
    tamper(made, data)
    for trust in (trusted, None):
        found = made.verify(trust)
        assert found.exit_code is Exit.INVALID, found
        assert found.first_break is not None


@settings(max_examples=40)
@given(data=st.data())
def test_a_dropped_record_is_named(data: st.DataObject) -> None:
    made = deeds.honest()
    trusted = deeds.trusting(made)
    drop_record(made, data)
    for trust in (trusted, None):
        found = made.verify(trust)
        assert found.exit_code is Exit.INVALID
        assert found.first_break is not None
        assert "missing, doubled or moved" in found.first_break.what


@settings(max_examples=20)
@given(data=st.data())
def test_a_tail_that_was_cut_off_is_incomplete(data: st.DataObject) -> None:
    made = deeds.honest()
    trusted = deeds.trusting(made)
    del made.leaves[data.draw(st.integers(0, len(made.leaves) - 1)) :]
    assert made.verify(None).exit_code is Exit.INCOMPLETE
    made.notes = [
        text
        for text in made.notes
        if checkpoint.parse_note(text).checkpoint().size <= len(made.leaves)
    ]
    assert made.verify(trusted).exit_code is Exit.INCOMPLETE


@settings(max_examples=40)
@given(data=st.data())
def test_a_log_rewritten_with_its_own_key_diverges_from_a_kept_checkpoint(
    data: st.DataObject,
) -> None:
    made = deeds.honest()
    trusted = deeds.trusting(made)
    edit_field(made, data)
    made.notes = []
    made.checkpoint()
    assert made.verify(None).exit_code is Exit.UNWITNESSED
    assert made.verify(trusted).exit_code is Exit.DIVERGES


@settings(max_examples=60)
@given(data=st.data())
def test_any_damage_to_the_file_is_no_kit(data: st.DataObject) -> None:
    honest = deeds.honest().zip()
    start, end = sorted(data.draw(st.tuples(*[st.integers(0, len(honest))] * 2)))
    damaged = honest[:start] + data.draw(st.binary(max_size=40)) + honest[end:]
    if damaged == honest:
        return
    with pytest.raises(frame.KitBroken):
        verify.verify(audit_kit.read(io.BytesIO(damaged)), None)


def test_every_flipped_bit_of_the_file_is_found() -> None:
    made = DeedLog()
    made.take(2)
    made.checkpoint()
    data = bytearray(made.zip())
    for bit in range(8 * len(data)):
        data[bit // 8] ^= 1 << bit % 8
        with pytest.raises(frame.KitBroken):
            audit_kit.read(io.BytesIO(data))
        data[bit // 8] ^= 1 << bit % 8
