"""The words of an expression, by the lexis of the CEL specification (langdef, "Syntax").

Left out and refused by name: unsigned numbers (`1u`), bytes (`b"…"`) and quoted field names.
"""

import math
import re
from enum import Enum
from typing import NamedTuple

from wardline.core.policy.cel.fault import Unreadable

INT_MIN, INT_MAX = -(2**63), 2**63 - 1

Value = None | bool | int | float | str


class Kind(Enum):
    """What a token is; an operator is told by its text."""

    VALUE = "value"
    NAME = "name"
    OPERATOR = "operator"
    END = "end of the condition"


class Token(NamedTuple):
    """`text` as written; `value` of a literal; `offset` of its first character."""

    kind: Kind
    text: str
    offset: int
    value: Value = None


# Names that CEL keeps for itself; none of them can be a variable.
RESERVED = frozenset(
    (
        *("as", "break", "const", "continue", "else", "for", "function", "if", "import", "let"),
        *("loop", "package", "namespace", "return", "var", "void", "while"),
    )
)
WORDS = {"true": True, "false": False, "null": None}
# No number is below it but by its sign: the parser takes the two together.
MINIMUM_WITHOUT_SIGN = 2**63

_TOKEN = re.compile(
    r"""
      (?P<space>   [\t\n\f\r ]+ | //[^\n]* )
    | (?P<double>  [0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)? | [0-9]+[eE][+-]?[0-9]+
                 | \.[0-9]+(?:[eE][+-]?[0-9]+)? )
    | (?P<int>     0x[0-9a-fA-F]+ | [0-9]+ )
    | (?P<string>  (?P<prefix>[rRbB]{0,2})
                   (?: \"\"\" (?P<triple>  (?:[^\\]|\\.)*? ) \"\"\"
                     | \'\'\' (?P<triple1> (?:[^\\]|\\.)*? ) \'\'\'
                     | \"  (?P<double_quoted> (?:[^\\"\n\r]|\\.)* ) \"
                     | \'  (?P<single_quoted> (?:[^\\'\n\r]|\\.)* ) \' ) )
    | (?P<name>    [_a-zA-Z][_a-zA-Z0-9]* )
    | (?P<operator> == | != | <= | >= | && | \|\| | [-+*/%<>!?:.,()\[\]{}] )
    """,
    re.VERBOSE | re.DOTALL,
)
_RAW = re.compile(
    r"""[rR](?: \"\"\"(?P<a>.*?)\"\"\" | \'\'\'(?P<b>.*?)\'\'\'
              | "(?P<c>[^"\n\r]*)" | '(?P<d>[^'\n\r]*)' )""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(
    r"\\(?:([abfnrtv\\?`\"'])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})"
    r"|([0-3][0-7]{2}))"
)
_SINGLE = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_QUOTED = ("triple", "triple1", "double_quoted", "single_quoted")


def tokens(text: str) -> list[Token]:
    """All words of `text`, an END last; raises Unreadable."""
    found = []
    offset = 0
    while offset < len(text):
        token, offset = _next(text, offset)
        if token is not None:
            found.append(token)
    found.append(Token(Kind.END, "", offset))
    return found


def _next(text: str, offset: int) -> tuple[Token | None, int]:
    if raw := _RAW.match(text, offset):
        content = next(group for group in raw.groups() if group is not None)
        return Token(Kind.VALUE, raw.group(), offset, content), raw.end()
    match = _TOKEN.match(text, offset)
    if match is None:
        raise Unreadable(offset, _unknown(text, offset))
    written, end = match.group(), match.end()
    if match["space"] is not None:
        return None, end
    if match["double"] is not None or match["int"] is not None:
        return Token(Kind.VALUE, written, offset, _number(match, offset)), end
    if match["string"] is not None:
        return Token(Kind.VALUE, written, offset, _string(match, offset)), end
    if match["name"] is None:
        return Token(Kind.OPERATOR, written, offset), end
    if written in WORDS:
        return Token(Kind.VALUE, written, offset, WORDS[written]), end
    return Token(Kind.NAME, written, offset), end


def _unknown(text: str, offset: int) -> str:
    char = text[offset]
    if char in "\"'":
        return "this text does not end, or a line ends inside it"
    if char == "`":
        return 'quoted field names are not supported; write ["name"]'
    if char in "=&|":
        return f"{char} alone is no operator; did you mean {char}{char}?"
    return f"{char!a} has no meaning here"


def _number(match: re.Match[str], offset: int) -> int | float:
    written = match.group()
    following = match.string[match.end() : match.end() + 1]
    if following in ("u", "U"):
        raise Unreadable(offset, "unsigned numbers (1u) are not supported; leave the u out")
    if following.isalnum() or following == "_":
        raise Unreadable(match.end(), "a number ends here; a name cannot begin with a digit")
    if match["int"] is None:
        value = float(written)
        if math.isinf(value):
            raise Unreadable(offset, "a number beyond what a double holds")
        return value
    whole = int(written, 16 if written.startswith("0x") else 10)
    if whole > MINIMUM_WITHOUT_SIGN:
        raise Unreadable(offset, "a whole number beyond 64 bits")
    return whole


def _string(match: re.Match[str], offset: int) -> str:
    if match["prefix"]:
        if "b" in match["prefix"].lower():
            raise Unreadable(offset, 'bytes (b"…") are not supported')
        raise Unreadable(offset, "this text does not end, or a line ends inside it")
    group = next(name for name in _QUOTED if match[name] is not None)
    content, start = match[group], match.start(group)
    parts = []
    position = 0
    while (cut := content.find("\\", position)) >= 0:
        escape = _ESCAPE.match(content, cut)
        if escape is None:
            raise Unreadable(start + cut, 'no such escape; a raw text is written r"…"')
        parts += [content[position:cut], _escaped(escape, start + cut)]
        position = escape.end()
    return "".join([*parts, content[position:]])


def _escaped(escape: re.Match[str], offset: int) -> str:
    single, *hexadecimal, octal = escape.groups()
    if single is not None:
        return _SINGLE.get(single, single)
    if octal is not None:
        return chr(int(octal, 8))
    code = int(next(digits for digits in hexadecimal if digits is not None), 16)
    if code > 0x10FFFF or 0xD800 <= code < 0xE000:
        raise Unreadable(offset, "no character has this code")
    return chr(code)
