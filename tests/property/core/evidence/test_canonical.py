"""The fast serialiser against RFC 8785 on values of the profile, and bundles of any content."""

from typing import Any

import rfc8785
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.core.evidence import site_log
from wardline.core import canonical
from wardline.core.errors import Malformed
from wardline.core.evidence import bundle

BYTES_MAX = 1_000_000

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
keys = st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=12)
integers = st.integers(-canonical.INTEGER_MAX, canonical.INTEGER_MAX)
values = st.recursive(
    st.none() | st.booleans() | integers | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(keys, inner, max_size=5),
    max_leaves=30,
)


@given(values)
def test_profile_values_have_the_bytes_of_rfc_8785(value: Any) -> None:
    data = canonical.dumps(value)
    assert data == rfc8785.dumps(value)
    assert canonical.loads(data, bytes_max=BYTES_MAX) == value


@given(st.binary(max_size=60) | values.map(str).map(str.encode))
def test_whatever_is_accepted_is_the_canonical_form_of_its_value(data: bytes) -> None:
    try:
        value = canonical.loads(data, bytes_max=BYTES_MAX)
    except Malformed:
        return
    assert canonical.dumps(value) == data == rfc8785.dumps(value)


@given(values, st.data())
def test_no_flipped_bit_keeps_its_value(value: Any, data: st.DataObject) -> None:
    honest = canonical.dumps(value)
    bit = data.draw(st.integers(0, 8 * len(honest) - 1))
    changed = bytearray(honest)
    changed[bit // 8] ^= 1 << bit % 8
    try:
        read = canonical.loads(bytes(changed), bytes_max=BYTES_MAX)
    except Malformed:
        return
    assert canonical.dumps(read) != honest


@settings(max_examples=40)
@given(st.dictionaries(keys, values, max_size=4), texts)
def test_a_bundle_of_any_facts_survives_sealing(facts: dict[str, Any], summary: str) -> None:
    digest = canonical.digest(facts)
    measured = site_log.result(facts=facts, facts_digest=digest, summary=summary)
    item = site_log.record(results=(measured,), note=facts)
    assert bundle.parse(bundle.seal(item, site_log.key(1)).payload) == item


@given(st.data())
def test_a_bundle_with_any_part_replaced_is_refused_or_reads_back_alike(
    data: st.DataObject,
) -> None:
    wire: Any = canonical.loads(bundle.payload_bytes(site_log.record()), bytes_max=BYTES_MAX)
    holder: Any = wire
    while True:
        names = sorted(holder) if isinstance(holder, dict) else list(range(len(holder)))
        at = data.draw(st.sampled_from(names))
        if not (isinstance(holder[at], dict | list) and holder[at]) or data.draw(st.booleans()):
            break
        holder = holder[at]
    holder[at] = data.draw(values)
    payload = canonical.dumps(wire)
    try:
        item = bundle.parse(payload)
    except Malformed:
        return
    assert bundle.payload_bytes(item) == payload
