"""Many rules at once, field by field.

The rules of a policy say few different things. So each field is read for all of them together and
what is written alike only once; the rules share what comes of it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cache
from itertools import repeat
from operator import itemgetter
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from wardline.core import canonical, frozen
from wardline.core.canonical import Json
from wardline.core.policy import exact, from_wire, params, sizes
from wardline.core.policy.rule import Rule, Stamp
from wardline.core.policy.wire import RuleWire

# A character of a text takes this many bytes as JSON, and a number or a truth all of it.
_CHARACTER_BYTES_MAX = 6
_ATOM_BYTES_MAX = 24
_CONTAINERS = frozenset({dict, list})
# The map of a rule stands around its fields.
_NESTED = 2

_make_rule = frozen.maker(Rule)


class _NotAlike(Exception):
    """The rules are to be looked at one by one."""


@dataclass(frozen=True, slots=True)
class _Field:
    """A field of RuleWire: what its values are read by, what a rule holds of one, and what it
    holds where it is left out; MISSING where it may not be."""

    alias: str
    reader: TypeAdapter[list[Any]]
    part: Callable[[Any], Any]
    default: Any


@dataclass(frozen=True, slots=True)
class _Column:
    """A field of all rules, and how many bytes of JSON it took at most."""

    values: Iterable[Any]
    bytes_max: int


def rules(items: Sequence[Json]) -> list[Rule] | None:
    """What `RuleWire` and `from_wire.rule` make of each; None where they are to be looked at one
    by one, as there may be something to make exact or to complain of."""
    if not set(map(type, items)) <= {dict}:
        return None
    known, names = _fields(), frozenset[str]().union(*items)
    if not names <= {field.alias for field in known.values()}:
        return None
    try:
        read = {name: _column(field, items, names) for name, field in known.items()}
    except (_NotAlike, TypeError, ValidationError):
        # A TypeError is the serialiser's, of what is no JSON.
        return None
    size = sum(column.bytes_max for column in read.values())
    if not sizes.is_far_below(size) and not all(map(sizes.is_small, items)):
        return None
    stamps = map(_stamp, *[read[name].values for name in _OF_STAMP]) if names & _STAMPED else None
    own = [read[name].values for name in _OF_RULE]
    return list(map(_make_rule, *own, repeat(_NO_STAMP) if stamps is None else stamps))


def _column(field: _Field, items: Sequence[Json], names: frozenset[str]) -> _Column:
    """Raises _NotAlike, TypeError, ValidationError."""
    alias = field.alias
    given = _given(alias, items) if alias in names else []
    if len(given) < len(items) and field.default is MISSING:
        raise _NotAlike
    if not given:
        return _Column(repeat(field.default, len(items)), 0)
    marks, bytes_max = _marks(given)
    distinct = dict(zip(marks, given, strict=True))
    values = [*distinct.values()]
    if not exact.are_exact(values, _NESTED):
        raise _NotAlike
    if alias == "params" and any(params.problems(each) for each in values if each is not None):
        raise _NotAlike
    made = map(field.part, field.reader.validate_python(values))
    parts = dict(zip(distinct, made, strict=True))
    found: Iterable[Any] = map(parts.__getitem__, marks)
    if len(given) < len(items):
        found = [next(found) if alias in item else field.default for item in items]  # type: ignore[call-overload]
    return _Column(found, bytes_max + _ATOM_BYTES_MAX + len(alias))


def _given(alias: str, items: Sequence[Json]) -> list[Json]:
    """The values of those items that have one."""
    try:
        return list(map(itemgetter(alias), items))
    except KeyError:
        return [item[alias] for item in items if alias in item]


def _marks(given: list[Json]) -> tuple[Sequence[Any], int]:
    """What is the same for values that are written alike; and of how many bytes one is at most."""
    kinds = set(map(type, given))
    if len(kinds) > 1 or kinds & _CONTAINERS:
        texts = canonical.texts(given)
        return texts, max(map(len, texts))
    if kinds == {str}:
        return given, max(map(len, given)) * _CHARACTER_BYTES_MAX
    return given, _ATOM_BYTES_MAX


@cache
def _fields() -> dict[str, _Field]:
    return {
        name: _Field(field.alias or name, _reader(field), _part(name), _DEFAULTS.get(name))
        for name, field in RuleWire.model_fields.items()
    }


def _reader(field: Any) -> TypeAdapter[list[Any]]:
    kind: Any = field.annotation
    if field.metadata:
        kind = Annotated[kind, *field.metadata]
    is_model = isinstance(kind, type) and issubclass(kind, BaseModel)
    column: Any = list.__class_getitem__(kind)
    return TypeAdapter(column, config=None if is_model else _STRICT)


def _part(name: str) -> Callable[[Any], Any]:
    make, nothing = _PARTS.get(name), _DEFAULTS.get(name)
    return _same if make is None else lambda wire: nothing if wire is None else make(wire)


def _same(value: Any) -> Any:
    return value


def _stamp(*said: Any) -> Stamp:
    return Stamp(*said) if any(each is not None for each in said) else _NO_STAMP


_STRICT = ConfigDict(strict=True, hide_input_in_errors=True)
_NO_STAMP = Stamp()
_DEFAULTS = {field.name: field.default for field in fields(Rule)}
_OF_RULE = [name for name in _DEFAULTS if name != "stamp"]
_OF_STAMP = [field.name for field in fields(Stamp)]
_STAMPED = frozenset(RuleWire.model_fields[name].alias or name for name in _OF_STAMP)
_PARTS: dict[str, Callable[[Any], Any]] = {
    "when": from_wire.when,
    "limits": from_wire.limits,
    "window": from_wire.times,
    "approval": from_wire.approval,
    "scope": from_wire.scope,
}
