"""Checks of single fields of a decoded JSON object; each failure is Malformed at that field.

Hand-written because these stand in the path of every bundle: no path is built until one fails.
"""

import re
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, TypeVar

from wardline.core.canonical import INTEGER_MAX
from wardline.core.errors import Malformed

Object = Mapping[str, Any]
T = TypeVar("T")

_HEX64 = re.compile(r"[0-9a-f]{64}")
_KEY_ID = re.compile(r"[0-9a-f]{16}")
_ENTITY = re.compile(r"([a-z]{2,8})_[0-9a-hjkmnp-tv-z]{26}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}(\.[a-z][a-z0-9_]{0,62}){0,3}")
_INSTANT = re.compile(r"(?:20\d\d|2100)-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)


def exactly(obj: object, keys: frozenset[str]) -> Object:
    """`obj` if it is an object with exactly these keys."""
    if type(obj) is not dict:
        raise Malformed("", "not an object")
    if obj.keys() != keys:
        for key in sorted(keys - obj.keys()):
            raise Malformed(key, "missing")
        for key in sorted(obj.keys() - keys):
            raise Malformed(key[:64], "not a field of this object")
    return obj


def text(obj: Object, key: str, bytes_max: int, bytes_min: int = 0) -> str:
    """A text of so many UTF-8 bytes."""
    value = obj[key]
    if type(value) is not str:
        raise Malformed(key, "not a text")
    size = len(value) if value.isascii() else len(value.encode())
    if not bytes_min <= size <= bytes_max:
        raise Malformed(key, f"{size} bytes of text, not {bytes_min} to {bytes_max}")
    return value


def integer(obj: Object, key: str, low: int, high: int = INTEGER_MAX) -> int:
    value = obj[key]
    if type(value) is not int or not low <= value <= high:
        raise Malformed(key, f"not an integer from {low} to {high}")
    return value


def boolean(obj: Object, key: str) -> bool:
    value = obj[key]
    if type(value) is not bool:
        raise Malformed(key, "not true or false")
    return value


def choice(obj: Object, key: str, choices: Mapping[str, T]) -> T:
    """The member that one of the words of `choices` stands for."""
    value = obj[key]
    if type(value) is not str or value not in choices:
        raise Malformed(key, f"not one of {', '.join(choices)}")
    return choices[value]


def one_of(obj: Object, key: str, words: Collection[str]) -> str:
    value = obj[key]
    if type(value) is not str or value not in words:
        raise Malformed(key, f"not one of {', '.join(sorted(words))}")
    return value


def hex64(obj: Object, key: str) -> str:
    """A SHA-256 in lower-case hex."""
    value = obj[key]
    if type(value) is not str or not _HEX64.fullmatch(value):
        raise Malformed(key, "not 64 lower-case hex digits")
    return value


def key_id(obj: Object, key: str) -> str:
    value = obj[key]
    if type(value) is not str or not _KEY_ID.fullmatch(value):
        raise Malformed(key, "not 16 lower-case hex digits")
    return value


def entity(obj: Object, key: str, prefix: str) -> str:
    """An identifier of `core.ids` with this prefix."""
    value = obj[key]
    match = _ENTITY.fullmatch(value) if type(value) is str else None
    if match is None or match[1] != prefix:
        raise Malformed(key, f"not an identifier of the form {prefix}_<26 characters>")
    return match[0]


def name(obj: Object, key: str) -> str:
    """A dotted lower-case name of `core.ids`: a check or a runbook."""
    value = obj[key]
    if type(value) is not str or not _NAME.fullmatch(value):
        raise Malformed(key, "not a name such as ssh_config or file_permissions.restore")
    return value


def instant(obj: Object, key: str) -> datetime:
    """The aware time of a `core.clock.wire` text, in the years 2000 to 2100."""
    value = obj[key]
    if type(value) is str and _INSTANT.fullmatch(value):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            pass
    raise Malformed(key, "not a time of 2000 to 2100 of the form 2026-11-21T09:00:00.123Z")


def mapping(obj: Object, key: str) -> Object:
    """An object whose inside is the sender's affair (within the profile)."""
    value = obj[key]
    if type(value) is not dict:
        raise Malformed(key, "not an object")
    return value


def optional(obj: Object, key: str, read: Callable[..., T], *args: Any) -> T | None:
    """null, or what `read(obj, key, *args)` makes of it."""
    return None if obj[key] is None else read(obj, key, *args)


def part(obj: Object, key: str, parse: Callable[[Any], T]) -> T:
    """What `parse` makes of the field; its errors gain the field's name."""
    try:
        return parse(obj[key])
    except Malformed as error:
        raise Malformed(_join(key, error.where), error.why) from None


def parts(obj: Object, key: str, count_max: int, parse: Callable[[Any], T]) -> tuple[T, ...]:
    """What `parse` makes of each item of a list of at most `count_max`."""
    values = obj[key]
    if type(values) is not list:
        raise Malformed(key, "not a list")
    if len(values) > count_max:
        raise Malformed(key, f"{len(values)} items, at most {count_max} are accepted")
    read: list[T] = []
    try:
        read.extend(map(parse, values))
    except Malformed as error:
        raise Malformed(_join(f"{key}[{len(read)}]", error.where), error.why) from None
    return tuple(read)


def _join(outer: str, inner: str) -> str:
    return f"{outer}.{inner}" if inner else outer
