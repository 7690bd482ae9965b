"""The digest of what is in force: the same for the same, another for anything else."""

import re

from wardline.core.incidents import in_force


def test_the_same_state_has_the_same_digest() -> None:
    assert in_force.digest(1, 7, 3) == in_force.digest(1, 7, 3)
    assert re.fullmatch("[0-9a-f]{64}", in_force.digest(1, 7, 3))


def test_each_part_counts() -> None:
    states = [(1, 7, 3), (2, 7, 3), (1, 8, 3), (1, 7, 4), (1, 3, 7)]
    assert len({in_force.digest(*state) for state in states}) == len(states)
