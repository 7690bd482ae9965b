"""How much two drifts of one check are alike: the same pattern, or failing keys and facts shared."""

from collections.abc import Mapping

from wardline.core.canonical import Json

TOKENS_MAX = 64
TOKEN_CHARS_MAX = 120
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
    """From 0 to 1: half for the pattern, half for the facts that both have of those that either
    has. Two without any facts are told apart by their patterns alone."""
    one, other = set(facts), set(other_facts)
    either = one | other
    shared = len(one & other) / len(either) if either else float(pattern == other_pattern)
    return 0.5 * (pattern == other_pattern) + 0.5 * shared


def _walk(value: Json, path: str, found: set[str]) -> None:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if path or key != "failing":
                _walk(item, f"{path}.{key}" if path else key, found)
    elif isinstance(value, list | tuple):
        for item in value[:_LIST_ITEMS_MAX]:
            _walk(item, f"{path}[]", found)
    else:
        found.add(f"{path}={value}"[:TOKEN_CHARS_MAX])
