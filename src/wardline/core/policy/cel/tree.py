"""What an expression says, as a tree; read by precedence from its tokens, within limits.

Grammar (a subset of CEL's; `&&` and `||` are kept as one node of many parts):

    expression = or ["?" or ":" expression]
    or         = and {"||" and}
    and        = relation {"&&" relation}
    relation   = sum {("<" | "<=" | ">" | ">=" | "==" | "!=" | "in") sum}
    sum        = product {("+" | "-") product}
    product    = unary {("*" | "/" | "%") unary}
    unary      = {"!"} member | {"-"} member
    member     = primary {"." name ["(" arguments ")"] | "[" expression "]"}
    primary    = literal | name ["(" arguments ")"] | "(" expression ")"
               | "[" [expression {"," expression} [","]] "]"
               | "{" [text ":" expression {"," text ":" expression} [","]] "}"
"""

from dataclasses import dataclass

from wardline.core.policy.cel.fault import Unreadable
from wardline.core.policy.cel.tokens import (
    MINIMUM_WITHOUT_SIGN,
    RESERVED,
    Kind,
    Token,
    Value,
    tokens,
)

# Parentheses, brackets and arguments inside each other; levels of operators upon each other.
NESTED_MAX = 32
DEPTH_MAX = 50
MACROS = frozenset({"all", "exists", "exists_one", "map", "filter"})


@dataclass(frozen=True, slots=True)
class Literal:
    offset: int
    value: Value


@dataclass(frozen=True, slots=True)
class Name:
    offset: int
    name: str


@dataclass(frozen=True, slots=True)
class Select:
    """`operand.field`, or `has(operand.field)` where it is only a test."""

    offset: int
    operand: "Node"
    field: str
    is_test: bool = False


@dataclass(frozen=True, slots=True)
class Index:
    offset: int
    operand: "Node"
    index: "Node"


@dataclass(frozen=True, slots=True)
class Call:
    """`name(arguments)`; a target (`target.name(…)`) is the first of them, and `is_method`."""

    offset: int
    name: str
    arguments: tuple["Node", ...]
    is_method: bool


@dataclass(frozen=True, slots=True)
class Unary:
    offset: int
    operator: str
    operand: "Node"


@dataclass(frozen=True, slots=True)
class Binary:
    offset: int
    operator: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Logic:
    """Two or more parts joined by `&&` or by `||`."""

    offset: int
    operator: str
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    offset: int
    condition: "Node"
    yes: "Node"
    no: "Node"


@dataclass(frozen=True, slots=True)
class ListOf:
    offset: int
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class MapOf:
    """A map whose keys are literal texts, each written once."""

    offset: int
    entries: tuple[tuple[str, "Node"], ...]


Node = Literal | Name | Select | Index | Call | Unary | Binary | Logic | Choice | ListOf | MapOf
# A node with the levels that it has.
Grown = tuple[Node, int]

_SIGNS = ("!", "-")
_OR, _AND, _RELATION, _SUM, _PRODUCT = range(1, 6)
_PRECEDENCE = {
    "||": _OR,
    "&&": _AND,
    **dict.fromkeys(("<", "<=", ">", ">=", "==", "!=", "in"), _RELATION),
    **dict.fromkeys(("+", "-"), _SUM),
    **dict.fromkeys(("*", "/", "%"), _PRODUCT),
}


def read(text: str) -> Node:
    """The tree of an expression; raises Unreadable."""
    reader = _Reader(tokens(text))
    node, _ = reader.expression()
    reader.end()
    return node


class _Reader:
    """A place in the tokens, moved forward by every method."""

    def __init__(self, found: list[Token]) -> None:
        self._tokens = found
        self._position = 0
        self._nested = 0

    def expression(self) -> Grown:
        self._nested += 1
        if self._nested > NESTED_MAX:
            raise Unreadable(self._token.offset, f"nested deeper than {NESTED_MAX} levels")
        found = self._binary(_OR)
        offset = self._token.offset
        if self._takes("?"):
            yes = self._binary(_OR)
            self._expect(":")
            no = self.expression()
            found = _grown(Choice(offset, found[0], yes[0], no[0]), found, yes, no)
        self._nested -= 1
        return found

    def end(self) -> None:
        if self._token.kind is not Kind.END:
            raise _unexpected("the condition should end here", self._token)

    @property
    def _token(self) -> Token:
        return self._tokens[self._position]

    def _binary(self, lowest: int) -> Grown:
        left = self._unary()
        while (level := self._level()) >= lowest:
            operator = self._next()
            if level in (_OR, _AND):
                left = self._logic(operator, left, level)
                continue
            right = self._binary(level + 1)
            node = Binary(operator.offset, operator.text, left[0], right[0])
            left = _grown(node, left, right)
        return left

    def _logic(self, operator: Token, left: Grown, level: int) -> Grown:
        parts = [left, self._binary(level + 1)]
        while self._takes(operator.text):
            parts.append(self._binary(level + 1))
        nodes = tuple(node for node, _ in parts)
        return _grown(Logic(operator.offset, operator.text, nodes), *parts)

    def _level(self) -> int:
        """The precedence of the operator that comes next, 0 where none does."""
        token = self._token
        if token.kind is Kind.OPERATOR or token.text == "in":
            return _PRECEDENCE.get(token.text, 0)
        return 0

    def _unary(self) -> Grown:
        sign, count = self._token, 0
        while sign.text in _SIGNS and self._is_sign(sign.text):
            self._position += 1
            count += 1
        if any(map(self._is_sign, _SIGNS)):
            why = "! and - do not follow each other: put parentheses around one"
            raise Unreadable(self._token.offset, why)
        if count and sign.text == "-" and self._is("-"):
            _check_sign(self._tokens[self._position + 1])
        found = self._member(self._primary())
        # Two signs are none but for the check of what they stand before, and so are four.
        for _ in range(count if count < 2 else 2 - count % 2):
            found = _grown(Unary(sign.offset, sign.text, found[0]), found)
        return found

    def _is_sign(self, text: str) -> bool:
        """Whether an operator comes next; the minus of a number is a part of the number."""
        return self._is(text) and not (text == "-" and self._before_number())

    def _before_number(self) -> bool:
        return type(self._tokens[self._position + 1].value) in (int, float)

    def _member(self, found: Grown) -> Grown:
        while True:
            offset = self._token.offset
            if self._takes("."):
                found = self._field(found)
            elif self._takes("["):
                index = self.expression()
                self._expect("]")
                found = _grown(Index(offset, found[0], index[0]), found, index)
            else:
                return found

    def _field(self, operand: Grown) -> Grown:
        token = self._next()
        if token.kind is not Kind.NAME or token.text == "in":
            raise _unexpected("the name of a field should stand here", token)
        if not self._takes("("):
            return _grown(Select(token.offset, operand[0], token.text), operand)
        if token.text in MACROS:
            raise Unreadable(token.offset, f"the macro {token.text} is not supported")
        arguments = [operand, *self._until(")")]
        nodes = tuple(node for node, _ in arguments)
        return _grown(Call(token.offset, token.text, nodes, True), *arguments)

    def _primary(self) -> Grown:
        token = self._next()
        if token.kind is Kind.VALUE:
            _check_sign(token)
            return Literal(token.offset, token.value), 1
        if token.kind is Kind.NAME and token.text != "in":
            return self._named(token)
        if token.text == "-" and isinstance(value := self._next().value, int | float):
            return Literal(token.offset, -value), 1
        if token.text == "(":
            found = self.expression()
            self._expect(")")
            return found
        if token.text == "[":
            items = self._until("]", may_trail=True)
            return _grown(ListOf(token.offset, tuple(node for node, _ in items)), *items)
        if token.text == "{":
            return self._map(token)
        raise _unexpected("a value should stand here", token)

    def _named(self, token: Token) -> Grown:
        if token.text in RESERVED:
            raise Unreadable(token.offset, f"{token.text} is a reserved word")
        if not self._takes("("):
            return Name(token.offset, token.text), 1
        arguments = self._until(")")
        if token.text == "has":
            return self._has(token, arguments)
        nodes = tuple(node for node, _ in arguments)
        return _grown(Call(token.offset, token.text, nodes, False), *arguments)

    def _has(self, token: Token, arguments: list[Grown]) -> Grown:
        selected, levels = arguments[0] if len(arguments) == 1 else (None, 0)
        if not isinstance(selected, Select) or selected.is_test:
            raise Unreadable(token.offset, "has takes one field, such as has(facts.name)")
        return Select(token.offset, selected.operand, selected.field, True), levels

    def _map(self, token: Token) -> Grown:
        entries: dict[str, Node] = {}
        grown: list[Grown] = []
        while not self._takes("}"):
            if grown:
                self._expect(",")
                if self._takes("}"):
                    break
            key = self._next()
            if key.kind is not Kind.VALUE or not isinstance(key.value, str):
                raise _unexpected("a key of a map is a literal text", key)
            if key.value in entries:
                raise Unreadable(key.offset, "this key stands in the map twice")
            self._expect(":")
            value = self.expression()
            grown.append(value)
            entries[key.value] = value[0]
        return _grown(MapOf(token.offset, tuple(entries.items())), *grown)

    def _until(self, closing: str, *, may_trail: bool = False) -> list[Grown]:
        """Expressions between commas, up to a bracket."""
        found: list[Grown] = []
        while not self._takes(closing):
            if found:
                self._expect(",")
                if may_trail and self._takes(closing):
                    break
            found.append(self.expression())
        return found

    def _is(self, text: str) -> bool:
        return self._token.kind is Kind.OPERATOR and self._token.text == text

    def _takes(self, text: str) -> bool:
        if not self._is(text):
            return False
        self._position += 1
        return True

    def _next(self) -> Token:
        token = self._token
        if token.kind is not Kind.END:
            self._position += 1
        return token

    def _expect(self, text: str) -> None:
        if not self._takes(text):
            raise _unexpected(f"{text} should stand here", self._token)


def _unexpected(wanted: str, token: Token) -> Unreadable:
    shown = token.kind.value if token.kind is Kind.END else ascii(token.text)[1:-1]
    return Unreadable(token.offset, f"{wanted}, not {shown}")


def _check_sign(token: Token) -> None:
    """Raise Unreadable for the one number that only its sign brings into 64 bits."""
    if type(token.value) is int and token.value == MINIMUM_WITHOUT_SIGN:
        raise Unreadable(token.offset, "a whole number beyond 64 bits")


def _grown(node: Node, *parts: Grown) -> Grown:
    levels = 1 + max((below for _, below in parts), default=0)
    if levels > DEPTH_MAX:
        raise Unreadable(node.offset, f"more than {DEPTH_MAX} operations upon each other")
    return node, levels
