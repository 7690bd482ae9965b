"""Exact numbers and clean text: JSON values as rules and requests hold them.

Public JSON has numbers such as 1.5; the canonical profile (evidence, snapshots, digests) has
integers only, and binary floats add up wrongly. So a number that is no integer is a Decimal
inside, the text form `{"$decimal": "1.5"}` wherever the profile rules (`tagged`), and a JSON
number in a public answer (`plain`). `read` takes all three.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from itertools import chain

import orjson

from wardline.core.canonical import INTEGER_MAX, Json

TAG = "$decimal"
NESTED_MAX = 12
DECIMAL_PLACES_MAX = 20
DECIMAL_DIGITS_MAX = 28
DECIMAL_CHARS_MAX = 40
KEY_CHARS_MAX = 128
PATH_CHARS_MAX = 300
KEYS_KEPT_MAX = 4096

_NUL = b"\\u0000"
_SCALARS = frozenset({str, int, bool, type(None)})
_PLAIN = _SCALARS | {dict, list}

Problems = list[tuple[str, str]]


def read(value: Json, problems: Problems, path: str = "", nested: int = 1) -> Json:
    """`value` with its numbers made exact; every offence is appended to `problems` by its path.

    What is exact already is given back as it is.
    """
    if nested == 1 and _is_exact(value, nested):
        return value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _text(value, problems, path)
    if isinstance(value, int | float | Decimal):
        return _number(value, problems, path)
    if not isinstance(value, Mapping | list | tuple):
        problems.append((shown(path), f"a {type(value).__name__} is no JSON value"))
        return None
    if nested > NESTED_MAX:
        problems.append((shown(path), f"nested deeper than {NESTED_MAX} levels"))
        return None
    if isinstance(value, Mapping):
        return _mapping(value, problems, path, nested)
    return [read(item, problems, f"{path}[{i}]", nested + 1) for i, item in enumerate(value)]


def are_exact(values: Sequence[Json], nested: int = 1) -> bool:
    """Whether `read` would give back each of the values, which stand on the level `nested`, as it
    is; whole levels of them at a time. It may say no where it would."""
    try:
        data = orjson.dumps(values, option=orjson.OPT_STRICT_INTEGER)
    except TypeError:
        return False
    # What holds a lone surrogate could not be written.
    if _NUL in data:
        return False
    keys: set[str] = set()
    level = list(values)
    for _ in range(nested, NESTED_MAX + 1):
        kinds = set(map(type, level))
        if not kinds <= _PLAIN:
            return False
        maps = [item for item in level if type(item) is dict] if dict in kinds else []
        lists = [item for item in level if type(item) is list] if list in kinds else []
        if not maps and not lists:
            return not any(map(bad_key, keys))
        keys.update(*maps)
        level = [*chain.from_iterable(map(dict.values, maps)), *chain.from_iterable(lists)]
    return set(map(type, level)) <= _SCALARS and not any(map(bad_key, keys))


def is_few(value: Json, most: int) -> bool:
    """Whether a JSON value has no more parts than `most`, itself and every key counted."""
    parts, waiting = 1, [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, Mapping):
            parts += 2 * len(one)
            inner: Iterable[Json] = one.values()
        elif isinstance(one, list | tuple):
            parts += len(one)
            inner = one
        else:
            continue
        if parts > most:
            return False
        waiting += [each for each in inner if isinstance(each, Mapping | list | tuple)]
    return True


def tagged(value: Json) -> Json:
    """`value` in the canonical profile: decimals as `{"$decimal": "1.5"}`."""
    if type(value) in _SCALARS:
        return value
    if isinstance(value, Mapping):
        return {key: tagged(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [tagged(item) for item in value]
    if isinstance(value, float):
        value = _exact(Decimal(repr(value)))
    return {TAG: text(value)} if isinstance(value, Decimal) else value


def plain(value: Json) -> Json:
    """`value` for a public answer: decimals, tagged or not, as JSON numbers."""
    if type(value) in _SCALARS:
        return value
    if isinstance(value, Mapping):
        if value.keys() == {TAG}:
            return float(value[TAG])
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return float(value) if isinstance(value, Decimal) else value


def text(value: int | Decimal) -> str:
    """The shortest text of a number without an exponent: `1.5`."""
    return format(value.normalize(), "f") if isinstance(value, Decimal) else str(value)


def shown(path: str) -> str:
    """A path for a message; the root is `$`."""
    return path[:PATH_CHARS_MAX] or "$"


def _is_exact(value: Json, nested: int) -> bool:
    """Whether `read` would change nothing in a map or list and find nothing wrong: most requests
    are so, and this costs a fifth of looking for where one is not."""
    if nested > NESTED_MAX:
        return False
    if type(value) is dict:
        for key in value:
            if key not in _good_keys and not _is_good(key):
                return False
        items: Iterable[Json] = value.values()
    elif type(value) is list:
        items = value
    else:
        return False
    for item in items:
        kind = type(item)
        if kind is str:
            if "\x00" in item or not (item.isascii() or _unclean(item) is None):
                return False
        elif kind is int:
            if not -INTEGER_MAX <= item <= INTEGER_MAX:
                return False
        elif not (item is None or kind is bool or _is_exact(item, nested + 1)):
            return False
    return True


def _is_good(key: Json) -> bool:
    """Whether a key may stay, remembered for the next request with it."""
    if bad_key(key):
        return False
    if len(_good_keys) >= KEYS_KEPT_MAX:
        _good_keys.clear()
    _good_keys.add(key)
    return True


_good_keys: set[str] = set()


def _text(value: str, problems: Problems, path: str) -> str:
    if reason := _unclean(value):
        problems.append((shown(path), reason))
        return ""
    return value


def _unclean(value: str) -> str | None:
    if "\x00" in value:
        return "holds a NUL character"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "holds a lone surrogate"
    return None


def _number(value: float | Decimal, problems: Problems, path: str) -> int | Decimal:
    if not math.isfinite(value):
        problems.append((shown(path), "is no finite number"))
    elif not -INTEGER_MAX <= value <= INTEGER_MAX:
        problems.append((shown(path), "a number beyond 2^53 - 1"))
    elif isinstance(value, int):
        return value
    else:
        number = value if isinstance(value, Decimal) else Decimal(repr(value))
        if not _too_long(number):
            return _exact(number)
        problems.append((shown(path), f"more than {DECIMAL_PLACES_MAX} decimal places"))
    return 0


def _exact(number: Decimal) -> int | Decimal:
    """An integer where the number is one, so that 3.0 and 3 are the same value."""
    return int(number) if number == number.to_integral_value() else number.normalize()


def _too_long(number: Decimal) -> bool:
    """Whether a finite number has more digits than decimal arithmetic keeps."""
    parts = number.as_tuple()
    places = -parts.exponent if isinstance(parts.exponent, int) else 0
    return places > DECIMAL_PLACES_MAX or len(parts.digits) > DECIMAL_DIGITS_MAX


def _mapping(value: Mapping[Json, Json], problems: Problems, path: str, nested: int) -> Json:
    if value.keys() == {TAG}:
        return _decimal(value[TAG], problems, path)
    result: dict[str, Json] = {}
    for key, item in value.items():
        if reason := bad_key(key):
            problems.append((shown(path), reason))
        else:
            inner = f"{path}.{key}" if path else key
            result[key] = read(item, problems, inner, nested + 1)
    return result


def _decimal(value: Json, problems: Problems, path: str) -> int | Decimal:
    try:
        if isinstance(value, str) and len(value) <= DECIMAL_CHARS_MAX and value.isascii():
            return _number(Decimal(value), problems, path)
    except InvalidOperation:
        pass
    problems.append((shown(path), f"{TAG} takes a number as text, such as 1.5"))
    return 0


def bad_key(key: Json) -> str | None:
    if not isinstance(key, str) or not key.isascii() or not key.isprintable():
        return "a key that is not printable ASCII text"
    if len(key) > KEY_CHARS_MAX:
        return f"a key of more than {KEY_CHARS_MAX} characters"
    return f"key {key}: names that begin with $ are reserved" if key.startswith("$") else None
