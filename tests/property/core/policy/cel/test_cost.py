"""What a condition may cost: a bound per byte to read one, and a bound to ask one, whoever wrote it."""

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from tests.property.core.policy.cel import expressions
from tests.property.core.policy.cel.expressions import Writer
from wardline.core.policy import condition
from wardline.core.policy.cel import pattern, tree
from wardline.core.policy.condition import ConditionFailed
from wardline.core.policy.request import Alert, Request
from wardline.core.severity import Severity

# On a machine where one read of `delta > 1` takes 20 us; both are some ten times what is seen.
READ_US_PER_BYTE = 60
READ_US_LEAST = 4_000  # a pattern may repeat what is written once: 128 positions in seven bytes
ASK_MS_MAX = 250
EXPRESSIONS = 400
TRIES = 3


def filled(unit: str, before: str = "", after: str = "") -> str:
    """`unit` as often as fits into the longest condition."""
    room = condition.BYTES_MAX - len(before) - len(after)
    return before + unit * (room // len(unit)) + after


HOSTILE = [
    filled("+1", "1"),
    filled("-", after="1"),
    filled("!", after="true"),
    filled("("),
    filled("["),
    filled("{'a':"),
    filled("a?b:", after="c"),
    filled(".a", "facts"),
    filled("[0]", "facts"),
    filled("true||", after="true"),
    filled("1<", after="1"),
    filled("size(", after="1"),
    filled("x"),
    filled("9"),
    filled("9", "1e"),
    filled("'"),
    filled('"'),
    filled('"""'),
    filled("\\", "'", "'"),
    filled("\\x61", "'", "'"),
    filled("/"),
    filled("\n"),
    filled("é"),
    filled("r'"),
    *(
        f"facts.s.matches('{wrote}')"
        for wrote in (
            "(((((a*)*)*)*)*)*$",
            "(a|a|a|a|a|a|a|a)*b$",
            "(x+x+)+y",
            "((a?){8}){8}b",
            "(.*){64}",
            "[^a]" * 60,
            "((((){64}){64}){64}){64}",
            "(" * 400,
            "a{64}{64}",
            ".{64}.{64}$",
        )
    ),
    filled("facts.s.matches('.{63}b$')||", after="false"),
    filled("1 in facts.l||", after="false"),
    filled("'z' in facts.l||", after="false"),
    filled("facts.l==facts.l&&", after="true"),
    filled("facts.l+", "size(", "facts.l)>1"),
    filled("facts.s.contains(facts.t)||", after="false"),
    filled("(facts.m==facts.m)&&", after="true"),
]
FACTS: dict[str, Any] = {
    "yes": True,
    "s": "a" * pattern.TEXT_CHARS_MAX,
    "t": "a" * (pattern.TEXT_CHARS_MAX // 2) + "b",
    "l": [2] * 10_000,
    "m": {f"k{number}": {"a": [1, 2]} for number in range(2_400)},
}


def request() -> Request:
    alert = Alert("a", "disk", "", "", Severity.HIGH, 3)
    return Request(alert, datetime(2026, 11, 20, tzinfo=UTC), "UTC", "d", facts=FACTS)


def least_us(work: Callable[[], object]) -> float:
    """Processor time of the quickest of some tries: what others do on the machine is not ours."""
    taken = []
    for _ in range(TRIES):
        began = time.thread_time_ns()
        work()
        taken.append((time.thread_time_ns() - began) / 1000)
    return min(taken)


def assert_read_in_time(text: str) -> None:
    bound = max(READ_US_LEAST, READ_US_PER_BYTE * len(text.encode("utf-8", "replace")))
    assert least_us(lambda: condition.read(text)) < bound, text


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:24])
def test_the_worst_we_know_is_read_and_asked_in_time(text: str) -> None:
    assert_read_in_time(text)
    ready = condition.ready(text)
    given = request()

    def ask() -> None:
        try:
            ready.holds(given)
        except ConditionFailed:
            pass

    assert least_us(ask) < ASK_MS_MAX * 1000


def test_whatever_is_written_is_read_in_time(seed: int) -> None:
    writer = Writer(Random(seed))
    for _ in range(EXPRESSIONS):
        assert_read_in_time(writer.condition()[: condition.BYTES_MAX])


def test_what_is_too_long_costs_nothing() -> None:
    assert least_us(lambda: condition.read("1+" * 20_000 + "1")) < READ_US_LEAST


def test_a_drawn_condition_is_asked_in_microseconds(seed: int) -> None:
    random = Random(seed)
    writer = Writer(random)
    for _ in range(EXPRESSIONS):
        text = writer.condition()[: condition.BYTES_MAX]
        ready, given = condition.ready(text), expressions.request(random)

        def ask(ready: condition.Condition = ready, given: Request = given) -> None:
            try:
                ready.holds(given)
            except ConditionFailed:
                pass

        assert least_us(ask) < 1_000, text


def test_the_deepest_condition_is_read_and_asked_on_a_stack_that_is_half_used() -> None:
    deep = ("1||1&&1==1+1*(", "size(", "has(facts.a)?true:(", "[", "-(", "facts[", "1>0||2>1&&!(")
    given = request()
    told: list[str] = []

    def descend(left: int) -> None:
        if left:
            descend(left - 1)
            return
        for unit in deep:
            for times in (10, tree.NESTED_MAX - 1, tree.NESTED_MAX):
                closing = "".join({"(": ")", "[": "]"}.get(char, "") for char in unit * times)
                text = f"{unit * times}facts.yes{closing}"
                ready = condition.read(text[: condition.BYTES_MAX])
                try:
                    told.append(str(ready.holds(given)))
                except ConditionFailed as failed:
                    told.append(str(failed))

    descend(sys.getrecursionlimit() // 2)
    assert len(told) == 3 * len(deep)
    assert any("nested deeper" in each for each in told)
    assert "True" in told
