"""A fault at a random step of a repair, again and again: nothing is called healed that is not."""

import random
from pathlib import Path

import pytest

from tests.integration.healing.random_runs import Runs

RUNS, RUNS_FULL = 50, 1000
# Of the runs at least; a fault at a step that a failed run never comes to is none.
STRUCK_SHARE = 0.6


def test_no_run_with_a_fault_at_a_random_step_is_a_false_heal(
    healthy: Path, tmp_path: Path, seed: int, pytestconfig: pytest.Config
) -> None:
    count = RUNS_FULL if pytestconfig.getoption("--full") else RUNS
    runs = Runs(tmp_path / "runs", healthy, random.Random(seed))
    try:
        runs.run(count)
    finally:
        runs.close()
    print(f"{runs.made} runs, {runs.struck} met their fault, {dict(runs.ends)}")
    assert runs.stage.false_heals == []
    assert runs.problems == []
    assert runs.made == count
    assert runs.struck >= STRUCK_SHARE * count
    assert {"healed", "failed", "open"} <= set(runs.ends)
