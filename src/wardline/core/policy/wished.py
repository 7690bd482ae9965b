"""Facts under which a condition is likely to hold, read off what it compares with what.

A guess and nothing more: whoever uses it evaluates the condition. Nothing is solved: a conjunction
gets what each of its parts wishes, a disjunction what its first part does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wardline.core.canonical import Json
from wardline.core.policy.cel import tree
from wardline.core.policy.cel.fault import Unreadable
from wardline.core.policy.cel.tree import (
    Binary,
    Call,
    Index,
    ListOf,
    Literal,
    Logic,
    Name,
    Node,
    Select,
    Unary,
)

_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
_TURNED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
_TEXT_OF = frozenset({"contains", "startsWith", "endsWith"})
_PART_OF = {"delta", "platform", "siteId", "hostId", "severity"}


@dataclass(slots=True)
class Wished:
    """What an alert should say; `named` are values of the other variables, by their names."""

    facts: dict[str, Json] = field(default_factory=dict)
    named: dict[str, Json] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)


def by(condition: str | None) -> Wished:
    """What a condition wishes for; nothing where there is none, or none that can be read."""
    wished = Wished()
    if condition is not None:
        try:
            _wish(tree.read(condition), wished, is_true=True)
        except Unreadable:
            return Wished()
    return wished


def _wish(node: Node, wished: Wished, *, is_true: bool) -> None:
    match node:
        case Logic(operator=operator, parts=parts):
            for part in parts if (operator == "&&") is is_true else parts[:1]:
                _wish(part, wished, is_true=is_true)
        case Unary(operator="!", operand=operand):
            _wish(operand, wished, is_true=not is_true)
        case Binary(operator="in", left=left, right=right) if is_true:
            _wish_member(left, right, wished)
        case Binary(operator=operator, left=left, right=right) if operator in _OPPOSITE:
            wanted = operator if is_true else _OPPOSITE[operator]
            if isinstance(right, Literal):
                _put(left, _value(wanted, right.value), wished)
            elif isinstance(left, Literal):
                _put(right, _value(_TURNED[wanted], left.value), wished)
        case Call(name=name, arguments=(subject, Literal(value=str() as text))) if (
            name in _TEXT_OF and is_true
        ):
            _put(subject, text, wished)
        case Select(is_test=True) if is_true:
            _put(Select(node.offset, node.operand, node.field), 1, wished, keep=True)
        case Select() | Index() | Name():
            _put(node, is_true, wished)
        case _:
            pass


def _wish_member(left: Node, right: Node, wished: Wished) -> None:
    if isinstance(right, ListOf) and right.items and isinstance(right.items[0], Literal):
        _put(left, right.items[0].value, wished)
    elif isinstance(left, Literal) and isinstance(left.value, str):
        if right == Name(right.offset, "tags"):
            wished.tags.add(left.value)
        else:
            _put(right, [left.value], wished)


def _value(operator: str, value: Json) -> Json:
    """A value that stands so to another one."""
    if isinstance(value, bool):
        return value if operator == "==" else not value
    if isinstance(value, int | float):
        if operator in (">", "!="):
            return value + 1
        return value - 1 if operator == "<" else value
    if isinstance(value, str):
        return f"{value}x" if operator in ("!=", ">") else value
    return value if operator == "==" else 1


def _put(node: Node, value: Json, wished: Wished, *, keep: bool = False) -> None:
    """Makes the fact, or the variable, that a node names have the value."""
    names = _names(node)
    if names is None:
        return
    if len(names) == 1 and names[0] in _PART_OF:
        wished.named.setdefault(names[0], value)
    elif len(names) > 1 and names[0] == "facts":
        inner: dict[str, Json] = wished.facts
        for name in names[1:-1]:
            deeper = inner.setdefault(name, {})
            if not isinstance(deeper, dict):
                return
            inner = deeper
        if keep or isinstance(inner.get(names[-1]), Mapping):
            inner.setdefault(names[-1], value)
        else:
            inner[names[-1]] = value


def _names(node: Node) -> list[str] | None:
    """The names from a variable to what a node reads of it; None for anything else."""
    match node:
        case Name(name=name):
            return [name]
        case Select(operand=operand, field=name, is_test=False):
            found = _names(operand)
        case Index(operand=operand, index=Literal(value=str() as name)):
            found = _names(operand)
        case _:
            return None
    return None if found is None else [*found, name]
