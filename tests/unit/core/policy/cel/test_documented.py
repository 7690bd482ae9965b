"""What docs/policy-language.md shows is what the language takes, and its limits are the code's."""

import json
import re
from pathlib import Path

import pytest

from wardline.core.policy import condition
from wardline.core.policy.cel import check, operations, pattern, tree

PAGE = (Path(__file__).parents[5] / "docs" / "policy-language.md").read_text("utf-8")
EXAMPLES = PAGE.split("### Examples")[1].split("```")[1].split("\n")[1:-1]


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_a_condition(text: str) -> None:
    assert condition.problem(text) is None


def test_the_rule_s_example_is_a_condition() -> None:
    (written,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert condition.problem(json.loads(written)["condition"]) is None
    assert len(EXAMPLES) > 5


def test_every_variable_and_function_has_its_place_on_the_page() -> None:
    for name in condition.VARIABLES:
        assert f"`{name}`" in PAGE
    for name in check.FUNCTIONS:
        assert f"{name}(" in PAGE


def test_the_limits_are_those_of_the_code() -> None:
    limits = PAGE.split("### Limits")[1].split("### Examples")[0].replace(",", "")
    for limit in (
        condition.BYTES_MAX,
        tree.NESTED_MAX,
        tree.DEPTH_MAX,
        pattern.POSITIONS_MAX,
        pattern.TEXT_CHARS_MAX,
        operations.ITEMS_MAX,
        operations.COMPARED_MAX,
    ):
        assert re.search(rf"\b{limit}\b", limits), limit
