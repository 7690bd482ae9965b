"""A diff between any two sets of rules makes the second of the first, and back."""

import pytest

from tests.property.core.policy.draw import Draw
from wardline.core import canonical
from wardline.core.policy import diff, parse

ROUNDS = 300


def _set(draw: Draw) -> dict[str, dict[str, object]]:
    return {rule.id: parse.to_wire(rule) for rule in draw.rules()}


@pytest.mark.parametrize("part", range(4))
def test_applied_to_one_set_it_gives_the_other(part: int, seed: int) -> None:
    draw = Draw(seed + part)
    differed = 0
    for _ in range(ROUNDS):
        one, other = _set(draw), _set(draw)
        there, back = diff.between(one, other), diff.between(other, one)
        assert canonical.dumps(diff.applied(there, one)) == canonical.dumps(other)
        assert canonical.dumps(diff.applied(back, other)) == canonical.dumps(one)
        outlined = diff.outline(one, other)
        assert [(each.rule_id, each.change) for each in outlined] == [
            (each.rule_id, each.change) for each in there
        ]
        paths = [field.path for change in there for field in change.fields]
        assert len(paths) >= sum(change.change.value == "changed" for change in there)
        differed += len(there)
        assert diff.between(one, one) == ()
    assert differed > ROUNDS
