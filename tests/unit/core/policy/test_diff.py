"""What differs between two sets of rules, told by path, and put to use."""

from decimal import Decimal
from typing import Any

import pytest

from wardline.core.policy import diff
from wardline.core.policy.diff import DoesNotApply

BODY: dict[str, Any] = {
    "id": "a",
    "when": {"kpiId": "disk", "severity": ["warn"]},
    "params": {"unit price": {"$decimal": "1.5"}, "deep": {"x": None}},
}


def told(before: Any, after: Any) -> list[dict[str, Any]]:
    (change,) = diff.between({"a": before}, {"a": after})
    wire: list[dict[str, Any]] = change.to_wire()["fields"]
    return wire


def test_fields_are_told_by_their_paths_with_both_values() -> None:
    after = BODY | {
        "when": {"kpiId": "disk", "severity": ["warn", "crit"]},
        "params": {"unit price": {"$decimal": "2.5"}, "deep": {}, "it's": 1},
    }
    assert told(BODY, after) == [
        {"path": "$.params.deep.x", "before": None},
        {"path": "$.params['it\\'s']", "after": 1},
        {"path": "$.params['unit price']", "before": 1.5, "after": 2.5},
        {"path": "$.when.severity", "before": ["warn"], "after": ["warn", "crit"]},
    ]


def test_a_map_that_comes_or_goes_is_told_whole() -> None:
    bare = {key: value for key, value in BODY.items() if key != "params"}
    assert [set(each) for each in told(bare, BODY)] == [{"path", "after"}]
    assert [set(each) for each in told(BODY, bare)] == [{"path", "before"}]


def test_true_is_not_one_and_an_absent_field_is_not_null() -> None:
    assert told(BODY | {"x": 1}, BODY | {"x": True}) == [
        {"path": "$.x", "before": 1, "after": True}
    ]
    assert told(BODY, BODY | {"x": None}) == [{"path": "$.x", "after": None}]


def test_rules_come_change_and_go_by_id() -> None:
    other = BODY | {"id": "b"}
    changes = diff.between({"a": BODY, "c": BODY}, {"b": other, "a": BODY | {"action": "x"}})
    assert [(each.rule_id, each.change.value) for each in changes] == [
        ("a", "changed"),
        ("b", "added"),
        ("c", "removed"),
    ]
    assert changes[1].to_wire()["after"]["params"]["unit price"] == 1.5
    assert changes[2].to_wire()["before"]["id"] == "a"


def test_equal_sets_do_not_differ() -> None:
    assert diff.between({"a": BODY}, {"a": {**BODY}}) == ()


def test_a_diff_does_not_touch_what_it_is_applied_to() -> None:
    changes = diff.between({"a": BODY}, {"a": BODY | {"params": {"deep": {"x": 1}}}})
    made = diff.applied(changes, {"a": BODY})
    assert made["a"]["params"] == {"deep": {"x": 1}}
    assert BODY["params"]["deep"] == {"x": None}


@pytest.mark.parametrize(
    "held",
    [
        {},
        {"a": BODY | {"priority": 7}},
        {"a": BODY | {"priority": True}},
        {"a": {"id": "a"}},
    ],
)
def test_a_diff_of_other_rules_is_refused(held: Any) -> None:
    before = BODY | {"priority": 1}
    changes = diff.between({"a": before}, {"a": BODY | {"priority": 2, "params": {"deep": {}}}})
    with pytest.raises(DoesNotApply):
        diff.applied(changes, held)
    gone = diff.between({"a": before}, {})
    with pytest.raises(DoesNotApply):
        diff.applied(gone, held)
    with pytest.raises(DoesNotApply):
        diff.applied(diff.between({}, {"a": before}), {"a": before})


def test_decimals_are_numbers_in_what_is_told() -> None:
    (change,) = diff.between({}, {"a": {"id": "a", "n": Decimal("1.25")}})
    assert change.to_wire()["after"]["n"] == 1.25
