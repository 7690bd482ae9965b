"""Counting what a change turns, against deciding every request by both sets of rules."""

from collections import Counter
from dataclasses import replace

import pytest

from tests.property.core.policy.draw import Draw
from wardline.core.policy import compiled, evaluate, shift
from wardline.core.policy.decision import Verdict
from wardline.core.policy.rule import Policy, Rule

SETS = 60
KEPT = 25


@pytest.fixture
def draw(seed: int) -> Draw:
    return Draw(seed)


def test_the_turns_are_those_of_deciding_twice(draw: Draw) -> None:
    seen = Counter[tuple[Verdict, Verdict]]()
    for _ in range(SETS):
        old = draw.rules() or [draw.rule("r0")]
        changed = draw.rule(draw.random.choice(old).id)
        new = [*(rule for rule in old if rule.id != changed.id), changed]
        kept = [
            (replace(draw.request(), decision_id=f"d{number}"), draw.state())
            for number in range(KEPT)
        ]
        before = compiled.build(Policy(tuple(old), 1))
        after = before.with_rules([changed], (), revision=2, epoch=1)
        turns = Counter(
            (decided(old, *each), decided(new, *each))
            for each in kept
            if decided(old, *each) is not decided(new, *each)
        )
        found = shift.between(iter(kept), before, after)
        assert (found.judged, found.turns) == (KEPT, dict(turns))
        assert found.new_runs == turns[Verdict.BLOCK, Verdict.RUN]
        for turn, named in found.examples.items():
            assert len(named) == min(found.turns[turn], shift.EXAMPLES_MAX)
            by_id = {request.decision_id: (request, state) for request, state in kept}
            for decision_id in named:
                assert (
                    decided(old, *by_id[decision_id]),
                    decided(new, *by_id[decision_id]),
                ) == turn
        seen += turns
    assert seen[Verdict.BLOCK, Verdict.RUN]
    assert seen[Verdict.RUN, Verdict.BLOCK]


def decided(rules: list[Rule], *about: object) -> Verdict:
    return evaluate.evaluate(Policy(tuple(rules), 0), *about).verdict  # type: ignore[arg-type]


def test_rules_that_did_not_change_are_not_asked_again(draw: Draw) -> None:
    rules = [replace(draw.rule("r0"), action="fix"), replace(draw.rule("r1"), action="other")]
    before = compiled.build(Policy(tuple(rules), 1))
    other = replace(rules[1], enabled=not rules[1].enabled)
    after = before.with_rules([other], (), revision=2, epoch=1)
    kept = [(replace(draw.request(), action="fix"), draw.state()) for _ in range(KEPT)]
    assert shift.between(kept, before, after) == shift.Shift(KEPT, {})
    assert shift.between(kept, before, after).to_wire() == {
        "judged": KEPT,
        "deniedToRun": 0,
        "turns": [],
    }
