"""An audit record as the leaf of its partner's log: who did what to what, from where, and why.

The leaf is canonical JSON in the strict profile: `{v, partner, seq, at_ms, actor_kind, actor,
address, site, action, subject, before, after, reason}`. `seq` begins at 1 and is the leaf's index
plus one, so that a record that is missing, doubled or moved is seen by its own number.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from wardline.core import canonical
from wardline.core.audit import redact
from wardline.core.evidence import fields

RECORD_VERSION = 1
RECORD_BYTES_MAX = 256 * 1024
# Of `before` and `after` each; what is larger is kept as its digest.
STATE_BYTES_MAX = 64 * 1024
REASON_BYTES_MAX = 16 * 1024
WORD_BYTES_MAX = 512
# Of a value inside `before` or `after`, which stand inside the record.
STATE_DEPTH_MAX = canonical.DEPTH_MAX - 2


@dataclass(frozen=True, slots=True)
class Record:
    """One deed. `at_ms` is in milliseconds since the Unix epoch; `before` and `after` are what was
    changed, as far as the action says it; `address` is where it came from, as text."""

    partner: str
    seq: int
    at_ms: int
    actor_kind: str
    actor: str
    address: str | None
    site: str | None
    action: str
    subject: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    reason: str | None


def record_bytes(record: Record) -> bytes:
    """The leaf, secrets left out. No row of the database may stop the log: what does not fit the
    profile or the bounds is written as text or as its digest."""
    wire = {key: getattr(record, key) for key in _KEYS - {"v"}}
    wire["v"] = RECORD_VERSION
    wire["before"] = state(record.before)
    wire["after"] = state(record.after)
    wire["reason"] = None if record.reason is None else _bounded(_plain(record.reason))
    data = canonical.dumps(wire)
    parse_record(data)
    return data


def parse_record(data: bytes) -> Record:
    """The record of its leaf bytes; raises Malformed naming the first field that is wrong."""
    obj = fields.exactly(canonical.loads(data, bytes_max=RECORD_BYTES_MAX), _KEYS)
    fields.integer(obj, "v", RECORD_VERSION, RECORD_VERSION)
    return Record(
        partner=fields.text(obj, "partner", 64, 1),
        seq=fields.integer(obj, "seq", 1),
        at_ms=fields.integer(obj, "at_ms", 0),
        actor_kind=fields.text(obj, "actor_kind", WORD_BYTES_MAX),
        actor=fields.text(obj, "actor", WORD_BYTES_MAX),
        address=fields.optional(obj, "address", fields.text, WORD_BYTES_MAX),
        site=fields.optional(obj, "site", fields.text, WORD_BYTES_MAX),
        action=fields.text(obj, "action", WORD_BYTES_MAX),
        subject=fields.text(obj, "subject", WORD_BYTES_MAX),
        before=fields.optional(obj, "before", fields.mapping),
        after=fields.optional(obj, "after", fields.mapping),
        reason=fields.optional(obj, "reason", fields.text, 2 * REASON_BYTES_MAX),
    )


def state(value: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """`before` or `after` as the leaf holds it; of what it gave, it gives the same again."""
    if value is None:
        return None
    kept: dict[str, Any] = _profile(redact.redacted(value), STATE_DEPTH_MAX)
    data = canonical.dumps(kept)
    if len(data) <= STATE_BYTES_MAX:
        return kept
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _profile(value: Any, depth: int) -> Any:
    """`value` in the strict profile: what has no place in it becomes text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _plain(value)
    if isinstance(value, int):
        return value if abs(value) <= canonical.INTEGER_MAX else str(value)
    if isinstance(value, float):
        return repr(value)
    if depth == 0:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    if isinstance(value, Mapping):
        return {_key(str(key)): _profile(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_profile(item, depth - 1) for item in value]
    return _plain(str(value))


def _key(key: str) -> str:
    return key.replace("\x00", "\\u0000").encode("ascii", "backslashreplace").decode()


def _plain(text: str) -> str:
    return text.replace("\x00", "\\u0000").encode(errors="backslashreplace").decode()


def _bounded(text: str) -> str:
    data = text.encode()
    if len(data) <= REASON_BYTES_MAX:
        return text
    digest = hashlib.sha256(data).hexdigest()
    head = data[:REASON_BYTES_MAX].decode(errors="ignore")
    return f"{head} [cut: {len(data)} bytes, SHA-256 {digest}]"


_KEYS = frozenset(Record.__slots__) | {"v"}
