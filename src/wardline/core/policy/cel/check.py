"""Whether an expression can come to a value, from what is known of its variables.

CEL's checker, for the types that JSON has. What is not known (a fact) may be anything, and is
looked at again when the condition is evaluated; what goes wrong whatever the request says is
refused.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from wardline.core.policy.cel.fault import Unreadable
from wardline.core.policy.cel.tree import (
    MACROS,
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

NULL, BOOL, INT, DOUBLE, STRING, LIST, MAP = (1 << bit for bit in range(7))
NUMBER = INT | DOUBLE
ANY = (1 << 7) - 1
_NAMES = {
    NULL: "null",
    BOOL: "bool",
    INT: "int",
    DOUBLE: "double",
    STRING: "string",
    LIST: "list",
    MAP: "map",
}


class Shape(NamedTuple):
    """What a value may be: a set of kinds, the kinds of what is in it, the texts it can be (None:
    any text)."""

    kinds: int
    items: int = ANY
    words: frozenset[str] | None = None


class Function(NamedTuple):
    """Kinds of each argument and of the answer; called on a value, with it as argument, or both."""

    arguments: tuple[int, ...]
    answer: int
    is_method: bool
    is_global: bool


FUNCTIONS: Mapping[str, Function] = {
    "size": Function((STRING | LIST | MAP,), INT, True, True),
    "contains": Function((STRING, STRING), BOOL, True, False),
    "startsWith": Function((STRING, STRING), BOOL, True, False),
    "endsWith": Function((STRING, STRING), BOOL, True, False),
    "matches": Function((STRING, STRING), BOOL, True, True),
    "int": Function((INT | DOUBLE | STRING,), INT, False, True),
    "double": Function((INT | DOUBLE | STRING,), DOUBLE, False, True),
    "string": Function((BOOL | INT | DOUBLE | STRING,), STRING, False, True),
}
# One kind on both sides, and the kind of the answer is the same.
_ARITHMETIC = {
    "+": INT | DOUBLE | STRING | LIST,
    "-": NUMBER,
    "*": NUMBER,
    "/": NUMBER,
    "%": INT,
}
_ORDER = frozenset({"<", "<=", ">", ">="})
_LITERALS = {type(None): NULL, bool: BOOL, int: INT, float: DOUBLE, str: STRING}

Variables = Mapping[str, Shape]


def check(node: Node, variables: Variables) -> Shape:
    """What the expression may come to; raises Unreadable."""
    match node:
        case Literal(_, value):
            return _of_literal(value)
        case Name(offset, name):
            return _variable(offset, name, variables)
        case Select(offset, operand, field, is_test):
            found = check(operand, variables)
            _demand(offset, found.kinds, MAP, f"has no field {field}")
            return Shape(BOOL if is_test else found.items)
        case Index():
            return _index(node, variables)
        case Call():
            return _call(node, variables)
        case Unary(offset, operator, operand):
            wanted = NUMBER if operator == "-" else BOOL
            kinds = check(operand, variables).kinds
            _demand(offset, kinds, wanted, f"cannot have {operator} before it")
            return Shape(kinds & wanted)
        case Binary():
            return _binary(node, variables)
        case Logic(_, operator, parts):
            for part in parts:
                kinds = check(part, variables).kinds
                _demand(part.offset, kinds, BOOL, f"cannot stand beside {operator}")
            return Shape(BOOL)
        case Choice(offset, condition, yes, no):
            kinds = check(condition, variables).kinds
            _demand(offset, kinds, BOOL, "cannot stand before ?")
            first, second = check(yes, variables), check(no, variables)
            return Shape(first.kinds | second.kinds, first.items | second.items)
        case ListOf(_, items):
            return Shape(LIST, _all(check(item, variables).kinds for item in items))
        case MapOf(_, entries):
            return Shape(MAP, _all(check(value, variables).kinds for _, value in entries))


def told(kinds: int) -> str:
    """A set of kinds in words: `int or double`."""
    if kinds == ANY:
        return "anything"
    return " or ".join(name for kind, name in _NAMES.items() if kinds & kind)


def _of_literal(value: object) -> Shape:
    words = frozenset([value]) if isinstance(value, str) else None
    return Shape(_LITERALS[type(value)], ANY, words)


def _variable(offset: int, name: str, variables: Variables) -> Shape:
    if name not in variables:
        known = ", ".join(sorted(variables))
        raise Unreadable(offset, f"there is no variable {name}; there are {known}")
    return variables[name]


def _index(node: Index, variables: Variables) -> Shape:
    operand, index = check(node.operand, variables), check(node.index, variables)
    _demand(node.offset, operand.kinds, LIST | MAP, "has no items")
    wanted = (INT if operand.kinds & LIST else 0) | (STRING if operand.kinds & MAP else 0)
    _demand(node.index.offset, index.kinds, wanted, "is no place in a list or key of a map")
    return Shape(operand.items)


def _call(node: Call, variables: Variables) -> Shape:
    function = FUNCTIONS.get(node.name)
    if function is None:
        if node.name in MACROS:
            raise Unreadable(node.offset, f"the macro {node.name} is not supported")
        known = ", ".join(sorted(FUNCTIONS))
        raise Unreadable(node.offset, f"there is no function {node.name}; there are has, {known}")
    if not (function.is_method if node.is_method else function.is_global):
        form = f"{node.name}(…)" if node.is_method else f"text.{node.name}(…)"
        raise Unreadable(node.offset, f"{node.name} is written {form}")
    found = [check(argument, variables) for argument in node.arguments]
    if len(found) != len(function.arguments):
        wanted = len(function.arguments) - node.is_method
        raise Unreadable(node.offset, f"{node.name} takes {wanted} arguments here")
    for argument, shape, wanted in zip(node.arguments, found, function.arguments, strict=True):
        _demand(argument.offset, shape.kinds, wanted, f"cannot be given to {node.name}")
    if node.name == "matches" and not isinstance(node.arguments[1], Literal):
        where = node.arguments[1].offset
        raise Unreadable(where, "the pattern of matches is a literal text")
    return Shape(function.answer)


def _binary(node: Binary, variables: Variables) -> Shape:
    left, right = check(node.left, variables), check(node.right, variables)
    operator = node.operator
    if operator in _ARITHMETIC:
        shared = left.kinds & right.kinds & _ARITHMETIC[operator]
        if not shared:
            raise Unreadable(node.offset, _no_overload(left, operator, right))
        return Shape(shared, left.items | right.items)
    if operator in _ORDER:
        if not _comparable(left.kinds, right.kinds) & (NUMBER | STRING | BOOL):
            raise Unreadable(node.offset, _no_overload(left, operator, right))
    elif operator == "in":
        _membership(node, left, right)
    else:
        _equality(node.offset, left, right)
    return Shape(BOOL)


def _membership(node: Binary, left: Shape, right: Shape) -> None:
    _demand(node.offset, right.kinds, LIST | MAP, "has nothing in it")
    if isinstance(node.right, ListOf):
        for item in node.right.items:
            if isinstance(item, Literal):
                _equality(item.offset, left, _of_literal(item.value))
    elif right.kinds == LIST and not _comparable(left.kinds, right.items):
        why = f"{told(left.kinds)} is never in a list of {told(right.items)}"
        raise Unreadable(node.offset, why)
    elif right.kinds == MAP:
        _demand(node.offset, left.kinds, STRING, "is no key of a map")


def _equality(offset: int, left: Shape, right: Shape) -> None:
    if not _comparable(left.kinds, right.kinds):
        why = f"{told(left.kinds)} never equals {told(right.kinds)}"
        raise Unreadable(offset, why)
    both_texts = (left.kinds | right.kinds) == STRING
    if both_texts and left.words and right.words and left.words.isdisjoint(right.words):
        one, other = sorted((left.words, right.words), key=len)
        why = f"{_listed(one)} is never one of {_listed(other)}"
        raise Unreadable(offset, why)


def _comparable(left: int, right: int) -> int:
    """The kinds that both sides may share; a number of one kind may equal one of the other."""
    if left & NUMBER:
        left |= NUMBER
    if right & NUMBER:
        right |= NUMBER
    return left & right


def _demand(offset: int, kinds: int, wanted: int, why: str) -> None:
    if not kinds & wanted:
        raise Unreadable(offset, f"{told(kinds)} {why}")


def _no_overload(left: Shape, operator: str, right: Shape) -> str:
    words = f"no such overload: {told(left.kinds)} {operator} {told(right.kinds)}"
    if (left.kinds | right.kinds) & ~NUMBER == 0:
        words += "; make both sides int(…) or double(…)"
    return words


def _listed(words: Iterable[str]) -> str:
    return ", ".join(ascii(word) for word in sorted(words))


def _all(kinds: Iterable[int]) -> int:
    found = 0
    for each in kinds:
        found |= each
    return found or ANY
