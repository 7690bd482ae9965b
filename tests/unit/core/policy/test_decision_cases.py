"""Every case file: rules, a request and a state in; the wanted decision and trace out."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.core.policy import scene
from wardline.core import canonical
from wardline.core.policy import barred, exact, parse
from wardline.core.policy.decision import Check

FOLDER = Path(__file__).parent / "cases"
CASES = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in sorted(FOLDER.glob("*.yaml"))
    for case in yaml.safe_load(path.read_text("utf-8"))
]
ORDER = [check.value for check in Check if check not in barred.CHECKS | {Check.LOG_ONLY}]


@pytest.mark.parametrize("case", CASES)
def test_case_gives_the_wanted_decision_and_trace(case: dict[str, Any]) -> None:
    rules = list(parse.rules(case["rules"]))
    request = scene.request(**case.get("request", {}))
    decision = scene.decide(rules, request, scene.state(**case.get("state", {})))
    wire = exact.plain(decision.to_wire())

    assert {key: wire.get(key) for key in case["wanted"]} == case["wanted"]
    outcomes = scene.outcomes(decision)
    assert {check: outcomes[check].value for check in case["trace"]} == case["trace"]
    assert [step.check.value for step in decision.trace][: len(ORDER)] == ORDER
    for text in case.get("told", []):
        assert any(text in step.detail for step in decision.trace), decision.trace
    assert canonical.dumps(decision.to_wire())


def test_there_are_cases() -> None:
    assert len(CASES) > 30
