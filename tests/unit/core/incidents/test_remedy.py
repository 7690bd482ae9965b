"""Which remedies match a failed check, in which order, and what inputs they give a run."""

import time
from typing import Any

import pytest

from wardline.core.errors import Malformed
from wardline.core.incidents import remedy
from wardline.core.incidents.remedy import Condition, Operator, Remedy, UnresolvedInput

FACTS: dict[str, Any] = {
    "failing": ["b", "a"],
    "count": 3,
    "known": True,
    "deep": {"where": "/etc/x", "empty": []},
}


@pytest.mark.parametrize(
    ("fact", "operator", "value", "holds"),
    [
        ("count", "eq", 3, True),
        ("count", "eq", True, False),
        ("known", "eq", 1, False),
        ("known", "eq", True, True),
        ("deep.where", "eq", "/etc/x", True),
        ("deep.empty", "eq", [], True),
        ("failing", "eq", ["a", "b"], False),
        ("missing", "eq", None, False),
        ("count", "ne", 3, False),
        ("missing", "ne", 3, True),
        ("deep.where.more", "ne", 3, True),
        ("failing", "contains", "a", True),
        ("failing", "contains", "c", False),
        ("deep.where", "contains", "etc", True),
        ("count", "contains", 3, False),
        ("missing", "contains", "a", False),
        ("deep.where", "regex", "^/etc/[a-z]+$", True),
        ("deep.where", "regex", "tc", True),
        ("deep.where", "regex", "^etc", False),
        ("failing", "regex", "a", False),
        ("count", "regex", "3", False),
        ("missing", "regex", "", False),
        ("count", "gt", 2, True),
        ("count", "gt", 3, False),
        ("known", "gt", 0, False),
        ("missing", "lt", 5, False),
        ("count", "lt", 4, True),
        ("count", "in", [1, 3], True),
        ("known", "in", [1], False),
        ("missing", "in", [None], False),
        ("count", "not_in", [1, 2], True),
        ("missing", "not_in", [1], True),
        ("count", "exists", True, True),
        ("missing", "exists", True, False),
        ("missing", "exists", False, True),
    ],
)
def test_condition(fact: str, operator: str, value: Any, holds: bool) -> None:
    one = Remedy("check", (Condition(fact, Operator(operator), value),), "book", {}, 10)
    assert remedy.matches(one, "check", FACTS) is holds


def test_a_pattern_that_others_choke_on_is_answered_in_time_linear_in_the_text() -> None:
    evil = Remedy("c", (Condition("text", Operator.REGEX, "^(a+)+$"),), "book", {}, 1)
    spent = []
    for size in (1_000, 4_000):
        began = time.process_time()
        assert not remedy.matches(evil, "c", {"text": "a" * size + "!"})
        spent.append(time.process_time() - began)
    assert spent[1] < max(20 * spent[0], 0.5)
    assert not remedy.matches(evil, "c", {"text": "a" * 5_000}), "too long to be tried"


@pytest.mark.parametrize("value", [3, None, "(", "a{999}", "(?=a)", "\\1", "a" * 513])
def test_a_pattern_that_cannot_be_read_is_refused_when_it_is_loaded(value: Any) -> None:
    with pytest.raises(Malformed, match="regex"):
        remedy.check_condition(Condition("a", Operator.REGEX, value), "conditions[0]")


def test_every_operator_is_tried_above() -> None:
    marks = test_condition.pytestmark  # type: ignore[attr-defined]
    assert {case[1] for case in marks[0].args[1]} == set(Operator)


def test_all_conditions_must_hold_and_the_check_must_be_the_same() -> None:
    both = (Condition("count", Operator.GT, 2), Condition("count", Operator.LT, 3))
    assert not remedy.matches(Remedy("check", both, "book", {}, 1), "check", FACTS)
    assert not remedy.matches(Remedy("check", (), "book", {}, 1), "other", FACTS)


def test_candidates_come_in_their_order() -> None:
    late, early = Remedy("c", (), "a", {}, 20), Remedy("c", (), "b", {}, 10)
    other = Remedy("d", (), "x", {}, 1)
    assert remedy.candidates((late, other, early), "c", FACTS) == (early, late)


def test_inputs_are_taken_from_facts_as_they_are_or_into_text() -> None:
    one = Remedy(
        "c", (), "b", {"keys": "{facts.failing}", "say": "at {facts.deep.where}", "fix": [1]}, 1
    )
    assert remedy.inputs(one, FACTS) == {"keys": ["b", "a"], "say": "at /etc/x", "fix": [1]}


@pytest.mark.parametrize("path", ["missing", "deep.missing", "count.more"])
def test_a_missing_fact_never_leaks_a_placeholder(path: str) -> None:
    one = Remedy("c", (), "b", {"keys": [f"x {{facts.{path}}}"]}, 1)
    with pytest.raises(UnresolvedInput, match="input keys"):
        remedy.inputs(one, FACTS)


@pytest.mark.parametrize(
    ("operator", "value"), [("in", 1), ("not_in", "x"), ("gt", True), ("lt", "3"), ("exists", 1)]
)
def test_a_value_that_does_not_suit_its_operator_is_refused(operator: str, value: Any) -> None:
    with pytest.raises(Malformed, match="here"):
        remedy.check_condition(Condition("x", Operator(operator), value), "here")


@pytest.mark.parametrize(
    "one",
    [
        Condition("gone", Operator.NE, True),
        Condition("gone", Operator.NOT_IN, ["x"]),
        Condition("gone", Operator.EXISTS, False),
        Condition("gone", Operator.EQ, None),
    ],
)
def test_a_precondition_on_a_fact_that_is_not_there_never_holds(one: Condition) -> None:
    """As a condition such a question may be answered; where it is what makes a run safe, it is
    not known."""
    assert remedy.unmet((one,), FACTS) == "nothing is known of gone"
    assert not remedy.matches(Remedy("c", (), "b", {}, 1, preconditions=(one,)), "c", FACTS)


def test_a_remedy_is_told_from_the_others_of_its_runbook_by_its_inputs() -> None:
    one, other = Remedy("c", (), "b", {"a": ["x"]}, 1), Remedy("c", (), "b", {"a": ["y"]}, 2)
    assert one.mark != other.mark
    assert one.mark == Remedy("c", (), "b", {"a": ["x"]}, 0, "pattern").mark
    assert Remedy("c", (), "b", {}, 1).mark == "b"
