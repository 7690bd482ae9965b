"""A tree made into a function: one closure per node, over the request that it is given."""

from collections.abc import Callable, Mapping
from typing import Any

from wardline.core.policy.cel import operations, pattern
from wardline.core.policy.cel.fault import Fault
from wardline.core.policy.cel.operations import NUMBERS, Given
from wardline.core.policy.cel.tree import (
    Binary,
    Call,
    Choice,
    Index,
    ListOf,
    Literal,
    Logic,
    MapOf,
    Name,
    Node,
    Select,
    Unary,
)

Subject = Any
Run = Callable[[Subject], Given]
Readers = Mapping[str, Run]
Two = Callable[[Given, Given, int], Given]

_TWO: Mapping[str, Two] = {
    "+": operations.add,
    "-": operations.subtract,
    "*": operations.multiply,
    "/": operations.divide,
    "%": operations.modulo,
    "<": operations.less,
    "<=": operations.less_or_equal,
    ">": operations.greater,
    ">=": operations.greater_or_equal,
    "==": operations.equal,
    "!=": operations.unequal,
    "in": operations.is_in,
    "contains": operations.contains,
    "startsWith": operations.starts_with,
    "endsWith": operations.ends_with,
}
_ONE: Mapping[str, Callable[[Given, int], Given]] = {
    "-": operations.negate,
    "!": operations.invert,
    "size": operations.size,
    "int": operations.to_int,
    "double": operations.to_double,
    "string": operations.to_string,
}


def function(node: Node, readers: Readers) -> Run:
    """What gives the value of a checked expression, or raises Fault; `readers` give a variable of
    the subject. Raises Unreadable for a pattern that cannot be used."""
    match node:
        case Literal(_, value):
            return lambda _: value
        case Name(_, name):
            return readers[name]
        case Select(offset, operand, field, is_test):
            made = _test if is_test else _select
            return made(function(operand, readers), field, offset)
        case Index(offset, operand, index):
            return _two(operations.item, operand, index, offset, readers)
        case Call():
            return _call(node, readers)
        case Unary(offset, operator, operand):
            return _one(_ONE[operator], function(operand, readers), offset)
        case Binary(offset, operator, left, right):
            return _binary(node, readers) or _two(_TWO[operator], left, right, offset, readers)
        case Logic(_, operator, parts):
            runs = [(function(part, readers), part.offset) for part in parts]
            return _logic(tuple(runs), decisive=operator == "||")
        case Choice(offset, condition, yes, no):
            branches = function(yes, readers), function(no, readers)
            return _choice(function(condition, readers), *branches, offset)
        case ListOf(_, items):
            return _list(tuple([function(item, readers) for item in items]))
        case MapOf(_, entries):
            return _map(tuple([(key, function(value, readers)) for key, value in entries]))


def _call(node: Call, readers: Readers) -> Run:
    first = node.arguments[0]
    if node.name == "matches":
        literal = node.arguments[1]
        assert isinstance(literal, Literal)
        made = pattern.read(str(literal.value), literal.offset)
        return _matches(function(first, readers), made, node.offset)
    if node.name in _ONE:
        return _one(_ONE[node.name], function(first, readers), node.offset)
    return _two(_TWO[node.name], first, node.arguments[1], node.offset, readers)


def _one(operation: Callable[[Given, int], Given], operand: Run, offset: int) -> Run:
    return lambda subject: operation(operand(subject), offset)


def _two(operation: Two, left: Node, right: Node, offset: int, readers: Readers) -> Run:
    one, other = function(left, readers), function(right, readers)
    return lambda subject: operation(one(subject), other(subject), offset)


def _binary(node: Binary, readers: Readers) -> Run | None:
    """The forms that most conditions have, without the operation's detour; None for any other."""
    left, right, offset = node.left, node.right, node.offset
    if isinstance(right, Literal):
        if type(right.value) in NUMBERS and node.operator in _COMPARED:
            make = _COMPARED[node.operator]
            return make(function(left, readers), right.value, _TWO[node.operator], offset)
        if type(right.value) is str and node.operator in ("==", "!="):
            return _is_text(function(left, readers), right.value, is_equal=node.operator == "==")
    if node.operator == "in" and isinstance(right, ListOf):
        values = [item.value for item in right.items if isinstance(item, Literal)]
        words = frozenset([value for value in values if isinstance(value, str)])
        if len(values) == len(right.items) and all(isinstance(value, str) for value in values):
            return _is_one_of(function(left, readers), words)
    return None


def _below(run: Run, bound: Given, slow: Two, offset: int) -> Run:
    def compared(subject: Subject) -> Given:
        value = run(subject)
        if type(value) in NUMBERS and value == value:
            return value < bound
        return slow(value, bound, offset)

    return compared


def _to(run: Run, bound: Given, slow: Two, offset: int) -> Run:
    def compared(subject: Subject) -> Given:
        value = run(subject)
        if type(value) in NUMBERS and value == value:
            return value <= bound
        return slow(value, bound, offset)

    return compared


def _above(run: Run, bound: Given, slow: Two, offset: int) -> Run:
    def compared(subject: Subject) -> Given:
        value = run(subject)
        if type(value) in NUMBERS and value == value:
            return value > bound
        return slow(value, bound, offset)

    return compared


def _from(run: Run, bound: Given, slow: Two, offset: int) -> Run:
    def compared(subject: Subject) -> Given:
        value = run(subject)
        if type(value) in NUMBERS and value == value:
            return value >= bound
        return slow(value, bound, offset)

    return compared


_COMPARED = {"<": _below, "<=": _to, ">": _above, ">=": _from}


def _is_text(run: Run, text: str, *, is_equal: bool) -> Run:
    """A text equals a text only, so whatever the value is, Python's own answer is CEL's."""
    if is_equal:
        return lambda subject: run(subject) == text
    return lambda subject: run(subject) != text


def _is_one_of(run: Run, words: frozenset[str]) -> Run:
    def found(subject: Subject) -> bool:
        value = run(subject)
        return type(value) is str and value in words

    return found


def _select(run: Run, field: str, offset: int) -> Run:
    select = operations.select
    return lambda subject: select(run(subject), field, offset)


def _test(run: Run, field: str, offset: int) -> Run:
    return lambda subject: operations.has(run(subject), field, offset)


def _matches(run: Run, made: pattern.Pattern, offset: int) -> Run:
    def matches(subject: Subject) -> bool:
        text = run(subject)
        if type(text) is not str:
            told = f"no such overload: {operations.name_of(text)}.matches(string)"
            raise Fault(offset, told)
        if len(text) > pattern.TEXT_CHARS_MAX:
            raise Fault(offset, f"matches reads at most {pattern.TEXT_CHARS_MAX} characters")
        return made.found_in(text)

    return matches


def _logic(parts: tuple[tuple[Run, int], ...], *, decisive: bool) -> Run:
    """`||` (decided by true) and `&&` (by false): a part that decides wins over one that faults,
    on either side, as the specification asks."""

    def joined(subject: Subject) -> Given:
        fault: Fault | None = None
        for run, offset in parts:
            try:
                value = run(subject)
            except Fault as found:
                fault = fault or found
                continue
            if value is decisive:
                return decisive
            if type(value) is not bool:
                fault = fault or Fault(offset, f"{operations.name_of(value)} is no bool")
        if fault is not None:
            raise fault
        return not decisive

    return joined


def _choice(condition: Run, yes: Run, no: Run, offset: int) -> Run:
    def chosen(subject: Subject) -> Given:
        value = condition(subject)
        if value is True:
            return yes(subject)
        if value is False:
            return no(subject)
        raise Fault(offset, f"{operations.name_of(value)} is no bool")

    return chosen


def _list(runs: tuple[Run, ...]) -> Run:
    return lambda subject: [run(subject) for run in runs]


def _map(runs: tuple[tuple[str, Run], ...]) -> Run:
    return lambda subject: {key: run(subject) for key, run in runs}
