"""Conformance cases: a limit of bytes, and rows that are none."""

from typing import Any

import pytest

from wardline.core import canonical
from wardline.core.errors import Malformed
from wardline.core.policy import compiled, conformance, covering, parse
from wardline.core.policy.conformance import Place
from wardline.core.policy.rule import Policy, Rule

PLACE = Place("UTC", covering.OPENING_HOURS)
ROW: list[Any] = ["disk", "fix", "warn", 0, "run", "allowed", 0, {}]


def _rules(count: int) -> tuple[Rule, ...]:
    return tuple(
        parse.rule(
            {
                "id": f"rule-{number}",
                "when": {"kpiId": f"kpi-{number}", "severity": ["warn"]},
                "action": "fix",
                "autoExecute": True,
                "window": {"days": [number % 7], "start": "22:00", "end": "05:00"},
                "params": {"text": "{facts.name} by {delta}"},
            }
        )
        for number in range(count)
    )


def _cover(rules: tuple[Rule, ...], revision: int, bytes_max: int) -> covering.Cover:
    return covering.cover(rules, compiled.build(Policy(rules, revision)), "UTC", bytes_max)


def test_cases_keep_within_the_limit_and_say_how_many_rules_have_none() -> None:
    rules = _rules(60)
    whole = _cover(rules, 1, covering.BYTES_MAX)
    assert whole.without == 0
    assert len(whole.rows) == 2 * len(rules), "each also while its window is closed"
    small = _cover(rules, 1, 2_000)
    assert len(canonical.dumps(list(small.rows))) <= 2_000
    assert 0 < small.without == len(rules) - len(small.rows)
    other = _cover(rules, 2, 2_000)
    assert {row[6] for row in other.rows} != {row[6] for row in small.rows}, (
        "each revision leaves out others"
    )


def test_parameters_are_given_what_they_are_filled_with() -> None:
    (first, *_) = _cover(_rules(1), 1, covering.BYTES_MAX).rows
    assert first[4:6] != ["block", "unresolved_input"]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (0, 7),
        (1, None),
        (2, "awful"),
        (3, "0"),
        (3, True),
        (3, 10**12),
        (4, "maybe"),
        (5, "because"),
        (6, 1),
        (6, -1),
        (6, "rule-0"),
        (7, []),
        (7, {"unknown": 1}),
        (7, {"site": 7}),
        (7, {"facts": []}),
        (7, {"delta": "x"}),
        (7, {"tags": 7}),
        (7, {"tags": [[]]}),
    ],
)
def test_a_row_that_is_none_is_malformed(place: int, value: object) -> None:
    rules = _rules(1)
    assert conformance.case(ROW, PLACE, rules, 0).request.action == "fix"
    row = [*ROW[:place], value, *ROW[place + 1 :]]
    with pytest.raises(Malformed, match=r"cases\.rows\[3\]"):
        conformance.case(row, PLACE, rules, 3)
    for short in ([], ROW[:7], [*ROW, 1], None, "abcdefgh"):
        with pytest.raises(Malformed):
            conformance.case(short, PLACE, rules, 3)
