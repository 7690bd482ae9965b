"""How much two drifts of one check are alike: the same pattern, and the facts that both have."""

from collections.abc import Mapping

from wardline.core.canonical import Json

TOKENS_MAX = 64
TOKEN_CHARS_MAX = 120
OTHER_PATTERN = 0.9
# Of a long list the first items say enough.
_LIST_ITEMS_MAX = 16


def tokens(facts: Mapping[str, Json]) -> tuple[str, ...]:
    """`path=value` of every plain fact, sorted, as many as are kept."""
    found: set[str] = set()
    _walk(facts, "", found)
    return tuple(sorted(found)[:TOKENS_MAX])


def alike(
    pattern: str, facts: tuple[str, ...], other_pattern: str, other_facts: tuple[str, ...]
) -> float:
    """From 0 to 1, by the share of facts that both have among those that either has: drifts of one
    pattern are at least half alike, and those of two never quite."""
    one, other = set(facts), set(other_facts)
    either = one | other
    shared = len(one & other) / len(either) if either else 0.0
    return 0.5 + 0.5 * shared if pattern == other_pattern else OTHER_PATTERN * shared


def _walk(value: Json, path: str, found: set[str]) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            _walk(item, f"{path}.{key}" if path else key, found)
    elif isinstance(value, list | tuple):
        for item in value[:_LIST_ITEMS_MAX]:
            _walk(item, f"{path}[]", found)
    else:
        found.add(f"{path}={value}"[:TOKEN_CHARS_MAX])
