"""Patterns of `matches` against Python's `re` and the binding, over many drawn ones."""

import re
from random import Random

import cel
import pytest

from wardline.core.policy.cel import pattern
from wardline.core.policy.cel.fault import Unreadable

PATTERNS = 1_500
TEXTS_PER_PATTERN = 8
LEVELS_MAX = 4
OFFSET = 7
LETTERS = "ab1_-. \n"
ATOMS = (*"ab1_-", ".", "\\d", "\\w", "\\s", "\\D", "\\W", "\\S", "\\.", "\\x61", "[ab]", "[^a]")
CLASSES = ("[a-b1]", "[^\\d_]", "[\\w-]", "[ab.-]", "[^\\n]", "[\\s\\-]")
REPEATS = ("*", "+", "?", "{2}", "{1,}", "{0,2}", "{1,3}", "*?", "+?", "??", "{1,2}?", "{0}")


@pytest.fixture
def random(seed: int) -> Random:
    return Random(seed)


def written(random: Random, levels: int) -> str:
    form = random.randrange(6) if levels else 0
    if form <= 1:
        return random.choice(ATOMS + CLASSES)
    if form == 2:
        return f"({random.choice(('', '?:'))}{written(random, levels - 1)})"
    if form == 3:
        one, other = written(random, levels - 1), written(random, levels - 1)
        return f"(?:{one}|{other})" if random.random() < 0.8 else f"({one}|)"
    if form == 4:
        return f"(?:{written(random, levels - 1)}){random.choice(REPEATS)}"
    return "".join(written(random, levels - 1) for _ in range(random.randint(0, 3)))


def anchored(random: Random) -> str:
    inner = written(random, random.randint(0, LEVELS_MAX))
    return random.choice(("", "^")) + inner + random.choice(("", "$"))


def text(random: Random) -> str:
    return "".join(random.choices(LETTERS, k=random.randint(0, 9)))


def made_of(wrote: str) -> pattern.Pattern | Unreadable:
    try:
        return pattern.read(wrote, OFFSET)
    except Unreadable as refused:
        return refused


def test_a_pattern_finds_what_the_others_find(random: Random) -> None:
    seen = {True: 0, False: 0}
    read = 0
    for _ in range(PATTERNS):
        wrote = anchored(random)
        made = made_of(wrote)
        if isinstance(made, Unreadable):
            assert "repetitions counted" in made.why
            continue
        read += 1
        # RE2's $ is the end of the text, Python's also stands before a last line feed.
        python = re.compile(wrote.replace("$", r"\Z"), re.ASCII)
        for number in range(TEXTS_PER_PATTERN):
            given = text(random)
            found = made.found_in(given)
            assert found is bool(python.search(given)), (wrote, given)
            if number == 0:
                theirs = cel.evaluate("text.matches(pattern)", {"text": given, "pattern": wrote})
                assert found is theirs, (wrote, given)
            seen[found] += 1
    assert read > PATTERNS * 0.9
    assert min(seen.values()) > PATTERNS / 2, seen


def test_noise_is_read_or_refused(random: Random) -> None:
    pieces = [*ATOMS, *CLASSES, *REPEATS, *"()[]{}|^$\\*+?,", "(?i)", "\\b", "(?P<x>", "[[:a:]]"]
    for _ in range(PATTERNS):
        wrote = "".join(random.choices(pieces, k=random.randint(1, 12)))
        made = made_of(wrote)
        if isinstance(made, Unreadable):
            assert made.offset == OFFSET
            continue
        for _ in range(2):
            assert made.found_in(text(random)) in (True, False)
