"""Canonical JSON in the strict profile, where a fast serialiser and RFC 8785 give the same bytes.

The profile: ASCII keys, no floats, integers within 2^53 - 1, no duplicate keys, containers nested
at most 32 deep. Lone surrogates and NUL are refused everywhere.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson

from wardline.core.errors import Malformed

Json = Any

INTEGER_MAX = 2**53 - 1
DEPTH_MAX = 32

_OPTIONS = (
    orjson.OPT_SORT_KEYS
    | orjson.OPT_STRICT_INTEGER
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
)
_NUL = b"\\u0000"
_BREAK = orjson.Fragment(b"\n")


def dumps(value: object) -> bytes:
    """The canonical bytes of `value`; raises Malformed where it leaves the profile."""
    try:
        data = orjson.dumps(value, option=_OPTIONS)
    except TypeError:
        data = b""
    if not data or _NUL in data or not _plain(value, check_keys=not data.isascii()):
        _locate(value, "$", 1)
        if not data:
            raise Malformed("$", "holds something that has no place in the profile")
    return data


def dumps_each(values: Sequence[object]) -> list[bytes]:
    """`dumps` of each of the values, which are maps under the names of fields; in them stand texts
    and fragments that `dumps` has made. Raises Malformed."""
    try:
        made = texts(values, _OPTIONS)
    except TypeError:
        raise Malformed("$", "holds something that has no place in the profile") from None
    for text in made:
        if _NUL in text:
            # As text it may stand there: that takes a closer look.
            dumps(orjson.loads(text))
    return made


def texts(values: Sequence[object], option: int = 0) -> list[bytes]:
    """The JSON of each of the values, at a fraction of what it costs to write one by one; raises
    TypeError for what the serialiser does not take."""
    if not values:
        return []
    # As no text holds a line's end, what stands between two of them is theirs alone.
    parted: list[object] = [_BREAK] * (2 * len(values) - 1)
    parted[::2] = values
    return orjson.dumps(parted, option=option)[1:-1].split(b",\n,")


def loads(data: bytes, *, bytes_max: int) -> Json:
    """The value of canonical bytes; raises Malformed when `data` is too long or not canonical."""
    if len(data) > bytes_max:
        raise Malformed("$", f"{len(data)} bytes, at most {bytes_max} are accepted")
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise Malformed("$", f"not JSON (at byte {error.pos})") from None
    if dumps(value) != data:
        raise Malformed("$", "not in canonical form (sorted keys, no white space, no duplicates)")
    return value


def digest(value: object) -> str:
    """Hex SHA-256 of the canonical bytes of `value`."""
    return hashlib.sha256(dumps(value)).hexdigest()


def digest_of_loaded(value: object) -> str:
    """`digest` of what `loads` gave, or of a part of it: its profile is not checked again."""
    return hashlib.sha256(orjson.dumps(value, option=_OPTIONS)).hexdigest()


def _plain(value: object, *, check_keys: bool) -> bool:
    """Whether a walk finds only plain types, ASCII keys and a depth in bounds.

    Texts and the size of integers need no walk: the serialiser refuses lone surrogates and
    integers beyond 53 bits by itself.
    """
    level: list[Any] = [value]
    for _ in range(DEPTH_MAX):
        beneath: list[Any] = []
        for item in level:
            kind = type(item)
            if kind is str or kind is int or item is None or kind is bool:
                continue
            if kind is dict:
                if check_keys and not "".join(item).isascii():
                    return False
                beneath.extend(item.values())
            elif kind is list or kind is tuple:
                beneath.extend(item)
            elif not isinstance(item, str | int):
                return False
        if not beneath:
            return True
        level = beneath
    return all(item is None or isinstance(item, str | int) for item in level)


def _locate(value: object, where: str, depth: int) -> None:
    """Raises Malformed at the first place that leaves the profile."""
    if value is None or isinstance(value, bool):
        return
    if isinstance(value, str):
        _locate_text(value, where)
    elif isinstance(value, int):
        if not -INTEGER_MAX <= value <= INTEGER_MAX:
            raise Malformed(where, "an integer beyond 2^53 - 1")
    elif isinstance(value, dict | list | tuple):
        if depth > DEPTH_MAX:
            raise Malformed(where, f"nested deeper than {DEPTH_MAX} levels")
        for name, item in value.items() if isinstance(value, dict) else enumerate(value):
            if isinstance(value, dict) and not _is_key(name):
                raise Malformed(where, "a key that is not ASCII text")
            inner = f"{where}.{name}" if isinstance(value, dict) else f"{where}[{name}]"
            _locate(item, inner, depth + 1)
    else:
        raise Malformed(where, f"a {type(value).__name__} has no place in the profile")


def _is_key(name: object) -> bool:
    return type(name) is str and name.isascii() and "\x00" not in name


def _locate_text(text: str, where: str) -> None:
    if "\x00" in text:
        raise Malformed(where, "holds a NUL character")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise Malformed(where, "holds a lone surrogate") from None
