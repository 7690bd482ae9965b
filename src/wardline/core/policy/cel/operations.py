"""What the operators and functions of CEL do to values; nothing is coerced, nothing wraps.

A value is None, bool, int (64 bits), float (CEL's double), str, list or tuple, or a mapping with
text keys. Facts also hold Decimals: one becomes the nearest double as soon as it is taken out of
its container, so none reaches an operator.
"""

import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any, NoReturn

from wardline.core.policy import exact
from wardline.core.policy.cel.fault import Fault
from wardline.core.policy.cel.tokens import INT_MAX, INT_MIN

# What one operation may look at or make; a fact beyond it is a fault, not a wait.
ITEMS_MAX = 10_000
COMPARED_MAX = 2_000
CHARS_MAX = 65_536
NUMBER_CHARS_MAX = 64

Given = Any

NUMBERS = frozenset({int, float})
_ORDERED = frozenset({int, float, str, bool})
_ALONE = frozenset({str, type(None)})
_NAMES = {
    type(None): "null",
    bool: "bool",
    int: "int",
    float: "double",
    Decimal: "double",
    str: "string",
    list: "list",
    tuple: "list",
    dict: "map",
}
_INT = re.compile(r"[+-]?[0-9]+", re.ASCII)
_DOUBLE = re.compile(
    r"[+-]?(?:(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf|infinity|nan)",
    re.ASCII | re.IGNORECASE,
)
_SPECIAL = {math.inf: "inf", -math.inf: "-inf"}


def name_of(value: Given) -> str:
    """CEL's word for what a value is."""
    return _NAMES.get(type(value)) or ("map" if isinstance(value, Mapping) else "unknown")


def taken(value: Given) -> Given:
    """A value as it comes out of the request."""
    return float(value) if type(value) is Decimal else value


def add(one: Given, other: Given, offset: int) -> Given:
    kind = type(one)
    if kind is type(other):
        if kind is int:
            return _whole(one + other, offset)
        if kind is float:
            return one + other
        if kind is str:
            if len(one) + len(other) > CHARS_MAX:
                raise Fault(offset, f"a text of more than {CHARS_MAX} characters")
            return one + other
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        if len(one) + len(other) > ITEMS_MAX:
            raise Fault(offset, f"a list of more than {ITEMS_MAX} items")
        return [*one, *other]
    return _no_overload("+", one, other, offset)


def subtract(one: Given, other: Given, offset: int) -> Given:
    kind = type(one)
    if kind is type(other) and kind in NUMBERS:
        return _whole(one - other, offset) if kind is int else one - other
    return _no_overload("-", one, other, offset)


def multiply(one: Given, other: Given, offset: int) -> Given:
    kind = type(one)
    if kind is type(other) and kind in NUMBERS:
        return _whole(one * other, offset) if kind is int else one * other
    return _no_overload("*", one, other, offset)


def divide(one: Given, other: Given, offset: int) -> Given:
    """Whole numbers towards zero; doubles as IEEE 754 has it, so by zero they are infinite."""
    kind = type(one)
    if kind is not type(other) or kind not in NUMBERS:
        return _no_overload("/", one, other, offset)
    if kind is int:
        if other == 0:
            raise Fault(offset, "division by zero")
        return _whole(_quotient(one, other), offset)
    if other == 0.0:
        if one == 0.0 or math.isnan(one):
            return math.nan
        return math.copysign(math.inf, one) * math.copysign(1.0, other)
    return one / other


def modulo(one: Given, other: Given, offset: int) -> Given:
    """What is left of whole numbers, with the sign of the first."""
    if type(one) is not int or type(other) is not int:
        return _no_overload("%", one, other, offset)
    if other == 0:
        raise Fault(offset, "modulo by zero")
    return one - other * _whole(_quotient(one, other), offset)


def negate(value: Given, offset: int) -> Given:
    if type(value) is int:
        return _whole(-value, offset)
    if type(value) is float:
        return -value
    raise Fault(offset, f"no such overload: -{name_of(value)}")


def invert(value: Given, offset: int) -> bool:
    if type(value) is bool:
        return not value
    raise Fault(offset, f"no such overload: !{name_of(value)}")


def less(one: Given, other: Given, offset: int) -> bool:
    _check_order("<", one, other, offset)
    return bool(one < other)


def less_or_equal(one: Given, other: Given, offset: int) -> bool:
    _check_order("<=", one, other, offset)
    return bool(one <= other)


def greater(one: Given, other: Given, offset: int) -> bool:
    _check_order(">", one, other, offset)
    return bool(one > other)


def greater_or_equal(one: Given, other: Given, offset: int) -> bool:
    _check_order(">=", one, other, offset)
    return bool(one >= other)


def equal(one: Given, other: Given, offset: int) -> bool:
    """Numbers by their value, containers item by item, anything of two kinds is not equal."""
    kind = type(one)
    if kind is type(other) and kind in _ORDERED:
        return bool(one == other)
    return _equal(one, other, offset)


def unequal(one: Given, other: Given, offset: int) -> bool:
    return not equal(one, other, offset)


def is_in(one: Given, other: Given, offset: int) -> bool:
    """Whether a list has an item that is equal, or a map a key."""
    if isinstance(other, list | tuple):
        if len(other) > ITEMS_MAX:
            raise Fault(offset, f"a list of more than {ITEMS_MAX} items")
        if type(one) in _ALONE:
            return one in other
        return any(equal(one, taken(item), offset) for item in other)
    if isinstance(other, Mapping):
        if type(one) is str:
            return one in other
        if type(one) in (int, bool):
            return False
        raise Fault(offset, f"{name_of(one)} is no key of a map")
    return _no_overload("in", one, other, offset)


def select(value: Given, field: str, offset: int) -> Given:
    """The value of a key that the author wrote as a field."""
    if type(value) is not dict and not isinstance(value, Mapping):
        raise Fault(offset, f"{name_of(value)} has no field {field}")
    try:
        return taken(value[field])
    except KeyError:
        raise Fault(offset, f"no such key: {field}") from None


def has(value: Given, field: str, offset: int) -> bool:
    if isinstance(value, Mapping):
        return field in value
    raise Fault(offset, f"{name_of(value)} has no field {field}")


def item(value: Given, index: Given, offset: int) -> Given:
    """An item of a list by its place from 0, or the value of a key."""
    if isinstance(value, list | tuple):
        if type(index) is not int:
            raise Fault(offset, f"{name_of(index)} is no place in a list")
        if not 0 <= index < len(value):
            raise Fault(offset, "the list has no such place")
        return taken(value[index])
    if isinstance(value, Mapping) and type(index) is str:
        if index not in value:
            raise Fault(offset, "no such key")
        return taken(value[index])
    return _no_overload("[]", value, index, offset)


def size(value: Given, offset: int) -> int:
    """Characters of a text (code points, as the specification says), items, or keys."""
    if isinstance(value, str | list | tuple | Mapping):
        return len(value)
    raise Fault(offset, f"no such overload: size({name_of(value)})")


def contains(text: Given, part: Given, offset: int) -> bool:
    _check_texts("contains", text, part, offset)
    return part in text


def starts_with(text: Given, part: Given, offset: int) -> bool:
    _check_texts("startsWith", text, part, offset)
    return bool(text.startswith(part))


def ends_with(text: Given, part: Given, offset: int) -> bool:
    _check_texts("endsWith", text, part, offset)
    return bool(text.endswith(part))


def to_int(value: Given, offset: int) -> int:
    kind = type(value)
    if kind is int:
        return int(value)
    if kind is float:
        if INT_MIN < value < -INT_MIN:
            return int(value)
        raise Fault(offset, "beyond what an int holds")
    if kind is str:
        if len(value) <= NUMBER_CHARS_MAX and _INT.fullmatch(value):
            return _whole(int(value), offset)
        raise Fault(offset, "the text is no whole number")
    raise Fault(offset, f"no such overload: int({name_of(value)})")


def to_double(value: Given, offset: int) -> float:
    kind = type(value)
    if kind in NUMBERS:
        return float(value)
    if kind is str:
        if len(value) <= NUMBER_CHARS_MAX and _DOUBLE.fullmatch(value):
            return float(value)
        raise Fault(offset, "the text is no number")
    raise Fault(offset, f"no such overload: double({name_of(value)})")


def to_string(value: Given, offset: int) -> str:
    """Numbers as people write them, without an exponent."""
    kind = type(value)
    if kind is str:
        return str(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return str(value)
    if kind is float:
        if math.isnan(value):
            return "NaN"
        return _SPECIAL.get(value) or exact.text(Decimal(repr(value)))
    raise Fault(offset, f"no such overload: string({name_of(value)})")


def _whole(value: int, offset: int) -> int:
    if INT_MIN <= value <= INT_MAX:
        return value
    raise Fault(offset, "beyond what an int holds")


def _quotient(one: int, other: int) -> int:
    quotient = abs(one) // abs(other)
    return quotient if (one < 0) is (other < 0) else -quotient


def _check_order(operator: str, one: Given, other: Given, offset: int) -> None:
    """Raise Fault unless one has a place before or after the other, which no NaN has."""
    kind, second = type(one), type(other)
    if kind in NUMBERS and second in NUMBERS:
        if one != one or other != other:
            raise Fault(offset, "NaN has no order")
    elif kind is not second or kind not in _ORDERED:
        _no_overload(operator, one, other, offset)


def _check_texts(function: str, text: Given, part: Given, offset: int) -> None:
    if type(text) is not str or type(part) is not str:
        told = f"{name_of(text)}.{function}({name_of(part)})"
        raise Fault(offset, f"no such overload: {told}")


def _equal(one: Given, other: Given, offset: int) -> bool:
    """Equality of anything, with a bound on how many values are compared."""
    pairs = [(one, other)]
    compared = 0
    while pairs:
        first, second = pairs.pop()
        first, second = taken(first), taken(second)
        if isinstance(first, Mapping):
            if not isinstance(second, Mapping) or first.keys() != second.keys():
                return False
            keys = islice(first, COMPARED_MAX + 1)
            inner = [(first[key], second[key]) for key in keys]
        elif isinstance(first, list | tuple):
            if not isinstance(second, list | tuple) or len(first) != len(second):
                return False
            inner = _paired(first, second)
        elif not _same(first, second):
            return False
        else:
            continue
        compared += len(inner)
        if compared > COMPARED_MAX:
            raise Fault(offset, f"more than {COMPARED_MAX} values to compare")
        pairs += reversed(inner)
    return True


def _paired(one: Sequence[Given], other: Sequence[Given]) -> list[tuple[Given, Given]]:
    return list(zip(one[: COMPARED_MAX + 1], other[: COMPARED_MAX + 1], strict=True))


def _same(one: Given, other: Given) -> bool:
    """Equality of what is no container: numbers across their kinds, else of one kind only."""
    kind, second = type(one), type(other)
    return (kind is second or (kind in NUMBERS and second in NUMBERS)) and bool(one == other)


def _no_overload(operator: str, one: Given, other: Given, offset: int) -> NoReturn:
    raise Fault(offset, f"no such overload: {name_of(one)} {operator} {name_of(other)}")
