"""Our conditions against a CEL that others wrote (`common-expression-language`, in Rust).

Both get the same thousands of expressions. Where both accept one, both give the same value or both
fail; `test_differences` in the unit tests lists what we do otherwise on purpose, and the writer of
these expressions keeps clear of it.
"""

from collections import Counter
from random import Random
from typing import Any

import cel
import pytest

from tests.property.core.policy.cel import expressions
from tests.property.core.policy.cel.expressions import Writer
from wardline.core.policy import condition, exact
from wardline.core.policy.cel import build, check, operations, tree
from wardline.core.policy.cel.fault import Fault, Unreadable
from wardline.core.policy.request import Request

EXPRESSIONS = 3_000
EXPRESSIONS_FULL = 60_000
REQUESTS_PER_EXPRESSION = 2
GARBAGE = 3_000
GARBAGE_CHARS_MAX = 60
WORDS = """. , ( ) [ ] { } ? : + - * / % < <= > >= == != ! && || in has size int true false null
    facts delta tags severity facts.count "a" 'b' r'c' 1 2.5 0x1 1u b'x' é = & | $ . 1e all exists
    map string matches '^a' contains startsWith platform if _ __class__ @ ` \\ //"""
PIECES = (*WORDS.split(), "\n", "\x00")

Sums = list[tuple[Any, Any]]


@pytest.fixture
def random(seed: int) -> Random:
    return Random(seed)


@pytest.fixture
def odd_sums(monkeypatch: pytest.MonkeyPatch) -> Sums:
    """The sums of a list and a map that were asked for: the binding appends the keys, where the
    specification has no such operator."""
    noted: Sums = []

    def add(one: Any, other: Any, offset: int) -> Any:
        if isinstance(one, list) and isinstance(other, dict):
            noted.append((one, other))
        return operations.add(one, other, offset)

    monkeypatch.setitem(build._TWO, "+", add)  # type: ignore[arg-type]
    return noted


def outcome_of_ours(run: build.Run, given: Request) -> tuple[str, str]:
    try:
        return "value", shown(exact.plain(run(given)))
    except Fault:
        return "fault", ""


def outcome_of_theirs(text: str, context: dict[str, Any]) -> tuple[str, str]:
    try:
        return "value", shown(cel.evaluate(text, context))
    except (TypeError, ValueError, RuntimeError, KeyError, IndexError, ArithmeticError):
        return "fault", ""


def shown(value: Any) -> str:
    """A value with its types, its keys in order."""
    if isinstance(value, dict):
        return str([(key, shown(value[key])) for key in sorted(value)])
    return str([shown(item) for item in value]) if isinstance(value, list) else repr(value)


def compare(random: Random, odd_sums: Sums, count: int, write: Any) -> Counter[str]:
    seen: Counter[str] = Counter()
    for _ in range(count):
        text = write()
        if len(text) > condition.BYTES_MAX:
            seen["too long"] += 1
            continue
        try:
            node = tree.read(text)
        except Unreadable:
            with pytest.raises(ValueError, match="Failed to parse"):
                cel.compile(text)
            seen["unreadable"] += 1
            continue
        try:
            check.check(node, condition.VARIABLES)
        except Unreadable:
            seen["refused"] += 1
            continue
        run = build.function(node, condition._READERS)
        for _ in range(REQUESTS_PER_EXPRESSION):
            given = expressions.request(random)
            ours = outcome_of_ours(run, given)
            theirs = outcome_of_theirs(text, expressions.context(given))
            seen[ours[0]] += 1
            told = (text, given.facts, given.alert.delta, given.tags)
            assert ours == theirs or odd_sums, told
            odd_sums.clear()
    return seen


def test_values_are_those_of_the_binding(random: Random, odd_sums: Sums) -> None:
    seen = compare(random, odd_sums, EXPRESSIONS, Writer(random).anything)
    assert min(seen["value"], seen["fault"], seen["refused"]) > EXPRESSIONS // 20, seen


def test_conditions_are_answered_as_the_binding_does(random: Random, odd_sums: Sums) -> None:
    seen = compare(random, odd_sums, EXPRESSIONS, Writer(random).condition)
    assert seen["value"] > EXPRESSIONS // 2, seen


@pytest.mark.full
def test_values_are_those_of_the_binding_for_many(random: Random, odd_sums: Sums) -> None:
    compare(random, odd_sums, EXPRESSIONS_FULL, Writer(random).anything)
    compare(random, odd_sums, EXPRESSIONS_FULL, Writer(random).condition)


def test_an_expression_of_fitting_types_is_never_refused(random: Random) -> None:
    writer = Writer(random, noise=0.0)
    seen: Counter[bool] = Counter()
    for _ in range(EXPRESSIONS // 4):
        text = writer.condition()
        if len(text) > condition.BYTES_MAX:
            continue
        why = condition.problem(text)
        # Two literals that differ are never equal, and the checker says so.
        assert why is None or "never" in why, text
        seen[why is None] += 1
    assert seen[True] > 20 * seen[False], seen


def test_what_reads_for_us_reads_for_the_binding_and_nothing_else_comes_out(random: Random) -> None:
    read = 0
    for text in garbage(random):
        refused = refusal(text)
        if refused is None:
            read += 1
            cel.compile(text)
        else:
            assert 0 <= refused.offset <= len(text)
            assert refused.why
        why = condition.problem(text)
        assert why is None or why.startswith("line ")
    assert read > GARBAGE // 100


def refusal(text: str) -> Unreadable | None:
    try:
        tree.read(text)
    except Unreadable as refused:
        return refused
    return None


def garbage(random: Random) -> list[str]:
    """Pieces of the language in any order, damaged expressions, and plain noise."""
    writer = Writer(random)
    made = []
    for number in range(GARBAGE):
        if number % 3 == 0:
            made.append(" ".join(random.choices(PIECES, k=random.randint(1, 8))))
        elif number % 3 == 1:
            made.append(damaged(random, writer.condition()))
        else:
            chars = [
                chr(random.choice((random.randrange(128), random.randrange(0xD7FF))))
                for _ in range(random.randint(0, GARBAGE_CHARS_MAX))
            ]
            made.append("".join(chars))
    return made


def damaged(random: Random, text: str) -> str:
    text = text[: condition.BYTES_MAX // 2]
    for _ in range(random.randint(1, 2)):
        place = random.randint(0, len(text))
        cut = place + random.randint(0, 2)
        text = text[:place] + random.choice(["", *PIECES]) + text[cut:]
    return text
