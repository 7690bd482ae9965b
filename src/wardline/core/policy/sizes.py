"""How much a rule or request may be as it was sent: more is refused before its faults are told."""

from collections.abc import Container

import orjson

from wardline.core.canonical import Json
from wardline.core.policy import exact

# Of one rule in the canonical profile.
RULE_BYTES_MAX = 32 * 1024
# Of one rule or request, its lists of rules aside.
SENT_BYTES_MAX = 128 * 1024
SENT_PARTS_MAX = 20_000
# Of all that are decided together.
ASKED_PARTS_MAX = 200_000
# Lists of rules, each of which is measured and read for itself.
LISTS = ("rules", "put")


def apart(obj: Json, taken: Container[str]) -> tuple[Json, dict[str, Json]]:
    """What was sent without its lists of rules, and these where they are `taken`."""
    if not isinstance(obj, dict):
        return obj, {}
    lists = {name: obj[name] for name in LISTS if name in obj and name in taken}
    return {name: value for name, value in obj.items() if name not in lists}, lists


def is_small(obj: Json) -> bool:
    """Whether a rule that was written so is far below its limit."""
    try:
        return is_far_below(len(orjson.dumps(obj)))
    except TypeError:
        return False


def is_far_below(size: int) -> bool:
    """Whether a rule of so many bytes of JSON is far below its limit, however its numbers are
    tagged: `1e-20,` becomes `{"$decimal":"0.00000000000000000001"},`, seven times as long, and no
    number does worse."""
    return size < RULE_BYTES_MAX // 8


def too_large(obj: Json) -> str | None:
    """Why this is more than any rule or request holds; None where it is not."""
    try:
        size = len(orjson.dumps(obj))
    except TypeError:
        # Too deep for it, or not from JSON.
        size = 0
    if size > SENT_BYTES_MAX:
        return f"{size} bytes, at most {SENT_BYTES_MAX} are read"
    # No part takes less than a byte.
    if not 0 < size <= SENT_PARTS_MAX and not exact.is_few(obj, SENT_PARTS_MAX):
        return f"more than {SENT_PARTS_MAX} values, keys and lists"
    return None
