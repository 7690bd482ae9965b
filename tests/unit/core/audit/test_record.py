"""A record's leaf: what it holds, what it never shows, and that nothing stops it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.core.audit.deeds import deed
from wardline.core import canonical
from wardline.core.audit import record, redact
from wardline.core.errors import Malformed

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
STATES = st.dictionaries(
    TEXT,
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=10,
    ),
    max_size=4,
)


def test_a_record_survives_its_leaf() -> None:
    given = deed(3)
    assert record.parse_record(record.record_bytes(given)) == given


@given(state=STATES)
def test_whatever_the_database_holds_has_a_leaf(state: dict[str, Any]) -> None:
    data = record.record_bytes(deed(1, before=state, after=state))
    found = record.parse_record(data)
    assert found.before == found.after
    assert record.record_bytes(found) == data


def test_what_is_too_large_is_kept_as_its_digest_and_a_long_reason_is_cut() -> None:
    large = {"rules": ["x" * 1000] * 100}
    found = record.parse_record(
        record.record_bytes(deed(1, after=large, reason="\x01" * 100_000, before=large))
    )
    assert found.after == {"bytes": 100_311, "sha256": canonical.digest(large)}
    assert found.reason is not None
    assert "[cut: 100000 bytes, SHA-256 " in found.reason


def test_a_state_that_is_nested_too_deep_becomes_text() -> None:
    deep: Any = "end"
    for _ in range(60):
        deep = {"in": deep}
    found: Any = record.parse_record(record.record_bytes(deed(1, after=deep))).after
    for _ in range(record.STATE_DEPTH_MAX):
        found = found["in"]
    assert found.count("in") == 60 - record.STATE_DEPTH_MAX


@pytest.mark.parametrize(
    "key",
    ["password", "newPassword", "API_KEY", "apiKey", "token", "session_token", "totp_secret",
     "private_key", "recovery_codes", "Authorization", "token_hash", "webhook_url"],
)  # fmt: skip
def test_what_stands_under_a_secret_key_is_left_out_at_every_depth(key: str) -> None:
    found = record.state({"outer": [{key: "hunter2"}], key: {"inner": "hunter2"}})
    assert found == {"outer": [{key: redact.REDACTED}], key: redact.REDACTED}


@pytest.mark.parametrize(
    "key",
    ["token_id", "sessions_ended", "public_key", "hostname", "keyboard", "tokens_count", "spin"],
)
def test_what_only_sounds_like_a_secret_stays(key: str) -> None:
    assert record.state({key: 7}) == {key: 7}


@pytest.mark.parametrize("name", sorted(record._KEYS))
def test_a_field_that_is_missing_or_of_another_kind_is_refused_by_its_name(name: str) -> None:
    value = canonical.loads(record.record_bytes(deed(1)), bytes_max=10**6)
    without = {key: item for key, item in value.items() if key != name}
    for wrong in (without, {**value, name: [1]}):
        with pytest.raises(Malformed) as caught:
            record.parse_record(canonical.dumps(wrong))
        assert caught.value.where == name
