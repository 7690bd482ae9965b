"""Regular expressions for `matches`: a subset of RE2, in time linear in the text.

A pattern becomes the positions of its characters (Glushkov's automaton): which ones can begin,
which can follow which, which can end. A set of positions is one integer, a bit each, so a text is
read once, from left to right, and nothing is ever tried again.

Supported: literals, `.`, classes with ranges and negation, `\\d \\w \\s \\D \\W \\S` (ASCII, as in
RE2), `\\t \\n \\r \\f \\v \\xHH`, groups (also `(?:`), `|`, `* + ? {n} {n,} {n,m}`, and `^` or `$`
at the ends of the whole pattern. Refused: flags, back references, look-around, `\\b`, `\\p`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from wardline.core.policy.cel.fault import Unreadable

POSITIONS_MAX = 128
REPEAT_MAX = 64
NESTED_MAX = 16
PARTS_MAX = 1024
TEXT_CHARS_MAX = 4096
_CHUNK_BITS = 8
_CHUNK = (1 << _CHUNK_BITS) - 1
_STATES_KEPT_MAX = 512
_CHARS_KEPT_MAX = 512

Ranges = tuple[tuple[int, int], ...]

_LAST = 0x10FFFF
_DIGIT: Ranges = ((0x30, 0x39),)
_WORD: Ranges = ((0x30, 0x39), (0x41, 0x5A), (0x5F, 0x5F), (0x61, 0x7A))
_SPACE: Ranges = ((0x09, 0x0A), (0x0C, 0x0D), (0x20, 0x20))


def _others(ranges: Ranges) -> Ranges:
    """Every character that is in none of the ranges."""
    found = []
    start = 0
    for first, last in sorted(ranges):
        if first > start:
            found.append((start, first - 1))
        start = max(start, last + 1)
    if start <= _LAST:
        found.append((start, _LAST))
    return tuple(found)


_CLASSES = {
    "d": _DIGIT,
    "w": _WORD,
    "s": _SPACE,
    "D": _others(_DIGIT),
    "W": _others(_WORD),
    "S": _others(_SPACE),
}
_CONTROL = {"t": 9, "n": 10, "r": 13, "f": 12, "v": 11}
_ANY = _others(((10, 10),))
_SPECIAL = frozenset("\\.+*?()|[]{}^$")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern, ready: `follow[i]` are the positions after position i, `ranges[i]` its
    characters, `first` and `last` those with which a match may begin and end."""

    first: int
    last: int
    follow: tuple[int, ...]
    ranges: tuple[Ranges, ...]
    is_empty: bool
    from_start: bool
    to_end: bool
    _after: dict[int, int] = field(default_factory=dict, init=False, compare=False)
    _of_chunk: dict[tuple[int, int], int] = field(default_factory=dict, init=False, compare=False)
    _of_char: dict[str, int] = field(default_factory=dict, init=False, compare=False)

    def found_in(self, text: str) -> bool:
        """Whether some part of `text` matches; it has at most TEXT_CHARS_MAX characters."""
        if self.is_empty and not (self.from_start and self.to_end and text):
            return True
        first, last, to_end, anywhere = self.first, self.last, self.to_end, not self.from_start
        kept, of_char = self._after, self._of_char
        reach = first
        state = 0
        for char in text:
            mask = of_char.get(char)
            if mask is None:
                mask = self._mask(char)
            state = reach & mask
            if state & last and not to_end:
                return True
            if state:
                after = kept.get(state)
                reach = self._reach(state) if after is None else after
                if anywhere:
                    reach |= first
            elif anywhere:
                reach = first
            else:
                return False
        return bool(state & last)

    def _mask(self, char: str) -> int:
        code = ord(char)
        mask = 0
        for position, ranges in enumerate(self.ranges):
            if any(first <= code <= last for first, last in ranges):
                mask |= 1 << position
        if len(self._of_char) < _CHARS_KEPT_MAX:
            self._of_char[char] = mask
        return mask

    def _reach(self, state: int) -> int:
        """What may follow a set of positions, found eight positions at a time."""
        after, rest, base = 0, state, 0
        while rest:
            if chunk := rest & _CHUNK:
                found = self._of_chunk.get((base, chunk))
                after |= self._union(base, chunk) if found is None else found
            rest >>= _CHUNK_BITS
            base += _CHUNK_BITS
        if len(self._after) < _STATES_KEPT_MAX:
            self._after[state] = after
        return after

    def _union(self, base: int, chunk: int) -> int:
        after = 0
        for bit in range(_CHUNK_BITS):
            if chunk >> bit & 1:
                after |= self.follow[base + bit]
        self._of_chunk[base, chunk] = after
        return after


@dataclass(frozen=True, slots=True)
class _Part:
    """A piece of the automaton: where it begins and ends, and whether it matches nothing at all."""

    first: int
    last: int
    is_empty: bool


_NOTHING = _Part(0, 0, True)
_Make = Callable[[], _Part]


def read(text: str, offset: int) -> Pattern:
    """The pattern that `text` writes; raises Unreadable at `offset`, naming the place in it."""
    return _Reader(text, offset).whole()


class _Reader:
    """A place in a pattern, with the positions found so far.

    Repeating a part makes its positions anew, so a part is kept as what makes it (`_Make`).
    """

    def __init__(self, text: str, offset: int) -> None:
        self._text = text
        self._offset = offset
        self._at = 0
        self._nested = 0
        self._parts = 0
        self._has_alternatives = False
        self._follow: list[int] = []
        self._ranges: list[Ranges] = []

    def whole(self) -> Pattern:
        from_start = self._takes("^")
        make = self._alternatives()
        to_end = self._takes("$")
        if self._at < len(self._text):
            raise self._wrong("unmatched )" if self._peek() == ")" else "not supported here")
        if (from_start or to_end) and self._has_alternatives:
            raise self._wrong("put what stands between ^ and $ into a group, as in ^(a|b)$")
        part = make()
        return Pattern(
            part.first,
            part.last,
            tuple(self._follow),
            tuple(self._ranges),
            part.is_empty,
            from_start,
            to_end,
        )

    def _alternatives(self) -> _Make:
        makes = [self._sequence()]
        while self._takes("|"):
            makes.append(self._sequence())
        if not self._nested:
            self._has_alternatives = len(makes) > 1
        return makes[0] if len(makes) == 1 else lambda: _either([make() for make in makes])

    def _sequence(self) -> _Make:
        makes: list[_Make] = []
        while self._peek() not in ("", "|", ")") and self._text[self._at :] != "$":
            makes.append(self._repeated())
        return lambda: self._joined(makes)

    def _repeated(self) -> _Make:
        make = self._atom()
        least, most = self._quantity()
        if (least, most) == (1, 1):
            return make
        if self._peek() in ("*", "+") or (self._peek() == "{" and self._counts()):
            raise self._wrong("a repetition of a repetition; put parentheses around the first")
        return lambda: self._times(make, least, most)

    def _quantity(self) -> tuple[int, int | None]:
        simple: dict[str, tuple[int, int | None]] = {"*": (0, None), "+": (1, None), "?": (0, 1)}
        found = simple.get(self._peek())
        if found is not None:
            self._at += 1
        elif self._peek() == "{" and (counts := self._counts()):
            least, most, length = counts
            if least > REPEAT_MAX or (most or 0) > REPEAT_MAX:
                raise self._wrong(f"at most {REPEAT_MAX} repetitions")
            if most is not None and most < least:
                raise self._wrong("the second count is below the first")
            self._at += length
            found = least, most
        else:
            return 1, 1
        self._takes("?")  # lazy: the same texts match
        return found

    def _counts(self) -> tuple[int, int | None, int] | None:
        """The counts of `{n}`, `{n,}` or `{n,m}` with its length; None where it is plain text."""
        end = self._text.find("}", self._at)
        least, comma, most = self._text[self._at + 1 : end].partition(",")
        digits = [least, most] if most else [least]
        if end < 0 or not all(_is_count(each) for each in digits):
            return None
        upper = int(most) if most else None if comma else int(least)
        return int(least), upper, end + 1 - self._at

    def _atom(self) -> _Make:
        char = self._text[self._at]
        self._at += 1
        if char == "(":
            return self._group()
        if char == "[":
            return self._char(self._set())
        if char == ".":
            return self._char(_ANY)
        if char == "\\":
            return self._char(self._escape())
        if char in "*+?":
            raise self._wrong(f"{char} has nothing to repeat")
        if char in "^$":
            raise self._wrong(f"{char} is supported at the ends of the pattern only")
        if char == "{":
            self._at -= 1
            if self._counts():
                raise self._wrong("{ has nothing to repeat")
            self._at += 1
        return self._char(((ord(char), ord(char)),))

    def _group(self) -> _Make:
        if self._takes("?") and not self._takes(":"):
            raise self._wrong("flags, names and look-around are not supported")
        self._nested += 1
        if self._nested > NESTED_MAX:
            raise self._wrong(f"groups nested deeper than {NESTED_MAX}")
        make = self._alternatives()
        self._nested -= 1
        if not self._takes(")"):
            raise self._wrong("a group is not closed")
        return make

    def _set(self) -> Ranges:
        negated = self._takes("^")
        found: list[tuple[int, int]] = []
        if self._peek() == "]":
            raise self._wrong("a ] that begins a class is written \\]")
        while not self._takes("]"):
            if self._at == len(self._text):
                raise self._wrong("a class is not closed")
            low = self._member(found)
            if low is None:
                continue
            if self._peek() == "-" and self._text[self._at + 1 : self._at + 2] not in ("]", ""):
                self._at += 1
                high = self._member(found)
                if high is None or high < low:
                    raise self._wrong("a range that does not go up")
                found.append((low, high))
            else:
                found.append((low, low))
        return _others(tuple(found)) if negated else tuple(found)

    def _member(self, found: list[tuple[int, int]]) -> int | None:
        """The next character of a class; None where it is a class of its own, put into `found`."""
        char = self._peek()
        self._at += 1
        if char == "[":
            raise self._wrong("a [ inside a class is written \\[")
        if char != "\\":
            return ord(char)
        ranges = self._escape()
        if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
            return ranges[0][0]
        found += ranges
        return None

    def _escape(self) -> Ranges:
        char = self._text[self._at : self._at + 1]
        self._at += 1
        if char in _CLASSES:
            return _CLASSES[char]
        if char in _CONTROL:
            return ((_CONTROL[char], _CONTROL[char]),)
        if char == "x":
            digits = self._text[self._at : self._at + 2]
            if len(digits) == 2 and all(digit in "0123456789abcdefABCDEF" for digit in digits):
                self._at += 2
                return ((int(digits, 16), int(digits, 16)),)
        if char and char.isascii() and not char.isalnum() and char.isprintable():
            return ((ord(char), ord(char)),)
        raise self._wrong(f"\\{char if char.isascii() else ''} is not supported")

    def _char(self, ranges: Ranges) -> _Make:
        def make() -> _Part:
            if len(self._ranges) >= POSITIONS_MAX:
                raise self._wrong(f"longer than {POSITIONS_MAX} characters, repetitions counted")
            bit = 1 << len(self._ranges)
            self._ranges.append(ranges)
            self._follow.append(0)
            return _Part(bit, bit, False)

        return make

    def _times(self, make: _Make, least: int, most: int | None) -> _Part:
        makes = [make] * least
        if most is None:
            makes = makes[:-1] if least else []
            makes.append(lambda: self._looped(make(), is_empty=not least))
        else:
            makes += [lambda: _optional(make())] * (most - least)
        return self._joined(makes)

    def _looped(self, part: _Part, *, is_empty: bool) -> _Part:
        self._link(part.last, part.first)
        return _Part(part.first, part.last, part.is_empty or is_empty)

    def _joined(self, makes: list[_Make]) -> _Part:
        whole = _NOTHING
        self._parts += len(makes)
        if self._parts > PARTS_MAX:
            raise self._wrong(f"more than {PARTS_MAX} parts, repetitions counted")
        for make in makes:
            part = make()
            self._link(whole.last, part.first)
            whole = _Part(
                whole.first | part.first if whole.is_empty else whole.first,
                whole.last | part.last if part.is_empty else part.last,
                whole.is_empty and part.is_empty,
            )
        return whole

    def _link(self, last: int, first: int) -> None:
        while last:
            low = last & -last
            self._follow[low.bit_length() - 1] |= first
            last ^= low

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _takes(self, char: str) -> bool:
        if self._peek() != char:
            return False
        self._at += 1
        return True

    def _wrong(self, why: str) -> Unreadable:
        place = min(self._at, len(self._text))
        return Unreadable(self._offset, f"the pattern, near its character {place}: {why}")


def _either(parts: list[_Part]) -> _Part:
    first = last = 0
    for part in parts:
        first |= part.first
        last |= part.last
    return _Part(first, last, any(part.is_empty for part in parts))


def _optional(part: _Part) -> _Part:
    return _Part(part.first, part.last, True)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 4
