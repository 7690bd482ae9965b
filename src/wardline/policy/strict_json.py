"""JSON as it was meant: an object that says one thing twice is refused, not read one way.

A reviewer, a proxy and a log may each take another of the two for what was asked.
"""

import json

import orjson

from wardline.core.canonical import Json


class RepeatedKey(ValueError):
    """An object holds `key` more than once."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def loads(text: bytes) -> Json:
    """The value of a JSON text; raises orjson.JSONDecodeError, RepeatedKey,
    and RecursionError for one that is nested by the hundred."""
    value = orjson.loads(text)
    if not _says_all(text, value):
        json.loads(text, object_pairs_hook=_pairs, parse_int=len, parse_float=len)
    return value


def _says_all(text: bytes, value: Json) -> bool:
    """Whether nothing of the text is missing in the value; false where that takes a closer look.

    Without a backslash each string, keys among them, is two quotation marks in either.
    """
    if b"\\" in text:
        return False
    try:
        return orjson.dumps(value).count(b'"') == text.count(b'"')
    except TypeError:
        return False


def _pairs(pairs: list[tuple[str, Json]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise RepeatedKey(key)
        seen.add(key)
