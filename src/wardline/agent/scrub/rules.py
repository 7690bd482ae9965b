"""The form of a rule: where it may begin, what it matches there, and what that means.

Every pattern is linear: bounded repeats, none inside another over the same characters. Most texts
hold nothing, so what is cheap to look for comes first: literals at which alone a pattern is tried,
or shapes of digits and letters of which the text must have one.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from wardline.agent.scrub.marks import Kind

Match = re.Match[str]

DIGITS_MAX = 8
_DIGIT = ord("0")
# Between a name and its value.
BETWEEN = r"[\"']?(?:\s{1,4}(?:is|was|no\.?|number|num|id)\b)?[\s:=#|>._/\[(\\-]{0,6}[\"']?"
_SHAPES = bytes(
    ord("0")
    if 48 <= code <= 57
    else ord("A")
    if 65 <= code <= 90
    else ord("a")
    if 97 <= code <= 122
    else code
    for code in range(256)
)


@dataclass(frozen=True, slots=True)
class View:
    """A text as rules look at it: itself, in lower case, and its shape (every digit `0`, every
    letter `A` or `a`); all of one length."""

    text: str
    lower: str
    shape: bytes


def view(text: str) -> View:
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    return View(text, lower, text.encode("ascii", "replace").translate(_SHAPES))


def as_it_is(found: Match) -> str | None:
    """The value, without regard to case."""
    return found["v"].casefold()


@dataclass(frozen=True, slots=True)
class Rule:
    """Group `v` of `pattern` is what is taken out.

    `anchors` are the lower-case literals at which the pattern begins: it is matched there, in the
    text in lower case unless `cased`. Without anchors it is searched for in the text itself, where
    that has one of `shapes`; `numbered` is one that begins with the digits before such a shape.
    `value` gives what the mark is made from, the same for every way of writing it, or None where
    what matched is no such thing; `exact` makes it the value itself.
    """

    kind: Kind
    pattern: re.Pattern[str]
    anchors: tuple[str, ...] = ()
    shapes: tuple[bytes, ...] = ()
    value: Callable[[Match], str | None] = as_it_is
    exact: bool = False
    cased: bool = False
    numbered: bool = False

    def found(self, seen: View) -> Iterator[tuple[Match, str]]:
        """Matches with their values."""
        if self.anchors:
            return self._at_anchors(seen)
        return self._at_numbers(seen) if self.numbered else self._anywhere(seen)

    def _anywhere(self, seen: View) -> Iterator[tuple[Match, str]]:
        if self.shapes and not any(shape in seen.shape for shape in self.shapes):
            return
        for match in self.pattern.finditer(seen.text):
            value = self.value(match)
            if value is not None:
                yield match, value

    def _at_numbers(self, seen: View) -> Iterator[tuple[Match, str]]:
        for shape in self.shapes:
            at = seen.shape.find(shape)
            while at >= 0:
                start = at
                while start > 0 and seen.shape[start - 1] == _DIGIT and at - start < DIGITS_MAX:
                    start -= 1
                match = self.pattern.match(seen.text, start)
                if match is not None and (value := self.value(match)) is not None:
                    yield match, value
                at = seen.shape.find(shape, at + 1)

    def _at_anchors(self, seen: View) -> Iterator[tuple[Match, str]]:
        text = seen.text if self.cased else seen.lower
        for anchor in self.anchors:
            at = seen.lower.find(anchor)
            while at >= 0:
                match = self.pattern.match(text, at)
                at += len(anchor)
                if match is not None and (value := self.value(match)) is not None:
                    yield match, value
                    at = max(at, match.end())
                at = seen.lower.find(anchor, at)


def named(names: str, value: str, between: str = BETWEEN) -> re.Pattern[str]:
    """A value behind one of its names; both in lower case."""
    return re.compile(rf"(?<![a-z0-9])(?:{names}){between}(?P<v>{value})")
